//! The store on disk: hubbub.db for everything, and search.db, which can be made again from it.
//!
//! **Invariant.** One writer, the hub's thread. A commit that has returned is on the disk (WAL, synchronous=FULL).
//! Readers and the indexer have connections of their own and never make the writer wait.

mod code;
mod fault;
mod index;
mod load;
mod read;
mod schema;
mod search;
mod senders;
mod signal;
mod write;

use crate::rules;
use fault::{fault, file};
use hubbub_hub::store::{Batch, Loaded, Outcome, Reader, Store, StoreError};
use rusqlite::{Connection, OptionalExtension};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

/// How long another process's write is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Txns that one `tidy` looks at.
const SWEEP_ROWS: i64 = 20_000;
/// How long one `tidy` deletes events of removed rooms and trimmed logs.
const SWEEP_TIME: Duration = Duration::from_millis(10);
/// Time between two sweeps of all txns, in milliseconds.
const SWEEP_EVERY_MS: i64 = 3_600_000;

/// A store in a directory: `DIR/hubbub.db`, with `DIR/search.db` beside it.
pub struct SqliteStore {
    db: Connection,
    heads: write::Heads,
    shared: Arc<Shared>,
    indexer: Option<JoinHandle<()>>,
    sweep: Sweep,
    /// The file has events that are in no log any more.
    waste: bool,
}

/// What the store shares with its readers and the indexer.
struct Shared {
    dir: PathBuf,
    senders: senders::Senders,
    signal: signal::Signal,
}

impl Shared {
    fn main_path(&self) -> PathBuf {
        main_path(&self.dir)
    }

    fn search_path(&self) -> PathBuf {
        self.dir.join("search.db")
    }
}

/// How far the search for old txns has come, and when it may begin again.
#[derive(Default)]
struct Sweep {
    behind: String,
    not_before_ms: i64,
}

impl SqliteStore {
    /// Opens the store of a directory, or makes it; the directory too.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_within(dir, BUSY_WAIT)
    }

    /// Reads the store of a directory, which no hub has open, and says what is wrong with it first. `full` reads the
    /// indexes too, and compares them.
    pub fn check(dir: &Path, full: bool) -> Result<(), StoreError> {
        let path = main_path(dir);
        if !path.exists() {
            return Err(file("find", &path, std::io::ErrorKind::NotFound.into()));
        }
        schema::check(&schema::open_reader(&path)?, full)
    }

    /// Waits until search finds all that has been committed, or cannot: for tests and before a stop.
    pub fn flush_search(&self) {
        self.shared.signal.wait_settled();
    }

    /// Lets hubbub.db grow by so many pages of 4 KiB at most: a full disk, for tests.
    #[doc(hidden)]
    pub fn for_tests_limit_pages(&mut self, more: u32) -> Result<(), StoreError> {
        let pages: u32 = self
            .db
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .map_err(|e| fault("count pages", e))?;
        let sql = format!("PRAGMA max_page_count = {}", pages.saturating_add(more));
        self.db.query_row(&sql, [], |_| Ok(())).map_err(|e| fault("limit pages", e))
    }

    fn open_within(dir: &Path, wait: Duration) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|e| file("make", dir, e))?;
        let db = schema::open_writer(&main_path(dir), wait)?;
        db.busy_timeout(BUSY_WAIT).map_err(|e| fault("open hubbub.db", e))?;
        let heads = load::heads(&db)?;
        let waste = load::has_waste(&db)?;
        let (senders, signal) = Default::default();
        let shared = Arc::new(Shared { dir: dir.to_owned(), senders, signal });
        let indexer = Some(index::spawn(shared.clone())?);
        Ok(Self { db, heads, shared, indexer, sweep: Sweep::default(), waste })
    }

    /// Removes old txns, some at a time.
    fn sweep_txns(&mut self, now_ms: i64) -> rusqlite::Result<()> {
        if now_ms < self.sweep.not_before_ms {
            return Ok(());
        }
        let last = "SELECT max(key), count(*) FROM (SELECT key FROM txn WHERE key > ? ORDER BY key LIMIT ?)";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?));
        let found = self.db.query_row(last, (&self.sweep.behind, SWEEP_ROWS), row).optional()?;
        if let Some((Some(upto), count)) = found {
            let sql = "DELETE FROM txn WHERE key > ? AND key <= ? AND ts < ?";
            self.db.execute(sql, (&self.sweep.behind, &upto, now_ms - rules::TXN_KEPT_MS))?;
            if count == SWEEP_ROWS {
                self.sweep.behind = upto;
                return Ok(());
            }
        }
        self.sweep = Sweep { behind: String::new(), not_before_ms: now_ms.saturating_add(SWEEP_EVERY_MS) };
        Ok(())
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        load::load(&mut self.db, &self.heads)
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let done = write::commit(&mut self.db, &mut self.heads, batch)?;
        self.waste |= done.waste;
        if !done.rooms.is_empty() {
            self.shared.signal.moved(done.rooms, u64::try_from(done.outcomes.len()).unwrap_or(u64::MAX));
        }
        Ok(done.outcomes)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(read::SqliteReader::open(self.shared.clone())?))
    }

    fn tidy(&mut self, now_ms: i64) -> Result<(), StoreError> {
        let tidying = |e| fault("tidy the store", e);
        if self.waste {
            self.waste = write::sweep(&mut self.db, SWEEP_TIME).map_err(tidying)?;
            return Ok(());
        }
        self.sweep_txns(now_ms).map_err(tidying)?;
        self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(tidying)
    }

    fn has_leftovers(&self) -> bool {
        self.waste
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.signal.stop();
        if self.indexer.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the search indexer ended in a panic");
        }
    }
}

fn main_path(dir: &Path) -> PathBuf {
    dir.join("hubbub.db")
}
