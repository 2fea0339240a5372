//! Reading: history, search, somebody's card. What is in the ring is answered from there, else by the reading
//! threads; the hub thread itself looks up single events only.

use super::Done;
use crate::{
    core::Core,
    inbox::{Control, Delivery, Outlet},
    log::Log,
    people::Person,
    reads::report,
    rules::{Act, authorize, refuse},
    store::{Findings, Reader, SearchPlan, StoreError},
};
use hubbub_model::{
    Event, EventId, EventKind, HistoryQuery, Hit, Kind, Place, Refusal, Reply, RoomId, RoomKind, RoomName,
    RoomRef, SearchQuery, SessionId, Ticket, UserName,
};
use std::{collections::HashMap, sync::Arc};

/// Bytes of text in one answer.
const ANSWER_BYTES: usize = 1 << 20;
const SEARCH_HITS_MAX: u32 = 100;

impl Core {
    pub(super) fn history(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: &RoomRef,
        query: HistoryQuery,
    ) -> Done {
        let room = self.may(session, Act::Read, room)?;
        let Some(log) = self.live.get(&room).map(|live| live.log.clone()) else { return Ok(None) };
        let outlet = self.here(session)?.outlet.clone();
        let name = self.card(session, room).map_or_else(|| log.name().clone(), |card| card.name);
        let max = self.limits.history_events_max;
        let reads = self.reads.clone();
        // Behind the commit of what was said before in the same breath.
        self.after_then(&outlet.clone(), ticket, move |_| {
            if log.is_ephemeral() {
                let (events, more) = stretch(&mut RingReader(&log), &log, query, max).unwrap_or_default();
                return Some(Ok(Reply::History { room, name, events: Arc::new(events), more }));
            }
            reads.run(move |reader| {
                let reply = stretch(reader, &log, query, max).map(|(events, more)| Reply::History {
                    room,
                    name,
                    events: Arc::new(events),
                    more,
                });
                answer(&outlet, ticket, reply);
            });
            None
        });
        Ok(None)
    }

    pub(super) fn search(&mut self, session: SessionId, ticket: Ticket, query: SearchQuery) -> Done {
        let outlet = self.here(session)?.outlet.clone();
        let rooms = match &query.room {
            Some(room) => vec![self.may(session, Act::Read, room)?],
            None => self.searchable(session)?,
        };
        if query.words.trim().is_empty() || query.words.len() > self.limits.note_bytes_max {
            return Err(refuse(
                Kind::Invalid,
                "say what to look for: one or two words or characters are enough",
            ));
        }
        let names: HashMap<RoomId, RoomName> =
            rooms.iter().filter_map(|room| Some((*room, self.card(session, *room)?.name))).collect();
        let plan = SearchPlan {
            words: query.words,
            rooms,
            sender_fold: query.sender.map(|name| name.folded()),
            since_ms: query.since_ms,
            until_ms: query.until_ms,
            limit: query.limit.clamp(1, SEARCH_HITS_MAX) as usize,
        };
        self.reads.search(outlet, plan, move |outlet, hits| {
            let hit = |(room, event)| Some(Hit { room, name: names.get(&room)?.clone(), event });
            let found = hits.map(|hits| Reply::Found(hits.into_iter().filter_map(hit).collect()));
            answer(outlet, ticket, found);
        });
        Ok(None)
    }

    /// The stored rooms that the session may read.
    fn searchable(&self, session: SessionId) -> Result<Vec<RoomId>, Refusal> {
        let here = self.here(session)?;
        let rooms = self.facts.rooms.values().filter(|facts| {
            let id = facts.row.id;
            authorize(here.actor(Some(id)), Act::Read, facts, self.now_ms).is_ok()
                && (facts.row.kind == RoomKind::Room
                    || here.attachment(id).is_some()
                    || facts.row.pair.is_some())
        });
        Ok(rooms.map(|facts| facts.row.id).collect())
    }

