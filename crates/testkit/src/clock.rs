//! A wall clock that a test sets.

use hubbub_hub::Clock;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Stands still until it is told otherwise. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        Self::at(1_700_000_000_000)
    }
}

impl TestClock {
    /// A clock that shows this many milliseconds since 1970.
    pub fn at(now_ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now_ms)))
    }

    /// Shows this from now on.
    pub fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// Jumps by so many milliseconds, backwards if negative.
    pub fn jump(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
