//! What every store must do, as one function: each store's tests call it, and a new store is done when it passes.
//!
//! **Invariant.** Only the traits of the hub are used; nothing here knows how a store keeps anything.
#![expect(clippy::unwrap_used, reason = "a test suite fails by panicking")]

use hubbub_hub::store::{
    AccountRow, Append, BanRow, Batch, MarkRow, MemberRow, Outcome, Reader, RoomRow, SearchPlan, Store,
    StoreFault, TokenRow, Write,
};
use hubbub_model::{
    AccountCard, AccountId, AccountStatus, Durability, Event, EventId, EventKind, MemberChange, Retention,
    Role, RoomId, RoomKind, RoomName, Scope, Sender, SenderId, SenderKind, SessionId, Standing, Text,
    TokenCard, UserName, Visibility,
};
use std::sync::Arc;

/// A kind of store under test.
pub trait Subject {
    /// The store.
    type Store: Store;

    /// A new and empty one.
    fn open(&mut self) -> Self::Store;

    /// The same one, closed and opened again.
    fn reopen(&mut self, store: Self::Store) -> Self::Store;

    /// Waits until search finds all that was committed.
    fn settle(&self, store: &Self::Store);
}

/// Runs the whole suite; panics where the store breaks the contract.
pub fn conformance<S: Subject>(subject: &mut S) {
    counts_starts_and_never_gives_a_number_twice(subject);
    gives_seqs_in_order_without_gaps(subject);
    reads_back_what_was_appended(subject);
    writes_a_txn_once(subject);
    keeps_nothing_of_a_refused_batch(subject);
    reads_stretches_within_budgets(subject);
    finds_places_by_id(subject);
    blanks_what_is_redacted(subject);
    trims_the_beginning(subject);
    keeps_and_removes_rows(subject);
    forgets_mentions_that_were_read(subject);
    removes_a_room_with_all_of_its_own(subject);
    searches_words(subject);
    searches_within_filters(subject);
    takes_any_query(subject);
    search_follows_edits_and_redactions(subject);
    a_redaction_blanks_all_edits_too(subject);
    a_hit_shows_the_text_of_the_last_edit(subject);
    hides_at_once_what_takes_long_to_delete(subject);
}

/// A room with this number, as the hub makes them.
pub(crate) fn room(id: u32) -> RoomRow {
    let name = RoomName::parse(&format!("room{id}")).unwrap();
    RoomRow {
        id: RoomId(id),
        fold: name.folded(),
        name,
        kind: RoomKind::Room,
        pair: None,
        topic: Text::default(),
        visibility: Visibility::Public,
        durability: Durability::Strict,
        moderated: false,
        read_only: false,
        retention: Retention::default(),
        epoch: 1,
        created_ms: 5,
        first_seq: 1,
        head: 0,
        countable: 0,
    }
}

/// A guest.
pub(crate) fn guest(id: u64, name: &str) -> Arc<Sender> {
    Arc::new(Sender {
        id: SenderId(id),
        kind: SenderKind::Guest,
        account: None,
        number: id + 10,
        name: UserName::parse(name).unwrap(),
        session: SessionId(id << 33),
        via: "nc".into(),
    })
}

/// A message.
pub(crate) fn message(text: &str) -> EventKind {
    EventKind::Message { text: Text::ours(text), reply_to: None }
}

/// The nth id.
pub(crate) fn nth(n: u64) -> EventId {
    EventId::from_parts(1_000 + n / 4, u128::from(n))
}

/// A store with somebody in it who speaks.
struct Scene<'a, S: Subject> {
    subject: &'a mut S,
    store: Option<S::Store>,
    sender: Arc<Sender>,
    ids: u64,
    now_ms: i64,
}

impl<'a, S: Subject> Scene<'a, S> {
    /// With rooms 1 and 2.
    fn new(subject: &'a mut S) -> Self {
        let store = Some(subject.open());
        let mut scene = Self { subject, store, sender: guest(1, "Ada"), ids: 0, now_ms: 1_000 };
        let sender = scene.sender.clone();
        scene.write(vec![
            Write::Sender(sender),
            Write::Room(Box::new(room(1))),
            Write::Room(Box::new(room(2))),
        ]);
        scene
    }

    fn store(&mut self) -> &mut S::Store {
        self.store.as_mut().unwrap()
    }

