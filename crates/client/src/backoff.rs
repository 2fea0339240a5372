//! How long to wait before the next try: exponential, with full jitter, so that the clients of a hub that comes back
//! do not all come at once.
//!
//! **Invariant.** Pure: chance is an argument.

use std::time::Duration;

/// The tries since the last conn that lasted.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    tries: u32,
}

impl Backoff {
    /// Waits up to `first` after the first failure, up to twice as long after each further one, never over `max`.
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, tries: 0 }
    }

    /// The conn lasted: begin with short waits again.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// The next wait: `chance` of 0 gives none, of `u32::MAX` the longest.
    pub(crate) fn next(&mut self, chance: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.tries.min(DOUBLINGS_MAX));
        self.tries = self.tries.saturating_add(1);
        doubled.min(self.max).mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

/// Beyond this, every sensible `max` is reached.
const DOUBLINGS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_are_spread_over_all_of_it() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let longest: Vec<u128> = (0..9).map(|_| backoff.next(u32::MAX).as_millis()).collect();
        assert_eq!(longest, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(backoff.next(0), Duration::ZERO);
        let half = backoff.next(u32::MAX / 2);
        assert!((14_999..=15_001).contains(&half.as_millis()), "{half:?}");
        backoff.reset();
        assert_eq!(backoff.next(u32::MAX).as_millis(), 500);
    }
}
