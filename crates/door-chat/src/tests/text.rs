//! `docs/protocol.md`, "The text format".

use super::*;
use crate::text::TextSession;
use hubbub_hub::{CloseReason, Credentials, EndReason, Signal, Who};
use hubbub_model::{Attendee, HistoryQuery, RoomRef, RoomSettings, Standing, Target};

type Text = Desk<TextSession>;

fn newcomer() -> Text {
    Desk::of(TextSession::new(&limits(), &options(""), false))
}

/// Somebody in the lobby, which is room 1.
fn inside(name: &str) -> Text {
    let mut desk = newcomer();
    desk.says(format!("{name}\n").as_bytes()).is_let_in(name);
    let ticket = desk.ticket();
    desk.is_answered(ticket, attached(1, "lobby")).tells_nothing();
    desk
}

fn name_asked(desk: &Text) -> String {
    match desk.step.login.as_ref().map(|login| &login.credentials) {
        Some(Credentials::Guest(Some(name))) => name.to_string(),
        Some(Credentials::Password(name, secret)) => format!("{name} with {secret}"),
        Some(Credentials::Token(secret)) => format!("token {secret}"),
        Some(Credentials::Guest(None) | Credentials::Invite { .. } | Credentials::Invited(..)) | None => {
            "nobody".to_owned()
        }
    }
}

#[test]
fn the_first_line_is_a_name_and_nothing_is_said_about_it() {
    let mut ada = newcomer();
    assert_eq!(name_asked(ada.says(b"ada\n")), "ada");
    ada.tells_nothing().stays();
    ada.is_let_in("ada").tells_nothing();
    assert_eq!(ada.step.own_events, Some(false));
    assert!(
        matches!(ada.command(), Command::Attach { room: RoomRef::Name(name), .. } if *name == RoomName::lobby())
    );
    ada.says(b"hi\r\n").tells_nothing();
    assert!(matches!(ada.command(), Command::Say { text, .. } if text.as_str() == "hi"));
}

#[test]
fn what_follows_the_name_waits_for_the_login() {
    let mut ada = newcomer();
    ada.says(b"ada\none\ntwo\n");
    assert!(ada.step.commands.is_empty() && ada.step.more);
    ada.is_let_in("ada").put(Input::More);
    assert_eq!(ada.step.commands.len(), 2);
}

#[test]
fn what_is_said_right_behind_a_join_is_said_there() {
    let said_in = |desk: &Text| match desk.step.commands.last() {
        Some((_, Command::Say { room, .. })) => room.clone(),
        other => panic!("{other:?}"),
    };
    let mut ada = inside("ada");
    ada.says(b"/join lab\nhi\n");
    assert_eq!(said_in(&ada), RoomRef::Name(RoomName::parse("lab").unwrap()));
    let ticket = ada.step.commands.first().unwrap().0;
    ada.is_answered(ticket, attached(2, "lab")).says(b"and now\n");
    assert_eq!(said_in(&ada), RoomRef::Id(RoomId(2)));
    // Whoever is not let in stays where they are.
    let ticket = ada.says(b"/join attic\n").ticket();
    ada.is_refused(ticket, Kind::NotAllowed, "no").says(b"well\n");
    assert_eq!(said_in(&ada), RoomRef::Id(RoomId(2)));
}

#[test]
fn a_taken_name_is_told_to_its_owner() {
    let mut ada = newcomer();
    ada.says(b"ada\n").is_let_in("ada~2").tells("* that name is taken: you are ada~2");
    let mut zhang = newcomer();
    zhang.says("张三\n".as_bytes()).is_let_in("张三~2").tells("* 名字已被占用，你现在是 张三~2");
}

#[test]
fn a_name_that_cannot_be_one_is_asked_for_again() {
    let mut ada = newcomer();
    ada.says(&[b'x'; 200]).says(b"\n");
    assert!(ada.out().starts_with("* that cannot be a name: "), "{}", ada.out());
    ada.stays();
    assert!(ada.says(b"\n").out().starts_with("* Hubbub. Type your name"));
    assert_eq!(name_asked(ada.says(b"ada\n")), "ada");
    ada.put(Input::LoggedIn(Err(Refusal::new(Kind::Taken, "no")))).tells("* no").stays();
    assert_eq!(name_asked(ada.says(b"ada2\n")), "ada2", "after a refusal too");
}

