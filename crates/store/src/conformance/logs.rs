//! Logs: what was appended is read, from where the log begins.

use super::*;

pub(super) fn all<S: Subject>(subject: &mut S) {
    reads_back_what_was_appended(subject);
    reads_stretches_within_budgets(subject);
    finds_places_by_id(subject);
    trims_the_beginning(subject);
    hides_at_once_what_takes_long_to_delete(subject);
}

fn every_kind(target: EventId) -> Vec<EventKind> {
    let text = || Text::ours("  聊天 \x1b[1m\r\n\u{202e}x ");
    let name = || UserName::parse("Zoë L").unwrap();
    vec![
        message(""),
        EventKind::Message { text: text(), reply_to: Some(target) },
        EventKind::Edit { target, text: text() },
        EventKind::Reaction { target, sign: Text::ours("👍"), on: true },
        EventKind::Reaction { target, sign: Text::ours("👍"), on: false },
        EventKind::Redacted,
        EventKind::Member(Box::new(MemberChange::Joined)),
        EventKind::Member(Box::new(MemberChange::Banned {
            name: name(),
            reason: text(),
            until_ms: Some(-3),
        })),
        EventKind::Member(Box::new(MemberChange::Standing { name: name(), standing: Standing::Voice })),
        EventKind::Member(Box::new(MemberChange::Renamed { name: RoomName::parse("实验室").unwrap() })),
        EventKind::Topic(Text::default()),
        EventKind::Notice(text()),
        EventKind::File { name: text(), size: u64::MAX },
        EventKind::Redaction { target: nth(999_999), reason: text() },
    ]
}

/// More than a store would delete in one commit.
const MANY: usize = 5_000;

fn reads_back_what_was_appended<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let hub =
        Sender { kind: SenderKind::System, name: UserName::system(), number: 0, ..(*guest(2, "x")).clone() };
    let ada =
        Sender { kind: SenderKind::Account, account: Some(AccountId(3)), ..(*guest(3, "张三")).clone() };
    let senders = [scene.sender.clone(), Arc::new(hub), Arc::new(ada)];
    scene.write(senders.iter().skip(1).cloned().map(Write::Sender).collect());
    let mut expected = Vec::new();
    let mut ordinal = 0;
    for (seq, (kind, sender)) in (1..).zip(every_kind(nth(1)).into_iter().zip(senders.iter().cycle())) {
        scene.sender = sender.clone();
        let id = scene.put(1, kind.clone());
        ordinal += u64::from(kind.is_countable());
        expected.push(Event { seq, ordinal, id, ts_ms: scene.now_ms, sender: sender.clone(), kind });
    }
    assert_eq!(scene.log(1), expected);
    scene.reopen();
    assert_eq!(scene.log(1), expected, "after a restart");
    let log = scene.log(1);
    assert!(Arc::ptr_eq(&log[0].sender, &log[3].sender), "one session's events share their sender");
}

fn reads_stretches_within_budgets<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    for n in 0..10 {
        scene.say(1, &"x".repeat(10 * (n + 1)));
        scene.say(2, "other");
    }
    let mut reader = scene.reader();
    let mut up = |from, to, limit, bytes| seqs(&reader.ascending(RoomId(1), from, to, limit, bytes).unwrap());
    assert_eq!(up(3, 5, 100, usize::MAX), [3, 4, 5]);
    assert_eq!(up(0, u64::MAX, 2, usize::MAX), [1, 2]);
    assert_eq!(up(9, u64::MAX, 100, usize::MAX), [9, 10]);
    assert_eq!(up(1, 10, 100, 40), [1, 2], "10 + 20 bytes, the third would make it 60");
    assert_eq!(up(9, 10, 100, 0), [9], "one at least");
    assert_eq!(up(11, u64::MAX, 100, usize::MAX), [0; 0]);
    assert_eq!(up(u64::MAX, u64::MAX, 100, usize::MAX), [0; 0]);
    assert_eq!(up(5, 4, 100, usize::MAX), [0; 0]);
    assert_eq!(up(1, 10, 0, usize::MAX), [0; 0]);
    let mut down = |to, limit, bytes| seqs(&reader.descending(RoomId(1), to, limit, bytes).unwrap());
    assert_eq!(down(u64::MAX, 3, usize::MAX), [8, 9, 10]);
    assert_eq!(down(4, 2, usize::MAX), [3, 4]);
    assert_eq!(down(2, 100, usize::MAX), [1, 2]);
    assert_eq!(down(10, 100, 1), [10]);
    assert_eq!(down(0, 100, usize::MAX), [0; 0]);
    assert!(reader.ascending(RoomId(99), 0, 9, 9, 9).unwrap().is_empty());
    assert!(reader.descending(RoomId(u32::MAX), 9, 9, 9).unwrap().is_empty());
}

