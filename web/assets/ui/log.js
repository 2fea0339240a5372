// The log of a room: at most 320 entries in the page, pages fetched at both ends, a scroll place that never jumps.
import { html, Component, useState, useEffect } from "../app/lib.js";
import { t, day, clock, lang, today } from "../app/words.js";
import { counts, whoOf } from "../app/room.js";
import * as acts from "../app/acts.js";
import { isMine, me, titleOf } from "../app/hub.js";
import { state } from "../app/socket.js";
import { letters } from "../app/outbox.js";
import { prefs } from "../app/prefs.js";
import { Message, Pending, tried, remove, copyLink } from "./message.js";
import { openEmoji } from "./dialogs.js";
import { Icon, Empty } from "./icons.js";

/** Pixels: this near to the end the log sticks to it; this near to the start or end a page is fetched. */
const STICK = 100;
const NEAR = 600;
const GROUP_MS = 5 * 60_000;
/** A sign appears only on what takes longer than this to send. */
const LATE_MS = 400;
const TOLD_MS = 3_000;

/** @param {any} a @param {any} b whether `b` continues what `a` began */
const together = (a, b) =>
  a && counts(a) && counts(b) && whoOf(a) === whoOf(b) && a.via === b.via && b.ts - a.ts < GROUP_MS && !b.reply_to && sameDay(a.ts, b.ts);
/** @param {number} a @param {number} b */
const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

/** @extends {Component<{room: import("../app/room.js").Room, reply: (item: any) => void, edit: (item: any) => void, invite: any}>} */
export class Log extends Component {
  constructor(/** @type {any} */ props) {
    super(props);
    /** @type {HTMLElement | null} */
    this.box = null;
    this.state = { tab: "", below: false, above: false };
    this.log = { reply: props.reply, edit: props.edit };
    this.seen = Math.max(props.room.head, props.room.counted);
    /** When the last jump was shown. */
    this.flashed = 0;
    this.fetching = false;
    this.set = (/** @type {any} */ box) => (this.box = box);
  }

  componentDidMount() {
    this.resize = new ResizeObserver(() => this.settle());
    if (this.box) {
      this.resize.observe(this.box);
      for (const child of this.box.children) this.resize.observe(child);
    }
    this.settle();
    this.fill();
  }

  componentWillUnmount() {
    this.resize?.disconnect();
  }

  componentDidUpdate() {
    this.settle();
    const { id, at } = acts.flash.peek();
    if (id && at !== this.flashed) {
      const item = this.props.room.byId.get(id);
      const node = item && this.box?.querySelector(`#m${item.seq}`);
      if (node) {
        this.flashed = at;
        node.scrollIntoView({ block: "center" });
        this.setState({ tab: item.key });
        const field = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#composer"));
        // Who is writing goes on writing.
        const writes = document.activeElement === field && field?.value;
        if (!writes && !document.querySelector("dialog[open]")) /** @type {HTMLElement} */ (node).focus({ preventScroll: true });
        this.remember();
      }
    }
    this.fill();
  }

  /** Puts the scroll place back to where the reader had it: to the end, or to the entry that was first in view. */
  settle() {
    const { box } = this;
    const { room } = this.props;
    if (!box) return;
    if (room.sticky && room.atEnd) {
      box.scrollTop = box.scrollHeight;
    } else if (room.anchor) {
      const node = this.node(room.anchor.key);
      if (node) {
        const moved = node.offsetTop - box.scrollTop - room.anchor.top;
        if (Math.abs(moved) > 0.5) box.scrollTop += moved;
      }
    }
  }

  /** @param {string} key @returns {HTMLElement | null} */
  node(key) {
    return this.box?.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? null;
  }

