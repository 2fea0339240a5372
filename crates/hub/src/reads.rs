//! Reading the store, on threads of its own: refills for cursors, history and search for sessions.
//!
//! **Invariant.** No async worker and not the hub thread ever waits for a read here. The queue is bounded by
//! what its users may have under way: one refill per cursor, and the commands that a session may have pending. A job takes
//! some tens of milliseconds at most; a long search is many jobs, one behind the other.

use crate::{
    block::Block,
    inbox::{Outlet, Refilled},
    store::{Findings, Reader, SearchPlan, StoreError},
};
use hubbub_model::{Event, RoomId};
use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, sync::Arc, thread::JoinHandle};
use tokio::sync::oneshot;

/// Events and bytes of text that one refill brings.
const REFILL_EVENTS: usize = 1_000;
const REFILL_BYTES: usize = 256 * 1024;

/// A search under way.
struct Search {
    outlet: Arc<Outlet>,
    plan: SearchPlan,
    tell: Tell,
}

type Tell = Box<dyn FnOnce(&Outlet, Hits) + Send>;

/// What a search comes to, newest first.
type Hits = Result<Vec<(RoomId, Event)>, StoreError>;

type Job = Box<dyn FnOnce(&mut dyn Reader) + Send>;

/// A handle to the reading threads.
#[derive(Clone)]
pub(crate) struct Reads(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    stopped: bool,
}

impl Reads {
    /// Starts one thread per reader.
    pub(crate) fn start(readers: Vec<Box<dyn Reader>>) -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let reads = Self(Arc::new(Shared { queue: Mutex::default(), more: Condvar::new() }));
        let threads = readers
            .into_iter()
            .map(|reader| {
                let reads = reads.clone();
                std::thread::Builder::new().name("hub-read".into()).spawn(move || reads.work(reader))
            })
            .collect::<Result<_, _>>()?;
        Ok((reads, threads))
    }

    /// Runs the job on a reading thread. After `stop` it is dropped.
    pub(crate) fn run(&self, job: impl FnOnce(&mut dyn Reader) + Send + 'static) {
        let mut queue = self.0.queue.lock();
        if !queue.stopped {
            queue.jobs.push_back(Box::new(job));
            self.0.more.notify_one();
        }
    }

    /// The events of the log from `from` on, `to` at most, as one block.
    pub(crate) fn refill(&self, room: RoomId, from: u64, to: u64) -> oneshot::Receiver<Refilled> {
        let (tell, told) = oneshot::channel();
        self.run(move |reader| {
            let block = reader
                .ascending(room, from, to, REFILL_EVENTS, REFILL_BYTES)
                .map(|events| (!events.is_empty()).then(|| Arc::new(Block::new(events))))
                .map_err(|error| report(&error));
            // A reader that has gone needs no block.
            let _ = tell.send(block);
        });
        told
    }

    /// Searches step by step; between two steps others get their turn. Ends early, and tells nothing, once nobody but
    /// this has the outlet.
    pub(crate) fn search(
        &self,
        outlet: Arc<Outlet>,
        plan: SearchPlan,
        tell: impl FnOnce(&Outlet, Hits) + Send + 'static,
    ) {
        self.search_on(Search { outlet, plan, tell: Box::new(tell) }, Findings::default());
    }

    fn search_on(&self, search: Search, so_far: Findings) {
        let reads = self.clone();
        self.run(move |reader| match reader.search(&search.plan, so_far) {
            Ok(Findings { more: Some(_), .. }) if Arc::strong_count(&search.outlet) == 1 => {}
            Ok(so_far) if so_far.more.is_some() => reads.search_on(search, so_far),
            end => (search.tell)(&search.outlet, end.map(|findings| findings.hits)),
        });
    }

    /// Ends the threads once they have finished what they are doing.
    pub(crate) fn stop(&self) {
        let mut queue = self.0.queue.lock();
        queue.stopped = true;
        queue.jobs.clear();
        self.0.more.notify_all();
    }

    fn work(&self, mut reader: Box<dyn Reader>) {
        while let Some(job) = self.take() {
            job(reader.as_mut());
        }
    }

    fn take(&self) -> Option<Job> {
        let mut queue = self.0.queue.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            self.0.more.wait(&mut queue);
        }
    }
}

pub(crate) fn report(error: &StoreError) {
    tracing::error!(fault = ?error.fault, cause = ?error.source, "reading the store failed: {error}");
}
