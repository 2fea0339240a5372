// The pages before one is in: first start, guest and account sign-in, invites, links that move a session here.
import { html, useEffect, useState } from "../app/lib.js";
import { t, has, lang, moment } from "../app/words.js";
import { ask } from "../app/api.js";
import { card, out } from "../app/hub.js";
import { prefs } from "../app/prefs.js";
import { go, route, wanted } from "../app/router.js";
import { Empty, Icon, Mark } from "./icons.js";

const PASSWORD_MIN = 8;
const signs = (/** @type {string} */ text) => [...text].length;
/** The secret of a one-time link. It is taken out of the address bar at once. */
const secret = location.hash.slice(1);
if (secret && ["setup", "enter", "invite"].includes(route.peek().page)) history.replaceState(null, "", location.pathname);

/** @param {any} why */
function sentence(why) {
  if (why.code === "slow-down" || why.code === "busy") return t("gate.slow", { t: t("seconds", { n: why.wait ?? 30 }) });
  return has(`gate.${why.code}`) ? t(`gate.${why.code}`) : has(`error.${why.code}`) ? t(`error.${why.code}`) : why.message;
}

/** A labelled field with its hint or error. @param {any} props */
export function Field({ label, side, hint, bad, good, children, id }) {
  const words = bad || good || hint;
  return html`<div class="field"><div class="l"><label for=${id}>${label}</label>${side && html`<span class="dimmer">${side}</span>`}
    </div>${children}
    ${words && html`<p id=${`${id}-h`} class=${`h ${bad ? "bad" : good ? "ok" : ""}`} role=${bad ? "alert" : undefined}>${(bad || good)
      && html`<${Icon} name=${bad ? "alert" : "check"} small />`}${words}</p>`}</div>`;
}

/** @param {any} props */
export const Input = ({ id, bad, described, ...rest }) =>
  html`<input class=${`inp ${bad ? "bad" : ""}`} id=${id} name=${id} aria-invalid=${bad ? "true" : undefined}
    aria-describedby=${described ? `${id}-h` : undefined} ...${rest} />`;

/** A password that can be shown. @param {any} props */
export function Password({ id, label, value, onInput, bad, fresh }) {
  const [seen, setSeen] = useState(false);
  const n = signs(value);
  const good = fresh && n >= PASSWORD_MIN ? t("password.good", { n }) : "";
  const hint = fresh ? t("password.min", { n: PASSWORD_MIN }) : "";
  return html`<${Field} id=${id} label=${label} bad=${bad} good=${good} hint=${hint}
    side=${html`<button type="button" class="show" aria-pressed=${seen}
      onClick=${() => setSeen(!seen)}>${t(seen ? "password.hide" : "password.show")}</button>`}>
    <${Input} id=${id} type=${seen ? "text" : "password"} required minlength=${fresh ? PASSWORD_MIN : undefined} maxlength="1000"
      autocomplete=${fresh ? "new-password" : "current-password"} autocapitalize="off" spellcheck=${false} value=${value} bad=${bad}
      described=${bad || good || hint}
      onInput=${(/** @type {any} */ event) => onInput(event.target.value)} /><//>`;
}

/** Runs a form's work: one at a time, its refusal as a sentence, the focus at the field that is wrong. @returns {[any, (work: () => Promise<any>) => (event: Event) => void, boolean]} */
export function useForm() {
  const [failed, setFailed] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const submit = (/** @type {() => Promise<any>} */ work) => async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (busy) return;
    setBusy(true);
    setFailed(null);
    try {
      await work();
    } catch (why) {
      setFailed(why);
      setTimeout(() => (form.querySelector("[aria-invalid]") ?? form.querySelector("input"))?.focus());
    }
    setBusy(false);
  };
  return [failed, submit, busy];
}

