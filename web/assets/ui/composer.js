// Where one writes: a draft for each room, Enter that waits for input methods, completion, replies and edits.
import { html, cls, Component } from "../app/lib.js";
import { t } from "../app/words.js";
import { limits, me, titleOf } from "../app/hub.js";
import { keep, recall } from "../app/prefs.js";
import { COMMANDS, command, offers } from "../app/complete.js";
import * as acts from "../app/acts.js";
import { slowUntil } from "../app/outbox.js";
import { Icon, Plate, Tool } from "./icons.js";
import { Line } from "./body.js";
import { openEmoji } from "./dialogs.js";
import { tried, refusal } from "./message.js";

const touch = matchMedia("(pointer: coarse)");
const sizeOf = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/** Puts the caret into the composer of the page. */
export function focus() {
  /** @type {HTMLElement | null} */ (document.querySelector("#composer"))?.focus();
}

/** @extends {Component<{room: import("../app/room.js").Room, reply: any, edit: any, answer: (item: any) => void, change: (item: any) => void, muted: string}>} */
export class Composer extends Component {
  constructor(/** @type {any} */ props) {
    super(props);
    /** @type {HTMLTextAreaElement | null} */
    this.field = null;
    /** @type {{text: string, menu: ReturnType<typeof offers>, chosen: number, hidden: string}} */
    this.state = { text: recall(`draft.${props.room.name}`) ?? "", menu: null, chosen: 0, hidden: "" };
    this.set = (/** @type {any} */ field) => (this.field = field);
  }

  componentDidMount() {
    this.grow();
    if (!touch.matches && !document.querySelector("dialog[open]")) this.field?.focus({ preventScroll: true });
  }

  /** @param {any} was */
  componentDidUpdate(was) {
    const { edit, reply, room } = this.props;
    if (edit !== was.edit) {
      this.write(edit ? edit.text : (recall(`draft.${room.name}`) ?? ""));
      if (edit) this.field?.focus();
    } else if (reply && reply !== was.reply) this.field?.focus();
  }

  /** Sets the whole text. @param {string} text */
  write(text) {
    this.setState({ text, menu: null });
    if (this.field) {
      this.field.value = text;
      this.field.setSelectionRange(text.length, text.length);
    }
    this.grow();
  }

