//! Tests of the native protocol: both directions, every variant. Here are the values that all of them use, and what holds
//! for any bytes.

mod answers;
mod documents;
mod requests;

use super::*;
use bytes::Bytes;
use hubbub_model::{
    AccountCard, AccountId, AccountStatus, Admits, Attendee, Command, Durability, Event, EventId, EventKind,
    HistoryQuery, Hit, InviteCard, Kind, Limits, Member, MemberChange, Place, Presence, Refusal, Reply,
    Retention, Role, RoomCard, RoomId, RoomKind, RoomName, RoomRef, Scope, Sender, SenderId, SenderKind,
    SessionId, Standing, Start, Text, TokenCard, UserName, Visibility,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn text(s: &str) -> Text {
    Text::new(s).unwrap()
}

fn user(s: &str) -> UserName {
    UserName::parse(s).unwrap()
}

fn id(n: u128) -> EventId {
    EventId::from_parts(1_732_170_000_000, n)
}

fn sender(kind: SenderKind) -> Arc<Sender> {
    Arc::new(Sender {
        id: SenderId(3),
        kind,
        account: None,
        number: 1,
        name: user("zhangsan"),
        session: SessionId(9),
        via: "nc".into(),
    })
}

fn event(kind: EventKind) -> Event {
    Event {
        seq: 12,
        ordinal: 10,
        id: id(7),
        ts_ms: 1_732_170_000_000,
        sender: sender(SenderKind::Guest),
        kind,
    }
}

fn message(s: &str) -> EventKind {
    EventKind::Message { text: text(s), reply_to: None }
}

fn every_event() -> Vec<EventKind> {
    let name = user("李四");
    let changes = [
        MemberChange::Joined,
        MemberChange::Left,
        MemberChange::Invited { name: name.clone() },
        MemberChange::Kicked { name: name.clone(), reason: text("spam") },
        MemberChange::Banned { name: name.clone(), reason: text(""), until_ms: Some(5) },
        MemberChange::Banned { name: name.clone(), reason: text(""), until_ms: None },
        MemberChange::Unbanned { name: name.clone() },
        MemberChange::Standing { name, standing: Standing::Operator },
        MemberChange::Settings { what: text("now private") },
        MemberChange::Renamed { name: RoomName::parse("lab2").unwrap() },
    ];
    let mut kinds = vec![
        message("hi"),
        EventKind::Message { text: text("a\"\\\u{1b}\u{202e}聊"), reply_to: Some(id(1)) },
        EventKind::Edit { target: id(1), text: text("new") },
        EventKind::Redaction { target: id(1), reason: text("") },
        EventKind::Redacted,
        EventKind::Reaction { target: id(1), sign: text("👍"), on: true },
        EventKind::Topic(text("t")),
        EventKind::Notice(text("n")),
        EventKind::File { name: text("a.txt"), size: u64::MAX },
    ];
    kinds.extend(changes.into_iter().map(|change| EventKind::Member(Box::new(change))));
    kinds
}

fn body(kind: &EventKind) -> EventBody {
    match kind.clone() {
        EventKind::Message { text, reply_to } => EventBody::Message { message: text, reply_to },
        EventKind::Edit { target, text } => EventBody::Edit { target, text },
        EventKind::Redaction { target, reason } => EventBody::Redaction { target, reason },
        EventKind::Redacted => EventBody::Redacted,
        EventKind::Reaction { target, sign, on } => EventBody::Reaction { target, sign, on },
        EventKind::Member(change) => EventBody::Member { change: *change },
        EventKind::Topic(topic) => EventBody::Topic { topic },
        EventKind::Notice(text) => EventBody::Notice { text },
        EventKind::File { name, size } => EventBody::File { name, size },
    }
}

fn value_of(event: &Event, room: &str) -> EventValue {
    EventValue {
        room: room.into(),
        with: None,
        seq: event.seq,
        id: event.id,
        ts: event.ts_ms,
        sender_id: event.sender.number,
        sender_nickname: event.sender.name.to_string(),
        sender_kind: event.sender.kind,
        via: event.sender.via.to_string(),
        session: event.sender.session.0,
        body: body(&event.kind),
    }
}

fn card(kind: RoomKind) -> RoomCard {
    RoomCard {
        id: RoomId(17),
        name: RoomName::parse("lab").unwrap(),
        kind,
        topic: text("t\u{9b}"),
        visibility: Visibility::Hidden,
        durability: Durability::Strict,
        moderated: true,
        read_only: false,
        retention: Retention { events: Some(5), age_s: None },
        epoch: 2,
        first_seq: 3,
        head: 12,
        members: 4,
        attendees: 2,
        member: true,
        unread: 1,
        mentions: 0,
    }
}

fn account() -> AccountCard {
    AccountCard {
        id: AccountId(4),
        name: user("ada"),
        nick: "ada".into(),
        kind: SenderKind::Account,
        role: Role::Admin,
        status: AccountStatus::Active,
        created_ms: 1,
        last_seen_ms: None,
    }
}

fn token() -> TokenCard {
    TokenCard {
        id: 8,
        account: user("ada"),
        label: text("phone"),
        scopes: vec![Scope::Read, Scope::Files],
        created_ms: 1,
        expires_ms: Some(2),
        last_used_ms: None,
    }
}

fn invite() -> InviteCard {
    InviteCard {
        id: 3,
        by: text("System"),
        room: Some(RoomName::parse("lab").unwrap()),
        r#as: Admits::Member,
        uses: 5,
        uses_left: 0,
        created_ms: 1,
        ends_ms: 2,
    }
}

fn received(bytes: &[u8]) -> Received {
    assert_eq!(bytes.last(), Some(&b'\n'), "each value ends its line");
    assert_eq!(memchr::memchr_iter(b'\n', bytes).count(), 1, "one value, one line");
    parse_from_hub(bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)))
}

fn reply(reply: &Reply) -> (Vec<u8>, FromHub) {
    let mut out = Vec::new();
    encode_reply(Some(&Rid::Number(5)), reply, "lab", &mut out);
    let got = received(&out);
    assert_eq!(got.rid, Some(Rid::Number(5)));
    (out, got.value)
}

proptest! {
    #[test]
    fn any_text_comes_through(s in "[^\0]*", room in "[a-z]{1,9}") {
        let said = Request::Say { room: Some(room.clone()), text: text(&s), reply_to: None, txn: None };
        let mut out = Vec::new();
        encode_request(&Envelope { rid: None, request: said.clone() }, &mut out);
        prop_assert_eq!(parse_request(&out).unwrap().request, said);
        let event = event(message(&s));
        out.clear();
        encode_event(&room, &event, &mut out);
        prop_assert_eq!(received(&out).value, FromHub::Event(Box::new(value_of(&event, &room))));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_request(&bytes);
        let _ = parse_from_hub(&bytes);
        let _ = Text::parse(Bytes::from(bytes));
    }
}
