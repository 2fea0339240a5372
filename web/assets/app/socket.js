// The conn: one WebSocket that speaks the native protocol, its reconnects, and requests with their answers.
// It knows no room: whoever starts it gives what to say at login and takes every value that is no answer.
import { signal } from "./lib.js";
import { ask, Refused } from "./api.js";

/** Milliseconds: the first wait after a break, the longest, silence after which the hub is asked for a sign of life. */
const WAIT_MIN = 500;
const WAIT_MAX = 30_000;
const SILENCE = 30_000;
const PONG = 10_000;
/** Offline is told only after this long. */
const TELL_OFFLINE = 5_000;

/** `off`, `connecting`, `open` or `waiting`. */
export const state = signal("off");
/** The banner: offline for longer than a moment. */
export const offline = signal(false);
/** When the next try is, by the page's clock. */
export const retryAt = signal(0);

/** @type {WebSocket | null} */
let socket = null;
/** @type {{login: () => object[], take: (value: any) => void, lost: (reason: string) => void} | null} */
let owner = null;
let tries = 0;
let rid = 0;
let heard = 0;
/** @type {Map<number, {resolve: (value: any) => void, reject: (why: any) => void}>} */
const asked = new Map();
/** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */
const timers = {};

/**
 * @param {object} by
 * @param {() => object[]} by.login what to send at each start, the login first
 * @param {(value: any) => void} by.take each value that is no answer
 * @param {(reason: string) => void} by.lost the hub knows us no longer
 */
export function start(by) {
  stop();
  owner = by;
  tries = 0;
  connect();
}

/** Ends the conn for good. */
export function stop() {
  owner = null;
  for (const name of Object.keys(timers)) {
    clearTimeout(timers[name]);
    timers[name] = undefined;
  }
  state.value = "off";
  offline.value = false;
  const dead = socket;
  drop();
  dead?.close();
}

/** Tries now in place of later. */
export function tryNow() {
  if (state.peek() === "waiting") connect();
}

/**
 * Asks the hub and waits for its answer. Throws `Refused`; its code is `offline` if the conn broke before the answer.
 * @param {object} value @returns {Promise<any>}
 */
export function request(value) {
  const { marked, answer } = prepare(value);
  if (!tell(marked)) {
    asked.get(marked.rid)?.reject(new Refused("offline", "", 0));
    asked.delete(marked.rid);
  }
  return answer;
}

/** A request for the login to take along, and its answer to come. @param {object} value */
export function prepare(value) {
  rid += 1;
  const marked = { ...value, rid };
  /** @type {Promise<any>} */
  const answer = new Promise((resolve, reject) => asked.set(marked.rid, { resolve, reject }));
  return { marked, answer };
}

/** Sends without waiting for an answer. Says whether there was a conn. @param {object} value */
export function tell(value) {
  if (socket?.readyState !== WebSocket.OPEN || state.peek() !== "open") return false;
  socket.send(JSON.stringify(value));
  return true;
}

function connect() {
  clearTimeout(timers.retry);
  if (!owner || socket) return;
  state.value = "connecting";
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/socket`);
  socket = mine;
  timers.tell ??= setTimeout(() => (offline.value = true), TELL_OFFLINE);
  mine.onopen = () => {
    if (socket !== mine) return;
    for (const value of owner?.login() ?? []) mine.send(JSON.stringify(value));
    heard = performance.now();
    timers.pulse = setTimeout(pulse, SILENCE);
  };
  mine.onmessage = ({ data }) => {
    if (socket !== mine) return;
    heard = performance.now();
    take(JSON.parse(data));
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    const wasOpen = state.peek() === "open";
    drop();
    if (!owner) return;
    timers.tell ??= setTimeout(() => (offline.value = true), TELL_OFFLINE);
    later();
    // Refused before it opened: perhaps we are signed out. A break says nothing about that.
    if (!wasOpen) void check();
  };
}

function drop() {
  socket = null;
  clearTimeout(timers.pulse);
  for (const { reject } of asked.values()) reject(new Refused("offline", "", 0));
  asked.clear();
}

/** Waits with a random part, so that all clients of a restarted hub do not come at once. */
function later() {
  const most = Math.min(WAIT_MAX, WAIT_MIN * 2 ** tries);
  const wait = most / 2 + Math.random() * (most / 2);
  tries += 1;
  state.value = "waiting";
  retryAt.value = Date.now() + wait;
  timers.retry = setTimeout(connect, wait);
}

async function check() {
  const answer = await ask("GET", "session").catch(() => null);
  if (answer && !answer.signed_in && owner) owner.lost("revoked");
}

/** Ends a conn on which nothing comes back, as after a change of network. */
function pulse() {
  const silent = performance.now() - heard;
  if (silent < SILENCE) {
    timers.pulse = setTimeout(pulse, SILENCE - silent + 50);
    return;
  }
  const mine = socket;
  const at = heard;
  tell({ type: "ping", rid: 0 });
  timers.pulse = setTimeout(() => {
    if (socket !== mine) return;
    if (heard === at) abandon();
    else pulse();
  }, PONG);
}

function abandon() {
  const dead = socket;
  if (!dead) return;
  dead.onclose = dead.onmessage = null;
  dead.close();
  drop();
  timers.tell ??= setTimeout(() => (offline.value = true), TELL_OFFLINE);
  later();
}

/** @param {any} value */
function take(value) {
  if (value.type === "welcome") {
    tries = 0;
    state.value = "open";
    clearTimeout(timers.tell);
    timers.tell = undefined;
    offline.value = false;
  }
  const waiting = asked.get(value.rid);
  if (waiting) {
    asked.delete(value.rid);
    // The room's own state follows from `joined`, whoever asked.
    if (value.type === "joined") owner?.take(value);
    if (value.type === "error") waiting.reject(new Refused(value.code, value.message, 0));
    else waiting.resolve(value);
    return;
  }
  if (value.type === "bye" && value.reason === "revoked") owner?.lost("revoked");
  else owner?.take(value);
}

addEventListener("online", tryNow);
addEventListener("offline", () => socket && abandon());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  tryNow();
  // A laptop that slept: ask at once instead of after the rest of the silence.
  if (state.peek() === "open" && performance.now() - heard > SILENCE / 2) {
    clearTimeout(timers.pulse);
    heard = Math.min(heard, performance.now() - SILENCE);
    pulse();
  }
});
