//! One batch as one transaction.
//!
//! **Invariant.** `Heads` is what the file holds. A batch works on a `Draft` of it, which takes its place only after
//! COMMIT has returned; whatever fails before leaves both as they were.

use super::{code, fault::fault, read};
use crate::{place, rules};
use hubbub_hub::store::{Append, Batch, InviteRow, MarkRow, Outcome, RoomRow, StoreError, TokenRow, Write};
use hubbub_model::{AccountId, EventId, EventKind, RoomId, RoomName, Sender};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, TransactionBehavior};
use std::{collections::HashMap, sync::LazyLock};

/// Rows of one INSERT. A statement of 16 rows costs a quarter less per row than one of a single row, and one of 64 no
/// less than one of 16 (`examples/insert_rate.rs`).
const ROWS: usize = 16;
/// Events that one batch deletes at most; a longer stretch is waste, which the keeper deletes later.
const DROPPED_MAX: u64 = 2_000;
/// Events that `sweep_some` deletes.
const SWEPT_AT_ONCE: u64 = 100;
/// Columns of `event`.
const COLUMNS: usize = 8;

static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert(1));
static INSERT_ROWS: LazyLock<String> = LazyLock::new(|| insert(ROWS));

fn insert(rows: usize) -> String {
    let columns = "place, id, ts, sender, kind, ordinal, body, meta";
    format!("INSERT INTO event ({columns}) VALUES {}", vec!["(?,?,?,?,?,?,?,?)"; rows].join(","))
}

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub(crate) first_seq: u64,
    pub(crate) head: u64,
    pub(crate) countable: u64,
    pub(crate) last_id: EventId,
}

/// Numbers that outlive the rows that they numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) guest: u64,
    pub(crate) next_sender: u64,
    pub(crate) next_account: u32,
    pub(crate) next_room: u32,
    pub(crate) next_token: u64,
    pub(crate) next_invite: u64,
    pub(crate) last_id: u128,
}

/// What the writer knows of the file without asking it.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    pub(crate) logs: HashMap<RoomId, Log>,
    pub(crate) counters: Counters,
}

/// What a committed batch did, for those who follow the logs.
pub(crate) struct Committed {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) rooms: Vec<RoomId>,
    /// It has taken a text back, whose bytes are on the disk still.
    pub(crate) redacted: bool,
}

/// Writes the batch and makes it durable, or changes nothing.
pub(crate) fn commit(db: &mut Connection, heads: &mut Heads, batch: &Batch) -> Result<Committed, StoreError> {
    // Dropping the transaction on the way out rolls it back.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(writing)?;
    let draft = Draft { before: heads, logs: HashMap::new(), counters: heads.counters };
    let outcomes = Vec::with_capacity(batch.writes.len());
    let mut writer = Writer {
        db: &transaction,
        ts_ms: batch.ts_ms,
        draft,
        pending: Vec::new(),
        outcomes,
        droppable: DROPPED_MAX,
        redacted: false,
    };
    for write in &batch.writes {
        writer.write(write)?;
    }
    writer.finish()?;
    let Writer { draft: Draft { logs, counters, .. }, outcomes, redacted, .. } = writer;
    transaction.commit().map_err(writing)?;
    let rooms = logs.keys().copied().collect();
    for (room, log) in logs {
        match log {
            Some(log) => drop(heads.logs.insert(room, log)),
            None => drop(heads.logs.remove(&room)),
        }
    }
    heads.counters = counters;
    Ok(Committed { outcomes, rooms, redacted })
}

fn writing(error: rusqlite::Error) -> StoreError {
    fault("write a batch", error)
}

/// What the batch makes of `Heads`; a log that is gone is `None`.
struct Draft<'a> {
    before: &'a Heads,
    logs: HashMap<RoomId, Option<Log>>,
    counters: Counters,
}

impl Draft<'_> {
    fn log(&mut self, room: RoomId) -> Option<&mut Log> {
        self.logs.entry(room).or_insert_with(|| self.before.logs.get(&room).copied()).as_mut()
    }
}

/// An event that has its place and is not written yet.
struct Pending<'b> {
    place: i64,
    ordinal: u64,
    append: &'b Append,
}

