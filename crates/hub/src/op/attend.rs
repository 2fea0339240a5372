//! Opening and closing rooms, directs, and telling who is there.

use super::Done;
use crate::{
    core::{Core, Live},
    inbox::{Attached, Attachment, Control},
    people::Person,
    rules::{Act, not_found, refuse, scope, standing},
    signal::{EndReason, Signal},
    store::{MarkRow, MemberRow, Write},
};
use hubbub_model::{
    Attendee, Durability, EventKind, Kind, Member, MemberChange, Presence, Refusal, Reply, RoomCard, RoomId,
    RoomKind, RoomName, RoomRef, Scope, SessionId, Standing, Start, Target, Text, Ticket,
};
use std::{collections::HashMap, sync::Arc};

impl Core {
    pub(super) fn attach(&mut self, session: SessionId, ticket: Ticket, room: &RoomRef, from: Start) -> Done {
        let room = self.may(session, Act::Enter, room)?;
        self.has_place_for(session, room)?;
        self.settle_marks(session, Some(room));
        self.become_member(session, room)?;
        self.open(session, ticket, room, from);
        Ok(None)
    }

    fn has_place_for(&self, session: SessionId, room: RoomId) -> Result<(), Refusal> {
        let (here, max) = (self.here(session)?, self.limits.rooms_per_session_max);
        if here.attachment(room).is_none() && here.open.len() >= max {
            return Err(refuse(
                Kind::TooMany,
                format_args!("a session has at most {max} rooms open: close one first"),
            ));
        }
        Ok(())
    }