#[test]
fn ways_to_log_in_besides_a_name() {
    for (line, who) in [
        ("/login ada secret", "ada with secret"),
        ("/login ada", "ada"),
        ("/nick ada", "ada"),
        ("/join lab", "nobody"),
        ("/nonsense", "nobody"),
    ] {
        assert_eq!(name_asked(newcomer().says(format!("{line}\n").as_bytes())), who, "{line}");
    }
    assert!(newcomer().says(b"/help\n").out().contains("/join ROOM"));
}

#[test]
fn before_the_login_what_looks_like_http_closes_silently() {
    for line in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "Host: example.org", "OPTIONS * HTTP/1.1"] {
        let mut web = newcomer();
        web.says(format!("{line}\r\nada\r\nhi\r\n").as_bytes()).tells_nothing();
        assert!(web.step.close && web.step.login.is_none(), "{line}");
    }
    let mut ada = inside("ada");
    ada.says(b"GET / HTTP/1.1\n").stays();
    assert!(matches!(ada.command(), Command::Say { .. }), "after the login it is only text");
}

#[test]
fn lines_are_said_as_they_are() {
    for (line, said) in [
        ("hi", "hi"),
        ("//x", "/x"),
        ("/1 is no command", "/1 is no command"),
        ("/me waves", "/me waves"),
        ("  indented", "  indented"),
        ("[1,2]", "[1,2]"),
    ] {
        let mut ada = inside("ada");
        ada.says(format!("{line}\n").as_bytes()).tells_nothing();
        assert!(
            matches!(ada.command(), Command::Say { text, room: RoomRef::Id(RoomId(1)), .. } if text.as_str() == said),
            "{line}"
        );
    }
    assert!(inside("ada").says(b"\n \n").step.commands.is_empty(), "nothing is not said");
}

#[test]
fn commands_become_what_they_say() {
    let here = RoomRef::Id(RoomId(1));
    for (line, command) in [
        ("/who", Command::Attendees { room: here.clone() }),
        ("/who lab", Command::Attendees { room: RoomRef::Name(room("lab")) }),
        ("/rooms", Command::Rooms),
        ("/topic", Command::Room { room: here.clone() }),
        (
            "/topic tea",
            Command::Set {
                room: here.clone(),
                settings: RoomSettings { topic: Some(text("tea")), ..RoomSettings::default() },
            },
        ),
        ("/nick bob", Command::Nick { name: user("bob") }),
        ("/leave", Command::Leave { room: here.clone() }),
        ("/leave #lab", Command::Leave { room: RoomRef::Name(room("lab")) }),
        ("/whois bob", Command::Whois { who: user("bob") }),
        ("/away tea", Command::Away { text: Some(text("tea")) }),
        ("/away", Command::Away { text: None }),
        ("/kick bob spam", Command::Kick { room: here.clone(), who: user("bob"), reason: text("spam") }),
        (
            "/ban bob 1h spam",
            Command::Ban { room: here.clone(), who: user("bob"), reason: text("spam"), for_s: Some(3_600) },
        ),
        ("/unban bob", Command::Unban { room: here.clone(), who: user("bob") }),
        ("/invite bob", Command::Invite { room: here.clone(), who: user("bob") }),
        ("/op bob", Command::Stand { room: here.clone(), who: user("bob"), standing: Standing::Operator }),
        ("/ignore bob", Command::Ignore { who: user("bob"), on: true }),
        ("/register secret", Command::Register { name: None, password: "secret".into() }),
        ("/password a b", Command::Password { old: "a".into(), new: "b".into() }),
    ] {
        let mut ada = inside("ada");
        ada.says(format!("{line}\n").as_bytes()).tells_nothing().stays();
        assert_eq!(*ada.command(), command, "{line}");
    }
    let mut ada = inside("ada");
    ada.says(b"/history 3\n");
    assert!(matches!(ada.command(), Command::History { query: HistoryQuery::Before(_, 3), .. }));
}