struct Writer<'c, 'b> {
    db: &'c Connection,
    ts_ms: i64,
    draft: Draft<'c>,
    // Written in runs, sorted by place: many rows in one statement, and each room's in one stretch of the tree.
    pending: Vec<Pending<'b>>,
    outcomes: Vec<Outcome>,
    /// Events that the batch may still delete.
    droppable: u64,
    redacted: bool,
}

impl<'b> Writer<'_, 'b> {
    fn write(&mut self, write: &'b Write) -> Result<(), StoreError> {
        match write {
            Write::Append(append) => self.append(append),
            Write::Sender(sender) => self.sender(sender),
            Write::Account(row) => self.account(row),
            Write::RemoveAccount(account) => self.remove_account(*account),
            Write::Room(row) => self.room(row),
            Write::RemoveRoom(room) => self.remove_room(*room),
            Write::Member(row) => {
                let values = (row.room.0, row.account.0, code::word(&row.standing)?, row.invited);
                self.run(
                    "INSERT OR REPLACE INTO member (room, account, standing, invited) VALUES (?, ?, ?, ?)",
                    values,
                )
            }
            Write::RemoveMember(room, account) => self.remove_member(*room, *account),
            Write::Ban(row) => {
                let account = row.account.map(|account| account.0);
                let values = (row.room.0, &row.fold, account, row.reason.as_str(), &row.by, row.until_ms);
                self.run("INSERT OR REPLACE INTO ban (room, fold, account, reason, by, until) VALUES (?, ?, ?, ?, ?, ?)", values)
            }
            Write::RemoveBan(room, fold) => {
                self.run("DELETE FROM ban WHERE room = ? AND fold = ?", (room.0, fold))
            }
            Write::Token(row) => self.token(row),
            Write::RemoveToken(id) => self.run("DELETE FROM token WHERE id = ?", [id.cast_signed()]),
            Write::Invite(row) => self.invite(row),
            Write::RemoveInvite(id) => self.run("DELETE FROM invite WHERE id = ?", [id.cast_signed()]),
            Write::Mark(row) => self.mark(row),
            Write::Ignore(account, fold) => {
                self.run("INSERT OR IGNORE INTO ignore (account, fold) VALUES (?, ?)", (account.0, fold))
            }
            Write::RemoveIgnore(account, fold) => {
                self.run("DELETE FROM ignore WHERE account = ? AND fold = ?", (account.0, fold))
            }
            Write::Trim(room, seq) => self.trim(*room, *seq),
            Write::GuestNumber(number) => {
                self.draft.counters.guest = self.draft.counters.guest.max(*number);
                Ok(())
            }
            Write::Setting(name, Some(value)) => {
                self.run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, value))
            }
            Write::Setting(name, None) => self.run("DELETE FROM setting WHERE name = ?", [name]),
        }
    }

    fn append(&mut self, append: &'b Append) -> Result<(), StoreError> {
        let next_sender = self.draft.counters.next_sender;
        let log = self.draft.log(append.room).ok_or_else(|| rules::unknown_room(append.room))?;
        let seq = place::next_seq(append.room, log.head)?;
        let at = place::place(append.room, seq);
        if let Some(txn) = append.txn.as_deref()
            && let Some(first) = known_txn(self.db, txn, at, append.id, self.ts_ms)?
        {
            self.outcomes.push(first);
            return Ok(());
        }
        rules::check_append(append, log.last_id, next_sender)?;
        log.head = seq;
        log.last_id = append.id;
        log.countable += u64::from(append.kind.is_countable());
        let ordinal = log.countable;
        self.draft.counters.last_id = self.draft.counters.last_id.max(append.id.0);
        for account in &append.mentions {
            let values = (append.room.0, account.0, seq.cast_signed());
            self.run("INSERT OR IGNORE INTO mention (room, account, seq) VALUES (?, ?, ?)", values)?;
        }
        match &append.kind {
            EventKind::Edit { target, .. } => {
                let values = (at, id_bytes(*target));
                self.run("INSERT OR REPLACE INTO amend (place, target) VALUES (?, ?)", values)?;
            }
            EventKind::Redaction { target, .. } => {
                self.flush()?;
                self.redacted = true;
                self.blank(append.room, *target)?;
            }
            _ => {}
        }
        self.pending.push(Pending { place: at, ordinal, append });
        self.outcomes.push(Outcome::Appended { seq, ordinal });
        Ok(())
    }

    /// Makes tombstones of an event and of all its edits, as far as the log still has them.
    fn blank(&mut self, room: RoomId, target: EventId) -> Result<(), StoreError> {
        let first = self.draft.log(room).map_or(0, |log| log.first_seq);
        let at = read::place_of(self.db, room, first, target).map_err(writing)?;
        for at in at.into_iter().chain(self.edits(room, target)?) {
            self.blank_at(at)?;
        }
        Ok(())
    }

    /// The places of the edits of an event.
    fn edits(&self, room: RoomId, target: EventId) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT place FROM amend WHERE target = ? AND place BETWEEN ? AND ?";
        let bounds = (id_bytes(target), place::place(room, 0), place::place(room, place::SEQ_MAX));
        let mut select = self.db.prepare_cached(sql).map_err(writing)?;
        let rows = select.query_map(bounds, |row| row.get(0)).map_err(writing)?;
        rows.collect::<Result<_, _>>().map_err(writing)
    }

    fn blank_at(&self, at: i64) -> Result<(), StoreError> {
        let mut select =
            self.db.prepare_cached("SELECT kind, meta FROM event WHERE place = ?").map_err(writing)?;
        let mut rows = select.query([at]).map_err(writing)?;
        let Some(row) = rows.next().map_err(writing)? else { return Ok(()) };
        let kind = row.get(0).map_err(writing)?;
        let meta = code::tombstone_meta(kind, row.get_ref(1).map_err(writing)?)?;
        drop(rows);
        self.run(
            "UPDATE event SET kind = ?, body = NULL, meta = ? WHERE place = ?",
            (code::REDACTED, meta, at),
        )?;
        self.run("DELETE FROM amend WHERE place = ?", [at])
    }

    /// Writes the events that wait. Comes before whatever reads or removes events.
    fn flush(&mut self) -> Result<(), StoreError> {
        let mut rows = std::mem::take(&mut self.pending);
        rows.sort_unstable_by_key(|row| row.place);
        let mut runs = rows.chunks_exact(ROWS);
        if runs.len() > 0 {
            let mut statement = self.db.prepare_cached(&INSERT_ROWS).map_err(writing)?;
            for run in &mut runs {
                insert_rows(&mut statement, self.ts_ms, run)?;
            }
        }
        if !runs.remainder().is_empty() {
            let mut statement = self.db.prepare_cached(&INSERT_ONE).map_err(writing)?;
            for row in runs.remainder().chunks_exact(1) {
                insert_rows(&mut statement, self.ts_ms, row)?;
            }
        }
        rows.clear();
        self.pending = rows;
        Ok(())
    }

    /// Writes what was kept back until the end: events, heads and counters.
    fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        for (room, log) in &self.draft.logs {
            let Some(log) = log else { continue };
            let (first, head, countable) =
                (log.first_seq.cast_signed(), log.head.cast_signed(), log.countable.cast_signed());
            let sql = "INSERT OR REPLACE INTO log (room, first_seq, head, countable, last_id) VALUES (?, ?, ?, ?, ?)";
            self.run(sql, (room.0, first, head, countable, id_bytes(log.last_id)))?;
        }
        let (old, new) = (&self.draft.before.counters, &self.draft.counters);
        self.count("guest_number", old.guest, new.guest)?;
        self.count("next_account", old.next_account.into(), new.next_account.into())?;
        self.count("next_room", old.next_room.into(), new.next_room.into())?;
        self.count("next_token", old.next_token, new.next_token)?;
        self.count("next_invite", old.next_invite, new.next_invite)
    }

    fn count(&self, name: &str, old: u64, new: u64) -> Result<(), StoreError> {
        if old == new {
            return Ok(());
        }
        self.run("UPDATE counter SET value = ? WHERE name = ?", (new.cast_signed(), name))
    }

    fn sender(&mut self, sender: &Sender) -> Result<(), StoreError> {
        let next = &mut self.draft.counters.next_sender;
        *next = (*next).max(sender.id.0.saturating_add(1));
        let (id, number, session) =
            (sender.id.0.cast_signed(), sender.number.cast_signed(), sender.session.0.cast_signed());
        let (kind, account) = (code::word(&sender.kind)?, sender.account.map(|account| account.0));
        let values =
            (id, kind, account, number, sender.name.as_str(), sender.name.folded(), session, &*sender.via);
        let columns = "id, kind, account, number, name, fold, session, via";
        self.run(
            &format!("INSERT OR REPLACE INTO sender ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
            values,
        )
    }

    fn account(&mut self, row: &hubbub_hub::store::AccountRow) -> Result<(), StoreError> {
        let card = &row.card;
        let next = &mut self.draft.counters.next_account;
        *next = (*next).max(card.id.0.saturating_add(1));
        let (kind, role, status) =
            (code::word(&card.kind)?, code::word(&card.role)?, code::word(&card.status)?);
        self.run(
            "INSERT INTO account (id, name, fold, nick, kind, role, status, created, last_seen, password)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, fold = excluded.fold, nick = excluded.nick,
                 kind = excluded.kind, role = excluded.role, status = excluded.status, created = excluded.created,
                 last_seen = excluded.last_seen, password = excluded.password",
            (
                card.id.0, card.name.as_str(), &row.fold, &card.nick, kind, role, status,
                card.created_ms, card.last_seen_ms, &row.password,
            ),
        )
    }

    fn remove_account(&self, account: AccountId) -> Result<(), StoreError> {
        self.run("DELETE FROM account WHERE id = ?", [account.0])?;
        self.run("DELETE FROM token WHERE account = ?", [account.0])?;
        self.run("DELETE FROM invite WHERE account = ?", [account.0])?;
        self.run("DELETE FROM member WHERE account = ?", [account.0])?;
        self.run("DELETE FROM mark WHERE account = ?", [account.0])?;
        self.run("DELETE FROM mention WHERE account = ?", [account.0])?;
        self.run("DELETE FROM ignore WHERE account = ?", [account.0])
    }

    fn room(&mut self, row: &RoomRow) -> Result<(), StoreError> {
        place::check_room(row.id)?;
        let next = &mut self.draft.counters.next_room;
        *next = (*next).max(row.id.0.saturating_add(1));
        let new =
            Log { first_seq: row.first_seq, head: row.head, countable: row.countable, last_id: EventId(0) };
        if self.draft.log(row.id).is_none() {
            self.draft.logs.insert(row.id, Some(new));
            self.begin_clean(row.id)?;
        }
        let (kind, visibility) = (code::word(&row.kind)?, code::word(&row.visibility)?);
        let (a, b) = (row.pair.map(|pair| pair.0.0), row.pair.map(|pair| pair.1.0));
        let (events, age) =
            (row.retention.events.map(u64::cast_signed), row.retention.age_s.map(u64::cast_signed));
        self.run(
            "INSERT INTO room (id, name, fold, kind, pair_a, pair_b, topic, visibility, durability, moderated, read_only,
                 keep_events, keep_age, epoch, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, fold = excluded.fold, kind = excluded.kind,
                 pair_a = excluded.pair_a, pair_b = excluded.pair_b, topic = excluded.topic,
                 visibility = excluded.visibility, durability = excluded.durability, moderated = excluded.moderated,
                 read_only = excluded.read_only, keep_events = excluded.keep_events, keep_age = excluded.keep_age,
                 epoch = excluded.epoch, created = excluded.created",
            (
                row.id.0, row.name.as_str(), &row.fold, kind, a, b, row.topic.as_str(), visibility,
                code::word(&row.durability)?, row.moderated, row.read_only, events, age, row.epoch.cast_signed(), row.created_ms,
            ),
        )
    }

    /// Txns stay until they are old: a late retry must not be said again elsewhere.
    fn remove_room(&mut self, room: RoomId) -> Result<(), StoreError> {
        self.flush()?;
        if self.draft.logs.insert(room, None).flatten().is_some()
            || self.draft.before.logs.contains_key(&room)
        {
            // The log's row, which knows the greatest id, goes.
            let last = EventId(self.draft.counters.last_id);
            self.run("UPDATE counter SET value = ? WHERE name = 'last_id'", [id_bytes(last)])?;
        }
        self.drop_events(room, place::SEQ_MAX)?;
        self.run("DELETE FROM log WHERE room = ?", [room.0])?;
        self.run("DELETE FROM room WHERE id = ?", [room.0])?;
        self.run("DELETE FROM member WHERE room = ?", [room.0])?;
        self.run("DELETE FROM ban WHERE room = ?", [room.0])?;
        self.run("DELETE FROM invite WHERE room = ?", [room.0])?;
        self.run("DELETE FROM mark WHERE room = ?", [room.0])?;
        self.run("DELETE FROM mention WHERE room = ?", [room.0])
    }

    fn remove_member(&self, room: RoomId, account: AccountId) -> Result<(), StoreError> {
        let whose = (room.0, account.0);
        self.run("DELETE FROM member WHERE room = ? AND account = ?", whose)?;
        self.run("DELETE FROM mark WHERE room = ? AND account = ?", whose)?;
        self.run("DELETE FROM mention WHERE room = ? AND account = ?", whose)
    }

    fn token(&mut self, row: &TokenRow) -> Result<(), StoreError> {
        let card = &row.card;
        let next = &mut self.draft.counters.next_token;
        *next = (*next).max(card.id.saturating_add(1));
        let (label, scopes) = (card.label.as_str(), code::json(&card.scopes)?);
        self.run(
            "INSERT INTO token (id, account, name, label, scopes, created, expires, last_used, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name, label = excluded.label,
                 scopes = excluded.scopes, created = excluded.created, expires = excluded.expires,
                 last_used = excluded.last_used, hash = excluded.hash",
            (
                card.id.cast_signed(), row.account.0, card.account.as_str(), label, scopes,
                card.created_ms, card.expires_ms, card.last_used_ms, &row.hash[..],
            ),
        )
    }

    fn invite(&mut self, row: &InviteRow) -> Result<(), StoreError> {
        let card = &row.card;
        let next = &mut self.draft.counters.next_invite;
        *next = (*next).max(card.id.saturating_add(1));
        self.run(
            "INSERT OR REPLACE INTO invite (id, account, by, room, room_name, admits, uses, uses_left, created, ends, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                card.id.cast_signed(), row.by.map(|by| by.0), card.by.as_str(), row.room.map(|room| room.0),
                card.room.as_ref().map(RoomName::as_str), code::word(&card.r#as)?, card.uses, card.uses_left,
                card.created_ms, card.ends_ms, &row.hash[..],
            ),
        )
    }

    fn mark(&self, row: &MarkRow) -> Result<(), StoreError> {
        let (room, account, seq) = (row.room.0, row.account.0, row.seq.cast_signed());
        let sql = "INSERT OR REPLACE INTO mark (room, account, seq, ordinal) VALUES (?, ?, ?, ?)";
        self.run(sql, (room, account, seq, row.ordinal.cast_signed()))?;
        self.run("DELETE FROM mention WHERE room = ? AND account = ? AND seq <= ?", (room, account, seq))
    }

    fn trim(&mut self, room: RoomId, seq: u64) -> Result<(), StoreError> {
        self.flush()?;
        let Some(log) = self.draft.log(room) else { return Ok(()) };
        log.first_seq = log.first_seq.max(seq.min(log.head + 1));
        let below = log.first_seq;
        self.run("DELETE FROM mention WHERE room = ? AND seq < ?", (room.0, below.cast_signed()))?;
        self.drop_events(room, below.saturating_sub(1))
    }

    /// Deletes the events of a room up to a place; what would take long is left to the keeper.
    fn drop_events(&mut self, room: RoomId, last: u64) -> Result<(), StoreError> {
        let dropped = drop_some(self.db, room, last, self.droppable).map_err(writing)?;
        self.droppable = self.droppable.saturating_sub(dropped.deleted);
        if dropped.all {
            return Ok(());
        }
        self.run("INSERT OR REPLACE INTO waste (room, last) VALUES (?, ?)", (room.0, last.cast_signed()))
    }

    /// A room whose number was had before begins without what that one left.
    fn begin_clean(&self, room: RoomId) -> Result<(), StoreError> {
        let sql = "DELETE FROM waste WHERE room = ?";
        let mut statement = self.db.prepare_cached(sql).map_err(writing)?;
        if statement.execute([room.0]).map_err(writing)? > 0 {
            drop_some(self.db, room, place::SEQ_MAX, u64::MAX).map_err(writing)?;
        }
        Ok(())
    }

    fn run(&self, sql: &str, values: impl Params) -> Result<(), StoreError> {
        self.db.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(writing)?;
        Ok(())
    }
}

