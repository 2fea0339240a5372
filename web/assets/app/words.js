// Words in the reader's language, and times, sizes and lists as the reader writes them. All strings live in `../words/`.
import { signal, computed, effect } from "./lib.js";
import { prefs } from "./prefs.js";
import en from "../words/en.js";
import zh from "../words/zh.js";

/** @typedef {string | Record<string, string>} Phrase */

/** @type {Record<string, Record<string, Phrase>>} */
const TABLES = { en, zh };

const browser = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
/** The language of the page: `en` or `zh`. */
export const lang = computed(() => (TABLES[prefs.lang.value] ? prefs.lang.value : browser));
effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

/** Changes when the day does, so that "today" stays true. */
export const today = signal(new Date().toDateString());
setInterval(() => (today.value = new Date().toDateString()), 60_000);

const cache = new Map();
/** @param {string} kind @param {() => any} make */
function format(kind, make) {
  const key = `${lang.value}.${kind}`;
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
}
const locale = () => (lang.value === "zh" ? "zh-CN" : "en-GB");

/**
 * The phrase of this key with its parameters put in. A phrase with plural forms chooses by `n`.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 * @returns {string}
 */
export function t(key, params) {
  let phrase = TABLES[lang.value][key];
  if (phrase === undefined) return key;
  if (typeof phrase !== "string") {
    const rule = format("plural", () => new Intl.PluralRules(locale())).select(Number(params?.n ?? 0));
    phrase = phrase[rule] ?? phrase.other;
  }
  return phrase.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params?.[name] ?? "";
    return typeof value === "number" ? number(value) : value;
  });
}

/** The phrase if the table has it. @param {string} key */
export const has = (key) => key in en;

/** @param {number} n */
export const number = (n) => format("number", () => new Intl.NumberFormat(locale())).format(n);

/** @param {string[]} items */
export const list = (items) =>
  format("list", () => new Intl.ListFormat(locale(), { type: "conjunction", style: "narrow" })).format(items);

const CLOCK = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
/** Hours and minutes. @param {number} ms */
export const clock = (ms) => format("clock", () => new Intl.DateTimeFormat(locale(), CLOCK)).format(ms);

/** The day, for a separator. @param {number} ms */
export function day(ms) {
  const date = new Date(ms);
  const text = format("day", () => new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long" })).format(ms);
  if (date.toDateString() === today.value) return t("day.today", { day: text });
  if (date.getFullYear() === new Date().getFullYear()) return text;
  return format("year", () => new Intl.DateTimeFormat(locale(), { dateStyle: "full" })).format(ms);
}

/** Today only the time; this week the weekday too; else the date. @param {number} ms */
export function moment(ms) {
  const date = new Date(ms);
  if (date.toDateString() === today.value) return clock(ms);
  if (Math.abs(Date.now() - ms) < 6 * 86_400_000) {
    return format("week", () => new Intl.DateTimeFormat(locale(), { weekday: "short", ...CLOCK })).format(ms);
  }
  return format("date", () => new Intl.DateTimeFormat(locale(), { year: "numeric", month: "short", day: "numeric" })).format(ms);
}

/** KB, MB, GB of 1,000, two figures. @param {number} bytes */
export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || bytes >= 10 ? 0 : 1;
  return `${format(`size${digits}`, () => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits })).format(bytes)} ${units[unit]}`;
}

/** The language of a text where it differs from the page's, so that Han forms are right. @param {string} text */
export function langOf(text) {
  const han = /\p{Script=Han}/u.test(text);
  if (han && /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return "ja";
  if (han && lang.value !== "zh") return "zh-CN";
  if (!han && lang.value === "zh" && /[a-z]{2}/i.test(text)) return "en";
  return undefined;
}
