//! Making, changing, listing and deleting rooms; read marks; directs that live only as long as their guests.

use super::Done;
use crate::{
    core::{Core, Live},
    people::Person,
    rules::{Act, HubAct, authorize, authorize_hub, not_found, refuse},
    signal::{EndReason, Signal},
    store::{MarkRow, MemberRow, RoomRow, Write},
};
use hubbub_model::{
    AccountId, Durability, EventKind, Kind, MemberChange, Refusal, Reply, Retention, RoomId, RoomKind,
    RoomName, RoomRef, RoomSettings, SessionId, Standing, Text, Ticket, Visibility,
};

impl Core {
    pub(super) fn create(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        name: RoomName,
        settings: RoomSettings,
    ) -> Done {
        let here = self.here(session)?;
        authorize_hub(here.actor(None), HubAct::CreateRoom)?;
        let (account, outlet) = (here.sender.account, here.outlet.clone());
        let room = self.make(name, settings)?;
        if let Some(account) = account {
            self.write(Write::Member(MemberRow {
                room,
                account,
                standing: Standing::Operator,
                invited: false,
            }));
            self.note(session, room, MemberChange::Joined)?;
        }
        self.after_then(&outlet, ticket, move |core| {
            core.card(session, room).map(|card| Ok(Reply::Room(Box::new(card))))
        });
        Ok(None)
    }

    pub(super) fn operator_create(&mut self, name: RoomName, settings: RoomSettings) -> Done {
        let room = self.make(name, settings)?;
        Ok(self.operator_card(room))
    }

    fn make(&mut self, name: RoomName, settings: RoomSettings) -> Result<RoomId, Refusal> {
        if self.facts.room_named(name.as_str()).is_some() {
            return Err(refuse(Kind::Taken, format_args!("a room named {name} exists, or cannot be made")));
        }
        if self.facts.rooms.len() >= self.limits.rooms_max {
            return Err(refuse(
                Kind::TooMany,
                format_args!("the hub has at most {} rooms", self.limits.rooms_max),
            ));
        }
        if let Some(topic) = &settings.topic {
            self.fits_note(topic)?;
        }
        let mut row = self.new_room(name, RoomKind::Room, settings.durability.unwrap_or_default());
        let room = row.id;
        change(&mut row, settings);
        self.add_room(row);
        Ok(room)
    }

    pub(crate) fn new_room(&mut self, name: RoomName, kind: RoomKind, durability: Durability) -> RoomRow {
        let id = RoomId(self.next.room);
        self.next.room += 1;
        self.row(id, name, kind, durability)
    }

    fn row(&self, id: RoomId, name: RoomName, kind: RoomKind, durability: Durability) -> RoomRow {
        RoomRow {
            id,
            fold: name.folded(),
            name,
            kind,
            pair: None,
            topic: Text::default(),
            visibility: Visibility::default(),
            durability,
            moderated: false,
            read_only: false,
            retention: Retention::default(),
            epoch: self.next.boot,
            created_ms: self.now_ms,
            first_seq: 1,
            head: 0,
            countable: 0,
        }
    }

    pub(crate) fn add_room(&mut self, row: RoomRow) {
        self.live.insert(row.id, Live::new(&row, self.next.boot));
        self.write(Write::Room(Box::new(row)));
    }

    pub(super) fn set(&mut self, session: SessionId, room: &RoomRef, settings: RoomSettings) -> Done {
        let only_topic = settings.topic.is_some()
            && settings == RoomSettings { topic: settings.topic.clone(), ..RoomSettings::default() };
        let id = self.may(session, if only_topic { Act::SetTopic } else { Act::Configure }, room)?;
        let what = self.apply_settings(id, &settings)?;
        if let Some(topic) = settings.topic {
            let sender = self.stored_sender(session, id)?;
            self.append(id, &sender, EventKind::Topic(topic), None);
        }
        if !what.is_empty() {
            self.note(session, id, MemberChange::Settings { what: Text::ours(what) })?;
        }
        Ok(Some(Reply::Done))
    }

    pub(super) fn operator_set(&mut self, room: &RoomRef, settings: &RoomSettings) -> Done {
        let id = self.find_room(room)?;
        self.apply_settings(id, settings)?;
        Ok(self.operator_card(id))
    }

    /// Stores the new rules. Returns what changed besides the topic, for people.
    fn apply_settings(&mut self, room: RoomId, settings: &RoomSettings) -> Result<String, Refusal> {
        if settings.durability.is_some() {
            return Err(refuse(Kind::Invalid, "a room's durability is chosen when it is made"));
        }
        if let Some(topic) = &settings.topic {
            self.fits_note(topic)?;
        }
        let mut row = self.facts.rooms.get(&room).ok_or_else(not_found)?.row.clone();
        if row.kind == RoomKind::Direct {
            return Err(refuse(Kind::Invalid, "a direct has no settings"));
        }
        let what = change(&mut row, settings.clone());
        self.write(Write::Room(Box::new(row)));
        self.watch.forget(room);
        self.retain(room);
        Ok(what)
    }

