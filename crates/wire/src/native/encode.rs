//! Writing values of the native protocol: one value, then a newline.
//!
//! **Invariant.** `encode_event` and `encode_sent` run once per message: written by hand, no allocation but the
//! growth of the buffer. All else is written from the very types that the client reads. Whoever sends is
//! answered: a refusal always, a plain success only where the request carried a mark.

use super::{
    command::{log_word, room_word},
    escape::{Harmless, number_into, quote_into, signed_into},
    request::Envelope,
    rid::Rid,
    value::{
        AttendeeValue, Code, Failed, FromHub, Joined, MemberValue, OWN_WAY, PersonValue, Received, RoomValue,
        Welcome,
    },
};
use hubbub_model::{
    Attendee, Event, EventId, EventKind, Hit, Member, PresenceCard, Refusal, Reply, RoomCard, RoomKind,
    SenderKind, Text,
};
use serde::Serialize;

/// Appends one request and a newline: the client's side.
pub fn encode_request(request: &Envelope, out: &mut Vec<u8>) {
    append(request, out);
    out.push(b'\n');
}

/// Appends an event of the room and a newline. `room` is the room's word ([`room_word`]).
pub fn encode_event(room: &str, event: &Event, out: &mut Vec<u8>) {
    event_into(room, event, out);
    out.push(b'\n');
}

/// Appends the answer to something said, and a newline.
pub fn encode_sent(rid: &Rid, room: &str, sent: Sent, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"sent\",\"rid\":");
    rid_into(rid, out);
    out.extend_from_slice(b",\"room\":");
    quote_into(room, out);
    out.extend_from_slice(b",\"seq\":");
    number_into(sent.seq, out);
    out.extend_from_slice(b",\"id\":");
    id_into(sent.id, out);
    out.extend_from_slice(b",\"ts\":");
    signed_into(sent.ts_ms, out);
    if sent.repeated {
        out.extend_from_slice(b",\"repeated\":true");
    }
    out.extend_from_slice(b"}\n");
}

/// Where something said was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its place.
    pub seq: u64,
    /// Its id.
    pub id: EventId,
    /// When, milliseconds since 1970.
    pub ts_ms: i64,
    /// Its `txn` had been done before.
    pub repeated: bool,
}

/// Appends the answer to a login. Its first members are exactly `"status":"ok","id":N`.
pub fn encode_welcome(rid: Option<&Rid>, welcome: &Welcome, out: &mut Vec<u8>) {
    append(welcome, out);
    reopen(out);
    out.extend_from_slice(b",\"type\":\"welcome\"");
    close(rid, out);
}

/// Appends what the hub says to a command. `room` is the word of the room that the request named, or empty.
/// Nothing is appended where a plain success has no mark to answer to.
pub fn encode_reply(rid: Option<&Rid>, reply: &Reply, room: &str, out: &mut Vec<u8>) {
    match reply {
        Reply::Done => {
            if rid.is_some() {
                encode_answer(rid, &FromHub::Ok, out);
            }
        }
        Reply::Committed { seq, id, ts_ms, repeated, .. } => {
            if let Some(rid) = rid {
                let sent = Sent { seq: *seq, id: *id, ts_ms: *ts_ms, repeated: *repeated };
                encode_sent(rid, room, sent, out);
            }
        }
        Reply::History { events, more, .. } => encode_history(rid, room, events, *more, out),
        Reply::Found(hits) => encode_found(rid, hits, out),
        Reply::Attached { card, next, missing } => {
            encode_answer(rid, &FromHub::Joined(Box::new(joined(card, *next, *missing))), out);
        }
        reply => encode_answer(rid, &listed(reply, room), out),
    }
}

/// Appends a refusal.
pub fn encode_refusal(rid: Option<&Rid>, refusal: &Refusal, out: &mut Vec<u8>) {
    let (code, message) = (refusal.kind, refusal.text.clone());
    encode_answer(rid, &FromHub::Error { status: Failed::Error, code: Code::Known(code), message }, out);
}

/// Appends a value that answers nothing: a signal.
pub fn encode_value(value: &FromHub, out: &mut Vec<u8>) {
    encode_answer(None, value, out);
}

/// Appends a value, with the mark of the request that it answers.
pub fn encode_answer(rid: Option<&Rid>, value: &FromHub, out: &mut Vec<u8>) {
    if let FromHub::Welcome(welcome) = value {
        return encode_welcome(rid, welcome, out);
    }
    append(value, out);
    reopen(out);
    close(rid, out);
}

impl Received {
    /// Appends the value as the hub does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_answer(self.rid.as_ref(), &self.value, out);
    }
}

fn encode_history(rid: Option<&Rid>, room: &str, events: &[Event], more: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"history\",\"room\":");
    quote_into(room, out);
    out.extend_from_slice(b",\"more\":");
    out.extend_from_slice(if more { b"true" } else { b"false" });
    out.extend_from_slice(b",\"events\":[");
    for (i, event) in events.iter().enumerate() {
        comma(i, out);
        event_into(room, event, out);
    }
    out.push(b']');
    close(rid, out);
}

