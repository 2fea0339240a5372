// My settings: look, notices, account, sessions, tokens. What belongs to this browser is kept in it; the rest is the hub's.
import { html, useEffect, useState } from "../app/lib.js";
import { t, clock, lang, moment } from "../app/words.js";
import { ask } from "../app/api.js";
import { request, stop } from "../app/socket.js";
import { card, enter, lost, me } from "../app/hub.js";
import { rename as renameOutbox } from "../app/outbox.js";
import { prefs, forget } from "../app/prefs.js";
import { allow, chime, possible } from "../app/notify.js";
import * as acts from "../app/acts.js";
import { back } from "../app/router.js";
import { phone } from "../app/screen.js";
import { Field, Input, Password, Switch, useForm } from "./gate.js";
import { CopyLine } from "./more.js";
import { later, openConfirm } from "./dialogs.js";
import { refusal, tried } from "./message.js";
import { Banner } from "./room-page.js";
import { Qr } from "./qr.js";
import { Tokens } from "./tokens.js";
import { Icon, Tool } from "./icons.js";

/** A choice of few. @param {{label: string, options: [string, string][], value: string, set: (value: string) => void}} props */
const Choice = ({ label, options, value, set }) => html`<fieldset><legend>${label}</legend>
  <div class="seg2 left" role="group" aria-label=${label}>${options.map(([key, name]) => html`<button type="button"
  aria-pressed=${value === key} lang=${key === "zh" ? "zh-CN" : key === "en" ? "en" : undefined} onClick=${() => set(key)}>${name}
  </button>`)}</div></fieldset>`;

/** @param {string} key */
const flip = (key) => (/** @type {boolean} */ on) => (prefs[key].value = on);

function Look() {
  return html`<section aria-labelledby="look"><h2 id="look">${t("settings.look")}</h2>
    <${Choice} label=${t("settings.theme")} value=${prefs.theme.value} set=${(/** @type {string} */ value) => (prefs.theme.value = value)}
      options=${[["system", t("theme.system")], ["light", t("theme.light")], ["dark", t("theme.dark")]]} />
    <${Choice} label=${t("settings.lang")} value=${lang.value} set=${(/** @type {string} */ value) => (prefs.lang.value = value)}
      options=${[["en", "English"], ["zh", "中文"]]} />
    <${Switch} on=${prefs.doors.value} set=${flip("doors")} label=${t("settings.doors")} hint=${t("settings.doors.text")} />
    <${Switch} on=${prefs.letters.value} set=${flip("letters")} label=${t("settings.letters")} hint=${t("settings.letters.text")} />
    <button type="button" class="btn" onClick=${() => later("Keys")}>${t("settings.keys")}</button></section>`;
}

function Notices() {
  const [denied, setDenied] = useState(false);
  const desktop = async (/** @type {boolean} */ on) => {
    if (on && !(await allow())) {
      setDenied(true);
      return;
    }
    setDenied(false);
    prefs.notices.value = on;
  };
  return html`<section aria-labelledby="notices"><h2 id="notices">${t("settings.notices")}</h2>
    <${Switch} on=${prefs.sound.value} set=${flip("sound")} label=${t("settings.sound")} hint=${t("settings.sound.text")} />
    ${possible() ? html`<${Switch} on=${prefs.notices.value} set=${desktop} label=${t("settings.desktop")}
      hint=${t("settings.desktop.text")} />${denied && html`<p class="h bad" role="alert">
      <${Icon} name="alert" small />${t("settings.desktop.denied")}</p>`}
      <${Switch} on=${prefs.noticeText.value} set=${flip("noticeText")} label=${t("settings.text")} hint=${t("settings.text.text")} />`
        : html`<p class="small dim">${t("settings.desktop.insecure")}</p>`}
    <button type="button" class="btn" onClick=${chime}>${t("settings.test")}</button></section>`;
}

