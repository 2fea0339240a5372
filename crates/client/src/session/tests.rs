//! The session in memory: told stories first, then chance.

use super::*;
use crate::options::{Begin, LoginAs};
use hubbub_model::{EventId, Limits, Role, SenderKind, Text};
use hubbub_wire::native::{
    Bounds, Failed, Received, Sent, Succeeded, encode_answer, encode_sent, parse_request,
};
use proptest::prelude::*;
use std::{collections::HashMap, time::Duration};

const EPOCH: u64 = 1;

fn session(rooms: &[(&str, Begin)]) -> Session<u32> {
    let address = crate::Address::default();
    let mut options = Options::new(address, LoginAs::Guest(Some("ada".into())));
    options.rooms = rooms.iter().map(|(room, begin)| ((*room).to_owned(), *begin)).collect();
    Session::new(options, "c1".into(), Instant::now())
}

fn sent_by(session: &mut Session<u32>) -> Vec<Envelope> {
    let out = session.take_out();
    out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|line| parse_request(line).unwrap()).collect()
}

fn give(session: &mut Session<u32>, rid: Option<&Rid>, value: &FromHub) -> Result<(), Fault> {
    let mut line = Vec::new();
    encode_answer(rid, value, &mut line);
    session.receive(&line)
}

fn welcome(nickname: &str) -> FromHub {
    FromHub::Welcome(Box::new(Welcome {
        status: Succeeded::Ok,
        id: 7,
        v: 1,
        nickname: nickname.into(),
        kind: SenderKind::Guest,
        role: Role::Guest,
        session: 3,
        hub: "lab".into(),
        limits: Bounds::from(&Limits::default()),
    }))
}

fn joined(room: &str, epoch: u64, head: u64, next: u64) -> FromHub {
    FromHub::Joined(Box::new(Joined {
        room: room.into(),
        with: None,
        epoch,
        seq: head,
        next,
        missing: 0,
        member: false,
        topic: Text::default(),
        attendees: 1,
        unread: 0,
        mentions: 0,
    }))
}

fn event(room: &str, seq: u64, text: &str) -> FromHub {
    FromHub::Event(Box::new(EventValue {
        room: room.into(),
        with: None,
        seq,
        id: EventId::from_parts(seq, 0),
        ts: 0,
        sender_id: 7,
        sender_nickname: "ada".into(),
        sender_kind: SenderKind::Guest,
        via: "json".into(),
        session: 3,
        body: EventBody::Message { message: Text::ours(text), reply_to: None },
    }))
}

fn refused(code: Kind) -> FromHub {
    FromHub::Error { status: Failed::Error, code: Code::Known(code), message: Text::ours("no") }
}

fn say(text: &str) -> Request {
    Request::Say {
        room: Some("lab".into()),
        text: Text::ours(text),
        reply_to: None,
        txn: Some(format!("t-{text}")),
    }
}

/// Connects and logs in; gives what follows the login.
fn come_in(session: &mut Session<u32>) -> Vec<Envelope> {
    session.connected(Instant::now());
    let login = sent_by(session);
    assert!(matches!(&*login, [Envelope { request: Request::Login(_), .. }]), "{login:?}");
    give(session, login[0].rid.as_ref(), &welcome("ada")).unwrap();
    sent_by(session)
}

fn told(session: &mut Session<u32>) -> Vec<String> {
    std::iter::from_fn(|| session.next_incoming()).map(|incoming| short(&incoming)).collect()
}

fn short(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Connected { again, .. } => format!("connected again={again}"),
        Incoming::Joined { joined, again, restored } => {
            format!("joined {} again={again} restored={restored}", joined.room)
        }
        Incoming::Resumed { missing } => format!("resumed missing={missing}"),
        Incoming::Event { room, value } => format!("{room} {}", value.seq),
        Incoming::Gap { room, from, to } => format!("gap {room} {from}-{to}"),
        Incoming::Refused { room, refusal } => format!("refused {room} {:?}", refusal.kind().unwrap()),
        Incoming::Signal(_) => "signal".into(),
        other => format!("{other:?}"),
    }
}