#[test]
fn answers_are_lines() {
    let mut ada = inside("ada");
    let who = |name: &str, kind, away| Attendee {
        number: 2,
        name: user(name),
        kind,
        standing: Standing::Member,
        away,
        sessions: 1,
    };
    ada.says(b"/who\n");
    let list = vec![who("ada", SenderKind::Account, None), who("bob", SenderKind::Guest, Some(text("tea")))];
    let ticket = ada.ticket();
    ada.is_answered(ticket, Reply::Attendees(list, 2)).tells("* ada\n* bob [guest] (away tea)\n* 2 in all");
    ada.says(b"/rooms\n");
    let ticket = ada.ticket();
    let lab = RoomCard { topic: text("solder"), unread: 3, ..card(2, "lab") };
    ada.is_answered(ticket, Reply::Rooms(vec![lab])).tells("* lab (2 here, 3 unread) - solder");
    ada.says(b"/topic\n");
    let ticket = ada.ticket();
    let lobby = RoomCard { topic: text("tea"), ..card(1, "lobby") };
    ada.is_answered(ticket, Reply::Room(Box::new(lobby))).tells("* tea");
    ada.says(b"/kick bob\n");
    let ticket = ada.ticket();
    ada.is_refused(ticket, Kind::NotAllowed, "only operators may").tells("* only operators may").stays();
    ada.says(b"/away tea\n");
    let ticket = ada.ticket();
    ada.is_answered(ticket, Reply::Done).tells("* done");
    assert!(!ada.talk.is_waiting(), "an idle conn holds no table");
}

#[test]
fn joining_goes_there_and_closes_the_old_room() {
    let mut ada = inside("ada");
    ada.says(b"/join #lab\n");
    assert!(
        matches!(ada.command(), Command::Attach { room: RoomRef::Name(name), .. } if name.as_str() == "lab")
    );
    let ticket = ada.ticket();
    ada.is_answered(ticket, attached(2, "lab")).tells("* you are in lab (2 here)");
    assert_eq!(*ada.command(), Command::Detach { room: RoomRef::Id(RoomId(1)) });
    ada.is_told(Delivery::Ended { room: RoomId(1), reason: EndReason::Left }).tells_nothing();
    ada.says(b"hi\n");
    assert!(matches!(ada.command(), Command::Say { room: RoomRef::Id(RoomId(2)), .. }));
}

#[test]
fn whoever_is_sent_out_is_in_the_lobby_again() {
    for (reason, line) in [
        (EndReason::Kicked, "* you were sent out of the room: lab"),
        (EndReason::Banned, "* you were banned from the room: lab"),
        (EndReason::Deleted, "* the room was deleted: lab"),
    ] {
        let mut ada = inside("ada");
        ada.says(b"/join lab\n");
        let ticket = ada.ticket();
        ada.is_answered(ticket, attached(2, "lab"));
        ada.is_told(Delivery::Ended { room: RoomId(1), reason: EndReason::Left });
        ada.is_told(Delivery::Ended { room: RoomId(2), reason }).tells(line);
        assert!(
            matches!(ada.command(), Command::Attach { room: RoomRef::Name(name), .. } if *name == RoomName::lobby())
        );
    }
    let mut ada = inside("ada");
    ada.is_told(Delivery::Ended { room: RoomId(1), reason: EndReason::Kicked })
        .tells("* you were sent out of the room: lobby");
    assert!(ada.step.commands.is_empty(), "sent out of the lobby, one is nowhere");
}

#[test]
fn a_private_word_opens_a_direct_first() {
    let mut ada = inside("ada");
    ada.says(b"/msg bob psst\n").tells_nothing();
    assert!(
        matches!(ada.command(), Command::Direct { with: Target::Name(name), .. } if *name == user("bob"))
    );
    let ticket = ada.ticket();
    ada.is_answered(ticket, attached(7, "@bob")).tells_nothing();
    assert!(
        matches!(ada.command(), Command::Say { room: RoomRef::Id(RoomId(7)), text, .. } if text.as_str() == "psst")
    );
    ada.says(b"hi\n");
    assert!(
        matches!(ada.command(), Command::Say { room: RoomRef::Id(RoomId(1)), .. }),
        "one stays in the room"
    );
    ada.is_told(Delivery::Opened(Box::new(card(8, "@eve")))).tells_nothing();
}