fn encode_found(rid: Option<&Rid>, hits: &[Hit], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"found\",\"events\":[");
    for (i, hit) in hits.iter().enumerate() {
        comma(i, out);
        event_into(&log_word(hit.room, &hit.name), &hit.event, out);
        if let Some(other) = hit.name.as_str().strip_prefix('@') {
            out.pop();
            out.extend_from_slice(b",\"with\":");
            quote_into(other, out);
            out.push(b'}');
        }
    }
    out.push(b']');
    close(rid, out);
}

/// Replies that are lists and cards, as the client reads them. Those with an encoder of their own are `Ok` here.
fn listed(reply: &Reply, room: &str) -> FromHub {
    let room = room.to_owned();
    match reply {
        Reply::Done
        | Reply::Committed { .. }
        | Reply::Attached { .. }
        | Reply::History { .. }
        // No request of the protocol asks for it.
        | Reply::Hub(_)
        | Reply::Found(_) => FromHub::Ok,
        Reply::Rooms(cards) => FromHub::Rooms { rooms: cards.iter().map(RoomValue::from).collect() },
        Reply::Room(card) => FromHub::Room(Box::new(RoomValue::from(&**card))),
        Reply::Attendees(who, total) => {
            FromHub::Who { room, who: who.iter().map(AttendeeValue::from).collect(), total: *total }
        }
        Reply::Members(members, total) => {
            FromHub::Members { room, members: members.iter().map(MemberValue::from).collect(), total: *total }
        }
        Reply::People(people, total) => {
            FromHub::People { people: people.iter().map(PersonValue::from).collect(), total: *total }
        }
        Reply::Whois { name, account, presence } => FromHub::Whois {
            nickname: name.to_string(),
            account: account.clone(),
            presence: presence.clone(),
        },
        Reply::Named(name) => FromHub::Named { nickname: name.to_string() },
        Reply::Accounts(accounts) => FromHub::Accounts { accounts: accounts.clone() },
        Reply::Account(account) => FromHub::Account { account: account.clone() },
        Reply::Token { secret, card } => FromHub::Token { secret: secret.clone(), token: card.clone() },
        Reply::Tokens(tokens) => FromHub::Tokens { tokens: tokens.clone() },
        Reply::Invite { code, card } => FromHub::InviteLink { code: code.clone(), invite: card.clone() },
        Reply::Invites(invites) => FromHub::InviteLinks { invites: invites.clone() },
        Reply::Pong(ts) => FromHub::Pong { ts: *ts },
    }
}

fn joined(card: &RoomCard, next: u64, missing: u64) -> Joined {
    Joined {
        room: room_word(card).into(),
        with: with(card),
        epoch: card.epoch,
        seq: card.head,
        next,
        missing,
        member: card.member,
        topic: card.topic.clone(),
        attendees: card.attendees,
        unread: card.unread,
        mentions: card.mentions,
    }
}

fn with(card: &RoomCard) -> Option<String> {
    let name = card.name.as_str();
    (card.kind == RoomKind::Direct).then(|| name.strip_prefix('@').unwrap_or(name).to_owned())
}

impl From<&PresenceCard> for PersonValue {
    fn from(card: &PresenceCard) -> Self {
        let PresenceCard { number, kind, name, presence } = card;
        Self { id: *number, nickname: name.to_string(), kind: *kind, presence: presence.clone() }
    }
}

impl From<&RoomCard> for RoomValue {
    fn from(card: &RoomCard) -> Self {
        Self {
            room: room_word(card).into(),
            with: with(card),
            kind: card.kind,
            topic: card.topic.clone(),
            visibility: card.visibility,
            durability: card.durability,
            moderated: card.moderated,
            read_only: card.read_only,
            retention: card.retention,
            epoch: card.epoch,
            first_seq: card.first_seq,
            seq: card.head,
            members: card.members,
            attendees: card.attendees,
            member: card.member,
            unread: card.unread,
            mentions: card.mentions,
        }
    }
}

impl From<&Attendee> for AttendeeValue {
    fn from(a: &Attendee) -> Self {
        Self {
            id: a.number,
            nickname: a.name.to_string(),
            kind: a.kind,
            standing: a.standing,
            away: a.away.clone(),
            sessions: a.sessions,
        }
    }
}

impl From<&Member> for MemberValue {
    fn from(m: &Member) -> Self {
        Self { nickname: m.name.to_string(), standing: m.standing, presence: m.presence.clone() }
    }
}

/// The event without the newline.
fn event_into(room: &str, event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(opening(&event.kind));
    quote_into(room, out);
    out.extend_from_slice(b",\"seq\":");
    number_into(event.seq, out);
    out.extend_from_slice(b",\"id\":");
    id_into(event.id, out);
    out.extend_from_slice(b",\"ts\":");
    signed_into(event.ts_ms, out);
    sender_into(event, out);
    body_into(&event.kind, out);
    out.push(b'}');
}