/// In the room `lab`, at place 5.
fn in_the_lab() -> Session<u32> {
    let mut session = session(&[("Lab", Begin::Last(10))]);
    let joins = come_in(&mut session);
    assert!(matches!(&joins[0].request, Request::Join { last: Some(10), .. }), "{joins:?}");
    give(&mut session, joins[0].rid.as_ref(), &joined("lab", EPOCH, 5, 5)).unwrap();
    give(&mut session, None, &event("lab", 5, "x")).unwrap();
    assert_eq!(
        told(&mut session),
        ["connected again=false", "joined lab again=false restored=false", "lab 5"]
    );
    session
}

/// Breaks, comes back, and gives what goes out behind the login.
fn come_back(session: &mut Session<u32>) -> Vec<Envelope> {
    session.lost();
    let out = come_in(session);
    assert_eq!(told(session)[0], "connected again=true");
    out
}

#[test]
fn a_login_says_who_and_opens_rooms_by_requests_of_their_own() {
    let mut session = session(&[]);
    session.connected(Instant::now());
    let Request::Login(login) = sent_by(&mut session).remove(0).request else { panic!() };
    assert_eq!((login.nickname.as_deref(), login.client.as_deref()), (Some("ada"), Some("c1")));
    assert_eq!((login.v, login.rooms), (Some(1), Some(vec![])));
}

#[test]
fn a_refused_login_and_what_is_no_hub_end_the_conn() {
    let mut session = session(&[]);
    session.connected(Instant::now());
    let error = give(&mut session, None, &refused(Kind::BadCredentials)).unwrap_err();
    assert!(
        matches!(&error, Fault::Refused(r) if r.kind() == Some(Kind::BadCredentials)) && error.is_final()
    );
    let error = session.receive(b"{\"type\":\"login\",\"v\":1}").unwrap_err();
    assert!(matches!(error, Fault::NotAHub(_)), "an echo is no hub");
    assert!(matches!(session.receive(b"nonsense").unwrap_err(), Fault::NotAHub(_)));
}

#[test]
fn a_guest_comes_back_under_the_name_that_the_hub_gave() {
    let mut session = session(&[]);
    session.connected(Instant::now());
    give(&mut session, None, &welcome("ada~2")).unwrap();
    session.lost();
    session.take_out();
    session.connected(Instant::now());
    let Request::Login(login) = sent_by(&mut session).remove(0).request else { panic!() };
    assert_eq!(login.nickname.as_deref(), Some("ada~2"));
}

#[test]
fn a_room_is_opened_again_behind_the_last_place_and_nothing_comes_twice() {
    let mut session = in_the_lab();
    let out = come_back(&mut session);
    let Request::Join { room, after, .. } = &out[0].request else { panic!("{out:?}") };
    assert_eq!((room.as_deref(), *after), (Some("lab"), Some(Resume { epoch: EPOCH, seq: 5 })));
    give(&mut session, out[0].rid.as_ref(), &joined("lab", EPOCH, 7, 6)).unwrap();
    for seq in [4, 5, 6, 6, 7] {
        give(&mut session, None, &event("lab", seq, "x")).unwrap();
    }
    let want = ["joined lab again=true restored=false", "resumed missing=0", "lab 6", "lab 7"];
    assert_eq!(told(&mut session), want);
}

#[test]
fn what_the_hub_keeps_no_longer_is_told_as_a_gap() {
    let mut session = in_the_lab();
    let out = come_back(&mut session);
    give(&mut session, out[0].rid.as_ref(), &joined("lab", EPOCH, 20, 11)).unwrap();
    give(&mut session, None, &FromHub::Gap { room: "lab".into(), from: 9, to: 12 }).unwrap();
    give(&mut session, None, &event("lab", 12, "x")).unwrap();
    give(&mut session, None, &event("lab", 13, "x")).unwrap();
    let want = [
        "joined lab again=true restored=false",
        "gap lab 6-10",
        "resumed missing=5",
        "gap lab 11-12",
        "lab 13",
    ];
    assert_eq!(told(&mut session), want);
}

#[test]
fn another_life_of_the_log_begins_anew() {
    for (epoch, head) in [(EPOCH + 1, 9), (EPOCH, 2)] {
        let mut session = in_the_lab();
        let out = come_back(&mut session);
        give(&mut session, out[0].rid.as_ref(), &joined("lab", epoch, head, 1)).unwrap();
        give(&mut session, None, &event("lab", 1, "x")).unwrap();
        let want = ["joined lab again=true restored=true", "resumed missing=0", "lab 1"];
        assert_eq!(told(&mut session), want, "epoch {epoch}");
    }
}