#[test]
fn quiet_ends_a_message_until_the_first_newline() {
    let mut ada = newcomer();
    ada.says(b"ada").tells_nothing();
    assert!(ada.step.login.is_none() && ada.talk.quiet_after().is_some());
    assert_eq!(name_asked(ada.put(Input::Quiet)), "ada");
    ada.is_let_in("ada").says(b"hi");
    assert!(ada.talk.quiet_after().is_some());
    ada.put(Input::Quiet);
    assert!(matches!(ada.command(), Command::Say { text, .. } if text.as_str() == "hi"));
    ada.says(b"one\ntw");
    assert!(ada.talk.quiet_after().is_none(), "from the first newline on only a newline ends one");
    assert!(ada.put(Input::Quiet).step.commands.is_empty());
    assert_eq!(ada.says(b"o\n").step.commands.len(), 1);
}

#[test]
fn the_end_ends_a_line_and_the_last_question_is_our_own() {
    let mut ada = inside("ada");
    ada.says(b"one\nhalf").put(Input::End).tells_nothing();
    assert!(matches!(&ada.step.commands[0].1, Command::Say { text, .. } if text.as_str() == "half"));
    assert_eq!(ada.step.commands[1].1, Command::Ping);
    assert!(ada.talk.is_waiting());
    let ticket = ada.step.commands[1].0;
    ada.is_answered(ticket, Reply::Pong(0)).tells_nothing();
    assert!(!ada.talk.is_waiting());
    let mut bob = newcomer();
    assert_eq!(name_asked(bob.says(b"bob").put(Input::End)), "bob");
    assert!(bob.step.commands.is_empty());
}

#[test]
fn quit_waits_for_what_was_asked_before() {
    let mut ada = inside("ada");
    ada.says(b"/who\n/quit\nnever said\n").tells_nothing();
    assert!(ada.step.quit && !ada.step.more && !ada.step.close);
    assert_eq!(ada.step.commands.len(), 2, "who, and a question of our own");
    ada.put(Input::Bye).tells_nothing();
    assert!(newcomer().says(b"/quit\n").step.quit);
}

#[test]
fn telnet_commands_are_left_out() {
    let mut ada = Desk::of(TextSession::new(&limits(), &options(""), true));
    assert_eq!(name_asked(ada.says(b"\xff\xfb\x1f\xff\xfd\x03ada\r\n")), "ada");
}

#[test]
fn gbk_switches_the_conn_and_its_language() {
    let mut zhang = newcomer();
    assert_eq!(name_asked(zhang.says(b"\xd5\xc5\xc8\xfd\n")), "张三");
    zhang.is_let_in("张三");
    let ticket = zhang.ticket();
    zhang.is_answered(ticket, attached(1, "lobby"));
    zhang.says(b"/join lab\n");
    let ticket = zhang.ticket();
    zhang.is_answered(ticket, attached(2, "lab"));
    assert_eq!(zhang.step.out, hubbub_wire::to_gbk("* 你已进入 lab（2 人在场）\n".as_bytes()));
    let forced =
        Desk::of(TextSession::new(&limits(), &options("?encoding=gbk"), false)).says(b"\n").step.out.clone();
    assert_eq!(
        forced,
        hubbub_wire::to_gbk(
            "* Hubbub。先输入名字，再聊天；/help 查看命令。/lang en for English.\n".as_bytes()
        )
    );
}

#[test]
fn help_speaks_both_languages() {
    assert!(inside("ada").says(b"/help\n").out().contains("go to a room"));
    assert!(inside("张三").says(b"/help\n").out().contains("进入房间"));
    assert!(inside("张三").says("/帮助\n".as_bytes()).out().contains("进入房间"));
    inside("ada").says(b"/xyz\n").tells("* there is no such command (see /help): /xyz").stays();
    inside("张三").says(b"/xyz\n").tells("* 没有这个命令（见 /help）：/xyz").stays();
    inside("ada").says(b"/msg bob\n").tells("* usage: /msg NAME TEXT").stays();
}

