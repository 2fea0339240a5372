//! A room, somebody in it, and what they say.

use hubbub_hub::store::{Append, Batch, RoomRow, SearchPlan, Store, Write, search_all};
use hubbub_model::{
    EventId, EventKind, RoomId, RoomName, Sender, SenderId, SenderKind, SessionId, Text, UserName,
};
use hubbub_store::SqliteStore;
use std::{path::Path, sync::Arc};

/// The room of most tests.
pub(crate) const LAB: RoomId = RoomId(1);

pub(crate) fn sender() -> Arc<Sender> {
    let name = UserName::parse("Ada").unwrap();
    let (id, kind, session) = (SenderId(1), SenderKind::Guest, SessionId(1));
    Arc::new(Sender { id, kind, account: None, number: 1, name, session, via: "nc".into() })
}

pub(crate) fn room() -> RoomRow {
    RoomRow::new(LAB, RoomName::parse("lab").unwrap())
}

/// An event of the lab.
pub(crate) fn append(id: u128, kind: EventKind) -> Append {
    Append { room: LAB, id: EventId(id), sender: sender(), kind, txn: None, mentions: Vec::new() }
}

pub(crate) fn message(text: impl Into<String>) -> EventKind {
    EventKind::Message { text: Text::ours(text.into()), reply_to: None }
}

pub(crate) fn batch(writes: Vec<Write>) -> Batch {
    Batch { ts_ms: 1, writes }
}

/// A message for each id: `needleID` and 500 bytes.
pub(crate) fn says(ids: std::ops::Range<u128>) -> Batch {
    let says = |id| append(id, message(format!("needle{id} {}", "x".repeat(500))));
    batch(ids.map(|id| Write::Append(says(id))).collect())
}

/// A new store with the lab and somebody in it.
pub(crate) fn with_a_room(dir: &Path) -> SqliteStore {
    let mut store = SqliteStore::open(dir).unwrap();
    store.commit(&batch(vec![Write::Sender(sender()), Write::Room(Box::new(room()))])).unwrap();
    store
}

/// A store with 1,000 events, closed again.
pub(crate) fn filled(dir: &Path) {
    let mut store = with_a_room(dir);
    store.commit(&says(1..1001)).unwrap();
    store.flush_search();
}

/// Events in the lab.
pub(crate) fn count(store: &SqliteStore) -> usize {
    store.reader().unwrap().ascending(LAB, 0, u64::MAX, usize::MAX, usize::MAX).unwrap().len()
}

/// Hits in the lab, five at most.
pub(crate) fn found(store: &SqliteStore, words: &str) -> usize {
    store.flush_search();
    let plan = SearchPlan { words: words.into(), rooms: vec![LAB], limit: 5, ..SearchPlan::default() };
    search_all(store.reader().unwrap().as_mut(), &plan).unwrap().len()
}