  /** Notes the first entry in view and its place. */
  remember() {
    const { box } = this;
    const { room } = this.props;
    if (!box) return;
    const top = box.scrollTop;
    const all = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-key]")]);
    let low = 0;
    let high = all.length - 1;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (all[mid].offsetTop + all[mid].offsetHeight > top) high = mid;
      else low = mid + 1;
    }
    const first = all[low];
    room.anchor = first ? { key: first.dataset.key ?? "", top: first.offsetTop - top } : null;
  }

  scrolled() {
    const { box } = this;
    const { room } = this.props;
    if (!box || !box.isConnected) return;
    const left = box.scrollHeight - box.scrollTop - box.clientHeight;
    room.sticky = room.atEnd && left < STICK;
    this.remember();
    const line = room.line ? this.box?.querySelector(".sep.new") : null;
    const above = room.line ? (line ? /** @type {HTMLElement} */ (line).offsetTop < box.scrollTop : room.line < room.lo) : room.behind.n > 0;
    if (this.state.below === room.sticky || this.state.above !== above) this.setState({ below: !room.sticky, above });
    if (room.sticky) this.seen = room.head;
    this.fill();
  }

  /** Fetches a page where the reader comes near to an end of the window. */
  fill() {
    const { box } = this;
    const { room } = this.props;
    if (!box || !room.loaded || state.peek() !== "open") return;
    const left = box.scrollHeight - box.scrollTop - box.clientHeight;
    if (box.scrollTop < NEAR && room.more) void acts.older(room).catch(() => {});
    else if (left < NEAR && room.hi < room.head && !this.fetching) {
      this.fetching = true;
      acts.newer(room).catch(() => {}).finally(() => (this.fetching = false));
    }
  }

  toNewest() {
    const { room } = this.props;
    room.sticky = true;
    room.anchor = null;
    this.seen = room.head;
    this.setState({ below: false });
    if (room.atEnd) this.settle();
    else void tried(acts.newest(room));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { room } = this.props;
    const { box } = this;
    const target = /** @type {HTMLElement} */ (event.target);
    const entry = /** @type {HTMLElement | null} */ (target.closest("[data-key]"));
    if (!box || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = room.items.find((one) => one.key === entry?.dataset.key);
    if (entry && target !== entry) {
      if (event.key === "Escape") entry.focus();
      else if (["ArrowRight", "ArrowLeft"].includes(event.key)) {
        const stops = /** @type {HTMLElement[]} */ ([...entry.querySelectorAll("a, button, pre")]);
        stops[(stops.indexOf(target) + (event.key === "ArrowRight" ? 1 : stops.length - 1)) % stops.length]?.focus();
      } else return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const all = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-key]")]);
    const at = entry ? all.indexOf(entry) : all.length;
    const page = Math.max(1, Math.floor(box.clientHeight / 60));
    /** @type {Record<string, number>} */
    const steps = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1, PageUp: at - page, PageDown: at + page };
    if (event.key in steps) {
      const next = all[Math.min(all.length - 1, Math.max(0, steps[event.key]))];
      room.sticky = room.atEnd && next === all[all.length - 1];
      next?.focus();
      if (next) this.setState({ tab: next.dataset.key ?? "" });
    } else if (event.key === "Enter" || event.key === "ArrowRight") {
      /** @type {HTMLElement | null | undefined} */ (entry?.querySelector(".acts button, a, button"))?.focus();
    } else if (item && !event.shiftKey && prefs.letters.value && this.act(event, item)) {
      // Done.
    } else if (item && prefs.letters.value && event.key === "+") openEmoji((sign) => tried(acts.react(room, item, sign)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Single letters, by where they lie, so that other layouts work. @param {KeyboardEvent} event @param {any} item */
  act(event, item) {
    const { room, reply, edit } = this.props;
    if (item.gone || !counts(item.base)) return false;
    const mine = isMine(item.base);
    if (event.code === "KeyR") reply(item);
    else if (event.code === "KeyE" && mine && item.base.type === "message") edit(item);
    else if (event.code === "KeyC") void copyLink(room, item);
    else if (event.code === "KeyU") acts.unreadFrom(room, item.seq);
    else if (event.key === "Delete") void remove(room, item);
    else return false;
    return true;
  }

  render() {
    const { room, invite } = this.props;
    room.rev.value;
    lang.value;
    today.value;
    const flash = acts.flash.value;
    const mine = letters.value.filter((letter) => letter.room === room.name);
    const rows = [];
    let last = null;
    const name = titleOf(room);
    const tab = room.items.some((item) => item.key === this.state.tab) ? this.state.tab : room.items[room.items.length - 1]?.key;
    for (const item of room.items) {
      if (!last || !sameDay(last.ts, item.ts)) rows.push(html`<div key=${`d${item.seq}`} class="sep" role="separator"><span>${day(item.ts)}
        </span></div>`);
      if (room.line && item.seq >= room.line && (last?.seq ?? 0) < room.line) {
        rows.push(html`<div key="new" class="sep new" role="separator"><span>${t("line.new", { time: clock(item.ts) })}</span></div>`);
        last = null;
      }
      rows.push(html`<${Message} key=${item.key} room=${room} item=${item} rev=${item.rev} grouped=${Boolean(together(last, item.base))}
        tab=${item.key === tab}
        flash=${flash.id === item.id && Date.now() - flash.at < 2000} lang=${lang.value} doors=${prefs.doors.value}
          name=${me.value?.nickname} log=${this.log} />`);
      last = item.base;
    }
    const atEnd = room.atEnd || !room.loaded;
    if (atEnd) {
      for (const letter of mine) {
        const base = { type: "message", sender_id: me.value?.id, sender_kind: me.value?.kind, via: "web", ts: letter.at, reply_to: letter.reply_to };
        rows.push(html`<${Late} key=${letter.txn} letter=${letter}
          grouped=${Boolean(last && together({ ...last, sender_kind: last.sender_kind ?? "account" }, base))} />`);
        last = base;
      }
    }
    const fresh = room.items.length === 0 && mine.length === 0 && room.loaded && !room.more;
    const count = room.items.filter((item) => item.seq > this.seen && counts(item.base) && !isMine(item.base)).length + room.unshown;
    return html`<div class="logbox">
      <div class="log" ref=${this.set} role="log" aria-live="off" aria-label=${t("log.name", { room: name })}
        tabindex=${room.items.length ? -1 : 0}
        onScroll=${() => this.scrolled()} onKeyDown=${(/** @type {any} */ event) => this.key(event)}
        onFocusIn=${(/** @type {any} */ event) => { const key = event.target.closest("[data-key]")?.dataset.key; if (key && key !== this.state.tab) this.setState({ tab: key }); }}>
        <div class="fill"></div>
        ${room.more && html`<p class="older tiny dimmer">${t("log.older")}</p>`}
        ${fresh && html`<${Empty} art="room" title=${t("empty.room")} text=${t("empty.room.text", { room: name })}>${invite}<//>`}
        ${rows}
      </div>
      ${this.state.above && html`<button type="button" class="newest first" onClick=${() => tried(acts.firstUnread(room))}>
        <${Icon} name="up" />${t("log.first")}</button>`}
      ${(this.state.below || !room.atEnd) && room.loaded && html`<button type="button" class="newest" onClick=${() => this.toNewest()}>
        <${Icon} name="down" />${count ? t("log.new", { n: count }) : t("log.newest")}</button>`}
      <${Told} room=${room} />
    </div>`;
  }
}

/** A letter whose sign appears only when it takes long. @param {any} props */
function Late({ letter, grouped }) {
  const [late, setLate] = useState(Date.now() - letter.at > LATE_MS);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LATE_MS);
    return () => clearTimeout(timer);
  }, []);
  return html`<${Pending} letter=${letter} grouped=${grouped} late=${late} />`;
}

/** Tells a screen reader what is new, folded into one sentence each 3 s. @extends {Component<{room: import("../app/room.js").Room}>} */
class Told extends Component {
  constructor(/** @type {any} */ props) {
    super(props);
    this.state = { text: "" };
    this.told = Math.max(props.room.head, props.room.counted);
  }
  componentDidMount() {
    this.timer = setInterval(() => this.tell(), TOLD_MS);
  }
  componentWillUnmount() {
    clearInterval(this.timer);
  }
  tell() {
    const { room } = this.props;
    const news = room.items.filter((item) => item.seq > this.told && counts(item.base) && !isMine(item.base));
    this.told = room.head;
    if (!news.length) return;
    const [{ base, text }] = news;
    this.setState({ text: news.length === 1 ? t("told.one", { name: base.sender_nickname, text: (text || base.name || "").slice(0, 300) }) : t("told.many", { n: news.length, room: titleOf(room) }) });
  }
  render() {
    return html`<div class="sr" role="status" aria-live="polite">${this.state.text}</div>`;
  }
}