    pub(super) fn delete(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let id = self.may(session, Act::Configure, room)?;
        self.remove(id)
    }

    pub(super) fn operator_delete(&mut self, room: &RoomRef) -> Done {
        let id = self.find_room(room)?;
        self.remove(id)
    }

    fn remove(&mut self, room: RoomId) -> Done {
        let row = &self.facts.rooms.get(&room).ok_or_else(not_found)?.row;
        if row.fold == "lobby" || row.kind == RoomKind::Direct {
            return Err(refuse(Kind::NotAllowed, "the lobby and directs cannot be deleted"));
        }
        let attendees: Vec<SessionId> =
            self.live.get(&room).map(|live| live.attendees.keys().copied().collect()).unwrap_or_default();
        for session in attendees {
            self.close_for(session, room, EndReason::Deleted);
        }
        self.write(Write::RemoveRoom(room));
        let nobody = std::sync::Arc::new(crate::inbox::Outlet::new());
        self.after_then(&nobody, Ticket::NONE, move |core| {
            core.bury(room);
            None
        });
        Ok(Some(Reply::Done))
    }

    pub(super) fn list_rooms(&mut self, session: SessionId) -> Reply {
        self.settle_marks(session, None);
        let Some(here) = self.people.get(session) else { return Reply::Rooms(Vec::new()) };
        let mut cards: Vec<_> = self
            .facts
            .rooms
            .values()
            .filter(|facts| authorize(here.actor(Some(facts.row.id)), Act::See, facts, self.now_ms).is_ok())
            .filter_map(|facts| self.card(session, facts.row.id))
            .collect();
        cards.sort_by(|a, b| b.member.cmp(&a.member).then_with(|| a.name.cmp(&b.name)));
        cards.truncate(self.limits.list_rows_max);
        Reply::Rooms(cards)
    }

    pub(super) fn list_all_rooms(&self) -> Reply {
        let rooms = self.facts.rooms.values().filter(|facts| facts.row.kind == RoomKind::Room);
        let mut cards: Vec<_> = rooms.filter_map(|facts| self.card(SessionId(0), facts.row.id)).collect();
        cards.sort_by(|a, b| a.name.cmp(&b.name));
        Reply::Rooms(cards)
    }

    pub(super) fn show_room(&mut self, session: SessionId, room: &RoomRef) -> Done {
        let room = self.may(session, Act::See, room)?;
        self.settle_marks(session, Some(room));
        Ok(self.card(session, room).map(|card| Reply::Room(Box::new(card))))
    }

    pub(super) fn operator_show_room(&self, room: &RoomRef) -> Done {
        let room = self.find_room(room)?;
        Ok(self.operator_card(room))
    }

    fn operator_card(&self, room: RoomId) -> Option<Reply> {
        self.card(SessionId(0), room).map(|card| Reply::Room(Box::new(card)))
    }

    pub(super) fn mark_read(&mut self, session: SessionId, room: &RoomRef, seq: u64) -> Done {
        let room = self.may(session, Act::Read, room)?;
        let account = self.here(session)?.sender.account;
        let account =
            account.ok_or_else(|| refuse(Kind::NotAllowed, "guests have no read marks: register first"))?;
        let head = self.live.get(&room).map_or(0, |live| live.head);
        self.mark_due(room, account, seq.min(head));
        Ok(Some(Reply::Done))
    }

    /// A mark never goes back.
    pub(crate) fn mark_due(&mut self, room: RoomId, account: AccountId, seq: u64) {
        let due = self.marks_due.entry((room, account)).or_default();
        *due = seq.max(*due);
    }

    /// Stores the read marks that are due, and tells the accounts' sessions the exact counts.
    pub(crate) fn store_marks(&mut self) {
        for ((room, account), seq) in std::mem::take(&mut self.marks_due) {
            self.store_mark(room, account, seq);
        }
    }

    /// What a session is to be shown of a room, or of all, counts the marks that are due.
    pub(super) fn settle_marks(&mut self, session: SessionId, room: Option<RoomId>) {
        let Some(account) = self.people.get(session).and_then(|here| here.sender.account) else { return };
        let due: Vec<RoomId> = match room {
            Some(room) => vec![room],
            None => self.marks_due.keys().filter(|(_, of)| *of == account).map(|(room, _)| *room).collect(),
        };
        for room in due {
            if let Some(seq) = self.marks_due.remove(&(room, account)) {
                self.store_mark(room, account, seq);
            }
        }
    }

    fn store_mark(&mut self, room: RoomId, account: AccountId, seq: u64) {
        let Some(facts) = self.facts.rooms.get(&room).filter(|r| r.members.contains_key(&account)) else {
            return;
        };
        if facts.marks.get(&account).is_some_and(|old| old.seq >= seq) {
            return;
        }
        let Some(ordinal) = self.ordinal_at(room, seq) else { return };
        self.put_mark(MarkRow { room, account, seq, ordinal });
        self.tell_unread(room, account);
    }