function Account() {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [nick, setNick] = useState(me.value.nickname);
  const [failed, submit, busy] = useForm();
  const guest = me.value.kind === "guest";
  const change = submit(async () => {
    await request({ type: "password", old, new: fresh });
    await endOthers();
    setOld("");
    setFresh("");
    acts.say(t("settings.changed"));
  });
  const rename = submit(async () => {
    const answer = await request({ type: "nick", nickname: nick.trim() });
    // The cookie says who comes back after a reload.
    await ask("POST", "session", { guest: answer.nickname });
    me.value = { ...me.value, nickname: answer.nickname };
    renameOutbox(`guest:${answer.nickname}`);
    acts.say(t("saved"));
  });
  const register = submit(async () => {
    await request({ type: "register", password: fresh });
    // The conn belongs to the account by now; the cookie is still the guest's.
    const answer = await ask("POST", "session", { name: me.value.nickname, password: fresh });
    renameOutbox(`account:${answer.me.nickname}`);
    enter(answer.me);
    acts.say(t("settings.registered"));
    setFresh("");
  });
  const bad = failed && refusal(failed.code === "invalid" ? "" : failed.code, failed.message);
  return html`<section aria-labelledby="account"><h2 id="account">${t("settings.account")}</h2>
    <p class="dim">${t("settings.you", { name: me.value.nickname, role: t(guest ? "role.guest" : `role.${me.value.role}`) })}</p>
    ${guest
      ? html`<form onSubmit=${rename}><${Field} id="nick" label=${t("settings.nick")} bad=${bad}>
        <${Input} id="nick" required maxlength="64" value=${nick} bad=${bad} described=${bad}
        onInput=${(/** @type {any} */ event) => setNick(event.target.value)} /><//>
        <button class="btn" disabled=${busy}>${t("settings.rename")}</button></form>
        ${card.value?.registration && html`<h3>${t("settings.register")}</h3><p class="small dim">${t("settings.register.text")}</p>
          <form onSubmit=${register}><${Password} id="fresh" label=${t("settings.new")} value=${fresh} onInput=${setFresh} fresh />
          <button class="btn" disabled=${busy}>${t("gate.register")}</button></form>`}`
      : html`<form onSubmit=${change}><input type="text" class="sr" autocomplete="username" aria-hidden="true" tabindex="-1" readonly
        value=${me.value.nickname} /><${Password} id="old" label=${t("settings.old")} value=${old} onInput=${setOld} bad=${bad} />
        <${Password} id="fresh" label=${t("settings.new")} value=${fresh} onInput=${setFresh} fresh />
        <button class="btn" disabled=${busy}>${t("settings.change")}</button></form>`}
  </section>`;
}

/** Ends my sessions in other browsers. */
async function endOthers() {
  const { sessions } = await ask("GET", "sessions");
  for (const one of sessions) if (one.kind === "web" && !one.current) await ask("DELETE", `sessions/${one.id}`);
}

/** Where I am signed in; hidden where the hub does not tell. */
function Sessions() {
  const [list, setList] = useState(/** @type {any[] | null} */ (null));
  const load = () => ask("GET", "sessions").then((answer) => setList((answer.sessions ?? answer).filter((/** @type {any} */ one) => one.kind !== "token")), () => setList(null));
  useEffect(() => void load(), []);
  if (!list) return null;
  const end = (/** @type {any} */ one) => tried(ask("DELETE", `sessions/${one.id}`).then(load));
  return html`<section aria-labelledby="sessions"><h2 id="sessions">${t("settings.sessions")}</h2>
    <p class="small dim">${t("settings.sessions.text")}</p><ul class="items">${list.map((one) => html`<li>
    <span class="grow">${one.label} ${one.current && html`<span class="tag on">${t("settings.this")}</span>`}<br />
    <span
    class="small dim">${t("settings.made", { when: moment(one.created_ms) })}${one.last_used_ms ? ` · ${t("settings.used", { when: moment(one.last_used_ms) })}` : ""}</span></span>
    ${!one.current && html`<button type="button" class="btn sm cut" onClick=${() => end(one)}>${t("settings.end")}</button>`}</li>`)}</ul>
      </section>`;
}

function Phone() {
  const [link, setLink] = useState(/** @type {any} */ (null));
  const make = () => tried(ask("POST", "handover", {}).then(setLink));
  return html`<section aria-labelledby="phone"><h2 id="phone">${t("settings.phone")}</h2><p class="small dim">${t("settings.phone.text")}
    </p>
    ${link ? html`<div class="qrbox"><${Qr} text=${link.url} /></div><${CopyLine} text=${link.url} />
      <p class="small dim" role="status">${t("settings.phone.scan", { when: clock(link.expires_ms) })}
      </p>` : html`<button type="button" class="btn" onClick=${make}><${Icon} name="phone" />${t("settings.phone.make")}</button>`}
      </section>`;
}

async function signOut() {
  if (!(await openConfirm({ title: t("settings.out.title"), text: t("settings.out.text"), yes: t("settings.out") }))) return;
  stop();
  await ask("DELETE", "session").catch(() => {});
  forget();
  lost("left");
}

export default function Settings() {
  if (!me.value) return null;
  return html`<main class="main" id="main" tabindex="-1"><header class="top">${phone.value && html`<${Tool} icon="back" name=${t("back")}
    onClick=${() => back("/")} />`}<h1 class="grow">${t("settings.title")}</h1>
    <button type="button" class="btn" onClick=${signOut}>${t("settings.out")}</button></header><${Banner} />
    <div class="page"><${Look} /><${Notices} /><${Account} />${me.value.kind === "account" && html`<${Phone} /><${Sessions} />
      <${Tokens} />`}</div></main>`;
}