fn finds_places_by_id<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let ids: Vec<EventId> = (0..50).map(|n| scene.say(1 + n % 2, "x")).collect();
    scene.write(vec![Write::Trim(RoomId(1), 4)]);
    let mut reader = scene.reader();
    for (n, id) in (0u64..).zip(&ids) {
        let (own, other) = if n % 2 == 0 { (RoomId(1), RoomId(2)) } else { (RoomId(2), RoomId(1)) };
        let kept = |room: RoomId, seq: u64| if room.0 == 1 { seq.max(4) } else { seq };
        assert_eq!(reader.first_from(own, *id).unwrap(), Some(kept(own, n / 2 + 1)));
        let next = if n % 2 == 0 { n / 2 + 1 } else { n / 2 + 2 };
        assert_eq!(reader.first_from(other, *id).unwrap(), Some(kept(other, next)).filter(|seq| *seq <= 25));
    }
    assert_eq!(reader.first_from(RoomId(1), EventId(0)).unwrap(), Some(4));
    assert_eq!(reader.first_from(RoomId(1), EventId(u128::MAX)).unwrap(), None);
    assert_eq!(reader.first_from(RoomId(3), EventId(0)).unwrap(), None);
}

fn trims_the_beginning<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let first = scene.say(1, "one");
    for n in 2..=6 {
        scene.say(1, &format!("word{n}"));
        scene.say(2, "stays");
    }
    scene.write(vec![Write::Trim(RoomId(1), 4)]);
    scene.write(vec![Write::Trim(RoomId(1), 2), Write::Trim(RoomId(77), 2)]);
    assert_eq!(seqs(&scene.log(1)), [4, 5, 6]);
    assert_eq!(scene.log(2).len(), 5);
    assert_eq!(scene.found("word"), [(1, 6), (1, 5), (1, 4)]);
    scene.put(1, EventKind::Redaction { target: first, reason: Text::default() });
    scene.write(vec![Write::Trim(RoomId(1), 100)]);
    scene.reopen();
    let row = scene.store().load().unwrap().rooms.remove(0);
    assert_eq!((row.first_seq, row.head, row.countable), (8, 7, 6));
    assert_eq!(scene.found("word"), []);
    scene.say(1, "word");
    assert_eq!(seqs(&scene.log(1)), [8]);
    assert_eq!(scene.found("word"), [(1, 8)]);
}

fn hides_at_once_what_takes_long_to_delete<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let mut ids = Vec::new();
    for room in [1, 2] {
        let appends: Vec<Append> =
            (0..MANY).map(|n| scene.append(room, message(&format!("many {n}")))).collect();
        ids.extend(appends.iter().map(|append| append.id));
        scene.write(appends.into_iter().map(Write::Append).collect());
    }
    assert_eq!(scene.found("many").len(), 100);
    let head = MANY as u64;
    scene.write(vec![Write::Trim(RoomId(1), head), Write::RemoveRoom(RoomId(2))]);
    let early = search_all(scene.reader().as_mut(), &plan("many")).unwrap();
    assert_eq!(early.len(), 1, "even before search has caught up");
    for _ in 0..2 {
        let mut reader = scene.reader();
        assert_eq!(seqs(&scene.log(1)), [head]);
        assert_eq!(seqs(&reader.descending(RoomId(1), u64::MAX, 9, 9).unwrap()), [head]);
        assert_eq!(reader.first_from(RoomId(1), ids[0]).unwrap(), Some(head));
        assert_eq!((seqs(&scene.log(2)), reader.first_from(RoomId(2), EventId(0)).unwrap()), (vec![], None));
        assert_eq!(scene.shown("many"), [format!("many {}", MANY - 1)]);
        scene.reopen();
        let loaded = scene.store().load().unwrap();
        assert_eq!((loaded.rooms.len(), loaded.rooms[0].first_seq), (1, head));
    }
    // A number that is had again begins anew, however much its room has left behind.
    scene.write(vec![Write::Room(Box::new(room(2)))]);
    scene.say(2, "anew");
    assert_eq!(seqs(&scene.log(2)), [1]);
    scene.tidy(0);
    assert_eq!((seqs(&scene.log(1)), seqs(&scene.log(2))), (vec![head], vec![1]));
    scene.say(1, "goes on");
    assert_eq!(seqs(&scene.log(1)), [head, head + 1]);
}
