//! Talking: one order for all, answers, edits, redactions, signs, mentions, counts, directs, names, signals.

use hubbub_hub::{CloseReason, Signal};
use hubbub_model::{
    Command, Event, EventKind, HistoryQuery, Kind, Place, Presence, Reply, RoomKind, RoomSettings, Start,
    Target, Text,
};
use hubbub_testkit::{Login, Person, Seen, TestHub, text, user};

fn words(event: &Event) -> &str {
    match &event.kind {
        EventKind::Message { text, .. } => text,
        other => panic!("not a message: {other:?}"),
    }
}

/// The last `n` events of a room, as the store has them.
async fn stored(person: &mut Person, room: &str, n: u32) -> Vec<Event> {
    person.history(room, HistoryQuery::Before(Place::Head, n)).await.0
}

#[tokio::test]
async fn all_see_one_order_with_the_same_ids() {
    let hub = TestHub::new();
    let (mut ada, mut bob, mut eve) =
        (hub.guest("ada").await, hub.guest("bob").await, hub.guest("eve").await);
    for person in [&mut ada, &mut bob, &mut eve] {
        person.join("lobby").await;
    }
    let mut tickets = Vec::new();
    for i in 0..50 {
        let command = ada.saying("lobby", &format!("a{i}"));
        tickets.push(ada.submit(command).await);
        let command = bob.saying("lobby", &format!("b{i}"));
        bob.submit(command).await;
    }
    let mut orders = Vec::new();
    for person in [&mut ada, &mut bob, &mut eve] {
        let mut order = Vec::new();
        for _ in 0..100 {
            let (_, event) = person.next_message().await;
            order.push((event.seq, event.id, words(&event).to_owned()));
        }
        orders.push(order);
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0], orders[2]);
    assert!(orders[0].windows(2).all(|w| w[0].0 + 1 == w[1].0 && w[0].1 < w[1].1), "no gap, and ids grow");
    for (i, ticket) in tickets.into_iter().enumerate() {
        let Ok(Reply::Committed { seq, id, .. }) = ada.reply(ticket).await else { ada.fail("not committed") };
        assert!(orders[0].contains(&(seq, id, format!("a{i}"))), "what is acknowledged is what is seen");
    }
}

#[tokio::test]
async fn a_message_can_answer_another() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    let asked = ada.say("lobby", "who?").await;
    let answer =
        Command::Say { room: bob.room("lobby"), text: text("me"), reply_to: Some(asked.id), txn: None };
    bob.said(answer).await;
    ada.expect("lobby", "who?", "ada").await;
    let event = ada.expect("lobby", "me", "bob").await;
    assert!(matches!(event.kind, EventKind::Message { reply_to: Some(id), .. } if id == asked.id));
}

#[tokio::test]
async fn one_edits_ones_own_messages_only() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    let said = ada.say("lobby", "teh").await;
    let edit = |person: &Person| Command::Edit {
        room: person.room("lobby"),
        target: said.id,
        text: text("the"),
        txn: None,
    };
    let by_bob = edit(&bob);
    assert_eq!(bob.refused(by_bob).await, Kind::NotAllowed);
    // Another session of the same account is the same person.
    let mut phone = hub.account("ada").await;
    phone.join("lobby").await;
    let by_phone = edit(&phone);
    let edited = phone.said(by_phone).await;
    assert!(edited.seq > said.seq);
    bob.expect("lobby", "teh", "ada").await;
    let event = bob.next_event().await;
    assert!(
        matches!(&event.kind, EventKind::Edit { target, text } if *target == said.id && text.as_str() == "the")
    );
    let of_edit = Command::Edit { room: ada.room("lobby"), target: edited.id, text: text("x"), txn: None };
    assert_eq!(ada.refused(of_edit).await, Kind::Invalid, "an edit is not a message");
}