    fn reader(&mut self) -> Box<dyn Reader> {
        self.store().reader().unwrap()
    }

    fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        self.store = Some(self.subject.reopen(store));
    }

    fn append(&mut self, room: u32, kind: EventKind) -> Append {
        self.ids += 1;
        Append {
            room: RoomId(room),
            id: nth(self.ids),
            sender: self.sender.clone(),
            kind,
            txn: None,
            mentions: Vec::new(),
        }
    }

    fn write(&mut self, writes: Vec<Write>) -> Vec<Outcome> {
        self.now_ms += 1;
        let batch = Batch { ts_ms: self.now_ms, writes };
        self.store().commit(&batch).unwrap()
    }

    /// Appends one event and gives its id.
    fn put(&mut self, room: u32, kind: EventKind) -> EventId {
        let append = self.append(room, kind);
        let id = append.id;
        self.write(vec![Write::Append(append)]);
        id
    }

    fn say(&mut self, room: u32, text: &str) -> EventId {
        self.put(room, message(text))
    }

    fn log(&mut self, room: u32) -> Vec<Event> {
        self.reader().ascending(RoomId(room), 0, u64::MAX, usize::MAX, usize::MAX).unwrap()
    }

    fn search(&mut self, plan: &SearchPlan) -> Vec<(u32, u64)> {
        self.subject.settle(self.store.as_ref().unwrap());
        let hits = self.reader().search(plan).unwrap();
        hits.iter().map(|(room, event)| (room.0, event.seq)).collect()
    }

    /// The texts of the hits.
    fn shown(&mut self, words: &str) -> Vec<String> {
        self.subject.settle(self.store.as_ref().unwrap());
        let hits = self.reader().search(&plan(words)).unwrap();
        let text = |(_, event): &(RoomId, Event)| match &event.kind {
            EventKind::Message { text, .. } => text.to_string(),
            kind => format!("{kind:?}"),
        };
        hits.iter().map(text).collect()
    }

    fn found(&mut self, words: &str) -> Vec<(u32, u64)> {
        self.search(&plan(words))
    }
}

