//! How connections to hubbub.db are made: pragmas, migrations, and the checks at start.
//!
//! **Invariant.** `user_version` counts the migrations that are in the file; each went in as one transaction.

use super::fault::{damaged, fault, file};
use hubbub_hub::store::{StoreError, StoreFault};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{path::Path, time::Duration};

/// The migrations, in order; the schema's number is their count.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../schema/001_first.sql"),
    include_str!("../../schema/002_setting.sql"),
    include_str!("../../schema/003_invite.sql"),
];
/// "HUBB": tells our files from other people's.
const APPLICATION_ID: i64 = 0x4855_4242;
/// Files up to this size are read as a whole at start; a start has 100 ms for everything.
const CHECKED_BYTES_MAX: u64 = 16 << 20;
/// Statements that a connection keeps ready.
const STATEMENTS_MAX: usize = 64;

/// The writer's connection: made, migrated, checked, and known to be free of another writer.
pub(crate) fn open_writer(path: &Path, wait: Duration) -> Result<Connection, StoreError> {
    let mut db = connect(path, OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_READ_WRITE, wait)?;
    let opening = |e| fault("open hubbub.db", e);
    check_version(&db)?;
    // Durable at commit; `secure_delete` blanks the bytes of redacted texts, also in the pages of long ones, which it
    // frees; the rest is speed within a small memory. The keeper makes the checkpoints.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON; PRAGMA cache_size = -4000;",
    )
    .map_err(opening)?;
    if std::fs::metadata(path).map_err(|e| file("open", path, e))?.len() <= CHECKED_BYTES_MAX {
        quick_check(&db)?;
    }
    let writing = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(opening)?;
    migrate(&writing)?;
    writing.commit().map_err(opening)?;
    Ok(db)
}

/// A connection that cannot write, for a thread of its own.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, Duration::from_secs(5))?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1000;")
        .map_err(|e| fault("open hubbub.db", e))?;
    Ok(db)
}

/// The keeper's connection. What it deletes may come back after a loss of power, and is deleted again: its transactions
/// need not wait for the disk.
pub(crate) fn open_keeper(path: &Path, wait: Duration) -> Result<Connection, StoreError> {
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, wait)?;
    db.execute_batch(
        "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;
         PRAGMA secure_delete = ON; PRAGMA cache_size = -1000;",
    )
    .map_err(|e| fault("open hubbub.db", e))?;
    Ok(db)
}

/// A connection with what all have in common.
pub(crate) fn connect(path: &Path, flags: OpenFlags, wait: Duration) -> Result<Connection, StoreError> {
    let open = || {
        let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(wait)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        db.execute_batch("PRAGMA temp_store = MEMORY;")?;
        Ok(db)
    };
    open().map_err(|e| fault(&format!("open {}", path.display()), e))
}

/// Reads the whole file and says what is wrong with it first. `full` also compares indexes with tables.
pub(crate) fn check(db: &Connection, full: bool) -> Result<(), StoreError> {
    if full { verdict(db, "PRAGMA integrity_check(1)") } else { quick_check(db) }
}

fn quick_check(db: &Connection) -> Result<(), StoreError> {
    verdict(db, "PRAGMA quick_check(1)")
}

fn verdict(db: &Connection, pragma: &str) -> Result<(), StoreError> {
    let verdict: String =
        db.query_row(pragma, [], |row| row.get(0)).map_err(|e| fault("check hubbub.db", e))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged(format!("a damaged page or row ({verdict})"))) }
}

/// Refuses what a newer program or another one wrote. Reads the file's header and so finds out whether it has one.
fn check_version(db: &Connection) -> Result<(), StoreError> {
    let number =
        |pragma| db.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(|e| fault("open hubbub.db", e));
    let (ours, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if ours != APPLICATION_ID && tables > 0 {
        let text =
            "hubbub.db is a database of another program: move it away, or choose another data directory";
        return Err(StoreError::new(StoreFault::Open, text));
    }
    let known = MIGRATIONS.len();
    if usize::try_from(version).is_ok_and(|version| version <= known) {
        return Ok(());
    }
    let text = format!(
        "hubbub.db was written by a newer Hubbub (schema {version}, this one knows {known}): update hubbub, or restore a backup"
    );
    Err(StoreError::new(StoreFault::Newer, text))
}

fn migrate(db: &Connection) -> Result<(), StoreError> {
    let version: u32 =
        db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| fault("open hubbub.db", e))?;
    for (at, sql) in MIGRATIONS.iter().enumerate().skip(version.try_into().unwrap_or(usize::MAX)) {
        let next = at + 1;
        let sql = format!("{sql}; PRAGMA user_version = {next}; PRAGMA application_id = {APPLICATION_ID};");
        db.execute_batch(&sql).map_err(|e| fault(&format!("bring hubbub.db to schema {next}"), e))?;
    }
    Ok(())
}
