// Dialogs that are fetched when they are first opened: keys, rooms and their settings, invites.
import { html, useState, copy } from "../app/lib.js";
import { t, moment } from "../app/words.js";
import { ask } from "../app/api.js";
import { request } from "../app/socket.js";
import * as acts from "../app/acts.js";
import { levels, levelOf } from "../app/prefs.js";
import { go } from "../app/router.js";
import { TABLE } from "../app/keys.js";
import { Dialog, close, openConfirm } from "./dialogs.js";
import { Field, Input, Switch, useForm } from "./gate.js";
import { Icon } from "./icons.js";
import { Qr } from "./qr.js";
import { operates, refusal, tried } from "./message.js";
import { Panel } from "./panel.js";

/** The table of keys. */
export const Keys = () => html`<${Dialog} title=${t("keys.title")} wide>${TABLE.map(([group, rows]) => html`<table class="ktable"><thead>
  <tr><th colspan="2" scope="colgroup">${t(group)}</th></tr></thead>
  <tbody>${rows.map(([keys, words]) => html`<tr><td>${t(words)}</td><td><kbd>${keys}</kbd></td></tr>`)}</tbody></table>`)}<//>`;

const VISIBLE = ["public", "private", "hidden"];
/** @param {{value: string, set: (value: string) => void}} props */
const Visible = ({ value, set }) => html`<${Field} id="visible" label=${t("new.visibility")}>
  <select class="inp" id="visible" value=${value} onChange=${(/** @type {any} */ event) => set(event.target.value)}>
  ${VISIBLE.map((one) => html`<option value=${one} selected=${one === value}>${t(`visibility.${one}`)}</option>`)}</select><//>`;

