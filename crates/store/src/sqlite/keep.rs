//! The keeper: a thread that does for hubbub.db what need not happen in a commit. It deletes what is in no log any more,
//! forgets old txns, carries the write-ahead log over into the file, and cuts it off where redacted texts were in it.
//!
//! **Invariant.** No commit waits for more than one short step of this: a transaction of at most `STEP`, which ends
//! early when a commit wants the pen, without a wait for the disk; or the end of a checkpoint, whose bulk was carried over
//! before without the pen.

use super::{
    Shared,
    fault::fault,
    pen::Pen,
    schema,
    write::{self, Swept},
};
use crate::rules;
use hubbub_hub::store::{StoreError, StoreFault};
use rusqlite::{Connection, TransactionBehavior};
use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Time of one transaction.
const STEP: Duration = Duration::from_millis(2);
/// How many times its last step the keeper rests.
const REST: u32 = 9;
/// Txns that are looked at in one go, and deleted in one statement.
const TXNS_READ: i64 = 2_000;
const TXNS_DELETED: usize = 100;
/// Time between two looks at all txns, in milliseconds.
const TXNS_EVERY_MS: i64 = 3_600_000;
/// Pages of the write-ahead log at which it is carried over: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4_000;
/// How often the cutting off is tried while readers hold on to the write-ahead log, and the time between.
const CUT_TRIES: u32 = 20;
const CUT_PAUSE: Duration = Duration::from_millis(50);
/// How long another process's write is waited for.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// What the writer asks of the keeper, without ever waiting for it.
#[derive(Default)]
pub(crate) struct Keeping {
    /// Whose turn it is to write to hubbub.db.
    pub(crate) pen: Pen,
    // Held for a few instructions only; inside it no other lock is taken.
    todo: Mutex<Todo>,
    /// Wakes the keeper, and those who wait until all is done.
    changed: Condvar,
    /// Pages of the write-ahead log at which it is to be carried over next.
    checkpoint_at: AtomicU32,
}

#[derive(Default)]
struct Todo {
    /// The time of day of a `tidy`.
    tidy: Option<i64>,
    checkpoint: bool,
    /// A text was redacted, whose bytes may still be in the write-ahead log.
    redacted: bool,
    working: bool,
    stop: bool,
    /// How many wait until all is done.
    hurried: usize,
    failed: Option<StoreError>,
}

/// What the keeper shall do next.
struct Order {
    tidy: Option<i64>,
    /// Cut the write-ahead log off behind what is carried over.
    cut: bool,
}

impl Keeping {
    /// The writer: asks for a tidying, and hears how the one before failed, if it did.
    pub(crate) fn tidy(&self, now_ms: i64) -> Result<(), StoreError> {
        let mut todo = self.todo();
        todo.tidy = Some(now_ms);
        self.changed.notify_all();
        todo.failed.take().map_or(Ok(()), Err)
    }

    /// The writer: a text was redacted.
    pub(crate) fn redacted(&self) {
        self.todo().redacted = true;
    }

    /// The writer, behind each commit: so many pages are in the write-ahead log.
    pub(crate) fn grew(&self, pages: u32) {
        let at = self.checkpoint_at.load(Ordering::Relaxed).max(CHECKPOINT_PAGES);
        if pages < CHECKPOINT_PAGES {
            self.checkpoint_at.store(CHECKPOINT_PAGES, Ordering::Relaxed);
        } else if pages >= at {
            // Not again before it has grown by as much: a reader may hold on to what is carried over.
            self.checkpoint_at.store(pages.saturating_add(CHECKPOINT_PAGES), Ordering::Relaxed);
            self.todo().checkpoint = true;
            self.changed.notify_all();
        }
    }

    /// Asks the keeper to end.
    pub(crate) fn stop(&self) {
        self.todo().stop = true;
        self.changed.notify_all();
    }

    /// Waits until all that was asked for is done, or has failed.
    pub(crate) fn wait_done(&self) {
        let mut todo = self.todo();
        todo.hurried += 1;
        self.changed.notify_all();
        let busy = |todo: &mut Todo| !todo.stop && (todo.working || todo.tidy.is_some() || todo.checkpoint);
        todo = self.changed.wait_while(todo, busy).unwrap_or_else(PoisonError::into_inner);
        todo.hurried -= 1;
    }

