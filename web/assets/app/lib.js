// The one place that knows where the vendored modules are.
import { h } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export { render, Component, Fragment } from "../vendor/preact.mjs";
export { useState, useEffect, useLayoutEffect, useRef, useMemo } from "../vendor/hooks.mjs";
export { signal, computed, effect, batch } from "../vendor/signals.mjs";

/** Tagged template that makes virtual nodes. */
export const html = htm.bind(h);

/** Joins the class names that are true. @param {...any} names */
export const cls = (...names) => names.filter(Boolean).join(" ");

/** A short random mark, for `txn` and `client`. */
export function mark() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** Copies text, also where the context is not secure and `navigator.clipboard` is absent. @param {string} text */
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const back = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  if (back instanceof HTMLElement) back.focus();
}
