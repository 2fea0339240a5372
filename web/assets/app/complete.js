// What the composer offers while one types `@`, `#`, `:` or `/`, and what the commands do.
import { t } from "./words.js";
import { EMOJI } from "../words/emoji.js";
import { isAdmin, me, rooms } from "./hub.js";
import { request } from "./socket.js";
import { open, say } from "./acts.js";
import { go, pathOf } from "./router.js";

const MOST = 8;

/** Name, whether it needs words behind it, and what it does. @type {Record<string, {words?: boolean, run: (room: any, words: string) => Promise<any> | void}>} */
export const COMMANDS = {
  me: { words: true, run: () => undefined },
  topic: { words: true, run: (room, topic) => request({ type: "set", room: room.name, topic }) },
  invite: { words: true, run: (room, who) => request({ type: "invite", room: room.name, who }).then(() => say(t("cmd.invited", { name: who }))) },
  kick: { words: true, run: (room, words) => request({ type: "kick", room: room.name, ...split(words) }) },
  ban: { words: true, run: (room, words) => request({ type: "ban", room: room.name, ...split(words) }) },
  unban: { words: true, run: (room, who) => request({ type: "unban", room: room.name, who }) },
  join: { words: true, run: (_, name) => open({ room: name.replace(/^#/, "") }).then((room) => go(pathOf(room))) },
  msg: { words: true, run: (_, who) => open({ with: who.replace(/^@/, "") }).then((room) => go(pathOf(room))) },
  leave: { run: (room) => request({ type: "leave", room: room.name }).then(() => go("/rooms/lobby")) },
  away: { run: (_, text) => request({ type: "away", text: text || t("away.text") }) },
  back: { run: () => request({ type: "away" }) },
  nick: { words: true, run: (_, nickname) => request({ type: "nick", nickname }) },
};

/** @param {string} words a name, quoted if it has spaces, and a reason */
function split(words) {
  const found = /^(?:"([^"]+)"|@?(\S+))\s*(.*)$/.exec(words) ?? [];
  return { who: found[1] ?? found[2] ?? words, reason: found[3] ?? "" };
}

/** A command in a text: `//x` says `/x`. @param {string} text @returns {{name: string, words: string} | null} */
export function command(text) {
  const found = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text);
  if (!found || !(found[1] in COMMANDS) || found[1] === "me") return null;
  return { name: found[1], words: (found[2] ?? "").trim() };
}

/**
 * @typedef {{insert: string, name: string, hint: string, sign?: string, person?: any}} Offer
 * @param {any} room @param {string} text @param {number} caret
 * @returns {{kind: string, from: number, offers: Offer[]} | null}
 */
export function offers(room, text, caret) {
  const before = text.slice(0, caret);
  const found = /(?:^|[\s(（，。、])([@#:])([\p{L}\p{N}_.~+-]*)$/u.exec(before) ?? /^(\/)([a-z]*)$/.exec(before);
  if (!found) return null;
  const [, kind, rawWord] = found;
  const word = rawWord.toLowerCase();
  const from = caret - rawWord.length - 1;
  /** @type {Offer[]} */
  let list = [];
  if (kind === "@") list = people(room, word);
  else if (kind === "#") {
    list = [...rooms.values()].filter((one) => one.kind === "room" && one.name.toLowerCase().includes(word))
      .sort((a, b) => rank(a.name, word) - rank(b.name, word)).map((one) => ({ insert: `#${one.name} `, name: one.name, hint: one.topic }));
  } else if (kind === ":" && word.length > 1) {
    list = EMOJI.filter(([, en, zh]) => en.includes(word) || zh.includes(word)).map(([sign, en, zh]) => ({ insert: `${sign} `, name: `${en} · ${zh}`, hint: "", sign }));
  } else if (kind === "/") {
    const guest = me.peek()?.kind !== "account";
    list = Object.keys(COMMANDS).filter((name) => name.startsWith(word) && (name !== "nick" || guest) && (guest || isAdmin.peek() || name !== "unban"))
      .map((name) => ({ insert: `/${name} `, name: `/${name}`, hint: t(`cmd.${name}`) }));
  }
  return list.length ? { kind, from, offers: list.slice(0, MOST) } : null;
}

/** @param {string} name @param {string} word */
const rank = (name, word) => (name.toLowerCase().startsWith(word) ? 0 : 1);

/** Who is here, who belongs here, who has spoken. @param {any} room @param {string} word @returns {Offer[]} */
function people(room, word) {
  const known = new Map();
  for (const person of room.folk) known.set(person.nickname, { ...person, hint: person.here ? t("who.here") : "" });
  for (const item of [...room.items].reverse()) {
    const { sender_nickname: nickname, sender_kind: kind = "account", sender_id: id } = item.base;
    if (kind !== "system" && !known.has(nickname)) known.set(nickname, { nickname, kind, id, hint: "" });
  }
  known.delete(me.peek()?.nickname);
  return [...known.values()].filter((person) => person.nickname.toLowerCase().includes(word))
    .sort((a, b) => rank(a.nickname, word) - rank(b.nickname, word) || Number(b.here ?? 0) - Number(a.here ?? 0))
    .map((person) => ({ insert: `@${person.nickname} `, name: person.nickname, hint: person.hint, person }));
}
