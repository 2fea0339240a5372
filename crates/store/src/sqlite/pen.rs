//! Whose turn it is to write to hubbub.db: the hub's commits', or for a moment the keeper's.
//!
//! **Invariant.** SQLite has one writer at a time and makes the next one sleep and try again. With the pen in hand nobody
//! sleeps for longer than the other one writes, and the keeper sees that it is waited for.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

#[derive(Default)]
pub(crate) struct Pen {
    // Held over a transaction: the one lock here that is.
    writing: Mutex<()>,
    /// A commit waits for it.
    wanted: AtomicBool,
}

/// The pen in hand; let go of when dropped.
pub(crate) struct Held<'a> {
    pen: &'a Pen,
    _writing: MutexGuard<'a, ()>,
}

impl Pen {
    /// For the keeper.
    pub(crate) fn take(&self) -> Held<'_> {
        // A commit that waits comes first, whatever the mutex thinks.
        while self.wanted.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        Held { pen: self, _writing: self.lock() }
    }

    /// For a commit, which the keeper makes way for.
    pub(crate) fn take_first(&self) -> Held<'_> {
        self.wanted.store(true, Ordering::Release);
        let writing = self.lock();
        self.wanted.store(false, Ordering::Release);
        Held { pen: self, _writing: writing }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// Whether a commit waits.
    pub(crate) fn is_wanted(&self) -> bool {
        self.pen.wanted.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keeper_hears_of_a_commit_that_waits_and_does_not_come_before_it() {
        let pen = Pen::default();
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let held = pen.take();
            assert!(!held.is_wanted());
            scope.spawn(|| {
                let _held = pen.take_first();
                order.lock().unwrap().push("commit");
            });
            while !held.is_wanted() {
                std::thread::yield_now();
            }
            drop(held);
            let _again = pen.take();
            order.lock().unwrap().push("keeper");
        });
        assert_eq!(order.into_inner().unwrap(), ["commit", "keeper"]);
    }
}