#[tokio::test]
async fn what_is_taken_back_is_blank_for_those_who_come_later() {
    let hub = TestHub::new();
    let mut op = hub.account("op").await;
    op.create("lab", RoomSettings::default()).await;
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lab").await;
    bob.join("lab").await;
    let first = ada.say("lab", "a secret").await;
    let second = ada.say("lab", "another").await;
    // Those who are there see it before it is taken back.
    bob.expect("lab", "a secret", "ada").await;
    bob.expect("lab", "another", "ada").await;
    let redact = |person: &Person, target| Command::Redact {
        room: person.room("lab"),
        target,
        reason: text("oops"),
        txn: None,
    };
    let by_bob = redact(&bob, first.id);
    assert_eq!(bob.refused(by_bob).await, Kind::NotAllowed);
    let by_ada = redact(&ada, first.id);
    let taken = ada.said(by_ada).await;
    let by_op = redact(&op, second.id);
    op.said(by_op).await;
    let again = redact(&ada, first.id);
    assert_eq!(ada.refused(again).await, Kind::Invalid, "it is gone already");

    // And are told.
    let event = bob.next_event().await;
    assert!(
        matches!(&event.kind, EventKind::Redaction { target, reason } if *target == first.id && reason.as_str() == "oops")
    );

    // New readers get tombstones: from the ring, and from the store.
    let mut eve = hub.guest("eve").await;
    eve.join_from("lab", Start::After { epoch: 0, seq: 0 }).await;
    let from_store = stored(&mut op, "lab", 100).await;
    for said in [first, second] {
        let from_ring = loop {
            let event = eve.next_event().await;
            if event.seq == said.seq {
                break event;
            }
        };
        assert_eq!(from_ring.kind, EventKind::Redacted);
        assert_eq!(from_ring.id, said.id);
        assert!(from_store.contains(&from_ring), "ring and store say the same");
    }
    assert_eq!(from_store.iter().filter(|e| matches!(e.kind, EventKind::Redaction { .. })).count(), 2);
    assert!(from_store.iter().any(|e| e.seq == taken.seq));
}

#[tokio::test]
async fn signs_are_put_on_events_and_taken_off() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    let said = ada.say("lobby", "done").await;
    let react = |sign: &str, on| Command::React {
        room: bob.room("lobby"),
        target: said.id,
        sign: text(sign),
        on,
        txn: None,
    };
    let (put, off, long) = (react("👍", true), react("👍", false), react(&"👍".repeat(9), true));
    bob.said(put).await;
    bob.said(off).await;
    assert_eq!(bob.refused(long).await, Kind::Invalid);
    ada.expect("lobby", "done", "ada").await;
    for expected in [true, false] {
        let event = ada.next_event().await;
        assert!(
            matches!(&event.kind, EventKind::Reaction { target, on, .. } if *target == said.id && *on == expected)
        );
    }
    let nowhere = Command::React {
        room: bob.room("lobby"),
        target: hubbub_model::EventId(7),
        sign: text("x"),
        on: true,
        txn: None,
    };
    assert_eq!(bob.refused(nowhere).await, Kind::NotFound);
}

#[tokio::test]
async fn opening_a_room_that_is_open_tells_where_its_stream_is() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    bob.join("lobby").await;
    for n in 1..=5 {
        bob.say("lobby", &format!("m{n}")).await;
    }
    let first = ada.join_from("lobby", Start::Last(2)).await;
    assert_eq!(first.next, 4);
    let again =
        Command::Attach { room: ada.room("lobby"), from: Start::After { epoch: first.card.epoch, seq: 0 } };
    let again = ada.submit(again).await;
    // The answer is there before she looks, and answers come first.
    bob.does(Command::Ping).await;
    let Ok(Reply::Attached { next, missing, .. }) = ada.reply(again).await else { ada.fail("not open") };
    assert_eq!((next, missing), (4, 0), "the stream goes on where it is");
    ada.expect("lobby", "m4", "bob").await;
    ada.expect("lobby", "m5", "bob").await;
    let after = ada.join_from("lobby", Start::Last(5)).await;
    assert_eq!((after.next, after.missing), (6, 0));
    bob.say("lobby", "m6").await;
    ada.expect("lobby", "m6", "bob").await;
}

#[tokio::test]
async fn a_hit_tells_by_which_number_its_direct_opens() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    let direct = ada.direct("bob").await.card;
    ada.say("@bob", "the key is under the mat").await;
    bob.opened().await;
    let query = hubbub_model::SearchQuery { words: "key".into(), limit: 9, ..Default::default() };
    let Reply::Found(hits) = bob.does(Command::Search(query)).await else { bob.fail("no hits") };
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].room, hits[0].name.as_str()), (direct.id, "@ada"));
}

#[tokio::test]
async fn joining_reads_what_was_said_in_the_same_breath() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.create("lab", RoomSettings::default()).await;
    bob.join("lobby").await;
    // Held back, so that all that follows is one batch.
    hub.faults.hold_commits();
    let hold = ada.saying("lab", "hold");
    ada.submit(hold).await;
    hub.faults.until_held().await;
    let before: Vec<Command> = (0..3).map(|n| ada.saying("lab", &format!("before {n}"))).collect();
    ada.submit_all(before).await;
    let lab = Command::Attach { room: bob.room("lab"), from: Start::Head };
    let joined = bob.submit(lab).await;
    let behind = ada.saying("lab", "behind");
    let behind = ada.submit(behind).await;
    hub.faults.release();
    let Ok(Reply::Attached { card, .. }) = bob.reply(joined).await else { bob.fail("not joined") };
    assert_eq!(card.unread, 0, "told at its own place in the order");
    assert!(ada.reply(behind).await.is_ok());
    assert_eq!(bob.card("lab").await.unread, 1);
}