fn plan(words: &str) -> SearchPlan {
    SearchPlan { words: words.into(), rooms: vec![RoomId(2), RoomId(1)], limit: 100, ..SearchPlan::default() }
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
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

fn writes_a_txn_once<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let with = |append: Append, txn: &str| Write::Append(Append { txn: Some(txn.into()), ..append });
    let (a, b, c) =
        (scene.append(1, message("a")), scene.append(1, message("b")), scene.append(1, message("c")));
    let first = a.id;
    let outcomes = scene.write(vec![with(a, "x"), with(b, "x"), with(c, "y")]);
    let ts_ms = scene.now_ms;
    let repeated = Outcome::Repeated { seq: 1, id: first, ts_ms };
    assert_eq!(
        outcomes,
        [Outcome::Appended { seq: 1, ordinal: 1 }, repeated, Outcome::Appended { seq: 2, ordinal: 2 }]
    );
    for _ in 0..2 {
        let again = scene.append(1, message("again"));
        assert_eq!(scene.write(vec![with(again, "x")]), [repeated]);
        scene.reopen();
    }
    assert_eq!(seqs(&scene.log(1)), [1, 2]);
    const DAY_MS: i64 = 24 * 3600 * 1000;
    scene.store().tidy(ts_ms + 6 * DAY_MS).unwrap();
    let again = scene.append(1, message("again"));
    assert_eq!(scene.write(vec![with(again, "x")]), [repeated]);
    scene.store().tidy(ts_ms + 8 * DAY_MS).unwrap();
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

/// All rows, with the start count blanked so that two can be compared.
fn rows<S: Subject>(scene: &mut Scene<'_, S>) -> hubbub_hub::store::Loaded {
    let mut loaded = scene.store().load().unwrap();
    loaded.boot = 0;
    loaded
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

fn blanks_what_is_redacted<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let secret = scene.say(1, "secret");
    scene.say(1, "plain");
    scene.say(2, "other");
    let mut before = scene.log(1);
    // One in a batch of its own, one in the batch of its target, and one of nothing.
    let slip = scene.append(1, EventKind::File { name: Text::ours("slip"), size: 3 });
    let redact = |target| EventKind::Redaction { target, reason: Text::ours("why") };
    let first = scene.append(1, redact(slip.id));
    let nothing = scene.append(1, redact(nth(500)));
    scene.write(vec![Write::Append(slip), Write::Append(first), Write::Append(nothing)]);
    scene.put(1, redact(secret));
    scene.reopen();
    let log = scene.log(1);
    before[0].kind = EventKind::Redacted;
    assert_eq!(log[..2], before[..], "all but kind and text stay");
    assert_eq!((&log[2].kind, log[2].ordinal), (&EventKind::Redacted, 3));
    assert_eq!(log[5].kind, redact(secret));
    assert_eq!(log.len(), 6);
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

fn account(id: u32, name: &str) -> AccountRow {
    let name = UserName::parse(name).unwrap();
    let fold = name.folded();
    let card = AccountCard {
        id: AccountId(id),
        nick: format!("{name}_"),
        name,
        kind: SenderKind::Device,
        role: Role::Admin,
        status: AccountStatus::Disabled,
        created_ms: 12,
        last_seen_ms: None,
    };
    AccountRow { card, fold, password: Some("$argon2id$x".into()) }
}

fn token(id: u64, account: u32) -> TokenRow {
    let card = TokenCard {
        id,
        account: UserName::parse("Grace").unwrap(),
        label: Text::ours("手机"),
        scopes: vec![Scope::Read, Scope::Files],
        created_ms: 9,
        expires_ms: Some(99),
        last_used_ms: None,
    };
    TokenRow { card, account: AccountId(account), hash: [u8::try_from(id).unwrap(); 32] }
}

fn keeps_and_removes_rows<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (grace, linus) = (AccountId(1), AccountId(2));
    let direct = RoomRow {
        name: RoomName::direct("1", "2"),
        fold: "@1@2".into(),
        kind: RoomKind::Direct,
        pair: Some((grace, linus)),
        topic: Text::ours("话题"),
        visibility: Visibility::Hidden,
        durability: Durability::Ephemeral,
        moderated: true,
        retention: Retention { events: Some(5), age_s: None },
        epoch: u64::MAX,
        ..room(3)
    };
    let member =
        |account| MemberRow { room: RoomId(1), account, standing: Standing::Operator, invited: true };
    let ban = |fold: &str| BanRow {
        room: RoomId(1),
        fold: fold.into(),
        account: Some(linus),
        reason: Text::ours("because"),
        by: "Grace".into(),
        until_ms: None,
    };
    let mark = |account| MarkRow { room: RoomId(1), account, seq: 4, ordinal: 3 };
    scene.write(vec![
        Write::Account(Box::new(account(1, "Grace"))),
        Write::Account(Box::new(account(2, "Linus"))),
        Write::Room(Box::new(direct.clone())),
        Write::Member(member(grace)),
        Write::Member(member(linus)),
        Write::Ban(ban("eve")),
        Write::Ban(ban("mallory")),
        Write::Token(Box::new(token(1, 1))),
        Write::Token(Box::new(token(2, 2))),
        Write::Mark(mark(grace)),
        Write::Mark(mark(linus)),
        Write::Ignore(grace, "eve".into()),
        Write::Ignore(grace, "trent".into()),
        Write::Ignore(linus, "eve".into()),
        Write::Setting("name".into(), Some("lab".into())),
        Write::Setting("guests".into(), Some("no".into())),
    ]);
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.accounts, [account(1, "Grace"), account(2, "Linus")]);
    assert_eq!(loaded.rooms, [room(1), room(2), direct.clone()]);
    assert_eq!(loaded.members, [member(grace), member(linus)]);
    assert_eq!(loaded.bans, [ban("eve"), ban("mallory")]);
    assert_eq!(loaded.tokens, [token(1, 1), token(2, 2)]);
    assert_eq!(loaded.marks, [mark(grace), mark(linus)]);
    assert_eq!(loaded.ignores, [(grace, "eve".into()), (grace, "trent".into()), (linus, "eve".into())]);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(loaded.settings, [setting("guests", "no"), setting("name", "lab")]);
    assert_eq!((loaded.next_account, loaded.next_token, loaded.next_room), (3, 3, 4));

    let renamed = AccountRow { password: None, ..account(1, "Grace H") };
    let topic = RoomRow { topic: Text::ours("new"), head: 77, first_seq: 70, countable: 70, ..room(1) };
    scene.write(vec![
        Write::Account(Box::new(renamed.clone())),
        Write::Room(Box::new(topic.clone())),
        Write::RemoveAccount(linus),
        Write::RemoveBan(RoomId(1), "eve".into()),
        Write::RemoveToken(1),
        Write::RemoveIgnore(grace, "eve".into()),
        Write::RemoveMember(RoomId(1), grace),
        Write::Setting("name".into(), Some("workshop 车间".into())),
        Write::Setting("guests".into(), None),
    ]);
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.accounts, [renamed]);
    assert_eq!(loaded.rooms, [RoomRow { head: 0, first_seq: 1, countable: 0, ..topic }, room(2), direct]);
    assert_eq!((loaded.members, loaded.tokens, loaded.marks), (vec![], vec![], vec![]));
    assert_eq!(loaded.bans, [ban("mallory")]);
    assert_eq!(loaded.ignores, [(grace, "trent".into())]);
    assert_eq!(loaded.settings, [setting("name", "workshop 车间")]);
}

