//! Reads logs on a connection of its own.
//!
//! **Invariant.** Nothing here writes to hubbub.db, and nothing is read before a log's first place: what a trim or the
//! removal of its room left there is deleted later. A log is a stretch of places in which ids grow: a place is found by
//! id with about twenty probes, and needs no index.

use super::{
    code,
    fault::{damaged, fault},
    schema, search,
    senders::Senders,
};
use crate::place;
use hubbub_hub::store::{Findings, Reader, SearchPlan, StoreError};
use hubbub_model::{Event, EventId, EventKind, RoomId, Text};
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::Arc;

use super::Shared;

/// The columns that `event` reads, in its order.
pub(crate) const COLUMNS: &str = "place, ordinal, id, ts, sender, kind, body, meta";

pub(crate) struct SqliteReader {
    db: Connection,
    shared: Arc<Shared>,
    index: search::Index,
}

impl SqliteReader {
    pub(crate) fn open(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let db = schema::open_reader(&shared.main_path())?;
        Ok(Self { db, shared, index: search::Index::default() })
    }

    /// Events in the order of the statement, until a budget is spent; one at least unless `limit` is 0.
    fn stretch(
        &self,
        sql: &str,
        bounds: [i64; 2],
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let mut statement = self.db.prepare_cached(sql).map_err(reading)?;
        let limit_sql = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query([bounds[0], bounds[1], limit_sql]).map_err(reading)?;
        let (mut events, mut bytes): (Vec<Event>, usize) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(reading)? {
            let event = event(row, &self.db, &self.shared.senders)?;
            bytes += event.kind.text_len() + 1;
            if !events.is_empty() && bytes > bytes_max {
                break;
            }
            events.push(event);
        }
        Ok(events)
    }
}

impl Reader for SqliteReader {
    fn ascending(
        &mut self,
        room: RoomId,
        from: u64,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let Some(first) = first_seq(&self.db, room)?.filter(|_| from <= place::SEQ_MAX) else {
            return Ok(Vec::new());
        };
        let bounds = [place::place(room, from.max(first)), place::place(room, to)];
        self.stretch(&stretch_sql("ASC"), bounds, limit, bytes_max)
    }

    fn descending(
        &mut self,
        room: RoomId,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let Some(first) = first_seq(&self.db, room)? else { return Ok(Vec::new()) };
        let bounds = [place::place(room, first), place::place(room, to)];
        let mut events = self.stretch(&stretch_sql("DESC"), bounds, limit, bytes_max)?;
        events.reverse();
        Ok(events)
    }

    fn first_from(&mut self, room: RoomId, id: EventId) -> Result<Option<u64>, StoreError> {
        let Some(first) = first_seq(&self.db, room)? else { return Ok(None) };
        Ok(first_from(&self.db, room, first, id).map_err(reading)?.map(|(at, _)| place::seq_of(at)))
    }

    fn search(&mut self, plan: &SearchPlan, so_far: Findings) -> Result<Findings, StoreError> {
        self.index.search(&self.db, &self.shared, plan, so_far)
    }
}

pub(crate) fn reading(error: rusqlite::Error) -> StoreError {
    fault("read hubbub.db", error)
}

fn stretch_sql(order: &str) -> String {
    format!("SELECT {COLUMNS} FROM event WHERE place BETWEEN ? AND ? ORDER BY place {order} LIMIT ?")
}

/// The event of a row of `COLUMNS`.
pub(crate) fn event(row: &Row<'_>, db: &Connection, senders: &Senders) -> Result<Event, StoreError> {
    let number = |column| row.get::<_, i64>(column).map_err(reading);
    let id = row.get_ref(2).map_err(reading)?.as_blob().map_err(damaged)?;
    let (body, meta) = (row.get_ref(6).map_err(reading)?, row.get_ref(7).map_err(reading)?);
    Ok(Event {
        seq: place::seq_of(number(0)?),
        ordinal: number(1)?.cast_unsigned(),
        id: code::id(id)?,
        ts_ms: number(3)?,
        sender: senders.find(db, number(4)?)?,
        kind: code::kind(number(5)?, body, meta)?,
    })
}

/// Where the log begins, if there is one. What lies before is waste, whether it is deleted yet or not.
pub(crate) fn first_seq(db: &Connection, room: RoomId) -> Result<Option<u64>, StoreError> {
    let find = || {
        let mut statement = db.prepare_cached("SELECT first_seq FROM log WHERE room = ?")?;
        statement.query_row([room.0], |row| row.get::<_, i64>(0)).optional()
    };
    Ok(find().map_err(reading)?.map(i64::cast_unsigned))
}

/// The text of the last edit of a message that still has one: the text that is shown.
pub(crate) fn amended(db: &Connection, room: RoomId, message: EventId) -> Result<Option<Text>, StoreError> {
    let sql = "SELECT event.place, kind, body, meta FROM amend JOIN event ON event.place = amend.place
               WHERE target = ? AND amend.place BETWEEN ? AND ? ORDER BY amend.place DESC LIMIT 1";
    let bounds = (place::place(room, 0), place::place(room, place::SEQ_MAX));
    let mut statement = db.prepare_cached(sql).map_err(reading)?;
    let mut rows = statement.query((message.0.to_be_bytes(), bounds.0, bounds.1)).map_err(reading)?;
    let Some(row) = rows.next().map_err(reading)? else { return Ok(None) };
    let (body, meta) = (row.get_ref(2).map_err(reading)?, row.get_ref(3).map_err(reading)?);
    match code::kind(row.get(1).map_err(reading)?, body, meta)? {
        EventKind::Edit { text, .. } => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// The place of the event with this id, if the log has it, which begins at `first`.
pub(crate) fn place_of(
    db: &Connection,
    room: RoomId,
    first: u64,
    id: EventId,
) -> rusqlite::Result<Option<i64>> {
    Ok(first_from(db, room, first, id)?.filter(|(_, found)| *found == id).map(|(at, _)| at))
}

/// The first place of the log, which begins at `first`, whose id is `id` or greater, with its id.
fn first_from(
    db: &Connection,
    room: RoomId,
    first: u64,
    id: EventId,
) -> rusqlite::Result<Option<(i64, EventId)>> {
    let (start, end) = (place::place(room, first), place::place(room, place::SEQ_MAX));
    let Some(last) = probe(db, "DESC", start, end)?.filter(|(_, last)| *last >= id) else { return Ok(None) };
    let (mut low, mut high, mut found) = (start, last.0, last);
    // All before `low` are less than `id`; `found` is the first from `high` on, and not less.
    while low < high {
        let middle = low + (high - low) / 2;
        match probe(db, "ASC", middle, high)? {
            Some(at) if at.1 >= id => (high, found) = (middle, at),
            Some(at) => low = at.0 + 1,
            // Nothing lies between: `found` is the first from here on, too.
            None => high = middle,
        }
    }
    Ok(Some(found))
}

/// The first or last event within two places.
fn probe(db: &Connection, order: &str, from: i64, to: i64) -> rusqlite::Result<Option<(i64, EventId)>> {
    let sql = match order {
        "ASC" => "SELECT place, id FROM event WHERE place BETWEEN ? AND ? ORDER BY place LIMIT 1",
        _ => "SELECT place, id FROM event WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1",
    };
    let row = |row: &Row<'_>| Ok((row.get(0)?, EventId(u128::from_be_bytes(row.get(1)?))));
    db.prepare_cached(sql)?.query_row([from, to], row).optional()
}
