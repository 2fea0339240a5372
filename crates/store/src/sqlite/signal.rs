//! How the writer tells the indexer that logs have moved, without ever waiting for it.
//!
//! **Invariant.** A room whose log moved is in `rooms` until the indexer has taken it, and taken it is looked at again:
//! no move is lost, and however many there are, a room is in the set once.

use hubbub_model::RoomId;
use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Default)]
pub(crate) struct Signal {
    // Held for a few instructions only; inside it no other lock is taken.
    todo: Mutex<Todo>,
    /// Wakes the indexer.
    moved: Condvar,
    /// Wakes those who wait until all is indexed.
    settled: Condvar,
    /// Events committed since the store was opened; tells the indexer how busy the hub is.
    committed: AtomicU64,
    /// Which search.db this is; 0 while there is none.
    life: AtomicU64,
}

#[derive(Default)]
struct Todo {
    rooms: BTreeSet<RoomId>,
    last: Option<RoomId>,
    ready: bool,
    working: bool,
    asleep: bool,
    stop: bool,
    rebuild: bool,
    /// What was redacted shall leave search.db.
    scrub: bool,
    gave_up: bool,
    hurried: usize,
}

/// What the indexer shall do next.
pub(crate) enum Task {
    Index(RoomId),
    Rebuild,
    Scrub,
    Stop,
}

impl Signal {
    /// The writer: these logs have moved, by so many events in all.
    pub(crate) fn moved(&self, rooms: impl IntoIterator<Item = RoomId>, events: u64) {
        self.committed.fetch_add(events, Ordering::Relaxed);
        let mut todo = self.todo();
        todo.rooms.extend(rooms);
        if todo.asleep {
            self.moved.notify_all();
        }
    }

    /// Waits until all is indexed that is committed, or the indexer cannot.
    pub(crate) fn wait_settled(&self) {
        let mut todo = self.todo();
        todo.hurried += 1;
        self.moved.notify_all();
        let busy = |todo: &mut Todo| {
            !todo.stop
                && !todo.gave_up
                && (!todo.ready || todo.rebuild || todo.working || todo.scrub || !todo.rooms.is_empty())
        };
        todo = self.settled.wait_while(todo, busy).unwrap_or_else(PoisonError::into_inner);
        todo.hurried -= 1;
    }

    /// Asks the indexer to end.
    pub(crate) fn stop(&self) {
        self.todo().stop = true;
        self.moved.notify_all();
        self.settled.notify_all();
    }

    /// Asks for a new search.db.
    pub(crate) fn rebuild(&self) {
        self.todo().rebuild = true;
        self.moved.notify_all();
    }

    /// Asks for what was redacted to leave search.db, once all is indexed.
    pub(crate) fn scrub(&self) {
        self.todo().scrub = true;
        self.moved.notify_all();
    }

    /// Which search.db there is; 0 for none.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::Acquire)
    }

    /// The indexer: search.db is there, and these rooms have to be looked at.
    pub(crate) fn begin(&self, rooms: impl IntoIterator<Item = RoomId>) {
        let mut todo = self.todo();
        (todo.ready, todo.working, todo.gave_up, todo.rebuild) = (true, false, false, false);
        todo.rooms.extend(rooms);
        self.life.fetch_add(1, Ordering::AcqRel);
        self.settled.notify_all();
    }

    /// The indexer: it cannot go on for now.
    pub(crate) fn give_up(&self) {
        let mut todo = self.todo();
        (todo.gave_up, todo.working) = (true, false);
        self.settled.notify_all();
    }

    /// The indexer: the next task. Sleeps until there is one. Rooms take turns.
    pub(crate) fn next(&self) -> Task {
        let mut todo = self.todo();
        todo.asleep = true;
        let idle = |todo: &mut Todo| !(todo.stop || todo.rebuild || todo.scrub) && todo.rooms.is_empty();
        todo = self.moved.wait_while(todo, idle).unwrap_or_else(PoisonError::into_inner);
        todo.asleep = false;
        if todo.stop {
            return Task::Stop;
        }
        if todo.rebuild {
            return Task::Rebuild;
        }
        todo.working = true;
        let behind = todo.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = todo.rooms.range((behind, Bound::Unbounded)).next().or(todo.rooms.first()).copied();
        let Some(room) = next else {
            todo.scrub = false;
            return Task::Scrub;
        };
        todo.rooms.remove(&room);
        todo.last = Some(room);
        Task::Index(room)
    }

    /// The indexer: a slice of work is done; the room has more of it or not.
    pub(crate) fn did(&self, room: RoomId, more: bool) {
        let mut todo = self.todo();
        todo.working = false;
        if more {
            todo.rooms.insert(room);
        }
        self.settled.notify_all();
    }

    /// The indexer: a step of the scrubbing is done; there is more of it or not.
    pub(crate) fn scrubbed(&self, more: bool) {
        let mut todo = self.todo();
        todo.working = false;
        todo.scrub |= more;
        self.settled.notify_all();
    }

    /// The indexer: waits so long, unless it shall stop or hurry.
    pub(crate) fn pause(&self, pause: Duration) {
        let calm = |todo: &mut Todo| !todo.stop && todo.hurried == 0;
        drop(self.moved.wait_timeout_while(self.todo(), pause, calm));
    }

    /// Whether the indexer shall end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.todo().stop
    }

    /// A measure of how busy the hub is.
    pub(crate) fn pace(&self) -> Pace {
        Pace { since: Instant::now(), count: self.committed.load(Ordering::Relaxed), busy: false }
    }

    fn todo(&self) -> MutexGuard<'_, Todo> {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events of a second from which on the hub counts as busy.
const BUSY_EVENTS_PER_S: u64 = 2_000;

/// Tells a busy hub from an idle one, by what it committed in the last second.
pub(crate) struct Pace {
    since: Instant,
    count: u64,
    busy: bool,
}

impl Pace {
    pub(crate) fn is_busy(&mut self, signal: &Signal) -> bool {
        let (now, count) = (Instant::now(), signal.committed.load(Ordering::Relaxed));
        let passed_ms = u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX);
        let events = count - self.count;
        if passed_ms >= 1000 {
            let busy = events.saturating_mul(1000) / passed_ms > BUSY_EVENTS_PER_S;
            *self = Self { since: now, count, busy };
        } else if events > BUSY_EVENTS_PER_S {
            self.busy = true;
        }
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_makes_the_hub_busy() {
        let signal = Signal::default();
        let mut pace = signal.pace();
        assert!(!pace.is_busy(&signal));
        signal.moved([RoomId(1)], BUSY_EVENTS_PER_S + 1);
        assert!(pace.is_busy(&signal));
        pace.since = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        assert!(!pace.is_busy(&signal), "so many in two seconds are not many");
    }

    #[test]
    fn rooms_take_turns() {
        let signal = Signal::default();
        signal.begin([1, 2, 3].map(RoomId));
        let turns: Vec<u32> = (0..5)
            .map(|_| match signal.next() {
                Task::Index(room) => {
                    signal.did(room, true);
                    room.0
                }
                _ => 0,
            })
            .collect();
        assert_eq!(turns, [1, 2, 3, 1, 2]);
        signal.stop();
        assert!(matches!(signal.next(), Task::Stop));
    }
}
