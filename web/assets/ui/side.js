// The list of rooms and directs, with exact counts: a sidebar on a wide window, a page of its own on a phone.
import { html, cls } from "../app/lib.js";
import { t, moment } from "../app/words.js";
import { card, current, isAdmin, listed, me, presence, rooms, titleOf } from "../app/hub.js";
import { levelOf, levels } from "../app/prefs.js";
import { go, pathOf, route } from "../app/router.js";
import { later } from "./dialogs.js";
import { openSwitcher } from "./switcher.js";
import { Icon, Mark, Plate, Tool } from "./icons.js";
import { Line, fileName } from "./body.js";

/** Public rooms that are offered at most; the rest is in the switcher. */
const OFFERED = 12;

/** @param {any} room */
export const iconOf = (room) => ({ private: "lock", hidden: "hidden" })[/** @type {"private"} */ (room.visibility)] ?? "room";

/** @param {number} n */
const short = (n) => (n > 99 ? "99+" : String(n));

/** Rooms of mine, directs, and public rooms that I am not in. */
export function sorted() {
  listed.value;
  const all = [...rooms.values()];
  const account = me.value?.kind === "account";
  const mine = all.filter((room) => room.kind === "room" && (room.open || (account && room.member)));
  const last = (/** @type {any} */ room) => room.latest?.ts ?? 0;
  return {
    mine: mine.sort((a, b) => Number(b.name === "lobby") - Number(a.name === "lobby") || a.name.localeCompare(b.name)),
    directs: all.filter((room) => room.kind === "direct" && room.with).sort((a, b) => last(b) - last(a) || titleOf(a).localeCompare(titleOf(b))),
    others: all.filter((room) => room.kind === "room" && !mine.includes(room)).sort((a, b) => b.attendees - a.attendees || a.name.localeCompare(b.name)),
  };
}

/** @param {any} name */
export const dotOf = (name) => ({ here: "here", away: "" })[/** @type {"here"} */ (presence.value.get(name)?.state)] ?? "";

/** @param {{room: any, phone?: boolean}} props */
function Place({ room, phone }) {
  // A component that reads signals is drawn again only for those: the room itself is one object for ever.
  listed.value;
  levels.value;
  const muted = levelOf(room) === "none";
  const title = titleOf(room);
  const here = current.value === room;
  const at = room.mentions > 0;
  const count = at ? html`<span class="count at" aria-hidden="true">@${short(room.mentions)}
    </span>` : room.unread > 0 && !muted ? html`<span class="count" aria-hidden="true">${short(room.unread)}</span>` : null;
  const state = presence.value.get(title)?.state;
  const label = [title, room.kind === "direct" && state && t(`who.${state}`), room.mentions && t("count.mentions", { n: room.mentions }), room.unread && t("count.unread", { n: room.unread }), muted && t("level.none")].filter(Boolean).join(", ");
  const sign = room.kind === "direct" ? html`<${Plate} name=${title} size=${phone ? "" : "sm"}
    state=${state ? dotOf(title) || "off" : undefined} />` : phone ? html`<span class="plate wall"><${Icon} name=${iconOf(room)} />
    </span>` : html`<${Icon} name=${iconOf(room)} />`;
  const last = room.latest;
  return html`<li><a class=${cls("place", count && "has", muted && "muted")} href=${pathOf(room)} aria-current=${here ? "page" : undefined}
    aria-label=${label}>${sign}
    ${phone
      ? html`<span class="two"><span class="clip">${title}</span>
        <span class="sub clip">${last ? html`${last.sender_nickname}: ${last.type === "file" ? fileName(last.name) : html`<${Line}
        text=${last.message} />`}` : room.topic}</span></span>
        <span class="end">${last && html`<time>${moment(last.ts)}</time>`}${count}</span>`
      : html`<span class="clip">${title}</span>${count}`}</a></li>`;
}

/** @param {{phone?: boolean}} props */
export function Places({ phone }) {
  const { mine, directs, others } = sorted();
  const section = (/** @type {string} */ id, /** @type {any[]} */ list, /** @type {any} */ extra) => list.length > 0 || extra
    ? html`<section aria-labelledby=${`side-${id}`}><h2 id=${`side-${id}`}>${t(`side.${id}`)}${extra}</h2>
      <ul>${list.map((room) => html`<${Place} key=${room.name} room=${room} phone=${phone} />`)}</ul></section>`
    : null;
  const add = me.value?.kind === "account" && html`<${Tool} icon="plus" name=${t("room.new")} onClick=${() => later("NewRoom")} />`;
  return html`${section("rooms", mine, add)}${section("directs", directs, html`<${Tool} icon="plus" name=${t("direct.new")}
    onClick=${() => openSwitcher({ people: true })} />`)}${section("others", others.slice(0, OFFERED), null)}`;
}

