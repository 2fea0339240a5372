// One entry of the log: a message with its actions, a file card, or a line about the room.
import { html, cls, Component, copy } from "../app/lib.js";
import { t, clock, size, langOf, list, has } from "../app/words.js";
import { harmless } from "../app/markup.js";
import { isMine, me, mentionsMe, isAdmin, rooms } from "../app/hub.js";
import * as acts from "../app/acts.js";
import { pathOf, go } from "../app/router.js";
import { discard, retry } from "../app/outbox.js";
import { prefs } from "../app/prefs.js";
import { Icon, Plate, Door, Tool } from "./icons.js";
import { Body, Line, fileName } from "./body.js";
import { openEmoji, openMenu, openConfirm, openHistory } from "./dialogs.js";

/** @typedef {import("../app/room.js").Room} Room */
/** @typedef {import("../app/room.js").Item} Item */

/** The sentence of a refusal. @param {string} code @param {string} text */
export const refusal = (code, text) => (has(`error.${code}`) ? t(`error.${code}`) : text);
/** @param {Promise<any>} work */
export const tried = (work) => work.catch((why) => acts.say(refusal(why.code, why.message), true));

/** @param {Room} room */
export const operates = (room) => isAdmin.value || room.folk.some((person) => person.nickname === me.value?.nickname && person.standing === "operator");

/** Asks, then takes a message back. @param {Room} room @param {Item} item */
export async function remove(room, item) {
  const sure = await openConfirm({ title: t("remove.title"), text: t("remove.text"), yes: t("remove.yes") });
  if (sure) await tried(acts.redact(room, item));
}

/** @param {Room} room @param {Item} item */
export async function copyLink(room, item) {
  await copy(location.origin + pathOf(room, item.seq));
  acts.say(t("copied.link"));
}

/** What can be done with a message. @param {Room} room @param {Item} item @param {any} log */
function choices(room, item, log) {
  const mine = isMine(item.base);
  const said = item.base.type === "message";
  return [
    { icon: "reply", name: t("act.reply"), key: "R", run: () => log.reply(item) },
    said && mine && { icon: "edit", name: t("act.edit"), key: "E", run: () => log.edit(item) },
    { icon: "smile", name: t("act.react"), key: "+", run: () => openEmoji((sign) => tried(acts.react(room, item, sign))) },
    { icon: "link", name: t("act.link"), key: "C", run: () => copyLink(room, item) },
    said && { icon: "copy", name: t("act.copy"), run: async () => { await copy(item.text); acts.say(t("copied")); } },
    { icon: "bell", name: t("act.unread"), key: "U", run: () => acts.unreadFrom(room, item.seq) },
    !mine && (item.base.sender_kind ?? "account") !== "system" && { icon: "people", name: t("act.direct", { name: item.base.sender_nickname }), run: () => go(`/directs/${encodeURIComponent(item.base.sender_nickname)}`) },
    (mine || operates(room)) && { icon: "trash", name: t("act.remove"), key: "Del", danger: true, run: () => remove(room, item) },
  ].filter(Boolean);
}

/** @param {{room: Room, item: Item, log: any, tab: boolean}} props */
function Actions({ room, item, log, tab }) {
  return html`<div class="acts" role="group" aria-label=${t("act.group")}>
    <${Tool} icon="smile" name=${t("act.react")} tabindex=${tab ? 0 : -1}
      onClick=${() => openEmoji((sign) => tried(acts.react(room, item, sign)))} />
    <${Tool} icon="reply" name=${t("act.reply")} tabindex=${tab ? 0 : -1} onClick=${() => log.reply(item)} />
    <${Tool} icon="link" name=${t("act.link")} tabindex=${tab ? 0 : -1} onClick=${() => copyLink(room, item)} />
    <${Tool} icon="more" name=${t("act.more")} tabindex=${tab ? 0 : -1} aria-haspopup="dialog"
      onClick=${() => openMenu(t("act.more"), choices(room, item, log))} />
  </div>`;
}