#[test]
fn a_room_that_may_not_be_entered_again_is_told_and_given_up() {
    let mut session = in_the_lab();
    let out = come_back(&mut session);
    give(&mut session, out[0].rid.as_ref(), &refused(Kind::Banned)).unwrap();
    assert_eq!(told(&mut session), ["refused lab Banned", "resumed missing=0"]);
    assert!(come_back(&mut session).is_empty());
    let mut session = in_the_lab();
    let out = come_back(&mut session);
    let fault = give(&mut session, out[0].rid.as_ref(), &refused(Kind::Busy)).unwrap_err();
    assert!(!fault.is_final(), "a busy hub is tried again");
    assert_eq!(come_back(&mut session).len(), 1);
}

#[test]
fn what_was_said_goes_out_again_in_order_and_is_answered_once() {
    let mut session = in_the_lab();
    session.submit(say("one"), 1);
    session.submit(say("two"), 2);
    let first = sent_by(&mut session);
    session.lost();
    session.submit(say("three"), 3);
    let out = come_in(&mut session);
    let again: Vec<&Request> = out.iter().skip(1).map(|envelope| &envelope.request).collect();
    assert_eq!(again, [&say("one"), &say("two"), &say("three")]);
    assert_eq!(out[1].rid, first[0].rid, "under the same mark");
    give(&mut session, out[1].rid.as_ref(), &FromHub::Ok).unwrap();
    give(&mut session, out[1].rid.as_ref(), &FromHub::Ok).unwrap();
    assert_eq!(session.next_answer().map(|(who, _)| who), Some(1));
    assert!(session.next_answer().is_none(), "a second answer is nobody's");
}

#[test]
fn what_may_not_be_done_twice_is_interrupted_unless_it_never_went_out() {
    let kick = || Request::Kick { room: None, who: "bob".parse().unwrap(), reason: Text::default() };
    let mut session = in_the_lab();
    session.submit(kick(), 1);
    sent_by(&mut session);
    session.lost();
    assert!(matches!(session.next_answer(), Some((1, Err(ClientError::Interrupted)))));
    session.submit(kick(), 2);
    session.lost();
    assert!(session.next_answer().is_none());
    assert!(come_in(&mut session).iter().any(|envelope| envelope.request == kick()));
}

#[test]
fn a_room_that_is_being_left_is_not_opened_again() {
    let mut session = in_the_lab();
    session.submit(Request::Leave { room: Some("LAB".into()) }, 1);
    sent_by(&mut session);
    let out = come_back(&mut session);
    assert!(matches!(&*out, [Envelope { request: Request::Leave { .. }, .. }]), "{out:?}");
    give(&mut session, out[0].rid.as_ref(), &refused(Kind::NotInRoom)).unwrap();
    assert!(matches!(session.next_answer(), Some((1, Ok(FromHub::Ok)))), "it was done the first time");
    assert!(come_back(&mut session).is_empty());
}

#[test]
fn rooms_that_the_hub_opens_and_closes_are_followed() {
    let mut session = session(&[]);
    come_in(&mut session);
    give(&mut session, None, &joined("@9", EPOCH, 4, 5)).unwrap();
    give(&mut session, None, &event("@9", 5, "x")).unwrap();
    session.lost();
    let out = come_in(&mut session);
    assert!(matches!(&out[0].request, Request::Join { after: Some(Resume { seq: 5, .. }), .. }), "{out:?}");
    give(&mut session, out[0].rid.as_ref(), &joined("@9", EPOCH, 5, 6)).unwrap();
    let reason = hubbub_wire::native::Ended::Kicked;
    give(&mut session, None, &FromHub::Closed { room: "@9".into(), reason, message: None }).unwrap();
    session.lost();
    assert!(come_in(&mut session).is_empty());
}

#[test]
fn a_second_join_does_not_move_the_reader() {
    let mut session = in_the_lab();
    session.submit(Begin::Head.join("lab".into()), 1);
    let out = sent_by(&mut session);
    give(&mut session, out[0].rid.as_ref(), &joined("lab", EPOCH, 9, 10)).unwrap();
    give(&mut session, None, &event("lab", 6, "x")).unwrap();
    assert_eq!(told(&mut session), ["joined lab again=false restored=false", "lab 6"]);
    assert!(matches!(session.next_answer(), Some((1, Ok(FromHub::Joined(_))))));
}

