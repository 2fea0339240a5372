// One room as the client holds it: a window of at most 320 shown events, counts, who types. No network, no DOM.
import { signal } from "./lib.js";

/** Shown events at once. */
export const WINDOW = 320;
/** Edits, reactions and redactions that are kept for messages out of the window. */
const ASIDE = 4_000;

/**
 * @typedef {object} Item what the log shows as one entry
 * @property {string} key stays the same from the first sign of a message on
 * @property {string} id
 * @property {number} seq
 * @property {number} ts
 * @property {any} base the event itself
 * @property {string} text after edits
 * @property {{text: string, ts: number}[]} past earlier texts, oldest first
 * @property {{by: string, reason: string} | null} gone
 * @property {Map<string, Map<string, string>>} reacts sign -> who -> name
 * @property {number} rev grows with each change
 */

const SHOWN = new Set(["message", "file", "redacted", "member", "topic", "notice"]);
/** Whether an event counts as unread. @param {any} event */
export const counts = (event) => event.type === "message" || event.type === "file";
/** @param {any} event */
export const whoOf = (event) => `${event.sender_kind ?? "account"}:${event.sender_id}`;

export class Room {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.kind = name.startsWith("@") ? "direct" : "room";
    /** @type {string | null} */
    this.with = null;
    this.topic = "";
    this.visibility = "public";
    this.durability = "strict";
    this.moderated = false;
    this.readOnly = false;
    this.member = false;
    this.open = false;
    /** Whether this login has opened it. */
    this.confirmed = false;
    /** Why it is open no longer, if somebody else closed it. */
    this.ended = "";
    this.attendees = 0;
    this.members = 0;
    this.unread = 0;
    this.mentions = 0;
    this.epoch = 0;
    /** Last place that came. */
    this.head = 0;
    /** Counts in `joined` hold up to this place. */
    this.counted = 0;
    /** @type {Item[]} */
    this.items = [];
    /** @type {Map<string, Item>} */
    this.byId = new Map();
    /** @type {Map<string, Map<number, any>>} */
    this.aside = new Map();
    /** Keys of own messages that were shown before they had an id. @type {Map<number, string>} */
    this.keys = new Map();
    this.loaded = false;
    /** The window holds all places from `lo` to `hi`. */
    this.lo = 1;
    this.hi = 0;
    this.more = false;
    /** Whether the reader is at the end, so that new messages may push old ones out. */
    this.sticky = true;
    /** First unread place when the room was opened, 0 if none. */
    this.line = 0;
    /** Unread ones before the window, counted back from a place; the line is not known then. */
    this.behind = { n: 0, at: 0 };
    /** @type {{key: string, top: number} | null} */
    this.anchor = null;
    /** Messages that came behind a window that does not reach to the end. */
    this.unshown = 0;
    /** @type {Map<number, {name: string, timer: any}>} */
    this.typing = new Map();
    /** The newest message, for lists. @type {any} */
    this.latest = null;
    /** @type {any[] | null} people of the panel */
    this.people = null;
    /** The list as it was before it had to be asked again. @type {any[] | null} */
    this.known = null;
    /** How often they have changed. */
    this.arrivals = 0;
    /** Changes with anything that the log shows. */
    this.rev = signal(0);
  }

  changed() {
    if (this.follows) this.unshown = 0;
    this.rev.value += 1;
  }

  /** Who is here is to be asked again. */
  forgetPeople() {
    this.known = this.people ?? this.known;
    this.people = null;
    this.arrivals += 1;
  }

  /** People as far as is known. */
  get folk() {
    return this.people ?? this.known ?? [];
  }

  /** Whether the next event belongs right behind the window. */
  get follows() {
    return this.loaded && this.hi >= this.head;
  }

  /** Whether the window ends with the last event of the log, as far as we were told. */
  get atEnd() {
    return this.follows && this.head >= this.counted;
  }

  /** Forgets the window: `next` is the first place that will come. @param {number} next */
  reset(next) {
    this.items = [];
    this.byId.clear();
    this.lo = next;
    this.hi = next - 1;
    this.head = next - 1;
    this.more = next > 1;
    this.changed();
  }

  /**
   * An event in its turn. Says whether it was new.
   * @param {any} event
   */
  take(event) {
    if (event.seq <= this.head) return false;
    const append = this.follows && (this.sticky || this.items.length < WINDOW);
    this.head = event.seq;
    if (counts(event)) {
      this.latest = event;
      if (!append) this.unshown += 1;
    }
    if (SHOWN.has(event.type)) {
      if (append) this.push(event);
    } else this.put(event);
    if (append) {
      this.hi = event.seq;
      this.trimOld();
    }
    this.changed();
    return true;
  }

  /** A stretch before the window. @param {any[]} events oldest first @param {boolean} more */
  prepend(events, more) {
    this.more = more;
    if (events.length) this.lo = events[0].seq;
    this.build(events, (items) => this.items.unshift(...items));
    const extra = this.items.splice(WINDOW);
    for (const item of extra) this.byId.delete(item.id);
    if (extra.length) this.hi = this.items[this.items.length - 1].seq;
    this.changed();
  }

  /** A stretch behind the window. @param {any[]} events oldest first */
  append(events) {
    if (events.length) this.hi = Math.max(this.hi, events[events.length - 1].seq);
    this.head = Math.max(this.head, this.hi);
    this.build(events, (items) => this.items.push(...items));
    this.trimOld();
    this.changed();
  }

  /** Another window. @param {any[]} events oldest first @param {boolean} more whether there are earlier ones */
  replace(events, more) {
    this.items = [];
    this.byId.clear();
    this.more = more;
    this.loaded = true;
    this.lo = events[0]?.seq ?? this.head + 1;
    this.hi = events[events.length - 1]?.seq ?? this.head;
    this.head = Math.max(this.head, this.hi);
    this.build(events, (items) => (this.items = items));
    for (const event of events) if (counts(event) && (!this.latest || this.latest.seq < event.seq)) this.latest = event;
    this.changed();
  }

  trimOld() {
    const extra = this.items.length - WINDOW;
    if (extra <= 0) return;
    for (const item of this.items.splice(0, extra)) this.byId.delete(item.id);
    this.lo = this.items[0].seq;
    this.more = true;
  }

  /** @param {any[]} events @param {(items: Item[]) => void} place */
  build(events, place) {
    for (const event of events) if (!SHOWN.has(event.type)) this.put(event);
    const items = events.filter((event) => SHOWN.has(event.type) && !this.byId.has(event.id)).map((event) => this.item(event));
    place(items);
    for (const item of items) this.byId.set(item.id, item);
  }

  /** @param {any} event */
  push(event) {
    const item = this.item(event);
    this.items.push(item);
    this.byId.set(item.id, item);
  }

  /** Keeps what refers to another event and shows it where that one is in the window. @param {any} event */
  put(event) {
    if (!event.target) return;
    let about = this.aside.get(event.target);
    if (!about) {
      about = new Map();
      this.aside.set(event.target, about);
      if (this.aside.size > ASIDE) this.aside.delete(this.aside.keys().next().value ?? "");
    }
    about.set(event.seq, event);
    const item = this.byId.get(event.target);
    if (item) this.dress(item);
  }

  /** @param {any} base @returns {Item} */
  item(base) {
    const key = this.keys.get(base.seq) ?? base.id;
    const item = { key, id: base.id, seq: base.seq, ts: base.ts, base, text: "", past: [], gone: null, reacts: new Map(), rev: 0 };
    this.dress(item);
    return item;
  }

  /** Makes the entry from its event and all that refers to it; the same whatever came first. @param {Item} item */
  dress(item) {
    const { base } = item;
    item.text = base.message ?? base.text ?? "";
    item.past = [];
    item.gone = base.type === "redacted" ? { by: "", reason: "" } : null;
    item.reacts = new Map();
    item.rev += 1;
    const about = [...(this.aside.get(base.id)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
    for (const event of about) {
      if (event.type === "edit") {
        item.past.push({ text: item.text, ts: item.past.length ? event.ts : item.ts });
        item.text = event.text;
      } else if (event.type === "redaction") {
        item.gone = { by: event.sender_nickname, reason: event.reason };
      } else if (event.type === "reaction") {
        const who = item.reacts.get(event.sign) ?? new Map();
        if (event.on) who.set(whoOf(event), event.sender_nickname);
        else who.delete(whoOf(event));
        if (who.size) item.reacts.set(event.sign, who);
        else item.reacts.delete(event.sign);
      }
    }
  }

  /** The place of the first of `n` unread ones in the window; 0 if it lies before it. @param {number} n */
  placeOfUnread(n) {
    for (let at = this.items.length - 1; at >= 0 && n > 0; at -= 1) {
      const { base } = this.items[at];
      if ((counts(base) || base.type === "redacted") && --n === 0) return this.items[at].seq;
    }
    return 0;
  }
}
