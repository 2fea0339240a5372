//! Finds words: places from search.db, the events themselves and all other filters from hubbub.db.
//!
//! **Invariant.** search.db decides nothing: what it names and the log no longer has is no hit.

use super::{
    Shared,
    fault::fault,
    read::{COLUMNS, amended, event, first_seq, reading},
    schema,
};
use crate::{place, rules, words};
use hubbub_hub::store::{Findings, SearchPlan, StoreError, StoreFault};
use hubbub_model::{Event, EventId, EventKind, RoomId};
use rusqlite::{Connection, Row};
use std::{collections::HashMap, time::Duration};

/// Places that one step of a search looks at.
const STEP_PLACES: usize = 5_000;

/// A reader's connection to search.db; opened at the first search, and again when the file was made anew.
#[derive(Default)]
pub(crate) struct Index {
    open: Option<(u64, Connection)>,
}

impl Index {
    pub(crate) fn search(
        &mut self,
        main: &Connection,
        shared: &Shared,
        plan: &SearchPlan,
        so_far: Findings,
    ) -> Result<Findings, StoreError> {
        let phrases = words::phrases(&plan.words);
        let mut rooms: Vec<RoomId> = plan.rooms.clone();
        rooms.sort_unstable();
        rooms.dedup();
        let begins = |room| Ok(first_seq(main, room)?.map(|first| (room, first)));
        let rooms: Vec<(RoomId, u64)> =
            rooms.into_iter().filter_map(|room| begins(room).transpose()).collect::<Result<_, _>>()?;
        if phrases.is_empty() || rooms.is_empty() || plan.limit == 0 {
            return Ok(Findings::default());
        }
        let Some(index) = self.open(shared)? else { return Ok(Findings::default()) };
        let query = words::fts_query(&phrases);
        let mut search = Search {
            main,
            shared,
            plan,
            rooms: &rooms,
            hits: so_far.hits,
            examined: 0,
            senders: HashMap::new(),
        };
        let more = search.run(index, &query, so_far.more).inspect_err(|e| {
            if e.fault == StoreFault::Corrupt {
                shared.signal.rebuild();
            }
        })?;
        Ok(Findings { hits: search.hits, more })
    }

    /// The connection, if there is an index yet.
    fn open(&mut self, shared: &Shared) -> Result<Option<&Connection>, StoreError> {
        let life = shared.signal.life();
        if self.open.as_ref().is_none_or(|(opened, _)| *opened != life) {
            self.open = None;
            if life == 0 {
                return Ok(None);
            }
            let db = schema::connect(
                &shared.search_path(),
                rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
                Duration::from_secs(5),
            )?;
            db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1000;").map_err(searching)?;
            self.open = Some((life, db));
        }
        Ok(self.open.as_ref().map(|(_, db)| db))
    }
}

/// One search under way. Walks down the places of all rooms at once, and jumps over rooms that
/// have no more to give.
struct Search<'a> {
    main: &'a Connection,
    shared: &'a Shared,
    plan: &'a SearchPlan,
    /// Ascending, each with where its log begins.
    rooms: &'a [(RoomId, u64)],
    /// The newest hits so far, newest first, `plan.limit` at most.
    hits: Vec<(RoomId, Event)>,
    /// Places that this step has looked at.
    examined: usize,
    /// Whether the plan wants what these senders said, by the numbers of their rows.
    senders: HashMap<i64, bool>,
}

/// How a walk ended.
enum Walked {
    /// There are no more places.
    ToTheEnd,
    /// There is nothing to be found before this place; nowhere if none.
    Jump(Option<i64>),
    /// The step has looked at as many places as it may; the next one begins here.
    Enough(i64),
}

