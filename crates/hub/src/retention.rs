//! Which logs may hold more than their room's retention keeps, and when to look at them.
//!
//! **Invariant.** A hub whose rooms have no retention has no timer for it. A log is looked at when it has grown, or when
//! its oldest event gets too old, and once in ten seconds at most. How a store deletes is the store's: see `Write::Trim`.

use crate::{core::Core, log::Log, reads::report, store::Write};
use hubbub_model::{EventId, Retention, RoomId, Ticket};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Least time between two looks at a log.
const LOOK_EVERY_MS: i64 = 10_000;

/// The logs to look at. All times are milliseconds since 1970.
#[derive(Default)]
pub(crate) struct Watch {
    /// Logs with a retention that have grown since the last look: when to look.
    grown: FxHashMap<RoomId, i64>,
    /// Logs that keep events for some time: when their oldest event is too old.
    aging: FxHashMap<RoomId, i64>,
    /// Nothing is to be looked at before.
    next_ms: i64,
    seen_ms: i64,
}

impl Watch {
    /// The log of a room with this retention has new events.
    pub(crate) fn grew(&mut self, room: RoomId, retention: Retention, now_ms: i64) {
        if retention != Retention::default() {
            let at = *self.grown.entry(room).or_insert(now_ms.saturating_add(LOOK_EVERY_MS));
            self.next_ms = self.next_ms.min(at);
        }
    }

    /// The log is no more, or is kept in another way from now on.
    pub(crate) fn forget(&mut self, room: RoomId) {
        self.grown.remove(&room);
        self.aging.remove(&room);
    }

    /// Whether there is anything to look at, now or later.
    pub(crate) fn is_due(&self) -> bool {
        !(self.grown.is_empty() && self.aging.is_empty())
    }

    /// The logs to look at now.
    fn take(&mut self, now_ms: i64) -> FxHashSet<RoomId> {
        // A clock that was set back must not stop the looking.
        let went_back = now_ms < std::mem::replace(&mut self.seen_ms, now_ms);
        if !self.is_due() || (now_ms < self.next_ms && !went_back) {
            return FxHashSet::default();
        }
        let mut rooms: FxHashSet<RoomId> =
            self.grown.extract_if(|_, at| *at <= now_ms || went_back).map(|(room, _)| room).collect();
        rooms.extend(self.aging.iter().filter(|(_, at)| **at <= now_ms).map(|(room, _)| *room));
        let later = self.grown.values().chain(self.aging.values().filter(|at| **at > now_ms));
        self.next_ms = later.copied().min().unwrap_or(i64::MAX);
        rooms
    }

    /// Whether the log may hold an event that is too old: so it is where nobody has looked yet.
    fn may_be_too_old(&self, room: RoomId, now_ms: i64) -> bool {
        self.aging.get(&room).is_none_or(|at| *at <= now_ms)
    }

    /// When the log's oldest event will be too old, if it has one. It may stay some seconds longer.
    fn ages(&mut self, room: RoomId, at_ms: Option<i64>, now_ms: i64) {
        let Some(at_ms) = at_ms else {
            self.aging.remove(&room);
            return;
        };
        let at_ms = at_ms.max(now_ms.saturating_add(LOOK_EVERY_MS));
        self.aging.insert(room, at_ms);
        self.next_ms = self.next_ms.min(at_ms);
    }
}

impl Core {
    /// Drops what the logs that are due no longer keep.
    pub(crate) fn retain_due(&mut self) {
        if self.is_read_only() {
            return;
        }
        for room in self.watch.take(self.now_ms) {
            self.retain(room);
        }
    }

    /// Drops what the room's retention no longer keeps.
    pub(crate) fn retain(&mut self, room: RoomId) {
        let (Some(live), Some(facts)) = (self.live.get(&room), self.facts.rooms.get(&room)) else {
            return self.watch.forget(room);
        };
        let (log, kept) = (live.log.clone(), facts.row.retention);
        let by_count = kept.events.map(|events| (log.head() + 1).saturating_sub(events));
        let by_age = match kept.age_s {
            Some(age_s) => self.first_young(&log, age_s),
            None => {
                self.watch.ages(room, None, self.now_ms);
                None
            }
        };
        let Some(first) = by_count.max(by_age).filter(|first| *first > log.first_kept()) else { return };
        let gone = self.countable_below(room, first);
        if log.is_ephemeral() {
            return self.trimmed(&log, first, gone);
        }
        self.write(Write::Trim(room, first));
        let nobody = Arc::new(crate::inbox::Outlet::new());
        self.after_then(&nobody, Ticket::NONE, move |core| {
            core.trimmed(&log, first, gone);
            None
        });
    }