const ADMIN = /** @type {const} */ ([["accounts", "people"], ["invites", "link"], ["tokens", "key"], ["rooms", "room"]]);
/** @param {{phone?: boolean}} props */
export const AdminPlaces = ({ phone }) => isAdmin.value && html`<section aria-labelledby="side-admin"><h2 id="side-admin">${t("side.admin")}
  </h2><ul>
  ${ADMIN.map(([part, icon]) => html`<li><a class="place" href=${`/admin/${part}`}
    aria-current=${route.value.page === "admin" && (route.value.part ?? "accounts") === part ? "page" : undefined}>
    ${phone ? html`<span class="plate wall"><${Icon} name=${icon} /></span>` : html`<${Icon} name=${icon} />`}
      <span class="clip">${t(`admin.${part}`)}</span></a></li>`)}
</ul></section>`;

export function Side() {
  const who = me.value;
  const onAdmin = route.value.page === "admin";
  return html`<nav class="side" id="side" tabindex="-1" aria-label=${t("side.name")}>
    <div class="brand"><${Mark} /><span class="clip">${card.value?.name ?? "Hubbub"}</span></div>
    <button class="jump" type="button" onClick=${() => openSwitcher()} aria-keyshortcuts="Control+K"><${Icon} name="search" />
      <span class="grow">${t("side.jump")}</span><kbd aria-hidden="true">Ctrl K</kbd></button>
    <div class="places"><${Places} />${onAdmin && html`<${AdminPlaces} />`}</div>
    <div class="me"><${Plate} name=${who?.nickname ?? ""} kind=${who?.kind} id=${who?.id} state="here" />
      <span class="who"><b class="clip">${who?.nickname}</b><span
        class="tiny dim">${who?.kind === "guest" ? t("kind.guest") : t(`role.${who?.role ?? "member"}`)}</span></span>
      ${isAdmin.value && html`<${Tool} icon="shield" name=${t("side.admin")} onClick=${() => go("/admin/accounts")} />`}
      <${Tool} icon="gear" name=${t("settings.title")} onClick=${() => go("/settings")} /></div>
  </nav>`;
}

/** The four pages of a phone. */
export function Tabs() {
  listed.value;
  const mentions = [...rooms.values()].reduce((sum, room) => sum + room.mentions, 0);
  const page = route.value.page;
  const tabs = /** @type {const} */ ([["home", "/", "room"], ["mentions", "/search?mentions", "at"], ["search", "/search", "search"], ["settings", "/settings", "gear"]]);
  return html`<nav class="tabbar" aria-label=${t("tabs.name")}>${tabs.map(([name, path, icon]) => html`<a href=${path}
    aria-current=${page === name ? "page" : undefined}>
    <${Icon} name=${icon} /><span>${t(`tab.${name}`)}</span>${name === "mentions" && mentions > 0 && html`<span class="count at">
      <span class="sr">${t("count.mentions", { n: mentions })}</span><span aria-hidden="true">${short(mentions)}</span></span>`}</a>`)}
      </nav>`;
}

/** The list as a page. */
export const HomePage = () => html`<main class="main list" id="main" tabindex="-1"><header class="top"><${Mark} />
  <h1 class="grow clip">${card.value?.name ?? "Hubbub"}</h1>
  <${Tool} icon="search" name=${t("side.jump")} onClick=${() => openSwitcher()} /></header>
  <div class="places"><${Places} phone />${isAdmin.value && html`<${AdminPlaces} phone />`}</div></main>`;

/** Where I was mentioned and have not been since. */
export function MentionsPage() {
  const { mine, directs } = sorted();
  const list = [...mine, ...directs].filter((room) => room.mentions > 0);
  return html`<main class="main list" id="main" tabindex="-1"><header class="top"><h1 class="grow">${t("tab.mentions")}</h1></header>
    <div class="places">${list.length ? html`<ul>${list.map((room) => html`<${Place} key=${room.name} room=${room} phone />`)}
      </ul>` : html`<p class="dim pad">${t("mentions.none")}</p>`}</div></main>`;
}
