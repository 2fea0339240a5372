//! `docs/protocol.md`: the native protocol and "Compatible mode".

use super::*;
use crate::json::JsonSession;
use hubbub_hub::{CloseReason, Credentials, EndReason, Signal, Who};
use hubbub_model::{EventId, RoomRef};
use hubbub_wire::Charset;
use std::sync::Arc;

type Json = Desk<JsonSession>;

fn newcomer() -> Json {
    Desk::of(JsonSession::new(Arc::new(limits()), Charset::Auto, Language::En))
}

fn native() -> Json {
    let mut desk = newcomer();
    desk.says(b"{\"type\":\"login\",\"nickname\":\"ada\",\"v\":1}").is_let_in("ada");
    let ticket = desk.ticket();
    desk.is_answered(ticket, attached(1, "lobby"));
    assert!(
        desk.out().starts_with("{\"type\":\"joined\",\"room\":\"lobby\",\"epoch\":1,\"seq\":4,\"next\":5,"),
        "{}",
        desk.out()
    );
    desk
}

fn compatible() -> Json {
    let mut desk = newcomer();
    desk.says(b"{\"type\":\"login\",\"nickname\":\"zhangsan\"}")
        .is_let_in("zhangsan")
        .tells("{\"status\":\"ok\",\"id\":1}");
    let ticket = desk.ticket();
    desk.is_answered(ticket, attached(1, "lobby")).tells_nothing();
    desk
}

#[test]
fn the_login_is_answered_and_rooms_open() {
    let mut ada = newcomer();
    ada.says(b"{\"type\":\"login\",\"nickname\":\"ada\",\"v\":1,\"rid\":\"a\",\"rooms\":[\"lobby\",{\"room\":\"lab\",\"last\":5}],\"echo\":false}");
    assert!(
        matches!(&ada.step.login.as_ref().unwrap().credentials, Credentials::Guest(Some(name)) if *name == user("ada"))
    );
    ada.is_let_in("ada");
    assert!(
        ada.out().starts_with("{\"status\":\"ok\",\"id\":1,\"v\":1,\"nickname\":\"ada\",\"kind\":\"guest\""),
        "{}",
        ada.out()
    );
    assert!(ada.out().ends_with("\"type\":\"welcome\",\"rid\":\"a\"}\n"), "{}", ada.out());
    assert_eq!(ada.step.own_events, Some(false));
    assert_eq!(ada.step.commands.len(), 2);
}

#[test]
fn a_login_is_refused_in_its_own_mode() {
    let refuse = || Refusal::new(Kind::BadCredentials, "name or password are wrong");
    let mut ada = newcomer();
    ada.says(b"{\"type\":\"login\",\"nickname\":\"ada\",\"password\":\"x\",\"v\":1,\"rid\":1}")
        .put(Input::LoggedIn(Err(refuse())));
    ada.tells("{\"type\":\"error\",\"status\":\"error\",\"code\":\"bad-credentials\",\"message\":\"name or password are wrong\",\"rid\":1}");
    ada.stays();
    ada.says(b"{\"type\":\"login\",\"nickname\":\"ada\"}");
    assert!(ada.step.login.is_some(), "one may try again");
    ada.put(Input::LoggedIn(Err(refuse())));
    ada.tells(
        "{\"status\":\"error\",\"code\":\"bad-credentials\",\"message\":\"name or password are wrong\"}",
    );
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let mut ada = newcomer();
    ada.says(b"{\"type\":\"login\",\"nickname\":\"\",\"v\":1,\"rid\":7}").stays();
    assert!(
        ada.out().contains("\"code\":\"invalid\"") && ada.out().ends_with(",\"rid\":7}\n"),
        "{}",
        ada.out()
    );
    assert!(ada.step.login.is_none());
}

#[test]
fn a_request_before_the_login_is_refused() {
    let mut ada = newcomer();
    ada.says(b"{\"type\":\"say\",\"text\":\"hi\",\"rid\":1}").stays();
    assert!(ada.out().contains("\"code\":\"not-logged-in\"") && ada.out().ends_with(",\"rid\":1}\n"));
}

#[test]
fn a_second_login_is_refused() {
    for (mut desk, v) in [(native(), ",\"v\":1"), (compatible(), "")] {
        desk.says(format!("{{\"type\":\"login\",\"nickname\":\"bob\"{v}}}").as_bytes()).stays();
        assert!(
            desk.out().contains("\"code\":\"invalid\",\"message\":\"you are logged in already\""),
            "{}",
            desk.out()
        );
        assert!(desk.step.login.is_none());
    }
}

