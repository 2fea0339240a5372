// All keys of the client in one table: it feeds the handler and the page that `?` opens.
import { current, rooms } from "./hub.js";
import { go, pathOf, route } from "./router.js";
import { read } from "./acts.js";
import { later, dialog } from "../ui/dialogs.js";
import { sorted } from "../ui/side.js";
import { openSwitcher } from "../ui/switcher.js";

/** Groups of [keys, key of the words]. */
export const TABLE = /** @type {const} */ ([
  ["keys.go", [["Ctrl K", "keys.switch"], ["Alt ↑ / Alt ↓", "keys.room"], ["Alt Shift ↑ / ↓", "keys.unread"], ["Alt A", "keys.next"], ["Ctrl F", "keys.find"], ["Ctrl Shift F", "keys.search"], ["F6", "keys.areas"], ["Esc", "keys.esc"], ["?", "keys.help"]]],
  ["keys.log", [["↑ ↓ Home End PgUp PgDn", "keys.move"], ["Enter →", "keys.actions"], ["R", "act.reply"], ["E", "act.edit"], ["+", "act.react"], ["C", "act.link"], ["U", "act.unread"], ["Del", "act.remove"]]],
  ["keys.write", [["Enter", "key.send"], ["Shift Enter", "key.line"], ["↑", "keys.last"], ["@ # : /", "keys.offer"], ["Esc", "keys.back"]]],
]);

/** @param {EventTarget | null} target */
const writes = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** @param {number} step @param {boolean} [unread] */
function move(step, unread = false) {
  const { mine, directs } = sorted();
  const all = [...mine, ...directs];
  const at = current.peek() ? all.indexOf(/** @type {any} */ (current.peek())) : -1;
  for (let i = 1; i <= all.length; i += 1) {
    const next = all[(at + step * i + all.length * (i + 1)) % all.length];
    if (!unread || next.unread > 0) {
      go(pathOf(next));
      return;
    }
  }
}

/** Mentions first. */
function nextUnread() {
  const all = [...rooms.values()].filter((room) => room.unread > 0 && room !== current.peek());
  const next = all.find((room) => room.mentions > 0) ?? all[0];
  if (next) go(pathOf(next));
}

/** From area to area: rooms, log, composer, panel. @param {number} step */
function area(step) {
  const stops = /** @type {HTMLElement[]} */ (["#side", ".log", "#composer", "#panel", "#main"].map((find) => document.querySelector(find)).filter(Boolean));
  const list = stops.filter((stop) => stop.id !== "main" || stops.length < 3);
  const here = list.findIndex((stop) => stop === document.activeElement || stop.contains(document.activeElement));
  const next = list[(here + step + list.length) % list.length];
  const inner = next.matches(".log") ? (next.querySelector('[data-key][tabindex="0"]') ?? next) : next.matches("#side") ? (next.querySelector("[aria-current]") ?? next) : next;
  /** @type {HTMLElement} */ (inner)?.focus();
}

/** Starts listening. Keys that an input method uses are left alone. */
export function listen() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    const { code, key, altKey: alt, shiftKey: shift } = event;
    const ctrl = event.ctrlKey || event.metaKey;
    const open = dialog.peek();
    const inRoom = route.peek().page === "room";
    if (open) return;
    if (ctrl && !alt && !shift && code === "KeyK") openSwitcher();
    else if (ctrl && !alt && shift && code === "KeyF") go("/search");
    else if (ctrl && !alt && !shift && code === "KeyF" && inRoom && document.activeElement?.closest(".log")) go(`/search?in=${encodeURIComponent(current.peek()?.name ?? "")}`);
    else if (alt && !ctrl && (code === "ArrowUp" || code === "ArrowDown")) move(code === "ArrowUp" ? -1 : 1, shift);
    else if (alt && !ctrl && !shift && code === "KeyA") nextUnread();
    else if (code === "F6" && !ctrl && !alt) area(shift ? -1 : 1);
    else if (key === "Escape" && inRoom) {
      const field = document.querySelector("#composer");
      const one = current.peek();
      if (document.activeElement === document.body && one) read(one);
      /** @type {HTMLElement | null} */ (field)?.focus();
    } else if (key === "?" && !ctrl && !alt && !writes(event.target)) later("Keys");
    else {
      // Typing anywhere goes to the composer; Space and Enter belong to buttons.
      const field = inRoom ? document.querySelector("#composer") : null;
      if (key.length === 1 && key !== " " && !ctrl && !alt && field && !writes(event.target) && !(event.target instanceof Element && event.target.closest("[data-key]"))) /** @type {HTMLElement} */ (field).focus();
      return;
    }
    event.preventDefault();
  });
}
