//! Rules of rooms: who may see, enter, speak, moderate; and what reaches those who may no longer read.

use hubbub_hub::{EndReason, Signal};
use hubbub_model::{
    Command, EventKind, Kind, MemberChange, Reply, Role, RoomSettings, Standing, Start, Visibility,
};
use hubbub_testkit::{Person, Seen, TestHub, room, text, user};

fn rules(visibility: Visibility) -> RoomSettings {
    RoomSettings { visibility: Some(visibility), ..Default::default() }
}

fn enter(person: &Person, name: &str) -> Command {
    Command::Attach { room: person.room(name), from: Start::Head }
}

fn kick(person: &Person, name: &str, who: &str) -> Command {
    Command::Kick { room: person.room(name), who: user(who), reason: text("enough") }
}

fn stand(person: &Person, name: &str, who: &str, standing: Standing) -> Command {
    Command::Stand { room: person.room(name), who: user(who), standing }
}

#[tokio::test]
async fn a_private_room_is_for_the_invited_and_a_hidden_one_is_not_even_known() {
    let hub = TestHub::new();
    let (mut op, mut bob, mut eve, mut gus) =
        (hub.account("op").await, hub.account("bob").await, hub.account("eve").await, hub.guest("gus").await);
    op.create("den", rules(Visibility::Private)).await;
    op.create("cave", rules(Visibility::Hidden)).await;
    for person in [&mut bob, &mut eve, &mut gus] {
        let (den, cave) = (enter(person, "den"), enter(person, "cave"));
        assert_eq!(person.refused(den).await, Kind::NotAllowed);
        assert_eq!(person.refused(cave).await, Kind::NotFound);
        let Reply::Rooms(rooms) = person.does(Command::Rooms).await else { person.fail("no list") };
        let names: Vec<&str> = rooms.iter().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["den", "lobby"]);
    }
    for name in ["den", "cave"] {
        op.does(Command::Invite { room: op.room(name), who: user("bob") }).await;
        bob.signal(
            "the invitation",
            |s| matches!(s, Signal::Invited { name: room, .. } if room.as_str() == name),
        )
        .await;
        let say = bob.saying(name, "let me in");
        assert_eq!(bob.refused(say).await, Kind::NotInRoom, "invited is not in");
        bob.join(name).await;
        bob.say(name, "thanks").await;
        op.expect(name, "thanks", "bob").await;
    }
    let by_bob = Command::Invite { room: bob.room("den"), who: user("eve") };
    assert_eq!(bob.refused(by_bob).await, Kind::NotAllowed);
    let again = Command::Invite { room: op.room("den"), who: user("bob") };
    assert_eq!(op.refused(again).await, Kind::Taken);
    let taken = Command::Create { name: room("CAVE"), settings: RoomSettings::default() };
    assert_eq!(eve.refused(taken).await, Kind::Taken);
    let by_guest = Command::Create { name: room("shed"), settings: RoomSettings::default() };
    assert_eq!(gus.refused(by_guest).await, Kind::NotAllowed);
}

#[tokio::test]
async fn a_moderated_room_hears_voices_and_a_read_only_one_its_operators() {
    let hub = TestHub::new();
    let (mut op, mut bob) = (hub.account("op").await, hub.account("bob").await);
    op.create("hall", RoomSettings { moderated: Some(true), ..Default::default() }).await;
    bob.join("hall").await;
    let say = |person: &Person| person.saying("hall", "hear me");
    let command = say(&bob);
    assert_eq!(bob.refused(command).await, Kind::NotAllowed);
    let itself = stand(&bob, "hall", "bob", Standing::Voice);
    assert_eq!(bob.refused(itself).await, Kind::NotAllowed);
    op.does(stand(&op, "hall", "bob", Standing::Voice)).await;
    bob.say("hall", "hear me").await;
    op.does(Command::Set {
        room: op.room("hall"),
        settings: RoomSettings { read_only: Some(true), ..Default::default() },
    })
    .await;
    let command = say(&bob);
    assert_eq!(bob.refused(command).await, Kind::NotAllowed, "a voice is not an operator");
    op.say("hall", "silence").await;
    op.does(stand(&op, "hall", "bob", Standing::Operator)).await;
    bob.say("hall", "me too").await;
    op.does(stand(&op, "hall", "bob", Standing::Member)).await;
    let set = Command::Set {
        room: bob.room("hall"),
        settings: RoomSettings { read_only: Some(false), ..Default::default() },
    };
    assert_eq!(bob.refused(set).await, Kind::NotAllowed);
    let unknown = stand(&op, "hall", "nobody", Standing::Voice);
    assert_eq!(op.refused(unknown).await, Kind::NotFound);
}

