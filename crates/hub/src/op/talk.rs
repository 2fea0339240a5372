//! Saying something, changing it, taking it back, putting signs on it.

use super::Done;
use crate::{
    core::Core,
    ephemeral,
    people::Person,
    rules::{Act, refuse, used_elsewhere},
    store::Write,
};
use hubbub_model::{
    AccountId, Event, EventId, EventKind, Kind, Refusal, Reply, RoomId, RoomKind, RoomRef, Sender, SessionId,
    Text, Ticket, Txn,
};
use std::sync::Arc;

/// Mentions that one message can make.
const MENTIONS_MAX: usize = 20;
/// Bytes of a reaction's sign.
const SIGN_BYTES_MAX: usize = 32;

impl Core {
    pub(super) fn say(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: &RoomRef,
        text: Text,
        reply_to: Option<EventId>,
        txn: Option<Txn>,
    ) -> Done {
        let room = self.may(session, Act::Speak, room)?;
        self.fits(&text)?;
        self.open_direct_for_both(room);
        self.speak(session, ticket, room, EventKind::Message { text, reply_to }, txn)
    }

    pub(super) fn edit(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: &RoomRef,
        target: EventId,
        text: Text,
        txn: Option<Txn>,
    ) -> Done {
        let room = self.may(session, Act::Speak, room)?;
        self.fits(&text)?;
        let event = self.event(room, target)?;
        if !self.is_own(session, &event) {
            return Err(refuse(Kind::NotAllowed, "only your own messages can be edited"));
        }
        if !matches!(event.kind, EventKind::Message { .. }) || self.redacting.contains(&target) {
            return Err(refuse(Kind::Invalid, "only messages can be edited"));
        }
        self.speak(session, ticket, room, EventKind::Edit { target, text }, txn)
    }

