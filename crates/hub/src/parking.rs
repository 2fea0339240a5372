//! How readers sleep and wake. A log has a head and a list of parked readers; a conn has one bell.
//!
//! **Invariants.** I3, no lost wake: a reader behind the head is awake or its bell is marked. I4: a batch rings a
//! bell at most once, however many of the conn's logs moved. Both hold because a reader parks under the same
//! lock that the publisher takes after it has moved the head, and looks at the head again after parking.
//!
//! Lock order: `parked` is a leaf; nothing is locked while it is held.

use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, WakerCell};
use std::task::Waker;

/// Marks of a conn: one bit for its control queue, the others for its cursors (shared when there are many).
#[derive(Default)]
pub(crate) struct Bell {
    marks: AtomicU64,
    waker: WakerCell,
    closed: AtomicBool,
}

/// The mark of the control queue. Cursors use the marks below it.
pub(crate) const CONTROL_MARK: u32 = 63;

impl Bell {
    /// Marks, and wakes the conn's task if nothing was marked before.
    pub(crate) fn ring(&self, mark: u32) {
        if self.marks.fetch_or(1 << mark, Ordering::AcqRel) == 0 {
            self.waker.wake();
        }
    }

    /// Marks everything.
    pub(crate) fn ring_all(&self) {
        if self.marks.swap(u64::MAX, Ordering::AcqRel) == 0 {
            self.waker.wake();
        }
    }

    /// Takes all marks off.
    pub(crate) fn take(&self) -> u64 {
        self.marks.swap(0, Ordering::AcqRel)
    }

    /// Remembers whom to wake. The caller MUST look for marks once more afterwards.
    pub(crate) fn sleep(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.marks.load(Ordering::Acquire) == 0
    }

    /// Nobody listens any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether nobody listens any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// A log's head and those who wait for it to move.
pub(crate) struct Parking {
    head: AtomicU64,
    parked: Mutex<Parked>,
}

struct Parked {
    /// Counts wakes. A reader that parked in this round is still in the list.
    round: u64,
    list: Vec<(Arc<Bell>, u32)>,
    /// When the list is this long, those whose conn has gone are thrown out.
    sweep_at: usize,
}

const SWEEP_MIN: usize = 64;

impl Parking {
    pub(crate) fn new(head: u64) -> Self {
        Self {
            head: AtomicU64::new(head),
            parked: Mutex::new(Parked { round: 1, list: Vec::new(), sweep_at: SWEEP_MIN }),
        }
    }

    /// The last committed place that is in the ring or the store.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Moves the head and takes the parked readers out into `wakes`, which must be empty. The caller rings them.
    pub(crate) fn advance(&self, head: u64, wakes: &mut Vec<(Arc<Bell>, u32)>) {
        self.head.store(head, Ordering::Release);
        let mut parked = self.parked.lock();
        parked.round += 1;
        parked.sweep_at = SWEEP_MIN;
        std::mem::swap(&mut parked.list, wakes);
    }

