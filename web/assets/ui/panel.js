// Beside the room: what it is about, and its people.
import { html, cls, useEffect } from "../app/lib.js";
import { t, langOf, moment } from "../app/words.js";
import { me } from "../app/hub.js";
import { request, state } from "../app/socket.js";
import * as acts from "../app/acts.js";
import { go } from "../app/router.js";
import { harmless } from "../app/markup.js";
import { later, openConfirm, openMenu } from "./dialogs.js";
import { operates, tried } from "./message.js";
import { Plate, Tool } from "./icons.js";

/** What can be done with a person in a room. @param {any} room @param {any} person */
function choices(room, person) {
  const who = person.nickname;
  const list = [{ icon: "people", name: t("act.direct", { name: who }), run: () => go(`/directs/${encodeURIComponent(who)}`) }];
  const act = (/** @type {object} */ value) => tried(request({ room: room.name, who, ...value }).then(() => acts.people(room)));
  const sure = async (/** @type {string} */ what, /** @type {object} */ value) => {
    if (await openConfirm({ title: t(`${what}.title`, { name: who }), text: t(`${what}.text`, { name: who, room: room.name }), yes: t(`${what}.yes`) })) await act(value);
  };
  list.push({ icon: "hidden", name: t("act.ignore", { name: who }), run: () => sure("ignore", { type: "ignore", on: true }) });
  if (room.kind !== "room" || !operates(room)) return list;
  for (const standing of ["member", "voice", "operator"]) {
    if (person.kind === "account" && person.standing !== standing) list.push({ icon: "shield", name: t(`act.${standing}`), run: () => act({ type: "stand", standing }) });
  }
  const more = /** @type {any[]} */ ([
    { icon: "x", name: t("act.kick"), danger: true, run: () => sure("kick", { type: "kick", reason: "" }) },
    { icon: "lock", name: t("act.ban"), danger: true, run: () => sure("ban", { type: "ban", reason: "" }) },
  ]);
  return [...list, ...more];
}

/** @param {{room: any, person: any}} props */
function Person({ room, person }) {
  room.rev.value;
  const self = person.nickname === me.value?.nickname;
  const state = person.here ? person.presence.state : (person.presence?.state ?? "gone");
  const dot = person.here && state === "here" ? "here" : state === "here" ? "else" : "off";
  const since = person.presence?.last_seen_ms;
  const words = person.here ? (state === "away" ? t("who.away") : t("who.inroom")) : state === "gone" && since ? t("who.seen", { when: moment(since) }) : t(`who.${state}`);
  return html`<li class=${cls("person", !person.here && "away")}>
    <${Plate} name=${person.nickname} kind=${person.kind} id=${person.id} size="sm" state=${dot} />
    <span class="clip grow"><span lang=${langOf(person.nickname)}>${person.nickname}
      </span> ${self && html`<span class="dimmer small">${t("who.you")}
      </span> `}${person.standing && person.standing !== "member" && html`<span class="tag">${t(`standing.${person.standing}`)}
      </span> `}${person.kind !== "account" && html`<span class="tag">${t(`kind.${person.kind}`)}</span> `}
      <span class="dimmer small">${words}${person.presence?.text ? ` · ${harmless(person.presence.text)}` : ""}</span></span>
    ${!self && html`<${Tool} icon="more" name=${t("who.more", { name: person.nickname })} aria-haspopup="dialog"
      onClick=${() => openMenu(person.nickname, choices(room, person))} />`}
  </li>`;
}

/** @param {{room: any, bare?: boolean}} props */
export function Panel({ room, bare }) {
  room.rev.value;
  const online = state.value === "open";
  useEffect(() => {
    if (online && !room.people) void acts.people(room).catch(() => {});
    // Not the list itself: one that came and was forgotten between two frames would look as if nothing had happened.
  }, [room, online, room.arrivals]);
  const people = room.folk;
  const direct = room.kind === "direct";
  const inside = html`<section aria-labelledby="about"><h2 id="about">${t("panel.about")}</h2>
      ${direct ? html`<p class="small dim">${t("panel.direct", { name: room.with ?? "" })}
        </p>` : html`<p class="small">${room.topic ? harmless(room.topic) : html`<span class="dimmer">${t("panel.notopic")}</span>`}</p>
      <p class="small dim">${[t(`visibility.${room.visibility}`), room.moderated && t("room.moderated"), room.readOnly && t("room.readonly"), room.durability === "ephemeral" && t("room.ephemeral")].filter(Boolean).join(" · ")}</p>`}
    </section>
    <section aria-labelledby="people"><h2 id="people">${t("panel.people")} <span
      class="dimmer light">${direct ? "" : t("panel.count", { here: room.attendees, n: Math.max(people.length, room.members) })}</span>
      <span class="grow"></span>
      ${!direct && html`<${Tool} icon="plus" name=${t("invite.people")} onClick=${() => later("Invite", { room })} />`}</h2>
      <ul>${people.slice(0, 300).map((/** @type {any} */ person) => html`<${Person} key=${`${person.kind}${person.nickname}`} room=${room}
        person=${person} />`)}</ul>
    </section>`;
  return bare ? html`<div class="panel">${inside}</div>` : html`<aside class="panel" id="panel" tabindex="-1"
    aria-label=${t("panel.name")}>${inside}</aside>`;
}
