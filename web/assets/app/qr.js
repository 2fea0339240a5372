// QR codes (ISO/IEC 18004): byte mode, error correction M, versions 1 to 10 (213 bytes), mask by the standard's penalties.

/** For each version: data codewords in all, error codewords of a block, number of blocks. Level M. */
const SIZES = [[16, 10, 1], [28, 16, 1], [44, 26, 1], [64, 18, 2], [86, 24, 2], [108, 16, 4], [124, 18, 4], [154, 22, 4], [182, 22, 5], [216, 26, 5]];
/** Centres of the alignment patterns for each version. */
const ALIGN = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];

/** Powers and logarithms in GF(256) over x^8 + x^4 + x^3 + x^2 + 1. */
const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i += 1) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
  x = (x << 1) ^ (x & 128 ? 0x11d : 0);
}
/** @param {number} a @param {number} b */
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

/** The remainder of the data divided by the generator of this degree. @param {number[]} data @param {number} degree */
function remainder(data, degree) {
  let generator = [1];
  for (let i = 0; i < degree; i += 1) {
    const next = new Array(generator.length + 1).fill(0);
    generator.forEach((value, at) => {
      next[at] ^= value;
      next[at + 1] ^= times(value, EXP[i]);
    });
    generator = next;
  }
  const rest = [...data, ...new Array(degree).fill(0)];
  for (let at = 0; at < data.length; at += 1) {
    const lead = rest[at];
    if (lead) generator.forEach((value, i) => (rest[at + i] ^= times(value, lead)));
  }
  return rest.slice(data.length);
}

/** All codewords, interleaved. @param {Uint8Array} bytes @param {number} version */
function codewords(bytes, version) {
  const [total, errors, blocks] = SIZES[version - 1];
  /** @type {number[]} */
  const bits = [];
  const put = (/** @type {number} */ value, /** @type {number} */ width) => {
    for (let i = width - 1; i >= 0; i -= 1) bits.push((value >> i) & 1);
  };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, total * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; data.length < total; pad ^= 0xfd) data.push(pad);
  const short = Math.floor(total / blocks);
  const long = total % blocks;
  /** @type {number[][]} */
  const parts = [];
  for (let block = 0, at = 0; block < blocks; block += 1) {
    const size = short + (block >= blocks - long ? 1 : 0);
    parts.push(data.slice(at, at + size));
    at += size;
  }
  const checks = parts.map((part) => remainder(part, errors));
  const out = [];
  for (let i = 0; i <= short; i += 1) for (const part of parts) if (i < part.length) out.push(part[i]);
  for (let i = 0; i < errors; i += 1) for (const check of checks) out.push(check[i]);
  return out;
}

const MASKS = [
  (/** @type {number} */ y, /** @type {number} */ x) => (y + x) % 2, (/** @type {number} */ y) => y % 2, (/** @type {number} */ _, /** @type {number} */ x) => x % 3, (/** @type {number} */ y, /** @type {number} */ x) => (y + x) % 3,
  (/** @type {number} */ y, /** @type {number} */ x) => ((y >> 1) + Math.floor(x / 3)) % 2, (/** @type {number} */ y, /** @type {number} */ x) => ((y * x) % 2) + ((y * x) % 3),
  (/** @type {number} */ y, /** @type {number} */ x) => (((y * x) % 2) + ((y * x) % 3)) % 2, (/** @type {number} */ y, /** @type {number} */ x) => (((y + x) % 2) + ((y * x) % 3)) % 2,
];

/** @param {number} value @param {number} poly @param {number} width @param {number} degree */
function bch(value, poly, width, degree) {
  let rest = value << degree;
  for (let i = width - 1; i >= 0; i -= 1) if ((rest >> (i + degree)) & 1) rest ^= poly << i;
  return (value << degree) | rest;
}

