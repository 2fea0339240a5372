//! What was done under a txn in rooms that no store keeps, so that a retry there is done once too.
//!
//! **Invariant.** Bounded in count and age by `ephemeral_txns_max` and `ephemeral_txn_s`; the oldest go first.

use hubbub_model::{EventId, Limits, Reply, RoomId};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// The table of txns.
#[derive(Default)]
pub(crate) struct Marks {
    done: HashMap<Arc<str>, Done>,
    /// In the order of `done`'s insertions, with their times in milliseconds since 1970.
    order: VecDeque<(i64, Arc<str>)>,
}

/// What a txn did the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) room: RoomId,
    pub(crate) seq: u64,
    pub(crate) id: EventId,
    pub(crate) ts_ms: i64,
}

impl Marks {
    /// What was done under this txn, if it is remembered.
    pub(crate) fn find(&self, txn: &str) -> Option<Done> {
        self.done.get(txn).copied()
    }

    /// Remembers what was done, and forgets what is too old or too much.
    pub(crate) fn put(&mut self, txn: Arc<str>, done: Done, limits: &Limits, now_ms: i64) {
        self.forget(limits.ephemeral_txn_s, now_ms);
        while self.order.len() >= limits.ephemeral_txns_max.max(1) {
            self.pop();
        }
        self.order.push_back((now_ms, txn.clone()));
        self.done.insert(txn, done);
    }

    /// Forgets what is older than so many seconds.
    pub(crate) fn forget(&mut self, age_s: u64, now_ms: i64) {
        let age_ms = i64::try_from(age_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        while self.order.front().is_some_and(|(at_ms, _)| now_ms.saturating_sub(*at_ms) >= age_ms) {
            self.pop();
        }
    }

    /// Whether anything is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn pop(&mut self) {
        if let Some((_, txn)) = self.order.pop_front() {
            self.done.remove(&txn);
        }
    }
}

impl Done {
    /// The answer to whoever asks for it again.
    pub(crate) fn again(self) -> Reply {
        let Self { room, seq, id, ts_ms } = self;
        Reply::Committed { room, seq, id, ts_ms, repeated: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_or_too_much_is_forgotten() {
        let limits = Limits { ephemeral_txns_max: 2, ephemeral_txn_s: 10, ..Limits::default() };
        let done = |seq| Done { room: RoomId(1), seq, id: EventId(u128::from(seq)), ts_ms: 0 };
        let mut marks = Marks::default();
        for (seq, txn) in (1..).zip(["a", "b", "c"]) {
            marks.put(txn.into(), done(seq), &limits, 1_000 * seq.cast_signed());
        }
        assert_eq!((marks.find("a"), marks.find("b"), marks.find("c")), (None, Some(done(2)), Some(done(3))));
        marks.forget(limits.ephemeral_txn_s, 12_000);
        assert_eq!((marks.find("b"), marks.find("c")), (None, Some(done(3))));
        marks.forget(limits.ephemeral_txn_s, 13_000);
        assert!(marks.is_empty() && marks.done.is_empty());
    }
}
