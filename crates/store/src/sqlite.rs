//! The store on disk: hubbub.db for everything, and search.db, which can be made again from it.
//!
//! **Invariant.** One thread writes logs and rows, the hub's; what it does not do in a commit, the keeper does beside it. A
//! commit that has returned is on the disk (WAL, synchronous=FULL). Readers, the indexer and the keeper have connections of
//! their own; the first two never make the writer wait, and the keeper for no longer than one short step.

mod code;
mod fault;
mod index;
mod keep;
mod load;
mod pen;
mod read;
mod schema;
mod search;
mod senders;
mod signal;
mod write;

use fault::{fault, file};
use hubbub_hub::store::{Batch, Loaded, Outcome, Reader, Store, StoreError, StoreFault};
use rusqlite::{Connection, hooks::Wal};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

/// How long another process's write is waited for.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// A store in a directory: `DIR/hubbub.db`, with `DIR/search.db` beside it.
pub struct SqliteStore {
    db: Connection,
    heads: write::Heads,
    shared: Arc<Shared>,
    indexer: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

/// What the store shares with its readers, the indexer and the keeper.
struct Shared {
    dir: PathBuf,
    keeping: keep::Keeping,
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

    /// Waits until what the last `tidy` asked for is done, or could not be: for tests.
    pub fn flush_tidy(&self) {
        self.shared.keeping.wait_done();
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
        let mut db = schema::open_writer(&main_path(dir), wait)?;
        db.busy_timeout(BUSY_WAIT).map_err(|e| fault("open hubbub.db", e))?;
        let heads = load::heads(&db)?;
        let (keeping, senders, signal) = Default::default();
        let shared = Arc::new(Shared { dir: dir.to_owned(), keeping, senders, signal });
        let watched = shared.clone();
        let grew = move |_: &mut Wal, pages: std::ffi::c_int| {
            watched.keeping.grew(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        db.wal_hook(Some(grew)).map_err(|e| fault("open hubbub.db", e))?;
        let mut store = Self { db, heads, shared, indexer: None, keeper: None };
        store.indexer = Some(index::spawn(store.shared.clone())?);
        store.keeper = Some(keep::spawn(store.shared.clone())?);
        Ok(store)
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        load::load(&mut self.db, &self.heads)
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let pen = self.shared.keeping.pen.take_first();
        let done = write::commit(&mut self.db, &mut self.heads, batch)?;
        drop(pen);
        if done.redacted {
            self.shared.keeping.redacted();
        }
        if !done.rooms.is_empty() {
            self.shared.signal.moved(done.rooms, u64::try_from(done.outcomes.len()).unwrap_or(u64::MAX));
        }
        Ok(done.outcomes)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(read::SqliteReader::open(self.shared.clone())?))
    }

    fn tidy(&mut self, now_ms: i64) -> Result<(), StoreError> {
        self.shared.keeping.tidy(now_ms)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.keeping.stop();
        self.shared.signal.stop();
        for thread in [self.keeper.take(), self.indexer.take()].into_iter().flatten() {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread {name} ended in a panic");
            }
        }
    }
}

fn start_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(|e| StoreError {
        fault: StoreFault::Io,
        text: format!("cannot start a thread: {e}"),
        source: Some(Box::new(e)),
    })
}

fn main_path(dir: &Path) -> PathBuf {
    dir.join("hubbub.db")
}