fn forgets_mentions_that_were_read<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (a, b) = (AccountId(1), AccountId(2));
    for _ in 0..3 {
        let append = scene.append(1, message("@both"));
        scene.write(vec![Write::Append(Append { mentions: vec![a, b], ..append })]);
    }
    scene.write(vec![Write::Mark(MarkRow { room: RoomId(1), account: a, seq: 2, ordinal: 2 })]);
    scene.reopen();
    let of = |account, seq| (RoomId(1), account, seq);
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.mentions, [of(a, 3), of(b, 1), of(b, 2), of(b, 3)]);
    scene.write(vec![Write::RemoveMember(RoomId(1), b)]);
    assert_eq!(scene.store().load().unwrap().mentions, [of(a, 3)]);
    scene.write(vec![Write::RemoveAccount(a)]);
    let loaded = scene.store().load().unwrap();
    assert_eq!((loaded.mentions, loaded.marks), (vec![], vec![]));
}

fn removes_a_room_with_all_of_its_own<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let a = AccountId(1);
    let append = scene.append(1, message("gone"));
    scene.write(vec![
        Write::Append(Append { mentions: vec![a], ..append }),
        Write::Member(MemberRow { room: RoomId(1), account: a, standing: Standing::Member, invited: false }),
        Write::Mark(MarkRow { room: RoomId(1), account: a, seq: 0, ordinal: 0 }),
    ]);
    scene.say(2, "gone not");
    assert_eq!(scene.found("gone").len(), 2);
    let late = scene.append(1, message("gone too"));
    scene.write(vec![Write::Append(late), Write::RemoveRoom(RoomId(1))]);
    scene.reopen();
    assert_eq!(seqs(&scene.log(1)), [0; 0]);
    assert_eq!(scene.found("gone"), [(2, 1)]);
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.rooms.len(), 1);
    assert_eq!((loaded.members, loaded.marks, loaded.mentions), (vec![], vec![], vec![]));
    let append = scene.append(1, message("x"));
    let batch = Batch { ts_ms: 0, writes: vec![Write::Append(append)] };
    assert_eq!(scene.store().commit(&batch).unwrap_err().fault, StoreFault::Ours);
}

fn searches_words<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    scene.say(1, "今天天气不错，一起聊天吗？");
    scene.say(2, "Weather report: Café 延迟 42ms");
    scene.put(1, EventKind::File { name: Text::ours("weather-2024.csv"), size: 1 });
    scene.put(2, EventKind::Topic(Text::ours("weather of topics is not searched")));
    scene.say(1, "한국어 と ひらがな と 𠀀𠀁 Ｆｕｌｌ don't");
    for (words, found) in [
        ("聊天", &[(1, 1)][..]),
        ("聊", &[(1, 1)]),
        ("天", &[(1, 1)]),
        ("天聊", &[]),
        ("天气 聊天", &[(1, 1)]),
        ("延迟", &[(2, 1)]),
        ("迟42", &[(2, 1)]),
        ("wea", &[(1, 2), (2, 1)]),
        ("WEATHER rep", &[(2, 1)]),
        ("eather", &[]),
        ("cafe", &[(2, 1)]),
        ("CAFÉ", &[(2, 1)]),
        ("2024.csv", &[(1, 2)]),
        ("weather-2024", &[(1, 2)]),
        ("国", &[]),
        ("국", &[(1, 3)]),
        ("らが", &[(1, 3)]),
        ("𠀁", &[(1, 3)]),
        ("full", &[(1, 3)]),
        ("don't", &[(1, 3)]),
        ("nowhere", &[]),
        ("", &[]),
    ] {
        assert_eq!(scene.found(words), found, "{words}");
    }
    scene.reopen();
    assert_eq!(scene.found("聊天"), [(1, 1)]);
}