/** @param {{room: Room, item: Item, rev: number}} props `rev` says that the item has changed */
function Reactions({ room, item }) {
  if (!item.reacts.size) return null;
  const mine = `${me.value?.kind}:${me.value?.id}`;
  return html`<div class="reacts" role="group" aria-label=${t("react.group")}>
    ${[...item.reacts].map(([sign, who]) => {
      const own = who.has(mine);
      const names = [...who.values()];
      const label = t(own ? "react.own" : "react.other", { sign: harmless(sign), n: who.size });
      return html`<button key=${sign} type="button" class="react" aria-pressed=${own} aria-label=${label} title=${list(names.slice(0, 20))}
        onClick=${() => tried(acts.react(room, item, sign))}>${harmless(sign)} ${who.size}</button>`;
    })}
    <button type="button" class="react add" aria-label=${t("react.add")} title=${t("react.add")}
      onClick=${() => openEmoji((sign) => tried(acts.react(room, item, sign)))}><${Icon} name="smile" small /></button>
  </div>`;
}

/** The message that this one answers. @param {{room: Room, id: string}} props */
class Quote extends Component {
  constructor(/** @type {any} */ props) {
    super(props);
    this.state = { item: null };
    const { room, id } = props;
    acts.find(room, id).then((item) => this.setState({ item }), () => {});
  }
  render() {
    const { room, id } = this.props;
    room.rev.value;
    const item = room.byId.get(id) ?? this.state.item;
    if (!item) return html`<span class="quote">${t("quote.gone")}</span>`;
    const jump = (/** @type {Event} */ event) => {
      event.preventDefault();
      void tried(acts.jump(room, item.seq));
    };
    return html`<a class="quote" href=${pathOf(room, item.seq)} onClick=${jump}><b>${item.base.sender_nickname}</b>
      <span class="clip" lang=${langOf(item.text)}>${item.gone ? t("gone.short") : item.base.type === "file" ? fileName(item.base.name)
        : html`<${Line} text=${item.text} />`}</span></a>`;
  }
}

/** @param {Item} item */
function note(item) {
  const { base } = item;
  const by = base.sender_nickname;
  if (base.type === "topic") return base.topic ? t("note.topic", { by, topic: harmless(base.topic) }) : t("note.notopic", { by });
  if (base.type === "notice") return harmless(base.text);
  const key = `note.${base.change}`;
  const params = { by, name: base.name ?? "", what: base.what ?? "", standing: has(`standing.${base.standing}`) ? t(`standing.${base.standing}`) : "" };
  return t(has(key) ? key : "note.changed", params) + (base.reason ? t("note.reason", { reason: harmless(base.reason) }) : "");
}

/** @param {{item: Item}} props */
const Card = ({ item }) => html`<div class="card"><span class="ft"><${Icon} name="file" /></span>
  <div class="grow"><div class="nm">${fileName(item.base.name)}</div><div class="tiny dim">${size(item.base.size)}</div></div></div>`;

/**
 * @extends {Component<{room: Room, item: Item, rev: number, grouped: boolean, tab: boolean, flash: boolean, lang: string, doors: boolean, name: string, log: any}>}
 */