  /** Where the style sheet cannot let the field grow with its text. */
  grow() {
    const { field } = this;
    if (!field || CSS.supports("field-sizing", "content")) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  input() {
    const { room, edit } = this.props;
    const { field } = this;
    if (!field) return;
    const text = field.value;
    if (!edit) keep(`draft.${room.name}`, text);
    acts.typing(room, Boolean(text.trim()) && !text.startsWith("/"));
    this.grow();
    this.offer(text);
  }

  /** @param {string} text */
  offer(text) {
    const { field } = this;
    const menu = field && field.selectionStart === field.selectionEnd ? offers(this.props.room, text, field.selectionStart) : null;
    const key = menu ? `${menu.kind}${menu.from}` : "";
    if (key === "@0" || key.startsWith("@")) if (!this.props.room.people) void acts.people(this.props.room).catch(() => {});
    this.setState({ text, menu: key === this.state.hidden ? null : menu, chosen: 0, hidden: key === this.state.hidden ? key : "" });
  }

  /** @param {number} at */
  choose(at) {
    const { field } = this;
    const { menu, text } = this.state;
    if (!field || !menu) return;
    const offer = menu.offers[at];
    const caret = field.selectionStart;
    const rest = text.slice(caret);
    const insert = rest.startsWith(" ") ? offer.insert.trimEnd() : offer.insert;
    const next = text.slice(0, menu.from) + insert + rest;
    field.value = next;
    const end = menu.from + offer.insert.length;
    field.setSelectionRange(end, end);
    field.focus();
    this.input();
  }

  /** Puts a piece where the caret is. @param {string} piece */
  insert(piece) {
    const { field } = this;
    if (!field) return;
    field.setRangeText(piece, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    this.input();
  }

  fence() {
    const { field } = this;
    if (!field) return;
    const chosen = field.value.slice(field.selectionStart, field.selectionEnd);
    const start = field.selectionStart;
    const lead = start && field.value[start - 1] !== "\n" ? "\n" : "";
    this.insert(`${lead}\`\`\`\n${chosen}\n\`\`\`\n`);
    field.setSelectionRange(start + lead.length + 4 + chosen.length, start + lead.length + 4 + chosen.length);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { room, reply, edit, answer, change } = this.props;
    const { menu, chosen, text } = this.state;
    // Keys that an input method takes for itself come with `isComposing`, or as 229 from some.
    if (event.isComposing || event.keyCode === 229) return;
    if (menu) {
      const n = menu.offers.length;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        this.setState({ chosen: (chosen + (event.key === "ArrowDown" ? 1 : n - 1)) % n });
      } else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) this.choose(chosen);
      else if (event.key === "Escape") this.setState({ menu: null, hidden: `${menu.kind}${menu.from}` });
      else return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (!touch.matches || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void this.send();
    } else if (event.key === "ArrowUp" && !text && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const item = acts.lastMine(room);
      if (!item) return;
      event.preventDefault();
      change(item);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (edit) change(null);
      else if (reply) answer(null);
      else this.field?.blur();
    }
  }

  async send() {
    const { room, reply, edit, answer, change } = this.props;
    const text = this.state.text.replace(/\s+$/, "");
    if (!text.trim() || sizeOf(text) > limits.peek().message_bytes) return;
    if (edit) {
      if (text !== edit.text) {
        const done = await tried(acts.edit(room, edit, text).then(() => true));
        if (!done) return;
      }
      change(null);
      return;
    }
    const order = command(text);
    if (order) {
      const { run, words } = COMMANDS[order.name];
      if (words && !order.words) {
        acts.say(t("cmd.words", { name: order.name }), true);
        return;
      }
      const failed = await Promise.resolve(run(room, order.words)).then(() => null, (why) => why);
      if (failed) {
        acts.say(refusal(failed.code, failed.message), true);
        return;
      }
    } else if (!acts.send(room, text.startsWith("//") ? text.slice(1) : text, reply?.id)) {
      acts.say(t("error.too-many"), true);
      return;
    }
    keep(`draft.${room.name}`, null);
    this.write("");
    if (reply) answer(null);
  }

  render() {
    const { room, reply, edit, answer, change, muted } = this.props;
    const { text, menu, chosen } = this.state;
    const name = titleOf(room);
    const over = sizeOf(text) - limits.value.message_bytes;
    const slow = slowUntil.value > Date.now();
    if (muted) return html`<div class="composer off" role="note"><${Icon} name="lock" />${muted}</div>`;
    const about = edit ?? reply;
    return html`<form class=${cls("composer", over > 0 && "bad")}
      onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void this.send(); }}>
      ${menu && html`<div class="menu at-caret"><div id="offers" role="listbox"
        aria-label=${t(`offer.${{ "@": "people", "#": "rooms", ":": "emoji", "/": "commands" }[/** @type {"@"} */ (menu.kind)]}`)}>
        ${menu.offers.map((/** @type {any} */ offer, /** @type {number} */ at) => html`<div id=${`offer${at}`} class="opt" role="option"
          aria-selected=${at === chosen}
          onMouseDown=${(/** @type {Event} */ event) => { event.preventDefault(); this.choose(at); }}>
          ${offer.person && html`<${Plate} name=${offer.name} kind=${offer.person.kind} id=${offer.person.id} size="sm" />`}${offer.sign
            && html`<span>${offer.sign}</span>`}
          <span class="clip">${offer.name}</span><span class="grow clip dimmer small">${offer.hint}</span></div>`)}</div>
        <div class="keys" aria-hidden="true"><span><kbd>↑</kbd> <kbd>↓</kbd> ${t("key.choose")}</span><span>
          <kbd>Tab</kbd> ${t("key.insert")}</span><span><kbd>Esc</kbd> ${t("key.close")}</span></div></div>`}
      ${about && html`<div class="replying"><${Icon} name=${edit ? "edit" : "reply"} small />
        <span class="clip grow">${edit ? t("composer.editing") : html`<b>${about.base.sender_nickname}
        </b> <${Line} text=${about.text || about.base.name || ""} />`}</span>
        <${Tool} icon="x" name=${t("cancel")} onClick=${() => (edit ? change(null) : answer(null))} /></div>`}
      <textarea id="composer" ref=${this.set} class="text" rows="1" autocomplete="off" enterkeyhint=${touch.matches ? "enter" : "send"}
        value=${text} placeholder=${t("composer.label", { room: name })}
        aria-label=${t("composer.label", { room: name })} aria-autocomplete="list" aria-haspopup="listbox" aria-controls=${menu ? "offers" : undefined} aria-activedescendant=${menu ? `offer${chosen}` : undefined}
        aria-describedby=${over > 0 ? "toolong" : undefined} onInput=${() => this.input()} onClick=${() => menu && this.offer(text)} onBlur=${() => this.setState({ menu: null })}
        onKeyDown=${(/** @type {any} */ event) => this.key(event)}></textarea>
      <div class="tools">
        <${Tool} icon="smile" name=${t("composer.emoji")} onClick=${() => openEmoji((sign) => this.insert(sign))} />
        <${Tool} icon="code" name=${t("composer.code")} onClick=${() => this.fence()} />
        ${over > 0
          ? html`<span id="toolong" class="hint bad" role="alert">${t("composer.long", { n: over })}</span>`
          : slow ? html`<span class="hint bad" role="status">${t("composer.slow")}</span>`
          : html`<span class="hint" aria-hidden="true"><kbd>Enter</kbd> ${t("key.send")} <kbd>Shift Enter</kbd> ${t("key.line")}</span>`}
        <button class="ico send" type="submit" aria-label=${edit ? t("composer.save") : t("composer.send")}
          title=${edit ? t("composer.save") : t("composer.send")} disabled=${over > 0 || !text.trim() || !me.value}>
          <${Icon} name=${edit ? "check" : "send"} /></button>
      </div>
    </form>`;
  }
}
