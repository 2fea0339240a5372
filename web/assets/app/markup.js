// A subset of Markdown as plain data, and the colours of code. Pure: text in, trees out; nothing here touches the page.

/**
 * @typedef {{type: "text", text: string} | {type: "code", text: string} | {type: "strong" | "em" | "del", parts: Inline[]}
 *   | {type: "link", href: string, parts: Inline[]} | {type: "mention", name: string, text: string}
 *   | {type: "room", name: string} | {type: "break"}} Inline
 * @typedef {{type: "p" | "quote", parts: Inline[]} | {type: "pre", lang: string, text: string}
 *   | {type: "list", ordered: boolean, items: Inline[][]}} Block
 */

/** Controls, bidirectional overrides and isolates, and what else could make a text look like another. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with what could deceive shown as `�`. @param {string} text */
export const harmless = (text) => text.replace(/\r\n?|\u2028|\u2029/g, "\n").replace(UNSAFE, "\ufffd");

/** Depth of marks within marks. */
const NEST = 4;

/** @param {string} source @returns {Block[]} */
export function parse(source) {
  const lines = harmless(source).split("\n");
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} */
  let para = [];
  const close = () => {
    if (para.length) blocks.push({ type: "p", parts: inline(para.join("\n")) });
    para = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)\s*$/.exec(line);
    if (fence) {
      const end = lines.findIndex((other, i) => i > at && other.trim().startsWith(fence[1]) && !other.trim().slice(fence[1].length).trim());
      if (end > 0) {
        close();
        blocks.push({ type: "pre", lang: fence[2].toLowerCase(), text: lines.slice(at + 1, end).join("\n") });
        at = end;
        continue;
      }
    }
    const run = (/** @type {RegExp} */ mark) => {
      const taken = [];
      for (let found; at < lines.length && (found = mark.exec(lines[at])); at += 1) taken.push(found[1]);
      at -= 1;
      return taken;
    };
    if (/^> ?\S/.test(line)) {
      close();
      blocks.push({ type: "quote", parts: inline(run(/^> ?(.*)$/).join("\n")) });
    } else if (/^ {0,3}[-*] \S/.test(line)) {
      close();
      blocks.push({ type: "list", ordered: false, items: run(/^ {0,3}[-*] (.*)$/).map((text) => inline(text)) });
    } else if (/^ {0,3}1[.)] \S/.test(line)) {
      close();
      blocks.push({ type: "list", ordered: true, items: run(/^ {0,3}\d{1,3}[.)] (.*)$/).map((text) => inline(text)) });
    } else if (line.trim()) para.push(line);
    else close();
  }
  close();
  return blocks;
}

const MARKS =
  /(`+)([^\n]+?)\1(?!`)|\*\*([^\n]+?)\*\*|~~([^\n]+?)~~|(?<![\w*])\*([^\s*][^*\n]*?)\*(?![\w*])|\[([^\]\n]+)\]\((https?:\/\/[^\s()]+)\)|(https?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uffef\p{Script=Han}]+)|(?<![\w@])@([\p{L}\p{N}_~][\p{L}\p{N}_.~-]*)|(?<![\w#/])#([\p{L}\p{N}_][\p{L}\p{N}_.-]*)|\n/gu;

/** @param {string} text @param {number} [depth] @returns {Inline[]} */
export function inline(text, depth = 0) {
  /** @type {Inline[]} */
  const parts = [];
  const plain = (/** @type {string} */ piece) => piece && parts.push({ type: "text", text: piece });
  let last = 0;
  for (const found of text.matchAll(MARKS)) {
    const [whole, , code, strong, del, em, label, href, url, name, room] = found;
    if (found.index < last) continue;
    plain(text.slice(last, found.index));
    last = found.index + whole.length;
    const within = (/** @type {string} */ piece) => (depth < NEST ? inline(piece, depth + 1) : [/** @type {Inline} */ ({ type: "text", text: piece })]);
    if (code !== undefined) parts.push({ type: "code", text: code.trim() || code });
    else if (strong) parts.push({ type: "strong", parts: within(strong) });
    else if (del) parts.push({ type: "del", parts: within(del) });
    else if (em) parts.push({ type: "em", parts: within(em) });
    else if (href && depth < NEST) parts.push({ type: "link", href, parts: [{ type: "text", text: label }] });
    else if (url) {
      // Punctuation at the end belongs to the sentence.
      const tail = /[.,;:!?)\]]+$/.exec(url)?.[0] ?? "";
      const clean = url.slice(0, url.length - tail.length);
      parts.push({ type: "link", href: clean, parts: [{ type: "text", text: clean }] });
      plain(tail);
    } else if (name) parts.push({ type: "mention", name: name.replace(/[.-]+$/, ""), text: whole });
    else if (room) parts.push({ type: "room", name: room });
    else if (whole === "\n") parts.push({ type: "break" });
    else plain(whole);
  }
  plain(text.slice(last));
  return parts;
}

/** Whether a text is one to six emoji and nothing else. @param {string} text */
export function onlyEmoji(text) {
  const tight = text.replace(/\s/g, "");
  if (!tight || tight.length > 60 || /^[\d#*]+$/.test(tight)) return false;
  const signs = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(tight)];
  return signs.length <= 6 && signs.every(({ segment }) => /^(\p{Extended_Pictographic}|\p{Regional_Indicator})/u.test(segment));
}

const WORDS = new Set(
  ("abstract as async await begin bool break case catch char class const continue def default del do done double elif else end " +
    "enum esac except export extends extern false fi final finally float fn for from func function global go goto if impl import in " +
    "int interface is lambda let local long loop match mod module mut new nil none not null or and package pass pub public private " +
    "protected raise ref return select self static str string struct super switch then this throw trait true try type typeof union " +
    "unsafe unsigned until use var void volatile where while with yield None True False insert update delete into values create " +
    "table order by group set echo sudo").split(" "),
);
const HASH = new Set(["sh", "bash", "zsh", "shell", "console", "py", "python", "rb", "ruby", "toml", "yaml", "yml", "ini", "conf", "make", "dockerfile", "r", "perl", ""]);
const DASH = new Set(["sql", "lua", "haskell", "hs", "ada"]);
/** Longer code is shown without colours. */
const COLOURED = 20_000;

/**
 * The code in pieces: `k` keyword, `s` string, `c` comment, empty for the rest.
 * @param {string} text @param {string} lang @returns {[string, string][]}
 */
export function colours(text, lang) {
  if (text.length > COLOURED) return [["", text]];
  const comment = HASH.has(lang) ? "#.*" : DASH.has(lang) ? "--.*" : "\\/\\/.*|\\/\\*[\\s\\S]*?\\*\\/";
  const tokens = new RegExp(`((?<![\\w$&])(?:${comment}))|("(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*')|([A-Za-z_]\\w*)`, "g");
  /** @type {[string, string][]} */
  const pieces = [];
  const add = (/** @type {string} */ kind, /** @type {string} */ piece) => {
    if (!piece) return;
    const last = pieces[pieces.length - 1];
    if (last?.[0] === kind) last[1] += piece;
    else pieces.push([kind, piece]);
  };
  let last = 0;
  for (const found of text.matchAll(tokens)) {
    add("", text.slice(last, found.index));
    last = found.index + found[0].length;
    add(found[1] ? "c" : found[2] ? "s" : WORDS.has(found[3]) ? "k" : "", found[0]);
  }
  add("", text.slice(last));
  return pieces;
}