#[tokio::test]
async fn unread_and_mentions_are_counted_exactly() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.create("lab", RoomSettings::default()).await;
    bob.join("lab").await;
    assert_eq!(
        (bob.card("lab").await.unread, bob.card("lab").await.mentions),
        (0, 0),
        "joining reads what was before"
    );

    let one = ada.say("lab", "one").await;
    ada.say("lab", "two, @Bob and @bob").await;
    let react =
        Command::React { room: ada.room("lab"), target: one.id, sign: text("+"), on: true, txn: None };
    ada.said(react).await;
    let three = ada.say("lab", "three").await;
    ada.say("lab", "@ada and @nobody and mail@bob.example").await;
    let card = bob.card("lab").await;
    assert_eq!(
        (card.unread, card.mentions),
        (4, 2),
        "a reaction does not count; two messages name bob, one of them twice"
    );
    assert_eq!(ada.card("lab").await.mentions, 0, "one does not mention oneself");

    // Another session of bob's hears the exact counts once bob has read.
    let mut phone = hub.account("bob").await;
    bob.does(Command::MarkRead { room: bob.room("lab"), seq: three.seq }).await;
    let told = phone.signal("bob's counts", |s| matches!(s, Signal::Unread { .. })).await;
    assert!(matches!(told, Signal::Unread { unread: 1, mentions: 1, .. }), "{told:?}");
    let card = bob.card("lab").await;
    assert_eq!((card.unread, card.mentions), (1, 1));

    // A mark does not go back, also within the second in which marks are gathered.
    let head = bob.card("lab").await.head;
    bob.does(Command::MarkRead { room: bob.room("lab"), seq: head }).await;
    bob.does(Command::MarkRead { room: bob.room("lab"), seq: 1 }).await;
    let told = phone.signal("bob's counts", |s| matches!(s, Signal::Unread { .. })).await;
    assert!(matches!(told, Signal::Unread { unread: 0, mentions: 0, .. }), "{told:?}");
}

#[tokio::test]
async fn who_speaks_has_nothing_unread() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    ada.say("lobby", "hi").await;
    bob.say("lobby", "hi yourself").await;
    let told = bob.signal("bob's counts", |s| matches!(s, Signal::Unread { .. })).await;
    assert!(matches!(told, Signal::Unread { unread: 0, .. }), "one's own words are read: {told:?}");
    assert_eq!(bob.card("lobby").await.unread, 0);
}

#[tokio::test]
async fn a_direct_between_accounts_is_stored_and_opens_itself() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    let direct = ada.direct("bob").await;
    assert_eq!((direct.card.name.as_str(), direct.card.kind), ("@bob", RoomKind::Direct));
    ada.say("@bob", "psst").await;
    assert_eq!(bob.opened().await.name.as_str(), "@ada");
    bob.expect("@ada", "psst", "ada").await;
    bob.say("@ada", "what?").await;
    ada.expect("@bob", "psst", "ada").await;
    ada.expect("@bob", "what?", "bob").await;
    assert_eq!(stored(&mut bob, "@ada", 9).await.len(), 2);

    // Said to somebody who is away, it waits: unread, and counted as a mention.
    drop(bob);
    ada.say("@bob", "still there?").await;
    let mut bob = hub.account("bob").await;
    let Reply::Rooms(rooms) = bob.does(Command::Rooms).await else { bob.fail("no list") };
    let card = rooms.iter().find(|card| card.kind == RoomKind::Direct).expect("the direct is in bob's list");
    assert_eq!((card.name.as_str(), card.mentions > 0), ("@ada", true));
    // And nobody else finds it.
    let mut eve = hub.account("eve").await;
    let room = hubbub_model::RoomRef::Id(direct.card.id);
    assert_eq!(eve.refused(Command::Attach { room: room.clone(), from: Start::Head }).await, Kind::NotFound);
    assert_eq!(eve.refused(Command::Room { room }).await, Kind::NotFound);
    assert_eq!(
        ada.refused(Command::Direct { with: Target::Name(user("ada")), from: Start::Head }).await,
        Kind::Invalid
    );
}

