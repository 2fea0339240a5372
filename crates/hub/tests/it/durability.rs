//! Seen means saved: nothing before its commit, nothing of a failed one, nothing twice.

use hubbub_hub::Signal;
use hubbub_model::{Command, Durability, HistoryQuery, Kind, Place, Reply, RoomSettings, Start};
use hubbub_testkit::{Login, Seen, TestHub, room, user};
use std::task::{Context, Poll, Waker};

#[tokio::test]
async fn nothing_is_seen_or_acknowledged_before_its_commit() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    // Empties the inboxes of the signals of joining.
    ada.signal("bob's coming", |s| matches!(s, Signal::Attend { .. })).await;
    hub.faults.hold_commits();
    let command = ada.saying("lobby", "not yet");
    let ticket = ada.submit(command).await;
    hub.faults.until_held().await;
    let mut cx = Context::from_waker(Waker::noop());
    for person in [&mut ada, &mut bob] {
        match person.inbox.poll_next(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(early) => person.fail(&format!("told before the commit: {early:?}")),
        }
    }
    hub.faults.release();
    assert!(ada.reply(ticket).await.is_ok());
    bob.expect("lobby", "not yet", "ada").await;
}

#[tokio::test]
async fn a_failed_commit_leaves_all_as_it_was_and_the_hub_read_only() {
    let hub = TestHub::new();
    let mut ada = hub.account_as("ada", hubbub_model::Role::Admin).await;
    let mut bob = hub.account("bob").await;
    let mut gus = hub.guest("gus").await;
    ada.create("lab", RoomSettings::default()).await;
    bob.join("lab").await;
    ada.say("lab", "safe").await;
    hub.faults.fail_commits();

    let room_lab = ada.room("lab");
    let tickets = ada
        .submit_all(vec![
            Command::Create { name: room("gone"), settings: RoomSettings::default() },
            ada.saying("lab", "lost"),
            Command::Kick { room: room_lab, who: user("bob"), reason: hubbub_testkit::text("") },
        ])
        .await;
    for ticket in tickets {
        match ada.reply(ticket).await {
            Err(refusal) => assert_eq!(refusal.kind, Kind::ReadOnly),
            Ok(reply) => ada.fail(&format!("{reply:?}")),
        }
    }
    let all = |s: &Signal| matches!(s, Signal::Notice(text) if text.contains("read-only"));
    bob.signal("the notice", all).await;
    let Reply::Rooms(rooms) = ada.does(Command::Rooms).await else { ada.fail("no list") };
    assert!(rooms.iter().all(|card| card.name.as_str() != "gone"), "the room is gone");

    // What was there is still read; bob has not been sent out; guests still come and read.
    bob.expect("lab", "safe", "ada").await;
    assert!(bob.card("lab").await.member);
    let (events, _) = bob.history("lab", HistoryQuery::Before(Place::Head, 10)).await;
    assert_eq!(events.len(), 3, "two joins and a message");
    let joined = gus.join_from("lab", Start::Last(1)).await;
    assert_eq!(joined.card.head, 3);
    gus.expect("lab", "safe", "ada").await;
    for i in 0..70 {
        // More than the guest numbers that are stored ahead.
        hub.guest(&format!("late-{i}")).await;
    }

    // In one breath with what cannot be done, what can be done is done.
    let room_lab = bob.room("lab");
    let tickets = bob
        .submit_all(vec![bob.saying("lab", "no"), Command::Ping, Command::Detach { room: room_lab }])
        .await;
    let mut kinds = Vec::new();
    for ticket in tickets {
        kinds.push(bob.reply(ticket).await.err().map(|r| r.kind));
    }
    assert_eq!(kinds, [Some(Kind::ReadOnly), None, None]);
    let refused = hub
        .hub()
        .operate(Command::AccountAdd { name: user("new"), role: hubbub_model::Role::Member, password: None })
        .await;
    assert_eq!(refused.err().map(|r| r.kind), Some(Kind::ReadOnly), "the operator hears it too");
}

#[tokio::test]
async fn a_login_in_a_failed_batch_leaves_no_ghost() {
    let hub = TestHub::new();
    // The lobby is there once this is answered.
    hub.operate(Command::Rooms).await;
    hub.faults.fail_commits();
    // The first guest's number would have to be stored.
    let refused = hub.try_enter(Login::guest("ada")).await.err().expect("the batch of the login failed");
    assert_eq!(refused.kind, Kind::ReadOnly);
    assert_eq!(hub.guest("ada").await.name(), "ada", "the name is free");
}

#[tokio::test]
async fn a_failed_batch_opens_and_closes_no_room() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.create("lab", RoomSettings::default()).await;
    ada.create("air", RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() }).await;
    bob.join("air").await;
    hub.faults.fail_commits();
    let refused = ada.submit_all(vec![
        Command::Delete { room: ada.room("lab") },
        Command::Create { name: room("next"), settings: RoomSettings::default() },
    ]);
    for ticket in refused.await {
        assert!(ada.reply(ticket).await.is_err());
    }
    let join = Command::Attach { room: bob.room("lab"), from: Start::Head };
    assert_eq!(bob.refused(join).await, Kind::ReadOnly, "bob would become a member");
    let Reply::Attendees(list, 1) = ada.does(Command::Attendees { room: ada.room("lab") }).await else {
        ada.fail("not alone")
    };
    assert_eq!(list[0].name.as_str(), "ada", "still open for ada, not open for bob");
    // What needs no store still works.
    ada.say("air", "anyone?").await;
    bob.expect("air", "anyone?", "ada").await;
}