/// What `sweep_some` left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swept {
    Some,
    All,
}

/// Whether events are left that are in no log any more.
pub(crate) fn has_waste(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM waste)")?.query_row([], |row| row.get(0))
}

/// Deletes a few of the events that are in no log any more.
pub(crate) fn sweep_some(db: &Connection) -> rusqlite::Result<Swept> {
    let mut next = db.prepare_cached("SELECT room, last FROM waste LIMIT 1")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?));
    let Some((room, last)) = next.query_row([], row).optional()? else { return Ok(Swept::All) };
    if drop_some(db, RoomId(room), last.cast_unsigned(), SWEPT_AT_ONCE)?.all {
        db.execute("DELETE FROM waste WHERE room = ?", [room])?;
    }
    Ok(Swept::Some)
}

/// What `drop_some` did.
struct Dropped {
    deleted: u64,
    all: bool,
}

/// Deletes at most so many events of a room, from the first one on, up to the place `last`.
fn drop_some(db: &Connection, room: RoomId, last: u64, limit: u64) -> rusqlite::Result<Dropped> {
    let (start, end) = (place::place(room, 0), place::place(room, last));
    let mut first = db.prepare_cached("SELECT min(place) FROM event WHERE place BETWEEN ? AND ?")?;
    let mut first = || first.query_row([start, end], |row| row.get::<_, Option<i64>>(0));
    let Some(begin) = first()? else { return Ok(Dropped { deleted: 0, all: true }) };
    let cut = begin.saturating_add_unsigned(limit).saturating_sub(1).min(end);
    db.prepare_cached("DELETE FROM amend WHERE place BETWEEN ? AND ?")?.execute([start, cut])?;
    let deleted =
        db.prepare_cached("DELETE FROM event WHERE place BETWEEN ? AND ?")?.execute([start, cut])?;
    let deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
    Ok(Dropped { deleted, all: cut == end || first()?.is_none() })
}

