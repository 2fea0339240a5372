// The address bar: what is shown follows from the path alone, so that Back, reload and copied links work.
import { signal } from "./lib.js";

/**
 * @typedef {object} Route
 * @property {string} page `home`, `room`, `search`, `settings`, `admin`, `mentions`, `signin`, `setup`, `enter`, `invite`
 * @property {string} [room] a room's name
 * @property {string} [with] the other person of a direct
 * @property {number} [seq] a message of the room
 * @property {string} [part] of settings or admin
 * @property {boolean} [people] on a phone: the room's panel as a page
 * @property {URLSearchParams} query
 */

/** @param {Location | URL} at @returns {Route} */
export function parse(at) {
  const query = new URLSearchParams(at.search);
  const parts = at.pathname.split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  const people = query.has("people");
  const seq = /^\d+$/.test(parts[2] ?? "") ? Number(parts[2]) : undefined;
  if (parts[0] === "rooms" && parts[1]) return { page: "room", room: parts[1], seq, people, query };
  if (parts[0] === "directs" && parts[1]) return { page: "room", with: parts[1], seq, people, query };
  if (parts[0] === "search" && query.has("mentions")) return { page: "mentions", query };
  if (["search", "settings", "admin", "signin", "setup", "enter", "invite"].includes(parts[0])) {
    return { page: parts[0], part: parts[1], query };
  }
  return { page: "home", query };
}

/** Where somebody wanted to go who must sign in first. */
export const wanted = { path: "" };

/** Where we are. */
export const route = signal(parse(location));
/** How many steps Back stays within the client. */
let depth = 0;

/** @param {string} path @param {{replace?: boolean}} [how] */
export function go(path, { replace = false } = {}) {
  if (path === location.pathname + location.search) return;
  if (replace) history.replaceState(history.state, "", path);
  else {
    depth += 1;
    history.pushState({ depth }, "", path);
  }
  route.value = parse(location);
}

/** One step back, or to `path` where this was the first page. @param {string} path */
export function back(path) {
  if (depth > 0) history.back();
  else go(path, { replace: true });
}

/** @param {{name: string, kind: string, with?: string | null}} room @param {number} [seq] */
export const pathOf = (room, seq) =>
  (room.kind === "direct" ? `/directs/${encodeURIComponent(room.with ?? "")}` : `/rooms/${encodeURIComponent(room.name)}`) +
  (seq ? `/${seq}` : "");

addEventListener("popstate", () => {
  depth = history.state?.depth ?? 0;
  route.value = parse(location);
});

addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