#[tokio::test]
async fn settings_and_topics_are_told_and_some_never_change() {
    let hub = TestHub::new();
    let (mut op, mut bob, mut gus) =
        (hub.account("op").await, hub.account("bob").await, hub.guest("gus").await);
    op.create("lab", RoomSettings::default()).await;
    bob.join("lab").await;
    gus.join("lab").await;
    let topic = |words: &str| RoomSettings { topic: Some(text(words)), ..Default::default() };
    bob.does(Command::Set { room: bob.room("lab"), settings: topic("tea") }).await;
    let by_guest = Command::Set { room: gus.room("lab"), settings: topic("no") };
    assert_eq!(gus.refused(by_guest).await, Kind::NotAllowed);
    op.does(Command::Set { room: op.room("lab"), settings: rules(Visibility::Private) }).await;
    assert!(matches!(&gus.next_event().await.kind, EventKind::Topic(words) if words.as_str() == "tea"));
    let told = gus.next_event().await;
    assert!(
        matches!(&told.kind, EventKind::Member(change) if matches!(&**change, MemberChange::Settings { what } if what.contains("private")))
    );
    assert_eq!(op.card("lab").await.topic.as_str(), "tea");
    let durability =
        RoomSettings { durability: Some(hubbub_model::Durability::Ephemeral), ..Default::default() };
    let set = Command::Set { room: op.room("lab"), settings: durability };
    assert_eq!(op.refused(set).await, Kind::Invalid);
    let long = Command::Set { room: op.room("lab"), settings: topic(&"长".repeat(200)) };
    assert_eq!(op.refused(long).await, Kind::TooLarge);
}

#[tokio::test]
async fn who_is_sent_out_sees_up_to_that_and_nothing_later() {
    let hub = TestHub::new();
    let (mut op, mut bob, mut eve) =
        (hub.account("op").await, hub.account("bob").await, hub.guest("eve").await);
    op.create("lab", RoomSettings::default()).await;
    bob.join("lab").await;
    eve.join("lab").await;
    // Bob takes nothing while this happens: all of it is queued for him.
    for i in 0..20 {
        op.say("lab", &format!("before {i}")).await;
    }
    let tickets = op
        .submit_all(vec![
            op.saying("lab", "just before"),
            kick(&op, "lab", "bob"),
            op.saying("lab", "just after"),
        ])
        .await;
    for ticket in tickets {
        assert!(op.reply(ticket).await.is_ok());
    }
    op.say("lab", "long after").await;
    for i in 0..20 {
        bob.expect("lab", &format!("before {i}"), "op").await;
    }
    bob.expect("lab", "just before", "op").await;
    let last = bob.next_event().await;
    assert!(
        matches!(&last.kind, EventKind::Member(change) if matches!(&**change, MemberChange::Kicked { name, .. } if name.as_str() == "bob"))
    );
    assert!(matches!(bob.next_in_log().await, Seen::Ended(_, EndReason::Kicked)), "I6");
    let say = bob.saying("lab", "hey");
    assert_eq!(bob.refused(say).await, Kind::NotInRoom);
    assert!(!bob.card("lab").await.member);
    // It is a kick, not a ban.
    bob.join("lab").await;
    bob.say("lab", "back").await;
}

