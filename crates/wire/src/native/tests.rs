//! Tests of the native protocol: both directions, every variant.

use super::*;
use bytes::Bytes;
use hubbub_model::{
    AccountCard, AccountId, AccountStatus, Attendee, Command, Durability, Event, EventId, EventKind,
    HistoryQuery, Kind, Limits, Member, MemberChange, Place, Presence, Refusal, Reply, Retention, Role,
    RoomCard, RoomId, RoomKind, RoomName, RoomRef, Scope, Sender, SenderId, SenderKind, SessionId, Standing,
    Start, Text, TokenCard, UserName, Visibility,
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

#[test]
fn a_message_is_written_compactly() {
    let mut out = Vec::new();
    encode_event("lab", &event(message("hi")), &mut out);
    let want = format!(
        "{{\"type\":\"message\",\"room\":\"lab\",\"seq\":12,\"id\":\"{}\",\"ts\":1732170000000,\"sender_id\":1,\
         \"sender_nickname\":\"zhangsan\",\"sender_kind\":\"guest\",\"via\":\"nc\",\"session\":9,\"message\":\"hi\"}}\n",
        id(7)
    );
    assert_eq!(String::from_utf8(out).unwrap(), want);
}

#[test]
fn every_event_is_read_as_it_was_written() {
    for kind in every_event() {
        for who in [SenderKind::Account, SenderKind::Guest, SenderKind::Device, SenderKind::System] {
            let event = Event { sender: sender(who), ..event(kind.clone()) };
            let mut out = Vec::new();
            encode_event("实验室", &event, &mut out);
            let want = FromHub::Event(Box::new(value_of(&event, "实验室")));
            assert_eq!(received(&out), Received { rid: None, value: want.clone() });
            let mut again = Vec::new();
            encode_value(&want, &mut again);
            assert_eq!(received(&again).value, want, "the cold encoder agrees");
        }
    }
}

#[test]
fn every_reply_is_read_as_it_was_written() {
    let (_, got) = reply(&Reply::Done);
    assert_eq!(got, FromHub::Ok);
    let (_, got) = reply(&Reply::Pong(-7));
    assert_eq!(got, FromHub::Pong { ts: -7 });
    for repeated in [false, true] {
        let sent = Reply::Committed { room: RoomId(1), seq: 4, id: id(2), ts_ms: 6, repeated };
        let want = FromHub::Sent { room: "lab".into(), seq: 4, id: id(2), ts: 6, repeated };
        assert_eq!(reply(&sent).1, want);
    }
    let direct = RoomCard { name: RoomName::of_direct_with("ada"), ..card(RoomKind::Direct) };
    let cards = vec![card(RoomKind::Room), direct];
    let FromHub::Rooms { rooms } = reply(&Reply::Rooms(cards.clone())).1 else { panic!() };
    assert_eq!(rooms, [RoomValue::from(&cards[0]), RoomValue::from(&cards[1])]);
    assert_eq!((rooms[1].room.as_str(), rooms[1].with.as_deref()), ("@17", Some("ada")));
    let (_, got) = reply(&Reply::Room(Box::new(cards[0].clone())));
    assert_eq!(got, FromHub::Room(Box::new(RoomValue::from(&cards[0]))));
    let (_, got) = reply(&Reply::Named(user("a~2")));
    assert_eq!(got, FromHub::Named { nickname: "a~2".into() });
    assert_eq!(reply(&Reply::Accounts(vec![account()])).1, FromHub::Accounts { accounts: vec![account()] });
    assert_eq!(
        reply(&Reply::Account(Box::new(account()))).1,
        FromHub::Account { account: Box::new(account()) }
    );
    assert_eq!(reply(&Reply::Tokens(vec![token()])).1, FromHub::Tokens { tokens: vec![token()] });
    let made = Reply::Token { secret: "s".into(), card: Box::new(token()) };
    assert_eq!(reply(&made).1, FromHub::Token { secret: "s".into(), token: Box::new(token()) });
}

#[test]
fn lists_of_people_are_read_as_they_were_written() {
    let there = Attendee {
        number: 1,
        kind: SenderKind::Device,
        name: user("lamp"),
        standing: Standing::Voice,
        away: Some(text("")),
        sessions: 2,
    };
    let FromHub::Who { room, who, total } = reply(&Reply::Attendees(vec![there], 70)).1 else { panic!() };
    assert_eq!((room.as_str(), who[0].nickname.as_str(), total), ("lab", "lamp", 70));
    for presence in
        [Presence::Here, Presence::Away { text: text("tea") }, Presence::Gone { last_seen_ms: Some(3) }]
    {
        let member = Member { name: user("ada"), standing: Standing::Operator, presence: presence.clone() };
        let FromHub::Members { members, .. } = reply(&Reply::Members(vec![member], 1)).1 else { panic!() };
        assert_eq!(members[0].presence, presence);
        let whois = Reply::Whois {
            name: user("ada"),
            account: Some(Box::new(account())),
            presence: presence.clone(),
        };
        let want = FromHub::Whois { nickname: "ada".into(), account: Some(Box::new(account())), presence };
        assert_eq!(reply(&whois).1, want);
    }
}

#[test]
fn stretches_and_hits_are_read_as_they_were_written() {
    let events = vec![event(message("one")), event(EventKind::Redacted)];
    let want: Vec<EventValue> = events.iter().map(|e| value_of(e, "lab")).collect();
    let name = RoomName::parse("lab").unwrap();
    let stretch =
        Reply::History { room: RoomId(1), name: name.clone(), events: Arc::new(events.clone()), more: true };
    assert_eq!(reply(&stretch).1, FromHub::History { room: "lab".into(), events: want.clone(), more: true });
    let none = Reply::History { room: RoomId(1), name: name.clone(), events: Arc::default(), more: false };
    assert_eq!(reply(&none).1, FromHub::History { room: "lab".into(), events: vec![], more: false });
    let hits = Reply::Found(events.into_iter().map(|e| (name.clone(), e)).collect());
    assert_eq!(reply(&hits).1, FromHub::Found { events: want });
}

#[test]
fn a_room_that_opens_tells_its_resume_point() {
    let open = Reply::Attached { card: Box::new(card(RoomKind::Room)), next: 10, missing: 2 };
    let FromHub::Joined(joined) = reply(&open).1 else { panic!() };
    assert_eq!((joined.room.as_str(), joined.epoch, joined.seq, joined.next), ("lab", 2, 12, 10));
    assert_eq!((joined.missing, joined.member, joined.with), (2, true, None));
}

#[test]
fn a_success_without_a_mark_is_not_answered_but_a_value_is() {
    let mut out = Vec::new();
    encode_reply(None, &Reply::Done, "", &mut out);
    let sent = Reply::Committed { room: RoomId(1), seq: 4, id: id(2), ts_ms: 6, repeated: false };
    encode_reply(None, &sent, "lab", &mut out);
    assert!(out.is_empty());
    encode_reply(None, &Reply::Rooms(vec![]), "", &mut out);
    assert_eq!(out, b"{\"type\":\"rooms\",\"rooms\":[]}\n");
}

fn welcome() -> Welcome {
    Welcome {
        status: Succeeded::Ok,
        id: 1,
        v: 1,
        nickname: "zhangsan".into(),
        kind: SenderKind::Guest,
        role: Role::Guest,
        session: 9,
        hub: "hubbub".into(),
        limits: Bounds::from(&Limits::default()),
    }
}

#[test]
fn a_welcome_begins_as_the_source_documents_say() {
    let mut out = Vec::new();
    encode_value(&FromHub::Welcome(Box::new(welcome())), &mut out);
    assert!(out.starts_with(b"{\"status\":\"ok\",\"id\":1,"));
    assert_eq!(received(&out).value, FromHub::Welcome(Box::new(welcome())));
}

#[test]
fn an_error_says_what_it_means_and_echoes_the_mark() {
    let mut out = Vec::new();
    encode_refusal(Some(&Rid::Text("a".into())), &Refusal::new(Kind::NotFound, "no such room"), &mut out);
    let tree: Value = serde_json::from_slice(&out).unwrap();
    let want = json!({"type":"error","status":"error","code":"not-found","message":"no such room","rid":"a"});
    assert_eq!(tree, want);
    let untyped = parse_from_hub(br#"{"status":"error","code":"busy","message":"later"}"#).unwrap();
    assert!(matches!(untyped.value, FromHub::Error { code: Code::Known(Kind::Busy), .. }), "{untyped:?}");
}

fn every_signal() -> Vec<FromHub> {
    let who = || Person { id: 1, nickname: "ada".into(), kind: SenderKind::Account };
    let room = || "lab".to_owned();
    vec![
        FromHub::Presence { who: who(), presence: Presence::Away { text: text("tea") } },
        FromHub::Presence { who: who(), presence: Presence::Gone { last_seen_ms: None } },
        FromHub::Attend { room: room(), who: who(), on: true, attendees: 3 },
        FromHub::Attendees { room: room(), attendees: 51 },
        FromHub::Renamed { who: who(), was: "bob".into() },
        FromHub::Typing { room: room(), id: 1, nickname: "ada".into(), on: false },
        FromHub::Gap { room: room(), from: 3, to: 9 },
        FromHub::Closed { room: room(), reason: Ended::Kicked, message: None },
        FromHub::Closed { room: room(), reason: Ended::Deleted, message: Some(text("by ada")) },
        FromHub::Unread { room: room(), unread: 2, mentions: 1 },
        FromHub::Invited { room: room(), by: "ada".into() },
        FromHub::Announce { text: text("\u{85}restart at 5") },
        FromHub::Bye { reason: "stopping".into() },
    ]
}

#[test]
fn every_signal_is_read_as_it_was_written() {
    for signal in every_signal() {
        let mut out = Vec::new();
        encode_value(&signal, &mut out);
        assert!(!String::from_utf8_lossy(&out).trim_end().contains(char::is_control));
        assert_eq!(received(&out).value, signal);
    }
}

#[test]
fn a_value_of_a_newer_hub_is_kept_as_it_came() {
    let line = r#"{"rid":3,"type":"hologram","text":"look up","depth":[1,2]}"#;
    let got = parse_from_hub(line.as_bytes()).unwrap();
    assert_eq!(got.rid, Some(Rid::Number(3)));
    let FromHub::Unknown(value) = &got.value else { panic!("{got:?}") };
    assert_eq!((value.kind.as_str(), value.message()), ("hologram", Some("look up")));
    assert_eq!(json!(got), serde_json::from_str::<Value>(line).unwrap());
    let state = br#"{"type":"presence","who":{"id":1,"nickname":"a","kind":"guest"},"state":"dreaming"}"#;
    assert!(
        matches!(parse_from_hub(state).unwrap().value, FromHub::Unknown(_)),
        "a known one with news in it"
    );
    assert!(parse_from_hub(br#"{"type":"gap","room":"lab"}"#).is_err(), "places rest on this one");
    assert!(parse_from_hub(br#"{"no":"type"}"#).is_err());
}

#[test]
fn a_refusal_with_a_code_of_a_newer_hub_keeps_its_code_and_its_message() {
    let got = parse_from_hub(br#"{"type":"error","rid":1,"code":"too-loud","message":"whisper","more":1}"#);
    let FromHub::Error { code, message, .. } = got.unwrap().value else { panic!() };
    assert_eq!((code.clone(), message.as_str()), (Code::Other("too-loud".into()), "whisper"));
    assert_eq!((code.kind(), Code::Known(Kind::Busy).kind()), (None, Some(Kind::Busy)));
}

#[test]
fn an_event_of_a_newer_hub_keeps_its_place() {
    let head = r#""room":"lab","seq":7,"id":"01933e5a-1c00-7000-8000-000000000001","ts":1,"sender_id":2,"sender_nickname":"ada","sender_kind":"robot","session":3"#;
    let poll = format!(r#"{{"type":"poll",{head},"message":"tea or coffee?","choices":["tea","coffee"]}}"#);
    let FromHub::Event(event) = parse_from_hub(poll.as_bytes()).unwrap().value else { panic!() };
    assert_eq!((event.seq, event.sender_kind), (7, SenderKind::Account));
    let EventBody::Unknown(body) = &event.body else { panic!("{event:?}") };
    assert_eq!((body.kind.as_str(), body.message()), ("poll", Some("tea or coffee?")));
    assert!(serde_json::to_string(&event).unwrap().contains(r#""choices":["tea","coffee"]"#));
    let member = format!(r#"{{"type":"member",{head},"change":"knighted","name":"bob"}}"#);
    let page =
        format!(r#"{{"type":"history","rid":1,"room":"lab","more":false,"events":[{poll},{member}]}}"#);
    let FromHub::History { events, .. } = parse_from_hub(page.as_bytes()).unwrap().value else { panic!() };
    assert!(events.iter().all(|event| matches!(event.body, EventBody::Unknown(_)) && event.seq == 7));
}

#[test]
fn words_of_a_newer_hub_are_no_reason_to_stay_away() {
    let welcome = br#"{"status":"ok","id":1,"type":"welcome","v":1,"nickname":"a","kind":"robot","role":"sage","session":1,"hub":"h","limits":{"message_bytes":1,"value_bytes":1,"note_bytes":1,"rooms":1,"history":1,"dreams":1}}"#;
    let FromHub::Welcome(welcome) = parse_from_hub(welcome).unwrap().value else { panic!() };
    assert_eq!((welcome.kind, welcome.role), (SenderKind::Account, hubbub_model::Role::Member));
    let closed = parse_from_hub(br#"{"type":"closed","room":"lab","reason":"archived"}"#).unwrap().value;
    assert!(matches!(closed, FromHub::Closed { reason: Ended::Other, .. }));
}

/// One of each, with all its members, as it is written.
const REQUESTS: &[&str] = &[
    r#"{"type":"login","nickname":"a","password":"p","v":1,"client":"c","rooms":["lab",{"room":"b","last":5},{"room":"c","after":{"epoch":1,"seq":2}}],"echo":false,"lang":"zh"}"#,
    r#"{"type":"login","account":"a","token":"t"}"#,
    r#"{"type":"broadcast","message":"hi","room":"lab"}"#,
    r#"{"type":"say","room":"lab","text":"hi","reply_to":"01933e5a-1c00-7000-8000-000000000001","txn":"t1"}"#,
    r#"{"type":"edit","room":"lab","target":"01933e5a-1c00-7000-8000-000000000001","text":"x","txn":"t"}"#,
    r#"{"type":"redact","room":"lab","target":"01933e5a-1c00-7000-8000-000000000001","reason":"r"}"#,
    r#"{"type":"react","room":"lab","target":"01933e5a-1c00-7000-8000-000000000001","sign":"👍","on":false}"#,
    r#"{"type":"join","room":"lab","last":5}"#,
    r#"{"type":"close","room":"lab"}"#,
    r#"{"type":"leave","room":"lab"}"#,
    r#"{"type":"create","room":"lab","visibility":"private","durability":"ephemeral","topic":"t"}"#,
    r#"{"type":"direct","with":"bob","last":5}"#,
    r#"{"type":"set","room":"lab","moderated":true,"read_only":false,"retention":{"events":5}}"#,
    r#"{"type":"invite","room":"lab","who":"bob"}"#,
    r#"{"type":"kick","room":"lab","who":"bob","reason":"r"}"#,
    r#"{"type":"ban","room":"lab","who":"bob","for_s":60}"#,
    r#"{"type":"unban","room":"lab","who":"bob"}"#,
    r#"{"type":"stand","room":"lab","who":"bob","standing":"voice"}"#,
    r#"{"type":"delete","room":"lab"}"#,
    r#"{"type":"nick","nickname":"bob"}"#,
    r#"{"type":"away","text":"tea"}"#,
    r#"{"type":"typing","room":"lab","on":true}"#,
    r#"{"type":"read","room":"lab","seq":12}"#,
    r#"{"type":"ignore","who":"bob","on":true}"#,
    r#"{"type":"rooms"}"#,
    r#"{"type":"room","room":"lab"}"#,
    r#"{"type":"who","room":"lab"}"#,
    r#"{"type":"members","room":"lab"}"#,
    r#"{"type":"whois","who":"bob"}"#,
    r#"{"type":"history","room":"lab","before":"head","limit":9}"#,
    r#"{"type":"history","room":"lab","between":[{"seq":1},{"ts":5}]}"#,
    r#"{"type":"search","words":"w","room":"lab","sender":"bob","since_ms":1,"until_ms":2,"limit":3}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"register","nickname":"bob","password":"p"}"#,
    r#"{"type":"password","old":"p","new":"q"}"#,
    r#"{"type":"account_add","name":"bob","role":"admin","password":"p"}"#,
    r#"{"type":"account_list"}"#,
    r#"{"type":"account_set","name":"bob","status":"disabled"}"#,
    r#"{"type":"account_remove","name":"bob"}"#,
    r#"{"type":"token_add","account":"bob","label":"l","scopes":["read"],"for_s":5}"#,
    r#"{"type":"token_list","account":"bob"}"#,
    r#"{"type":"token_remove","id":8}"#,
    r#"{"type":"quit"}"#,
];

#[test]
fn every_request_is_written_as_it_was_read() {
    for line in REQUESTS {
        let read = parse_request(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
        let marked = Envelope { rid: Some(Rid::Number(1)), ..read.clone() };
        for envelope in [read, marked] {
            let mut out = Vec::new();
            encode_request(&envelope, &mut out);
            assert_eq!(parse_request(&out).as_ref(), Ok(&envelope), "{line}");
        }
        let mut out = Vec::new();
        encode_request(&parse_request(line.as_bytes()).unwrap(), &mut out);
        let (a, b): (Value, Value) =
            (serde_json::from_str(line).unwrap(), serde_json::from_slice(&out).unwrap());
        assert_eq!(a, b);
    }
    for kind in Request::TYPES {
        let sign = format!("{{\"type\":\"{kind}\"");
        assert!(REQUESTS.iter().any(|line| line.starts_with(&sign)), "{kind} has an example");
    }
}

#[test]
fn every_request_but_those_of_the_conn_becomes_a_command() {
    for line in REQUESTS {
        let request = parse_request(line.as_bytes()).unwrap().request;
        let is_the_doors = matches!(request, Request::Login(_) | Request::Quit);
        assert_eq!(request.into_command(|_| None).is_err(), is_the_doors, "{line}");
    }
}

fn command(line: &str) -> Result<Command, Refusal> {
    parse_request(line.as_bytes()).unwrap().request.into_command(|room| (room == "lab").then_some(RoomId(3)))
}

#[test]
fn a_room_goes_by_number_where_it_is_known() {
    let room = |line| match command(line) {
        Ok(Command::Say { room, .. }) => Ok(room),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.kind),
    };
    assert_eq!(room(r#"{"type":"say","text":"x","room":"lab"}"#), Ok(RoomRef::Id(RoomId(3))));
    assert_eq!(room(r#"{"type":"broadcast","message":"x"}"#), Ok(RoomRef::Name(RoomName::lobby())));
    assert_eq!(room(r#"{"type":"say","text":"x","room":"@17"}"#), Ok(RoomRef::Id(RoomId(17))));
    assert_eq!(room(r#"{"type":"say","text":"x","room":"@bob"}"#), Err(Kind::Invalid));
    assert_eq!(room(r#"{"type":"say","text":"x","txn":""}"#), Err(Kind::Invalid));
}

#[test]
fn a_stretch_has_one_place() {
    let query = |line: &str| match command(line) {
        Ok(Command::History { query, .. }) => Some(query),
        _ => None,
    };
    assert_eq!(query(r#"{"type":"history"}"#), Some(HistoryQuery::Before(Place::Head, 50)));
    let after = query(r#"{"type":"history","after":{"seq":4},"limit":2}"#);
    assert_eq!(after, Some(HistoryQuery::After(Place::Seq(4), 2)));
    assert_eq!(query(r#"{"type":"history","after":"head","before":"head"}"#), None);
}

#[test]
fn a_resume_point_wins_over_a_count() {
    let from = |line: &str| match command(line) {
        Ok(Command::Attach { from, .. }) => from,
        other => panic!("{other:?}"),
    };
    assert_eq!(from(r#"{"type":"join"}"#), Start::Head);
    assert_eq!(from(r#"{"type":"join","last":9}"#), Start::Last(9));
    let both = r#"{"type":"join","last":9,"after":{"epoch":1,"seq":2}}"#;
    assert_eq!(from(both), Start::After { epoch: 1, seq: 2 });
}

#[test]
fn what_is_wrong_is_said_and_the_member_is_named() {
    let cases = [
        ("not an object", "[1]", "a request is a JSON object such as {\"type\":\"ping\"}"),
        (
            "no type",
            "{}",
            "the member \"type\" is missing; it says what is asked, such as \"say\" or \"join\"",
        ),
        ("type is no string", r#"{"type":3}"#, "the member \"type\" must be a string"),
        ("unknown", r#"{"type":"fly"}"#, "there is no request of the type \"fly\""),
        ("missing", r#"{"type":"say"}"#, "the request \"say\" needs the member \"text\""),
        (
            "wrong kind of value",
            r#"{"type":"say","text":3}"#,
            "the member \"text\" of the request \"say\" is wrong: invalid type: integer `3`, expected a string",
        ),
        (
            "wrong optional member",
            r#"{"type":"join","last":"x"}"#,
            "the member \"last\" of the request \"join\" is wrong: invalid type: string \"x\", expected u32",
        ),
        (
            "a name that can be none",
            r#"{"type":"whois","who":"a:b"}"#,
            "the member \"who\" of the request \"whois\" is wrong: a name cannot contain ':'",
        ),
        (
            "NUL",
            r#"{"type":"broadcast","message":"a\u0000b"}"#,
            "the member \"message\" of the request \"broadcast\" is wrong: a NUL byte is not allowed",
        ),
    ];
    for (why, line, want) in cases {
        let problem = parse_request(line.as_bytes()).unwrap_err();
        assert_eq!(problem.to_string(), want, "{why}");
        assert_eq!(problem.refusal().text.as_str(), want);
    }
}

#[test]
fn a_wrong_request_keeps_its_mark() {
    let problem = parse_request(br#"{"type":"say","rid":"m1"}"#).unwrap_err();
    assert_eq!(problem.rid, Some(Rid::Text("m1".into())));
    let long = format!(r#"{{"type":"ping","rid":"{}"}}"#, "x".repeat(65));
    let problem = parse_request(long.as_bytes()).unwrap_err();
    assert!(matches!(problem.what, Problem::Member { ref member, .. } if member == "rid"), "{problem}");
}

#[test]
fn hostile_requests_end_in_a_problem() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let wide = format!(r#"{{"type":"kick",{}"who":3}}"#, r#""x":1,"#.repeat(5_000));
    let deep_member = format!(r#"{{"type":"ping","x":{deep}}}"#);
    for bytes in
        [deep.as_bytes(), wide.as_bytes(), deep_member.as_bytes(), b"\0", b"{\"type\":\"\xff\"}", b""]
    {
        assert!(parse_request(bytes).is_err());
    }
}

#[test]
fn secrets_do_not_show_themselves() {
    let login = parse_request(br#"{"type":"login","nickname":"a","password":"hunter2"}"#).unwrap();
    assert!(!format!("{login:?}").contains("hunter2"));
}

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.schema.json");
    let made = schema();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(kept == made, "run this test with UPDATE=1 and commit docs/protocol.schema.json");
}

fn words(schema: &Value, pointer: &str, keyword: &str) -> Vec<String> {
    let variants = schema.pointer(pointer).and_then(Value::as_array).unwrap();
    let word = |v: &Value| v.pointer(keyword).and_then(Value::as_str).map(str::to_owned);
    variants.iter().filter_map(word).collect()
}

#[test]
fn the_lists_of_types_are_whole() {
    let schema = schema();
    let types = words(&schema, "/$defs/Envelope/oneOf", "/properties/type/const");
    assert_eq!(types, Request::TYPES);
    let mut types = words(&schema, "/$defs/Received/anyOf", "/properties/type/const");
    types.extend(words(&schema, "/$defs/EventValue/anyOf", "/properties/type/const"));
    assert_eq!(types, FromHub::TYPES);
}

/// The page for people: every line of its JSON blocks is a good value, and no type or error is left out.
#[test]
fn the_page_shows_every_value_and_only_good_ones() {
    let page = include_str!("../../../../docs/protocol.md");
    let mut seen = std::collections::BTreeSet::new();
    for block in page.split("```json\n").skip(1) {
        for line in block.split("```").next().unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let is_request = parse_request(line.as_bytes()).is_ok();
            let is_answer =
                parse_from_hub(line.as_bytes()).is_ok_and(|r| !matches!(r.value, FromHub::Unknown(_)));
            assert!(is_request || is_answer, "{line}");
            let tree: Value = serde_json::from_str(line).unwrap();
            seen.insert((is_request, tree["type"].as_str().unwrap_or("error").to_owned()));
            seen.insert((!is_answer, tree["type"].as_str().unwrap_or("error").to_owned()));
        }
    }
    for kind in Request::TYPES {
        assert!(seen.contains(&(true, (*kind).into())), "no example of the request {kind}");
    }
    for kind in FromHub::TYPES {
        assert!(seen.contains(&(false, (*kind).into())), "no example of the value {kind}");
    }
    let codes = words(&schema(), "/$defs/Kind/oneOf", "/const");
    assert_eq!(codes.len(), 15);
    for code in codes {
        assert!(page.contains(&format!("| `{code}` |")), "the error {code} is not explained");
    }
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