/** The symbol as rows of dark (true) and light. @param {string} text @returns {boolean[][]} */
export function qr(text) {
  const bytes = new TextEncoder().encode(text);
  const version = SIZES.findIndex(([total], i) => bytes.length + (i < 9 ? 2 : 3) <= total) + 1;
  if (!version) throw new RangeError("too long for a QR code");
  const n = 17 + 4 * version;
  const dark = Array.from({ length: n }, () => new Array(n).fill(false));
  const fixed = Array.from({ length: n }, () => new Array(n).fill(false));
  const set = (/** @type {number} */ y, /** @type {number} */ x, /** @type {any} */ on) => {
    if (y < 0 || x < 0 || y >= n || x >= n) return;
    dark[y][x] = Boolean(on);
    fixed[y][x] = true;
  };
  for (const [cy, cx] of [[3, 3], [3, n - 4], [n - 4, 3]]) {
    for (let y = -4; y <= 4; y += 1) for (let x = -4; x <= 4; x += 1) {
      const ring = Math.max(Math.abs(y), Math.abs(x));
      set(cy + y, cx + x, ring !== 2 && ring !== 4);
    }
  }
  for (let i = 8; i < n - 8; i += 1) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  const centres = ALIGN[version - 1];
  const last = centres.length - 1;
  centres.forEach((cy, i) => centres.forEach((cx, j) => {
    if ((i === 0 && (j === 0 || j === last)) || (i === last && j === 0)) return;
    for (let y = -2; y <= 2; y += 1) for (let x = -2; x <= 2; x += 1) set(cy + y, cx + x, Math.max(Math.abs(y), Math.abs(x)) !== 1);
  }));
  if (version >= 7) {
    const bits = bch(version, 0x1f25, 6, 12);
    for (let i = 0; i < 18; i += 1) {
      set(n - 11 + (i % 3), Math.floor(i / 3), (bits >> i) & 1);
      set(Math.floor(i / 3), n - 11 + (i % 3), (bits >> i) & 1);
    }
  }
  const format = (/** @type {number} */ mask) => {
    const bits = bch(mask, 0x537, 5, 10) ^ 0x5412; // level M is 00
    for (let i = 0; i < 15; i += 1) {
      const on = (bits >> i) & 1;
      if (i < 6) set(i, 8, on);
      else if (i < 8) set(i + 1, 8, on);
      else set(n - 15 + i, 8, on);
      if (i < 8) set(8, n - 1 - i, on);
      else if (i === 8) set(8, 7, on);
      else set(8, 14 - i, on);
    }
    set(n - 8, 8, 1);
  };
  format(0);
  const words = codewords(bytes, version);
  let at = 0;
  for (let right = n - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let i = 0; i < n; i += 1) {
      const y = ((right + 1) & 2) === 0 ? n - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue;
        dark[y][x] = at < words.length * 8 && Boolean((words[at >> 3] >> (7 - (at & 7))) & 1);
        at += 1;
      }
    }
  }
  let best = 0;
  let least = Infinity;
  const flip = (/** @type {number} */ mask) => {
    for (let y = 0; y < n; y += 1) for (let x = 0; x < n; x += 1) if (!fixed[y][x] && MASKS[mask](y, x) === 0) dark[y][x] = !dark[y][x];
    format(mask);
  };
  for (let mask = 0; mask < 8; mask += 1) {
    flip(mask);
    const cost = penalty(dark);
    flip(mask);
    if (cost < least) [best, least] = [mask, cost];
  }
  flip(best);
  return dark;
}

/** @param {boolean[][]} dark */
function penalty(dark) {
  const n = dark.length;
  let cost = 0;
  let count = 0;
  const lines = [...dark.map((row) => row.map(Number).join("")), ...dark.map((_, x) => dark.map((row) => Number(row[x])).join(""))];
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) cost += run.length - 2;
    cost += 40 * (line.match(/(?=00001011101|10111010000)/g)?.length ?? 0);
  }
  for (let y = 0; y < n; y += 1) for (let x = 0; x < n; x += 1) {
    count += Number(dark[y][x]);
    if (y && x && dark[y][x] === dark[y - 1][x] && dark[y][x] === dark[y][x - 1] && dark[y][x] === dark[y - 1][x - 1]) cost += 3;
  }
  return cost + 10 * Math.floor(Math.abs((count * 20) / (n * n) - 10));
}