    /// The place of the first event that is not older than this; none if no event may be too old yet.
    fn first_young(&mut self, log: &Log, age_s: u64) -> Option<u64> {
        let room = log.id();
        if !self.watch.may_be_too_old(room, self.now_ms) {
            return None;
        }
        let age_ms = i64::try_from(age_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let since_ms = u64::try_from(self.now_ms.saturating_sub(age_ms)).unwrap_or(0);
        let first = self.first_from(log, EventId::first_of_ms(since_ms))?;
        let oldest = self.id_at(log, first);
        // One millisecond more: an event of exactly this age is kept.
        let too_old = |id: EventId| {
            i64::try_from(id.unix_ms()).unwrap_or(i64::MAX).saturating_add(age_ms).saturating_add(1)
        };
        self.watch.ages(room, oldest.map(too_old), self.now_ms);
        Some(first)
    }

    /// The first place whose id is `id` or greater, or the one behind the head: from the ring, or from the store.
    fn first_from(&mut self, log: &Log, id: EventId) -> Option<u64> {
        let behind = log.head() + 1;
        if let Some(seq) = log.first_from(id) {
            return Some(seq);
        }
        if log.is_ephemeral() || log.first_kept() >= behind {
            return Some(behind);
        }
        let found = self.lookup.as_mut()?.first_from(log.id(), id);
        found.map(|seq| seq.unwrap_or(behind)).map_err(|error| report(&error)).ok()
    }

    fn id_at(&mut self, log: &Log, seq: u64) -> Option<EventId> {
        if let Some(event) = log.at(seq) {
            return Some(event.id);
        }
        if log.is_ephemeral() || seq > log.head() {
            return None;
        }
        let found = self.lookup.as_mut()?.ascending(log.id(), seq, seq, 1, usize::MAX);
        found.map_err(|error| report(&error)).ok()?.pop().map(|event| event.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPS_TEN: Retention = Retention { events: Some(10), age_s: None };
    const LAB: RoomId = RoomId(1);

    fn taken(watch: &mut Watch, now_ms: i64) -> usize {
        watch.take(now_ms).len()
    }

    #[test]
    fn a_hub_without_retention_has_nothing_to_look_at() {
        let mut watch = Watch::default();
        watch.grew(LAB, Retention::default(), 0);
        assert!(!watch.is_due());
        assert_eq!(taken(&mut watch, 1_000_000), 0);
    }

    #[test]
    fn a_log_that_grows_is_looked_at_every_ten_seconds_and_then_no_more() {
        let mut watch = Watch::default();
        watch.grew(LAB, KEEPS_TEN, 5_000);
        watch.grew(LAB, KEEPS_TEN, 14_000);
        assert!(watch.is_due());
        assert_eq!((taken(&mut watch, 14_999), taken(&mut watch, 15_000)), (0, 1));
        assert!(!watch.is_due(), "nothing is due until it grows again");
        watch.grew(LAB, KEEPS_TEN, 15_000);
        watch.grew(RoomId(2), KEEPS_TEN, 20_000);
        assert_eq!(
            (taken(&mut watch, 24_999), taken(&mut watch, 25_000), taken(&mut watch, 30_000)),
            (0, 1, 1)
        );
        watch.grew(LAB, KEEPS_TEN, 30_000);
        assert_eq!(taken(&mut watch, -1_000_000), 1, "the clock was set back");
    }

    #[test]
    fn a_log_ages_as_long_as_it_has_events() {
        let mut watch = Watch::default();
        assert!(watch.may_be_too_old(LAB, 0), "nobody has looked");
        watch.ages(LAB, Some(60_000), 0);
        assert!(watch.is_due() && !watch.may_be_too_old(LAB, 59_999) && watch.may_be_too_old(LAB, 60_000));
        assert_eq!((taken(&mut watch, 59_999), taken(&mut watch, 60_000)), (0, 1));
        watch.ages(LAB, Some(60_001), 60_000);
        assert_eq!((taken(&mut watch, 69_999), taken(&mut watch, 70_000)), (0, 1), "not at each batch");
        watch.ages(LAB, None, 70_000);
        assert!(!watch.is_due());
        watch.ages(LAB, Some(1), 0);
        watch.forget(LAB);
        assert!(!watch.is_due());
    }
}
