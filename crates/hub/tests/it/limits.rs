//! Every limit holds, and says so. The clock may jump.

use hubbub_hub::{Delivery, Signal};
use hubbub_model::{Command, EventKind, HistoryQuery, Kind, Limits, Place, RoomSettings, Start};
use hubbub_testkit::{Person, Seen, TestHub, room, text};

#[tokio::test]
async fn what_is_too_large_or_empty_is_refused() {
    let hub = TestHub::with_limits(Limits { message_bytes_max: 12, note_bytes_max: 6, ..Limits::default() });
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    ada.say("lobby", "四个汉字").await;
    for (words, kind) in [("四个汉字!", Kind::TooLarge), (" \n", Kind::Invalid), ("", Kind::Invalid)] {
        let say = ada.saying("lobby", words);
        assert_eq!(ada.refused(say).await, kind, "{words:?}");
    }
    assert_eq!(ada.refused(Command::Away { text: Some(text("too long")) }).await, Kind::TooLarge);
}

#[tokio::test]
async fn a_session_opens_so_many_rooms_and_no_more() {
    let hub = TestHub::with_limits(Limits { rooms_per_session_max: 2, rooms_max: 4, ..Limits::default() });
    let (mut op, mut ada) = (hub.account("op").await, hub.account("ada").await);
    for name in ["a", "b", "c"] {
        op.does(Command::Create { name: room(name), settings: RoomSettings::default() }).await;
    }
    let fifth = Command::Create { name: room("d"), settings: RoomSettings::default() };
    assert_eq!(op.refused(fifth).await, Kind::TooMany);
    // In one breath, so that nothing is committed in between.
    let enter = |person: &Person, name| Command::Attach { room: person.room(name), from: Start::Head };
    let commands = ["a", "b", "c", "a"].map(|name| enter(&ada, name)).to_vec();
    let mut kinds = Vec::new();
    for ticket in ada.submit_all(commands).await {
        kinds.push(ada.reply(ticket).await.err().map(|refusal| refusal.kind));
    }
    assert_eq!(kinds, [None, None, Some(Kind::TooMany), None]);
    let direct =
        Command::Direct { with: hubbub_model::Target::Name(hubbub_testkit::user("op")), from: Start::Head };
    assert_eq!(ada.refused(direct).await, Kind::TooMany);
    // Nor can others open rooms for it beyond that; what they say waits.
    op.direct("ada").await;
    op.say("@ada", "hello").await;
    ada.does(Command::Detach { room: ada.room("a") }).await;
    let joined = ada.direct("op").await;
    assert_eq!(joined.card.unread, 1);
}

#[tokio::test]
async fn signals_for_a_slow_peer_are_dropped_and_replies_are_not() {
    let hub = TestHub::with_limits(Limits { control_queue_max: 4, ..Limits::default() });
    let (mut slow, mut ada) = (hub.guest("slow").await, hub.guest("ada").await);
    slow.join("lobby").await;
    for _ in 0..20 {
        ada.join("lobby").await;
        ada.does(Command::Typing { room: ada.room("lobby"), on: true }).await;
        ada.does(Command::Detach { room: ada.room("lobby") }).await;
    }
    assert!(!slow.inbox.may_submit(100, 4), "a peer with a full queue is held back");
    for _ in 0..10 {
        slow.submit(Command::Ping).await;
    }
    ada.does(Command::Ping).await;
    let (mut signals, mut replies) = (0, 0);
    while replies < 10 {
        match slow.next().await {
            Seen::Signal(_) => signals += 1,
            Seen::Reply(_, Ok(_)) => replies += 1,
            other => slow.fail(&format!("{other:?}")),
        }
    }
    assert_eq!(signals, 4);
    assert!(slow.inbox.may_submit(100, 4));
}

#[tokio::test]
async fn who_has_too_much_pending_is_held_back_and_woken() {
    let hub = TestHub::new();
    let (mut ada, mut op) = (hub.guest("ada").await, hub.guest("op").await);
    op.join("lobby").await;
    hub.faults.hold_commits();
    let first = op.saying("lobby", "held");
    op.submit(first).await;
    hub.faults.until_held().await;
    assert!(ada.inbox.may_submit(3, 100));
    for _ in 0..3 {
        ada.submit(Command::Ping).await;
    }
    assert!(!ada.inbox.may_submit(3, 100));
    assert!(ada.inbox.may_submit(4, 100));
    assert!(!ada.inbox.may_submit(3, 100));
    hub.faults.release();
    // A driver that is held waits for its inbox, whatever comes there.
    while !ada.inbox.may_submit(3, 100) {
        ada.next().await;
    }
}

#[tokio::test]
async fn a_submission_that_was_given_up_counts_for_nothing() {
    let hub = TestHub::with_limits(Limits { hub_queue_max: 1, ..Limits::default() });
    let (mut ada, mut op) = (hub.guest("ada").await, hub.guest("op").await);
    op.join("lobby").await;
    hub.faults.hold_commits();
    let first = op.saying("lobby", "held");
    op.submit(first).await;
    hub.faults.until_held().await;
    ada.submit(Command::Ping).await;
    {
        // The queue is full now: this one waits, and is given up.
        let waits = ada.session.submit(vec![(hubbub_model::Ticket(99), Command::Ping)]);
        let mut waits = std::pin::pin!(waits);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waits.as_mut().poll(&mut cx).is_pending(), "a full queue holds the sender back");
    }
    assert!(ada.inbox.may_submit(2, 100), "one is pending, not two");
    hub.faults.release();
    ada.does(Command::Ping).await;
    assert!(ada.inbox.may_submit(1, 100), "nothing is pending");
}

