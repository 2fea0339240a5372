// What the client knows of the hub: who I am, the rooms, presence. Takes every value of the socket that is no answer.
import { signal, computed, batch, mark } from "./lib.js";
import * as socket from "./socket.js";
import { Room, counts } from "./room.js";
import { recall, keep } from "./prefs.js";
import { route, go } from "./router.js";
import { settled, flush } from "./outbox.js";
import { t } from "./words.js";

/** Rooms that are kept open at once; the hub's own limit is 200. */
const OPEN_MAX = 190;
/** Events that a room begins with. */
export const FIRST_PAGE = 60;
const TYPING_MS = 6_000;

/** The hub's card from `/api/v1/hub`. @type {{value: any, peek(): any}} */
export const card = signal(null);
/** `{nickname, kind, role, id}`; null: signed out. @type {{value: any, peek(): any}} */
export const me = signal(null);
/** Why the person was signed out. */
export const out = signal("");
/** The hub's limits, as told at login. @type {{value: any, peek(): any}} */
export const limits = signal({ message_bytes: 16_384 });
/** @type {Map<string, Room>} */
export const rooms = new Map();
/** Changes when the list of rooms, or a count in it, does. */
export const listed = signal(0);
/** Presence by name. @type {{value: Map<string, {state: string, text?: string, last_seen_ms?: number}>, peek(): any}} */
export const presence = signal(new Map());
/** A sentence from the hub's operator. */
export const announced = signal("");
/** Whether the list of rooms has come. */
export const ready = signal(false);
/** What is told about each new message, by who wants to know. @type {Set<(room: Room, event: any) => void>} */
export const onMessage = new Set();

/** This tab's mark: a new login with it replaces the old one. */
let client = sessionStorage.getItem("hubbub.client") || mark();
sessionStorage.setItem("hubbub.client", client);
let session = 0;

/** Whether an event is mine. @param {any} event */
export const isMine = (event) =>
  event.session === session || (event.sender_id === me.peek()?.id && (event.sender_kind ?? "account") === me.peek()?.kind);

export const isAdmin = computed(() => ["admin", "owner"].includes(me.value?.role));

/** @param {string} name */
export function room(name) {
  let found = rooms.get(name);
  if (!found) {
    found = new Room(name);
    rooms.set(name, found);
  }
  return found;
}

/** The room that the address bar names, if it is known. */
export const current = computed(() => {
  listed.value;
  const at = route.value;
  if (at.page !== "room") return null;
  if (at.room) return rooms.get(at.room) ?? null;
  return directWith(at.with ?? "");
});

/** @param {string} name */
export function directWith(name) {
  for (const one of rooms.values()) if (one.kind === "direct" && one.with === name) return one;
  return null;
}

/** The name that people read. @param {Room} one */
export const titleOf = (one) => (one.kind === "direct" ? (one.with ?? one.name) : one.name);

/** Begins as this person. @param {any} who */
export function enter(who) {
  batch(() => {
    me.value = who;
    out.value = "";
    rooms.clear();
    ready.value = false;
    listed.value += 1;
  });
  socket.start({ login, take, lost });
}

/** Ends here. @param {string} why */
export function lost(why) {
  socket.stop();
  batch(() => {
    out.value = why;
    me.value = null;
    rooms.clear();
    listed.value += 1;
  });
  go("/signin", { replace: true });
}

/** Rooms that are being opened. @type {Map<string, Promise<any>>} */
export const opening = new Map();

/** The login, and at once the room of the address and the list of rooms: one round trip. */
function login() {
  const open = [...rooms.values()].filter((one) => one.open && one.head + one.epoch > 0);
  const resume = open.slice(0, OPEN_MAX).map((one) => ({ room: one.name, after: { epoch: one.epoch, seq: one.head } }));
  for (const one of rooms.values()) one.confirmed = false;
  const at = route.peek();
  /** @type {object[]} */
  const values = [{ type: "login", v: 1, client, rooms: resume, lang: document.documentElement.lang.slice(0, 2), rid: 0 }];
  if (at.page === "room" && !current.peek()?.open) {
    const { marked, answer } = socket.prepare(at.room ? { type: "join", room: at.room, last: FIRST_PAGE } : { type: "direct", with: at.with, last: FIRST_PAGE });
    const key = at.room ?? `@${at.with}`;
    opening.set(key, answer);
    answer.catch(() => {}).then(() => opening.delete(key));
    values.push(marked);
  }
  values.push({ type: "rooms", rid: 0 });
  return values;
}