fn searches_within_filters<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let start = scene.now_ms;
    scene.write(vec![Write::Sender(guest(2, "Zoë"))]);
    for n in 0..200 {
        scene.sender = if n % 2 == 0 { guest(1, "Ada") } else { guest(2, "Zoë") };
        scene.say(1 + n % 3 % 2, "same word");
    }
    let base = plan("word");
    let all = scene.search(&SearchPlan { limit: 1000, ..base.clone() });
    assert_eq!(all.len(), 200);
    let times = |from: i64, to: i64| (Some(start + 1 + from), Some(start + 1 + to));
    let (since_ms, until_ms) = times(101, 104);
    // Message n is in room 1 + n % 3 % 2 and has the time of n + 1 behind the start.
    assert_eq!(scene.search(&SearchPlan { since_ms, until_ms, ..base.clone() }).len(), 4);
    assert_eq!(scene.search(&SearchPlan { limit: 3, ..base.clone() }), all[..3]);
    let mine = scene.search(&SearchPlan { sender_fold: Some("zoë".into()), limit: 1000, ..base.clone() });
    assert_eq!(mine.len(), 100);
    let one = scene.search(&SearchPlan {
        rooms: vec![RoomId(2), RoomId(2), RoomId(7)],
        limit: 1000,
        ..base.clone()
    });
    assert!(one.iter().all(|(room, _)| *room == 2) && one.len() == 67);
    assert_eq!(scene.search(&SearchPlan { rooms: vec![], ..base.clone() }), []);
    assert_eq!(scene.search(&SearchPlan { limit: 0, ..base.clone() }), []);
    assert_eq!(scene.search(&SearchPlan { sender_fold: Some("nobody".into()), ..base }), []);
}

fn takes_any_query<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    scene.say(1, "near and or not 👍 quote\" star*");
    for (words, hit) in [
        ("\"", false),
        ("*", false),
        ("AND", true),
        ("OR NOT", true),
        ("NEAR(", true),
        ("near/2 and", false),
        ("👍", false),
        ("quote\"", true),
        ("star*", true),
        ("body:near", false),
        ("^near", true),
        ("{}[]()-+:;,.<>~|\\", false),
        ("'; DROP TABLE words; --", false),
        ("near \u{301}\u{200d}", true),
        ("a\u{0}b", false),
    ] {
        let found = scene.found(words);
        // Marks without a letter are a word to some stores and none to others.
        assert!(found.is_empty() != hit || words.contains('\u{301}'), "{words:?} found {found:?}");
    }
    let long = format!("{} {}", "near ".repeat(1000), "天".repeat(5000));
    scene.found(&long);
}

fn search_follows_edits_and_redactions<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (first, second) = (scene.say(1, "alpha"), scene.say(1, "beta 聊天"));
    let notice = scene.put(1, EventKind::Notice(Text::ours("beta notice")));
    let edit = |target, text| EventKind::Edit { target, text: Text::ours(text) };
    let redact = |target| EventKind::Redaction { target, reason: Text::ours("beta is no reason") };
    assert_eq!(scene.found("beta"), [(1, 3), (1, 2)]);
    let changed = scene.put(1, edit(first, "gamma 聊天"));
    assert_eq!(
        (scene.found("alpha"), scene.found("gamma"), scene.found("聊天")),
        (vec![], vec![(1, 1)], vec![(1, 2), (1, 1)])
    );
    scene.put(1, redact(second));
    scene.put(1, redact(notice));
    assert_eq!((scene.found("beta"), scene.found("聊天")), (vec![], vec![(1, 1)]));
    scene.put(1, edit(second, "delta"));
    assert_eq!(scene.found("delta"), [], "what was taken back stays so");
    scene.put(1, redact(changed));
    assert_eq!((scene.found("gamma"), scene.found("alpha")), (vec![], vec![(1, 1)]));
    // All at once, so that the search sees only the end of it.
    let third = scene.append(1, message("epsilon"));
    let id = third.id;
    let (kind_a, kind_b) = (edit(id, "zeta"), redact(id));
    let (a, b) = (scene.append(1, kind_a), scene.append(1, kind_b));
    scene.write([third, a, b].map(Write::Append).into());
    assert_eq!((scene.found("epsilon"), scene.found("zeta")), (vec![], vec![]));
    scene.reopen();
    assert_eq!(scene.found("alpha"), [(1, 1)]);
}