#[tokio::test]
async fn an_answer_has_so_many_events_and_no_more() {
    let hub = TestHub::with_limits(Limits { history_events_max: 3, ..Limits::default() });
    let mut ada = hub.guest("ada").await;
    ada.join("lobby").await;
    for i in 0..5 {
        ada.say("lobby", &format!("m{i}")).await;
    }
    let (events, more) = ada.history("lobby", HistoryQuery::Before(Place::Head, u32::MAX)).await;
    assert_eq!((events.len(), more), (3, true));
    let (events, more) = ada.history("lobby", HistoryQuery::After(Place::Seq(0), 0)).await;
    assert_eq!((events.len(), more), (1, true), "one at least");
}

#[tokio::test]
async fn a_crowd_is_told_counts_and_not_names() {
    let hub = TestHub::with_limits(Limits { arrivals_shown_max: 2, ..Limits::default() });
    let mut ada = hub.guest("ada").await;
    ada.join("lobby").await;
    let mut crowd = Vec::new();
    for i in 0..5 {
        let mut person = hub.guest(&format!("p{i}")).await;
        person.join("lobby").await;
        crowd.push(person);
    }
    let told = ada.signal("the count", |s| matches!(s, Signal::Attendees { .. })).await;
    assert!(matches!(told, Signal::Attendees { attendees: 6, .. }), "{told:?}");
}

/// I5, as far as it shows: with room for next to nothing in all rings together, everything is still read in order.
#[tokio::test]
async fn rings_over_their_budget_are_emptied_and_readers_get_all_from_the_store() {
    let hub = TestHub::with_limits(Limits { rings_bytes_max: 8 * 1024, ..Limits::default() });
    let mut ada = hub.account("ada").await;
    let mut readers = Vec::new();
    for n in 0..6 {
        let name = format!("room-{n}");
        ada.does(Command::Create { name: room(&name), settings: RoomSettings::default() }).await;
        let mut reader = hub.guest(&format!("reader-{n}")).await;
        reader.join(&name).await;
        readers.push((name, reader));
    }
    for i in 0..40 {
        for n in 0..6 {
            ada.say(&format!("room-{n}"), &format!("{i} {}", "x".repeat(200))).await;
        }
    }
    // A room that is deleted takes its share of the budget with it.
    ada.does(Command::Delete { room: ada.room("room-5") }).await;
    for (name, reader) in readers.iter_mut().take(5) {
        for i in 0..40 {
            reader.expect(name, &format!("{i} {}", "x".repeat(200)), "ada").await;
        }
        reader.expect_nothing(name, &mut ada).await;
    }
}

/// I5: the budget is shared in such a way that those who speak have it, not those who have gone or are silent.
#[tokio::test]
async fn deleted_and_idle_rooms_take_no_place_from_a_busy_one() {
    let hub = TestHub::with_limits(Limits { rings_bytes_max: 32 * 1024, ..Limits::default() });
    let mut ada = hub.account("ada").await;
    for n in 0..10 {
        let name = format!("gone-{n}");
        ada.does(Command::Create { name: room(&name), settings: RoomSettings::default() }).await;
        for _ in 0..4 {
            ada.say(&name, &"x".repeat(1_000)).await;
        }
        ada.does(Command::Delete { room: hubbub_model::RoomRef::Name(room(&name)) }).await;
    }
    ada.does(Command::Create { name: room("idle"), settings: RoomSettings::default() }).await;
    for _ in 0..40 {
        ada.say("idle", &"x".repeat(1_000)).await;
    }
    ada.join("lobby").await;
    for i in 0..10 {
        ada.say("lobby", &format!("{i}")).await;
    }
    // With the store out of reach, what is read comes from the ring.
    hub.faults.fail_reads();
    let mut bob = hub.guest("bob").await;
    bob.join_from("lobby", Start::Last(10)).await;
    for i in 0..10 {
        bob.expect("lobby", &format!("{i}"), "ada").await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_changes_no_order() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    let mut last = None;
    for jump in [0, 5_000, -86_400_000, 1, 0, -1_000_000_000_000, 7_000] {
        hub.clock.jump(jump);
        let said = ada.say("lobby", &format!("after {jump}")).await;
        if let Some((seq, id)) = last {
            assert!(said.seq == seq + 1 && said.id > id, "after a jump of {jump} ms");
        }
        last = Some((said.seq, said.id));
        bob.expect("lobby", &format!("after {jump}"), "ada").await;
    }
    let (events, _) = bob.history("lobby", HistoryQuery::Before(Place::Head, 100)).await;
    assert!(events.windows(2).all(|w| w[0].id < w[1].id));
}

#[tokio::test]
async fn waiting_for_the_next_thing_can_be_given_up_at_any_time() {
    let hub = TestHub::with_limits(Limits { ring_events_max: 2, ..Limits::default() });
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    for i in 0..50 {
        ada.say("lobby", &format!("{i}")).await;
    }
    let mut next = 0;
    while next < 50 {
        // Polled once and dropped, again and again, between looks at what has come.
        let once = tokio::select! { biased; delivery = bob.inbox.next() => Some(delivery), () = tokio::task::yield_now() => None };
        let Some(Delivery::Events(events)) = once else { continue };
        for event in events.as_slice() {
            assert!(matches!(&event.kind, EventKind::Message { text, .. } if **text == *next.to_string()));
            next += 1;
        }
    }
}
