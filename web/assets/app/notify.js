// Telling of news outside the page: desktop notices where the context is secure, sound, title and favicon everywhere.
import { effect } from "./lib.js";
import { current, isMine, listed, me, onMessage, rooms, titleOf } from "./hub.js";
import { levelOf, levels, prefs } from "./prefs.js";
import { go, pathOf, route } from "./router.js";
import { t } from "./words.js";

/** Whether this browser can show desktop notices here. */
export const possible = () => isSecureContext && "Notification" in window;

/** Asks for the right to show notices. */
export async function allow() {
  if (!possible()) return false;
  return (await Notification.requestPermission()) === "granted";
}

/** @type {AudioContext | null} */
let audio = null;
/** Two short tones; silent until the person has used the page once. */
export function chime() {
  if (!prefs.sound.peek() || !navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  const now = audio.currentTime;
  for (const [at, pitch] of [[0, 660], [0.12, 880]]) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, now + at);
    loud.gain.exponentialRampToValueAtTime(0.08, now + at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.22);
    tone.connect(loud).connect(audio.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.25);
  }
}

/** @param {import("./room.js").Room} room @param {any} event */
function tell(room, event) {
  const level = levelOf(room);
  const mention = room.mentions > 0;
  if (isMine(event) || level === "none" || (level === "mentions" && !mention)) return;
  const seen = document.visibilityState === "visible" && document.hasFocus() && current.peek() === room;
  if (seen) return;
  chime();
  if (!prefs.notices.peek() || !possible() || Notification.permission !== "granted") return;
  const body = prefs.noticeText.peek() ? (event.message ?? event.name ?? "").slice(0, 200) : t("notice.hidden");
  const where = room.kind === "direct" ? event.sender_nickname : `${event.sender_nickname} · ${titleOf(room)}`;
  const notice = new Notification(where, { body, tag: room.name, icon: "/favicon.svg", silent: true });
  notice.onclick = () => {
    focus();
    go(pathOf(room, event.seq));
    notice.close();
  };
}

const ARCH = "M21 16.5V13a11 11 0 0 1 22 0v3.5a2 2 0 0 1-2 2H23a2 2 0 0 1-2-2z";
/** The mark; its hub is a ring when something is unread. @param {boolean} news */
function favicon(news) {
  const arches = [0, 90, 180, 270].map((turn) => `<path transform="rotate(${turn} 32 32)" d="${ARCH}"/>`).join("");
  const hub = news ? '<circle cx="32" cy="32" r="7.500" fill="none" stroke="#0B8F7E" stroke-width="5"/>' : '<circle cx="32" cy="32" r="9.500"/>';
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="1 1 62 62" fill="#0B8F7E">${arches}${hub}</svg>`)}`;
}

/** Starts watching. */
export function watch() {
  onMessage.add(tell);
  /** @type {boolean | null} */
  let shown = null;
  effect(() => {
    listed.value;
    levels.value;
    route.value;
    me.value;
    let count = 0;
    let news = false;
    for (const room of rooms.values()) {
      count += room.mentions;
      news ||= room.unread > 0 && levelOf(room) !== "none";
    }
    queueMicrotask(() => {
      const name = document.documentElement.dataset.title ?? "Hubbub";
      document.title = count ? `(${count}) ${name}` : name;
    });
    if (shown === news) return;
    shown = news;
    /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=icon]"))?.setAttribute("href", favicon(news));
  });
}