#[tokio::test]
async fn who_left_a_direct_belongs_to_it_again_when_it_opens() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.direct("bob").await;
    ada.say("@bob", "psst").await;
    bob.opened().await;
    bob.does(Command::Leave { room: bob.room("@ada") }).await;
    assert!(!bob.direct("ada").await.card.name.as_str().is_empty());
    assert!(bob.card("@ada").await.member);
    bob.say("@ada", "back").await;
}

#[tokio::test]
async fn a_direct_with_a_guest_lives_as_long_as_the_guest() {
    let hub = TestHub::new();
    let (mut ada, mut guest) = (hub.account("ada").await, hub.guest("gus").await);
    let direct = ada.direct("gus").await;
    assert_eq!(direct.card.durability, hubbub_model::Durability::Ephemeral);
    let commits = hub.faults.commits();
    ada.say("@gus", "hi").await;
    assert_eq!(guest.opened().await.name.as_str(), "@ada");
    guest.expect("@ada", "hi", "ada").await;
    // What a guest says in its last breath is still heard.
    let last = guest.saying("@ada", "bye");
    guest.submit(last).await;
    assert_eq!(hub.faults.commits(), commits, "nothing of it is stored");
    drop(guest);
    ada.expect("@gus", "hi", "ada").await;
    ada.expect("@gus", "bye", "gus").await;
    assert_eq!(ada.ended("@gus").await, hubbub_hub::EndReason::Deleted);
}

#[tokio::test]
async fn a_guest_takes_another_name_and_the_others_hear_of_it() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    assert_eq!(ada.refused(Command::Nick { name: user("BOB") }).await, Kind::Taken);
    let reply = ada.does(Command::Nick { name: user("Ada L.") }).await;
    assert!(matches!(reply, Reply::Named(name) if name.as_str() == "Ada L."));
    let told = bob.signal("the new name", |s| matches!(s, Signal::Renamed { .. })).await;
    assert!(
        matches!(told, Signal::Renamed { who, was } if who.name.as_str() == "Ada L." && was.as_str() == "ada")
    );
    ada.say("lobby", "it is me").await;
    bob.expect("lobby", "it is me", "Ada L.").await;
    let newcomer = hub.guest("ada").await;
    assert_eq!(newcomer.name(), "ada", "the old name is free");
    let mut member = hub.account("zoe").await;
    assert_eq!(member.refused(Command::Nick { name: user("zed") }).await, Kind::NotAllowed);
}

#[tokio::test]
async fn coming_going_typing_and_being_away_are_signals() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    let mut bob = hub.account("bob").await;
    bob.join("lobby").await;
    let came = ada.signal("bob's coming", |s| matches!(s, Signal::Attend { on: true, .. })).await;
    assert!(matches!(came, Signal::Attend { who, attendees: 2, .. } if who.name.as_str() == "bob"));
    ada.does(Command::Presence { on: true }).await;
    bob.does(Command::Typing { room: bob.room("lobby"), on: true }).await;
    ada.signal("bob's typing", |s| matches!(s, Signal::Typing { on: true, .. })).await;
    bob.does(Command::Away { text: Some(text("lunch")) }).await;
    let away = ada.signal("bob's absence", |s| matches!(s, Signal::Presence { .. })).await;
    assert!(
        matches!(away, Signal::Presence { presence: Presence::Away { text }, .. } if text.as_str() == "lunch")
    );

    // Away on one device, here on another: here.
    let mut phone = hub.account("bob").await;
    phone.join("lobby").await;
    phone.does(Command::Away { text: Some(text("bus")) }).await;
    bob.does(Command::Away { text: None }).await;
    phone.does(Command::Away { text: Some(text("still bus")) }).await;
    let mut last = Presence::Here;
    for _ in 0..3 {
        let Signal::Presence { presence, .. } =
            ada.signal("presence", |s| matches!(s, Signal::Presence { .. })).await
        else {
            ada.fail("no presence")
        };
        last = presence;
    }
    assert_eq!(last, Presence::Here);
    let Reply::Whois { presence, .. } = ada.does(Command::Whois { who: user("bob") }).await else {
        ada.fail("no card")
    };
    assert_eq!(presence, Presence::Here);

    hub.clock.jump(1_000);
    drop((phone, bob));
    for _ in 0..2 {
        ada.signal("bob's going", |s| matches!(s, Signal::Attend { on: false, .. })).await;
    }
    let Reply::Whois { presence, .. } = ada.does(Command::Whois { who: user("bob") }).await else {
        ada.fail("no card")
    };
    assert_eq!(presence, Presence::Gone { last_seen_ms: Some(1_700_000_001_000) });
    let head = ada.card("lobby").await.head;
    assert_eq!(head, 2, "of all this the log keeps two joins only");
}