#[test]
fn a_request_that_the_hub_would_not_take_is_answered_here() {
    let mut session = in_the_lab();
    session.submit(say(&"x".repeat(70_000)), 1);
    assert!(matches!(session.next_answer(), Some((1, Err(ClientError::TooLarge { max: 65_536, .. })))));
    assert!(session.take_out().is_empty());
}

#[test]
fn silence_is_asked_about_and_then_ends_the_conn() {
    let mut session = in_the_lab();
    let t0 = Instant::now();
    let at = |s| t0 + Duration::from_secs(s);
    session.heard(t0);
    session.tick(at(29)).unwrap();
    assert!(session.take_out().is_empty());
    session.tick(at(30)).unwrap();
    assert_eq!(sent_by(&mut session)[0].request, Request::Ping);
    session.tick(at(39)).unwrap();
    assert!(session.take_out().is_empty(), "one ping is enough");
    session.heard(at(39));
    session.tick(at(45)).unwrap();
    session.tick(at(69)).unwrap();
    assert!(matches!(session.tick(at(79)), Err(Fault::Silent(_))));
}

#[test]
fn a_good_bye_and_nonsense_end_the_conn_and_news_does_not() {
    let mut session = in_the_lab();
    session.receive(b"{\"type\":\"weather\",\"message\":\"blue\"}").unwrap();
    let Some(Incoming::Signal(news)) = session.next_incoming() else { panic!() };
    assert!(matches!(&*news, FromHub::Unknown(value) if value.message() == Some("blue")));
    assert!(matches!(session.receive(b"{"), Err(Fault::Unreadable(_))));
    let fault = give(&mut session, None, &FromHub::Bye { reason: "stopping".into() }).unwrap_err();
    assert!(!fault.is_final());
}

#[test]
fn what_only_a_newer_hub_knows_keeps_its_place_and_its_message() {
    let mut session = in_the_lab();
    let poll = r#"{"type":"poll","room":"lab","seq":6,"id":"01933e5a-1c00-7000-8000-000000000001","ts":1,"sender_id":2,"sender_nickname":"bob","session":4,"message":"tea?"}"#;
    session.receive(poll.as_bytes()).unwrap();
    assert_eq!(told(&mut session), ["lab 6"]);
    let joins = come_back(&mut session);
    assert!(
        matches!(&joins[0].request, Request::Join { after: Some(place), .. } if place.seq == 6),
        "it is not asked for again: {joins:?}"
    );
    session.submit(say("hi"), 1);
    let said = sent_by(&mut session);
    let Some(Rid::Number(rid)) = said.last().unwrap().rid else { panic!() };
    let answer = format!(r#"{{"type":"error","rid":{rid},"code":"too-loud","message":"whisper"}}"#);
    session.receive(answer.as_bytes()).unwrap();
    let (_, refused) = session.next_answer().unwrap();
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (None, "whisper".to_owned()));
}

/// A hub of one room, as far as a client can see it: a log, and the marks that were done.
#[derive(Default)]
struct Hub {
    log: Vec<String>,
    done: HashMap<String, u64>,
    /// The reader's next place, while the room is open.
    cursor: Option<u64>,
    /// Values on their way to the client.
    values: VecDeque<Vec<u8>>,
    /// Bytes on their way to the hub.
    requests: VecDeque<Envelope>,
}

impl Hub {
    fn value(&mut self, rid: Option<&Rid>, value: FromHub) {
        let mut line = Vec::new();
        Received { rid: rid.cloned(), value }.encode(&mut line);
        self.values.push_back(line);
    }

