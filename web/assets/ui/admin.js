// Pages of the admins: accounts, invites, devices and their tokens, rooms.
import { html, useEffect, useState } from "../app/lib.js";
import { t, moment, number } from "../app/words.js";
import { ask } from "../app/api.js";
import { request, state } from "../app/socket.js";
import { isAdmin, me, rooms, listed } from "../app/hub.js";
import { back, pathOf, route } from "../app/router.js";
import { phone } from "../app/screen.js";
import { Field, Input, Password, useForm } from "./gate.js";
import { Invite, InviteCard } from "./more.js";
import { Dialog, close, openConfirm, openMenu, show } from "./dialogs.js";
import { refusal, tried } from "./message.js";
import { Tokens } from "./tokens.js";
import { Banner } from "./room-page.js";
import { Empty, Icon, Plate, Tool } from "./icons.js";

const ROLES = ["member", "admin", "owner", "device"];

/** @param {{value: string, set: (value: string) => void, id: string, label: string}} props */
const Role = ({ value, set, id, label }) => html`<${Field} id=${id} label=${label}>
  <select class="inp" id=${id} value=${value}
  onChange=${(/** @type {any} */ event) => set(event.target.value)}>${ROLES.map((role) => html`<option value=${role}
  selected=${role === value}>${t(`role.${role}`)}</option>`)}</select><//>`;

/** @param {{done: () => void}} props */
function NewAccount({ done }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("member");
  const [password, setPassword] = useState("");
  const [failed, submit, busy] = useForm();
  const work = submit(async () => {
    await request({ type: "account_add", name: name.trim(), role, password: role === "device" ? undefined : password });
    close();
    done();
  });
  const bad = failed && refusal(["invalid", "not-allowed"].includes(failed.code) ? "" : failed.code, failed.message);
  return html`<${Dialog} title=${t("accounts.new")}><form onSubmit=${work}><${Field} id="acc-name" label=${t("accounts.name")} bad=${bad}>
    <${Input} id="acc-name" required autofocus maxlength="64" autocomplete="off" value=${name} bad=${bad} described=${bad}
    onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
    <${Role} id="acc-role" label=${t("accounts.role")} value=${role} set=${setRole} />
    ${role === "device" ? html`<p class="small dim">${t("accounts.nopass")}
      </p>` : html`<${Password} id="acc-pass" label=${t("gate.password")} value=${password} onInput=${setPassword} fresh />`}
    <div class="dfoot"><button type="button" class="btn" onClick=${close}>${t("cancel")}</button>
      <button class="btn primary" disabled=${busy}>${t("accounts.make")}</button></div></form><//>`;
}

/** Role or password of an account. @param {{account: any, done: () => void}} props */
function ChangeAccount({ account, done }) {
  const [role, setRole] = useState(account.role);
  const [password, setPassword] = useState("");
  const [failed, submit, busy] = useForm();
  const work = submit(async () => {
    await request({ type: "account_set", name: account.name, role: role === account.role ? undefined : role, password: password || undefined });
    close();
    done();
  });
  const bad = failed && refusal(["invalid", "not-allowed"].includes(failed.code) ? "" : failed.code, failed.message);
  return html`<${Dialog} title=${account.name}><form onSubmit=${work}>
    <${Role} id="acc-role" label=${t("accounts.role.of", { name: account.name })} value=${role} set=${setRole} />
    ${role !== "device" && html`<${Field} id="acc-pass" label=${t("accounts.password")} bad=${bad}>
      <${Input} id="acc-pass" type="password" minlength="8" autocomplete="new-password" value=${password} bad=${bad} described=${bad}
      onInput=${(/** @type {any} */ event) => setPassword(event.target.value)} /><//>`}
    <div class="dfoot"><button type="button" class="btn" onClick=${close}>${t("cancel")}</button>
      <button class="btn primary" disabled=${busy}>${t("save")}</button></div></form><//>`;
}

function Accounts() {
  const [list, setList] = useState(/** @type {any[]} */ ([]));
  const load = () => request({ type: "account_list" }).then((answer) => setList(answer.accounts), () => {});
  useEffect(() => void load(), [state.value]);
  const set = (/** @type {any} */ account, /** @type {object} */ change) => tried(request({ type: "account_set", name: account.name, ...change }).then(load));
  const menu = (/** @type {any} */ account) => openMenu(account.name, [
    { icon: "edit", name: t("accounts.role.of", { name: account.name }), run: () => show(ChangeAccount, { account, done: load }) },
    account.status === "active" ? { icon: "lock", name: t("accounts.disable"), danger: true, run: () => set(account, { status: "disabled" }) } : { icon: "check", name: t("accounts.enable"), run: () => set(account, { status: "active" }) },
    { icon: "trash", name: t("accounts.remove"), danger: true, run: async () => {
      if (await openConfirm({ title: t("accounts.remove.title", { name: account.name }), text: t("accounts.remove.text"), yes: t("accounts.remove.yes") })) await tried(request({ type: "account_remove", name: account.name }).then(load));
    } },
  ]);
  return html`<${Page} title=${t("admin.accounts")} tool=${html`<button type="button" class="btn primary"
    onClick=${() => show(NewAccount, { done: load })}><${Icon} name="plus" />${t("accounts.new")}</button>`}>
    <div class="box ledger scroll-x" tabindex="0" role="region" aria-label=${t("admin.accounts")}><table class="tbl"><thead><tr>
      <th scope="col">${t("accounts.name")}</th><th scope="col">${t("accounts.role")}</th><th scope="col">${t("accounts.status")}</th>
      <th scope="col">${t("accounts.seen")}</th><th scope="col"><span class="sr">${t("act.more")}</span></th></tr></thead>
      <tbody>${list.map((account) => html`<tr key=${account.id}><td><span class="row">
        <${Plate} name=${account.name} kind=${account.kind} id=${account.id} size="sm" />${account.name}</span></td>
        <td>${t(`role.${account.role}`)}</td><td><span
        class=${`st ${account.status === "active" ? "ok" : "bad"}`}>${t(`status.${account.status}`)}</span></td>
        <td>${account.last_seen_ms ? moment(account.last_seen_ms) : t("never")}</td>
        <td class="r">${account.name !== me.value?.nickname && html`<${Tool} icon="more" name=${t("who.more", { name: account.name })}
          aria-haspopup="dialog" onClick=${() => menu(account)} />`}</td></tr>`)}</tbody></table></div><//>`;
}