export class Message extends Component {
  constructor(/** @type {any} */ props) {
    super(props);
    this.state = { near: false };
    // The actions are made only for the entry under the pointer or with the focus: a log of hundreds stays light.
    this.hands = {
      onMouseEnter: () => this.setState({ near: true }),
      onMouseLeave: (/** @type {any} */ event) => this.setState({ near: event.currentTarget.contains(document.activeElement) }),
      onFocusIn: () => this.setState({ near: true }),
      onFocusOut: (/** @type {any} */ event) => this.setState({ near: event.currentTarget.matches(":hover") || event.currentTarget.contains(event.relatedTarget) }),
    };
  }
  /** Draws again only when something that it shows has changed. @param {any} next @param {any} state */
  shouldComponentUpdate(next, state) {
    const was = /** @type {any} */ (this.props);
    return state.near !== this.state.near || Object.keys(next).some((key) => next[key] !== was[key]);
  }
  render() {
    const { room, item, grouped, tab, flash, doors, log } = this.props;
    const { base } = item;
    const iso = new Date(item.ts).toISOString();
    const time = html`<a class="when" tabindex="-1" href=${pathOf(room, item.seq)}>
      <time datetime=${iso} title=${new Date(item.ts).toLocaleString()}>${clock(item.ts)}</time></a>`;
    const common = { id: `m${item.seq}`, "data-key": item.key, tabindex: tab ? 0 : -1 };
    if (!["message", "file", "redacted"].includes(base.type)) {
      return html`<div ...${common} class=${cls("note", flash && "flash")}>${base.type === "notice" && html`<${Icon} name="info" small />`}
        <span>${note(item)}</span> ${time}</div>`;
    }
    const kind = base.sender_kind ?? "account";
    const tags = kind === "account" ? null : html`<span class="tag">${t(`kind.${kind}`)}</span>`;
    const mention = base.type === "message" && !item.gone && !isMine(base) && mentionsMe(item.text);
    const body = item.gone
      ? html`<p class="gone"><${Icon} name="trash" small />${item.gone.by ? t("gone.by", { name: item.gone.by }) : t("gone.short")}</p>`
      : html`${base.reply_to && html`<${Quote} room=${room} id=${base.reply_to} />`}
          ${base.type === "file" ? html`<${Card} item=${item} />` : html`<${Body} text=${item.text} sender=${base.sender_nickname}
            tail=${item.past.length ? html`<button type="button" class="edited" aria-haspopup="dialog"
              onClick=${() => openHistory(item)}>${t("edited")}</button>` : null} />`}
          <${Reactions} room=${room} item=${item} rev=${item.rev} />`;
    return html`<article ...${common} ...${this.hands} class=${cls("msg", grouped && "more", mention && "mine-mention", flash && "flash")}
        aria-label=${t("msg.name", { name: base.sender_nickname, time: clock(item.ts) })} aria-keyshortcuts=${prefs.letters.value ? "R E C U +" : undefined}>
      ${grouped
        ? html`<span class="at">${time}</span>`
        : html`<${Plate} name=${base.sender_nickname} kind=${kind} id=${base.sender_id} />
          <div class="head"><b lang=${langOf(base.sender_nickname)}>${base.sender_nickname}
            </b>${doors && html`<${Door} via=${base.via} />`}${tags}${time}</div>`}
      <div class="body">${body}</div>
      ${this.state.near && !item.gone && html`<${Actions} room=${room} item=${item} log=${log} tab=${tab} />`}
    </article>`;
  }
}

/** What waits to be sent. @param {{letter: import("../app/outbox.js").Letter, grouped: boolean, late: boolean}} props */
export function Pending({ letter, grouped, late }) {
  const room = rooms.get(letter.room);
  const person = me.value;
  const failed = letter.state === "failed";
  const sign = letter.state === "waiting" ? t("send.waiting") : late && letter.state === "sending" ? t("send.sending") : "";
  const tail = sign ? html`<span class="pend"><${Icon} name="clock" small />${sign}</span>` : null;
  const take = async () => {
    await copy(letter.text);
    acts.say(t("copied"));
  };
  return html`<article class=${cls("msg", grouped && "more", failed && "fail")} data-key=${letter.txn}
    aria-label=${t("msg.mine", { time: clock(letter.at) })}>
    ${grouped ? html`<span class="at"><time>${clock(letter.at)}</time>
      </span>` : html`<${Plate} name=${person?.nickname ?? ""} kind=${person?.kind} id=${person?.id} />
      <div class="head"><b>${person?.nickname}</b><${Door} via="web" /><time>${clock(letter.at)}</time></div>`}
    <div class="body">${letter.reply_to && room && html`<${Quote} room=${room} id=${letter.reply_to} />`}
      <${Body} text=${letter.text} sender=${person?.nickname} tail=${tail} />
      ${failed && html`<div class="failed" role="alert"><${Icon} name="alert" small />
        <span>${t("send.failed", { why: refusal(letter.code ?? "", t("error.internal")) })}</span>
        <button type="button" class="btn sm danger" onClick=${() => retry(letter.txn)}><${Icon} name="retry" small />${t("send.again")}
          </button>
        <button type="button" class="btn sm quiet" onClick=${take}>${t("send.copy")}</button>
        <button type="button" class="btn sm quiet" onClick=${() => discard(letter.txn)}>${t("send.discard")}</button></div>`}
    </div>
  </article>`;
}

