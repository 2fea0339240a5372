//! What the hub says: every event, reply and signal, written and read.

use super::*;

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
    assert_eq!(reply(&Reply::Invites(vec![invite()])).1, FromHub::InviteLinks { invites: vec![invite()] });
    let made = Reply::Invite { code: "c".into(), card: Box::new(invite()) };
    assert_eq!(reply(&made).1, FromHub::InviteLink { code: "c".into(), invite: Box::new(invite()) });
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
    let hits = Reply::Found(
        events.into_iter().map(|event| Hit { room: RoomId(1), name: name.clone(), event }).collect(),
    );
    assert_eq!(reply(&hits).1, FromHub::Found { events: want });
    let direct =
        Hit { room: RoomId(17), name: RoomName::of_direct_with("ada"), event: event(message("psst")) };
    let FromHub::Found { events } = reply(&Reply::Found(vec![direct])).1 else { panic!() };
    let named = (events[0].room.as_str(), events[0].with.as_deref());
    assert_eq!(named, ("@17", Some("ada")), "the word by which it can be opened, and who it is with");
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
