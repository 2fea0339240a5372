// What a person can do: open a room, page through it, say, edit, react, mark as read. Errors go to the caller.
import { batch, signal } from "./lib.js";
import { request, tell } from "./socket.js";
import { Refused } from "./api.js";
import { counts } from "./room.js";
import { FIRST_PAGE, directWith, isMine, keepGuestRooms, listed, me, opening, presence, room as roomOf, rooms } from "./hub.js";
import { post } from "./outbox.js";

const PAGE = 100;
/** Longest stretch that the hub gives at once. */
const STRETCH = 500;
/** Stretches that are walked at most to find the first unread message. */
const WALK = 40;
const READ_MS = 800;
const TYPING_MS = 3_000;

/** A message to flash, after a jump. */
export const flash = signal({ id: "", at: 0 });
/** A sentence that stays a moment: copied, refused. */
export const toast = signal({ text: "", bad: false, at: 0 });

/** @param {string} text @param {boolean} [bad] */
export const say = (text, bad = false) => (toast.value = { text, bad, at: Date.now() });

/** Opens a room by name, or a direct by person. @param {{room?: string, with?: string}} at */
export async function open(at) {
  const known = at.room ? rooms.get(at.room) : directWith(at.with ?? "");
  if (known?.open) return known;
  const ask = at.room ? { type: "join", room: at.room, last: FIRST_PAGE } : { type: "direct", with: at.with, last: FIRST_PAGE };
  const answer = await (opening.get(at.room ?? `@${at.with}`) ?? request(ask));
  keepGuestRooms();
  const one = roomOf(answer.room);
  if (one.head === 0) one.loaded = true;
  void request({ type: "room", room: answer.room }).then((card) => applyCard(card), () => {});
  listed.value += 1;
  return one;
}

/** @param {any} card */
export function applyCard(card) {
  const one = roomOf(card.room);
  Object.assign(one, {
    visibility: card.visibility, durability: card.durability, moderated: card.moderated, readOnly: card.read_only,
    retention: card.retention, members: card.members, topic: card.topic, member: card.member,
  });
  one.changed();
  listed.value += 1;
}

/** @type {Map<object, Promise<any>>} one load at a time for each room */
const loads = new Map();
/** @param {import("./room.js").Room} one @param {() => Promise<any>} work */
function once(one, work) {
  const running = loads.get(one);
  if (running) return running;
  const load = work().finally(() => loads.delete(one));
  loads.set(one, load);
  return load;
}

/** The newest events. @param {import("./room.js").Room} one */
export const newest = (one) =>
  once(one, async () => {
    const limit = Math.min(300, Math.max(FIRST_PAGE, one.unread + 30));
    const answer = await request({ type: "history", room: one.name, limit });
    one.sticky = true;
    one.anchor = null;
    one.replace(answer.events, answer.more);
    // What was said while the answer was on its way.
    if (one.hi < one.head) await onwards(one);
    one.sticky = true;
    one.changed();
  });

/** The events behind the window. @param {import("./room.js").Room} one */
async function onwards(one) {
  const head = one.head;
  const answer = await request({ type: "history", room: one.name, after: { seq: one.hi }, limit: PAGE });
  one.append(answer.events);
  // Nothing is kept between the window and what was the head.
  if (!answer.events.length) one.hi = Math.max(one.hi, head);
}

/** @param {import("./room.js").Room} one */
export const older = (one) =>
  once(one, async () => {
    if (!one.more) return;
    const answer = await request({ type: "history", room: one.name, before: { seq: one.lo }, limit: PAGE });
    one.prepend(answer.events, answer.more);
  });

/** @param {import("./room.js").Room} one */
export const newer = (one) =>
  once(one, async () => {
    if (one.hi < one.head) await onwards(one);
  });

/** Shows a place: loads around it if it is not there. @param {import("./room.js").Room} one @param {number} seq */
export async function jump(one, seq) {
  const there = () => one.items.find((item) => item.seq >= seq);
  if (!one.loaded || !one.items.some((item) => item.seq === seq)) {
    await loads.get(one)?.catch(() => {});
    await once(one, async () => {
      const answer = await request({ type: "history", room: one.name, around: { seq }, limit: PAGE });
      one.sticky = false;
      one.replace(answer.events, (answer.events[0]?.seq ?? 1) > 1);
    });
  }
  const item = there();
  one.sticky = false;
  if (item) flash.value = { id: item.id, at: Date.now() };
  one.changed();
  return item;
}

/** The event of this id: from the window, or from the hub. @param {import("./room.js").Room} one @param {string} id */
export async function find(one, id) {
  const here = one.byId.get(id);
  if (here) return here;
  const answer = await request({ type: "history", room: one.name, around: { id }, limit: 1 });
  const event = answer.events.find((/** @type {any} */ it) => it.id === id);
  return event ? one.item(event) : null;
}