    pub(super) fn redact(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: &RoomRef,
        target: EventId,
        reason: Text,
        txn: Option<Txn>,
    ) -> Done {
        let id = self.may(session, Act::Read, room)?;
        self.fits_note(&reason)?;
        let event = self.event(id, target)?;
        let act = if self.is_own(session, &event) { Act::Speak } else { Act::Moderate };
        self.may(session, act, room)?;
        if matches!(event.kind, EventKind::Member(_) | EventKind::Redaction { .. } | EventKind::Redacted) {
            return Err(refuse(Kind::Invalid, "this event cannot be taken back"));
        }
        self.speak(session, ticket, id, EventKind::Redaction { target, reason }, txn)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one command")]
    pub(super) fn react(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: &RoomRef,
        target: EventId,
        sign: Text,
        on: bool,
        txn: Option<Txn>,
    ) -> Done {
        let room = self.may(session, Act::Speak, room)?;
        if sign.is_empty() || sign.len() > SIGN_BYTES_MAX || sign.chars().any(char::is_control) {
            return Err(refuse(Kind::Invalid, "a reaction is one sign of at most 32 bytes"));
        }
        self.event(room, target)?;
        self.speak(session, ticket, room, EventKind::Reaction { target, sign, on }, txn)
    }

    /// Adds the event and answers once it is committed.
    fn speak(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        room: RoomId,
        kind: EventKind,
        txn: Option<Txn>,
    ) -> Done {
        let sender = self.stored_sender(session, room)?;
        let here = self.here(session)?;
        let txn = txn.map(|txn| here.txn_key(txn.as_str()));
        let outlet = (ticket != Ticket::NONE).then(|| here.outlet.clone());
        let known = txn.as_deref().and_then(|txn| {
            self.marks.forget(self.limits.ephemeral_txn_s, self.now_ms);
            self.marks.find(txn)
        });
        match known {
            Some(done) if done.room == room => return Ok(Some(done.again())),
            Some(_) => return Err(used_elsewhere()),
            None => {}
        }
        if let Some(reply) = self.append(room, &sender, kind, txn.clone()) {
            if let (Some(txn), Reply::Committed { room, seq, id, ts_ms, .. }) = (txn, &reply) {
                let done = ephemeral::Done { room: *room, seq: *seq, id: *id, ts_ms: *ts_ms };
                self.marks.put(txn, done, &self.limits, self.now_ms);
            }
            return Ok(Some(reply));
        }
        if let Some(outlet) = outlet {
            self.after_committed(&outlet, ticket);
        }
        Ok(None)
    }

    /// The session's sender, whose row is in the store at the latest with its first event there.
    pub(super) fn stored_sender(&mut self, session: SessionId, room: RoomId) -> Result<Arc<Sender>, Refusal> {
        let ephemeral = self.live.get(&room).is_some_and(|live| live.log.is_ephemeral());
        let here = self.people.get_mut(session).ok_or_else(super::gone)?;
        let sender = here.sender.clone();
        if !here.sender_stored && !ephemeral {
            here.sender_stored = true;
            self.write(Write::Sender(sender.clone()));
        }
        Ok(sender)
    }

    /// The committed event of this id: in the ring, or in the store.
    fn event(&mut self, room: RoomId, id: EventId) -> Result<Event, Refusal> {
        let missing = || refuse(Kind::NotFound, "there is no such event in this room");
        let live = self.live.get(&room).ok_or_else(missing)?;
        if let Some(event) = live.log.find(id) {
            return Ok(event);
        }
        if live.log.is_ephemeral() { Err(missing()) } else { self.stored_event(room, id).ok_or_else(missing) }
    }

    fn is_own(&self, session: SessionId, event: &Event) -> bool {
        self.people.get(session).is_some_and(|here| match here.sender.account {
            Some(account) => event.sender.account == Some(account),
            None => event.sender.account.is_none() && event.sender.number == here.sender.number,
        })
    }

    pub(super) fn fits(&self, text: &Text) -> Result<(), Refusal> {
        let max = self.limits.message_bytes_max;
        if text.len() > max {
            return Err(refuse(
                Kind::TooLarge,
                format_args!("a message has at most {max} bytes, this one has {}", text.len()),
            ));
        }
        // Nearly all texts begin with a letter; the check of the rest is for those that do not.
        if text.bytes().first().is_none_or(|b| *b <= b' ' || !b.is_ascii()) && text.trim().is_empty() {
            return Err(refuse(Kind::Invalid, "the message is empty"));
        }
        Ok(())
    }

    pub(super) fn fits_note(&self, text: &Text) -> Result<(), Refusal> {
        let max = self.limits.note_bytes_max;
        if text.len() > max {
            return Err(refuse(
                Kind::TooLarge,
                format_args!("this text has at most {max} bytes, yours has {}", text.len()),
            ));
        }
        Ok(())
    }

    /// The members whom the text names with an `@`, but not its sender; in a direct, always the other one.
    pub(crate) fn mentioned(&self, room: RoomId, by: Option<AccountId>, kind: &EventKind) -> Vec<AccountId> {
        let EventKind::Message { text, .. } = kind else { return Vec::new() };
        let has_sign = text.bytes().contains(&b'@');
        let Some(facts) = self.facts.rooms.get(&room) else { return Vec::new() };
        if let Some((a, b)) = facts.row.pair {
            return [a, b]
                .into_iter()
                .filter(|account| Some(*account) != by && facts.members.contains_key(account))
                .collect();
        }
        if !has_sign || facts.member_count == 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        for after in text.split('@').skip(1).take(MENTIONS_MAX) {
            let account = longest_name(after, |name| {
                self.facts
                    .account_named(name)
                    .map(|row| row.card.id)
                    .filter(|id| facts.members.get(id).is_some_and(|m| !m.invited))
            });
            found.extend(account.filter(|account| Some(*account) != by && !found.contains(account)));
        }
        found
    }

    /// A direct opens itself on all sessions of both when something is said in it.
    pub(super) fn open_direct_for_both(&mut self, room: RoomId) {
        let Some(facts) = self.facts.rooms.get(&room).filter(|r| r.row.kind == RoomKind::Direct) else {
            return;
        };
        let people: Vec<Person> = match facts.row.pair {
            Some((a, b)) => vec![Person::Account(a), Person::Account(b)],
            None => self.transient_pair(room),
        };
        let closed: Vec<SessionId> = people
            .into_iter()
            .flat_map(|person| self.people.sessions_of(person).to_vec())
            .filter(|s| self.people.get(*s).is_some_and(|here| here.attachment(room).is_none()))
            .collect();
        for session in closed {
            self.open_by_itself(session, room);
        }
    }
}

/// The longest start of `text` that is somebody's name. Chinese sets no space behind a name, so lengths are tried.
fn longest_name<T>(text: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let word_end = text.find(char::is_whitespace).unwrap_or(text.len());
    let mut ends: Vec<usize> = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= word_end)
        .take(32)
        .collect();
    ends.reverse();
    ends.into_iter().find_map(|end| text.get(..end).and_then(&known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_model::fold;

    #[test]
    fn a_mention_ends_where_the_longest_known_name_ends() {
        let known = |name: &str| ["张三", "ada", "adam"].contains(&fold(name).as_str()).then(|| fold(name));
        assert_eq!(longest_name("张三你好", known).as_deref(), Some("张三"));
        assert_eq!(longest_name("Adam, hi", known).as_deref(), Some("adam"));
        assert_eq!(longest_name("ada: hi", known).as_deref(), Some("ada"));
        assert_eq!(longest_name("nobody ada", known), None);
        assert_eq!(longest_name("", known), None);
    }
}