#[test]
fn answers_carry_the_rid_and_plain_success_needs_one() {
    let done = || Reply::Committed { room: RoomId(1), seq: 5, id: EventId(1), ts_ms: 2, repeated: false };
    let mut ada = native();
    ada.says(b"{\"type\":\"say\",\"text\":\"hi\",\"rid\":6}").tells_nothing();
    let ticket = ada.ticket();
    ada.is_answered(ticket, done())
        .tells("{\"type\":\"sent\",\"rid\":6,\"room\":\"lobby\",\"seq\":5,\"id\":\"00000000-0000-0000-0000-000000000001\",\"ts\":2}");
    ada.says(b"{\"type\":\"say\",\"text\":\"hi\"}");
    assert_eq!(ada.ticket(), Ticket::NONE, "nobody waits for that answer");
    ada.is_refused(Ticket::NONE, Kind::NotInRoom, "join it first").tells(
        "{\"type\":\"error\",\"status\":\"error\",\"code\":\"not-in-room\",\"message\":\"join it first\"}",
    );
    ada.says(b"{\"type\":\"away\"}");
    let ticket = ada.ticket();
    ada.is_answered(ticket, Reply::Done).tells_nothing();
    ada.says(b"{\"type\":\"away\",\"rid\":8}");
    let ticket = ada.ticket();
    ada.is_answered(ticket, Reply::Done).tells("{\"type\":\"ok\",\"rid\":8}");
    ada.says(b"{\"type\":\"ping\"}");
    let ticket = ada.ticket();
    ada.is_answered(ticket, Reply::Pong(3)).tells("{\"type\":\"pong\",\"ts\":3}");
    assert!(!ada.talk.is_waiting());
}

#[test]
fn what_is_wrong_is_answered_and_the_conn_stays() {
    for (value, code) in [
        ("{\"type\":\"fly\",\"rid\":1}", "unsupported"),
        ("{\"rid\":1}", "invalid"),
        ("{\"type\":1,\"rid\":1}", "invalid"),
        ("[1]", "invalid"),
        ("{\"type\":\"say\",\"rid\":1}", "invalid"),
        ("{\"type\":\"say\",\"text\":5,\"rid\":1}", "invalid"),
        ("{\"type\":\"say\",\"text\":\"a\\u0000b\",\"rid\":1}", "invalid"),
        ("{\"type\":\"join\",\"room\":\"a b\",\"rid\":1}", "invalid"),
        ("{\"type\":}", "invalid"),
        ("{]", "invalid"),
    ] {
        let mut ada = native();
        ada.says(value.as_bytes()).stays();
        assert!(ada.out().contains(&format!("\"code\":\"{code}\"")), "{value}: {}", ada.out());
        assert!(!value.contains("\"rid\"") || ada.out().ends_with(",\"rid\":1}\n"), "{value}: {}", ada.out());
        ada.says(b"{\"type\":\"ping\"}");
        assert_eq!(*ada.command(), Command::Ping, "{value}");
    }
    let mut ada = native();
    ada.says(b"{\"type\":\"say\",\"text\":\"\xff\xfe\x80\"}").stays();
    assert!(ada.out().contains("neither UTF-8 nor GBK"), "{}", ada.out());
}

#[test]
fn what_can_be_no_json_closes() {
    let deep = "[".repeat(10_000);
    let long = format!("{{\"type\":\"say\",\"text\":\"{}\"}}", "x".repeat(1_100));
    for bytes in ["hello", "}", "{}x", &deep, &long] {
        let mut ada = native();
        ada.says(bytes.as_bytes());
        assert!(ada.step.close && ada.out().contains("\"code\":\"invalid\""), "{}", ada.out());
    }
}

#[test]
fn values_may_come_in_any_pieces() {
    let bytes = b"{\"type\":\"ping\"} \n{\"type\":\"say\",\"text\":\"h}i\"}{\"type\":\"rooms\"}";
    let mut ada = native();
    assert_eq!(ada.says(bytes).step.commands.len(), 3);
    let mut all = 0;
    for byte in bytes {
        all += ada.says(&[*byte]).step.commands.len();
    }
    assert_eq!(all, 3);
}

#[test]
fn the_peer_may_ask_to_be_let_go() {
    let mut ada = native();
    ada.says(b"{\"type\":\"say\",\"text\":\"hi\",\"rid\":1}{\"type\":\"quit\"}{\"type\":\"ping\"}")
        .tells_nothing();
    assert!(ada.step.quit && !ada.step.close);
    assert_eq!(ada.step.commands.len(), 2, "what is said, and the question whose answer is the last");
    assert!(ada.talk.is_waiting());
    let (said, last) = (ada.step.commands[0].0, ada.step.commands[1].0);
    ada.is_refused(said, Kind::NotInRoom, "join it first");
    assert!(ada.out().ends_with(",\"rid\":1}\n"));
    ada.is_answered(last, Reply::Pong(1)).tells_nothing();
    assert!(!ada.talk.is_waiting());
    ada.put(Input::Bye).tells("{\"type\":\"bye\",\"reason\":\"quit\"}");
    let mut old = compatible();
    old.says(b"{\"type\":\"quit\"}").tells_nothing();
    old.put(Input::Bye).tells_nothing();
    assert!(newcomer().says(b"{\"type\":\"quit\"}").step.quit);
}

