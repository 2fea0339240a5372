//! Presence: who is here, away or gone, over all doors. A snapshot for who asks, then changes as signals.
//!
//! **Invariants.** Told are only those who asked and who share a room with somebody, and of rooms with more people than
//! `arrivals_shown_max` nothing is told, so that a change costs a bounded number of signals for each room. Who comes
//! back within `presence_grace_s` never was gone. Nothing here is stored but the time at which an account was last seen.

use crate::{
    core::Core,
    facts::RoomFacts,
    inbox::{Control, Delivery},
    people::{Here, Person},
    signal::{Signal, Who},
};
use hubbub_model::{Presence, PresenceCard, RoomId, Sender, SenderKind, SessionId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::collections::{BTreeSet, VecDeque};

/// Those whose last session has ended, of which nobody has been told yet.
#[derive(Default)]
pub(crate) struct Leaving {
    left: FxHashMap<Person, Left>,
    /// When each left, in milliseconds since 1970, in that order. Some of them have come back.
    order: VecDeque<(i64, Person)>,
}

/// Somebody as they were when they left.
pub(crate) struct Left {
    at_ms: i64,
    who: Who,
    pub(crate) was: Presence,
    /// What they had open.
    rooms: SmallVec<[RoomId; 1]>,
}

impl Leaving {
    /// Whether nobody is leaving.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Takes the first one who has been gone for so long, or who is one too many.
    fn take(&mut self, before_ms: i64, max: usize) -> Option<(Person, Left)> {
        loop {
            let (at_ms, person) = *self.order.front()?;
            if at_ms > before_ms && self.order.len() <= max {
                return None;
            }
            self.order.pop_front();
            // Who came back and left again is further behind.
            if self.left.get(&person).is_some_and(|left| left.at_ms == at_ms) {
                return self.left.remove(&person).map(|left| (person, left));
            }
        }
    }
}

impl Core {
    /// One of somebody's sessions has begun, ended or changed, but neither the first nor the last.
    pub(crate) fn tell_if_changed(&mut self, person: Person, who: &Who, was: &Presence) {
        let now = self.presence(person);
        if now != *was {
            self.tell_presence(person, who, &now, &[]);
        }
    }

    /// The first session of somebody has begun.
    pub(crate) fn came(&mut self, person: Person, who: &Who) {
        let was = self.leaving.left.remove(&person).map(|left| left.was);
        let now = self.presence(person);
        if was.as_ref() != Some(&now) {
            self.tell_presence(person, who, &now, &[]);
        }
    }

    /// A guest has an account now: under the number that they had nobody is here any more.
    pub(crate) fn became(&mut self, session: SessionId, was: &Sender) {
        let Some((person, who)) = self.people.get(session).map(|here| (here.person(), here.who())) else {
            return;
        };
        self.tell_presence(person, &crate::people::who(was), &Presence::Gone { last_seen_ms: None }, &[]);
        let now = self.presence(person);
        self.tell_presence(person, &who, &now, &[]);
    }

    /// The last session of somebody has ended: they are told to be gone a little later, if they don't come back.
    pub(crate) fn went(&mut self, person: Person, who: Who, was: Presence, rooms: SmallVec<[RoomId; 1]>) {
        let at_ms = self.now_ms;
        self.leaving.order.push_back((at_ms, person));
        self.leaving.left.insert(person, Left { at_ms, who, was, rooms });
    }

    /// Tells of those who have been gone for long enough.
    pub(crate) fn tell_gone(&mut self) {
        let grace_ms = i64::try_from(self.limits.presence_grace_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let before_ms = self.now_ms.saturating_sub(grace_ms);
        while let Some((person, left)) = self.leaving.take(before_ms, self.limits.conns_max) {
            let gone = self.presence(person);
            self.tell_presence(person, &left.who, &gone, &left.rooms);
        }
    }

    /// Tells those who asked and who share a small room with somebody how they are now. `rooms` are more rooms of theirs
    /// than those that they belong to or have open.
    pub(crate) fn tell_presence(&mut self, person: Person, who: &Who, presence: &Presence, rooms: &[RoomId]) {
        let rooms = self.rooms_of(person).into_iter().chain(rooms.iter().copied());
        let told: FxHashSet<SessionId> = rooms.flat_map(|room| self.watching(room)).collect();
        for session in told {
            self.tell_one(session, person, who, presence);
        }
    }

    /// Tells those who asked in one room that somebody has come to be in it.
    pub(crate) fn introduce(&mut self, session: SessionId, room: RoomId) {
        let Some((person, who)) = self.people.get(session).map(|here| (here.person(), here.who())) else {
            return;
        };
        let presence = self.presence(person);
        for watcher in self.watching(room) {
            self.tell_one(watcher, person, &who, &presence);
        }
    }

    fn tell_one(&mut self, session: SessionId, about: Person, who: &Who, presence: &Presence) {
        let Some(here) = self.people.get(session).filter(|here| here.person() != about) else { return };
        let outlet = here.outlet.clone();
        let signal = Signal::Presence { who: who.clone(), presence: presence.clone() };
        self.tell(&outlet, Control::Told(Delivery::Signal(signal)));
    }

    /// Those with whom the session shares a small room, as they were last told to be: by name, and how many in all.
    pub(crate) fn acquaintances(&self, session: SessionId) -> (Vec<PresenceCard>, u32) {
        let Some(me) = self.people.get(session).map(Here::person) else { return (Vec::new(), 0) };
        let persons: BTreeSet<Person> = self
            .rooms_of(me)
            .into_iter()
            .flat_map(|room| self.persons_in(room))
            .filter(|p| *p != me)
            .collect();
        let mut cards: Vec<PresenceCard> =
            persons.into_iter().filter_map(|p| self.presence_card(p)).collect();
        let total = u32::try_from(cards.len()).unwrap_or(u32::MAX);
        cards.sort_by(|a, b| a.name.cmp(&b.name));
        cards.truncate(self.limits.list_rows_max);
        (cards, total)
    }

    fn presence_card(&self, person: Person) -> Option<PresenceCard> {
        let presence = match self.leaving.left.get(&person) {
            Some(left) => left.was.clone(),
            None => self.presence(person),
        };
        let (number, kind, name) = match person {
            Person::Account(id) => {
                let card = &self.facts.accounts.get(&id)?.card;
                (u64::from(id.0), card.kind, card.name.clone())
            }
            Person::Guest(number) => {
                let session = self.people.sessions_of(person).first()?;
                (number, SenderKind::Guest, self.people.get(*session)?.sender.name.clone())
            }
        };
        Some(PresenceCard { number, kind, name, presence })
    }

    /// The rooms that somebody belongs to or has open.
    fn rooms_of(&self, person: Person) -> FxHashSet<RoomId> {
        let sessions = self.people.sessions_of(person).iter().filter_map(|s| self.people.get(*s));
        let mut rooms: FxHashSet<RoomId> =
            sessions.flat_map(|here| here.open.iter().map(|(room, _)| *room)).collect();
        if let Person::Account(account) = person {
            rooms.extend(self.facts.rooms_of(account));
        }
        rooms
    }

    /// The people of a room, members and attendees; of a large one nobody.
    fn persons_in(&self, room: RoomId) -> BTreeSet<Person> {
        let (Some(facts), Some(live)) = (self.facts.rooms.get(&room), self.live.get(&room)) else {
            return BTreeSet::new();
        };
        let max = self.limits.arrivals_shown_max;
        if live.attendees.len() > max || facts.members.len() > max {
            return BTreeSet::new();
        }
        let attendees = live.told().filter_map(|s| self.people.get(s)).map(Here::person);
        attendees.chain(members(facts)).collect()
    }

    /// The sessions of a small room's people that asked for presence.
    fn watching(&self, room: RoomId) -> Vec<SessionId> {
        let sessions = self.persons_in(room).into_iter().flat_map(|person| self.people.sessions_of(person));
        sessions.copied().filter(|s| self.people.get(*s).is_some_and(|here| here.watches)).collect()
    }
}

fn members(room: &RoomFacts) -> impl Iterator<Item = Person> {
    room.members.values().filter(|member| !member.invited).map(|member| Person::Account(member.account))
}