export function NewRoom() {
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [visibility, setVisibility] = useState("public");
  const [brief, setBrief] = useState(false);
  const [failed, submit, busy] = useForm();
  const work = submit(async () => {
    const card = await request({ type: "create", room: name.trim().replace(/^#/, ""), topic, visibility, durability: brief ? "ephemeral" : "strict" });
    acts.applyCard(card);
    close();
    go(`/rooms/${encodeURIComponent(card.room)}`);
  });
  const bad = failed && refusal(failed.code === "invalid" || failed.code === "not-allowed" ? "" : failed.code, failed.message);
  return html`<${Dialog} title=${t("new.title")}><form onSubmit=${work}>
    <${Field} id="room-name" label=${t("new.name")} hint=${t("new.name.hint")} bad=${bad}>
      <${Input} id="room-name" required autofocus maxlength="64" autocomplete="off" value=${name} bad=${bad} described
      onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
    <${Field} id="room-topic" label=${t("new.topic")}><${Input} id="room-topic" maxlength="250" autocomplete="off" value=${topic}
      onInput=${(/** @type {any} */ event) => setTopic(event.target.value)} /><//>
    <${Visible} value=${visibility} set=${setVisibility} /><${Switch} on=${brief} set=${setBrief} label=${t("new.ephemeral")}
      hint=${t("new.ephemeral.text")} />
    <div class="dfoot"><button type="button" class="btn" onClick=${close}>${t("cancel")}</button>
      <button class="btn primary" disabled=${busy}>${t("new.make")}</button></div></form><//>`;
}

/** @param {{room: any}} props */
export function RoomSettings({ room }) {
  const [topic, setTopic] = useState(room.topic);
  const [visibility, setVisibility] = useState(room.visibility);
  const [moderated, setModerated] = useState(room.moderated);
  const [readOnly, setReadOnly] = useState(room.readOnly);
  const [failed, submit, busy] = useForm();
  const rules = operates(room);
  const work = submit(async () => {
    const change = Object.fromEntries(Object.entries({ topic: topic !== room.topic && topic, visibility: visibility !== room.visibility && visibility, moderated: moderated === room.moderated ? false : { is: moderated }, read_only: readOnly === room.readOnly ? false : { is: readOnly } })
      .filter(([, value]) => value !== false).map(([key, value]) => [key, typeof value === "object" ? value.is : value]));
    if (Object.keys(change).length) await request({ type: "set", room: room.name, ...change });
    acts.applyCard(await request({ type: "room", room: room.name }));
    close();
    acts.say(t("saved"));
  });
  const gone = async (/** @type {string} */ what) => {
    if (!(await openConfirm({ title: t(`${what}.title`, { room: room.name }), text: t(`${what}.text`), yes: t(`${what}.yes`) }))) return;
    await tried(request({ type: what, room: room.name }).then(() => go("/rooms/lobby")));
  };
  const level = levelOf(room);
  return html`<${Dialog} title=${t("set.title", { room: room.name })}><form onSubmit=${work}>
    <fieldset><legend id="lev">${t("set.notices")}</legend><div class="seg2 left" role="group"
      aria-labelledby="lev">${["all", "mentions", "none"].map((one) => html`<button type="button" aria-pressed=${level === one}
      onClick=${() => { levels.value = { ...levels.value, [room.name]: one }; setTopic(topic); }}>${t(`level.${one}`)}</button>`)}</div>
      </fieldset>
    <${Field} id="room-topic" label=${t("new.topic")} bad=${failed && refusal(failed.code, failed.message)}>
      <${Input} id="room-topic" maxlength="250" autocomplete="off" value=${topic}
      onInput=${(/** @type {any} */ event) => setTopic(event.target.value)} /><//>
    ${rules && html`<${Visible} value=${visibility} set=${setVisibility} />
      <${Switch} on=${moderated} set=${setModerated} label=${t("set.moderated")} hint=${t("set.moderated.text")} />
        <${Switch} on=${readOnly} set=${setReadOnly} label=${t("set.readonly")} hint=${t("set.readonly.text")} />`}
    <div class="dfoot">${room.name !== "lobby" && html`<button type="button" class="btn quiet cut"
      onClick=${() => gone("leave")}>${t("set.leave")}</button>`}${rules && room.name !== "lobby" && html`<button type="button"
      class="btn quiet cut" onClick=${() => gone("delete")}>${t("set.delete")}</button>`}
      <span class="grow"></span><button class="btn primary" disabled=${busy}>${t("save")}</button></div></form><//>`;
}

/** On a window of middle width the panel slides over the room. @param {{room: any}} props */
export const PanelDialog = ({ room }) => html`<${Dialog} title=${t("panel.name")}><${Panel} room=${room} bare /><//>`;

const SPANS = /** @type {const} */ ([[3600, "hour"], [86_400, "day"], [604_800, "week"], [2_592_000, "month"]]);

/** A link that lets people in, as text and as QR code. @param {{invite: any}} props */
export const InviteCard = ({ invite }) => html`<div class="qrbox"><${Qr} text=${invite.url} /></div><${CopyLine} text=${invite.url} />
  <p class="small dim pad">${t("invite.scan")} ${t("invite.left", { n: invite.uses_left ?? invite.uses, when: moment(invite.ends_ms) })}
    </p>`;

/** @param {{text: string}} props */
export const CopyLine = ({ text }) => html`<div class="copyline">
  <input class="inp" readonly aria-label=${t("copy.link")} value=${text} onFocus=${(/** @type {any} */ event) => event.target.select()} />
  <button type="button" class="btn" onClick=${() => copy(text).then(() => acts.say(t("copied")))}><${Icon} name="copy" />${t("send.copy")}
  </button></div>`;

/** @param {{room?: any, done?: () => void}} props */
export function Invite({ room, done }) {
  const [who, setWho] = useState("");
  const [as, setAs] = useState("guest");
  const [uses, setUses] = useState(5);
  const [span, setSpan] = useState(86_400);
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [failed, submit, busy] = useForm();
  const add = submit(async () => {
    await request({ type: "invite", room: room.name, who: who.trim() });
    acts.say(t("cmd.invited", { name: who.trim() }));
    setWho("");
  });
  const make = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await tried(ask("POST", "invites", { room: room?.name ?? null, as, uses, for_s: span }).then((answer) => { setMade(answer); done?.(); }, (why) => { throw why.status === 404 ? Object.assign(why, { code: "", message: t("invite.none") }) : why; }));
  };
  const bad = failed && refusal(failed.code, failed.message);
  return html`<${Dialog} title=${room ? t("invite.title", { room: room.name }) : t("invite.people")}>
    ${made ? html`<${InviteCard} invite=${made} />` : html`
    ${room && html`<form onSubmit=${add}><${Field} id="who" label=${t("invite.account")} bad=${bad}><div class="row">
      <${Input} id="who" autofocus required autocomplete="off" value=${who} bad=${bad} described=${bad}
      onInput=${(/** @type {any} */ event) => setWho(event.target.value)} /><button class="btn" disabled=${busy}>${t("invite.add")}</button>
      </div><//></form><div class="or">${t("invite.link")}</div>`}
    <form onSubmit=${make}><${Field} id="as" label=${t("invite.as")}>
      <select class="inp" id="as" value=${as}
      onChange=${(/** @type {any} */ event) => setAs(event.target.value)}>${["guest", "member"].map((one) => html`<option
      value=${one}>${t(`invite.as.${one}`)}</option>`)}</select><//>
      <div class="pair"><${Field} id="uses" label=${t("invite.uses")}>
        <${Input} id="uses" type="number" min="1" max="1000" required value=${uses}
        onInput=${(/** @type {any} */ event) => setUses(Number(event.target.value))} /><//>
      <${Field} id="ends" label=${t("invite.ends")}><select class="inp" id="ends" value=${String(span)}
        onChange=${(/** @type {any} */ event) => setSpan(Number(event.target.value))}>${SPANS.map(([s, name]) => html`<option
        value=${String(s)}>${t(`invite.${name}`)}</option>`)}</select><//></div>
      <button class="btn primary full">${t("invite.make")}</button></form>`}<//>`;
}
