//! What a peer asks: every request, written and read, and what is wrong with bad ones.

use super::*;

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
    r#"{"type":"presence","on":true}"#,
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
    r#"{"type":"invite_link_add","room":"lab","as":"member","uses":5,"for_s":60}"#,
    r#"{"type":"invite_link_add","as":"guest"}"#,
    r#"{"type":"invite_links"}"#,
    r#"{"type":"invite_link_remove","id":3}"#,
    r#"{"type":"invite_link_take","code":"c"}"#,
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
