// Search over all rooms of mine: words, filters, hits in their context. The query stands in the address, so Back returns here.
import { html, useEffect, useRef, useState } from "../app/lib.js";
import { t, moment, langOf } from "../app/words.js";
import { request, state } from "../app/socket.js";
import { rooms, titleOf, room as roomOf } from "../app/hub.js";
import { back, go, pathOf, route } from "../app/router.js";
import { harmless } from "../app/markup.js";
import { sorted, iconOf } from "./side.js";
import { Banner } from "./room-page.js";
import { refusal } from "./message.js";
import { Door, Empty, Icon, Plate } from "./icons.js";
import { fileName } from "./body.js";

const MOST = 100;
/** Hits that are shown with the lines around them. */
const CONTEXT = 20;
const DAY = 86_400_000;
const SPANS = /** @type {const} */ ([["", "ever"], ["1", "day"], ["7", "week"], ["30", "month"], ["365", "year"]]);

/** A text with the words marked. @param {{text: string, words: string[]}} props */
function Marked({ text, words }) {
  const clean = harmless(text).replace(/\n/g, " ");
  const folded = clean.toLowerCase();
  if (folded.length !== clean.length || !words.length) return clean;
  const found = new RegExp(words.map((word) => word.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  const pieces = [];
  let last = 0;
  for (const hit of folded.matchAll(found)) {
    // A long message begins near its first hit.
    const from = last === 0 && hit.index > 160 ? hit.index - 60 : last;
    pieces.push(from > last ? "…" : "", clean.slice(from, hit.index), html`<mark>${clean.slice(hit.index, hit.index + hit[0].length)}
      </mark>`);
    last = hit.index + hit[0].length;
  }
  pieces.push(clean.slice(last, last + 300));
  return pieces;
}

/** The lines before and after a hit. @param {{event: any, side: any}} props */
const Side = ({ side }) => side && html`<p class="ctx"><b>${side.sender_nickname}</b>
  <span class="clip">${harmless(side.message ?? side.name ?? "")}</span></p>`;

/** @param {{hit: any, words: string[], around: any}} props */
function Hit({ hit, words, around }) {
  const room = roomOf(hit.room);
  const kind = hit.sender_kind ?? "account";
  return html`<a class="hit" data-hit href=${pathOf(room, hit.seq)}>
    <${Plate} name=${hit.sender_nickname} kind=${kind} id=${hit.sender_id} />
    <div class="grow"><div class="head"><b lang=${langOf(hit.sender_nickname)}>${hit.sender_nickname}</b>
      <${Door} via=${hit.via} />${kind !== "account" && html`<span class="tag">${t(`kind.${kind}`)}</span>`}
      <time datetime=${new Date(hit.ts).toISOString()}>${moment(hit.ts)}</time></div>
      <${Side} side=${around?.before} /><p lang=${langOf(hit.message ?? "")}>${hit.type === "file" ? html`<${Icon}
        name="file" small /> <${Marked} text=${fileName(hit.name)} words=${words} />` : html`<${Marked} text=${hit.message ?? ""}
        words=${words} />`}</p><${Side} side=${around?.after} /></div></a>`;
}

/** What was found last, so that Back finds the page as it was. @type {{key: string, hits: any[], around: Map<string, any>, top: number}} */
let kept = { key: "", hits: [], around: new Map(), top: 0 };

export default function Search() {
  const { query } = route.value;
  const [words, setWords] = useState(query.get("q") ?? "");
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState("");
  const box = useRef();
  const field = useRef();
  const [q, inRoom, from, days] = ["q", "in", "from", "days"].map((name) => query.get(name) ?? "");
  const key = JSON.stringify([q, inRoom, from, days]);
  const ask = (/** @type {Record<string, string>} */ change) => {
    const next = new URLSearchParams({ q: words.trim(), in: inRoom, from, days, ...change });
    for (const name of [...next.keys()]) if (!next.get(name)) next.delete(name);
    go(`/search?${next}`, { replace: true });
  };
  useEffect(() => {
    const timer = setTimeout(() => words.trim() !== q && ask({}), 300);
    return () => clearTimeout(timer);
  }, [words]);
  const online = state.value === "open";
  useEffect(() => {
    let stale = false;
    setFailed("");
    if (!q || !online) {
      setFound(null);
      return undefined;
    }
    if (kept.key === key) {
      setFound(kept);
      requestAnimationFrame(() => { if (box.current) box.current.scrollTop = kept.top; });
      return undefined;
    }
    request({ type: "search", words: q, limit: MOST, room: inRoom || undefined, sender: from || undefined, since_ms: days ? Date.now() - Number(days) * DAY : undefined }).then((answer) => {
      if (stale) return;
      kept = { key, hits: answer.events, around: new Map(), top: 0 };
      setFound(kept);
      for (const hit of answer.events.slice(0, CONTEXT)) {
        request({ type: "history", room: hit.room, around: { seq: hit.seq }, limit: 9 }).then((near) => {
          const said = near.events.filter((/** @type {any} */ event) => event.type === "message");
          kept.around.set(hit.id, { before: said.filter((/** @type {any} */ e) => e.seq < hit.seq).pop(), after: said.find((/** @type {any} */ e) => e.seq > hit.seq) });
          if (!stale) setFound({ ...kept });
        }, () => {});
      }
    }, (why) => { if (!stale) { setFound(null); setFailed(refusal(why.code, why.message)); } });
    return () => (stale = true);
  }, [key, online]);
  useEffect(() => field.current?.focus(), []);
  const move = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      back("/");
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.target instanceof HTMLSelectElement) return;
    const hits = /** @type {HTMLElement[]} */ ([...(box.current?.querySelectorAll("[data-hit]") ?? [])]);
    const at = hits.indexOf(/** @type {any} */ (document.activeElement));
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    (next < 0 ? field.current : hits[Math.min(next, hits.length - 1)])?.focus();
    event.preventDefault();
  };
  const terms = q.split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const hit of found?.hits ?? []) groups.set(hit.room, [...(groups.get(hit.room) ?? []), hit]);
  const { mine, directs } = sorted();
  const count = found ? (found.hits.length >= MOST ? t("search.most", { n: MOST }) : t("search.count", { n: found.hits.length })) : "";
  return html`<main class="main" id="main" tabindex="-1" onKeyDown=${move}><header class="top searchtop"><h1 class="sr">${t("search.title")}
    </h1>
      <form role="search" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); ask({}); }}>
        <div class="inp"><${Icon} name="search" /><input ref=${field} type="search" aria-label=${t("search.label")}
          placeholder=${t("search.label")} maxlength="200" autocomplete="off" enterkeyhint="search" value=${words}
          onInput=${(/** @type {any} */ event) => setWords(event.target.value)} /><kbd class="kbdonly" aria-hidden="true">Esc</kbd></div>
        <div class="chips">
          <label class=${`chip ${inRoom ? "on" : ""}`}><span class="sr">${t("search.in")}</span>
            <select value=${inRoom} onChange=${(/** @type {any} */ event) => ask({ in: event.target.value })}>
            <option value="">${t("search.all")}</option>${[...mine, ...directs].map((room) => html`<option value=${room.name}
            selected=${room.name === inRoom}>${titleOf(room)}</option>`)}</select></label>
          <label class=${`chip ${from ? "on" : ""}`}><span>${t("search.from")}</span>
            <input type="text" size="8" placeholder=${t("search.anyone")} value=${from}
            onChange=${(/** @type {any} */ event) => ask({ from: event.target.value.trim().replace(/^@/, "") })} /></label>
          <label class=${`chip ${days ? "on" : ""}`}><span class="sr">${t("search.time")}</span>
            <select value=${days}
            onChange=${(/** @type {any} */ event) => ask({ days: event.target.value })}>${SPANS.map(([value, name]) => html`<option
            value=${value} selected=${value === days}>${t(`search.${name}`)}</option>`)}</select></label>
          <span class="small dim count-text" role="status">${count}</span></div></form></header><${Banner} />
    <div class="hits" ref=${box} onScroll=${(/** @type {any} */ event) => (kept.top = event.target.scrollTop)}>
      ${failed && html`<p class="h bad pad" role="alert">${failed}</p>`}
      ${!q && html`<${Empty} art="search" title=${t("search.start")} text=${t("search.start.text")} />`}
      ${q && found && !found.hits.length && html`<${Empty} art="search" title=${t("search.none", { q })} text=${t("search.none.text")} />`}
      ${[...groups].map(([name, hits]) => html`<section key=${name} aria-label=${titleOf(rooms.get(name) ?? roomOf(name))}>
        <h2 class="hitgroup"><${Icon} name=${iconOf(roomOf(name))} /><b>${titleOf(roomOf(name))}</b>
        <span class="dimmer light">${hits.length}</span></h2>
        ${hits.map((/** @type {any} */ hit) => html`<${Hit} key=${hit.id} hit=${hit} words=${terms} around=${found.around.get(hit.id)} />`)}
          </section>`)}
    </div></main>`;
}
