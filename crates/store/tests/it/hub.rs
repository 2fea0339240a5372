//! The rules that hub and store keep together, for both stores: what a retention drops, what a redaction blanks.

use hubbub_model::{
    Command, Durability, Event, EventKind, HistoryQuery, Limits, Place, Retention, RoomSettings, Start,
};
use hubbub_store::{MemoryStore, SqliteStore};
use hubbub_testkit::{Person, Seen, TestClock, TestHub, text};
use tempfile::TempDir;

/// A hub on each store, with rings of the usual size and with tiny ones.
fn hubs() -> Vec<(TestHub, Option<TempDir>)> {
    let tiny = || Limits { ring_events_max: 4, ..Limits::default() };
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let on = |dir: &TempDir, limits| {
        TestHub::start(SqliteStore::open(dir.path()).unwrap(), limits, TestClock::default())
    };
    vec![
        (TestHub::new(), None),
        (TestHub::with_limits(tiny()), None),
        (on(&dir, Limits::default()), Some(dir)),
        (on(&other, tiny()), Some(other)),
    ]
}

fn keeping(events: Option<u64>, age_s: Option<u64>) -> RoomSettings {
    RoomSettings { retention: Some(Retention { events, age_s }), ..Default::default() }
}

/// The log as somebody sees it who reads all that there is.
async fn log(person: &mut Person) -> Vec<Event> {
    person.history("lab", HistoryQuery::After(Place::Seq(0), 1000)).await.0
}

/// Time passes; the next command finds it so.
async fn pass(hub: &TestHub, person: &mut Person, seconds: i64) {
    hub.clock.jump(seconds * 1000);
    person.card("lab").await;
}

async fn bounds(person: &mut Person) -> (u64, u64, usize) {
    let card = person.card("lab").await;
    (card.first_seq, card.head, log(person).await.len())
}

#[tokio::test]
async fn a_log_keeps_its_last_events_while_it_grows() {
    for (hub, _dir) in hubs() {
        let mut ada = hub.account("ada").await;
        ada.create("lab", keeping(Some(5), None)).await;
        let mut slow = hub.guest("slow").await;
        slow.join("lab").await;
        for n in 0..40 {
            ada.say("lab", &format!("m{n}")).await;
        }
        assert_eq!(ada.card("lab").await.first_seq, 1, "ten seconds may pass before");
        pass(&hub, &mut ada, 10).await;
        assert_eq!(bounds(&mut ada).await, (37, 41, 5));
        // A reader that is behind is told of what will not come.
        assert!(matches!(slow.next_in_log().await, Seen::Gap(_, _, 36) | Seen::Event(..)));
        let commits = hub.faults.commits();
        pass(&hub, &mut ada, 10_000).await;
        assert_eq!(hub.faults.commits(), commits, "nothing is due where nothing was said");
        ada.say("lab", "one more").await;
        pass(&hub, &mut ada, 10).await;
        assert_eq!(bounds(&mut ada).await, (38, 42, 5));
    }
}

#[tokio::test]
async fn a_log_drops_what_is_too_old() {
    for (hub, _dir) in hubs() {
        let mut ada = hub.account("ada").await;
        ada.create("lab", keeping(None, Some(60))).await;
        // One each five seconds: event n + 2 at 5 n seconds; event 1 is the joining.
        for n in 0..10 {
            ada.say("lab", &format!("m{n}")).await;
            hub.clock.jump(5_000);
        }
        assert_eq!(bounds(&mut ada).await, (1, 11, 11), "50 s: all are young");
        pass(&hub, &mut ada, 10).await;
        assert_eq!(bounds(&mut ada).await.0, 1, "60 s: the oldest is just not too old");
        pass(&hub, &mut ada, 14).await;
        // Before 14 s: the joining and the words at 0, 5 and 10 s.
        assert_eq!(bounds(&mut ada).await, (5, 11, 7), "74 s");
        let mut late = hub.guest("late").await;
        let joined = late.join_from("lab", Start::Last(100)).await;
        assert_eq!(joined.next, 5);
        pass(&hub, &mut ada, 1_000).await;
        assert_eq!(bounds(&mut ada).await, (12, 11, 0), "nothing is young");
        assert_eq!(ada.say("lab", "again").await.seq, 12);
        pass(&hub, &mut ada, 50).await;
        assert_eq!(bounds(&mut ada).await, (12, 12, 1));
        pass(&hub, &mut ada, 11).await;
        assert_eq!(bounds(&mut ada).await, (13, 12, 0));
    }
}