    /// A mark in a log that no store keeps is not stored either; nor is any where the store has failed.
    pub(crate) fn put_mark(&mut self, row: MarkRow) {
        let ephemeral = self.live.get(&row.room).is_some_and(|live| live.log.is_ephemeral());
        if ephemeral || self.is_read_only() {
            self.facts.apply(&Write::Mark(row));
        } else {
            self.write(Write::Mark(row));
        }
    }

    fn tell_unread(&self, room: RoomId, account: AccountId) {
        for session in self.people.sessions_of(Person::Account(account)) {
            let (Some(here), Some(card)) = (self.people.get(*session), self.card(*session, room)) else {
                continue;
            };
            let signal =
                Signal::Unread { room, name: card.name, unread: card.unread, mentions: card.mentions };
            here.outlet.signal(signal, self.limits.control_queue_max);
        }
    }

    /// A direct with a guest: never stored, gone with its guest.
    pub(super) fn transient_direct(&mut self, a: Person, b: Person) -> RoomId {
        if let Some((room, _)) = self.transient.iter().find(|(_, pair)| **pair == (a, b)) {
            return *room;
        }
        let id = RoomId(self.next.transient_room);
        self.next.transient_room -= 1;
        let row =
            self.row(id, RoomName::direct(&label(a), &label(b)), RoomKind::Direct, Durability::Ephemeral);
        self.live.insert(id, Live::new(&row, self.next.boot));
        self.facts.apply(&Write::Room(Box::new(row)));
        self.transient.insert(id, (a, b));
        id
    }

    pub(super) fn transient_pair(&self, room: RoomId) -> Vec<Person> {
        self.transient.get(&room).map(|(a, b)| vec![*a, *b]).unwrap_or_default()
    }

    /// A guest has an account now, and their directs go with them. That with another account is one of accounts from
    /// now on, which is stored: it opens for both in place of the transient one.
    pub(super) fn carry_directs(&mut self, guest: Person, account: AccountId) {
        let me = Person::Account(account);
        let theirs: Vec<(RoomId, Person)> = (self.transient.iter())
            .filter_map(|(room, (a, b))| match (*a == guest, *b == guest) {
                (true, _) => Some((*room, *b)),
                (_, true) => Some((*room, *a)),
                _ => None,
            })
            .collect();
        for (old, other) in theirs {
            self.pair(old, (me.min(other), me.max(other)));
            let Person::Account(peer) = other else { continue };
            let new = self.stored_direct(account.min(peer), account.max(peer));
            self.open_direct_for_both(new);
            let nobody = std::sync::Arc::new(crate::inbox::Outlet::new());
            self.after_then(&nobody, Ticket::NONE, move |core| {
                core.end_transient(old, EndReason::Left);
                None
            });
        }
    }

    /// Somebody has gone for good or for now: their transient directs end.
    pub(super) fn forget_transient(&mut self, person: Person) {
        let gone: Vec<RoomId> = self
            .transient
            .iter()
            .filter(|(_, (a, b))| *a == person || *b == person)
            .map(|(id, _)| *id)
            .collect();
        for room in gone {
            self.end_transient(room, EndReason::Deleted);
        }
    }

    fn end_transient(&mut self, room: RoomId, reason: EndReason) {
        if self.transient.remove(&room).is_none() {
            return;
        }
        let attendees: Vec<SessionId> =
            self.live.get(&room).map(|live| live.attendees.keys().copied().collect()).unwrap_or_default();
        for session in attendees {
            self.close_for(session, room, reason);
        }
        self.bury(room);
        self.facts.apply(&Write::RemoveRoom(room));
    }
}

fn label(person: Person) -> String {
    match person {
        Person::Account(id) => id.to_string(),
        Person::Guest(number) => format!("guest{number}"),
    }
}

/// Makes the settings the row's. Returns what changed besides the topic, for people.
fn change(row: &mut RoomRow, settings: RoomSettings) -> String {
    let mut what = Vec::new();
    if let Some(visibility) = settings.visibility.filter(|v| *v != row.visibility) {
        row.visibility = visibility;
        what.push(format!("visibility {visibility:?}").to_lowercase());
    }
    if let Some(moderated) = settings.moderated.filter(|m| *m != row.moderated) {
        row.moderated = moderated;
        what.push(format!("moderated {moderated}"));
    }
    if let Some(read_only) = settings.read_only.filter(|r| *r != row.read_only) {
        row.read_only = read_only;
        what.push(format!("read-only {read_only}"));
    }
    if let Some(retention) = settings.retention.filter(|r| *r != row.retention) {
        row.retention = retention;
        what.push("retention".into());
    }
    if let Some(topic) = settings.topic {
        row.topic = topic;
    }
    what.join(", ")
}