    /// One stored event, by a look-up of a few pages.
    pub(super) fn stored_event(&mut self, room: RoomId, id: EventId) -> Option<Event> {
        let reader = self.lookup.as_mut()?;
        let found = reader.first_from(room, id).and_then(|seq| match seq {
            Some(seq) => reader.ascending(room, seq, seq, 1, usize::MAX),
            None => Ok(Vec::new()),
        });
        found.map_err(|error| report(&error)).ok()?.pop().filter(|event| event.id == id)
    }

    /// How many countable events the log holds up to and with this place.
    pub(super) fn ordinal_at(&mut self, room: RoomId, seq: u64) -> Option<u64> {
        let live = self.live.get(&room)?;
        if seq >= live.head {
            return Some(live.countable);
        }
        if seq < live.log.first_kept() {
            // Nobody need know how many of those that are gone lie behind it.
            return Some(live.log.gone());
        }
        if let Some(event) = live.log.at(seq) {
            return Some(event.ordinal);
        }
        self.stored_at(room, seq).map(|event| event.ordinal)
    }

    /// How many countable events lie below a place that the log has, or that comes behind its head.
    pub(crate) fn countable_below(&mut self, room: RoomId, first: u64) -> u64 {
        let Some(live) = self.live.get(&room) else { return 0 };
        let (log, countable) = (live.log.clone(), live.countable);
        if first > live.head {
            return countable;
        }
        if first > log.first_kept() {
            return self.ordinal_at(room, first - 1).unwrap_or(log.gone());
        }
        // What lies below is gone. A tombstone was a message as a rule, and counts as one.
        let counts = |kind: &EventKind| kind.is_countable() || *kind == EventKind::Redacted;
        let event = log.at(first).or_else(|| self.stored_at(room, first));
        event.map_or(log.gone(), |event| event.ordinal.saturating_sub(counts(&event.kind).into()))
    }

    fn stored_at(&mut self, room: RoomId, seq: u64) -> Option<Event> {
        let found = self.lookup.as_mut()?.ascending(room, seq, seq, 1, usize::MAX);
        found.map_err(|error| report(&error)).ok()?.pop()
    }

    pub(super) fn whois(&self, who: &UserName) -> Done {
        let nobody = || refuse(Kind::NotFound, format_args!("there is nobody named {who}"));
        let person = self.person_named(&who.folded()).ok_or_else(nobody)?;
        let account = match person {
            Person::Account(id) => self.facts.accounts.get(&id).map(|row| Box::new(row.card.clone())),
            Person::Guest(_) => None,
        };
        let name = match (&account, self.people.sessions_of(person).first().and_then(|s| self.people.get(*s)))
        {
            (Some(card), _) => card.name.clone(),
            (None, Some(here)) => here.sender.name.clone(),
            (None, None) => return Err(nobody()),
        };
        Ok(Some(Reply::Whois { name, account, presence: self.presence(person) }))
    }
}

fn answer(outlet: &Outlet, ticket: Ticket, reply: Result<Reply, StoreError>) {
    let reply = reply.map_err(|error| {
        report(&error);
        refuse(Kind::Internal, "the store could not be read: ask the operator")
    });
    outlet.push(Control::Told(Delivery::Reply(ticket, reply)));
}

