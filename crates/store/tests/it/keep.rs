//! What a store does beside its commits: it deletes, forgets, carries over, and cuts off.

use crate::support::{LAB, append, batch, message, says, with_a_room};
use hubbub_hub::store::{Batch, Store, Write};
use hubbub_model::{EventId, EventKind, Text};
use hubbub_store::SqliteStore;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::tempdir;

fn rows(dir: &Path, table: &str) -> i64 {
    let db = rusqlite::Connection::open(dir.join("hubbub.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// What a store deletes of a large log, it deletes in steps, and lets every commit go before.
#[test]
fn the_removal_of_a_large_room_stalls_no_commit() {
    const EVENTS: u128 = 100_000;
    let dir = tempdir().unwrap();
    let mut store = with_a_room(dir.path());
    for from in (1..EVENTS).step_by(10_000) {
        store.commit(&says(from..from + 10_000)).unwrap();
    }
    let start = Instant::now();
    store.commit(&Batch { ts_ms: 2, writes: vec![Write::RemoveRoom(LAB)] }).unwrap();
    let stalled = start.elapsed();
    assert_eq!(rows(dir.path(), "event"), 98_000, "2,000 at most in the commit");
    drop(store);
    // It goes on where it was after a restart.
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let start = Instant::now();
    store.tidy(0).unwrap();
    let asked = start.elapsed();
    let (mut commits, mut longest) = (0, Duration::ZERO);
    while rows(dir.path(), "waste") > 0 {
        let start = Instant::now();
        store.commit(&batch(vec![Write::GuestNumber(commits)])).unwrap();
        longest = longest.max(start.elapsed());
        commits += 1;
    }
    store.flush_tidy();
    println!(
        "the removal took {stalled:?}, the asking {asked:?}; {commits} commits beside the sweep, {longest:?} at most"
    );
    assert_eq!(rows(dir.path(), "event"), 0);
    assert!(commits > 10, "commits and the sweep take turns");
    // Generous, for slow machines that are busy; all at once it would take far more.
    assert!(stalled.max(longest).as_millis() < 1000 && asked.as_millis() < 500);
}

#[test]
fn old_txns_are_forgotten_however_many_there_are() {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let dir = tempdir().unwrap();
    let mut store = with_a_room(dir.path());
    let marked = |id: u128| {
        let mut append = append(id, message("x"));
        append.txn = Some(format!("txn-{id}").into());
        Write::Append(append)
    };
    store.commit(&Batch { ts_ms: 0, writes: (1..6_000).map(marked).collect() }).unwrap();
    store.commit(&Batch { ts_ms: 5 * DAY_MS, writes: (6_000..6_010).map(marked).collect() }).unwrap();
    store.tidy(8 * DAY_MS).unwrap();
    store.flush_tidy();
    assert_eq!(rows(dir.path(), "txn"), 10);
}

#[test]
fn the_write_ahead_log_stays_small_while_a_hub_is_busy() {
    let dir = tempdir().unwrap();
    let mut store = with_a_room(dir.path());
    let wal = || fs::metadata(dir.path().join("hubbub.db-wal")).unwrap().len();
    for from in (1..120_000).step_by(1_000) {
        store.commit(&says(from..from + 1_000)).unwrap();
        if wal() > 16 << 20 {
            // A slow disk: what was asked for is waited for, as a hub with other things to do would.
            store.flush_tidy();
        }
    }
    // 70 MB were written.
    assert!(wal() < 40 << 20, "{} bytes", wal());
}

/// Whether any file of the folder has these bytes.
fn on_disk(dir: &Path, text: &str) -> Vec<String> {
    let holds = |path: &Path| fs::read(path).unwrap().windows(text.len()).any(|at| at == text.as_bytes());
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| holds(path)).map(|path| path.file_name().unwrap().to_string_lossy().into()).collect()
}

fn redaction(id: u128, target: u128) -> Write {
    Write::Append(append(id, EventKind::Redaction { target: EventId(target), reason: Text::default() }))
}

/// In the log, in the pages of a long text, in an edit, in the index: and in what SQLite writes ahead of each.
#[test]
fn the_bytes_of_redacted_texts_leave_the_disk() {
    for closed_between in [false, true] {
        let dir = tempdir().unwrap();
        let mut store = with_a_room(dir.path());
        store.commit(&says(1..200)).unwrap();
        let long = format!("zymurgy {}", "zymurgy-and-so-on ".repeat(3_000));
        let edit = EventKind::Edit { target: EventId(200), text: Text::ours("and zymurgy again") };
        for (id, kind) in [(200, message("of zymurgy one")), (201, message(long)), (202, edit)] {
            store.commit(&batch(vec![Write::Append(append(id, kind))])).unwrap();
        }
        store.commit(&says(203..400)).unwrap();
        store.flush_search();
        store.tidy(1).unwrap();
        store.flush_tidy();
        assert!(!on_disk(dir.path(), "zymurgy").is_empty(), "it is looked for where it is");
        store.commit(&batch(vec![redaction(400, 200), redaction(401, 201)])).unwrap();
        if closed_between {
            drop(store);
            store = SqliteStore::open(dir.path()).unwrap();
        }
        store.flush_search();
        store.tidy(2).unwrap();
        store.flush_tidy();
        store.flush_search();
        store.tidy(3).unwrap();
        assert_eq!(on_disk(dir.path(), "zymurgy"), [""; 0], "closed between: {closed_between}");
        assert_eq!(crate::support::found(&store, "needle399"), 1, "all else is still found");
    }
}