/** @param {any} value */
function take(value) {
  batch(() => {
    if (value.seq && value.id && value.room && value.type !== "sent") takeEvent(value);
    else handlers[value.type]?.(value);
  });
}

/** @type {Record<string, (value: any) => void>} */
const handlers = {
  welcome(value) {
    session = value.session;
    limits.value = value.limits ?? limits.peek();
    const wanted = me.peek()?.nickname;
    if (wanted && value.nickname !== wanted && value.kind === "guest") announced.value = t("guest.taken", { name: wanted, got: value.nickname });
    me.value = { ...me.peek(), id: value.id, nickname: value.nickname, kind: value.kind, role: value.role };
    for (const one of rooms.values()) one.typing.clear();
    flush();
  },
  rooms(value) {
    for (const row of value.rooms) takeRow(row);
    const listedNow = new Set(value.rooms.map((/** @type {any} */ row) => row.room));
    for (const one of rooms.values()) {
      if (listedNow.has(one.name) || one.confirmed) continue;
      // It was open before the break and is not there any more.
      if (one.open) Object.assign(one, { open: false, loaded: false, ended: "deleted" });
      else rooms.delete(one.name);
      one.changed();
    }
    ready.value = true;
    listed.value += 1;
    openMine(value.rooms);
  },
  room(value) {
    takeRow(value);
    listed.value += 1;
  },
  joined(value) {
    const one = room(value.room);
    const known = one.open || one.loaded;
    const replaced = value.epoch !== one.epoch || value.missing > 0 || value.next > one.head + 1;
    Object.assign(one, { open: true, confirmed: true, ended: "" });
    Object.assign(one, { epoch: value.epoch, topic: value.topic, member: value.member, attendees: value.attendees });
    if (value.with) Object.assign(one, { with: value.with, kind: "direct" });
    one.counted = value.seq;
    if (me.peek()?.kind === "account" || !known) Object.assign(one, { unread: value.unread, mentions: value.mentions });
    if (replaced) {
      one.reset(value.next);
      // A stretch comes along: the window begins with it. Else it is fetched when the room is shown.
      one.loaded = value.next <= value.seq;
    }
    one.forgetPeople();
    one.changed();
    listed.value += 1;
    flush();
  },
  closed(value) {
    const one = rooms.get(value.room);
    if (!one) return;
    Object.assign(one, { open: false, loaded: false, ended: value.reason });
    if (value.reason !== "left") one.member = false;
    if (value.reason === "deleted" && current.peek() !== one) rooms.delete(one.name);
    one.changed();
    listed.value += 1;
  },
  gap(value) {
    const one = rooms.get(value.room);
    if (!one) return;
    one.reset(value.to + 1);
    one.loaded = false;
    one.changed();
  },
  unread(value) {
    const one = rooms.get(value.room);
    if (!one) return;
    Object.assign(one, { unread: value.unread, mentions: value.mentions, counted: one.head });
    listed.value += 1;
  },
  attend(value) {
    const one = rooms.get(value.room);
    if (!one) return;
    one.attendees = value.attendees;
    if (!value.on) one.typing.delete(value.who.id);
    one.forgetPeople();
    one.changed();
  },
  attendees(value) {
    const one = rooms.get(value.room);
    if (!one) return;
    one.attendees = value.attendees;
    one.changed();
  },
  presence(value) {
    setPresence(value.who.nickname, value);
  },
  renamed(value) {
    if (value.who.id === me.peek()?.id && value.who.kind === me.peek()?.kind) me.value = { ...me.peek(), nickname: value.who.nickname };
    for (const one of rooms.values()) {
      one.forgetPeople();
      one.changed();
    }
  },
  typing(value) {
    const one = rooms.get(value.room);
    if (!one || (value.id === me.peek()?.id && value.nickname === me.peek()?.nickname)) return;
    clearTimeout(one.typing.get(value.id)?.timer);
    one.typing.delete(value.id);
    if (value.on) {
      const timer = setTimeout(() => {
        one.typing.delete(value.id);
        one.changed();
      }, TYPING_MS);
      one.typing.set(value.id, { name: value.nickname, timer });
    }
    one.changed();
  },
  invited(value) {
    socket.tell({ type: "rooms" });
    room(value.room);
    listed.value += 1;
  },
  announce(value) {
    announced.value = value.text;
  },
  bye(value) {
    if (value.reason !== "replaced") return;
    // A copied tab has our mark: take another, or the two would replace each other for ever.
    client = mark();
    sessionStorage.setItem("hubbub.client", client);
  },
  error() {
    // Refusals of requests that nobody waits for: typing, read marks, rooms of the login that are gone.
  },
};

