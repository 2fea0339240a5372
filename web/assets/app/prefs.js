// What this browser remembers: preferences and drafts. Storage that is full or refused costs the memory, nothing else.
import { signal, effect } from "./lib.js";

/** @param {string} key */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(`hubbub.${key}`) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} key @param {any} value */
export function keep(key, value) {
  try {
    if (value === null || value === "") localStorage.removeItem(`hubbub.${key}`);
    else localStorage.setItem(`hubbub.${key}`, JSON.stringify(value));
  } catch {
    // Private windows and full disks: the page works without memory.
  }
}

const FIRST = {
  /** `system`, `light` or `dark`. */
  theme: "system",
  /** `en`, `zh`, or empty for the browser's. */
  lang: "",
  doors: true,
  sound: true,
  notices: false,
  /** Whether a notice shows the text, or the sender alone. */
  noticeText: true,
  /** Single letters act on a focused message (WCAG 2.1.4: they can be turned off). */
  letters: true,
  panel: true,
};

/** @type {Record<string, {value: any, peek(): any}>} */
export const prefs = {};
const saved = recall("prefs") ?? {};
for (const [key, first] of Object.entries(FIRST)) {
  const fits = typeof saved[key] === typeof first;
  prefs[key] = signal(fits ? saved[key] : first);
}
effect(() => keep("prefs", Object.fromEntries(Object.entries(prefs).map(([key, pref]) => [key, pref.value]))));

effect(() => {
  const theme = prefs.theme.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
});

/** Levels of notices by room: `all`, `mentions` or `none`. Directs begin with `all`. */
export const levels = signal(/** @type {Record<string, string>} */ (recall("levels") ?? {}));
effect(() => keep("levels", levels.value));

/** @param {{name: string, kind: string}} room */
export const levelOf = (room) => levels.value[room.name] ?? (room.kind === "direct" ? "all" : "mentions");

/** Forgets what belongs to a person: drafts and unsent messages. Preferences stay. */
export function forget() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (/^hubbub\.(draft|outbox|levels)/.test(key)) localStorage.removeItem(key);
    }
  } catch {
    // Nothing was kept.
  }
  levels.value = {};
}
