//! Logs: stretches of history, coming back, small rings, what is no longer kept, what never was.

use hubbub_model::{
    Command, Durability, Event, EventKind, HistoryQuery, Limits, Place, Retention, RoomSettings, Start,
};
use hubbub_testkit::{Person, Said, Seen, TestHub};

/// A hub whose rings hold next to nothing.
fn tiny_rings() -> TestHub {
    TestHub::with_limits(Limits { ring_events_max: 4, ..Limits::default() })
}

async fn lab_with(hub: &TestHub, n: usize) -> (Person, Vec<Said>) {
    let mut ada = hub.account("ada").await;
    ada.create("lab", RoomSettings::default()).await;
    let mut said = Vec::new();
    for i in 0..n {
        hub.clock.jump(1_000);
        said.push(ada.say("lab", &format!("m{i}")).await);
    }
    (ada, said)
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|e| e.seq).collect()
}

#[tokio::test]
async fn a_stretch_of_history_is_found_by_seq_by_id_and_by_time() {
    let hub = tiny_rings();
    // The join is seq 1, the messages are 2 to 21.
    let (mut ada, said) = lab_with(&hub, 20).await;
    let at = said[9];
    assert_eq!(at.seq, 11);
    for place in [Place::Seq(at.seq), Place::Id(at.id), Place::Time(at.ts_ms)] {
        let (events, more) = ada.history("lab", HistoryQuery::Before(place, 3)).await;
        assert_eq!((seqs(&events), more), (vec![8, 9, 10], true), "before {place:?}");
        let (events, more) = ada.history("lab", HistoryQuery::Before(place, 100)).await;
        assert_eq!((events.len(), more), (10, false), "before {place:?}");
        let (events, _) = ada.history("lab", HistoryQuery::Around(place, 5)).await;
        assert_eq!(seqs(&events), [9, 10, 11, 12, 13], "around {place:?}");
        let (events, more) = ada.history("lab", HistoryQuery::Between(place, Place::Seq(14), 10)).await;
        assert_eq!((seqs(&events), more), (vec![11, 12, 13, 14], false), "between {place:?} and 14");
        let (events, more) = ada.history("lab", HistoryQuery::Between(Place::Seq(14), place, 2)).await;
        assert_eq!((seqs(&events), more), (vec![11, 12], true), "the ends in any order");
    }
    for place in [Place::Seq(at.seq), Place::Id(at.id), Place::Time(at.ts_ms + 1)] {
        let (events, more) = ada.history("lab", HistoryQuery::After(place, 3)).await;
        assert_eq!((seqs(&events), more), (vec![12, 13, 14], true), "after {place:?}");
    }
    let (events, more) = ada.history("lab", HistoryQuery::Before(Place::Head, 2)).await;
    assert_eq!((seqs(&events), more), (vec![20, 21], true));
    assert!(ada.history("lab", HistoryQuery::After(Place::Head, 2)).await.0.is_empty());
    // An id that is not of this log lies between two of its events: none of them is passed over.
    let stranger = hubbub_model::EventId(said[4].id.0 + 1);
    assert_eq!(seqs(&ada.history("lab", HistoryQuery::After(Place::Id(stranger), 1)).await.0), [said[5].seq]);
    for place in [Place::Seq(0), Place::Seq(u64::MAX), Place::Time(i64::MIN), Place::Time(i64::MAX)] {
        ada.history("lab", HistoryQuery::Around(place, 4)).await;
    }
}

#[tokio::test]
async fn coming_back_gets_the_rest_without_gap_or_double() {
    for hub in [TestHub::new(), tiny_rings()] {
        let (mut ada, said) = lab_with(&hub, 30).await;
        let mut bob = hub.guest("bob").await;
        let joined = bob.join("lab").await;
        assert_eq!(joined.next, joined.card.head + 1);
        ada.say("lab", "hello").await;
        let last = bob.expect("lab", "hello", "ada").await.seq;
        let epoch = joined.card.epoch;
        drop(bob);
        for i in 0..20 {
            ada.say("lab", &format!("while away {i}")).await;
        }
        let mut bob = hub.guest("bob").await;
        let back = bob.join_from("lab", Start::After { epoch, seq: last }).await;
        assert_eq!((back.next, back.missing), (last + 1, 0));
        ada.say("lab", "and now").await;
        for i in 0..20 {
            assert_eq!(bob.expect("lab", &format!("while away {i}"), "ada").await.seq, last + 1 + i);
        }
        bob.expect("lab", "and now", "ada").await;

        // A place in another life of the log means nothing: all is told from the start.
        let mut eve = hub.guest("eve").await;
        let all = eve.join_from("lab", Start::After { epoch: epoch + 1, seq: last }).await;
        assert_eq!(all.next, 1);
        assert!(matches!(eve.next_event().await.kind, EventKind::Member(_)));
        eve.expect("lab", "m0", "ada").await;
        // A place that is not there yet is the head.
        let mut zoe = hub.guest("zoe").await;
        let ahead = zoe.join_from("lab", Start::After { epoch, seq: u64::MAX }).await;
        assert_eq!(ahead.next, ahead.card.head + 1);
        assert_eq!(said.len(), 30);
    }
}

