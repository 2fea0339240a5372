//! The indexer: a thread that follows the logs and keeps search.db, behind delivery and in its spare time.
//!
//! **Invariant.** search.db can always be made again from hubbub.db, and holds how far it is in the same transaction
//! as the words: a crash, a restored backup or a deleted file is found by comparing the two. While the hub is busy, the
//! indexer works for one part in twenty of the time at most; when all is indexed it sleeps until a commit wakes it.

use super::{
    Shared, code,
    fault::{fault, file},
    read, schema,
    signal::Task,
};
use crate::{place, words};
use hubbub_hub::store::{StoreError, StoreFault};
use hubbub_model::{EventId, EventKind, RoomId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, TransactionBehavior};
use std::{
    collections::BTreeMap,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Rows of one transaction.
const SLICE_ROWS: i64 = 200;
/// Time of one transaction.
const SLICE: Duration = Duration::from_millis(5);
/// Rows between two looks at the clock.
const CLOCK_ROWS: usize = 8;
/// Pages of the index that one step of a scrubbing writes.
const SCRUB_PAGES: i64 = 64;
/// How many times its last slice the indexer rests while the hub is busy.
const REST: u32 = 100;
/// Time until a failed indexer tries again.
const RETRY: Duration = Duration::from_secs(60);
/// `user_version` of search.db; another one is made again.
const VERSION: i64 = 2;

/// Starts the thread.
pub(crate) fn spawn(shared: Arc<Shared>) -> Result<JoinHandle<()>, StoreError> {
    super::start_thread("hubbub-search", move || run(&shared))
}

fn run(shared: &Shared) {
    // Once in a process: if that does not help, what is damaged is not search.db.
    let mut rebuilt = false;
    while !shared.signal.is_stopped() {
        let ended = Indexer::open(shared).and_then(|mut indexer| indexer.work());
        let Err(error) = ended else { return };
        if error.fault == StoreFault::Corrupt && !std::mem::replace(&mut rebuilt, true) {
            tracing::warn!("the search index is made again: {error}");
            if remove(shared).is_ok() {
                continue;
            }
        }
        tracing::error!("search finds nothing new until this is mended: {error}");
        shared.signal.give_up();
        shared.signal.pause(RETRY);
    }
}

/// Removes search.db and what SQLite keeps beside it.
fn remove(shared: &Shared) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        let path = shared.dir.join(format!("search.db{end}"));
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(file("remove", &path, e)),
            _ => {}
        }
    }
    Ok(())
}

struct Indexer<'a> {
    shared: &'a Shared,
    main: Connection,
    index: Connection,
}

/// How far a log has been indexed, or exists.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Extent {
    epoch: i64,
    first: i64,
    seq: i64,
}

impl<'a> Indexer<'a> {
    fn open(shared: &'a Shared) -> Result<Self, StoreError> {
        let main = schema::open_reader(&shared.main_path())?;
        let store: Vec<u8> = main
            .query_row("SELECT value FROM counter WHERE name = 'store'", [], |row| row.get(0))
            .map_err(indexing)?;
        let index = match open_index(shared, &store) {
            Ok(Some(index)) => index,
            Err(e) if e.fault != StoreFault::Corrupt => return Err(e),
            _ => {
                remove(shared)?;
                make_index(shared, &store)?
            }
        };
        let indexer = Self { shared, main, index };
        shared.signal.begin(indexer.behind()?);
        Ok(indexer)
    }

    /// Works until it is told to stop.
    fn work(&mut self) -> Result<(), StoreError> {
        let mut pace = self.shared.signal.pace();
        loop {
            let task = self.shared.signal.next();
            let start = Instant::now();
            match task {
                Task::Index(room) => {
                    let more = self.slice(room, start)?;
                    self.shared.signal.did(room, more);
                }
                Task::Scrub => {
                    let more = self.scrub()?;
                    self.shared.signal.scrubbed(more);
                }
                Task::Rebuild => {
                    return Err(StoreError::new(StoreFault::Corrupt, "a search found it damaged"));
                }
                Task::Stop => return Ok(()),
            }
            if pace.is_busy(&self.shared.signal) {
                self.shared.signal.pause(start.elapsed() * REST);
            }
        }
    }

