// Drawings: icons on a grid of 20, the mark, plates (who), door badges, empty states.
import { html, cls } from "../app/lib.js";
import { t } from "../app/words.js";

/** @type {Record<string, string>} */
const PATHS = {
  alert: "M10 3.5 17.3 16H2.7zM10 8.3v3.4M10 13.9h.01",
  at: "M12.8 7.2v3.6c0 2.6 3.9 2.2 3.9-.8a6.7 6.7 0 1 0-2.6 5.3M12.8 10a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0",
  back: "M12.5 4.5 7 10l5.5 5.5",
  bell: "M5.5 13.5V9a4.5 4.5 0 0 1 9 0v4.5l1.2 1H4.3zM8.5 16.8h3",
  check: "m4.5 10.5 3.8 3.8 7.4-8.3",
  chev: "m5.5 8 4.5 4.5L14.5 8",
  clock: "M16.8 10a6.8 6.8 0 1 1-13.6 0 6.8 6.8 0 0 1 13.6 0M10 6.2V10l2.6 1.7",
  code: "m7 6-4 4 4 4M13 6l4 4-4 4",
  copy: "M9 7h5a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2M4 13V5.5A1.5 1.5 0 0 1 5.5 4H13",
  door: "M5 17V9a5 5 0 0 1 10 0v8M3 17h14M12.2 12.5h.01",
  down: "M10 4v11m0 0 4.5-4.5M10 15l-4.5-4.5",
  edit: "m12.5 4.5 3 3L8 15l-3.7.7L5 12zM11 6l3 3",
  file: "M5 3h6.5L16 7.5V17H5zM11.5 3v4.5H16",
  gauge: "M3.5 14a6.8 6.8 0 1 1 13 0M10 12.5l3-4",
  gear: "M12.5 10a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M10 3v2M10 15v2M3 10h2M15 10h2M5 5l1.5 1.5M13.5 13.5 15 15M5 15l1.5-1.5M13.5 6.5 15 5",
  hidden: "M3 10s2.5-4.5 7-4.5S17 10 17 10s-2.5 4.5-7 4.5S3 10 3 10zM4 16 16 4",
  info: "M16.8 10a6.8 6.8 0 1 1-13.6 0 6.8 6.8 0 0 1 13.6 0M10 9.2v4M10 6.8h.01",
  key: "M10 12.8a3.2 3.2 0 1 1-6.4 0 3.2 3.2 0 0 1 6.4 0M9.2 10.5l6.3-6.3M13 6.7l2.3 2.3",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l1-1",
  lock: "M6.5 9h7a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2M7 9V6.5a3 3 0 0 1 6 0V9",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  off: "M3 8.5A10.5 10.5 0 0 1 7 6M17 8.5a10.5 10.5 0 0 0-5.5-2.8M5.8 11.4A6.5 6.5 0 0 1 9 9.7M14.2 11.4a6 6 0 0 0-1-.8M10 14.8h.01M3.5 3.5l13 13",
  panel: "M5 4h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2M12 4v12",
  people: "M10.2 7a2.7 2.7 0 1 1-5.4 0 2.7 2.7 0 0 1 5.4 0M2.8 16c.3-3 2.2-4.5 4.7-4.5s4.4 1.5 4.7 4.5M13 4.6a2.5 2.5 0 0 1 0 4.7M14.2 11.8c1.8.5 2.8 1.9 3 4.2",
  phone: "M8 3h4a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2M9.5 14.5h1",
  plus: "M10 4.5v11M4.5 10h11",
  reply: "M8 5 3.5 9.5 8 14M4 9.5h7.5a5 5 0 0 1 5 5v1",
  retry: "M16 10a6 6 0 1 1-2-4.5M14.5 2.8V6h-3.2",
  room: "M5 17V9a5 5 0 0 1 10 0v8zM12.2 12h.01",
  search: "M14.5 9a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0M13.2 13.2l3.8 3.8",
  send: "M10 16V4.5m0 0L5.5 9M10 4.5 14.5 9",
  shield: "M10 3 4.5 5v4.5c0 3.6 2.2 6 5.5 7.5 3.3-1.5 5.5-3.9 5.5-7.5V5z",
  smile: "M16.8 10a6.8 6.8 0 1 1-13.6 0 6.8 6.8 0 0 1 13.6 0M7.2 11.7c1.5 1.9 4.1 1.9 5.6 0M7.8 8.2h.01M12.2 8.2h.01",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6",
  up: "M10 16V5m0 0L5.5 9.5M10 5l4.5 4.5",
  x: "m5.5 5.5 9 9m0-9-9 9",
};