    /// Parks a reader whose next place is `next`, unless it is parked already (`round` is what the last call
    /// returned, 0 at first). `None`: the head has moved meanwhile, look again.
    pub(crate) fn park(&self, next: u64, round: u64, bell: &Arc<Bell>, mark: u32) -> Option<u64> {
        let now = {
            let mut parked = self.parked.lock();
            if parked.round != round {
                parked.list.push((bell.clone(), mark));
                parked.sweep();
            }
            parked.round
        };
        (self.head() < next).then_some(now)
    }
}

impl Parked {
    /// A silent room whose visitors come and go must not collect them.
    fn sweep(&mut self) {
        if self.list.len() >= self.sweep_at {
            self.list.retain(|(bell, _)| !bell.is_closed());
            self.sweep_at = (self.list.len() * 2).max(SWEEP_MIN);
        }
    }
}

#[cfg(all(test, not(hubbub_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_rung_once_however_many_logs_moved() {
        let wakes = std::sync::Arc::new(Counter::default());
        let bell = Bell::default();
        assert!(bell.sleep(&Waker::from(wakes.clone())));
        bell.ring(0);
        bell.ring(1);
        bell.ring(CONTROL_MARK);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "I4");
        assert_eq!(bell.take(), 1 | 2 | 1 << 63);
    }

    #[test]
    fn a_silent_room_does_not_collect_those_who_left() {
        let parking = Parking::new(0);
        for _ in 0..10_000 {
            let bell = Arc::new(Bell::default());
            assert!(parking.park(1, 0, &bell, 0).is_some());
            bell.close();
        }
        assert!(parking.parked.lock().list.len() <= SWEEP_MIN);
    }

    #[test]
    fn parking_twice_in_one_round_is_parking_once() {
        let (parking, bell) = (Parking::new(0), Arc::new(Bell::default()));
        let round = parking.park(1, 0, &bell, 0).unwrap();
        assert_eq!(parking.park(1, round, &bell, 0), Some(round));
        let mut wakes = Vec::new();
        parking.advance(1, &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(parking.park(1, round, &bell, 0), None, "the head is past the reader");
    }

    #[derive(Default)]
    struct Counter(std::sync::atomic::AtomicU64);

    impl std::task::Wake for Counter {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[cfg(all(test, hubbub_loom))]
mod loom_tests {
    use super::*;

    /// Every interleaving with at most this many preemptions: more take minutes and find no more.
    const PREEMPTIONS_MAX: usize = 3;

    fn model(story: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(PREEMPTIONS_MAX);
        builder.check(story);
    }

    /// I3: a reader of one log, a publisher of two places; the reader never sleeps for ever.
    #[test]
    fn loom_no_wake_is_lost() {
        model(|| {
            let parking = Arc::new(Parking::new(0));
            let bell = Arc::new(Bell::default());
            let publisher = {
                let parking = parking.clone();
                loom::thread::spawn(move || {
                    for head in 1..=2 {
                        let mut wakes = Vec::new();
                        parking.advance(head, &mut wakes);
                        for (bell, mark) in wakes {
                            bell.ring(mark);
                        }
                    }
                })
            };
            let mut next = 1;
            let mut round = 0;
            loom::future::block_on(std::future::poll_fn(|cx| {
                loop {
                    bell.take();
                    if parking.head() >= next {
                        next = parking.head() + 1;
                    }
                    if next == 3 {
                        return std::task::Poll::Ready(());
                    }
                    match parking.park(next, round, &bell, 0) {
                        None => continue,
                        Some(now) => round = now,
                    }
                    if bell.sleep(cx.waker()) {
                        return std::task::Poll::Pending;
                    }
                }
            }));
            publisher.join().unwrap();
        });
    }

    /// I3 and I4: two logs move at once; one sleep sees both.
    #[test]
    fn loom_two_logs_one_bell() {
        model(|| {
            let logs = [Arc::new(Parking::new(0)), Arc::new(Parking::new(0))];
            let bell = Arc::new(Bell::default());
            let publishers: Vec<_> = logs
                .iter()
                .map(|log| {
                    let log = log.clone();
                    loom::thread::spawn(move || {
                        let mut wakes = Vec::new();
                        log.advance(1, &mut wakes);
                        for (bell, mark) in wakes {
                            bell.ring(mark);
                        }
                    })
                })
                .collect();
            let mut rounds = [0; 2];
            loom::future::block_on(std::future::poll_fn(|cx| {
                loop {
                    bell.take();
                    let (mut moved, mut arrived) = (false, 0);
                    for (i, log) in logs.iter().enumerate() {
                        // Each head is looked at once, as a cursor does.
                        if log.head() == 1 {
                            arrived += 1;
                            continue;
                        }
                        match log.park(1, rounds[i], &bell, i as u32) {
                            None => moved = true,
                            Some(now) => rounds[i] = now,
                        }
                    }
                    if arrived == logs.len() {
                        return std::task::Poll::Ready(());
                    }
                    if !moved && bell.sleep(cx.waker()) {
                        return std::task::Poll::Pending;
                    }
                }
            }));
            for publisher in publishers {
                publisher.join().unwrap();
            }
        });
    }
}