    /// One step on the way to a file without the words of what was redacted; says whether there is more to do. FTS5 only
    /// marks what is deleted; it is gone once all segments have become a new one.
    fn scrub(&mut self) -> Result<bool, StoreError> {
        let due: bool =
            self.index.query_row("SELECT scrub FROM origin", [], |row| row.get(0)).map_err(indexing)?;
        if !due {
            return Ok(false);
        }
        let merging =
            self.index.transaction_with_behavior(TransactionBehavior::Immediate).map_err(indexing)?;
        let before = merging.total_changes();
        // The negative number also takes in what would not be merged by itself.
        merging
            .execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", [-SCRUB_PAGES])
            .map_err(indexing)?;
        let merged = merging.total_changes() - before;
        merging.commit().map_err(indexing)?;
        if merged >= 2 || !self.cut()? {
            return Ok(true);
        }
        self.index.execute("UPDATE origin SET scrub = 0", []).map_err(indexing)?;
        Ok(false)
    }

    /// Cuts off the write-ahead log of search.db. False: a search under way holds on to it.
    fn cut(&self) -> Result<bool, StoreError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: i64 = self.index.query_row(sql, [], |row| row.get(0)).map_err(indexing)?;
        Ok(busy == 0)
    }

    /// The rooms whose log and index differ.
    fn behind(&self) -> Result<Vec<RoomId>, StoreError> {
        let logs = extents(&self.main, LOGS)?;
        let mut behind: Vec<RoomId> = Vec::new();
        let done = extents(&self.index, "SELECT epoch, first, seq, room FROM progress")?;
        behind.extend(
            logs.iter().filter(|(room, log)| done.get(room) != Some(log)).map(|(room, _)| RoomId(*room)),
        );
        behind.extend(done.keys().filter(|room| !logs.contains_key(room)).map(|room| RoomId(*room)));
        Ok(behind)
    }

    /// One small transaction; says whether the room has more to do.
    fn slice(&mut self, room: RoomId, start: Instant) -> Result<bool, StoreError> {
        let log = extent(&self.main, &format!("{LOGS} WHERE room = ?"), room)?;
        let transaction =
            self.index.transaction_with_behavior(TransactionBehavior::Immediate).map_err(indexing)?;
        let done = extent(&transaction, "SELECT epoch, first, seq FROM progress WHERE room = ?", room)?;
        let first = log.map_or(0, |log| log.first.cast_unsigned());
        let slice = Slice { main: &self.main, index: &transaction, room, first, start };
        let more = match (log, done) {
            (None, _) => slice.forget(None)?,
            (Some(log), Some(done)) if done.epoch != log.epoch || done.seq > log.seq => {
                slice.forget(Some(log))?
            }
            (Some(log), Some(done)) if done.first < log.first => slice.trim(log, done)?,
            (Some(log), done) => {
                let none = Extent { seq: log.first - 1, ..log };
                slice.follow(log, done.unwrap_or(none))?
            }
        };
        transaction.commit().map_err(indexing)?;
        Ok(more)
    }
}

/// A log's `Extent`, and its room.
const LOGS: &str = "SELECT epoch, first_seq, head, room FROM log JOIN room ON room.id = log.room";

/// One transaction's work on one room.
struct Slice<'a> {
    main: &'a Connection,
    index: &'a Connection,
    room: RoomId,
    /// Where its log begins.
    first: u64,
    start: Instant,
}