/// Notes a txn with what it does; or finds out what it did the first time.
fn known_txn(
    db: &Connection,
    txn: &str,
    at: i64,
    id: EventId,
    ts_ms: i64,
) -> Result<Option<Outcome>, StoreError> {
    let sql = "INSERT INTO txn (key, place, id, ts) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING";
    let note = |mut statement: CachedStatement<'_>| statement.execute((txn, at, id_bytes(id), ts_ms));
    if db.prepare_cached(sql).and_then(note).map_err(writing)? > 0 {
        return Ok(None);
    }
    let mut select = db.prepare_cached("SELECT place, id, ts FROM txn WHERE key = ?").map_err(writing)?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?));
    let (first, id, ts_ms) = select.query_row([txn], row).map_err(writing)?;
    let (room, seq) = (place::room_of(first), place::seq_of(first));
    Ok(Some(Outcome::Repeated { room, seq, id: code::id(&id)?, ts_ms }))
}

/// The hot path: each value goes straight into the statement.
fn insert_rows(
    statement: &mut CachedStatement<'_>,
    ts_ms: i64,
    rows: &[Pending<'_>],
) -> Result<(), StoreError> {
    for (first, row) in (1..).step_by(COLUMNS).zip(rows) {
        let (kind, body, meta) = code::parts(&row.append.kind)?;
        let mut bind = || {
            statement.raw_bind_parameter(first, row.place)?;
            statement.raw_bind_parameter(first + 1, &id_bytes(row.append.id)[..])?;
            statement.raw_bind_parameter(first + 2, ts_ms)?;
            statement.raw_bind_parameter(first + 3, row.append.sender.id.0.cast_signed())?;
            statement.raw_bind_parameter(first + 4, kind)?;
            statement.raw_bind_parameter(first + 5, row.ordinal.cast_signed())?;
            statement.raw_bind_parameter(first + 6, body)?;
            statement.raw_bind_parameter(first + 7, meta.as_deref())
        };
        bind().map_err(writing)?;
    }
    statement.raw_execute().map_err(writing)?;
    Ok(())
}

fn id_bytes(id: EventId) -> [u8; 16] {
    id.0.to_be_bytes()
}
