//! Who is here: sessions, the guests' names, and which sessions belong to one person.
//!
//! **Invariant.** A folded name belongs to one account or to one guest who is here, never to both.

use crate::{
    hub::{Me, Origin},
    inbox::{Attachment, Outlet},
    rules::Actor,
    signal::Who,
};
use hubbub_model::{AccountId, Role, RoomId, Scope, Sender, SenderKind, SessionId, Text, UserName};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::{collections::HashMap, sync::Arc};

/// All sessions.
#[derive(Default)]
pub(crate) struct People {
    sessions: FxHashMap<SessionId, Here>,
    persons: FxHashMap<Person, SmallVec<[SessionId; 1]>>,
    guests: HashMap<String, SessionId>,
}

/// Somebody, over all of their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Person {
    Account(AccountId),
    Guest(u64),
}

/// One session as the hub thread keeps it.
pub(crate) struct Here {
    pub(crate) sender: Arc<Sender>,
    /// Whether the sender's row has been handed to the store.
    pub(crate) sender_stored: bool,
    pub(crate) fold: Box<str>,
    pub(crate) role: Role,
    pub(crate) rights: Option<Box<TokenRights>>,
    /// What the invite of a guest allows.
    pub(crate) pass: Option<Box<Pass>>,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) open: SmallVec<[(RoomId, Arc<Attachment>); 1]>,
    pub(crate) away: Option<Box<Text>>,
    pub(crate) client: Option<Box<str>>,
    /// It asked to be told of others' presence.
    pub(crate) watches: bool,
}

/// As whom a session acts.
pub(crate) struct Identity {
    pub(crate) sender: Arc<Sender>,
    pub(crate) sender_stored: bool,
    pub(crate) fold: Box<str>,
    pub(crate) role: Role,
}

/// What the token of a login allows.
pub(crate) struct TokenRights {
    pub(crate) token: u64,
    pub(crate) scopes: Vec<Scope>,
}

/// What lets a guest in who came with an invite.
pub(crate) struct Pass {
    pub(crate) invite: u64,
    /// The room that it leads to.
    pub(crate) room: Option<RoomId>,
}

impl People {
    pub(crate) fn get(&self, session: SessionId) -> Option<&Here> {
        self.sessions.get(&session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Here> {
        self.sessions.get_mut(&session)
    }

    /// A new session.
    pub(crate) fn add(&mut self, here: Here) {
        let session = here.sender.session;
        if here.sender.account.is_none() {
            self.guests.insert(here.fold.to_string(), session);
        }
        self.persons.entry(here.person()).or_default().push(session);
        self.sessions.insert(session, here);
    }

    /// A session is over. Its guest's name is free again.
    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Here> {
        let here = self.sessions.remove(&session)?;
        if self.guests.get(&*here.fold) == Some(&session) {
            self.guests.remove(&*here.fold);
        }
        let person = here.person();
        if let Some(sessions) = self.persons.get_mut(&person) {
            sessions.retain(|s| *s != session);
            if sessions.is_empty() {
                self.persons.remove(&person);
            }
        }
        Some(here)
    }

    /// The guest who has this folded name now.
    pub(crate) fn guest_named(&self, fold: &str) -> Option<SessionId> {
        self.guests.get(fold).copied()
    }

    /// The sessions of somebody.
    pub(crate) fn sessions_of(&self, person: Person) -> &[SessionId] {
        self.persons.get(&person).map_or(&[], |sessions| sessions)
    }

    /// The guests whom this invite let in.
    pub(crate) fn invited_by(&self, invite: u64) -> Vec<SessionId> {
        let by_it = |here: &&Here| {
            here.sender.account.is_none() && here.pass.as_ref().is_some_and(|pass| pass.invite == invite)
        };
        self.sessions.values().filter(by_it).map(|here| here.sender.session).collect()
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The ways to all sessions.
    pub(crate) fn outlets(&self) -> Vec<Arc<Outlet>> {
        self.sessions.values().map(|here| here.outlet.clone()).collect()
    }

    /// The session acts as this from now on; a guest's name must be free. Returns as what it acted before.
    pub(crate) fn identify(&mut self, session: SessionId, new: Identity) -> Option<Identity> {
        let mut here = self.remove(session)?;
        let old = Identity {
            sender: std::mem::replace(&mut here.sender, new.sender),
            sender_stored: std::mem::replace(&mut here.sender_stored, new.sender_stored),
            fold: std::mem::replace(&mut here.fold, new.fold),
            role: std::mem::replace(&mut here.role, new.role),
        };
        self.add(here);
        Some(old)
    }
}

impl Here {
    pub(crate) fn person(&self) -> Person {
        self.sender.account.map_or(Person::Guest(self.sender.number), Person::Account)
    }

    /// This session as the rules see it, towards a room.
    pub(crate) fn actor(&self, room: Option<RoomId>) -> Actor<'_> {
        Actor {
            role: self.role,
            account: self.sender.account,
            fold: &self.fold,
            scopes: self.rights.as_ref().map(|rights| &*rights.scopes),
            invited_to: self.pass.as_ref().and_then(|pass| pass.room),
            attends: room.is_some_and(|room| self.attachment(room).is_some()),
        }
    }

    pub(crate) fn attachment(&self, room: RoomId) -> Option<&Arc<Attachment>> {
        self.open.iter().find(|(open, _)| *open == room).map(|(_, attachment)| attachment)
    }

    pub(crate) fn who(&self) -> Who {
        who(&self.sender)
    }

    pub(crate) fn me(&self, renamed: bool) -> Me {
        Me {
            session: self.sender.session,
            account: self.sender.account,
            number: self.sender.number,
            kind: self.sender.kind,
            name: self.sender.name.clone(),
            renamed,
            role: self.role,
            token: self.rights.as_ref().map(|rights| rights.token),
            invite: self.pass.as_ref().map(|pass| pass.invite),
        }
    }

    /// The key under which a client's own mark of a command is known, over reconnects where that is possible.
    pub(crate) fn txn_key(&self, txn: &str) -> Arc<str> {
        match (self.sender.account, &self.client) {
            (Some(account), _) => format!("a{account} {txn}").into(),
            (None, Some(client)) => format!("c{client} {txn}").into(),
            (None, None) => format!("s{} {txn}", self.sender.session).into(),
        }
    }
}

pub(crate) fn who(sender: &Sender) -> Who {
    Who { number: sender.number, kind: sender.kind, name: sender.name.clone() }
}

/// A sender for a new session or a new name of one.
pub(crate) fn sender(
    id: hubbub_model::SenderId,
    kind: SenderKind,
    account: Option<AccountId>,
    number: u64,
    name: UserName,
    origin: &Origin,
    session: SessionId,
) -> Sender {
    Sender { id, kind, account, number, name, session, via: origin.via.clone() }
}