impl Slice<'_> {
    /// Removes what is indexed of a log that is gone, or has another life now.
    fn forget(&self, log: Option<Extent>) -> Result<bool, StoreError> {
        if self.remove_to(place::SEQ_MAX)? {
            return Ok(true);
        }
        self.run("DELETE FROM progress WHERE room = ?", [self.room.0])?;
        Ok(log.is_some())
    }

    /// Removes what the log has dropped at its beginning.
    fn trim(&self, log: Extent, done: Extent) -> Result<bool, StoreError> {
        if self.remove_to(log.first.cast_unsigned().saturating_sub(1))? {
            return Ok(true);
        }
        self.note(Extent { first: log.first, seq: done.seq.max(log.first - 1), ..done })?;
        Ok(true)
    }

    /// Indexes the next events of the log.
    fn follow(&self, log: Extent, done: Extent) -> Result<bool, StoreError> {
        let sql =
            "SELECT place, kind, body, meta FROM event WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?";
        let mut statement = self.main.prepare_cached(sql).map_err(indexing)?;
        let from = place::place(self.room, done.seq.cast_unsigned() + 1);
        let to = place::place(self.room, log.seq.cast_unsigned());
        let mut rows = statement.query([from, to, SLICE_ROWS]).map_err(indexing)?;
        let (mut seq, mut count) = (done.seq, 0);
        while let Some(row) = rows.next().map_err(indexing)? {
            let at = row.get(0).map_err(indexing)?;
            self.event(at, &kind(row)?)?;
            seq = place::seq_of(at).cast_signed();
            count += 1;
            if count % CLOCK_ROWS == 0 && self.start.elapsed() > SLICE {
                break;
            }
        }
        // A log without the events that its head speaks of has nothing more to give.
        let end = if count == 0 { log.seq } else { seq };
        self.note(Extent { seq: end, ..log })?;
        Ok(end < log.seq)
    }

    /// What an event does to the index. The log may already be further: what is redacted there has no text here.
    fn event(&self, at: i64, kind: &EventKind) -> Result<(), StoreError> {
        match kind {
            EventKind::Edit { target, .. } => self.put_shown(*target),
            EventKind::Redaction { target, .. } => {
                let Some((at, _, edited)) = self.find(*target)? else { return Ok(()) };
                self.run("DELETE FROM words WHERE rowid = ?", [at])?;
                self.run("UPDATE origin SET scrub = 1", [])?;
                // An edit was taken back: its message says again what it said before.
                edited.map_or(Ok(()), |message| self.put_shown(message))
            }
            kind => kind.searchable().map_or(Ok(()), |text| self.put(at, text)),
        }
    }

    /// Indexes the text that a message has now.
    fn put_shown(&self, message: EventId) -> Result<(), StoreError> {
        let Some((at, EventKind::Message { text, .. }, _)) = self.find(message)? else { return Ok(()) };
        // An edit that cannot be understood changes nothing; whoever reads the log is told of the damage.
        let amended = read::amended(self.main, self.room, message).unwrap_or_default();
        self.put(at, &amended.unwrap_or(text))
    }

    fn put(&self, at: i64, text: &str) -> Result<(), StoreError> {
        self.run("INSERT OR REPLACE INTO words (rowid, body) VALUES (?, ?)", (at, words::spaced(text)))
    }

    /// An event of the log by its id: place, kind, and of a redacted edit the message.
    fn find(&self, id: EventId) -> Result<Option<(i64, EventKind, Option<EventId>)>, StoreError> {
        let at = read::place_of(self.main, self.room, self.first, id).map_err(indexing)?;
        let Some(at) = at else { return Ok(None) };
        let sql = "SELECT place, kind, body, meta FROM event WHERE place = ?";
        let mut statement = self.main.prepare_cached(sql).map_err(indexing)?;
        let mut rows = statement.query([at]).map_err(indexing)?;
        let Some(row) = rows.next().map_err(indexing)? else { return Ok(None) };
        let kind = kind(row)?;
        let meta = row.get_ref(3).map_err(indexing)?;
        let redacted = kind == EventKind::Redacted;
        let edited = code::parse_meta(meta).ok().filter(|_| redacted).and_then(|meta| meta.target);
        Ok(Some((at, kind, edited)))
    }

    /// Removes some of the rows up to a seq; says whether there may be more.
    fn remove_to(&self, seq: u64) -> Result<bool, StoreError> {
        let sql = "SELECT rowid FROM words WHERE rowid BETWEEN ? AND ? LIMIT ?";
        let bounds = [place::place(self.room, 0), place::place(self.room, seq), SLICE_ROWS];
        let mut statement = self.index.prepare_cached(sql).map_err(indexing)?;
        let rows = statement.query_map(bounds, |row| row.get(0)).map_err(indexing)?;
        let rows = rows.collect::<Result<Vec<i64>, _>>().map_err(indexing)?;
        for (count, row) in (1..).zip(&rows) {
            self.run("DELETE FROM words WHERE rowid = ?", [row])?;
            if count % CLOCK_ROWS == 0 && self.start.elapsed() > SLICE {
                break;
            }
        }
        Ok(!rows.is_empty())
    }

    fn note(&self, to: Extent) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO progress (room, epoch, first, seq) VALUES (?, ?, ?, ?)";
        self.run(sql, (self.room.0, to.epoch, to.first, to.seq))
    }

    fn run(&self, sql: &str, values: impl Params) -> Result<(), StoreError> {
        self.index
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(indexing)?;
        Ok(())
    }
}