    /// The keeper: the next order; none when it shall end.
    fn next(&self) -> Option<Order> {
        let mut todo = self.todo();
        let idle = |todo: &mut Todo| !todo.stop && todo.tidy.is_none() && !todo.checkpoint;
        todo = self.changed.wait_while(todo, idle).unwrap_or_else(PoisonError::into_inner);
        if todo.stop {
            return None;
        }
        (todo.working, todo.checkpoint) = (true, false);
        let tidy = todo.tidy.take();
        Some(Order { tidy, cut: tidy.is_some() && std::mem::take(&mut todo.redacted) })
    }

    /// The keeper: the order is done, or could not be.
    fn did(&self, order: &Order, end: Result<(), StoreError>) {
        let mut todo = self.todo();
        todo.working = false;
        if let Err(error) = end {
            todo.redacted |= order.cut;
            todo.failed = Some(error);
        }
        self.changed.notify_all();
    }

    /// The keeper: rests so long, unless it shall stop or hurry. False: it shall stop.
    fn rest(&self, time: Duration) -> bool {
        self.pause(time, |todo| !todo.stop && todo.hurried == 0)
    }

    fn pause(&self, time: Duration, calm: fn(&mut Todo) -> bool) -> bool {
        let rested = self.changed.wait_timeout_while(self.todo(), time, calm);
        !rested.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    fn todo(&self) -> MutexGuard<'_, Todo> {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread.
pub(crate) fn spawn(shared: Arc<Shared>) -> Result<JoinHandle<()>, StoreError> {
    // What was redacted before a crash may still be in the write-ahead log.
    shared.keeping.redacted();
    super::start_thread("hubbub-keep", move || {
        let mut keeper = None;
        while let Some(order) = shared.keeping.next() {
            let end = work(&shared, &mut keeper, &order);
            if end.is_err() {
                keeper = None;
            }
            shared.keeping.did(&order, end);
        }
    })
}

fn work(shared: &Shared, keeper: &mut Option<Keeper>, order: &Order) -> Result<(), StoreError> {
    let keeper = match keeper {
        Some(keeper) => keeper,
        None => keeper.insert(Keeper::open(shared)?),
    };
    if let Some(now_ms) = order.tidy {
        keeper.sweep(&shared.keeping)?;
        keeper.forget_txns(&shared.keeping, now_ms)?;
        shared.signal.scrub();
    }
    keeper.checkpoint(&shared.keeping, order.cut)
}

struct Keeper {
    db: Connection,
    /// Txns are looked at again from here on.
    not_before_ms: i64,
}

impl Keeper {
    fn open(shared: &Shared) -> Result<Self, StoreError> {
        Ok(Self { db: schema::open_keeper(&shared.main_path(), BUSY_WAIT)?, not_before_ms: i64::MIN })
    }

    /// Deletes the events that are in no log any more.
    fn sweep(&mut self, keeping: &Keeping) -> Result<(), StoreError> {
        while write::has_waste(&self.db).map_err(tidying)? {
            let start = Instant::now();
            self.step(keeping, |db| Ok(write::sweep_some(db)? == Swept::All))?;
            if !keeping.rest(start.elapsed() * REST) {
                break;
            }
        }
        Ok(())
    }

    /// Deletes the txns that are too old for anybody to try again.
    fn forget_txns(&mut self, keeping: &Keeping, now_ms: i64) -> Result<(), StoreError> {
        if now_ms < self.not_before_ms {
            return Ok(());
        }
        let mut behind = Some(String::new());
        while let Some(from) = behind {
            let start = Instant::now();
            let (old, next) = self.old_txns(&from, now_ms - rules::TXN_KEPT_MS).map_err(tidying)?;
            let mut chunks = old.chunks(TXNS_DELETED).peekable();
            while chunks.peek().is_some() {
                self.step(keeping, |db| {
                    let Some(keys) = chunks.next() else { return Ok(true) };
                    let mut delete = db.prepare_cached("DELETE FROM txn WHERE key = ?")?;
                    keys.iter().try_for_each(|key| delete.execute([key]).map(drop))?;
                    Ok(chunks.peek().is_none())
                })?;
            }
            behind = next.filter(|_| keeping.rest(start.elapsed() * REST));
        }
        self.not_before_ms = now_ms.saturating_add(TXNS_EVERY_MS);
        Ok(())
    }

    /// Of the next txns behind a key: those from before `until_ms`, and the last one if there may be more.
    fn old_txns(&self, behind: &str, until_ms: i64) -> rusqlite::Result<(Vec<String>, Option<String>)> {
        let mut select =
            self.db.prepare_cached("SELECT key, ts FROM txn WHERE key > ? ORDER BY key LIMIT ?")?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
        let read = select.query_map((behind, TXNS_READ), row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let is_full = i64::try_from(read.len()).is_ok_and(|read| read == TXNS_READ);
        let last = read.last().filter(|_| is_full).map(|(key, _)| key.clone());
        Ok((read.into_iter().filter(|(_, ts)| *ts < until_ms).map(|(key, _)| key).collect(), last))
    }

    /// One transaction: works until all is done, the time is up, or a commit wants the pen.
    fn step(
        &mut self,
        keeping: &Keeping,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<bool>,
    ) -> Result<(), StoreError> {
        let pen = keeping.pen.take();
        let start = Instant::now();
        let mut transact = || {
            let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            while !work(&transaction)? && !pen.is_wanted() && start.elapsed() < STEP {}
            transaction.commit()
        };
        transact().map_err(tidying)
    }

    /// Carries the write-ahead log over into the file. `cut` makes it empty on the disk too.
    fn checkpoint(&mut self, keeping: &Keeping, cut: bool) -> Result<(), StoreError> {
        // The bulk, beside the commits; they go on at the end of the log meanwhile.
        self.carry_over("PASSIVE")?;
        if !cut {
            // What they have added, so that the next one can begin the log anew.
            let _pen = keeping.pen.take();
            return self.carry_over("PASSIVE").map(drop);
        }
        for _ in 0..CUT_TRIES {
            if self.cut(keeping)? {
                return Ok(());
            }
            // A reader holds on to it for as long as it reads a stretch.
            if !keeping.pause(CUT_PAUSE, |todo| !todo.stop) {
                return Ok(());
            }
        }
        Err(StoreError::new(
            StoreFault::Locked,
            "hubbub.db-wal could not be cut off, because something reads hubbub.db all the time: \
             bytes of redacted texts may be in it still",
        ))
    }

    /// Tries once to empty the write-ahead log; a reader is not waited for with the pen in hand. False: one was in the way.
    fn cut(&mut self, keeping: &Keeping) -> Result<bool, StoreError> {
        self.db.busy_timeout(Duration::ZERO).map_err(tidying)?;
        let pen = keeping.pen.take();
        let cut = self.carry_over("TRUNCATE");
        drop(pen);
        self.db.busy_timeout(BUSY_WAIT).map_err(tidying)?;
        cut
    }

    /// One checkpoint. False: something that reads or writes was in the way.
    fn carry_over(&self, mode: &str) -> Result<bool, StoreError> {
        let done =
            self.db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(0));
        Ok(done.map_err(tidying)? == 0)
    }
}

fn tidying(error: rusqlite::Error) -> StoreError {
    fault("tidy hubbub.db", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_log_is_carried_over_once_for_each_stretch() {
        let keeping = Keeping::default();
        let asked = |pages| {
            keeping.grew(pages);
            std::mem::take(&mut keeping.todo().checkpoint)
        };
        assert!(!asked(CHECKPOINT_PAGES - 1));
        assert!(asked(CHECKPOINT_PAGES) && !asked(CHECKPOINT_PAGES + 1));
        assert!(asked(CHECKPOINT_PAGES * 2 + 1), "held on to, it goes on growing");
        assert!(!asked(10) && asked(CHECKPOINT_PAGES), "begun anew");
    }

    #[test]
    fn what_failed_is_told_once_and_is_due_again() {
        let keeping = Keeping::default();
        keeping.redacted();
        assert!(keeping.tidy(1).is_ok());
        let order = keeping.next().unwrap();
        assert!(order.cut && order.tidy == Some(1));
        keeping.did(&order, Err(StoreError::new(StoreFault::Full, "no room")));
        assert!(keeping.tidy(2).is_err_and(|error| error.fault == StoreFault::Full));
        let order = keeping.next().unwrap();
        assert!(order.cut, "what was redacted is still there");
        keeping.did(&order, Ok(()));
        assert!(keeping.tidy(3).is_ok() && !keeping.next().unwrap().cut);
    }
}