/** @param {string} name @param {any} state */
export function setPresence(name, state) {
  const next = new Map(presence.peek());
  next.set(name, { state: state.state, text: state.text, last_seen_ms: state.last_seen_ms });
  presence.value = next;
  for (const one of rooms.values()) {
    const person = one.folk.find((someone) => someone.nickname === name);
    if (person) {
      person.presence = next.get(name);
      one.changed();
    }
  }
}

/** @param {any} row */
function takeRow(row) {
  const one = room(row.room);
  Object.assign(one, {
    kind: row.kind,
    with: row.with ?? one.with,
    topic: row.topic,
    visibility: row.visibility,
    durability: row.durability,
    moderated: row.moderated,
    readOnly: row.read_only,
    retention: row.retention,
    member: row.member,
    members: row.members,
    attendees: row.attendees,
  });
  if (!one.open) Object.assign(one, { unread: row.unread, mentions: row.mentions });
  one.changed();
}

/** Opens what I belong to, so that counts are exact; a guest belongs nowhere and gets back what was open. @param {any[]} rows */
function openMine(rows) {
  const mine = me.peek()?.kind === "account" ? rows.filter((row) => row.member) : guestRooms(rows);
  const pending = new Set(opening.keys());
  let left = OPEN_MAX - [...rooms.values()].filter((one) => one.open).length;
  for (const row of mine) {
    if (left <= 0) break;
    if (room(row.room).open || pending.has(row.room)) continue;
    left -= 1;
    socket.tell({ type: "join", room: row.room });
  }
  const people = rows.filter((row) => row.with).slice(0, 50);
  for (const row of people) {
    socket.request({ type: "whois", who: row.with }).then((found) => setPresence(row.with, found.presence), () => {});
  }
}

/** @param {any[]} rows */
function guestRooms(rows) {
  const kept = new Set(recall("guestrooms") ?? []);
  return rows.filter((row) => row.room === "lobby" || kept.has(row.room));
}

/** Remembers what a guest has open, over reloads. */
export function keepGuestRooms() {
  if (me.peek()?.kind === "account") return;
  keep("guestrooms", [...rooms.values()].filter((one) => one.open && one.kind === "room").map((one) => one.name));
}

const NEWS = new Set(["joined", "left", "kicked", "banned", "standing", "renamed"]);

/** @param {any} event */
function takeEvent(event) {
  const one = room(event.room);
  settled(one, event, isMine(event));
  if (!one.take(event)) return;
  if (one.typing.has(event.sender_id)) {
    clearTimeout(one.typing.get(event.sender_id)?.timer);
    one.typing.delete(event.sender_id);
  }
  if (event.type === "topic") one.topic = event.topic;
  if (event.type === "member") {
    if (NEWS.has(event.change)) one.forgetPeople();
    if (event.change === "settings") socket.tell({ type: "room", room: one.name });
  }
  if (!counts(event)) return;
  if (isMine(event)) {
    one.unread = one.mentions = 0;
  } else if (event.seq > one.counted) {
    one.unread += 1;
    if (one.kind === "direct" || mentionsMe(event.message ?? "")) one.mentions += 1;
    for (const tell of onMessage) tell(one, event);
  }
  listed.value += 1;
}

/** Whether a text names me. @param {string} text */
export function mentionsMe(text) {
  const name = me.peek()?.nickname;
  if (!name || !text.includes("@")) return false;
  const folded = text.toLowerCase();
  const wanted = `@${name.toLowerCase()}`;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    // Han has no spaces between words, so a name ends where letters of its own kind do.
    const next = folded.slice(at + wanted.length, at + wanted.length + 1);
    if (!/[\w-]/.test(next) || !/[\w-]$/.test(wanted)) return true;
  }
  return false;
}
