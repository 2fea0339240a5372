// What can be told without a browser: words, hashes, size, markup, the window of a room, QR codes.
import test from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

const WEB = path.resolve(import.meta.dirname, "../../web");
const ASSETS = path.join(WEB, "assets");
const read = (file) => readFileSync(path.join(WEB, file), "utf8");
const modules = ["app", "ui"].flatMap((dir) => readdirSync(path.join(ASSETS, dir)).map((file) => `assets/${dir}/${file}`));
const en = (await import(`${ASSETS}/words/en.js`)).default;
const zh = (await import(`${ASSETS}/words/zh.js`)).default;

test("both tables have the same keys and parameters", () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  const params = (phrase) => new Set(Object.values(typeof phrase === "string" ? { phrase } : phrase).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1])));
  for (const key of Object.keys(en)) {
    for (const table of [en, zh]) assert.ok(typeof table[key] === "string" || table[key].other !== undefined, key);
    const [a, b] = [params(en[key]), params(zh[key])];
    // One language may leave a count to its plural form, never a name.
    a.delete("n");
    b.delete("n");
    assert.deepEqual(b, a, key);
  }
});

test("every key in the code is in the tables, and every key of the tables is used", () => {
  const source = [...modules.map(read)].join("\n");
  const dynamic = [...source.matchAll(/(?:\bt|\bhas)\(\s*`([a-z.]+)\.\$\{|`([a-z]+)\.\$\{[^}]*\}(?:\.[a-z]+)?`/g)].map((found) => `${found[1] ?? found[2]}.`);
  const words = new Set([...source.matchAll(/["'`]([a-z][\w.-]*)["'`]/g)].map((found) => found[1]));
  for (const found of source.matchAll(/\bt\("([^"]+)"/g)) assert.ok(found[1] in en, `no words for ${found[1]}`);
  const unused = Object.keys(en).filter((key) => !words.has(key) && !dynamic.some((start) => key.startsWith(start)) && !/\.(title|text|yes)$/.test(key));
  assert.deepEqual(unused, []);
});

test("no sentence stands outside the tables", () => {
  for (const file of modules) {
    const source = read(file).replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
    assert.ok(!/[\p{Script=Han}]/u.test(source.replaceAll("Language 语言", "").replaceAll("中文", "").replaceAll("谢谢", "").replaceAll("，。、", "")), `${file} has Chinese text`);
    for (const found of source.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+)[^<>$]*</g)) assert.fail(`${file}: ${found[1]}`);
    for (const found of source.matchAll(/(?:aria-label|title|placeholder)="([^"]+)"/g)) assert.match(found[1], /^Language 语言$/, file);
  }
});

test("the vendored files are the ones that the list names", () => {
  const list = read("assets/vendor/README.md");
  const files = readdirSync(path.join(ASSETS, "vendor")).filter((file) => file.endsWith(".mjs"));
  assert.equal(files.length, 5);
  for (const file of files) {
    const hash = createHash("sha256").update(readFileSync(path.join(ASSETS, "vendor", file))).digest("hex");
    assert.ok(list.includes(`| \`${file}\``) && list.includes(hash), `${file} ${hash}`);
  }
});

/** Everything that the first view of a room imports, by address. */
function graph(from, seen = new Set()) {
  if (seen.has(from)) return seen;
  seen.add(from);
  const source = readFileSync(from, "utf8");
  for (const found of source.matchAll(/(?:^|[\s;}])(?:import|export)\b[^;"'()]*?from\s*"(\.[^"]+)"|import\s*"(\.[^"]+)"/g)) graph(path.resolve(path.dirname(from), found[1] ?? found[2]), seen);
  return seen;
}

test("the lock file names packages by their hashes, and no address to take them from", () => {
  const { packages } = JSON.parse(readFileSync(path.join(import.meta.dirname, "package-lock.json"), "utf8"));
  for (const [name, one] of Object.entries(packages)) assert.ok(!name || (one.integrity?.startsWith("sha512-") && !one.resolved), name);
});

test("the page preloads exactly what its start imports", () => {
  const wanted = [...graph(path.join(ASSETS, "app/main.js"))].map((file) => `/${path.relative(WEB, file)}`).filter((file) => file !== "/assets/app/main.js").sort();
  const listed = [...read("index.html").matchAll(/rel="modulepreload" href="([^"]+)"/g)].map((found) => found[1]).sort();
  assert.deepEqual(listed, wanted);
});

test("the first view of a room is under 120 KiB compressed, and no module is long", () => {
  const files = [...graph(path.join(ASSETS, "app/main.js")), ...["index.html", "favicon.svg", "assets/style/tokens.css", "assets/style/base.css", "assets/style/chat.css", "assets/style/pages.css"].map((file) => path.join(WEB, file))];
  const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  assert.ok(size < 120 * 1024, `${size} bytes`);
  for (const file of modules) assert.ok(read(file).split("\n").length <= 400, file);
});

test("nothing asks the policy for more than it gives", () => {
  assert.ok(!/<script(?![^>]*src=)[^>]*>|\sstyle="|<style|\son\w+="/.test(read("index.html") + read("offline.html")));
  for (const file of modules) assert.ok(!/innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write|\sstyle="/.test(read(file)), file);
});

/** Relative luminance of WCAG 2. */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test("contrast of the tokens, on every surface, in both themes", () => {
  const css = read("assets/style/tokens.css");
  const tokens = Object.fromEntries([...css.matchAll(/--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)/g)].map((found) => [found[1], [found[2], found[3]]]).reverse());
  const ratio = (a, b, theme) => {
    const [x, y] = [luminance(tokens[a][theme]), luminance(tokens[b][theme])].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const surfaces = ["wall", "floor", "raised", "sunken", "hover", "wall-hover"];
  for (const theme of [0, 1]) {
    for (const text of ["ink", "ink-2", "ink-3", "accent", "danger", "warn", "ok"]) for (const on of surfaces) assert.ok(ratio(text, on, theme) >= 4.5, `${text} on ${on}: ${ratio(text, on, theme)}`);
    for (const on of surfaces) assert.ok(ratio("edge", on, theme) >= 3, `edge on ${on}`);
    for (const [text, on] of [["on-accent", "accent"], ["on-soft", "accent-soft"], ["on-mark", "mark"], ["danger", "danger-soft"], ["warn", "warn-soft"], ...[1, 2, 3, 4, 5, 6].map((n) => [`p${n}-ink`, `p${n}`])]) assert.ok(ratio(text, on, theme) >= 4.5, `${text} on ${on}: ${ratio(text, on, theme)}`);
  }
});

const markup = await import(`${ASSETS}/app/markup.js`);

test("markup becomes trees", () => {
  const { parse, inline } = markup;
  assert.deepEqual(inline("a **b** `c*d*` ~~e~~"), [{ type: "text", text: "a " }, { type: "strong", parts: [{ type: "text", text: "b" }] }, { type: "text", text: " " }, { type: "code", text: "c*d*" }, { type: "text", text: " " }, { type: "del", parts: [{ type: "text", text: "e" }] }]);
  assert.deepEqual(inline("2*3*4 snake_case_name"), [{ type: "text", text: "2*3*4 snake_case_name" }]);
  assert.deepEqual(parse("x\n```rust\nfn a() {}\n\n```\ny").map((block) => block.type), ["p", "pre", "p"]);
  assert.deepEqual(parse("```\nnever closed").map((block) => block.type), ["p"]);
  assert.deepEqual(parse("- a\n- b\n\n1. c").map((block) => [block.type, block.ordered, block.items?.length]), [["list", false, 2], ["list", true, 1]]);
  assert.equal(inline("see https://a.b/c?d=1.")[1].href, "https://a.b/c?d=1");
  assert.equal(inline("看https://a.b/c，好")[1].href, "https://a.b/c");
  assert.equal(inline("@张三 hi")[0].name, "张三");
  assert.ok(!inline("a@b.org").some((part) => part.type === "mention"));
  assert.ok(!inline("[x](javascript:alert(1))").some((part) => part.type === "link"));
});

test("what deceives is shown as what it is", () => {
  assert.equal(markup.harmless("a\u202egpj.exe\u0007"), "a\ufffdgpj.exe\ufffd");
  assert.equal(markup.harmless("a\r\nb\u2028c"), "a\nb\nc");
});

test("odd texts cost no time", () => {
  // The processor's time, not the clock's: browsers run beside this.
  const start = process.cpuUsage();
  for (const text of ["*".repeat(16_000), "`".repeat(16_000), "[".repeat(16_000), "**a ".repeat(4_000), "> ".repeat(8_000), "@".repeat(16_000), "#a".repeat(8_000), "https://".repeat(2_000), "~~".repeat(8_000), "```\n".repeat(4_000)]) markup.parse(text);
  const took = process.cpuUsage(start).user / 1000;
  assert.ok(took < 5_000, `${took} ms`);
  assert.ok(markup.colours('"'.repeat(20_000), "js").length > 0);
});

test("one to six emoji are large, digits are not", () => {
  for (const text of ["👍", "👨‍👩‍👧 🎉", "🇨🇳"]) assert.ok(markup.onlyEmoji(text), text);
  for (const text of ["123", "👍 ok", "", "👍".repeat(7), "#"]) assert.ok(!markup.onlyEmoji(text), text);
});

const { Room, WINDOW } = await import(`${ASSETS}/app/room.js`);
const event = (seq, more = {}) => ({ type: "message", room: "lab", seq, id: `id${seq}`, ts: seq * 1000, sender_id: 1, sender_nickname: "ada", session: 1, message: `m${seq}`, ...more });
const opened = (n) => {
  const room = new Room("lab");
  room.reset(1);
  room.loaded = true;
  for (let seq = 1; seq <= n; seq += 1) room.take(event(seq));
  return room;
};

test("a window holds at most 320 and knows what it left out", () => {
  const room = opened(1000);
  assert.equal(room.items.length, WINDOW);
  assert.equal(room.lo, 1000 - WINDOW + 1);
  assert.ok(room.more && room.atEnd);
  room.prepend(Array.from({ length: 100 }, (_, i) => event(room.lo - 100 + i)), true);
  assert.equal(room.items.length, WINDOW);
  assert.ok(!room.atEnd);
  assert.equal(room.hi, room.items[room.items.length - 1].seq);
  room.append(Array.from({ length: 1000 - room.hi }, (_, i) => event(room.hi + 1 + i)));
  assert.ok(room.atEnd);
  assert.deepEqual(room.items.map((item) => item.seq), Array.from({ length: WINDOW }, (_, i) => 1000 - WINDOW + 1 + i));
});

test("a reader who has scrolled up keeps the window", () => {
  const room = opened(WINDOW);
  room.sticky = false;
  const before = room.items.map((item) => item.id);
  for (let seq = WINDOW + 1; seq <= WINDOW + 50; seq += 1) room.take(event(seq));
  assert.deepEqual(room.items.map((item) => item.id), before);
  assert.equal(room.head, WINDOW + 50);
  assert.ok(!room.atEnd);
});

test("what comes while a page is on its way is not lost", () => {
  const room = opened(3);
  const page = [1, 2, 3].map((seq) => event(seq));
  room.take(event(4));
  room.replace(page, false);
  assert.deepEqual([room.hi, room.head, room.atEnd], [3, 4, false]);
  room.append([event(4)]);
  assert.deepEqual(room.items.map((item) => item.seq), [1, 2, 3, 4]);
  assert.ok(room.atEnd);
});

test("an event comes once", () => {
  const room = opened(5);
  assert.equal(room.take(event(5)), false);
  assert.equal(room.take(event(3)), false);
  assert.equal(room.items.length, 5);
});

test("edits, reactions and redactions look the same whatever came first", () => {
  const about = [event(6, { type: "edit", target: "id2", text: "new" }), event(7, { type: "reaction", target: "id2", sign: "👍", on: true, sender_id: 2, sender_nickname: "bob" }), event(8, { type: "reaction", target: "id2", sign: "👎", on: true }), event(9, { type: "reaction", target: "id2", sign: "👎", on: false }), event(10, { type: "redaction", target: "id3", reason: "" })];
  const live = opened(5);
  for (const one of about) live.take(one);
  const late = new Room("lab");
  late.replace([event(5), ...about], true);
  late.prepend([1, 2, 3, 4].map((seq) => event(seq)), false);
  for (const room of [live, late]) {
    const [, second, third] = room.items;
    assert.deepEqual([second.text, second.past.length, [...second.reacts.keys()], third.gone?.by], ["new", 1, ["👍"], "ada"]);
    assert.equal(room.items.length, 5);
  }
});

test("the unread line stands before the first unread message", () => {
  const room = opened(10);
  room.take(event(11, { type: "topic", topic: "x" }));
  assert.equal(room.placeOfUnread(3), 8);
  assert.equal(room.placeOfUnread(11), 0);
});

test("a QR code has its finders, its format and its size", async () => {
  const { qr } = await import(`${ASSETS}/app/qr.js`);
  const rows = qr("http://127.0.0.1:7272/invite#abcdefgh");
  assert.equal(rows.length, 29);
  for (const [y, x] of [[0, 0], [0, 22], [22, 0]]) assert.deepEqual(rows.slice(y, y + 7).map((row) => row.slice(x, x + 7).map(Number).join("")), ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]);
  assert.equal(rows[21][8], true, "the module that is always dark");
  assert.throws(() => qr("x".repeat(300)), RangeError);
});
