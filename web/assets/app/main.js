// The start: who I am, which page, what floats above it.
import { html, render, useEffect, useState, effect } from "./lib.js";
import { ask } from "./api.js";
import { card, current, enter, me, titleOf } from "./hub.js";
import { open as openOutbox } from "./outbox.js";
import { offline, state } from "./socket.js";
import { keep, prefs, recall } from "./prefs.js";
import { go, route, wanted } from "./router.js";
import { phone } from "./screen.js";
import { t, lang } from "./words.js";
import { listen } from "./keys.js";
import { watch } from "./notify.js";
import { say } from "./acts.js";
import { Dialogs, Toast } from "../ui/dialogs.js";
import { HomePage, MentionsPage, Side, Tabs } from "../ui/side.js";
import { RoomPage } from "../ui/room-page.js";

/** Pages that are fetched when they are first shown. @type {Record<string, () => Promise<any>>} */
const LATER = {
  gate: () => import("../ui/gate.js"),
  search: () => import("../ui/search.js"),
  settings: () => import("../ui/settings.js"),
  admin: () => import("../ui/admin.js"),
};
/** Their names, while they are on their way. */
const PAGES = { gate: "title.signin", search: "title.search", settings: "title.settings", admin: "title.admin" };
/** @type {Record<string, any>} */
const fetched = {};

/** @param {{name: string, [key: string]: any}} props */
function Later({ name, ...props }) {
  const [view, setView] = useState(() => fetched[name]);
  useEffect(() => {
    if (view) return;
    LATER[name]().then((found) => {
      fetched[name] = found.default;
      setView(() => found.default);
    }, () => say(t("error.offline"), true));
  }, []);
  return view ? html`<${view} ...${props} />` : html`<main class="main" id="main">
    <h1 class="sr">${t(PAGES[/** @type {"admin"} */ (name)])}</h1><div class="loading"></div></main>`;
}

/** A sign-in that succeeded. @param {any} answer */
async function done(answer) {
  card.value = await ask("GET", "hub").catch(() => card.peek());
  welcome(answer.me);
  go(answer.path ?? (wanted.path || "/"), { replace: true });
  wanted.path = "";
}

/** @param {any} who */
function welcome(who) {
  openOutbox(`${who.kind}:${who.nickname}`);
  enter(who);
}

const GATES = new Set(["setup", "enter", "invite"]);

function App() {
  const at = route.value;
  const inside = me.value && !GATES.has(at.page);
  const page = inside && at.page === "signin" ? "home" : at.page;
  useEffect(() => {
    if (inside && page === "home" && !phone.value) go(recall("last") ?? "/rooms/lobby", { replace: true });
  }, [inside, page, phone.value]);
  if (!card.value && !me.value) return html`<main class="gate" id="main"><h1 class="sr">Hubbub</h1>
    <div class="loading" role="status">${offline.value ? t("offline") : ""}</div></main>`;
  if (!inside) return html`<${Later} key="gate" name="gate" done=${done} /><${Dialogs} /><${Toast} />`;
  const views = { room: html`<${RoomPage} key="room" />`, mentions: html`<${MentionsPage} />`, home: phone.value
    ? html`<${HomePage} />` : null };
  const view = page in LATER ? html`<${Later} key=${page} name=${page} />` : views[/** @type {"room"} */ (page)];
  const bare = page !== "room" || (phone.value && at.people) || !prefs.panel.value;
  return html`<a class="skip" href="#main" onClick=${skip}>${t(page === "room" ? "skip" : "skip.main")}</a>
    <div class=${`app ${bare ? "two" : ""} ${phone.value ? "ph" : ""}`}>${!phone.value
      && html`<${Side} />`}${view}${phone.value && page !== "room" && html`<${Tabs} />`}</div>
    <${Dialogs} /><${Toast} />`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  /** @type {HTMLElement | null} */ (document.querySelector("#composer, #main"))?.focus();
}

let away = false;
effect(() => {
  if (away && !offline.value && me.peek()) say(t("online"));
  away = offline.value;
});
effect(() => {
  const at = route.value;
  if (at.page === "room" && me.value) keep("last", location.pathname.replace(/\/\d+$/, ""));
});
effect(() => {
  lang.value;
  const one = current.value;
  const page = route.value.page;
  const name = one ? titleOf(one) : page === "home" || page === "room" ? "" : t(`title.${page}`);
  document.documentElement.dataset.title = name ? `${name} · ${card.value?.name ?? "Hubbub"}` : (card.value?.name ?? "Hubbub");
});

async function boot() {
  const [hub, session] = await Promise.all([ask("GET", "hub"), ask("GET", "session")]);
  card.value = hub;
  if (session.signed_in) welcome(session.me);
}

listen();
watch();
// What is opened by a key should be there when the key is pressed.
setTimeout(() => void import("../ui/more.js").catch(() => {}), 3000);
render(html`<${App} />`, /** @type {Element} */ (document.querySelector("#app")));
/** The hub is away: try until it answers. @param {number} wait */
function keepTrying(wait) {
  boot().catch(() => {
    offline.value = true;
    setTimeout(() => keepTrying(Math.min(30_000, wait * 2)), wait / 2 + Math.random() * wait);
  }).then(() => {
    if (card.peek() && state.peek() === "off") offline.value = false;
  });
}
keepTrying(1000);
if ("serviceWorker" in navigator && isSecureContext) void navigator.serviceWorker.register("/sw.js").catch(() => {});