fn opening(kind: &EventKind) -> &'static [u8] {
    match kind {
        EventKind::Message { .. } => b"{\"type\":\"message\",\"room\":",
        EventKind::Edit { .. } => b"{\"type\":\"edit\",\"room\":",
        EventKind::Redaction { .. } => b"{\"type\":\"redaction\",\"room\":",
        EventKind::Redacted => b"{\"type\":\"redacted\",\"room\":",
        EventKind::Reaction { .. } => b"{\"type\":\"reaction\",\"room\":",
        EventKind::Member(_) => b"{\"type\":\"member\",\"room\":",
        EventKind::Topic(_) => b"{\"type\":\"topic\",\"room\":",
        EventKind::Notice(_) => b"{\"type\":\"notice\",\"room\":",
        EventKind::File { .. } => b"{\"type\":\"file\",\"room\":",
    }
}

fn sender_into(event: &Event, out: &mut Vec<u8>) {
    let sender = &*event.sender;
    out.extend_from_slice(b",\"sender_id\":");
    number_into(sender.number, out);
    out.extend_from_slice(b",\"sender_nickname\":");
    quote_into(sender.name.as_str(), out);
    out.extend_from_slice(match sender.kind {
        SenderKind::Account => b"",
        SenderKind::Guest => b",\"sender_kind\":\"guest\"",
        SenderKind::Device => b",\"sender_kind\":\"device\"",
        SenderKind::System => b",\"sender_kind\":\"system\"",
    });
    if &*sender.via != OWN_WAY {
        out.extend_from_slice(b",\"via\":");
        quote_into(&sender.via, out);
    }
    out.extend_from_slice(b",\"session\":");
    number_into(sender.session.0, out);
}

fn body_into(kind: &EventKind, out: &mut Vec<u8>) {
    match kind {
        EventKind::Message { text, reply_to } => {
            text_into(b",\"message\":", text, out);
            if let Some(id) = reply_to {
                target_into(b",\"reply_to\":", *id, out);
            }
        }
        EventKind::Edit { target, text } => {
            target_into(b",\"target\":", *target, out);
            text_into(b",\"text\":", text, out);
        }
        EventKind::Redaction { target, reason } => {
            target_into(b",\"target\":", *target, out);
            text_into(b",\"reason\":", reason, out);
        }
        EventKind::Redacted => {}
        EventKind::Reaction { target, sign, on } => {
            target_into(b",\"target\":", *target, out);
            text_into(b",\"sign\":", sign, out);
            out.extend_from_slice(if *on { b",\"on\":true" } else { b",\"on\":false" });
        }
        EventKind::Member(change) => members_of(&**change, out),
        EventKind::Topic(topic) => text_into(b",\"topic\":", topic, out),
        EventKind::Notice(text) => text_into(b",\"text\":", text, out),
        EventKind::File { name, size } => {
            text_into(b",\"name\":", name, out);
            out.extend_from_slice(b",\"size\":");
            number_into(*size, out);
        }
    }
}

fn text_into(member: &[u8], text: &Text, out: &mut Vec<u8>) {
    out.extend_from_slice(member);
    quote_into(text, out);
}

fn target_into(member: &[u8], id: EventId, out: &mut Vec<u8>) {
    out.extend_from_slice(member);
    id_into(id, out);
}

fn id_into(id: EventId, out: &mut Vec<u8>) {
    let mut hyphenated = [0; 36];
    id.write_hyphenated(&mut hyphenated);
    out.push(b'"');
    out.extend_from_slice(&hyphenated);
    out.push(b'"');
}

pub(super) fn rid_into(rid: &Rid, out: &mut Vec<u8>) {
    match rid {
        Rid::Number(n) => signed_into(*n, out),
        Rid::Text(s) => quote_into(s, out),
    }
}

fn comma(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

/// Appends the members of a value that is written as an object, each with a comma before it.
fn members_of(value: &impl Serialize, out: &mut Vec<u8>) {
    let brace = out.len();
    append(value, out);
    if let Some(first) = out.get_mut(brace) {
        *first = b',';
    }
    reopen(out);
}

/// Takes the closing brace away again, so that members can follow.
fn reopen(out: &mut Vec<u8>) {
    if out.last() == Some(&b'}') {
        out.pop();
    }
}

/// Appends the mark, the closing brace and the newline.
fn close(rid: Option<&Rid>, out: &mut Vec<u8>) {
    if let Some(rid) = rid {
        out.extend_from_slice(b",\"rid\":");
        rid_into(rid, out);
    }
    out.extend_from_slice(b"}\n");
}

/// Our own types have only members that JSON can hold, so that writing them into memory cannot fail.
fn append(value: &impl Serialize, out: &mut Vec<u8>) {
    let result = value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless));
    debug_assert!(result.is_ok(), "{result:?}");
}