#[test]
fn bad_bytes_are_told_and_the_conn_stays() {
    let mut ada = inside("ada");
    ada.says(b"\xff\xfe\x80\n").tells("* the bytes are neither UTF-8 nor GBK").stays();
    ada.says(b"a\0b\n").tells("* a NUL byte is not allowed").stays();
    ada.says(b"hi\n");
    assert!(matches!(ada.command(), Command::Say { .. }));
    ada.says(&[b'x'; 1_025]).tells("* a line has more than 1024 bytes");
    assert!(ada.step.close, "what cannot be followed is closed");
}

#[test]
fn byte_by_byte_is_the_same() {
    let mut ada = newcomer();
    for byte in b"ad" {
        ada.says(&[*byte]).tells_nothing();
        assert!(ada.step.login.is_none());
    }
    ada.says(b"a");
    assert_eq!(name_asked(ada.says(b"\n")), "ada");
}

#[test]
fn who_comes_and_who_types_is_not_told() {
    let who = Who { number: 2, kind: SenderKind::Guest, name: user("bob") };
    let attend = Signal::Attend { room: RoomId(1), name: room("lobby"), who, on: true, attendees: 2 };
    inside("ada").is_told(Delivery::Signal(attend)).tells_nothing();
    inside("ada").is_told(Delivery::Signal(Signal::Notice(text("at five")))).tells("* at five");
    inside("ada")
        .is_told(Delivery::Gap { room: RoomId(1), from: 3, to: 5 })
        .tells("* 3 messages are no longer kept");
}

#[test]
fn goodbyes() {
    inside("ada").put(Input::Goodbye(CloseReason::Stopping)).tells("* the hub is stopping");
    inside("张三").put(Input::Goodbye(CloseReason::Stopping)).tells("* 服务器正在停止");
}

#[test]
fn greeting_is_only_for_silence() {
    assert!(newcomer().put(Input::Silence).out().starts_with("* Hubbub."));
}

#[test]
fn the_language_is_the_listeners_until_the_client_chooses() {
    let at = |query| Desk::of(TextSession::new(&limits(), &options(query), false));
    at("?lang=zh").says(&[b'x'; 1_025]).tells("* 一行超过 1024 字节");
    at("?lang=en").says(&[b'x'; 1_025]).tells("* a line has more than 1024 bytes");
    assert!(at("?lang=zh").put(Input::Silence).out().starts_with("* Hubbub。"));
    let mut gbk = at("?lang=zh&encoding=gbk");
    gbk.says(b"ada\n").put(Input::LoggedIn(Err(Refusal::new(Kind::Taken, "the account is switched off"))));
    assert_eq!(gbk.step.out, hubbub_wire::to_gbk("* 账号已停用\n".as_bytes()));

    let mut ada = at("?lang=zh");
    ada.says(b"/lang en\n").tells("* the hub speaks English to you now").stays();
    ada.says("艾达\n".as_bytes()).is_let_in("艾达~2").tells("* that name is taken: you are 艾达~2");
    ada.says(b"/lang zh\n").tells("* 中枢现在对你说中文");
    ada.says(b"/lang fr\n").tells("* 用法：/lang zh|en").stays();
}

#[test]
fn refusals_and_notices_are_in_the_clients_language() {
    for (language, refused, notice) in [
        (
            "en",
            "there is nobody named bob",
            "The hub is read-only: its store failed. What was acknowledged is safe; ask the operator.",
        ),
        ("zh", "没有叫 bob 的人", "中枢现在是只读的：存储出错。已确认的内容是安全的，请找运维者。"),
    ] {
        let mut ada = inside("ada");
        ada.says(format!("/lang {language}\n").as_bytes()).says(b"/whois bob\n");
        let ticket = ada.ticket();
        ada.is_refused(ticket, Kind::NotFound, "there is nobody named bob").tells(&format!("* {refused}"));
        let told = "The hub is read-only: its store failed. What was acknowledged is safe; ask the operator.";
        ada.is_told(Delivery::Signal(Signal::Notice(text(told)))).tells(&format!("* {notice}"));
        ada.is_told(Delivery::Signal(Signal::Notice(text("at five")))).tells("* at five");
    }
}