impl Search<'_> {
    /// One step, from a place down. Gives the place where the next one begins, if there is anything left.
    fn run(&mut self, index: &Connection, query: &str, from: Option<u64>) -> Result<Option<u64>, StoreError> {
        let (Some(first), Some(last)) = (self.rooms.first(), self.rooms.last()) else { return Ok(None) };
        let lowest = place::place(first.0, first.1);
        let mut upto = Some(from.map_or_else(|| place::place(last.0, place::SEQ_MAX), u64::cast_signed));
        while let Some(from) = upto.filter(|from| *from >= lowest) {
            match self.walk(index, query, lowest, from)? {
                Walked::ToTheEnd => return Ok(None),
                Walked::Jump(next) => upto = next,
                Walked::Enough(next) => return Ok(Some(next.cast_unsigned())),
            }
        }
        Ok(None)
    }

    /// Walks down the places that have the words, for as long as there is nothing to jump over.
    fn walk(
        &mut self,
        index: &Connection,
        query: &str,
        lowest: i64,
        from: i64,
    ) -> Result<Walked, StoreError> {
        let sql = "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC";
        let mut statement = index.prepare_cached(sql).map_err(searching)?;
        let mut places = statement.query((query, lowest, from)).map_err(searching)?;
        while let Some(row) = places.next().map_err(searching)? {
            let at = row.get(0).map_err(searching)?;
            if self.examined >= STEP_PLACES {
                return Ok(Walked::Enough(at));
            }
            self.examined += 1;
            if let Some(next) = self.look_at(at)? {
                return Ok(Walked::Jump(next));
            }
        }
        Ok(Walked::ToTheEnd)
    }

    /// Looks at one place. `Some` says where to go on instead of at the next place: `Some(None)` nowhere.
    fn look_at(&mut self, at: i64) -> Result<Option<Option<i64>>, StoreError> {
        let room = place::room_of(at);
        let index = match self.rooms.binary_search_by_key(&room, |(room, _)| *room) {
            Ok(index) => index,
            Err(index) => return Ok(Some(self.below(index))),
        };
        if self.rooms.get(index).is_some_and(|(_, first)| place::seq_of(at) < *first) {
            // What the log has dropped, and search.db has not yet.
            return Ok(Some(self.below(index)));
        }
        let sql = format!("SELECT {COLUMNS} FROM event WHERE place = ?");
        let mut statement = self.main.prepare_cached(&sql).map_err(reading)?;
        let mut rows = statement.query([at]).map_err(reading)?;
        let Some(row) = rows.next().map_err(reading)? else { return Ok(None) };
        let oldest = self.hits.last().filter(|_| self.hits.len() >= self.plan.limit);
        if oldest.is_some_and(|(_, oldest)| id(row).is_ok_and(|id| id < oldest.id)) {
            // Ids fall with the places of a room: it has nothing newer.
            return Ok(Some(self.below(index)));
        }
        if self.fits(row)? {
            let event = event(row, self.main, &self.shared.senders)?;
            let rank = self.hits.partition_point(|(_, hit)| hit.id > event.id);
            self.hits.insert(rank, (room, self.as_shown(room, event)?));
            self.hits.truncate(self.plan.limit);
        }
        Ok(None)
    }

    /// Whether an event passes the filters; cheaper than to read it.
    fn fits(&mut self, row: &Row<'_>) -> Result<bool, StoreError> {
        let (ts_ms, sender) = (row.get(3).map_err(reading)?, row.get(4).map_err(reading)?);
        if !rules::fits_time(self.plan, ts_ms) || self.plan.sender_fold.is_none() {
            return Ok(rules::fits_time(self.plan, ts_ms));
        }
        if let Some(fits) = self.senders.get(&sender) {
            return Ok(*fits);
        }
        let who = self.shared.senders.find(self.main, sender)?;
        let fits = rules::fits_sender(self.plan, &who);
        self.senders.insert(sender, fits);
        Ok(fits)
    }

    /// The last place of the rooms before `rooms[index]`.
    fn below(&self, index: usize) -> Option<i64> {
        index
            .checked_sub(1)
            .and_then(|i| self.rooms.get(i))
            .map(|(room, _)| place::place(*room, place::SEQ_MAX))
    }

    /// A message with the text of its last edit.
    fn as_shown(&self, room: RoomId, mut event: Event) -> Result<Event, StoreError> {
        if let EventKind::Message { text, .. } = &mut event.kind
            && let Some(amended) = amended(self.main, room, event.id)?
        {
            *text = amended;
        }
        Ok(event)
    }
}

/// The id of a row of `COLUMNS`.
fn id(row: &Row<'_>) -> rusqlite::Result<EventId> {
    Ok(EventId(u128::from_be_bytes(row.get(2)?)))
}

fn searching(error: rusqlite::Error) -> StoreError {
    fault("search", error)
}
