//! What each command does, at its place in the order. One file per noun; each handler authorizes first, then
//! changes facts by writes, appends events, and says what is answered once that is committed.

mod account;
mod attend;
mod hub;
mod invite;
mod login;
mod moderate;
mod read;
mod room;
mod talk;

use crate::{
    core::Core,
    people::Here,
    rules::{Act, authorize, not_found, refuse},
};
use hubbub_model::{Command, Kind, Refusal, Reply, RoomId, RoomRef, SessionId, Ticket};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a handler says: a reply now known, or nothing because it has arranged for one.
type Done = Result<Option<Reply>, Refusal>;

impl Core {
    /// A session's commands, in order.
    pub(crate) fn commands(&mut self, session: SessionId, commands: Vec<(Ticket, Command)>) {
        let n = commands.len() as u64;
        let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) else { return };
        let mut unanswered = false;
        for (ticket, command) in commands {
            unanswered |= ticket == Ticket::NONE && matches!(command, Command::Say { .. });
            match self.command(session, ticket, command) {
                Ok(None) => {}
                Ok(Some(reply)) => self.after_answer(&outlet, ticket, Ok(reply)),
                Err(refusal) => self.after_answer(&outlet, ticket, Err(refusal)),
            }
            self.stand_alone();
        }
        if unanswered {
            // Heard only if the commit fails.
            self.after_committed(&outlet, Ticket::NONE);
        }
        outlet.settle(n);
    }

    fn command(&mut self, session: SessionId, ticket: Ticket, command: Command) -> Done {
        match command {
            Command::Say { room, text, reply_to, txn } => {
                self.say(session, ticket, &room, text, reply_to, txn)
            }
            Command::Edit { room, target, text, txn } => self.edit(session, ticket, &room, target, text, txn),
            Command::Redact { room, target, reason, txn } => {
                self.redact(session, ticket, &room, target, reason, txn)
            }
            Command::React { room, target, sign, on, txn } => {
                self.react(session, ticket, &room, target, sign, on, txn)
            }
            Command::Create { name, settings } => self.create(session, ticket, name, settings),
            Command::Attach { room, from } => self.attach(session, ticket, &room, from),
            Command::Detach { room } => self.detach(session, &room),
            Command::Leave { room } => self.leave(session, &room),
            Command::Direct { with, from } => self.direct(session, ticket, &with, from),
            Command::Set { room, settings } => self.set(session, &room, settings),
            Command::Invite { room, who } => self.invite(session, &room, &who),
            Command::Kick { room, who, reason } => self.kick(session, &room, &who, reason),
            Command::Ban { room, who, reason, for_s } => self.ban(session, &room, &who, reason, for_s),
            Command::Unban { room, who } => self.unban(session, &room, &who),
            Command::Stand { room, who, standing } => self.stand(session, &room, &who, standing),
            Command::Delete { room } => self.delete(session, &room),
            Command::Nick { name } => self.nick(session, name),
            Command::Away { text } => self.away(session, text),
            Command::Typing { room, on } => self.typing(session, &room, on),
            Command::MarkRead { room, seq } => self.mark_read(session, &room, seq),
            Command::Ignore { who, on } => self.ignore(session, &who, on),
            Command::Rooms => Ok(Some(self.list_rooms(session))),
            Command::Room { room } => self.show_room(session, &room),
            Command::Attendees { room } => self.attendees(session, &room),
            Command::Members { room } => self.members(session, &room),
            Command::Presence { on } => self.watch_presence(session, ticket, on),
            Command::Whois { who } => self.whois(&who),
            Command::History { room, query } => self.history(session, ticket, &room, query),
            Command::Search(query) => self.search(session, ticket, query),
            Command::Ping => Ok(Some(Reply::Pong(self.now_ms))),
            Command::Register { name, password } => self.register(session, name, password),
            Command::InviteTake { code } => self.invite_take(session, ticket, &code),
            Command::Password { old, new } => self.password(session, ticket, old, new),
            command => {
                let here = self.people.get(session).ok_or_else(gone)?;
                let (role, account) = (here.role, here.sender.account);
                let scopes = here.rights.as_ref().map(|rights| rights.scopes.clone());
                self.manage(role, account, scopes.as_deref(), command)
            }
        }
    }

    /// A command of the hub's operator.
    pub(crate) fn operate(&mut self, command: Command, tell: oneshot::Sender<Result<Reply, Refusal>>) {
        let reply = match command {
            Command::Rooms => Ok(Some(self.list_all_rooms())),
            Command::Create { name, settings } => self.operator_create(name, settings),
            Command::Set { room, settings } => self.operator_set(&room, &settings),
            Command::Delete { room } => self.operator_delete(&room),
            Command::Room { room } => self.operator_show_room(&room),
            command => self.manage(hubbub_model::Role::Owner, None, None, command),
        };
        let reply = reply.map(|reply| reply.unwrap_or(Reply::Done));
        // Told once it is committed.
        let outlet = Arc::new(crate::inbox::Outlet::new());
        self.after_operator(&outlet, reply, tell);
    }

    fn here(&self, session: SessionId) -> Result<&Here, Refusal> {
        self.people.get(session).ok_or_else(gone)
    }

    fn find_room(&self, room: &RoomRef) -> Result<RoomId, Refusal> {
        match room {
            RoomRef::Id(id) => Some(*id),
            RoomRef::Name(name) => self.facts.room_named(name.as_str()),
        }
        .ok_or_else(not_found)
    }

    /// The room, if the session may do this to it.
    fn may(&self, session: SessionId, act: Act, room: &RoomRef) -> Result<RoomId, Refusal> {
        let id = self.find_room(room)?;
        let facts = self.facts.rooms.get(&id).ok_or_else(not_found)?;
        authorize(self.here(session)?.actor(Some(id)), act, facts, self.now_ms).map(|()| id)
    }
}

fn gone() -> Refusal {
    refuse(Kind::NotLoggedIn, "the session is over: log in again")
}
