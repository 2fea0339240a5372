// What floats over the page: native dialogs (the focus goes back to where it was), one at a time, and the toast.
import { html, cls, signal, useEffect, useLayoutEffect, useRef, useState } from "../app/lib.js";
import { t, moment } from "../app/words.js";
import { toast } from "../app/acts.js";
import { parse } from "../app/markup.js";
import { EMOJI } from "../words/emoji.js";
import { recall, keep } from "../app/prefs.js";
import { lang } from "../app/words.js";
import { Icon, Tool } from "./icons.js";

/** What is open: a component and its properties. @type {{value: any, peek(): any}} */
export const dialog = signal(null);

/** @param {any} view @param {any} [props] */
export function show(view, props = {}) {
  dialog.value = { view, props, at: Date.now() };
}
export const close = () => (dialog.value = null);
/** Chromium gives the focus back while the page is still inert: the field has no caret then and takes no text. */
function refresh() {
  const field = document.activeElement;
  if (!(field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement)) return;
  field.blur();
  field.focus({ preventScroll: true });
}

/** What to do when the open dialog is gone and the focus is back. @type {(() => void) | null} */
let next = null;
/** @param {() => void} run */
export function closeThen(run) {
  next = run;
  close();
}

/** Shows a dialog of a module that is loaded only now. @param {string} name @param {any} [props] */
export async function later(name, props) {
  const found = await import("./more.js");
  show(/** @type {any} */ (found)[name], props);
}

/**
 * A native dialog with a heading. Esc and a click beside it close it.
 * @param {{title: string, children?: any, wide?: boolean, plain?: boolean, onClose?: () => void}} props
 */
export function Dialog({ title, children, wide, plain, onClose }) {
  const box = useRef();
  // Before the next key: what is typed at once belongs to the dialog.
  useLayoutEffect(() => {
    const back = document.activeElement;
    const node = /** @type {HTMLDialogElement} */ (box.current);
    node.showModal();
    return () => {
      node.close();
      queueMicrotask(refresh);
      if (next) queueMicrotask(next);
      next = null;
      if (back instanceof HTMLElement && back.isConnected && document.activeElement === document.body) back.focus();
    };
  }, []);
  const end = () => {
    onClose?.();
    close();
  };
  const beside = (/** @type {any} */ event) => {
    if (event.target === box.current) end();
  };
  return html`<dialog ref=${box} class=${cls("dlg", wide && "wide")} aria-label=${title}
      onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); end(); }} onMouseDown=${beside}>
    <div class="in">${!plain && html`<div class="dhead"><h2>${title}</h2><${Tool} icon="x" name=${t("close")} onClick=${end} />
      </div>`}${children}</div>
  </dialog>`;
}

export function Dialogs() {
  const open = dialog.value;
  if (!open) return null;
  return html`<${open.view} key=${open.at} ...${open.props} />`;
}

/** @returns {any} */
export function Toast() {
  const { text, bad, at } = toast.value;
  useEffect(() => {
    if (!text) return undefined;
    const timer = setTimeout(() => (toast.value = { text: "", bad: false, at: 0 }), bad ? 8000 : 3000);
    return () => clearTimeout(timer);
  }, [at]);
  return html`<div class="toasts" role=${bad ? "alert" : "status"}>${text && html`<div class=${cls("toast", bad && "bad")}>
    <${Icon} name=${bad ? "alert" : "check"} />${text}</div>`}</div>`;
}

/** @param {{title: string, text: string, yes: string, plain?: boolean}} words @returns {Promise<boolean>} */
export const openConfirm = (words) => new Promise((done) => show(Confirm, { ...words, done }));

/** @param {any} props */
function Confirm({ title, text, yes, done, plain }) {
  const end = (/** @type {boolean} */ sure) => {
    close();
    done(sure);
  };
  return html`<${Dialog} title=${title} onClose=${() => done(false)}><p class="dim">${text}</p>
    <div class="dfoot"><button type="button" class="btn" autofocus onClick=${() => end(false)}>${t("cancel")}</button>
      <button type="button" class=${cls("btn", plain ? "primary" : "danger")} onClick=${() => end(true)}>${yes}</button></div><//>`;
}

/** @param {string} title @param {any[]} choices */
export const openMenu = (title, choices) => show(Menu, { title, choices });

/** @param {any} props */
function Menu({ title, choices }) {
  return html`<${Dialog} title=${title} plain>
    <div class="sheet" role="group" aria-label=${title}>
      ${choices.map((/** @type {any} */ one, /** @type {number} */ at) => html`<button type="button"
        class=${cls("opt", one.danger && "danger")} autofocus=${at === 0}
        onClick=${() => closeThen(one.run)}><${Icon} name=${one.icon} /><span class="grow">${one.name}
          </span>${one.key && html`<kbd>${one.key}</kbd>`}</button>`)}
    </div><//>`;
}

/** @param {(sign: string) => void} done */
export const openEmoji = (done) => show(Emoji, { done });

/** @param {any} props */
function Emoji({ done }) {
  const [words, setWords] = useState("");
  const used = /** @type {string[]} */ (recall("emoji") ?? ["👍", "❤️", "😂", "🎉", "👀", "🙏", "谢谢", "+1"]);
  const folded = words.trim().toLowerCase();
  const found = EMOJI.filter(([, en, zh]) => !folded || en.includes(folded) || zh.includes(folded));
  const take = (/** @type {string} */ sign) => {
    keep("emoji", [sign, ...used.filter((one) => one !== sign)].slice(0, 8));
    closeThen(() => done(sign));
  };
  const own = [...words.trim()].length;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (found.length && folded) take(found[0][0]);
    else if (own && own <= 16) take(words.trim());
  };
  const names = lang.value === "zh" ? 2 : 1;
  return html`<${Dialog} title=${t("emoji.title")}>
    <form onSubmit=${submit}><input class="inp" type="text" autofocus aria-label=${t("emoji.find")} placeholder=${t("emoji.find")}
      maxlength="40" value=${words} onInput=${(/** @type {any} */ e) => setWords(e.target.value)} /></form>
    ${!folded && html`<div class="emoji used" role="group" aria-label=${t("emoji.used")}>${used.map((sign) => html`<button type="button"
      onClick=${() => take(sign)}>${sign}</button>`)}</div>`}
    <div class="emoji" role="group" aria-label=${t("emoji.title")}>${found.slice(0, 160).map((row) => html`<button type="button"
      title=${row[names]} aria-label=${row[names]} onClick=${() => take(row[0])}>${row[0]}</button>`)}</div>
    ${folded && own <= 16 && html`<button type="button" class="btn sm"
      onClick=${() => take(words.trim())}>${t("emoji.own", { sign: words.trim() })}</button>`}
  <//>`;
}

/** @param {import("../app/room.js").Item} item */
export const openHistory = (item) => show(Past, { item });

/** @param {any} props */
function Past({ item }) {
  const texts = [...item.past.map((/** @type {any} */ one) => one), { text: item.text, ts: null }];
  return html`<${Dialog} title=${t("past.title")}><ol class="past">
    ${texts.map((one, at) => html`<li><div class="tiny dimmer">${at === texts.length - 1 ? t("past.now") : moment(one.ts)}</div>
      <p class="pre">${parse(one.text).length ? one.text : ""}</p></li>`)}
  </ol><//>`;
}