#[tokio::test]
async fn who_is_ignored_is_not_seen() {
    let hub = TestHub::new();
    let (mut ada, mut bob, mut eve) =
        (hub.account("ada").await, hub.account("bob").await, hub.guest("eve").await);
    for person in [&mut ada, &mut bob, &mut eve] {
        person.join("lobby").await;
    }
    ada.does(Command::Ignore { who: user("EVE"), on: true }).await;
    eve.say("lobby", "boo").await;
    eve.say("lobby", "boo!").await;
    ada.expect_nothing("lobby", &mut bob).await;
    bob.expect("lobby", "boo", "eve").await;
    // The account's other sessions ignore too, from their login on.
    let mut phone = hub.account("ada").await;
    phone.join("lobby").await;
    eve.say("lobby", "boo?").await;
    phone.expect_nothing("lobby", &mut bob).await;
    // Who is ignored is decided when an event is read, so she reads up to here before she forgives.
    ada.expect("lobby", "sentinel 2 of bob", "bob").await;
    ada.does(Command::Ignore { who: user("eve"), on: false }).await;
    eve.say("lobby", "sorry").await;
    ada.expect("lobby", "sorry", "eve").await;
    assert_eq!(ada.refused(Command::Ignore { who: user("ada"), on: true }).await, Kind::Invalid);
    assert_eq!(eve.refused(Command::Ignore { who: user("ada"), on: true }).await, Kind::NotAllowed);
}

#[tokio::test]
async fn ones_own_events_can_be_left_out() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    ada.join("lobby").await;
    bob.join("lobby").await;
    ada.inbox.see_own_events(false);
    let mine = (0..3).map(|i| ada.saying("lobby", &format!("mine {i}"))).collect();
    ada.submit_all(mine).await;
    ada.expect_nothing("lobby", &mut bob).await;
    for i in 0..3 {
        bob.expect("lobby", &format!("mine {i}"), "ada").await;
    }
}

#[tokio::test]
async fn a_taken_name_gets_a_number() {
    let hub = TestHub::new();
    let first = hub.guest("Ada").await;
    let second = hub.guest("ada").await;
    assert_eq!((first.name(), second.name()), ("Ada", "ada~2"));
    assert!(second.session.me().renamed && !first.session.me().renamed);
    let numbers = (first.session.me().number, second.session.me().number);
    assert!(numbers.0 < numbers.1, "each guest has a number of its own");
    hub.account("bob").await;
    assert_eq!(hub.guest("BOB").await.name(), "BOB~2", "a guest cannot use a registered name");
    let mut eve = hub.guest("eve").await;
    assert_eq!(eve.refused(Command::Nick { name: user("bob") }).await, Kind::Taken);

    // A guest who is here makes way for a new account of that name.
    let mut zoe = hub.guest("zoe").await;
    hub.account("zoe").await;
    loop {
        if let Seen::Reply(_, Ok(Reply::Named(name))) = zoe.next().await {
            assert_eq!(name.as_str(), "zoe~2");
            break;
        }
    }
}

#[tokio::test]
async fn the_same_client_takes_its_old_place() {
    let hub = TestHub::new();
    let mut old = hub.enter(Login::guest("ada").by_client("c-123456")).await;
    old.join("lobby").await;
    let new = hub.enter(Login::guest("ada").by_client("c-123456")).await;
    assert_eq!(new.name(), "ada", "no number");
    assert_eq!(old.closed().await, CloseReason::Replaced);
    let other = hub.enter(Login::guest("ada").by_client("c-999999")).await;
    assert_eq!(other.name(), "ada~2", "another client does not");
}

#[tokio::test]
async fn a_guest_can_speak_in_the_breath_in_which_it_joins() {
    let hub = TestHub::new();
    let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
    bob.join("lobby").await;
    let room = ada.room("lobby");
    let tickets = ada
        .submit_all(vec![
            Command::Attach { room: room.clone(), from: Start::Head },
            ada.saying("lobby", "hi"),
            Command::Detach { room: room.clone() },
            Command::Attach { room: room.clone(), from: Start::Head },
            Command::Say { room, text: Text::ours("again"), reply_to: None, txn: None },
        ])
        .await;
    for ticket in tickets {
        if let Err(refusal) = ada.reply(ticket).await {
            ada.fail(&format!("#{} was refused: {refusal}", ticket.0));
        }
    }
    bob.expect("lobby", "hi", "ada").await;
    bob.expect("lobby", "again", "ada").await;
    ada.expect("lobby", "hi", "ada").await;
    assert!(matches!(ada.next_in_log().await, Seen::Ended(..)));
    ada.expect("lobby", "again", "ada").await;
}
