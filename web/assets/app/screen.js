// What the window is: signals that follow the media queries of the layout.
import { signal } from "./lib.js";

/** @param {string} query */
function follow(query) {
  const media = matchMedia(query);
  const now = signal(media.matches);
  media.addEventListener("change", () => (now.value = media.matches));
  return now;
}

/** One thing at a time. */
export const phone = follow("(max-width: 719px)");
/** The panel has no place of its own. */
export const narrow = follow("(max-width: 1099px)");
