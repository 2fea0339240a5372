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
use hubbub_hub::store::{SearchPlan, StoreError, StoreFault};
use hubbub_model::{Event, EventKind, RoomId};
use rusqlite::{Connection, OptionalExtension};
use std::time::Duration;

/// Places that are asked for at once.
const PAGE: i64 = 64;
/// Places that one search looks at; what is older than those stays unfound.
const EXAMINED_MAX: usize = 50_000;

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
    ) -> Result<Vec<(RoomId, Event)>, StoreError> {
        let phrases = words::phrases(&plan.words);
        let mut rooms: Vec<RoomId> = plan.rooms.clone();
        rooms.sort_unstable();
        rooms.dedup();
        let begins = |room| Ok(first_seq(main, room)?.map(|first| (room, first)));
        let rooms: Vec<(RoomId, u64)> =
            rooms.into_iter().filter_map(|room| begins(room).transpose()).collect::<Result<_, _>>()?;
        if phrases.is_empty() || rooms.is_empty() || plan.limit == 0 {
            return Ok(Vec::new());
        }
        let Some(index) = self.open(shared)? else { return Ok(Vec::new()) };
        let query = words::fts_query(&phrases);
        let mut search = Search { main, shared, plan, rooms: &rooms, hits: Vec::new(), examined: 0 };
        search.run(|from, to| places(index, &query, from, to)).inspect_err(|e| {
            if e.fault == StoreFault::Corrupt {
                shared.signal.rebuild();
            }
        })?;
        Ok(search.hits)
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

/// One search under way. Walks down the places of all rooms at once, and jumps over rooms that have no more to give.
struct Search<'a> {
    main: &'a Connection,
    shared: &'a Shared,
    plan: &'a SearchPlan,
    /// Ascending, each with where its log begins.
    rooms: &'a [(RoomId, u64)],
    /// The newest hits so far, newest first, `plan.limit` at most.
    hits: Vec<(RoomId, Event)>,
    examined: usize,
}

impl Search<'_> {
    fn run(&mut self, places: impl Fn(i64, i64) -> Result<Vec<i64>, StoreError>) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (self.rooms.first(), self.rooms.last()) else { return Ok(()) };
        let lowest = place::place(first.0, first.1);
        let mut upto = Some(place::place(last.0, place::SEQ_MAX));
        while let Some(from) = upto.filter(|from| *from >= lowest && self.examined < EXAMINED_MAX) {
            let page = places(lowest, from)?;
            upto = page.last().map(|last| last - 1);
            for at in page {
                self.examined += 1;
                // A jump may have passed by the rest of the page; what is left of it is then asked for again.
                if let Some(next) = self.look_at(at)? {
                    upto = next;
                    break;
                }
            }
        }
        Ok(())
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
        let Some(event) = self.event(at)? else { return Ok(None) };
        let oldest = self.hits.last().filter(|_| self.hits.len() >= self.plan.limit);
        if oldest.is_some_and(|(_, oldest)| event.id < oldest.id) {
            // Ids fall with the places of a room: it has nothing newer.
            return Ok(Some(self.below(index)));
        }
        if rules::fits(self.plan, &event) {
            let rank = self.hits.partition_point(|(_, hit)| hit.id > event.id);
            self.hits.insert(rank, (room, self.as_shown(room, event)?));
            self.hits.truncate(self.plan.limit);
        }
        Ok(None)
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

    fn event(&self, at: i64) -> Result<Option<Event>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM event WHERE place = ?");
        let mut statement = self.main.prepare_cached(&sql).map_err(reading)?;
        let found = statement.query_row([at], |row| Ok(event(row, self.main, &self.shared.senders)));
        found.optional().map_err(reading)?.transpose()
    }
}

/// The next page of places that match, from the last to the first.
fn places(index: &Connection, query: &str, from: i64, to: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4";
    let mut statement = index.prepare_cached(sql).map_err(searching)?;
    let rows = statement.query_map((query, from, to, PAGE), |row| row.get(0)).map_err(searching)?;
    rows.collect::<Result<_, _>>().map_err(searching)
}

fn searching(error: rusqlite::Error) -> StoreError {
    fault("search", error)
}
