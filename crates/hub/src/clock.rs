//! Time, as something that a test sets: the time of day, and the time that passes.

use std::{pin::Pin, sync::LazyLock, time::Duration};

/// Tells the time of day, and lets time pass.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970. May jump, also backwards: order in a log never depends on it.
    fn now_ms(&self) -> i64;

    /// Time since some moment in the past. Never goes back.
    fn elapsed(&self) -> Duration;

    /// Ends once `elapsed` has come to this. Needs a runtime with a timer. Cancel safe.
    fn until(&self, elapsed: Duration) -> Pause<'_>;
}

/// What [`Clock::until`] gives.
pub type Pause<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

impl Clock for WallClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        START.elapsed()
    }

    fn until(&self, elapsed: Duration) -> Pause<'_> {
        Box::pin(tokio::time::sleep(elapsed.saturating_sub(self.elapsed())))
    }
}
