//! `docs/doors.md`: what each meaning of the hub is in each format, byte by byte. `UPDATE=1` writes the page anew.

use super::*;
use crate::{json, lines, reply, text as text_format};
use hubbub_hub::{CloseReason, EndReason, Signal, Who};
use hubbub_model::{Event, EventId, EventKind, Language, MemberChange, Presence, Sender, SenderId, Standing};
use hubbub_wire::{Charset, native};
use std::{fmt::Write, path::Path, sync::Arc};

/// One meaning in the three formats.
struct Row {
    what: String,
    text: String,
    native: String,
    compatible: String,
}

#[test]
fn doors_md_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/doors.md");
    let page = page();
    println!("{page}");
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(path, page).unwrap();
    }
    let is = std::fs::read_to_string(path).unwrap_or_default();
    let differs = is.lines().zip(page.lines()).position(|(is, right)| is != right);
    assert!(
        is == page,
        "docs/doors.md differs at line {:?}: look, then run the test with UPDATE=1",
        differs.map(|n| n + 1)
    );
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (title, rows) in [
        ("Events", events()),
        ("Signals", signals()),
        ("Rooms that open and end", rooms()),
        ("Refusals", refusals()),
        ("Goodbyes", goodbyes()),
    ] {
        section(&mut page, title, &rows);
    }
    page
}

fn section(page: &mut String, title: &str, rows: &[Row]) {
    write!(page, "\n## {title}\n").unwrap();
    for Row { what, text, native, compatible } in rows {
        write!(page, "\n**{what}**\n\n```text\n").unwrap();
        for (format, bytes) in [("text", text), ("native", native), ("compatible", compatible)] {
            if bytes.is_empty() {
                writeln!(page, "{format:<11}(nothing)").unwrap();
            }
            for line in bytes.split_inclusive('\n') {
                let line = line.strip_suffix('\n').expect("each line ends with a newline");
                writeln!(page, "{format:<11}{line}").unwrap();
            }
        }
        page.push_str("```\n");
    }
}

fn events() -> Vec<Row> {
    let words = |kind: &EventKind| match kind {
        EventKind::Message { text, .. } if text.starts_with("/me ") => "a message that tells what one does",
        EventKind::Message { text, .. } if text.contains('\n') => "a message of two lines",
        EventKind::Message { text, .. } if text.contains('\u{1b}') => {
            "a message with a terminal's control bytes"
        }
        EventKind::Message { reply_to: Some(_), .. } => "a message that answers another",
        EventKind::Message { .. } => "a message",
        EventKind::Edit { .. } => "an edit",
        EventKind::Redaction { .. } => "a redaction",
        EventKind::Redacted => "what is left in the place of a redacted event",
        EventKind::Reaction { .. } => "a reaction",
        EventKind::Member(change) => match **change {
            MemberChange::Joined => "a member joined",
            MemberChange::Left => "a member left",
            MemberChange::Invited { .. } => "an invitation",
            MemberChange::Kicked { .. } => "somebody was sent out",
            MemberChange::Banned { .. } => "somebody was banned",
            MemberChange::Unbanned { .. } => "a ban was lifted",
            MemberChange::Standing { .. } => "a standing",
            MemberChange::Settings { .. } => "a room's settings",
            MemberChange::Renamed { .. } => "a room was renamed",
        },
        EventKind::Topic(_) => "a topic",
        EventKind::Notice(_) => "a notice of the hub in a room",
        EventKind::File { .. } => "a file",
    };
    let mut rows: Vec<Row> =
        kinds().into_iter().map(|kind| shown(words(&kind), &event(kind), "lab", false)).collect();
    let said = EventKind::Message { text: text("psst\nagain"), reply_to: None };
    rows.push(shown("a message of two lines in a direct", &event(said), "@17", true));
    rows
}

fn kinds() -> Vec<EventKind> {
    let target = EventId(0x0193_3e5a_1c00_7000_8000_0000_0000_0001);
    let say = |words: &str| EventKind::Message { text: text(words), reply_to: None };
    let member = |change| EventKind::Member(Box::new(change));
    let name = || user("Bob");
    vec![
        say("hi"),
        EventKind::Message { text: text("me too"), reply_to: Some(target) },
        say("/me waves"),
        say("one\ntwo"),
        say("a\u{1b}[2Jb\u{202e}c"),
        EventKind::Edit { target, text: text("hi all") },
        EventKind::Redaction { target, reason: text("wrong room") },
        EventKind::Redacted,
        EventKind::Reaction { target, sign: text("👍"), on: true },
        member(MemberChange::Joined),
        member(MemberChange::Left),
        member(MemberChange::Invited { name: name() }),
        member(MemberChange::Kicked { name: name(), reason: text("spam") }),
        member(MemberChange::Banned { name: name(), reason: text(""), until_ms: Some(1_732_170_000_000) }),
        member(MemberChange::Unbanned { name: name() }),
        member(MemberChange::Standing { name: name(), standing: Standing::Operator }),
        member(MemberChange::Settings { what: text("read-only") }),
        member(MemberChange::Renamed { name: room("den") }),
        EventKind::Topic(text("soldering on Friday")),
        EventKind::Notice(text("this room was imported")),
        EventKind::File { name: text("plan.pdf"), size: 48_213 },
    ]
}