    /// Opens the room at this place in the order. Rules and limits see it open from here on; the cursor and the
    /// answer follow once what lies before is committed.
    fn open(&mut self, session: SessionId, ticket: Ticket, room: RoomId, from: Start) {
        let opened = self.enlist(session, room);
        let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) else { return };
        if self.live.get(&room).is_some_and(|live| live.log.is_ephemeral()) {
            return self.attach_now(session, ticket, room, from, opened);
        }
        self.after_either(&outlet, ticket, move |core, committed| {
            if let Err(refusal) = committed {
                core.unlist(session, room, opened.as_ref());
                return Some(Err(refusal));
            }
            core.attach_now(session, ticket, room, from, opened);
            None
        });
    }

    /// The session has the room open. `None`: it had before.
    fn enlist(&mut self, session: SessionId, room: RoomId) -> Option<Arc<Attachment>> {
        let here = self.people.get_mut(session).filter(|here| here.attachment(room).is_none())?;
        let attachment = Arc::new(Attachment::new());
        here.open.push((room, attachment.clone()));
        if let Some(live) = self.live.get_mut(&room) {
            live.attendees.insert(session, false);
        }
        Some(attachment)
    }

    /// The commit that was to open the room has failed.
    fn unlist(&mut self, session: SessionId, room: RoomId, opened: Option<&Arc<Attachment>>) {
        let Some(opened) = opened else { return };
        if let Some(here) = self.people.get_mut(session) {
            here.open.retain(|(_, attachment)| !Arc::ptr_eq(attachment, opened));
        }
        if let Some(live) = self.live.get_mut(&room) {
            live.attendees.remove(&session);
        }
    }

    /// A registered person who opens a room belongs to it from then on.
    pub(super) fn become_member(&mut self, session: SessionId, room: RoomId) -> Result<(), Refusal> {
        let Some(account) = self.here(session)?.sender.account else { return Ok(()) };
        let Some(facts) = self.facts.rooms.get(&room) else { return Ok(()) };
        let known = facts.members.get(&account);
        if known.is_some_and(|member| !member.invited) {
            return Ok(());
        }
        let standing = known.map(|member| member.standing).unwrap_or_default();
        let (seq, ordinal) = self.live.get(&room).map_or((0, 0), |live| (live.head, live.countable));
        let sender = self.stored_sender(session, room)?;
        self.write(Write::Member(MemberRow { room, account, standing, invited: false }));
        self.put_mark(MarkRow { room, account, seq, ordinal });
        self.append(room, &sender, EventKind::Member(Box::new(MemberChange::Joined)), None);
        let outlet = self.here(session)?.outlet.clone();
        self.after_then(&outlet, Ticket::NONE, move |core| {
            core.introduce(session, room);
            None
        });
        Ok(())
    }

    /// A cursor for the session, an answer, a signal for the others.
    fn attach_now(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: RoomId,
        from: Start,
        opened: Option<Arc<Attachment>>,
    ) {
        let Some(here) = self.people.get(session) else { return };
        let (outlet, who) = (here.outlet.clone(), here.who());
        let card = self.card(session, room);
        let Some((live, card)) = self.live.get_mut(&room).zip(card) else {
            // It was deleted in the same batch.
            self.tell(&outlet, Control::Told(crate::inbox::Delivery::Reply(ticket, Err(not_found()))));
            return;
        };
        let (next, missing) = live.place(from);
        let log = live.log.clone();
        let reply = Box::new(Ok(Reply::Attached { card: Box::new(card), next, missing }));
        let Some(attachment) = opened else {
            self.tell(&outlet, Control::Open(room, ticket, reply));
            return;
        };
        if let Some(told) = live.attendees.get_mut(&session) {
            *told = true;
        }
        self.tell(&outlet, Control::Attached(Attached { log, attachment, next }, ticket, reply));
        self.tell_attendance(room, session, &who, true);
        // A guest belongs to a room only while it is open; members are introduced when they join.
        if self.people.get(session).is_some_and(|here| here.sender.account.is_none()) {
            self.introduce(session, room);
        }
    }

    /// The hub opens a direct for a session in which nobody asked for it.
    pub(super) fn open_by_itself(&mut self, session: SessionId, room: RoomId) {
        // A session that is full hears nothing more from strangers; what is stored it finds in its list of rooms.
        if self.has_place_for(session, room).is_err() {
            return;
        }
        let Some(attachment) = self.enlist(session, room) else { return };
        let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) else { return };
        if self.live.get(&room).is_some_and(|live| live.log.is_ephemeral()) {
            return self.open_now(session, room, attachment);
        }
        self.after_either(&outlet, Ticket::NONE, move |core, committed| {
            match committed {
                Ok(()) => core.open_now(session, room, attachment),
                Err(_) => core.unlist(session, room, Some(&attachment)),
            }
            None
        });
    }

    fn open_now(&mut self, session: SessionId, room: RoomId, attachment: Arc<Attachment>) {
        let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) else { return };
        let card = self.card(session, room);
        let Some((live, card)) = self.live.get_mut(&room).zip(card) else { return };
        if let Some(told) = live.attendees.get_mut(&session) {
            *told = true;
        }
        let (log, next) = (live.log.clone(), live.head + 1);
        self.tell(&outlet, Control::Opened(Attached { log, attachment, next }, Box::new(card)));
    }

    pub(super) fn detach(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let room = self.find_room(room)?;
        if self.here(session)?.attachment(room).is_none() {
            return Err(refuse(Kind::NotInRoom, "you do not have that room open"));
        }
        self.close_for(session, room, EndReason::Left);
        Ok(Some(Reply::Done))
    }

    pub(super) fn leave(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let room = self.find_room(room)?;
        let here = self.here(session)?;
        let (account, attends) = (here.sender.account, here.attachment(room).is_some());
        let belongs =
            account.filter(|a| self.facts.rooms.get(&room).is_some_and(|r| r.members.contains_key(a)));
        if let Some(account) = belongs {
            let sender = self.stored_sender(session, room)?;
            self.write(Write::RemoveMember(room, account));
            self.append(room, &sender, EventKind::Member(Box::new(MemberChange::Left)), None);
        } else if !attends {
            return Err(refuse(Kind::NotInRoom, "you are not in that room"));
        }
        let person = self.here(session)?.person();
        for session in self.people.sessions_of(person).to_vec() {
            self.close_for(session, room, EndReason::Left);
        }
        Ok(Some(Reply::Done))
    }

    /// The session sees nothing of the room that comes behind what was sequenced so far.
    pub(crate) fn close_for(&mut self, session: SessionId, room: RoomId, reason: EndReason) {
        // For rules and limits it is closed from here on.
        let Some(here) = self.people.get_mut(session) else { return };
        let Some(at) = here.open.iter().position(|(open, _)| *open == room) else { return };
        let (_, attachment) = here.open.remove(at);
        let outlet = here.outlet.clone();
        let told = self.live.get_mut(&room).and_then(|live| live.attendees.remove(&session));
        if self.live.get(&room).is_some_and(|live| live.log.is_ephemeral()) {
            return self.close_now(session, room, &attachment, reason);
        }
        self.after_either(&outlet, Ticket::NONE, move |core, committed| {
            match committed {
                Ok(()) => core.close_now(session, room, &attachment, reason),
                Err(_) => core.reopen(session, room, attachment, told),
            }
            None
        });
    }

    fn close_now(&mut self, session: SessionId, room: RoomId, attachment: &Attachment, reason: EndReason) {
        let Some(here) = self.people.get(session) else { return };
        let (outlet, who) = (here.outlet.clone(), here.who());
        attachment.end(self.live.get(&room).map_or(0, |live| live.head + 1), reason);
        // A parked cursor looks at its end when it is woken.
        outlet.wake_cursors();
        self.tell_attendance(room, session, &who, false);
    }

    /// The commit that was to close the room has failed.
    fn reopen(&mut self, session: SessionId, room: RoomId, attachment: Arc<Attachment>, told: Option<bool>) {
        let (Some(here), Some(live)) = (self.people.get_mut(session), self.live.get_mut(&room)) else {
            return;
        };
        here.open.push((room, attachment));
        live.attendees.insert(session, told.unwrap_or_default());
    }

    /// The session is over: the others hear of it; rooms that live only as long as their people go.
    pub(crate) fn leave_all(&mut self, session: SessionId, open: &[RoomId], who: &crate::signal::Who) {
        for room in open.iter().copied() {
            if let Some(live) = self.live.get_mut(&room) {
                live.attendees.remove(&session);
            }
            self.tell_attendance(room, session, who, false);
        }
    }

    /// Tells a small room who came or went; of a large one only the count is due.
    pub(super) fn tell_attendance(
        &mut self,
        room: RoomId,
        session: SessionId,
        who: &crate::signal::Who,
        on: bool,
    ) {
        let Some(live) = self.live.get(&room) else { return };
        let attendees = live.count();
        if live.attendees.len() > self.limits.arrivals_shown_max {
            self.counts_due.insert(room);
            return;
        }
        let name = live.log.name().clone();
        let others: Vec<SessionId> = live.told().filter(|s| *s != session).collect();
        for other in others {
            let Some(outlet) = self.people.get(other).map(|here| here.outlet.clone()) else { continue };
            let signal = Signal::Attend { room, name: name.clone(), who: who.clone(), on, attendees };
            self.tell(&outlet, Control::Told(crate::inbox::Delivery::Signal(signal)));
        }
    }

    /// Tells large rooms how many are there now.
    pub(crate) fn tell_counts(&mut self) {
        for room in std::mem::take(&mut self.counts_due) {
            let Some(live) = self.live.get(&room) else { continue };
            let (name, attendees) = (live.log.name().clone(), live.count());
            for session in live.told() {
                if let Some(here) = self.people.get(session) {
                    here.outlet.signal(
                        Signal::Attendees { room, name: name.clone(), attendees },
                        self.limits.control_queue_max,
                    );
                }
            }
        }
    }

    pub(super) fn typing(&mut self, session: SessionId, room: &RoomRef, on: bool) -> Done {
        let room = self.may(session, Act::Speak, room)?;
        let who = self.here(session)?.who();
        let Some(live) = self.live.get(&room) else { return Ok(Some(Reply::Done)) };
        // In a crowd nobody can follow who types.
        if live.attendees.len() <= self.limits.arrivals_shown_max {
            for other in live.told().filter(|s| *s != session) {
                if let Some(here) = self.people.get(other) {
                    let signal = Signal::Typing { room, name: live.log.name().clone(), who: who.clone(), on };
                    here.outlet.signal(signal, self.limits.control_queue_max);
                }
            }
        }
        Ok(Some(Reply::Done))
    }

    pub(super) fn away(&mut self, session: SessionId, text: Option<Text>) -> Done {
        if let Some(text) = &text {
            self.fits_note(text)?;
        }
        let was = self.presence(self.here(session)?.person());
        let here = self.people.get_mut(session).ok_or_else(super::gone)?;
        here.away = text.map(Box::new);
        let (person, who) = (here.person(), here.who());
        // Somebody who is away at one place and here at another is here.
        self.tell_if_changed(person, &who, &was);
        Ok(Some(Reply::Done))
    }

    pub(super) fn watch_presence(&mut self, session: SessionId, ticket: Ticket, on: bool) -> Done {
        let here = self.people.get_mut(session).ok_or_else(super::gone)?;
        scope(here.actor(None), Scope::Read)?;
        here.watches = on;
        let outlet = here.outlet.clone();
        if !on {
            return Ok(Some(Reply::Done));
        }
        // Behind what was asked before in the same breath, such as to open a room.
        self.after_then(&outlet, ticket, move |core| {
            let (people, total) = core.acquaintances(session);
            Some(Ok(Reply::People(people, total)))
        });
        Ok(None)
    }

    pub(super) fn attendees(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let room = self.may(session, Act::Read, room)?;
        let (Some(live), Some(facts)) = (self.live.get(&room), self.facts.rooms.get(&room)) else {
            return Ok(None);
        };
        let mut people: HashMap<Person, Attendee> = HashMap::new();
        for here in live.attendees.keys().filter_map(|s| self.people.get(*s)) {
            let attendee = people.entry(here.person()).or_insert_with(|| Attendee {
                number: here.sender.number,
                kind: here.sender.kind,
                name: here.sender.name.clone(),
                standing: standing(here.actor(Some(room)), facts).unwrap_or_default(),
                away: here.away.as_deref().cloned(),
                sessions: 0,
            });
            attendee.sessions += 1;
            if here.away.is_none() {
                attendee.away = None;
            }
        }
        let total = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let mut list: Vec<Attendee> = people.into_values().collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.truncate(self.limits.list_rows_max);
        Ok(Some(Reply::Attendees(list, total)))
    }

    pub(super) fn members(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let room = self.may(session, Act::Read, room)?;
        let Some(facts) = self.facts.rooms.get(&room) else { return Ok(None) };
        let mut list: Vec<Member> = facts
            .members
            .values()
            .filter(|member| !member.invited)
            .filter_map(|member| {
                let name = self.facts.accounts.get(&member.account)?.card.name.clone();
                Some(Member {
                    name,
                    standing: member.standing,
                    presence: self.presence(Person::Account(member.account)),
                })
            })
            .collect();
        list.sort_by(|a, b| b.standing.cmp(&a.standing).then_with(|| a.name.cmp(&b.name)));
        list.truncate(self.limits.list_rows_max);
        Ok(Some(Reply::Members(list, facts.member_count)))
    }

    /// How somebody is now.
    pub(crate) fn presence(&self, person: Person) -> Presence {
        let sessions: Vec<_> =
            self.people.sessions_of(person).iter().filter_map(|s| self.people.get(*s)).collect();
        if sessions.is_empty() {
            let last_seen_ms = match person {
                Person::Account(id) => self.facts.accounts.get(&id).and_then(|row| row.card.last_seen_ms),
                Person::Guest(_) => None,
            };
            return Presence::Gone { last_seen_ms };
        }
        match sessions.iter().map(|here| here.away.as_deref()).collect::<Option<Vec<_>>>() {
            Some(texts) => {
                Presence::Away { text: texts.first().map(|text| (*text).clone()).unwrap_or_default() }
            }
            None => Presence::Here,
        }
    }

    pub(super) fn direct(&mut self, session: SessionId, ticket: Ticket, with: &Target, from: Start) -> Done {
        let me = self.here(session)?.person();
        let other = self.find_person(with)?;
        if other == me {
            return Err(refuse(Kind::Invalid, "a direct is with somebody else"));
        }
        scope(self.here(session)?.actor(None), Scope::Read)?;
        let room = match (me, other) {
            (Person::Account(a), Person::Account(b)) => self.stored_direct(a.min(b), a.max(b)),
            (a, b) => self.transient_direct(a.min(b), a.max(b)),
        };
        self.has_place_for(session, room)?;
        self.open(session, ticket, room, from);
        Ok(None)
    }

    fn find_person(&self, target: &Target) -> Result<Person, Refusal> {
        let nobody = || refuse(Kind::NotFound, "there is nobody of that name here");
        match target {
            Target::Account(id) => {
                self.facts.accounts.contains_key(id).then_some(Person::Account(*id)).ok_or_else(nobody)
            }
            Target::Name(name) => self.person_named(&name.folded()).ok_or_else(nobody),
        }
    }

    /// The account or the present guest of this folded name.
    pub(crate) fn person_named(&self, fold: &str) -> Option<Person> {
        if let Some(row) = self.facts.account_named(fold) {
            return Some(Person::Account(row.card.id));
        }
        self.people.guest_named(fold).and_then(|s| self.people.get(s)).map(crate::people::Here::person)
    }

    pub(super) fn stored_direct(&mut self, a: hubbub_model::AccountId, b: hubbub_model::AccountId) -> RoomId {
        let name = RoomName::direct(&a.to_string(), &b.to_string());
        if let Some(room) = self.facts.room_named(name.as_str()) {
            self.rejoin_direct(room, [a, b]);
            return room;
        }
        let mut row = self.new_room(name, RoomKind::Direct, Durability::Strict);
        row.pair = Some((a, b));
        let room = row.id;
        self.add_room(row);
        for account in [a, b] {
            self.write(Write::Member(MemberRow {
                room,
                account,
                standing: Standing::Member,
                invited: false,
            }));
        }
        room
    }

    /// Who left a direct belongs to it again once one of the two opens it.
    fn rejoin_direct(&mut self, room: RoomId, pair: [hubbub_model::AccountId; 2]) {
        for account in pair {
            if self.facts.rooms.get(&room).is_some_and(|facts| !facts.members.contains_key(&account)) {
                self.write(Write::Member(MemberRow {
                    room,
                    account,
                    standing: Standing::Member,
                    invited: false,
                }));
            }
        }
    }

    /// The room as this session's list shows it.
    pub(crate) fn card(&self, session: SessionId, room: RoomId) -> Option<RoomCard> {
        let facts = self.facts.rooms.get(&room)?;
        let live = self.live.get(&room)?;
        let account = self.people.get(session).and_then(|here| here.sender.account);
        let member = account.is_some_and(|a| facts.members.get(&a).is_some_and(|m| !m.invited));
        let mark = account.and_then(|a| facts.marks.get(&a));
        Some(RoomCard {
            id: room,
            name: self.direct_name(session, room).unwrap_or_else(|| facts.row.name.clone()),
            kind: facts.row.kind,
            topic: facts.row.topic.clone(),
            visibility: facts.row.visibility,
            durability: facts.row.durability,
            moderated: facts.row.moderated,
            read_only: facts.row.read_only,
            retention: facts.row.retention,
            epoch: live.log.epoch(),
            first_seq: live.log.first_kept(),
            head: live.head,
            members: facts.member_count,
            attendees: live.count(),
            member,
            unread: if member { live.unread(mark.map_or(0, |m| m.ordinal)) } else { 0 },
            mentions: account.and_then(|a| facts.mentions.get(&a)).map_or(0, |m| m.len() as u64),
        })
    }

    /// A direct carries the other's name.
    fn direct_name(&self, session: SessionId, room: RoomId) -> Option<RoomName> {
        let me = self.people.get(session)?.person();
        let facts = self.facts.rooms.get(&room).filter(|r| r.row.kind == RoomKind::Direct)?;
        let pair = match facts.row.pair {
            Some((a, b)) => vec![Person::Account(a), Person::Account(b)],
            None => self.transient_pair(room),
        };
        let other = pair.into_iter().find(|person| *person != me)?;
        let name = match other {
            Person::Account(id) => self.facts.accounts.get(&id)?.card.name.to_string(),
            Person::Guest(_) => self
                .people
                .sessions_of(other)
                .first()
                .and_then(|s| self.people.get(*s))?
                .sender
                .name
                .to_string(),
        };
        Some(RoomName::of_direct_with(&name))
    }
}

impl Live {
    /// The sessions that know that they have it open.
    pub(crate) fn told(&self) -> impl Iterator<Item = SessionId> {
        self.attendees.iter().filter(|(_, told)| **told).map(|(session, _)| *session)
    }

    /// How many sessions have it open.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.attendees.len()).unwrap_or(u32::MAX)
    }

    /// Countable events that are kept, behind the one with this ordinal.
    fn unread(&self, ordinal: u64) -> u64 {
        self.countable.saturating_sub(ordinal.max(self.log.gone()))
    }

    /// The first place that a reader gets, and how many before it are no longer kept.
    fn place(&self, from: Start) -> (u64, u64) {
        let (first, end) = (self.log.first_kept().max(1), self.head + 1);
        match from {
            Start::Head => (end, 0),
            Start::Last(n) => (end.saturating_sub(u64::from(n)).max(first).min(end), 0),
            Start::After { epoch, seq } if epoch == self.log.epoch() => {
                let next = (seq.saturating_add(1)).min(end);
                (next.max(first).min(end), first.saturating_sub(next))
            }
            // Another life of the log: the reader's places mean nothing here. It sees that by the epoch.
            Start::After { .. } => (first.min(end), 0),
        }
    }
}
