// App and device tokens: a list, a form, a secret that is shown once.
import { html, useEffect, useState } from "../app/lib.js";
import { t, moment } from "../app/words.js";
import { request } from "../app/socket.js";
import { isAdmin } from "../app/hub.js";
import { Field, Input, useForm } from "./gate.js";
import { CopyLine } from "./more.js";
import { refusal, tried } from "./message.js";

const SCOPES = ["read", "write", "files", "admin"];
const SPANS = /** @type {const} */ ([["", "token.never"], ["86400", "invite.day"], ["2592000", "invite.month"], ["31536000", "token.year"]]);

/** Tokens that are cookies have this before their label: they stand among the sessions. */
const WEB = "web: ";

/** @param {{account?: string}} props whose; absent: mine */
export function Tokens({ account }) {
  const [list, setList] = useState(/** @type {any[]} */ ([]));
  const [label, setLabel] = useState("");
  const [scopes, setScopes] = useState(["read", "write"]);
  const [span, setSpan] = useState("");
  const [secret, setSecret] = useState("");
  const [failed, submit, busy] = useForm();
  const load = () => request({ type: "token_list", account }).then((answer) => setList(answer.tokens.filter((/** @type {any} */ one) => !one.label.startsWith(WEB))), () => {});
  useEffect(() => void load(), [account]);
  const make = submit(async () => {
    const answer = await request({ type: "token_add", account, label, scopes, for_s: span ? Number(span) : undefined });
    setSecret(answer.secret);
    setLabel("");
    await load();
  });
  const bad = failed && refusal(failed.code === "not-allowed" ? "" : failed.code, failed.message);
  const id = account ? `of-${account}` : "mine";
  return html`<section aria-labelledby=${`tokens-${id}`}><h2 id=${`tokens-${id}`}>${t("settings.tokens")}${account ? ` · ${account}` : ""}
    </h2><p class="small dim">${t("settings.tokens.text")}</p>
    ${list.length ? html`<ul class="items">${list.map((one) => html`<li key=${one.id}>
      <span class="grow">${one.label || `#${one.id}`} <span
      class="dimmer small">${one.scopes.map((/** @type {string} */ scope) => t(`scope.${scope}`)).join(" · ")}</span><br />
      <span
      class="small dim">${t("settings.made", { when: moment(one.created_ms) })}${one.last_used_ms ? ` · ${t("settings.used", { when: moment(one.last_used_ms) })}` : ""} · ${t("token.ends")}: ${one.expires_ms ? moment(one.expires_ms) : t("token.never")}</span></span>
      <button type="button" class="btn sm cut"
        onClick=${() => tried(request({ type: "token_remove", id: one.id }).then(load))}>${t("token.revoke")}</button></li>`)}
        </ul>` : html`<p class="small dimmer">${t("token.none")}</p>`}
    ${secret && html`<div role="status"><p class="small"><b>${t("token.once")}</b></p><${CopyLine} text=${secret} /></div>`}
    <form onSubmit=${make}><${Field} id=${`label-${id}`} label=${t("token.label")} bad=${bad}>
      <${Input} id=${`label-${id}`} required maxlength="64" autocomplete="off" value=${label} bad=${bad} described=${bad}
      onInput=${(/** @type {any} */ event) => setLabel(event.target.value)} /><//>
      <fieldset><legend>${t("token.scopes")}</legend><div
        class="chips">${SCOPES.filter((scope) => scope !== "admin" || isAdmin.value).map((scope) => html`<button type="button"
        class=${`chip ${scopes.includes(scope) ? "on" : ""}`} aria-pressed=${scopes.includes(scope)}
        onClick=${() => setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope])}>${t(`scope.${scope}`)}</button>`)}</div></fieldset>
      <${Field} id=${`ends-${id}`} label=${t("token.ends")}><select class="inp" id=${`ends-${id}`} value=${span}
        onChange=${(/** @type {any} */ event) => setSpan(event.target.value)}>${SPANS.map(([value, name]) => html`<option
        value=${value}>${t(name)}</option>`)}</select><//>
      <button class="btn" disabled=${busy || !scopes.length}>${t("token.make")}</button></form></section>`;
}
