//! The operator's commands, as they go through the control socket of a running hub: one JSON object on a line each
//! way. The same types are used where no hub runs, see `operator`.
//!
//! To add a command: the variant here, its arm in `perform`, its words in `cmd`.

mod perform;
pub(crate) mod server;
mod socket;

pub(crate) use perform::perform;
pub(crate) use socket::{Control, connect};

use hubbub_model::{
    AccountCard, AccountStatus, Durability, Kind, Refusal, Retention, Role, RoomCard, RoomName, Scope, Text,
    TokenCard, UserName, Visibility,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the operator asks.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    UserAdd {
        name: UserName,
        role: Role,
        password: Option<String>,
    },
    UserList,
    UserShow {
        name: UserName,
    },
    UserSet {
        name: UserName,
        role: Option<Role>,
        status: Option<AccountStatus>,
        password: Option<String>,
    },
    UserRemove {
        name: UserName,
    },
    RoomAdd {
        name: RoomName,
        rules: Rules,
    },
    RoomList,
    RoomShow {
        name: RoomName,
    },
    RoomSet {
        name: RoomName,
        rules: Rules,
    },
    RoomRemove {
        name: RoomName,
    },
    TokenAdd {
        account: UserName,
        label: Text,
        scopes: Vec<Scope>,
        for_s: Option<u64>,
    },
    TokenList {
        account: Option<UserName>,
    },
    TokenRemove {
        id: u64,
    },
    /// Read the configuration and the certificate again.
    Reload,
    /// Who are you?
    Status,
}

/// Passwords are shown nowhere.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserAdd { .. } => "user-add",
            Self::UserList => "user-list",
            Self::UserShow { .. } => "user-show",
            Self::UserSet { .. } => "user-set",
            Self::UserRemove { .. } => "user-remove",
            Self::RoomAdd { .. } => "room-add",
            Self::RoomList => "room-list",
            Self::RoomShow { .. } => "room-show",
            Self::RoomSet { .. } => "room-set",
            Self::RoomRemove { .. } => "room-remove",
            Self::TokenAdd { .. } => "token-add",
            Self::TokenList { .. } => "token-list",
            Self::TokenRemove { .. } => "token-remove",
            Self::Reload => "reload",
            Self::Status => "status",
        })
    }
}

/// Rules of a room; what is absent stays, or has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) visibility: Option<Visibility>,
    pub(crate) durability: Option<Durability>,
    pub(crate) moderated: Option<bool>,
    pub(crate) read_only: Option<bool>,
    pub(crate) topic: Option<Text>,
    /// Where one of the two is given, the other one is as the room has it.
    pub(crate) keep_events: Option<Keep>,
    pub(crate) keep_s: Option<Keep>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Keep {
    All,
    AtMost(u64),
}

/// What the hub answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "kebab-case")]
pub(crate) enum Answer {
    Done,
    Users(Vec<AccountCard>),
    User(AccountCard),
    Rooms(Vec<RoomView>),
    Room(RoomView),
    Tokens(Vec<TokenCard>),
    Token(NewToken),
    Reloaded(Reloaded),
    Status(Status),
    Refused(Refused),
}

/// A token just made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NewToken {
    /// Shown this once.
    pub(crate) secret: String,
    pub(crate) token: TokenCard,
}

/// A room as the operator sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoomView {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) topic: Text,
    pub(crate) visibility: Visibility,
    pub(crate) durability: Durability,
    pub(crate) moderated: bool,
    pub(crate) read_only: bool,
    pub(crate) retention: Retention,
    pub(crate) first_seq: u64,
    pub(crate) head: u64,
    pub(crate) members: u32,
    pub(crate) attendees: u32,
}

impl From<RoomCard> for RoomView {
    fn from(card: RoomCard) -> Self {
        Self {
            id: card.id.0,
            name: card.name.to_string(),
            topic: card.topic,
            visibility: card.visibility,
            durability: card.durability,
            moderated: card.moderated,
            read_only: card.read_only,
            retention: card.retention,
            first_seq: card.first_seq,
            head: card.head,
            members: card.members,
            attendees: card.attendees,
        }
    }
}

/// What a reload has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// In force now, each as a sentence.
    pub(crate) applied: Vec<String>,
    /// Keys that differ from what runs and are taken at the next start only.
    pub(crate) needs_restart: Vec<String>,
}

/// A running hub about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) pid: u32,
    pub(crate) listening: Vec<String>,
    pub(crate) conns: usize,
    pub(crate) fingerprint: String,
    /// The configured listeners, before ports were chosen.
    pub(crate) configured: Vec<String>,
}

/// A request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
pub(crate) struct Refused {
    pub(crate) kind: Kind,
    pub(crate) text: Text,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { kind: refusal.kind, text: refusal.text }
    }
}
