//! What every store must do, as one function: each store's tests call it, and a new store is done when it passes.
//!
//! **Invariant.** Only the traits of the hub are used; nothing here knows how a store keeps anything.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test suite fails by panicking")]

mod logs;
mod numbers;
mod redaction;
mod rows;
mod search;

use hubbub_hub::store::{
    AccountRow, Append, BanRow, Batch, Findings, InviteRow, MarkRow, MemberRow, Outcome, Reader, RoomRow,
    SearchPlan, Store, StoreFault, TokenRow, Write, search_all,
};
use hubbub_model::{
    AccountCard, AccountId, AccountStatus, Admits, Durability, Event, EventId, EventKind, InviteCard,
    MemberChange, Retention, Role, RoomId, RoomKind, RoomName, Scope, Sender, SenderId, SenderKind,
    SessionId, Standing, Text, TokenCard, UserName, Visibility,
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

    /// Waits until what a `tidy` asked for is done.
    fn tidied(&self, store: &Self::Store);
}

/// Runs the whole suite; panics where the store breaks the contract.
pub fn conformance<S: Subject>(subject: &mut S) {
    numbers::all(subject);
    logs::all(subject);
    redaction::all(subject);
    rows::all(subject);
    search::all(subject);
}

/// A room with this number, as the hub makes them.
pub(crate) fn room(id: u32) -> RoomRow {
    RoomRow::new(RoomId(id), RoomName::parse(&format!("room{id}")).unwrap())
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
        let hits = search_all(self.reader().as_mut(), plan).unwrap();
        hits.iter().map(|(room, event)| (room.0, event.seq)).collect()
    }

    /// Has the store do what it does not do in a commit.
    fn tidy(&mut self, now_ms: i64) {
        let store = self.store.as_mut().unwrap();
        store.tidy(now_ms).unwrap();
        self.subject.tidied(store);
        store.tidy(now_ms).unwrap_or_else(|error| panic!("the tidying failed: {error}"));
        self.subject.tidied(store);
    }

    /// The texts of the hits.
    fn shown(&mut self, words: &str) -> Vec<String> {
        self.subject.settle(self.store.as_ref().unwrap());
        let hits = search_all(self.reader().as_mut(), &plan(words)).unwrap();
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

fn amending(target: EventId, text: &str) -> EventKind {
    EventKind::Edit { target, text: Text::ours(text) }
}

fn redacting(target: EventId) -> EventKind {
    EventKind::Redaction { target, reason: Text::default() }
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