/// The stretch of the log that the query means, oldest first, and whether there is more in its direction.
fn stretch(
    reader: &mut dyn Reader,
    log: &Log,
    query: HistoryQuery,
    max: u32,
) -> Result<(Vec<Event>, bool), StoreError> {
    let room = log.id();
    let head = log.head();
    let first = log.first_kept().max(1);
    let clamp = |limit: u32| limit.clamp(1, max) as usize;
    let down =
        |reader: &mut dyn Reader, to: u64, limit: usize| reader.descending(room, to, limit, ANSWER_BYTES);
    match query {
        HistoryQuery::Before(place, limit) => {
            let at = seq_of(reader, log, place, head + 1)?;
            let events = down(reader, at.saturating_sub(1).min(head), clamp(limit))?;
            let more = events.first().is_some_and(|event| event.seq > first);
            Ok((events, more))
        }
        HistoryQuery::After(place, limit) => {
            // Of a place between two events (a time, an id that is not here), the next event is already behind it.
            let at = seq_of(reader, log, place, head)?;
            let from = if is_at(reader, room, place, at)? { at.saturating_add(1) } else { at };
            forward(reader, room, from, head, clamp(limit))
        }
        HistoryQuery::Around(place, limit) => {
            let at = seq_of(reader, log, place, head)?;
            let half = clamp(limit) / 2;
            let mut events = down(reader, at.saturating_sub(1).min(head), half)?;
            let (rest, more) = forward(reader, room, at, head, clamp(limit) - events.len())?;
            events.extend(rest);
            Ok((events, more))
        }
        HistoryQuery::Between(a, b, limit) => {
            let (a, b) = (seq_of(reader, log, a, head)?, seq_of(reader, log, b, head)?);
            forward(reader, room, a.min(b), a.max(b).min(head), clamp(limit))
        }
    }
}

fn forward(
    reader: &mut dyn Reader,
    room: RoomId,
    from: u64,
    to: u64,
    limit: usize,
) -> Result<(Vec<Event>, bool), StoreError> {
    let events = reader.ascending(room, from, to, limit, ANSWER_BYTES)?;
    let more = events.last().is_some_and(|event| event.seq < to);
    Ok((events, more))
}

/// Whether the place is that of the event at `seq`, and not one between two events.
fn is_at(reader: &mut dyn Reader, room: RoomId, place: Place, seq: u64) -> Result<bool, StoreError> {
    match place {
        Place::Seq(_) | Place::Head => Ok(true),
        Place::Id(id) => {
            Ok(reader.ascending(room, seq, seq, 1, usize::MAX)?.first().is_some_and(|event| event.id == id))
        }
        Place::Time(_) => Ok(false),
    }
}

/// The seq that a place means; `head` for what lies behind the last event.
fn seq_of(reader: &mut dyn Reader, log: &Log, place: Place, head: u64) -> Result<u64, StoreError> {
    let id = match place {
        Place::Seq(seq) => return Ok(seq),
        Place::Head => return Ok(head),
        Place::Id(id) => id,
        Place::Time(ts_ms) => EventId::first_of_ms(u64::try_from(ts_ms).unwrap_or(0)),
    };
    Ok(reader.first_from(log.id(), id)?.unwrap_or(log.head() + 1))
}

/// An ephemeral log has its ring alone.
struct RingReader<'a>(&'a Log);

impl RingReader<'_> {
    fn range(&self, from: u64, to: u64) -> Vec<Event> {
        (from.max(self.0.first_kept())..=to.min(self.0.head())).filter_map(|seq| self.0.at(seq)).collect()
    }
}

impl Reader for RingReader<'_> {
    fn ascending(
        &mut self,
        _: RoomId,
        from: u64,
        to: u64,
        limit: usize,
        _: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let from = from.max(self.0.first_kept());
        Ok(self.range(from, to.min(from.saturating_add(limit as u64).saturating_sub(1))))
    }

    fn descending(&mut self, _: RoomId, to: u64, limit: usize, _: usize) -> Result<Vec<Event>, StoreError> {
        Ok(self.range((to + 1).saturating_sub(limit as u64), to))
    }

    fn first_from(&mut self, _: RoomId, id: EventId) -> Result<Option<u64>, StoreError> {
        Ok(self.range(0, u64::MAX).into_iter().find(|event| event.id >= id).map(|event| event.seq))
    }

    fn search(&mut self, _: &SearchPlan, _: Findings) -> Result<Findings, StoreError> {
        Ok(Findings::default())
    }
}
