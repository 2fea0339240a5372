//! Presence: here, away and gone, as a snapshot and as changes, for those who asked and share a room.

use hubbub_hub::Signal;
use hubbub_model::{Command, Limits, Presence, PresenceCard, Reply, RoomSettings};
use hubbub_testkit::{Person, TestHub, text, user};

const START_MS: i64 = 1_700_000_000_000;
const GRACE_MS: i64 = 5_000;

async fn snapshot(person: &mut Person) -> Vec<(String, Presence)> {
    match person.does(Command::Presence { on: true }).await {
        Reply::People(people, total) => {
            assert_eq!(people.len(), total as usize);
            people
                .into_iter()
                .map(|PresenceCard { name, presence, .. }| (name.to_string(), presence))
                .collect()
        }
        other => person.fail(&format!("a snapshot was asked for, not {other:?}")),
    }
}

async fn change(person: &mut Person) -> (String, Presence) {
    match person.signal("a change of presence", |s| matches!(s, Signal::Presence { .. })).await {
        Signal::Presence { who, presence } => (who.name.to_string(), presence),
        _ => unreachable!(),
    }
}

fn gone(at_ms: i64) -> Presence {
    Presence::Gone { last_seen_ms: Some(at_ms) }
}

/// Waits until the hub knows that the session has ended.
async fn leaves(watcher: &mut Person, person: Person) {
    drop(person);
    watcher.signal("the going", |s| matches!(s, Signal::Attend { on: false, .. })).await;
}

/// Two people with accounts in a room that one of them made.
async fn in_the_lab() -> (TestHub, Person, Person) {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.create("lab", RoomSettings::default()).await;
    let mut bob = hub.account("bob").await;
    bob.join("lab").await;
    (hub, ada, bob)
}

#[tokio::test]
async fn who_asked_hears_who_comes_is_away_and_goes() {
    let (hub, mut ada, mut bob) = in_the_lab().await;
    hub.account("stranger").await;
    assert_eq!(snapshot(&mut ada).await, [("bob".to_owned(), Presence::Here)], "nobody else shares a room");

    let lunch = Presence::Away { text: text("lunch") };
    bob.does(Command::Away { text: Some(text("lunch")) }).await;
    assert_eq!(change(&mut ada).await, ("bob".to_owned(), lunch.clone()));
    assert_eq!(snapshot(&mut ada).await, [("bob".to_owned(), lunch)]);
    leaves(&mut ada, bob).await;
    hub.clock.jump(GRACE_MS);
    ada.does(Command::Ping).await;
    assert_eq!(
        change(&mut ada).await,
        ("bob".to_owned(), gone(START_MS)),
        "last seen when the session ended"
    );
    assert_eq!(snapshot(&mut ada).await, [("bob".to_owned(), gone(START_MS))]);

    // Back by any door, before a room is open.
    let mut bob = hub.account("bob").await;
    assert_eq!(change(&mut ada).await, ("bob".to_owned(), Presence::Here));
    ada.does(Command::Presence { on: false }).await;
    bob.does(Command::Away { text: Some(text("tea")) }).await;
    bob.does(Command::Away { text: None }).await;
    assert_eq!(snapshot(&mut ada).await, [("bob".to_owned(), Presence::Here)]);
    bob.does(Command::Away { text: Some(text("again")) }).await;
    assert_eq!(
        change(&mut ada).await.1,
        Presence::Away { text: text("again") },
        "of the rest nothing was told"
    );
}

#[tokio::test]
async fn who_comes_back_soon_never_was_gone() {
    let (hub, mut ada, mut bob) = in_the_lab().await;
    snapshot(&mut ada).await;
    for _ in 0..3 {
        leaves(&mut ada, bob).await;
        hub.clock.jump(GRACE_MS - 1);
        assert_eq!(snapshot(&mut ada).await, [("bob".to_owned(), Presence::Here)], "as was told last");
        bob = hub.account("bob").await;
        bob.join("lab").await;
    }
    hub.clock.jump(10 * GRACE_MS);
    bob.does(Command::Away { text: Some(text("tea")) }).await;
    assert_eq!(
        change(&mut ada).await.1,
        Presence::Away { text: text("tea") },
        "the first change that is told"
    );
    // Away before, here after: that is a change.
    leaves(&mut ada, bob).await;
    hub.account("bob").await;
    assert_eq!(change(&mut ada).await.1, Presence::Here);
}

#[tokio::test]
async fn another_device_can_change_how_somebody_is() {
    let (hub, mut ada, mut bob) = in_the_lab().await;
    snapshot(&mut ada).await;
    let tea = Presence::Away { text: text("tea") };
    bob.does(Command::Away { text: Some(text("tea")) }).await;
    assert_eq!(change(&mut ada).await.1, tea);
    let mut phone = hub.account("bob").await;
    assert_eq!(change(&mut ada).await.1, Presence::Here);
    phone.join("lab").await;
    leaves(&mut ada, phone).await;
    assert_eq!(change(&mut ada).await.1, tea);
}

#[tokio::test]
async fn a_direct_is_a_room_that_is_shared() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.direct("bob").await;
    // He does not have it open.
    assert_eq!(snapshot(&mut bob).await, [("ada".to_owned(), Presence::Here)]);
    ada.does(Command::Away { text: Some(text("tea")) }).await;
    assert_eq!(change(&mut bob).await, ("ada".to_owned(), Presence::Away { text: text("tea") }));
}

#[tokio::test]
async fn a_guest_is_introduced_where_they_open_a_room() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    assert_eq!(snapshot(&mut ada).await, []);
    let mut gus = hub.guest("gus").await;
    gus.join("lobby").await;
    assert_eq!(change(&mut ada).await, ("gus".to_owned(), Presence::Here));
    assert_eq!(snapshot(&mut ada).await, [("gus".to_owned(), Presence::Here)]);
    let name = Some(user("gustav"));
    gus.does(Command::Register { name, password: "correct horse".into() }).await;
    assert_eq!(change(&mut ada).await, ("gus".to_owned(), Presence::Gone { last_seen_ms: None }));
    assert_eq!(change(&mut ada).await, ("gustav".to_owned(), Presence::Here));
    let mut eve = hub.guest("eve").await;
    eve.join("lobby").await;
    assert_eq!(change(&mut ada).await, ("eve".to_owned(), Presence::Here));
    leaves(&mut ada, eve).await;
    hub.clock.jump(GRACE_MS);
    ada.does(Command::Ping).await;
    assert_eq!(change(&mut ada).await, ("eve".to_owned(), Presence::Gone { last_seen_ms: None }));
}

#[tokio::test]
async fn of_a_large_room_nothing_is_told() {
    let hub = TestHub::with_limits(Limits { arrivals_shown_max: 2, ..Limits::default() });
    let (mut ada, mut bob, mut eve) =
        (hub.account("ada").await, hub.account("bob").await, hub.account("eve").await);
    for person in [&mut ada, &mut bob] {
        person.join("lobby").await;
    }
    assert_eq!(snapshot(&mut ada).await.len(), 1);
    eve.join("lobby").await;
    assert_eq!(snapshot(&mut ada).await, []);
    bob.does(Command::Away { text: Some(text("tea")) }).await;
    bob.direct("ada").await;
    bob.does(Command::Away { text: Some(text("cake")) }).await;
    assert_eq!(change(&mut ada).await.1, Presence::Away { text: text("cake") }, "told by the direct alone");
}
