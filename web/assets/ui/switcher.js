// The switcher: rooms, people and commands in one list. It comes with the first view, because one types on at once.
import { html, useRef, useState } from "../app/lib.js";
import { t } from "../app/words.js";
import { isAdmin, me, titleOf } from "../app/hub.js";
import { go, pathOf } from "../app/router.js";
import { Dialog, closeThen, later, show } from "./dialogs.js";
import { Icon, Plate } from "./icons.js";
import { dotOf, iconOf, sorted } from "./side.js";

const FOUND = 40;

/** What the switcher can do beside going to places. */
const ORDERS = /** @type {const} */ ([["room.new", "plus", "new"], ["search.title", "search", "/search"], ["settings.title", "gear", "/settings"], ["keys.title", "code", "keys"], ["side.admin", "shield", "/admin/accounts"]]);

/** Rooms, people and commands in one list, unread first. @param {{people?: boolean}} props */
export function Switcher({ people }) {
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useRef();
  const folded = words.trim().replace(/^[#@]/, "").toLowerCase();
  const { mine, directs, others } = sorted();
  /** @type {any[]} */
  let all = [];
  if (!people) all = [...mine, ...directs, ...others].map((room) => ({ key: room.name, room, name: titleOf(room), unread: room.mentions * 1000 + room.unread, run: () => go(pathOf(room)) }));
  const names = new Map();
  for (const room of [...mine, ...directs]) {
    for (const person of room.folk) names.set(person.nickname, person);
    for (const item of room.items) if ((item.base.sender_kind ?? "account") !== "system") names.set(item.base.sender_nickname, names.get(item.base.sender_nickname) ?? { nickname: item.base.sender_nickname, kind: item.base.sender_kind, id: item.base.sender_id });
  }
  names.delete(me.value?.nickname);
  for (const room of directs) if (!people) names.delete(room.with);
  for (const person of names.values()) all.push({ key: `p${person.nickname}`, person, name: person.nickname, unread: 0, run: () => go(`/directs/${encodeURIComponent(person.nickname)}`) });
  if (!people) {
    for (const [key, icon, what] of ORDERS) {
      if (what === "/admin/accounts" && !isAdmin.value) continue;
      if (what === "new" && me.value?.kind !== "account") continue;
      all.push({ key, icon, name: t(key), unread: -1, order: true, run: () => (what === "new" ? later("NewRoom") : what === "keys" ? later("Keys") : go(what)) });
    }
  }
  const found = all.filter((one) => one.name.toLowerCase().includes(folded))
    .sort((a, b) => (folded ? Number(b.name.toLowerCase().startsWith(folded)) - Number(a.name.toLowerCase().startsWith(folded)) : 0) || b.unread - a.unread).slice(0, FOUND);
  if (folded && !found.some((one) => one.name.toLowerCase() === folded)) {
    const name = words.trim().replace(/^[#@]/, "");
    if (!people && !words.startsWith("@")) found.push({ key: "+room", icon: "room", name: t("switch.room", { name }), run: () => go(`/rooms/${encodeURIComponent(name)}`) });
    found.push({ key: "+with", icon: "people", name: t("switch.with", { name }), run: () => go(`/directs/${encodeURIComponent(name)}`) });
  }
  const at = Math.min(chosen, found.length - 1);
  const take = (/** @type {any} */ one) => closeThen(one.run);
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[/** @type {"ArrowDown"} */ (event.key)];
    if (step) {
      const next = Math.max(0, Math.min(found.length - 1, at + step));
      setChosen(next);
      /** @type {any} */ (list.current)?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && found[at]) take(found[at]);
    else return;
    event.preventDefault();
  };
  const label = t(people ? "switch.person" : "switch.find");
  return html`<${Dialog} title=${t(people ? "direct.new" : "switch.title")}>
    <input class="inp" type="text" autofocus role="combobox" aria-expanded="true" aria-controls="found"
      aria-activedescendant=${found[at] ? `found${at}` : undefined} aria-label=${label} placeholder=${label} autocomplete="off"
      value=${words}
      onInput=${(/** @type {any} */ event) => { setWords(event.target.value); setChosen(0); }} onKeyDown=${key} />
    <div class="results" id="found" role="listbox" aria-label=${label} ref=${list}>${found.map((one, i) => html`<div id=${`found${i}`}
      key=${one.key} class="opt" role="option" aria-selected=${i === at} onClick=${() => take(one)}>
      ${one.room && one.room.kind !== "direct" ? html`<${Icon} name=${iconOf(one.room)} />` : one.icon ? html`<${Icon} name=${one.icon} />`
        : html`<${Plate} name=${one.name} kind=${one.person?.kind} id=${one.person?.id} size="sm" state=${dotOf(one.name) || undefined} />`}
      <span class="clip grow">${one.name}</span>${one.unread > 0 && html`<span
        class=${`count ${one.room.mentions ? "at" : ""}`}>${one.room.mentions ? `@${one.room.mentions}` : one.room.unread}
        </span>`}${one.order && html`<span class="small dimmer">${t("switch.command")}</span>`}</div>`)}
      </div>${found.length === 0 && html`<p class="dim pad" role="status">${t("switch.none")}</p>`}<//>`;
}

/** @param {{people?: boolean}} [props] `people`: only people, for a new direct */
export const openSwitcher = (props) => show(Switcher, props);