const HOST = location.hostname;
/** How people get in through the other doors. */
function Ways() {
  const rows = [[t("ways.browser"), location.origin]];
  for (const { door, url } of card.value?.doors ?? []) {
    const found = /^([a-z]+):\/\/(.*):(\d+)/.exec(url);
    if (!found) continue;
    const [, scheme, , port] = found;
    if (["any", "chat"].includes(scheme)) rows.push(["nc", `nc ${HOST} ${port}`]);
    if (["any", "irc"].includes(scheme) && card.value.doors.some((/** @type {any} */ one) => one.door === "irc")) rows.push(["IRC", `${HOST}:${port}`]);
    if (door === "ssh") rows.push(["SSH", `ssh -p ${port} ${HOST}`], ["SFTP", `sftp -P ${port} ${HOST}`]);
    if (door === "ftp") rows.push(["FTP", url.replace(/\/\/.*:/, `//${HOST}:`)]);
  }
  return html`<dl class="ways">${rows.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}

/** @param {{children: any, aside?: any}} props */
const Gate = ({ children, aside }) => html`<div class="gate">
  <header><div class="seg2 lang" role="group"
    aria-label="Language 语言">${[["en", "English", "en"], ["zh", "中文", "zh-CN"]].map(([code, name, tag]) => html`<button type="button"
    lang=${tag} aria-pressed=${lang.value === code} onClick=${() => (prefs.lang.value = code)}>${name}</button>`)}</div></header>
  <main class="box wide" id="main"><div class="formside"><div class="row gatehead"><${Mark} /><b>${card.value?.name ?? "Hubbub"}</b>
    </div>${children}</div>
    <aside class="info" aria-label=${t("ways.title")}>${aside ?? html`<h2>${t("ways.title")}</h2><${Ways} />`}</aside></main></div>`;

/** @param {{done: (answer: any) => void, invite?: any}} props */
function Guest({ done, invite }) {
  const [name, setName] = useState("");
  const [failed, submit, busy] = useForm();
  const work = submit(async () => {
    const answer = invite ? await ask("POST", "invites/take", { code: secret, name }) : await ask("POST", "session", { guest: name });
    done(answer);
  });
  const bad = failed && sentence(failed);
  return html`<form onSubmit=${work}><${Field} id="guest" label=${t("gate.name")} side=${t("gate.nosignup")} bad=${bad}
    hint=${name.trim() ? t("gate.shown", { name: name.trim() }) : ""}>
      <${Input} id="guest" type="text" required maxlength="64" autocomplete="nickname" autofocus value=${name} bad=${bad}
        described=${bad || name.trim()} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
    <button class="btn primary full" type="submit" disabled=${busy}>${t("gate.guest")}</button></form>`;
}

/** @param {{done: (answer: any) => void, fresh?: boolean, invite?: boolean}} props */
function Account({ done, fresh, invite }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [failed, submit, busy] = useForm();
  const work = submit(async () => {
    try {
      done(await (invite ? ask("POST", "invites/take", { code: secret, name, password }) : ask("POST", fresh ? "register" : "session", { name, password })));
    } catch (why) {
      if (!fresh) setPassword("");
      throw why;
    }
  });
  const bad = failed && sentence(failed);
  return html`<form onSubmit=${work}><${Field} id="name" label=${t("gate.login")}>
      <${Input} id="name" type="text" required maxlength="64" autocomplete="username" autocapitalize="off" spellcheck=${false} value=${name}
        onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
    <${Password} id="password" label=${t("gate.password")} value=${password} onInput=${setPassword} bad=${bad} fresh=${fresh} />
    <button class="btn full" type="submit" disabled=${busy}>${t(fresh ? "gate.register" : "gate.signin")}</button></form>`;
}

/** @param {{done: (answer: any) => void}} props */
function SignIn({ done }) {
  const [fresh, setFresh] = useState(false);
  const { guests = true, registration = false } = card.value ?? {};
  return html`<${Gate}>
    <h1>${t("gate.title")}</h1>
    ${out.value ? html`<p class="lead" role="alert">${t("out.text", { reason: t(`out.${out.value}`) })}
      </p>` : html`<p class="lead">${t(guests ? "gate.lead" : "gate.noguests")}</p>`}
    ${guests && html`<${Guest} done=${done} /><div class="or">${t("gate.or")}</div>`}
    <${Account} key=${fresh} done=${done} fresh=${fresh} />
    ${registration && html`<p class="small"><button type="button" class="linkish"
      onClick=${() => setFresh(!fresh)}>${t(fresh ? "gate.have" : "gate.new")}</button></p>`}
    <p class="small dim">${t("gate.forgot")}</p><//>`;
}