function Invites() {
  const [list, setList] = useState(/** @type {any[] | null} */ (null));
  const [absent, setAbsent] = useState(false);
  const load = () => ask("GET", "invites").then((answer) => setList(answer.invites ?? answer), () => setAbsent(true));
  useEffect(() => void load(), []);
  const end = (/** @type {any} */ one) => tried(ask("DELETE", `invites/${one.id}`).then(load));
  if (absent) return html`<${Page} title=${t("admin.invites")}><p class="dim">${t("invite.none")}</p><//>`;
  return html`<${Page} title=${t("admin.invites")} tool=${html`<button type="button" class="btn primary"
    onClick=${() => show(Invite, { done: load })}><${Icon} name="plus" />${t("invite.people")}</button>`}>
    ${list?.length === 0 ? html`<p class="dim">${t("invites.none")}
      </p>` : html`<div class="box ledger scroll-x" tabindex="0" role="region" aria-label=${t("admin.invites")}><table class="tbl"><thead>
      <tr><th scope="col">${t("invites.to")}</th><th scope="col">${t("invite.as")}</th><th scope="col">${t("invites.used")}</th>
      <th scope="col">${t("invite.ends")}</th><th scope="col">${t("invites.by")}</th><th scope="col"><span class="sr">${t("act.more")}
      </span></th></tr></thead>
      <tbody>${(list ?? []).map((one) => html`<tr key=${one.id}><td>${one.room ?? t("invites.hub")}</td><td>${t(`invite.as.${one.as}`)}</td>
        <td>${number(one.uses_left ?? one.uses)}</td><td>${moment(one.ends_ms)}</td><td>${one.by}</td>
        <td class="r">${one.url && html`<button type="button" class="btn sm quiet"
          onClick=${() => show(Dialog, { title: one.room ?? t("invites.hub"), children: html`<${InviteCard}
          invite=${one} />` })}>${t("act.link")}</button>`}<button type="button" class="btn sm quiet cut"
          onClick=${() => end(one)}>${t("invites.end")}</button></td></tr>`)}</tbody></table></div>`}
    <p class="small dim">${t("invites.note")}</p><//>`;
}

function TokensPage() {
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  return html`<${Page} title=${t("admin.tokens")}><section><form class="row"
    onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); setShown(name.trim()); }}>
    <${Field} id="of" label=${t("tokens.device")}><div class="row">
    <${Input} id="of" required maxlength="64" autocomplete="off" value=${name}
    onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><button class="btn">${t("tokens.show")}</button></div><//></form>
    </section>
    ${shown && html`<${Tokens} key=${shown} account=${shown} />`}<//>`;
}

function Rooms() {
  listed.value;
  const list = [...rooms.values()].filter((room) => room.kind === "room").sort((a, b) => a.name.localeCompare(b.name));
  return html`<${Page} title=${t("admin.rooms")}><div class="box ledger scroll-x" tabindex="0" role="region" aria-label=${t("admin.rooms")}>
    <table class="tbl"><thead><tr><th scope="col">${t("rooms.name")}</th><th scope="col">${t("rooms.who")}</th>
    <th scope="col" class="r">${t("rooms.members")}</th><th scope="col"><span class="sr">${t("rooms.open")}</span></th></tr></thead>
    <tbody>${list.map((room) => html`<tr key=${room.name}><td>${room.name}</td><td>${t(`visibility.${room.visibility}`)}</td>
      <td class="r">${number(room.members)}</td><td class="r"><a href=${pathOf(room)}
      aria-label=${`${t("rooms.open")} ${room.name}`}>${t("rooms.open")}</a></td></tr>`)}</tbody></table></div><//>`;
}

/** @param {{title: string, tool?: any, children?: any}} props */
const Page = ({ title, tool, children }) => html`<main class="main" id="main" tabindex="-1">
  <header class="top">${phone.value && html`<${Tool} icon="back" name=${t("back")} onClick=${() => back("/")} />`}
  <h1 class="grow clip">${title}</h1>${tool}</header><${Banner} /><div class="page full-width">${children}</div></main>`;

const PARTS = { accounts: Accounts, invites: Invites, tokens: TokensPage, rooms: Rooms };

export default function Admin() {
  if (!isAdmin.value) return html`<main class="main" id="main" tabindex="-1">
    <${Empty} level=${1} art="closed" title=${t("admin.title")} text=${t("admin.none")}><a class="btn" href="/">${t("noentry.back")}</a><//>
    </main>`;
  const View = PARTS[/** @type {"accounts"} */ (route.value.part ?? "accounts")] ?? Accounts;
  return html`<${View} key=${route.value.part} />`;
}