    /// Takes one request, if one has arrived.
    fn serve(&mut self) {
        let Some(Envelope { rid, request }) = self.requests.pop_front() else { return };
        match request {
            Request::Login(_) => self.value(rid.as_ref(), welcome("ada")),
            Request::Join { after, .. } => {
                let next = after.map_or(1, |place| place.seq + 1);
                self.value(rid.as_ref(), joined("lab", EPOCH, self.log.len() as u64, next));
                self.cursor = Some(next);
            }
            Request::Say { text, txn, .. } => {
                let txn = txn.unwrap();
                let head = self.log.len() as u64;
                let repeated = self.done.contains_key(&txn);
                let seq = *self.done.entry(txn).or_insert(head + 1);
                if !repeated {
                    self.log.push(text.to_string());
                }
                let sent = Sent { seq, id: EventId::from_parts(seq, 0), ts_ms: 0, repeated };
                let mut line = Vec::new();
                encode_sent(&rid.unwrap(), "lab", sent, &mut line);
                self.values.push_back(line);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Puts up to `n` events on the way; every third place a second time.
    fn deliver(&mut self, n: u64) {
        for _ in 0..n {
            let Some(seq) = self.cursor.filter(|seq| *seq <= self.log.len() as u64) else { return };
            let text = self.log[seq as usize - 1].clone();
            for _ in 0..=u8::from(seq % 3 == 0) {
                self.value(None, event("lab", seq, &text));
            }
            self.cursor = Some(seq + 1);
        }
    }

    fn cut(&mut self) {
        self.values.clear();
        self.requests.clear();
        self.cursor = None;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Say,
    OthersSay,
    Serve(u8),
    Deliver(u8),
    Hear(u8),
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Say),
        2 => Just(Step::OthersSay),
        4 => (1u8..6).prop_map(Step::Serve),
        3 => (1u8..6).prop_map(Step::Deliver),
        4 => (1u8..6).prop_map(Step::Hear),
        1 => Just(Step::Cut),
    ];
    proptest::collection::vec(step, 0..120)
}

/// The client, the hub, and all that the client was told.
struct World {
    session: Session<u32>,
    hub: Hub,
    said: u32,
    others: u32,
    seen: Vec<(u64, String)>,
    answered: Vec<(u32, u64)>,
}

impl World {
    fn new() -> Self {
        let after = Begin::After(Resume { epoch: EPOCH, seq: 0 });
        let mut session = session(&[("lab", after)]);
        session.connected(Instant::now());
        Self { session, hub: Hub::default(), said: 0, others: 0, seen: Vec::new(), answered: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Say => {
                self.said += 1;
                self.session.submit(say(&format!("mine {}", self.said)), self.said);
            }
            Step::OthersSay => {
                self.others += 1;
                self.hub.log.push(format!("theirs {}", self.others));
            }
            Step::Serve(n) => {
                self.hub.requests.extend(sent_by(&mut self.session));
                (0..*n).for_each(|_| self.hub.serve());
            }
            Step::Deliver(n) => self.hub.deliver(u64::from(*n)),
            Step::Hear(n) => {
                for _ in 0..*n {
                    let Some(value) = self.hub.values.pop_front() else { break };
                    self.session.receive(&value).unwrap();
                }
            }
            Step::Cut => {
                self.hub.cut();
                self.session.lost();
                self.session.connected(Instant::now());
            }
        }
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(incoming) = self.session.next_incoming() {
            match incoming {
                Incoming::Event { value, .. } => {
                    let EventBody::Message { message, .. } = &value.body else { panic!() };
                    self.seen.push((value.seq, message.to_string()));
                }
                Incoming::Gap { .. } => panic!("nothing was forgotten"),
                _ => {}
            }
        }
        while let Some((who, answer)) = self.session.next_answer() {
            let Ok(FromHub::Sent { seq, .. }) = answer else { panic!("{answer:?}") };
            self.answered.push((who, seq));
        }
    }

    /// No more breaks: all arrives.
    fn settle(&mut self) {
        for _ in 0..300 {
            for step in [Step::Serve(5), Step::Deliver(5), Step::Hear(20)] {
                self.step(&step);
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_doubled_over_any_breaks(steps in steps()) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.settle();
        let log: Vec<(u64, String)> = (1..).zip(world.hub.log.clone()).collect();
        prop_assert_eq!(&world.seen, &log, "every event once, in order");
        let mine: Vec<String> = log.iter().map(|(_, text)| text.clone()).filter(|t| t.starts_with("mine")).collect();
        let want: Vec<String> = (1..=world.said).map(|n| format!("mine {n}")).collect();
        prop_assert_eq!(mine, want, "all that was said, once and in order");
        let mut answered = world.answered.clone();
        answered.sort_unstable();
        prop_assert_eq!(answered.len() as u32, world.said, "each has one answer");
        for (who, seq) in answered {
            prop_assert_eq!(&log[seq as usize - 1].1, &format!("mine {who}"));
        }
    }
}