#[tokio::test]
async fn an_ephemeral_log_drops_from_its_ring() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    let settings = RoomSettings { durability: Some(Durability::Ephemeral), ..keeping(Some(5), Some(60)) };
    ada.create("lab", settings).await;
    for n in 0..20 {
        ada.say("lab", &format!("m{n}")).await;
    }
    pass(&hub, &mut ada, 10).await;
    assert_eq!(bounds(&mut ada).await, (17, 21, 5));
    pass(&hub, &mut ada, 51).await;
    assert_eq!(bounds(&mut ada).await, (22, 21, 0));
    assert_eq!(ada.say("lab", "again").await.seq, 22);
    assert_eq!(bounds(&mut ada).await, (22, 22, 1));
}

#[tokio::test]
async fn retention_goes_on_after_a_restart() {
    let (store, clock) = (MemoryStore::new(), TestClock::default());
    let hub = TestHub::start(store.clone(), Limits::default(), clock.clone());
    let mut ada = hub.account("ada").await;
    ada.create("lab", keeping(None, Some(60))).await;
    ada.say("lab", "old").await;
    drop(ada);
    hub.stop();
    let hub = TestHub::start(store, Limits::default(), clock);
    let mut eve = hub.guest("eve").await;
    pass(&hub, &mut eve, 100).await;
    assert_eq!(eve.card("lab").await.first_seq, 3);
}

#[tokio::test]
async fn an_idle_hub_wakes_for_what_is_too_old() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.create("lab", keeping(None, Some(60))).await;
    let commits = hub.faults.commits();
    ada.say("lab", "old").await;
    hub.clock.jump(2_000);
    // The words, and that ada has read them.
    hub.faults.until_commits(commits + 2).await;
    hub.clock.jump(100_000);
    hub.faults.until_commits(commits + 3).await;
    assert_eq!(ada.card("lab").await.first_seq, 3, "nobody has asked for anything before");
}

#[tokio::test]
async fn a_redaction_leaves_nothing_of_the_text_in_ring_and_store() {
    for ephemeral in [false, true] {
        for (hub, _dir) in hubs().into_iter().step_by(if ephemeral { 4 } else { 1 }) {
            let mut ada = hub.account("ada").await;
            let durability = Some(if ephemeral { Durability::Ephemeral } else { Durability::Strict });
            ada.create("lab", RoomSettings { durability, ..Default::default() }).await;
            let (said, other) = (ada.say("lab", "secret").await, ada.say("lab", "plain").await);
            let room = ada.room("lab");
            let edit =
                |target, words| Command::Edit { room: room.clone(), target, text: text(words), txn: None };
            ada.said(edit(said.id, "secret 2")).await;
            ada.said(edit(other.id, "plain 2")).await;
            // An edit before the redaction in one breath, and one behind it.
            let redact =
                Command::Redact { room: room.clone(), target: said.id, reason: text("why"), txn: None };
            let tickets =
                ada.submit_all(vec![edit(said.id, "secret 3"), redact, edit(said.id, "secret 4")]).await;
            let mut done = Vec::new();
            for ticket in tickets {
                done.push(ada.reply(ticket).await.is_ok());
            }
            assert_eq!(done, [true, true, false], "what is taken back is not edited");
            let events = log(&mut ada).await;
            let secrets = events.iter().filter(|event| format!("{event:?}").contains("secret")).count();
            assert_eq!(secrets, 0, "{events:?}");
            assert_eq!(events.iter().filter(|event| event.kind == EventKind::Redacted).count(), 3);
            let mut late = hub.guest("late").await;
            late.join_from("lab", Start::After { epoch: ada.card("lab").await.epoch, seq: 1 }).await;
            while let Seen::Event(_, event) = late.next_in_log().await {
                assert!(!format!("{event:?}").contains("secret"), "{event:?}");
                if matches!(event.kind, EventKind::Redaction { .. }) {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_is_tidied_once_a_minute_while_there_are_commits() {
    let hub = TestHub::new();
    let mut ada = hub.guest("ada").await;
    ada.join("lobby").await;
    hub.clock.jump(10_000);
    hub.faults.until_tidied(1).await;
    // The tick comes with the batch, so that an answer shows that it has been.
    for (seconds, times) in [(30, 1), (29, 1), (1, 2), (59, 2), (1, 3)] {
        hub.clock.jump(seconds * 1000);
        ada.say("lobby", "something").await;
        assert_eq!(hub.faults.tidied(), times, "after {seconds} s more");
    }
}
