//! A clock that a test sets.

use hubbub_hub::{Clock, Pause};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// A time of day that stands still until it is told otherwise. Whoever waits by this clock waits for as long as really
/// passes, less what it jumps ahead. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<watch::Sender<Hands>>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now_ms: i64,
    made: Instant,
    /// All jumps ahead.
    jumped: Duration,
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(1_700_000_000_000)
    }
}

impl TestClock {
    /// A clock that shows this many milliseconds since 1970.
    pub fn at(now_ms: i64) -> Self {
        Self(Arc::new(watch::Sender::new(Hands { now_ms, made: Instant::now(), jumped: Duration::ZERO })))
    }

    /// Shows this from now on.
    pub fn set(&self, now_ms: i64) {
        self.jump(now_ms.saturating_sub(self.now_ms()));
    }

    /// Jumps by so many milliseconds, backwards if negative.
    pub fn jump(&self, by_ms: i64) {
        self.0.send_modify(|hands| {
            hands.now_ms = hands.now_ms.saturating_add(by_ms);
            hands.jumped += Duration::from_millis(u64::try_from(by_ms).unwrap_or(0));
        });
    }
}

impl Hands {
    fn elapsed(&self) -> Duration {
        self.made.elapsed() + self.jumped
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.borrow().now_ms
    }

    fn elapsed(&self) -> Duration {
        self.0.borrow().elapsed()
    }

    fn until(&self, elapsed: Duration) -> Pause<'_> {
        let mut hands = self.0.subscribe();
        Box::pin(async move {
            loop {
                let left = elapsed.saturating_sub(hands.borrow_and_update().elapsed());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    _ = hands.changed() => {}
                }
            }
        })
    }
}