/** @param {{name: string, small?: boolean}} props */
export const Icon = ({ name, small }) =>
  html`<svg class=${cls("i", small && "s", name === "more" && "bold")} viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} />
    </svg>`;

const ARCH = "M21 16.5V13a11 11 0 0 1 22 0v3.5a2 2 0 0 1-2 2H23a2 2 0 0 1-2-2z";
export const Mark = () => html`<svg class="mark" viewBox="1 1 62 62" aria-hidden="true">
  ${[0, 90, 180, 270].map((turn) => html`<path transform=${`rotate(${turn} 32 32)`} d=${ARCH} />`)}<circle cx="32" cy="32" r="9.5" />
</svg>`;

/** The first useful character of a name. @param {string} name */
function initial(name) {
  const han = [...name].filter((sign) => /\p{Script=Han}/u.test(sign));
  // Chinese given names stand last and tell more than family names.
  if (han.length) return han[han.length - 1];
  return ([...name].find((sign) => /[\p{L}\p{N}]/u.test(sign)) ?? "?").toUpperCase();
}

/** Who, as a doorway. @param {{name: string, kind?: string, id?: number, size?: string, state?: string}} props */
export function Plate({ name, kind = "account", id = 0, size, state }) {
  const hue = id || [...name].reduce((sum, sign) => sum + (sign.codePointAt(0) ?? 0), 0);
  return html`<span
    class=${cls("plate", size, kind === "guest" ? "guest" : kind === "device" || kind === "system" ? "device" : `p${(hue % 6) + 1}`)}
    aria-hidden="true">
    ${kind === "device" ? html`<${Icon} name="gauge" />` : kind === "system" ? html`<${Icon} name="door" />` : initial(name)}
    ${state && html`<span class=${`dot ${state}`}></span>`}
  </span>`;
}

/** Through which door. @param {{via?: string}} props */
export function Door({ via = "json" }) {
  const words = t("door.through", { door: via });
  return html`<span class="door" title=${words}>
    <svg viewBox="0 0 9 11" aria-hidden="true"><path d="M1 10.3V4.5a3.5 3.5 0 0 1 7 0v5.8zM5.8 6.8h.01" /></svg>
    <span class="sr">${words}</span><span aria-hidden="true">${via}</span>
  </span>`;
}

/** A button that is only an icon. Its name is never left out. @param {any} props */
export const Tool = ({ icon, name, ...rest }) =>
  html`<button type="button" ...${rest} class=${cls("ico", rest.class)} aria-label=${name} title=${name}><${Icon} name=${icon} /></button>`;

/** @type {Record<string, any[]>} */
const ARTS = {
  room: [["", "M8 68h72M30 68V32a14 14 0 0 1 28 0v36"], ["f", "M30 68V32a14 14 0 0 1 14-14v50z"], ["", "M12 68V46a7 7 0 0 1 12 0v22M64 68V46a7 7 0 0 1 12 0v22"], ["a", "M50 45h.01"]],
  search: [["", "M58 32a18 18 0 1 1-36 0 18 18 0 0 1 36 0"], ["a", "m53 46 14 16"], ["", "M33 38V31a7 7 0 0 1 14 0v7z"]],
  closed: [["", "M8 68h72M28 68V34a16 16 0 0 1 32 0v34z"], ["a", "m38.300 42.300 11.400 11.400m0-11.400-11.400 11.400"]],
  trouble: [["", "M8 68h72M28 68V34a16 16 0 0 1 32 0v34z"], ["a", "M44 36v14M44 57h.01"]],
};

/** Nothing here: why, and what to do. @param {{art: string, title: string, text: string, level?: number, children?: any}} props */
export const Empty = ({ art, title, text, children, level = 2 }) => html`<div class="empty">
  <svg class="art" viewBox="0 0 88 72" aria-hidden="true">${ARTS[art].map(([kind, d]) => html`<path class=${kind} d=${d} />`)}</svg>
  ${level === 1 ? html`<h1 class="t">${title}</h1>` : html`<h2 class="t">${title}</h2>`}<p>${text}</p>
  ${children && html`<span class="row">${children}</span>`}
</div>`;
