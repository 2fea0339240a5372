// A message's text as nodes of the page: made by the virtual DOM alone, so that no text can become markup.
import { html, useState, copy } from "../app/lib.js";
import { parse, inline, colours, onlyEmoji, harmless } from "../app/markup.js";
import { t, langOf } from "../app/words.js";
import { me, rooms } from "../app/hub.js";
import { say } from "../app/acts.js";
import { Icon } from "./icons.js";

/** Longer messages are folded. */
const LINES = 20;
const SIGNS = 3_000;

/** @param {import("../app/markup.js").Inline[]} parts @param {boolean} [still] whether links are left out @returns {any[]} */
export function pieces(parts, still = false) {
  return parts.map((/** @type {any} */ part) => {
    switch (part.type) {
      case "code":
        return html`<code>${part.text}</code>`;
      case "strong":
        return html`<strong>${pieces(part.parts, still)}</strong>`;
      case "em":
        return html`<em>${pieces(part.parts, still)}</em>`;
      case "del":
        return html`<del>${pieces(part.parts, still)}</del>`;
      case "break":
        return still ? " " : html`<br />`;
      case "link":
        if (still) return pieces(part.parts, true);
        return html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow">${pieces(part.parts, true)}</a>`;
      case "mention":
        return html`<span class=${part.name.toLowerCase() === me.peek()?.nickname.toLowerCase() ? "ment me-at" : "ment"}>${part.text}
          </span>`;
      case "room":
        return rooms.has(part.name) && !still ? html`<a href=${`/rooms/${encodeURIComponent(part.name)}`}>#${part.name}
          </a>` : `#${part.name}`;
      default:
        return part.text;
    }
  });
}

/** One line of a text, for quotes and lists. @param {{text: string}} props */
export const Line = ({ text }) => pieces(inline(harmless(text).slice(0, 300)), true);

/** @param {{text: string, lang: string}} props */
function Code({ text, lang }) {
  const take = async () => {
    await copy(text);
    say(t("copied"));
  };
  return html`<div class="codebox">
    <pre tabindex="0" role="group" aria-label=${t("code.name", { lang: lang || "" }).trim()}>
      <code>${colours(text, lang).map(([kind, piece]) => (kind ? html`<span class=${kind}>${piece}</span>` : piece))}</code></pre>
    <button type="button" class="ico copy" aria-label=${t("code.copy")} title=${t("code.copy")} onClick=${take}><${Icon} name="copy" />
      </button>
  </div>`;
}

/** @param {{text: string, sender?: string, tail?: any}} props `tail` stands behind the last line */
export function Body({ text, sender = "", tail }) {
  const [whole, setWhole] = useState(false);
  if (text.startsWith("/me ")) return html`<p lang=${langOf(text)}>
    <span class="dim">* ${sender} </span>${pieces(inline(harmless(text.slice(4))))} ${tail}</p>`;
  if (onlyEmoji(text)) return html`<p class="big">${text} ${tail}</p>`;
  let shown = text;
  const lines = text.split("\n").length;
  const long = lines > LINES || text.length > SIGNS;
  if (long && !whole) shown = text.split("\n").slice(0, LINES).join("\n").slice(0, SIGNS);
  // A fold within a code block closes the block.
  if (shown !== text && (shown.match(/^ {0,3}```/gm)?.length ?? 0) % 2) shown += "\n```";
  const blocks = parse(shown);
  const last = blocks.length - 1;
  return html`${blocks.map((/** @type {any} */ block, at) => {
      const end = at === last && tail ? html` ${tail}` : null;
      switch (block.type) {
        case "pre":
          return html`<${Code} text=${block.text} lang=${block.lang} />${end && html`<p>${end}</p>`}`;
        case "quote":
          return html`<blockquote lang=${langOf(text)}>${pieces(block.parts)}</blockquote>${end && html`<p>${end}</p>`}`;
        case "list":
          return html`<${block.ordered ? "ol" : "ul"}
            lang=${langOf(text)}>${block.items.map((/** @type {any} */ item) => html`<li>${pieces(item)}</li>`)}<//>${end && html`<p>${end}
            </p>`}`;
        default:
          return html`<p lang=${langOf(text)}>${pieces(block.parts)}${end}</p>`;
      }
    })}
    ${!blocks.length && tail && html`<p>${tail}</p>`}
    ${long && html`<button type="button" class="btn sm" aria-expanded=${whole}
      onClick=${() => setWhole(!whole)}>${whole ? t("long.less") : t("long.more", { n: lines })}</button>`}`;
}

/** A name cut in the middle, with its extension kept and shown as what it is. @param {string} name */
export function fileName(name) {
  const clean = harmless(name).replace(/\n/g, "\ufffd");
  const signs = [...clean];
  return signs.length > 48 ? `${signs.slice(0, 28).join("")}…${signs.slice(-18).join("")}` : clean;
}