#[tokio::test]
async fn an_end_holds_within_one_batch_too() {
    let hub = TestHub::new();
    let mut op = hub.account("op").await;
    op.create("lab", RoomSettings::default()).await;
    op.create("den", RoomSettings::default()).await;
    let (mut bob, mut gus) = (hub.account("bob").await, hub.guest("gus").await);
    hub.faults.hold_commits();
    // While this commit is held, all that follows gathers for one batch.
    let first = op.saying("lab", "held");
    op.submit(first).await;
    hub.faults.until_held().await;
    let join = enter(&bob, "lab");
    bob.submit(join).await;
    let join = enter(&gus, "lab");
    gus.submit(join).await;
    let commands = vec![
        op.saying("lab", "welcome"),
        kick(&op, "lab", "bob"),
        kick(&op, "lab", "gus"),
        op.saying("lab", "now we are alone"),
    ];
    let kicks = op.submit_all(commands).await;
    let late = Command::Say {
        room: hubbub_model::RoomRef::Name(room("lab")),
        text: text("I am still here"),
        reply_to: None,
        txn: None,
    };
    let late_ticket = gus.submit(late).await;
    let commands = vec![
        enter(&op, "den"),
        op.saying("den", "the end is near"),
        Command::Delete { room: op.room("den") },
    ];
    let deletion = op.submit_all(commands).await;
    hub.faults.release();
    let mut kinds = Vec::new();
    for ticket in kicks.into_iter().chain(deletion) {
        kinds.push(op.reply(ticket).await.err().map(|refusal| refusal.kind));
    }
    // Every ticket is answered, also that of opening a room that is deleted in the same breath.
    assert_eq!(kinds, [None, None, None, None, Some(Kind::NotFound), None, None]);
    assert_eq!(
        gus.reply(late_ticket).await.err().map(|r| r.kind),
        Some(Kind::NotInRoom),
        "rules know the order within a batch"
    );
    for person in [&mut bob, &mut gus] {
        person.expect("lab", "welcome", "op").await;
        loop {
            match person.next_in_log().await {
                Seen::Event(_, event) => assert!(matches!(event.kind, EventKind::Member(_)), "I6: {event:?}"),
                Seen::Ended(_, EndReason::Kicked) => break,
                other => person.fail(&format!("{other:?}")),
            }
        }
    }
    // What was said before a room was deleted is still heard, and then its end.
    loop {
        if let (_, event) = op.next_message().await
            && matches!(&event.kind, EventKind::Message { text, .. } if text.as_str() == "the end is near")
        {
            break;
        }
    }
    assert_eq!(op.ended("den").await, EndReason::Deleted);
}

#[tokio::test]
async fn a_ban_holds_until_it_ends_or_is_lifted() {
    let hub = TestHub::new();
    let (mut op, mut bob, mut gus) =
        (hub.account("op").await, hub.account("bob").await, hub.guest("gus").await);
    op.create("lab", RoomSettings::default()).await;
    bob.join("lab").await;
    gus.join("lab").await;
    let ban = |who: &str, for_s| Command::Ban {
        room: hubbub_model::RoomRef::Name(room("lab")),
        who: user(who),
        reason: text("spam"),
        for_s,
    };
    op.does(ban("bob", Some(60))).await;
    assert_eq!(bob.ended("lab").await, EndReason::Banned);
    let join = enter(&bob, "lab");
    assert_eq!(bob.refused(join.clone()).await, Kind::Banned);
    hub.clock.jump(59_000);
    assert_eq!(bob.refused(join.clone()).await, Kind::Banned);
    hub.clock.jump(1_000);
    bob.join("lab").await;

    op.does(ban("gus", None)).await;
    assert_eq!(gus.ended("lab").await, EndReason::Banned);
    hub.clock.jump(1_000_000_000);
    let join = enter(&gus, "lab");
    assert_eq!(gus.refused(join).await, Kind::Banned, "for ever");
    let unban = |who: &str| Command::Unban { room: hubbub_model::RoomRef::Name(room("lab")), who: user(who) };
    assert_eq!(bob.refused(unban("gus")).await, Kind::NotAllowed);
    op.does(unban("GUS")).await;
    gus.join("lab").await;
    assert_eq!(op.refused(unban("gus")).await, Kind::NotFound);
    // Somebody who has not come yet is kept out by name.
    op.does(ban("mallory", None)).await;
    let mut mallory = hub.guest("mallory").await;
    let join = enter(&mallory, "lab");
    assert_eq!(mallory.refused(join).await, Kind::Banned);
}

#[tokio::test]
async fn nobody_sends_out_those_above_or_themselves() {
    let hub = TestHub::new();
    let (mut op, mut admin, mut owner) = (
        hub.account("op").await,
        hub.account_as("admin", Role::Admin).await,
        hub.account_as("owner", Role::Owner).await,
    );
    op.create("lab", RoomSettings::default()).await;
    admin.join("lab").await;
    owner.join("lab").await;
    for (who, kind) in [
        ("op", Kind::Invalid),
        ("admin", Kind::NotAllowed),
        ("owner", Kind::NotAllowed),
        ("nobody", Kind::NotFound),
    ] {
        let command = kick(&op, "lab", who);
        assert_eq!(op.refused(command).await, kind, "{who}");
    }
    let command = kick(&admin, "lab", "owner");
    assert_eq!(admin.refused(command).await, Kind::NotAllowed);
    admin.does(kick(&admin, "lab", "op")).await;
    assert_eq!(op.ended("lab").await, EndReason::Kicked, "an admin stands above a room's operator");
}