/** @param {{done: (answer: any) => void}} props */
function Setup({ done }) {
  const [hub, setHub] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [guests, setGuests] = useState(true);
  const [failed, submit, busy] = useForm();
  if (card.value && !card.value.setup_needed) return html`<${Gate}>
    <${Empty} level=${1} art="closed" title=${t("setup.done")} text=${t("setup.done.text")}>
    <a class="btn" href="/signin">${t("gate.signin")}</a><//><//>`;
  const work = submit(async () => done(await ask("POST", "setup", { token: secret, hub, name, password, guests })));
  const bad = failed && (failed.code === "not-allowed" ? t("setup.wrong") : sentence(failed));
  const text = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) => set(event.target.value);
  return html`<${Gate} aside=${html`<h2>${t("setup.ways")}</h2><p class="small dim">${t("setup.network")}</p><${Ways} />`}>
    <form onSubmit=${work}><h1>${t("setup.title")}</h1><p class="lead">${t("setup.lead")}</p>
      <${Field} id="hub" label=${t("setup.hub")}><${Input} id="hub" type="text" required maxlength="64" autofocus value=${hub}
        onInput=${text(setHub)} /><//>
      <${Field} id="name" label=${t("setup.name")} hint=${t("setup.shown")}>
        <${Input} id="name" type="text" required maxlength="64" autocomplete="username" value=${name} described onInput=${text(setName)} />
        <//>
      <${Password} id="password" label=${t("gate.password")} value=${password} onInput=${setPassword} fresh />
      <${Switch} on=${guests} set=${setGuests} label=${t("setup.guests")} hint=${t("setup.guests.text")} />
      ${bad && html`<p class="h bad" role="alert"><${Icon} name="alert" small />${bad}</p>`}
      <div class="row foot"><button class="btn primary" type="submit" disabled=${busy}>${t("setup.open")}</button>
        <span class="small dim grow">${t("setup.later")}</span></div></form><//>`;
}

/** @param {{on: boolean, set: (on: boolean) => void, label: string, hint?: string}} props */
export const Switch = ({ on, set, label, hint }) => html`<button type="button" class="switch" role="switch" aria-checked=${on}
  onClick=${() => set(!on)}><span class="tr"></span><span class="small"><b>${label}</b>${hint && html`<span class="dim">${hint}</span>`}
  </span></button>`;

/** A link that moves a session to this device. @param {{done: (answer: any) => void}} props */
function Enter({ done }) {
  const [failed, setFailed] = useState(/** @type {any} */ (null));
  const take = () => ask("POST", "handover/take", { code: secret }).then(done, setFailed);
  if (failed || !secret) return html`<${Gate}><${Empty} level=${1} art="closed" title=${t("closed.title")} text=${t("enter.over")}>
    <a class="btn" href="/signin">${t("gate.signin")}</a><//><//>`;
  return html`<${Gate}><h1>${t("enter.title")}</h1><p class="lead">${t("enter.text")}</p>
    <button type="button" class="btn primary full" onClick=${take}>${t("enter.yes")}</button><//>`;
}

/** @param {{done: (answer: any) => void}} props */
function InvitePage({ done }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState(!secret);
  useEffect(() => {
    if (secret) ask("POST", "invites/peek", { code: secret }).then(setFound, () => setFailed(true));
  }, []);
  if (failed) return html`<${Gate}><${Empty} level=${1} art="closed" title=${t("closed.title")} text=${t("closed.text")}>
    <a class="btn" href="/signin">${t("gate.signin")}</a><//><//>`;
  if (!found) return html`<${Gate}><h1>${t("gate.title")}</h1><//>`;
  const ended = (/** @type {any} */ answer) => done({ ...answer, path: found.room ? `/rooms/${encodeURIComponent(found.room)}` : "/" });
  return html`<${Gate}><h1>${t("gate.title")}</h1><p
    class="lead">${found.room ? t("invite.lead", { name: found.by, room: found.room }) : t("invite.hub", { name: found.by })}</p>
    ${found.as === "member" ? html`<${Account} done=${ended} fresh invite />` : html`<${Guest} done=${ended} invite=${found} />`}
    <p class="small dim">${t("invite.left", { n: found.uses_left, when: moment(found.ends_ms) })}</p><//>`;
}

/** @param {{done: (answer: any) => void}} props */
export default function Pages({ done }) {
  const { page } = route.value;
  const away = !["signin", "enter", "invite", "setup"].includes(page);
  useEffect(() => {
    if (!away) return;
    wanted.path = location.pathname + location.search;
    go("/signin", { replace: true });
  }, [away]);
  if (page === "enter") return html`<${Enter} done=${done} />`;
  if (page === "invite") return html`<${InvitePage} done=${done} />`;
  if (page === "setup" || (card.value?.setup_needed && secret)) return html`<${Setup} done=${done} />`;
  return html`<${SignIn} done=${done} />`;
}