/// A row that cannot be understood has no words; whoever reads the log is told of the damage.
fn kind(row: &Row<'_>) -> Result<EventKind, StoreError> {
    let number = row.get(1).map_err(indexing)?;
    let kind = code::kind(number, row.get_ref(2).map_err(indexing)?, row.get_ref(3).map_err(indexing)?);
    Ok(kind.unwrap_or(EventKind::Redacted))
}

fn extent_of(row: &Row<'_>) -> rusqlite::Result<Extent> {
    Ok(Extent { epoch: row.get(0)?, first: row.get(1)?, seq: row.get(2)? })
}

fn extent(db: &Connection, sql: &str, room: RoomId) -> Result<Option<Extent>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(indexing)?;
    statement.query_row([room.0], extent_of).optional().map_err(indexing)
}

fn extents(db: &Connection, sql: &str) -> Result<BTreeMap<u32, Extent>, StoreError> {
    let mut statement = db.prepare(sql).map_err(indexing)?;
    let rows = statement.query_map([], |row| Ok((row.get(3)?, extent_of(row)?))).map_err(indexing)?;
    rows.collect::<Result<_, _>>().map_err(indexing)
}

/// Opens search.db, if it is of this version and of this store.
fn open_index(shared: &Shared, store: &[u8]) -> Result<Option<Connection>, StoreError> {
    let path = shared.search_path();
    if !path.exists() {
        return Ok(None);
    }
    let db = connect(shared, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(indexing)?;
    if version != VERSION {
        return Ok(None);
    }
    let origin: Vec<u8> = db.query_row("SELECT store FROM origin", [], |row| row.get(0)).map_err(indexing)?;
    Ok(Some(db).filter(|_| origin == store))
}

fn make_index(shared: &Shared, store: &[u8]) -> Result<Connection, StoreError> {
    let mut db = connect(shared, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let making = db.transaction().map_err(indexing)?;
    making.execute_batch(include_str!("../../schema/search.sql")).map_err(indexing)?;
    making.execute("INSERT INTO origin (store) VALUES (?)", [store]).map_err(indexing)?;
    making.execute_batch(&format!("PRAGMA user_version = {VERSION}")).map_err(indexing)?;
    making.commit().map_err(indexing)?;
    Ok(db)
}

/// A loss of power may cost the last slices; they are made again.
fn connect(shared: &Shared, flags: OpenFlags) -> Result<Connection, StoreError> {
    let db = schema::connect(&shared.search_path(), flags, Duration::from_secs(5))?;
    let pragmas =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;
                   PRAGMA secure_delete = ON; PRAGMA cache_size = -2000;";
    db.execute_batch(pragmas).map_err(indexing)?;
    Ok(db)
}

fn indexing(error: rusqlite::Error) -> StoreError {
    fault("keep the search index", error)
}