#[tokio::test]
async fn a_deleted_room_is_over_for_all_and_its_name_is_free() {
    let hub = TestHub::new();
    let (mut op, mut bob) = (hub.account("op").await, hub.account("bob").await);
    let old = op.create("lab", RoomSettings::default()).await.card.id;
    bob.join("lab").await;
    let by_bob = Command::Delete { room: bob.room("lab") };
    assert_eq!(bob.refused(by_bob).await, Kind::NotAllowed);
    op.does(Command::Delete { room: op.room("lab") }).await;
    assert_eq!(bob.ended("lab").await, EndReason::Deleted);
    let gone = Command::Attach { room: hubbub_model::RoomRef::Id(old), from: Start::Head };
    assert_eq!(bob.refused(gone).await, Kind::NotFound);
    let lobby = Command::Delete { room: hubbub_model::RoomRef::Name(room("lobby")) };
    let mut admin = hub.account_as("admin", Role::Admin).await;
    assert_eq!(admin.refused(lobby).await, Kind::NotAllowed);
    bob.does(Command::Create { name: room("lab"), settings: RoomSettings::default() }).await;
    let Reply::Room(card) = bob.does(Command::Room { room: hubbub_model::RoomRef::Name(room("lab")) }).await
    else {
        bob.fail("no card")
    };
    assert!(card.id > old, "numbers are never used again");
}

#[tokio::test]
async fn leaving_ends_membership_on_all_devices_and_closing_does_not() {
    let hub = TestHub::new();
    let (mut ada, mut phone) = (hub.account("ada").await, hub.account("ada").await);
    ada.join("lobby").await;
    phone.join("lobby").await;
    ada.does(Command::Detach { room: ada.room("lobby") }).await;
    assert_eq!(ada.ended("lobby").await, EndReason::Left);
    assert!(ada.card("lobby").await.member);
    ada.say("lobby", "members may speak without having the room open").await;
    ada.does(Command::Leave { room: ada.room("lobby") }).await;
    assert_eq!(phone.ended("lobby").await, EndReason::Left);
    assert!(!ada.card("lobby").await.member);
    let again = Command::Leave { room: ada.room("lobby") };
    assert_eq!(ada.refused(again).await, Kind::NotInRoom);
}

/// I6 as a race: the reader runs on another thread than the hub while it is sent out of a busy room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_at_full_speed_never_sees_what_follows_its_kick() {
    let hub = TestHub::with_limits(hubbub_model::Limits { commit_pace_us: 0, ..Default::default() });
    let mut op = hub.account("op").await;
    op.create(
        "air",
        RoomSettings { durability: Some(hubbub_model::Durability::Ephemeral), ..Default::default() },
    )
    .await;
    op.does(Command::Detach { room: op.room("air") }).await;
    for round in 0..300 {
        let name = format!("gus-{round}");
        let mut gus = hub.guest(&name).await;
        gus.join("air").await;
        let reader = async move {
            let mut kicked = false;
            loop {
                match gus.next_in_log().await {
                    Seen::Ended(_, EndReason::Kicked) => return kicked,
                    Seen::Event(_, event) if kicked => gus.fail(&format!("I6: saw {event:?}")),
                    Seen::Event(_, event) => {
                        kicked = matches!(&event.kind, EventKind::Member(change) if matches!(&**change, MemberChange::Kicked { .. }));
                    }
                    other => gus.fail(&format!("{other:?}")),
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the task is awaited below")]
        let reader = tokio::spawn(reader);
        for i in 0..5 {
            let say = op.saying("air", &format!("{i}"));
            op.submit(say).await;
        }
        let commands = vec![
            kick(&op, "air", &name),
            op.saying("air", "behind the door"),
            op.saying("air", "of the room"),
        ];
        let last = op.submit_all(commands).await;
        for ticket in last {
            assert!(op.reply(ticket).await.is_ok());
        }
        assert!(reader.await.expect("the reader ended well"));
    }
}