#[test]
fn what_happens_is_told_in_both_languages_and_what_people_say_is_the_same_bytes() {
    let han = |line: &str| line.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
    for kind in kinds() {
        let event = event(kind);
        let [en, zh] = [Language::En, Language::Zh].map(|language| {
            let mut line = Vec::new();
            lines::event(&event, false, language, &mut line);
            utf8(line)
        });
        match &event.kind {
            EventKind::Message { .. } | EventKind::Notice(_) => assert_eq!(en, zh),
            _ if en.is_empty() => assert_eq!(zh, ""),
            kind => assert!(!han(&en) && han(&zh) && zh.ends_with('\n'), "{kind:?}: {en} {zh}"),
        }
    }
}

fn event(kind: EventKind) -> Event {
    let is_notice = matches!(kind, EventKind::Notice(_));
    let sender = Sender {
        id: SenderId(1),
        kind: if is_notice { SenderKind::System } else { SenderKind::Guest },
        account: None,
        number: if is_notice { 0 } else { 1 },
        name: if is_notice { UserName::system() } else { user("Ada") },
        session: SessionId(if is_notice { 0 } else { 9 }),
        via: if is_notice { "hub".into() } else { "nc".into() },
    };
    Event {
        seq: 12,
        ordinal: 3,
        id: EventId(0x0193_3e5a_1c01_7000_8000_0000_0000_0002),
        ts_ms: 1_732_170_000_001,
        sender: Arc::new(sender),
        kind,
    }
}

fn shown(what: &str, event: &Event, word: &str, direct: bool) -> Row {
    let (mut line, mut value) = (Vec::new(), Vec::new());
    lines::event(event, direct, Language::En, &mut line);
    native::encode_event(word, event, &mut value);
    let compatible = json::compatible(std::slice::from_ref(event), false).concat();
    Row { what: what.into(), text: utf8(line), native: utf8(value), compatible: utf8(compatible) }
}

fn signals() -> Vec<Row> {
    let who = || Who { number: 4, kind: SenderKind::Account, name: user("bob") };
    let (id, name) = (RoomId(2), room("lab"));
    let all = [
        Signal::Attend { room: id, name: name.clone(), who: who(), on: true, attendees: 4 },
        Signal::Attend { room: id, name: name.clone(), who: who(), on: false, attendees: 3 },
        Signal::Attendees { room: id, name: name.clone(), attendees: 73 },
        Signal::Presence { who: who(), presence: Presence::Here },
        Signal::Presence { who: who(), presence: Presence::Away { text: text("tea") } },
        Signal::Presence { who: who(), presence: Presence::Gone { last_seen_ms: Some(1_732_170_000_000) } },
        Signal::Renamed { who: who(), was: user("bobby") },
        Signal::Typing { room: id, name: name.clone(), who: who(), on: true },
        Signal::Unread { room: id, name: name.clone(), unread: 2, mentions: 1 },
        Signal::Unread { room: RoomId(17), name: RoomName::of_direct_with("bob"), unread: 2, mentions: 1 },
        Signal::Invited { name, by: user("bob") },
        Signal::Notice(text("the hub restarts at five")),
    ];
    let words = |signal: &Signal| match signal {
        Signal::Attend { on: true, .. } => "somebody opened the room",
        Signal::Attend { .. } => "somebody closed the room",
        Signal::Attendees { .. } => "how many have a large room open",
        Signal::Presence { presence: Presence::Here, .. } => "somebody is here",
        Signal::Presence { presence: Presence::Away { .. }, .. } => "somebody is away",
        Signal::Presence { presence: Presence::Gone { .. }, .. } => "somebody is gone",
        Signal::Renamed { .. } => "somebody has another name",
        Signal::Typing { .. } => "somebody is typing",
        Signal::Unread { name, .. } if name.as_str().starts_with('@') => "unread messages in a direct",
        Signal::Unread { .. } => "unread messages",
        Signal::Invited { .. } => "one is invited",
        Signal::Notice(_) => "a notice to everybody",
    };
    all.into_iter().map(|signal| told(words(&signal), || Delivery::Signal(signal.clone()))).collect()
}

