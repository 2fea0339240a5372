//! A store that fails, or takes its time, when a test says so.

use crate::PATIENCE;
use hubbub_hub::store::{
    Batch, Findings, Loaded, Outcome, Reader, SearchPlan, Store, StoreError, StoreFault,
};
use hubbub_model::{Event, EventId, RoomId};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What a test does to a [`FaultyStore`]. Clones are the same.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Commits that wait at the gate.
    waiting: watch::Sender<usize>,
    /// Commits that went through.
    committed: watch::Sender<usize>,
    /// Times that the store was asked to tidy.
    tidied: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    commits_fail: bool,
    reads_fail: bool,
    commits_held: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            waiting: watch::Sender::new(0),
            committed: watch::Sender::new(0),
            tidied: watch::Sender::new(0),
        }))
    }
}

impl Faults {
    /// Every commit from now on fails.
    pub fn fail_commits(&self) {
        self.state().commits_fail = true;
    }

    /// Every read from now on fails.
    pub fn fail_reads(&self) {
        self.state().reads_fail = true;
    }

    /// Every commit from now on waits until `release`.
    pub fn hold_commits(&self) {
        self.state().commits_held = true;
    }

    /// Lets commits go on.
    pub fn release(&self) {
        self.state().commits_held = false;
        self.0.changed.notify_all();
    }

    /// Waits until a commit waits.
    ///
    /// # Panics
    /// When none does within `PATIENCE`.
    pub async fn until_held(&self) {
        let mut waiting = self.0.waiting.subscribe();
        if tokio::time::timeout(PATIENCE, waiting.wait_for(|n| *n > 0)).await.is_err() {
            panic!("no commit came to be held within {PATIENCE:?}");
        }
    }

    /// Waits until the hub has asked the store so often to tidy.
    ///
    /// # Panics
    /// When it has not within `PATIENCE`.
    pub async fn until_tidied(&self, times: usize) {
        let mut tidied = self.0.tidied.subscribe();
        if tokio::time::timeout(PATIENCE, tidied.wait_for(|n| *n >= times)).await.is_err() {
            panic!("the store was not asked {times} times to tidy within {PATIENCE:?}");
        }
    }

    /// How often the hub has asked the store to tidy.
    pub fn tidied(&self) -> usize {
        *self.0.tidied.borrow()
    }

    /// Waits until so many commits went through.
    ///
    /// # Panics
    /// When they have not within `PATIENCE`.
    pub async fn until_commits(&self, commits: usize) {
        let mut committed = self.0.committed.subscribe();
        if tokio::time::timeout(PATIENCE, committed.wait_for(|n| *n >= commits)).await.is_err() {
            panic!("no {commits} commits went through within {PATIENCE:?}");
        }
    }

    /// How many commits went through.
    pub fn commits(&self) -> usize {
        *self.0.committed.borrow()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_commit(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.commits_held {
            self.0.waiting.send_modify(|n| *n += 1);
            while state.commits_held {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            self.0.waiting.send_modify(|n| *n -= 1);
        }
        if state.commits_fail {
            return Err(told("commit"));
        }
        drop(state);
        self.0.committed.send_modify(|n| *n += 1);
        Ok(())
    }

    fn at_read(&self) -> Result<(), StoreError> {
        if self.state().reads_fail { Err(told("read")) } else { Ok(()) }
    }
}

fn told(what: &str) -> StoreError {
    StoreError::new(StoreFault::Io, format!("this {what} was told to fail"))
}

/// A store that does what its [`Faults`] say, and otherwise what the store in it does.
pub struct FaultyStore<S> {
    store: S,
    faults: Faults,
}

impl<S> FaultyStore<S> {
    /// Puts the faults before the store.
    pub fn new(store: S, faults: &Faults) -> Self {
        Self { store, faults: faults.clone() }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.store.load()
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        self.faults.at_commit()?;
        self.store.commit(batch)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(FaultyReader { reader: self.store.reader()?, faults: self.faults.clone() }))
    }

    fn tidy(&mut self, now_ms: i64) -> Result<(), StoreError> {
        self.store.tidy(now_ms)?;
        self.faults.0.tidied.send_modify(|n| *n += 1);
        Ok(())
    }
}

struct FaultyReader {
    reader: Box<dyn Reader>,
    faults: Faults,
}

impl Reader for FaultyReader {
    fn ascending(
        &mut self,
        room: RoomId,
        from: u64,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.faults.at_read()?;
        self.reader.ascending(room, from, to, limit, bytes_max)
    }

    fn descending(
        &mut self,
        room: RoomId,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.faults.at_read()?;
        self.reader.descending(room, to, limit, bytes_max)
    }

    fn first_from(&mut self, room: RoomId, id: EventId) -> Result<Option<u64>, StoreError> {
        self.faults.at_read()?;
        self.reader.first_from(room, id)
    }

    fn search(&mut self, plan: &SearchPlan, so_far: Findings) -> Result<Findings, StoreError> {
        self.faults.at_read()?;
        self.reader.search(plan, so_far)
    }
}
