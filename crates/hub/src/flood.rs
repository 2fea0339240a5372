//! How many commands a session may hand in: so many at once, so many each second after that.
//!
//! **Invariant.** One number tells all: until when what was handed in is paid for at the even pace (GCRA). It needs no
//! timer and no refilling, and whoever waits holds back nobody else.

use hubbub_model::Limits;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// The pace of one session.
#[derive(Debug)]
pub(crate) struct Flood {
    start: Instant,
    /// Nanoseconds from `start` until which what was handed in is paid for.
    paid_until: AtomicU64,
    /// Nanoseconds for one command.
    each: u64,
    /// Commands at once.
    burst: u64,
}

impl Flood {
    /// The pace for a peer at this address; `None`: without a limit. Loopback and Unix sockets have a limit of their own.
    pub(crate) fn of(address: Option<IpAddr>, limits: &Limits) -> Option<Box<Self>> {
        let local = address.is_none_or(|address| address.to_canonical().is_loopback());
        let rate = if local { limits.local_commands_per_s } else { limits.commands_per_s };
        let each = 1_000_000_000u64.checked_div(rate)?.max(1);
        let burst = u64::try_from(limits.commands_burst).unwrap_or(u64::MAX).max(1);
        Some(Box::new(Self { start: Instant::now(), paid_until: AtomicU64::new(0), each, burst }))
    }

    /// How many commands may be handed in now.
    pub(crate) fn allowance(&self) -> usize {
        let ahead = self.paid_until.load(Ordering::Relaxed).saturating_sub(self.now());
        usize::try_from(self.room().saturating_sub(ahead) / self.each).unwrap_or(usize::MAX)
    }

    /// How long until so many commands may be handed in. More than the burst count as the burst.
    pub(crate) fn wait_for(&self, commands: usize) -> Duration {
        let cost = self.cost(commands).min(self.room());
        let ahead = self.paid_until.load(Ordering::Relaxed).saturating_sub(self.now());
        Duration::from_nanos((ahead + cost).saturating_sub(self.room()))
    }

    /// So many commands have been handed in.
    pub(crate) fn spend(&self, commands: usize) {
        let (now, cost) = (self.now(), self.cost(commands));
        let later = |until: u64| Some(until.max(now).saturating_add(cost));
        // It always gives a new value, so that it cannot fail.
        let _ = self.paid_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    fn room(&self) -> u64 {
        self.burst.saturating_mul(self.each)
    }

    fn cost(&self, commands: usize) -> u64 {
        u64::try_from(commands).unwrap_or(u64::MAX).saturating_mul(self.each)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(address: &str, rates: (u64, u64)) -> Option<Box<Flood>> {
        let (commands_per_s, local_commands_per_s) = rates;
        let limits = Limits { commands_per_s, local_commands_per_s, commands_burst: 5, ..Limits::default() };
        Flood::of(address.parse().ok(), &limits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_an_even_pace() {
        let flood = flood("203.0.113.1", (10, 0)).expect("a limit");
        assert_eq!((flood.allowance(), flood.wait_for(5)), (5, Duration::ZERO));
        flood.spend(5);
        assert_eq!((flood.allowance(), flood.wait_for(1)), (0, Duration::from_millis(100)));
        assert_eq!(flood.wait_for(2), Duration::from_millis(200));
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(flood.allowance(), 2);
        flood.spend(2);
        assert_eq!(flood.wait_for(1), Duration::from_millis(50));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(flood.allowance(), 5, "no more than a burst is saved up");
        // What is more than a burst goes at once when all is paid, and is paid for afterwards.
        assert_eq!(flood.wait_for(8), Duration::ZERO);
        flood.spend(8);
        assert_eq!((flood.allowance(), flood.wait_for(1)), (0, Duration::from_millis(400)));
    }

    #[tokio::test]
    async fn who_is_local_has_a_limit_of_their_own() {
        for local in ["127.0.0.1", "::1", "::ffff:127.0.0.9", "a Unix socket"] {
            assert!(flood(local, (10, 0)).is_none(), "{local}");
            assert!(flood(local, (0, 10)).is_some(), "{local}");
        }
        assert!(flood("203.0.113.1", (0, 10)).is_none(), "0 is no limit");
    }
}
