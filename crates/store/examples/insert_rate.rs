//! How many events a second the SQLite store commits, and how fast search follows:
//! `cargo run --release -p hubbub-store --example insert_rate [DIR]`. DIR must be on the disk that counts.
//!
//! The table of `rows per statement` is what the choice of 16 in `sqlite/write.rs` rests on.
#![allow(clippy::unwrap_used, reason = "an experiment may end in a panic")]

use hubbub_hub::store::{Append, Batch, RoomRow, SearchPlan, Store, Write, search_all};
use hubbub_model::{
    EventId, EventKind, RoomId, RoomName, Sender, SenderId, SenderKind, SessionId, Text, UserName,
};
use hubbub_store::SqliteStore;
use std::{path::Path, sync::Arc, time::Instant};

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    println!("one INSERT statement, batches of 1000, 64 bytes of text");
    for rows in [1, 8, 16, 32] {
        println!("{rows:>6} rows per statement {:>10.0} rows/s", raw(Path::new(&dir), rows));
    }
    println!("the store");
    for (batch, rooms, txn) in [
        (1, 1, false),
        (10, 1, false),
        (100, 1, false),
        (1000, 1, false),
        (4000, 1, false),
        (1000, 100, false),
        (1000, 1, true),
    ] {
        store(Path::new(&dir), batch, rooms, txn);
    }
}

/// The bare cost of the rows.
fn raw(dir: &Path, rows: usize) -> f64 {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let mut db = rusqlite::Connection::open(dir.path().join("raw.db")).unwrap();
    let table = "CREATE TABLE event (place INTEGER PRIMARY KEY, id BLOB, ts INTEGER, sender INTEGER, kind INTEGER, ordinal INTEGER, body TEXT, meta TEXT);";
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; {table}"
    ))
    .unwrap();
    let sql = format!("INSERT INTO event VALUES {}", vec!["(?,?,?,?,?,?,?,NULL)"; rows].join(","));
    let (text, start, mut place) = ("x".repeat(64), Instant::now(), 1i64 << 36);
    let batches: u32 = 300;
    for _ in 0..batches {
        let transaction = db.transaction().unwrap();
        let mut statement = transaction.prepare_cached(&sql).unwrap();
        for _ in 0..1000 / rows {
            for first in (1..).step_by(7).take(rows) {
                place += 1;
                statement.raw_bind_parameter(first, place).unwrap();
                statement.raw_bind_parameter(first + 1, i128::from(place).to_be_bytes()).unwrap();
                for column in 2..6 {
                    statement.raw_bind_parameter(first + column, 1_760_000_000_000i64).unwrap();
                }
                statement.raw_bind_parameter(first + 6, text.as_str()).unwrap();
            }
            statement.raw_execute().unwrap();
        }
        drop(statement);
        transaction.commit().unwrap();
    }
    f64::from(batches) * (1000 / rows * rows) as f64 / start.elapsed().as_secs_f64()
}

fn store(dir: &Path, size: u32, rooms: u32, txn: bool) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let sender = Arc::new(Sender {
        id: SenderId(1),
        kind: SenderKind::Guest,
        account: None,
        number: 1,
        name: UserName::parse("Ada").unwrap(),
        session: SessionId(1),
        via: "nc".into(),
    });
    let mut writes = vec![Write::Sender(sender.clone())];
    writes.extend((1..=rooms).map(|id| Write::Room(Box::new(room(id)))));
    store.commit(&Batch { ts_ms: 1, writes }).unwrap();
    let text = Text::ours("hello world 聊天 ".repeat(3));
    let total = (size * 1000).clamp(2000, 600_000);
    let (mut slowest, mut spent, mut n) = (0.0, 0.0, 0);
    while n < total {
        let append = |n: u32| Append {
            room: RoomId(1 + n % rooms),
            id: EventId(u128::from(n) + 1),
            sender: sender.clone(),
            kind: EventKind::Message { text: text.clone(), reply_to: None },
            // Scattered, as marks of many senders are.
            txn: txn.then(|| format!("1/{:08x}", n.wrapping_mul(2_654_435_761)).into()),
            mentions: Vec::new(),
        };
        let batch = Batch {
            ts_ms: 1_760_000_000_000,
            writes: (n..n + size).map(|n| Write::Append(append(n))).collect(),
        };
        let start = Instant::now();
        store.commit(&batch).unwrap();
        let took = start.elapsed().as_secs_f64();
        (slowest, spent, n) = (f64::max(slowest, took), spent + took, n + size);
    }
    let rate = f64::from(n) / spent;
    let note = if txn { ", each with a txn" } else { "" };
    println!(
        "{size:>6} events per batch {rate:>12.0} events/s, slowest commit {:.1} ms; {rooms} rooms{note}",
        slowest * 1e3
    );
    if (size, rooms, txn) == (1000, 1, false) {
        let start = Instant::now();
        store.flush_search();
        println!("       search caught up after {:.1} s", start.elapsed().as_secs_f64());
        let plan = SearchPlan {
            words: "聊天 hel".into(),
            rooms: vec![RoomId(1)],
            limit: 50,
            ..SearchPlan::default()
        };
        let mut reader = store.reader().unwrap();
        for _ in 0..2 {
            let start = Instant::now();
            let hits = search_all(reader.as_mut(), &plan).unwrap().len();
            println!("       {hits} hits in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
        }
    }
}

fn room(id: u32) -> RoomRow {
    RoomRow::new(RoomId(id), RoomName::parse(&format!("room{id}")).unwrap())
}
