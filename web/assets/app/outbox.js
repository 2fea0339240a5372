// What was written and is not yet in the log: sent in order, one at a time for each room, again after a break with the
// same mark, so that nothing is lost and nothing is said twice. Kept over reloads.
import { signal, mark } from "./lib.js";
import { keep, recall } from "./prefs.js";
import { request } from "./socket.js";

/**
 * @typedef {object} Letter
 * @property {string} txn
 * @property {string} room
 * @property {string} text
 * @property {string} [reply_to]
 * @property {number} at
 * @property {"waiting" | "sending" | "sent" | "failed"} state
 * @property {string} [code] of the refusal
 * @property {number} [seq] where it came to stand
 */

/** Letters that wait at most. */
const MOST = 500;
/** Refusals that pass by themselves, and the wait before the next try in milliseconds. */
const PASSING = new Set(["slow-down", "busy"]);
const AGAIN = 2_000;

/** @type {{value: Letter[], peek(): Letter[]}} */
export const letters = signal([]);
/** Until when the hub wants us to be slower, by the page's clock. */
export const slowUntil = signal(0);
let owner = "";
/** @type {any} */
let timer;

/** Takes up what this person left unsent. @param {string} who */
export function open(who) {
  owner = who;
  const kept = /** @type {Letter[]} */ (recall(`outbox.${who}`) ?? []);
  letters.value = kept.map((letter) => ({ ...letter, state: letter.state === "failed" ? "failed" : "waiting" }));
}

/** The person is called otherwise from now on; what waits goes along. @param {string} who */
export function rename(who) {
  keep(`outbox.${owner}`, null);
  owner = who;
  put(letters.peek());
}

/** @param {Letter[]} next */
function put(next) {
  letters.value = next;
  keep(`outbox.${owner}`, next.length ? next.filter((letter) => letter.state !== "sent") : null);
}

/** @param {Letter} letter @param {Partial<Letter>} change */
const change = (letter, change) => put(letters.peek().map((one) => (one.txn === letter.txn ? { ...one, ...change } : one)));

/** @param {string} room @param {string} text @param {string} [replyTo] */
export function post(room, text, replyTo) {
  if (letters.peek().length >= MOST) return false;
  put([...letters.peek(), { txn: mark(), room, text, reply_to: replyTo, at: Date.now(), state: "waiting" }]);
  flush();
  return true;
}

/** @param {string} txn */
export function discard(txn) {
  put(letters.peek().filter((letter) => letter.txn !== txn));
}

/** @param {string} txn */
export function retry(txn) {
  put(letters.peek().map((letter) => (letter.txn === txn ? { ...letter, state: "waiting", code: undefined } : letter)));
  flush();
}

/** Sends the first waiting letter of each room that has none on its way. */
export function flush() {
  if (slowUntil.peek() > Date.now()) return;
  const busy = new Set(letters.peek().filter((letter) => letter.state === "sending").map((letter) => letter.room));
  for (const letter of letters.peek()) {
    if (letter.state !== "waiting" || busy.has(letter.room)) continue;
    busy.add(letter.room);
    void send(letter);
  }
}

/** @param {Letter} letter */
async function send(letter) {
  change(letter, { state: "sending" });
  const { txn, room, text, reply_to } = letter;
  try {
    const answer = await request({ type: "say", room, text, reply_to, txn });
    arrived(txn, answer.seq);
  } catch (/** @type {any} */ why) {
    if (why.code === "offline") {
      change(letter, { state: "waiting" });
      return;
    }
    if (PASSING.has(why.code)) {
      change(letter, { state: "waiting" });
      slowUntil.value = Date.now() + AGAIN;
      clearTimeout(timer);
      timer = setTimeout(() => {
        slowUntil.value = 0;
        flush();
      }, AGAIN);
      return;
    }
    change(letter, { state: "failed", code: why.code });
  }
  flush();
}

/** Seqs of own messages by room, to know an echo that came before its answer. @type {Map<string, number>} */
const echoed = new Map();

/** @param {string} txn @param {number} seq */
function arrived(txn, seq) {
  const letter = letters.peek().find((one) => one.txn === txn);
  if (!letter) return;
  if ((echoed.get(letter.room) ?? 0) >= seq) discard(txn);
  else change(letter, { state: "sent", seq });
}

/**
 * An event came: takes away the letter that it is. The event keeps the letter's key, so that nothing moves on the page.
 * @param {import("./room.js").Room} room @param {any} event @param {boolean} mine
 */
export function settled(room, event, mine) {
  if (!mine || event.type !== "message") return;
  echoed.set(room.name, event.seq);
  const letter = letters.peek().find(
    (one) => one.room === room.name && (one.seq === event.seq || (one.state === "sending" && one.text === event.message)),
  );
  if (!letter) return;
  room.keys.set(event.seq, letter.txn);
  discard(letter.txn);
}

/** How many wait for the hub. */
export const waiting = () => letters.value.filter((letter) => letter.state === "waiting" || letter.state === "sending").length;
