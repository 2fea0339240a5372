// A room as a page: header, banner, log, who types, composer, and the panel beside it.
import { html, useEffect, useRef, useState } from "../app/lib.js";
import { t } from "../app/words.js";
import { announced, current, isAdmin, me, presence, titleOf } from "../app/hub.js";
import { offline, retryAt, state, tryNow } from "../app/socket.js";
import { waiting } from "../app/outbox.js";
import * as acts from "../app/acts.js";
import { prefs } from "../app/prefs.js";
import { back, go, pathOf, route } from "../app/router.js";
import { narrow, phone } from "../app/screen.js";
import { later } from "./dialogs.js";
import { Empty, Icon, Tool } from "./icons.js";
import { Log } from "./log.js";
import { Composer } from "./composer.js";
import { Panel } from "./panel.js";
import { inline } from "../app/markup.js";
import { pieces } from "./body.js";

/** One at a time, the worst first. */
export function Banner() {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!offline.value) return undefined;
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [offline.value]);
  if (offline.value) {
    const left = Math.max(0, Math.ceil((retryAt.value - Date.now()) / 1000));
    return html`<div class="banner" role="status"><${Icon} name="off" /><span class="grow"><b>${t("offline")}
      </b> ${t("offline.text", { n: waiting() })}</span>
      ${state.value === "waiting" && html`<span class="small dim num" aria-hidden="true">${t("offline.next", { n: left })}</span>`}
      <button type="button" class="btn sm" onClick=${tryNow}>${t("offline.try")}</button></div>`;
  }
  if (announced.value) {
    return html`<div class="banner" role="status"><${Icon} name="info" /><span class="grow">${announced.value}</span>
      <${Tool} icon="x" name=${t("close")} onClick=${() => (announced.value = "")} /></div>`;
  }
  return null;
}