#[test]
fn a_direct_that_the_hub_opened_is_joined() {
    let mut ada = native();
    ada.is_told(Delivery::Opened(Box::new(card(7, "@bob"))));
    assert!(
        ada.out().starts_with(
            "{\"type\":\"joined\",\"room\":\"@7\",\"with\":\"bob\",\"epoch\":1,\"seq\":4,\"next\":5,"
        ),
        "{}",
        ada.out()
    );
    ada.says(b"{\"type\":\"say\",\"room\":\"@7\",\"text\":\"psst\"}");
    assert!(matches!(ada.command(), Command::Say { room: RoomRef::Id(RoomId(7)), .. }));
    compatible().is_told(Delivery::Opened(Box::new(card(7, "@bob")))).tells_nothing();
}

#[test]
fn a_room_that_ends_is_told() {
    for (reason, word) in [
        (EndReason::Left, "left"),
        (EndReason::Kicked, "kicked"),
        (EndReason::Banned, "banned"),
        (EndReason::Deleted, "deleted"),
    ] {
        native()
            .is_told(Delivery::Ended { room: RoomId(1), reason })
            .tells(&format!("{{\"type\":\"closed\",\"room\":\"lobby\",\"reason\":\"{word}\"}}"));
    }
    compatible()
        .is_told(Delivery::Ended { room: RoomId(1), reason: EndReason::Kicked })
        .tells("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"你已被移出聊天室\"}");
}

#[test]
fn compatible_clients_see_what_the_documents_show() {
    let who = || Who { number: 2, kind: SenderKind::Guest, name: user("lisi") };
    let attend = |on| {
        Delivery::Signal(Signal::Attend {
            room: RoomId(1),
            name: room("lobby"),
            who: who(),
            on,
            attendees: 2,
        })
    };
    let mut zhang = compatible();
    zhang
        .is_told(attend(true))
        .tells("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"用户 lisi(2)加入聊天室\"}");
    zhang
        .is_told(attend(false))
        .tells("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"用户 lisi(2)离开聊天室\"}");
    let typing = Signal::Typing { room: RoomId(1), name: room("lobby"), who: who(), on: true };
    zhang.is_told(Delivery::Signal(typing)).tells_nothing();
    zhang.says(b"{\"type\":\"fly\"}");
    zhang.tells("{\"status\":\"error\",\"code\":\"unsupported\",\"message\":\"there is no request of the type \\\"fly\\\"\"}").stays();
    zhang.says(b"{\"type\":\"broadcast\",\"sender_id\":99,\"message\":\"hi\"}").tells_nothing();
    assert!(matches!(zhang.command(), Command::Say { text, .. } if text.as_str() == "hi"));
    assert!(zhang.talk.is_paced() && !native().talk.is_paced());
    assert!(newcomer().talk.is_paced(), "who has not logged in may be such a client");
}

#[test]
fn a_conn_in_gbk_is_answered_in_gbk() {
    let mut zhang = newcomer();
    zhang
        .says(&hubbub_wire::to_gbk("{\"type\":\"login\",\"nickname\":\"张三\",\"v\":1}".as_bytes()))
        .is_let_in("张三");
    let name = hubbub_wire::to_gbk("\"nickname\":\"张三\"".as_bytes());
    assert!(zhang.step.out.windows(name.len()).any(|part| part == name));
}

#[test]
fn goodbyes() {
    native().put(Input::Goodbye(CloseReason::Stopping)).tells("{\"type\":\"bye\",\"reason\":\"stopping\"}");
    compatible()
        .put(Input::Goodbye(CloseReason::Stopping))
        .tells("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"服务器正在停止\"}");
    newcomer().put(Input::Silence).tells_nothing();
}

#[test]
fn refusals_are_in_the_language_that_the_login_asked_for() {
    for (lang, why) in [
        ("zh", "没有叫 bob 的人"),
        ("zh-CN", "没有叫 bob 的人"),
        ("en", "there is nobody named bob"),
        ("fr", "there is nobody named bob"),
    ] {
        let mut desk = newcomer();
        let login =
            format!("{{\"type\":\"login\",\"nickname\":\"ada\",\"v\":1,\"rooms\":[],\"lang\":\"{lang}\"}}");
        desk.says(login.as_bytes()).is_let_in("ada");
        desk.says(b"{\"type\":\"whois\",\"who\":\"bob\",\"rid\":2}");
        let ticket = desk.ticket();
        desk.is_refused(ticket, Kind::NotFound, "there is nobody named bob");
        let wanted = format!("\"code\":\"not-found\",\"message\":\"{why}\"");
        assert!(desk.out().contains(&wanted), "{lang}: {}", desk.out());
    }
    let mut listener = Desk::of(JsonSession::new(Arc::new(limits()), Charset::Auto, Language::Zh));
    assert!(listener.says(b"{\"type\":\"ping\"}").out().contains("请先登录："), "{}", listener.out());
}