#[tokio::test]
async fn the_last_few_come_first_on_demand() {
    let hub = tiny_rings();
    let (mut ada, _) = lab_with(&hub, 20).await;
    let mut bob = hub.guest("bob").await;
    bob.join_from("lab", Start::Last(10)).await;
    ada.say("lab", "live").await;
    for i in 10..20 {
        bob.expect("lab", &format!("m{i}"), "ada").await;
    }
    bob.expect("lab", "live", "ada").await;
    let mut eve = hub.guest("eve").await;
    assert_eq!(eve.join_from("lab", Start::Last(1_000_000)).await.next, 1);
}

#[tokio::test]
async fn what_left_the_ring_comes_back_from_the_store_as_it_was() {
    let hub = tiny_rings();
    let mut ada = hub.account("ada").await;
    ada.create("lab", RoomSettings::default()).await;
    let mut live = hub.guest("live").await;
    live.join("lab").await;
    let first = ada.say("lab", "one 中文").await;
    let answer = Command::Say {
        room: ada.room("lab"),
        text: hubbub_testkit::text("two"),
        reply_to: Some(first.id),
        txn: None,
    };
    ada.said(answer).await;
    ada.said(Command::React {
        room: ada.room("lab"),
        target: first.id,
        sign: hubbub_testkit::text("✓"),
        on: true,
        txn: None,
    })
    .await;
    ada.said(Command::Edit {
        room: ada.room("lab"),
        target: first.id,
        text: hubbub_testkit::text("uno"),
        txn: None,
    })
    .await;
    ada.does(Command::Set {
        room: ada.room("lab"),
        settings: RoomSettings { topic: Some(hubbub_testkit::text("tea")), ..Default::default() },
    })
    .await;
    live.does(Command::Nick { name: hubbub_testkit::user("alive") }).await;
    live.say("lab", "renamed").await;
    for i in 0..20 {
        ada.say("lab", &format!("filler {i}")).await;
    }
    let mut seen = Vec::new();
    for _ in 0..26 {
        seen.push(live.next_event().await);
    }
    let mut late = hub.guest("late").await;
    late.join_from("lab", Start::After { epoch: ada.card("lab").await.epoch, seq: first.seq - 1 }).await;
    for event in seen {
        assert_eq!(late.next_event().await, event, "sender, ordinal, time, all of it");
    }
}

#[tokio::test]
async fn a_reader_behind_a_trimmed_log_is_told_of_the_gap() {
    let hub = TestHub::new();
    let (mut ada, _) = lab_with(&hub, 20).await;
    let mut slow = hub.guest("slow").await;
    let epoch = slow.join_from("lab", Start::After { epoch: 0, seq: 0 }).await.card.epoch;
    slow.expect("lab", "m0", "ada").await;
    let keep =
        RoomSettings { retention: Some(Retention { events: Some(5), age_s: None }), ..Default::default() };
    ada.does(Command::Set { room: ada.room("lab"), settings: keep }).await;
    let first = ada.card("lab").await.first_seq;
    assert_eq!(first, 17, "the last five of 21");

    let mut late = hub.guest("late").await;
    let joined = late.join_from("lab", Start::After { epoch, seq: 2 }).await;
    assert_eq!((joined.next, joined.missing), (17, 14));
    late.expect("lab", "m15", "ada").await;

    // A cursor that the trim overtook is told which places will not come.
    let mut behind = hub.guest("behind").await;
    behind.join_from("lab", Start::After { epoch, seq: 17 }).await;
    let shorter =
        RoomSettings { retention: Some(Retention { events: Some(2), age_s: None }), ..Default::default() };
    ada.does(Command::Set { room: ada.room("lab"), settings: shorter }).await;
    let first = ada.card("lab").await.first_seq;
    let mut next = 18;
    let mut gaps = 0;
    while next <= ada.card("lab").await.head {
        match behind.next_in_log().await {
            Seen::Event(_, event) => {
                assert_eq!(event.seq, next);
                next += 1;
            }
            Seen::Gap(_, from, to) => {
                assert_eq!(from, next);
                assert!(to < first);
                next = to + 1;
                gaps += 1;
            }
            other => behind.fail(&format!("{other:?}")),
        }
    }
    assert!(gaps <= 1);
    let (events, more) = ada.history("lab", HistoryQuery::Before(Place::Head, 100)).await;
    assert_eq!((events[0].seq, more), (first, false));
}

#[tokio::test]
async fn an_ephemeral_room_keeps_only_its_ring() {
    let hub = tiny_rings();
    let mut ada = hub.account("ada").await;
    let settings = RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() };
    ada.create("air", settings).await;
    let mut bob = hub.guest("bob").await;
    bob.join("air").await;
    let commits = hub.faults.commits();
    for i in 0..10 {
        ada.say("air", &format!("m{i}")).await;
    }
    assert_eq!(hub.faults.commits(), commits, "no commit for words that nobody keeps");
    let head = ada.card("air").await.head;
    let (events, more) = ada.history("air", HistoryQuery::Before(Place::Head, 100)).await;
    assert_eq!((seqs(&events), more), ((head - 3..=head).collect(), false), "the ring alone");
    let (events, _) = ada.history("air", HistoryQuery::After(Place::Seq(0), 2)).await;
    assert_eq!(seqs(&events), [head - 3, head - 2], "from the first that is kept");
    // Bob took nothing while the ring moved on.
    assert!(matches!(bob.next_in_log().await, Seen::Gap(_, 2, to) if to == head - 4));
    bob.expect("air", "m6", "ada").await;
    let eve = hub.guest("eve").await.join_from("air", Start::Last(100)).await;
    assert_eq!(eve.next, head - 3);
}
