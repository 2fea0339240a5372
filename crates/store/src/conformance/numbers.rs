//! Numbers, places and marks: each is given once.

use super::*;

pub(super) fn all<S: Subject>(subject: &mut S) {
    counts_starts_and_never_gives_a_number_twice(subject);
    gives_seqs_in_order_without_gaps(subject);
    writes_a_txn_once(subject);
    keeps_nothing_of_a_refused_batch(subject);
}

/// All rows, with the start count blanked so that two can be compared.
fn rows<S: Subject>(scene: &mut Scene<'_, S>) -> hubbub_hub::store::Loaded {
    let mut loaded = scene.store().load().unwrap();
    loaded.boot = 0;
    loaded
}

fn counts_starts_and_never_gives_a_number_twice<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let first = scene.store().load().unwrap();
    assert_eq!((first.next_sender, first.next_account, first.next_room, first.next_token), (2, 1, 3, 1));
    let account = account(7, "Grace");
    scene.write(vec![
        Write::Account(Box::new(account)),
        Write::GuestNumber(40),
        Write::Room(Box::new(room(9))),
    ]);
    let id = scene.say(9, "last words");
    scene.write(vec![Write::RemoveAccount(AccountId(7)), Write::RemoveRoom(RoomId(9))]);
    scene.reopen();
    let second = scene.store().load().unwrap();
    assert!(second.boot > first.boot);
    assert_eq!(
        (second.next_account, second.next_room, second.guest_number, second.last_id),
        (8, 10, 40, id.0)
    );
    assert_eq!(second.rooms.len(), 2);
}

fn gives_seqs_in_order_without_gaps<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let kinds = [message("a"), EventKind::Topic(Text::ours("t")), message("b")];
    let writes = kinds.iter().flat_map(|kind| [1, 2, 1].map(|room| (room, kind.clone())));
    let writes: Vec<Write> = writes.map(|(room, kind)| Write::Append(scene.append(room, kind))).collect();
    let outcomes = scene.write(writes);
    let expected = [(1, 1), (1, 1), (2, 2), (3, 2), (2, 1), (4, 2), (5, 3), (3, 2), (6, 4)];
    assert_eq!(outcomes, expected.map(|(seq, ordinal)| Outcome::Appended { seq, ordinal }));
    scene.reopen();
    let rooms = scene.store().load().unwrap().rooms;
    let counts: Vec<_> = rooms.iter().map(|row| (row.first_seq, row.head, row.countable)).collect();
    assert_eq!(counts, [(1, 6, 4), (1, 3, 2)]);
    scene.say(1, "next");
    assert_eq!(seqs(&scene.log(1)), [1, 2, 3, 4, 5, 6, 7]);
}

fn writes_a_txn_once<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let with = |append: Append, txn: &str| Write::Append(Append { txn: Some(txn.into()), ..append });
    let (a, b, c) =
        (scene.append(1, message("a")), scene.append(1, message("b")), scene.append(1, message("c")));
    let first = a.id;
    let outcomes = scene.write(vec![with(a, "x"), with(b, "x"), with(c, "y")]);
    let ts_ms = scene.now_ms;
    let repeated = Outcome::Repeated { room: RoomId(1), seq: 1, id: first, ts_ms };
    assert_eq!(
        outcomes,
        [Outcome::Appended { seq: 1, ordinal: 1 }, repeated, Outcome::Appended { seq: 2, ordinal: 2 }]
    );
    for _ in 0..2 {
        let again = scene.append(1, message("again"));
        assert_eq!(scene.write(vec![with(again, "x")]), [repeated]);
        let elsewhere = scene.append(2, message("elsewhere"));
        assert_eq!(scene.write(vec![with(elsewhere, "x")]), [repeated], "a txn is one for all logs");
        scene.reopen();
    }
    assert!(scene.log(2).is_empty());
    assert_eq!(seqs(&scene.log(1)), [1, 2]);
    const DAY_MS: i64 = 24 * 3600 * 1000;
    scene.tidy(ts_ms + 6 * DAY_MS);
    let again = scene.append(1, message("again"));
    assert_eq!(scene.write(vec![with(again, "x")]), [repeated]);
    scene.tidy(ts_ms + 8 * DAY_MS);
    let late = scene.append(1, message("late"));
    assert_eq!(scene.write(vec![with(late, "x")]), [Outcome::Appended { seq: 3, ordinal: 3 }]);
}

fn keeps_nothing_of_a_refused_batch<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let kept = scene.say(1, "kept");
    let before = format!("{:?}", rows(&mut scene));
    let stranger = Append { sender: guest(77, "Eve"), ..scene.append(1, message("a")) };
    let backwards = Append { id: kept, ..scene.append(1, message("b")) };
    let nowhere = scene.append(5, message("c"));
    let far = RoomRow { id: RoomId(u32::MAX), ..room(3) };
    for bad in [
        Write::Append(stranger),
        Write::Append(backwards),
        Write::Append(nowhere),
        Write::Room(Box::new(far)),
    ] {
        let good = Append {
            txn: Some("t".into()),
            mentions: vec![AccountId(1)],
            ..scene.append(1, message("good"))
        };
        let writes =
            vec![Write::Room(Box::new(room(4))), Write::Append(good), Write::Trim(RoomId(1), 2), bad];
        let error = scene.store().commit(&Batch { ts_ms: 0, writes }).unwrap_err();
        assert_eq!(error.fault, StoreFault::Ours, "{error}");
        assert_eq!(seqs(&scene.log(1)), [1]);
        assert_eq!(format!("{:?}", rows(&mut scene)), before);
    }
    let good = Append { txn: Some("t".into()), ..scene.append(1, message("good")) };
    assert_eq!(scene.write(vec![Write::Append(good)]), [Outcome::Appended { seq: 2, ordinal: 2 }]);
}