fn rooms() -> Vec<Row> {
    let ends = [EndReason::Left, EndReason::Kicked, EndReason::Banned, EndReason::Deleted];
    let mut rows = vec![
        told("the hub opened a direct", || Delivery::Opened(Box::new(card(17, "@bob")))),
        told("places that are no longer kept", || Delivery::Gap { room: RoomId(2), from: 61, to: 90 }),
    ];
    rows.extend(ends.map(|reason| {
        told(&format!("the room is open no longer: {}", reason.word()), || Delivery::Ended {
            room: RoomId(2),
            reason,
        })
    }));
    rows
}

fn refusals() -> Vec<Row> {
    use Kind::{
        BadCredentials, Banned, Busy, Internal, Invalid, NotAllowed, NotFound, NotInRoom, NotLoggedIn,
        ReadOnly, SlowDown, Taken, TooLarge, TooMany, Unsupported,
    };
    let all = [
        Invalid,
        NotLoggedIn,
        BadCredentials,
        NotAllowed,
        Banned,
        NotFound,
        Taken,
        NotInRoom,
        TooLarge,
        TooMany,
        SlowDown,
        Busy,
        ReadOnly,
        Unsupported,
        Internal,
    ];
    let words = "one sentence for people";
    all.map(|kind| told(kind.code(), || Delivery::Reply(Ticket::NONE, Err(Refusal::new(kind, words))))).into()
}

fn goodbyes() -> Vec<Row> {
    let reasons = [
        CloseReason::Stopping,
        CloseReason::Slow,
        CloseReason::Revoked,
        CloseReason::Replaced,
        CloseReason::Trouble,
    ];
    let mut rows = vec![in_each("quit: the client asked for it", |talk, step| talk.step(Input::Bye, step))];
    rows.extend(
        reasons
            .map(|reason| in_each(reason.word(), move |talk, step| talk.step(Input::Goodbye(reason), step))),
    );
    for reason in reasons {
        let gist = reply::goodbye_gist(reason);
        assert_ne!(crate::words::tell(Language::Zh, gist, &[]), gist);
    }
    rows
}

fn told(what: &str, delivery: impl Fn() -> Delivery) -> Row {
    in_each(what, |talk, step| talk.step(Input::Told(delivery()), step))
}

/// What each format's session writes, each with the room `lab` open, which is number 2.
fn in_each(what: &str, act: impl Fn(&mut dyn Talk, &mut Step)) -> Row {
    let mut lines = Desk::of(text_format::TextSession::new(&limits(), &options(""), false));
    lines.says(b"ada\n").is_let_in("ada");
    let ticket = lines.ticket();
    lines.is_answered(ticket, attached(2, "lab"));
    let [native, compatible] = [",\"v\":1", ""].map(|v| {
        let mut desk = Desk::of(json::JsonSession::new(Arc::new(limits()), Charset::Auto, Language::En));
        desk.says(format!("{{\"type\":\"login\",\"nickname\":\"ada\"{v}}}").as_bytes()).is_let_in("ada");
        let ticket = desk.ticket();
        desk.is_answered(ticket, attached(2, "lab"));
        written(&mut desk.talk, &act)
    });
    Row { what: what.into(), text: written(&mut lines.talk, &act), native, compatible }
}

fn written(talk: &mut dyn Talk, act: &impl Fn(&mut dyn Talk, &mut Step)) -> String {
    let mut step = Step::default();
    act(talk, &mut step);
    utf8(step.out)
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

const HEAD: &str = "\
# What each door makes of what the hub says

**中文摘要。** 本页逐字节列出中枢的每一种事件、信号、拒绝和告别在三种聊天格式（文本、原生 JSON、兼容 JSON）里的样子。
本页由测试生成并核对：`UPDATE=1 cargo test -p hubbub-door-chat doors_md` 会重写它。

Every meaning that the hub knows, and the exact bytes that each format of the chat door writes for it. Each line ends
with one newline, which is not shown. `text` is the [text format](protocol.md#the-text-format) (in English; the hub's
own lines are in Chinese for who asked for it, has a Chinese name, speaks GBK or came where the listener says `lang=zh`), `native` the native protocol, `compatible` the JSON of
the source documents. This page is made by a test, which fails when it is not true:
`UPDATE=1 cargo test -p hubbub-door-chat doors_md` writes it anew.

The sender is the guest Ada, number 1; the room is `lab`, or a direct with number 17.
";