#[tokio::test]
async fn the_same_mark_is_done_once() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    let first = ada.say_once("lobby", "pay 5", "t1").await;
    assert!(!first.repeated);
    // Again after a reconnect, and by another with the same mark.
    let mut phone = hub.account("ada").await;
    let again = phone.say_once("lobby", "pay 5", "t1").await;
    assert!(again.repeated);
    assert_eq!((again.seq, again.id, again.ts_ms), (first.seq, first.id, first.ts_ms));
    let other = bob.say_once("lobby", "pay 6", "t1").await;
    assert!(!other.repeated && other.seq == first.seq + 1, "a repeat leaves no gap");
    bob.expect("lobby", "pay 5", "ada").await;
    bob.expect("lobby", "pay 6", "bob").await;
    // Twice in one batch.
    let twice = |person: &hubbub_testkit::Person| Command::Say {
        room: person.room("lobby"),
        text: hubbub_testkit::text("once"),
        reply_to: None,
        txn: hubbub_model::Txn::parse("t2"),
    };
    let commands = vec![twice(&ada), twice(&ada)];
    let mut places = Vec::new();
    for ticket in ada.submit_all(commands).await {
        match ada.reply(ticket).await {
            Ok(Reply::Committed { seq, repeated, .. }) => places.push((seq, repeated)),
            other => ada.fail(&format!("{other:?}")),
        }
    }
    assert_eq!(places, [(other.seq + 1, false), (other.seq + 1, true)]);
}

#[tokio::test]
async fn a_mark_is_done_once_where_nothing_is_stored_too() {
    let limits = hubbub_model::Limits { ephemeral_txns_max: 2, ephemeral_txn_s: 60, ..Default::default() };
    let hub = TestHub::with_limits(limits);
    let mut ada = hub.account("ada").await;
    ada.create("air", RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() }).await;
    let first = ada.say_once("air", "open the gate", "t1").await;
    let mut phone = hub.account("ada").await;
    let again = phone.say_once("air", "open the gate", "t1").await;
    assert!(!first.repeated && again.repeated);
    assert_eq!((again.seq, again.id, again.ts_ms), (first.seq, first.id, first.ts_ms));
    // It is known for so long, and so many of them are.
    hub.clock.jump(60_000);
    assert!(!ada.say_once("air", "open the gate", "t1").await.repeated);
    ada.say_once("air", "a", "t2").await;
    ada.say_once("air", "b", "t3").await;
    assert!(ada.say_once("air", "b", "t3").await.repeated);
    assert!(!ada.say_once("air", "open the gate", "t1").await.repeated, "two newer ones are known");
}

#[tokio::test]
async fn a_mark_that_was_used_in_another_room_is_refused() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    ada.create("lab", RoomSettings::default()).await;
    ada.create("air", RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() }).await;
    ada.create("sky", RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() }).await;
    let once = |ada: &hubbub_testkit::Person, room: &str, txn: &str| Command::Say {
        room: ada.room(room),
        text: hubbub_testkit::text("pay 5"),
        reply_to: None,
        txn: hubbub_model::Txn::parse(txn),
    };
    ada.say_once("lobby", "pay 5", "t1").await;
    let head = ada.card("lab").await.head;
    let elsewhere = once(&ada, "lab", "t1");
    assert_eq!(ada.refused(elsewhere).await, Kind::Taken);
    assert_eq!(ada.card("lab").await.head, head, "nothing was said");
    ada.say_once("air", "pay 5", "t2").await;
    for room in ["sky", "lab"] {
        let elsewhere = once(&ada, room, "t2");
        assert_eq!(ada.refused(elsewhere).await, Kind::Taken, "in {room}");
    }
    // In one batch with the first.
    let commands = vec![once(&ada, "lobby", "t3"), once(&ada, "lab", "t3"), once(&ada, "lobby", "t3")];
    let mut kinds = Vec::new();
    for ticket in ada.submit_all(commands).await {
        kinds.push(ada.reply(ticket).await.map_err(|refusal| refusal.kind).map(drop));
    }
    assert_eq!(kinds, [Ok(()), Err(Kind::Taken), Ok(())]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_ends_the_reader_and_not_the_hub() {
    let hub = TestHub::with_limits(hubbub_model::Limits { ring_events_max: 1, ..Default::default() });
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    for i in 0..5 {
        ada.say("lobby", &format!("m{i}")).await;
        // She keeps up, so that she needs no read herself.
        ada.expect("lobby", &format!("m{i}"), "ada").await;
    }
    hub.faults.fail_reads();
    bob.join_from("lobby", Start::Last(3)).await;
    assert_eq!(bob.closed().await, hubbub_hub::CloseReason::Trouble);
    let history = Command::History { room: ada.room("lobby"), query: HistoryQuery::Before(Place::Head, 3) };
    assert_eq!(ada.refused(history).await, Kind::Internal);
    ada.does(Command::Ping).await;
}

#[tokio::test]
async fn stopping_tells_everybody_and_commits_what_waits() {
    let store = hubbub_store::MemoryStore::new();
    let hub = TestHub::on(store.clone());
    let mut ada = hub.guest("ada").await;
    ada.join("lobby").await;
    let command = ada.saying("lobby", "last words");
    ada.submit(command).await;
    hub.stop();
    let mut heard = false;
    loop {
        match ada.next().await {
            Seen::Reply(_, Ok(Reply::Committed { .. })) => heard = true,
            Seen::Closed(reason) => {
                assert_eq!(reason, hubbub_hub::CloseReason::Stopping);
                break;
            }
            _ => {}
        }
    }
    assert!(heard, "what was handed in before the stop is done");
    let hub = TestHub::on(store);
    let mut bob = hub.guest("bob").await;
    bob.join_from("lobby", Start::Last(1)).await;
    bob.expect("lobby", "last words", "ada").await;
}