/** @param {{room: any}} props */
function Typing({ room }) {
  room.rev.value;
  const names = [...room.typing.values()].map((/** @type {any} */ one) => one.name);
  const text = names.length === 0 ? "" : names.length === 1 ? t("typing.one", { a: names[0] }) : names.length === 2 ? t("typing.two", { a: names[0], b: names[1] }) : t("typing.many");
  return html`<div class="typing">${text && html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>${text}`}</div>`;
}

/** Why I cannot write here, or nothing. @param {any} room */
function muted(room) {
  if (isAdmin.value) return "";
  const standing = room.folk.find((/** @type {any} */ person) => person.nickname === me.value?.nickname)?.standing;
  if (standing === "operator") return "";
  if (room.readOnly) return t("composer.readonly");
  if (room.moderated && room.folk.length && standing !== "voice") return t("composer.moderated");
  return "";
}

/** @param {{room: any}} props */
function Header({ room }) {
  room.rev.value;
  const direct = room.kind === "direct";
  const title = titleOf(room);
  const state = direct ? presence.value.get(title)?.state : null;
  const wide = prefs.panel.value && !narrow.value;
  const panel = () => {
    if (phone.value) go(`${pathOf(room)}?people`);
    else if (narrow.value) later("PanelDialog", { room });
    else prefs.panel.value = !prefs.panel.value;
  };
  const topic = direct ? (state ? t(`who.${state}`) : "") : room.topic;
  return html`<header class="top">
    ${phone.value && html`<${Tool} icon="back" name=${t("back")} onClick=${() => back("/")} />`}
    <div class="heads"><h1 class="clip">${title}</h1>${phone.value
      ? html`<p class="tiny dim clip">${direct ? topic : t("room.here", { n: room.attendees })}</p>`
      : html`<p class="topic clip" title=${topic}>${pieces(inline(topic))}</p>`}</div>
    <span class="row tight">
      <${Tool} icon="search" name=${t("room.search", { room: title })} onClick=${() => go(`/search?in=${encodeURIComponent(room.name)}`)} />
      ${!direct && html`<${Tool} icon="gear" name=${t("room.settings", { room: title })}
        onClick=${() => later("RoomSettings", { room })} />`}
      <${Tool} icon=${phone.value ? "people" : "panel"} name=${t("panel.name")}
        aria-pressed=${phone.value || narrow.value ? undefined : wide} onClick=${panel} /></span>
  </header>`;
}

/** @param {{room: any}} props */
function View({ room }) {
  const [reply, setReply] = useState(/** @type {any} */ (null));
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const jumped = useRef("");
  room.rev.value;
  const at = route.value;
  const online = state.value === "open";
  useEffect(() => {
    if (online && !room.loaded && !at.seq) acts.newest(room).catch((why) => why.code !== "offline" && acts.say(why.message, true));
  }, [room, online, room.loaded]);
  const end = room.atEnd;
  useEffect(() => {
    if (!end) return;
    draw(room);
    markRead(room);
  }, [room, end]);
  useEffect(() => () => {
    room.line = 0;
    room.behind = { n: 0, at: 0 };
  }, [room]);
  useEffect(() => {
    // Once: a reconnect must not take the reader back to where the address points.
    const place = `${room.name} ${at.seq}`;
    if (!at.seq || !online || jumped.current === place) return;
    jumped.current = place;
    acts.jump(room, at.seq).then((item) => item || acts.say(t("jump.none"), true), (why) => acts.say(why.message, true));
  }, [room, at.seq, online]);
  useEffect(() => {
    if (online && !room.people) void acts.people(room).catch(() => {});
  }, [room, online, room.people]);
  useEffect(() => markRead(room), [room.rev.value]);
  const pick = (/** @type {any} */ item) => {
    setEdit(null);
    setReply(item);
    /** @type {any} */ (document.querySelector("#composer"))?.focus();
  };
  const change = (/** @type {any} */ item) => {
    setReply(null);
    setEdit(item);
    /** @type {any} */ (document.querySelector("#composer"))?.focus();
  };
  const invite = room.kind === "room" && html`<button type="button" class="btn primary" onClick=${() => later("Invite", { room })}>
    <${Icon} name="link" />${t("invite.people")}</button>`;
  return html`<main class="main" id="main">
    <${Header} room=${room} /><${Banner} />
    <${Log} key=${`log${room.name}`} room=${room} reply=${pick} edit=${change} invite=${invite} />
    <${Typing} room=${room} />
    <${Composer} key=${`to${room.name}`} room=${room} reply=${reply} edit=${edit} answer=${setReply} change=${setEdit}
      muted=${muted(room)} />
  </main>`;
}

/** Marks as read what the person can see: page in front, reader at the end. @param {any} room */
function markRead(room) {
  if (room.loaded && room.atEnd && room.sticky && room.unread > 0 && document.visibilityState === "visible" && document.hasFocus()) acts.read(room);
}

/** Draws the line before what came while the person was elsewhere. @param {any} room */
function draw(room) {
  if (!room.unread) return;
  room.line = room.placeOfUnread(room.unread);
  if (!room.line) room.behind = { n: room.unread, at: room.head };
  room.changed();
}

const lookAgain = () => {
  const room = current.peek();
  if (!room || document.visibilityState !== "visible") return;
  if (room.atEnd) draw(room);
  markRead(room);
};
addEventListener("focus", lookAgain);
document.addEventListener("visibilitychange", lookAgain);

export function RoomPage() {
  const at = route.value;
  const room = current.value;
  // The room is the same object before and after it opens.
  room?.rev.value;
  const [failed, setFailed] = useState(/** @type {any} */ (null));
  const key = at.room ?? `@${at.with}`;
  const online = state.value === "open";
  useEffect(() => {
    setFailed(null);
    if (!online || room?.ended) return;
    acts.open({ room: at.room, with: at.with }).catch((why) => why.code !== "offline" && setFailed({ key, why }));
  }, [key, online, room?.open]);
  if (room && !room.ended && (room.open || room.loaded) && !(failed?.key === key && !room.open)) {
    if (phone.value && at.people) return html`<main class="main" id="main"><header class="top">
      <${Tool} icon="back" name=${t("back")} onClick=${() => back(pathOf(room))} /><h1 class="clip">${titleOf(room)}</h1></header>
      <${Panel} room=${room} /></main>`;
    return html`<${View} key=${room.name} room=${room} />${prefs.panel.value && !narrow.value && html`<${Panel} room=${room} />`}`;
  }
  if (room?.ended) {
    const again = () => acts.open({ room: at.room, with: at.with }).catch((why) => acts.say(why.message, true));
    return html`<main class="main" id="main"><${Banner} /><${Empty} level=${1} art="closed" title=${t(`ended.${room.ended}`)}
      text=${t("ended.text", { room: titleOf(room) })}>
      ${["left", "kicked"].includes(room.ended) && html`<button type="button" class="btn primary" onClick=${again}>${t("ended.again")}
        </button>`}<a class="btn" href="/rooms/lobby">${t("noentry.back")}</a><//></main>`;
  }
  if (failed?.key === key) {
    const banned = failed.why.code === "banned";
    return html`<main class="main" id="main"><${Banner} /><${Empty} level=${1} art="closed"
      title=${t(banned ? "noentry.banned" : "noentry")} text=${banned ? failed.why.message : t("noentry.text")}>
      <a class="btn" href="/rooms/lobby">${t("noentry.back")}</a><//></main>`;
  }
  return html`<main class="main" id="main"><h1 class="sr">${at.room ?? at.with}</h1><${Banner} /><div class="loading" role="status">
    <span class="sr">${t("loading")}</span></div></main>`;
}
