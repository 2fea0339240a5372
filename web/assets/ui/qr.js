// A text as a QR code, dark on white in both themes.
import { html } from "../app/lib.js";
import { qr } from "../app/qr.js";
import { t } from "../app/words.js";

/** Longer texts are not drawn: they would be too fine for a phone. */
const BYTES = 210;

/** @param {{text: string}} props */
export function Qr({ text }) {
  if (new TextEncoder().encode(text).length > BYTES) return null;
  const rows = qr(text);
  const path = rows.map((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : "")).join("")).join("");
  return html`<svg class="qr" role="img" aria-label=${t("qr.name", { url: text })} viewBox=${`-2 -2 ${rows.length + 4} ${rows.length + 4}`}>
    <path d=${path} /></svg>`;
}
