//! Random histories of one log against a plain `Vec`, for both stores.

use crate::support::{append, message, room, sender};
use hubbub_hub::store::{Append, Batch, Outcome, Store, Write};
use hubbub_model::{EventId, EventKind, RoomId, Text};
use hubbub_store::{MemoryStore, SqliteStore};
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Debug)]
enum Step {
    /// Events of one batch: whether each counts, and its txn.
    Append(Vec<(bool, Option<u8>)>),
    Trim(u64),
    Redact(u64),
    Up(u64, u64, usize),
    Down(u64, usize),
    From(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (any::<bool>(), proptest::option::weighted(0.3, 0u8..20));
    let step = prop_oneof![
        4 => proptest::collection::vec(event, 0..40).prop_map(Step::Append),
        1 => (0u64..120).prop_map(Step::Trim),
        1 => (0u64..120).prop_map(Step::Redact),
        2 => (0u64..120, 0u64..120, 0usize..30).prop_map(|(a, b, n)| Step::Up(a, b, n)),
        2 => (0u64..120, 0usize..30).prop_map(|(a, n)| Step::Down(a, n)),
        2 => (0u64..500).prop_map(Step::From),
    ];
    proptest::collection::vec(step, 1..25)
}

/// What the log should be.
#[derive(Default)]
struct Model {
    kept: Vec<(u64, u64, u128, bool)>,
    head: u64,
    countable: u64,
    ids: u128,
    txns: HashMap<u8, (u64, u128)>,
}

impl Model {
    fn append(&mut self, kind: EventKind, txn: Option<u8>, expected: &mut Vec<Outcome>) -> Append {
        self.ids += 3;
        let id = self.ids;
        match txn.and_then(|txn| self.txns.get(&txn)) {
            Some(&(seq, id)) => {
                expected.push(Outcome::Repeated { room: RoomId(1), seq, id: EventId(id), ts_ms: 7 });
            }
            None => {
                self.head += 1;
                self.countable += u64::from(kind.is_countable());
                self.kept.push((self.head, self.countable, id, false));
                self.txns.extend(txn.map(|txn| (txn, (self.head, id))));
                expected.push(Outcome::Appended { seq: self.head, ordinal: self.countable });
            }
        }
        let txn = txn.map(|txn| txn.to_string().into());
        Append { txn, ..append(id, kind) }
    }
}

fn play(store: &mut dyn Store, steps: &[Step]) {
    let commit = |store: &mut dyn Store, writes| store.commit(&Batch { ts_ms: 7, writes }).unwrap();
    commit(store, vec![Write::Sender(sender()), Write::Room(Box::new(room()))]);
    let mut reader = store.reader().unwrap();
    let mut model = Model::default();
    let brief = |events: Vec<hubbub_model::Event>| -> Vec<_> {
        events.iter().map(|e| (e.seq, e.ordinal, e.id.0, e.kind == EventKind::Redacted)).collect()
    };
    for step in steps {
        let mut expected = Vec::new();
        match *step {
            Step::Append(ref events) => {
                let kind = |counts| match counts {
                    true => message("x"),
                    false => EventKind::Topic(Text::ours("t")),
                };
                let writes = events
                    .iter()
                    .map(|(counts, txn)| Write::Append(model.append(kind(*counts), *txn, &mut expected)));
                let writes = writes.collect();
                assert_eq!(commit(store, writes), expected);
            }
            Step::Trim(seq) => {
                commit(store, vec![Write::Trim(RoomId(1), seq)]);
                model.kept.retain(|kept| kept.0 >= seq);
            }
            Step::Redact(seq) => {
                let Some(at) = model.kept.iter_mut().find(|kept| kept.0 == seq) else { continue };
                at.3 = true;
                let (target, reason) = (EventId(at.2), Text::default());
                let append = model.append(EventKind::Redaction { target, reason }, None, &mut expected);
                assert_eq!(commit(store, vec![Write::Append(append)]), expected);
            }
            Step::Up(from, to, limit) => {
                let found = brief(reader.ascending(RoomId(1), from, to, limit, usize::MAX).unwrap());
                let all = model.kept.iter().filter(|kept| (from..=to).contains(&kept.0));
                assert_eq!(found, all.take(limit).copied().collect::<Vec<_>>());
            }
            Step::Down(to, limit) => {
                let found = brief(reader.descending(RoomId(1), to, limit, usize::MAX).unwrap());
                let all: Vec<_> = model.kept.iter().filter(|kept| kept.0 <= to).copied().collect();
                assert_eq!(found, all[all.len().saturating_sub(limit)..]);
            }
            Step::From(id) => {
                let found = reader.first_from(RoomId(1), EventId(u128::from(id))).unwrap();
                assert_eq!(found, model.kept.iter().find(|kept| kept.2 >= u128::from(id)).map(|kept| kept.0));
            }
        }
    }
    let row = store.load().unwrap().rooms.remove(0);
    let first = model.kept.first().map_or(model.head + 1, |kept| kept.0);
    assert_eq!((row.first_seq, row.head, row.countable), (first, model.head, model.countable));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_memory_store_is_a_vec(steps in steps()) {
        play(&mut MemoryStore::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn the_sqlite_store_is_a_vec(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        play(&mut SqliteStore::open(dir.path()).unwrap(), &steps);
    }
}
