//! Inviting, sending out, keeping out, giving standings.

use super::Done;
use crate::{
    core::Core,
    people::Person,
    rules::{Act, refuse},
    signal::{EndReason, Signal},
    store::{BanRow, MemberRow, Write},
};
use hubbub_model::{
    AccountId, EventKind, Kind, MemberChange, Refusal, Reply, RoomId, RoomKind, RoomRef, SessionId, Standing,
    Text, UserName,
};

impl Core {
    pub(super) fn invite(&mut self, session: SessionId, room: &RoomRef, who: &UserName) -> Done {
        let room = self.may_moderate(session, room)?;
        let account = self.account(who)?;
        if self.facts.rooms.get(&room).is_some_and(|r| r.members.contains_key(&account)) {
            return Err(refuse(Kind::Taken, format_args!("{who} is a member or invited already")));
        }
        self.write(Write::Member(MemberRow { room, account, standing: Standing::Member, invited: true }));
        self.note(session, room, MemberChange::Invited { name: who.clone() })?;
        let by = self.here(session)?.sender.name.clone();
        let Some(name) = self.live.get(&room).map(|live| live.log.name().clone()) else {
            return Ok(Some(Reply::Done));
        };
        for here in
            self.people.sessions_of(Person::Account(account)).iter().filter_map(|s| self.people.get(*s))
        {
            here.outlet.signal(
                Signal::Invited { name: name.clone(), by: by.clone() },
                self.limits.control_queue_max,
            );
        }
        Ok(Some(Reply::Done))
    }

    pub(super) fn kick(&mut self, session: SessionId, room: &RoomRef, who: &UserName, reason: Text) -> Done {
        let room = self.may_moderate(session, room)?;
        self.fits_note(&reason)?;
        let person = self.beneath(session, room, who)?;
        self.send_out(
            session,
            room,
            person,
            EndReason::Kicked,
            MemberChange::Kicked { name: who.clone(), reason },
        )?;
        Ok(Some(Reply::Done))
    }

    pub(super) fn ban(
        &mut self,
        session: SessionId,
        room: &RoomRef,
        who: &UserName,
        reason: Text,
        for_s: Option<u64>,
    ) -> Done {
        let room = self.may_moderate(session, room)?;
        self.fits_note(&reason)?;
        let until_ms = for_s
            .map(|s| self.now_ms.saturating_add(i64::try_from(s.saturating_mul(1000)).unwrap_or(i64::MAX)));
        let person = self.beneath(session, room, who).map(Some).or_else(|refusal| match refusal.kind {
            // A guest who has gone can be kept out by name.
            Kind::NotFound => Ok(None),
            _ => Err(refusal),
        })?;
        let account = match person {
            Some(Person::Account(id)) => Some(id),
            _ => None,
        };
        let by = self.here(session)?.sender.name.to_string();
        self.write(Write::Ban(BanRow {
            room,
            fold: who.folded(),
            account,
            reason: reason.clone(),
            by,
            until_ms,
        }));
        let change = MemberChange::Banned { name: who.clone(), reason, until_ms };
        match person {
            Some(person) => self.send_out(session, room, person, EndReason::Banned, change)?,
            None => self.note(session, room, change)?,
        }
        Ok(Some(Reply::Done))
    }

    pub(super) fn unban(&mut self, session: SessionId, room: &RoomRef, who: &UserName) -> Done {
        let room = self.may_moderate(session, room)?;
        if !self.facts.rooms.get(&room).is_some_and(|r| r.bans.contains_key(&who.folded())) {
            return Err(refuse(Kind::NotFound, format_args!("{who} is not banned here")));
        }
        self.write(Write::RemoveBan(room, who.folded()));
        self.note(session, room, MemberChange::Unbanned { name: who.clone() })?;
        Ok(Some(Reply::Done))
    }

    pub(super) fn stand(
        &mut self,
        session: SessionId,
        room: &RoomRef,
        who: &UserName,
        standing: Standing,
    ) -> Done {
        let room = self.may_moderate(session, room)?;
        let account = self.account(who)?;
        let member =
            self.facts.rooms.get(&room).and_then(|r| r.members.get(&account)).filter(|m| !m.invited).cloned();
        let member = member
            .ok_or_else(|| refuse(Kind::NotFound, format_args!("{who} is not a member of this room")))?;
        self.write(Write::Member(MemberRow { standing, ..member }));
        self.note(session, room, MemberChange::Standing { name: who.clone(), standing })?;
        Ok(Some(Reply::Done))
    }

    fn may_moderate(&self, session: SessionId, room: &RoomRef) -> Result<RoomId, Refusal> {
        let room = self.may(session, Act::Moderate, room)?;
        match self.facts.rooms.get(&room).map(|r| r.row.kind) {
            Some(RoomKind::Room) => Ok(room),
            _ => Err(refuse(Kind::Invalid, "a direct has no moderation: ignore the other instead")),
        }
    }

    pub(super) fn account(&self, who: &UserName) -> Result<AccountId, Refusal> {
        let row = self.facts.account_named(who.as_str());
        row.map(|row| row.card.id)
            .ok_or_else(|| refuse(Kind::NotFound, format_args!("there is no account named {who}")))
    }

    /// Somebody whom the session may send out: not itself, nobody above it.
    fn beneath(&self, session: SessionId, room: RoomId, who: &UserName) -> Result<Person, Refusal> {
        let person = self.person_named(&who.folded());
        let person =
            person.ok_or_else(|| refuse(Kind::NotFound, format_args!("there is nobody named {who}")))?;
        let here = self.here(session)?;
        if here.person() == person {
            return Err(refuse(Kind::Invalid, "you cannot send yourself out: leave instead"));
        }
        let Person::Account(account) = person else { return Ok(person) };
        let role = self.facts.accounts.get(&account).map(|row| row.card.role).unwrap_or_default();
        if role > here.role && role > hubbub_model::Role::Member {
            return Err(refuse(Kind::NotAllowed, format_args!("{who} stands above you")));
        }
        let operator = self
            .facts
            .rooms
            .get(&room)
            .and_then(|r| r.members.get(&account))
            .is_some_and(|m| m.standing == Standing::Operator);
        if operator && here.role < hubbub_model::Role::Admin {
            return Err(refuse(
                Kind::NotAllowed,
                format_args!("{who} is an operator: take that standing away first"),
            ));
        }
        Ok(person)
    }

    /// I6: what is sequenced behind this does not reach them.
    fn send_out(
        &mut self,
        session: SessionId,
        room: RoomId,
        person: Person,
        reason: EndReason,
        change: MemberChange,
    ) -> Result<(), Refusal> {
        if let Person::Account(account) = person
            && self.facts.rooms.get(&room).is_some_and(|r| r.members.contains_key(&account))
        {
            self.write(Write::RemoveMember(room, account));
        }
        self.note(session, room, change)?;
        for session in self.people.sessions_of(person).to_vec() {
            self.close_for(session, room, reason);
        }
        Ok(())
    }

    /// An event about somebody's membership.
    pub(super) fn note(
        &mut self,
        session: SessionId,
        room: RoomId,
        change: MemberChange,
    ) -> Result<(), Refusal> {
        let sender = self.stored_sender(session, room)?;
        self.append(room, &sender, EventKind::Member(Box::new(change)), None);
        Ok(())
    }
}