fn amending(target: EventId, text: &str) -> EventKind {
    EventKind::Edit { target, text: Text::ours(text) }
}

fn redacting(target: EventId) -> EventKind {
    EventKind::Redaction { target, reason: Text::default() }
}

fn a_redaction_blanks_all_edits_too<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (first, other) = (scene.say(1, "alpha"), scene.say(1, "omega"));
    scene.put(1, amending(first, "beta"));
    scene.put(1, amending(other, "psi"));
    let elsewhere = scene.put(2, amending(first, "not of this room"));
    // One edit more in the batch of the redaction.
    let (edit, redaction) = (scene.append(1, amending(first, "gamma")), scene.append(1, redacting(first)));
    scene.write(vec![Write::Append(edit), Write::Append(redaction)]);
    for reopened in [false, true] {
        let kinds: Vec<EventKind> = scene.log(1).into_iter().map(|event| event.kind).collect();
        let blank = EventKind::Redacted;
        let expected =
            [blank.clone(), message("omega"), blank.clone(), amending(other, "psi"), blank, redacting(first)];
        assert_eq!(kinds, expected, "reopened: {reopened}");
        for words in ["alpha", "beta", "gamma", "omega"] {
            assert_eq!(scene.found(words), [], "{words}");
        }
        assert_eq!(scene.found("psi"), [(1, 2)]);
        scene.reopen();
    }
    assert_eq!(scene.log(2)[0].kind, amending(first, "not of this room"), "{elsewhere:?}");
    // A trimmed message's edits are blanked as well; a trimmed edit is no more.
    scene.put(1, amending(other, "chi"));
    scene.write(vec![Write::Trim(RoomId(1), 5)]);
    scene.put(1, redacting(other));
    assert!(scene.log(1).iter().all(|event| !matches!(event.kind, EventKind::Edit { .. })));
}

fn a_hit_shows_the_text_of_the_last_edit<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let first = scene.put(1, EventKind::Message { text: Text::ours("alpha one"), reply_to: Some(nth(900)) });
    let second = scene.put(1, amending(first, "alpha two"));
    let third = scene.put(1, amending(first, "alpha three"));
    assert_eq!(scene.shown("alpha"), ["alpha three"]);
    assert_eq!((scene.shown("two"), scene.shown("one")), (vec![], vec![]));
    scene.subject.settle(scene.store.as_ref().unwrap());
    let hit = scene.reader().search(&plan("three")).unwrap().remove(0).1;
    assert_eq!((hit.id, hit.seq, hit.ordinal), (first, 1, 1), "it is the message, with other words");
    assert!(matches!(hit.kind, EventKind::Message { reply_to: Some(_), .. }));
    // Taken back one by one, from the last.
    scene.put(1, redacting(third));
    assert_eq!((scene.shown("alpha"), scene.shown("three")), (vec!["alpha two".to_owned()], vec![]));
    scene.reopen();
    assert_eq!(scene.shown("two"), ["alpha two"]);
    let fourth = scene.put(1, amending(first, "alpha four"));
    scene.put(1, redacting(second));
    assert_eq!(scene.shown("alpha"), ["alpha four"], "one below the last changes nothing");
    scene.put(1, redacting(fourth));
    assert_eq!(scene.shown("alpha"), ["alpha one"]);
    scene.put(1, redacting(first));
    assert_eq!(scene.shown("alpha"), [""; 0]);
}

/// More than a store would delete in one commit.
const MANY: usize = 5_000;

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
    let early = scene.reader().search(&plan("many")).unwrap();
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
    let mut calls = 0;
    while scene.store().has_leftovers() {
        scene.store().tidy(0).unwrap();
        calls += 1;
        assert!(calls < 10_000, "tidying comes to an end");
    }
    assert_eq!((seqs(&scene.log(1)), seqs(&scene.log(2))), (vec![head], vec![1]));
    scene.say(1, "goes on");
    assert_eq!(seqs(&scene.log(1)), [head, head + 1]);
}