/** Goes to the first of the unread, however far back. @param {import("./room.js").Room} one */
export async function firstUnread(one) {
  if (one.line) return jump(one, one.line);
  let left = one.behind.n;
  let before = one.behind.at + 1;
  for (let walk = 0; walk < WALK && before > 1; walk += 1) {
    const answer = await request({ type: "history", room: one.name, before: { seq: before }, limit: STRETCH });
    for (const event of answer.events.reverse()) {
      if ((counts(event) || event.type === "redacted") && --left === 0) {
        one.line = event.seq;
        return jump(one, event.seq);
      }
      before = event.seq;
    }
    if (!answer.more) break;
  }
  one.line = before;
  return jump(one, before);
}

/** @type {Map<string, any>} */
const reading = new Map();
/** All has been read up to the head; told to the hub at most every 0.8 s. @param {import("./room.js").Room} one */
export function read(one) {
  if (one.unread || one.mentions) {
    one.unread = one.mentions = 0;
    listed.value += 1;
  }
  if (reading.has(one.name) || me.peek()?.kind !== "account") return;
  reading.set(one.name, setTimeout(() => {
    reading.delete(one.name);
    tell({ type: "read", room: one.name, seq: one.head });
  }, READ_MS));
}

/** Takes the mark back as far as the page is concerned: unread from this place on. @param {import("./room.js").Room} one @param {number} seq */
export function unreadFrom(one, seq) {
  one.line = seq;
  one.unread = one.items.filter((item) => item.seq >= seq && counts(item.base)).length;
  listed.value += 1;
  one.changed();
}

/** @type {{room: string, at: number}} */
let typed = { room: "", at: 0 };
/** @param {import("./room.js").Room} one @param {boolean} on */
export function typing(one, on) {
  if (on && typed.room === one.name && Date.now() - typed.at < TYPING_MS) return;
  if (!on && typed.room !== one.name) return;
  typed = on ? { room: one.name, at: Date.now() } : { room: "", at: 0 };
  tell({ type: "typing", room: one.name, on });
}

/** Sends a text. @param {import("./room.js").Room} one @param {string} text @param {string} [replyTo] */
export function send(one, text, replyTo) {
  one.line = 0;
  one.sticky = true;
  typed = { room: "", at: 0 };
  const kept = post(one.name, text, replyTo);
  if (!one.atEnd) void newest(one).catch(() => {});
  one.changed();
  return kept;
}

/** @param {import("./room.js").Room} one @param {import("./room.js").Item} item @param {string} text */
export const edit = (one, item, text) => request({ type: "edit", room: one.name, target: item.id, text });
/** @param {import("./room.js").Room} one @param {import("./room.js").Item} item */
export const redact = (one, item) => request({ type: "redact", room: one.name, target: item.id, reason: "" });

/** Puts my sign on a message or takes it off. @param {import("./room.js").Room} one @param {import("./room.js").Item} item @param {string} sign */
export function react(one, item, sign) {
  const mine = item.reacts.get(sign)?.has(`${me.peek().kind}:${me.peek().id}`);
  return request({ type: "react", room: one.name, target: item.id, sign, on: !mine });
}

/** My last message that can still be edited. @param {import("./room.js").Room} one */
export const lastMine = (one) =>
  one.items.findLast((item) => item.base.type === "message" && !item.gone && isMine(item.base)) ?? null;

/** @type {Map<object, Promise<any>>} */
const askedFor = new Map();
/** People of the panel: who has the room open, then who belongs to it. @param {import("./room.js").Room} one */
export function people(one) {
  const running = askedFor.get(one) ?? loadPeople(one).finally(() => askedFor.delete(one));
  askedFor.set(one, running);
  return running;
}

/** @param {import("./room.js").Room} one */
async function loadPeople(one) {
  const { arrivals } = one;
  const [who, members] = await Promise.all([
    request({ type: "who", room: one.name }),
    one.kind === "direct" ? { members: [], total: 0 } : request({ type: "members", room: one.name }),
  ]);
  const here = who.who.map((/** @type {any} */ person) => ({ ...person, here: true, presence: { state: person.away == null ? "here" : "away", text: person.away } }));
  const names = new Set(here.map((/** @type {any} */ person) => person.nickname));
  const others = members.members.filter((/** @type {any} */ member) => !names.has(member.nickname))
    .map((/** @type {any} */ member) => ({ ...member, kind: "account", here: false }));
  const known = new Map(presence.peek());
  for (const person of [...here, ...others]) known.set(person.nickname, person.presence);
  batch(() => {
    presence.value = known;
    one.people = [...here, ...others];
    one.attendees = who.total;
    one.members = members.total;
    // Somebody came or went while the answer was on its way: it is shown, and asked for again.
    if (one.arrivals !== arrivals) queueMicrotask(() => {
      one.forgetPeople();
      one.changed();
    });
    one.changed();
  });
}

/** A request whose refusal is shown as a sentence. @param {object} value @param {(code: string, text: string) => string} words */
export async function attempt(value, words) {
  try {
    return await request(value);
  } catch (/** @type {any} */ why) {
    if (!(why instanceof Refused)) throw why;
    say(words(why.code, why.message), true);
    return null;
  }
}
