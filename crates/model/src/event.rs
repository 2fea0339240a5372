//! Events: the entries of a log, and who sent them.

use crate::{AccountId, EventId, RoomName, SenderId, SessionId, Text, UserName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What kind of being a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SenderKind {
    /// A registered person.
    Account,
    /// A person without registration, known by a number that is never used again.
    Guest,
    /// A registered machine.
    Device,
    /// The hub itself: number 0, name `System`.
    System,
}

impl SenderKind {
    /// The word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Guest => "guest",
            Self::Device => "device",
            Self::System => "system",
        }
    }
}

/// A sender as it was when it spoke. Shared by all events of one session under one name, and stored with them,
/// so that an event read back from the store equals the event that was delivered live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The stored row of this value.
    pub id: SenderId,
    /// Kind of being.
    pub kind: SenderKind,
    /// The account, unless a guest or the hub.
    pub account: Option<AccountId>,
    /// The number that doors show: an account's or a guest's, 0 for the hub. Never used again.
    pub number: u64,
    /// The name shown.
    pub name: UserName,
    /// The login that spoke.
    pub session: SessionId,
    /// The way in, as people know it: `nc`, `json`, `web`, `irc`, `ssh`, …
    pub via: Arc<str>,
}

/// One entry of a log.
///
/// **Invariant.** Within a log, `seq` counts 1, 2, 3 … without gaps and `id` grows with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Place in the log.
    pub seq: u64,
    /// How many countable events (messages, files) the log holds up to and with this one.
    pub ordinal: u64,
    /// Public id.
    pub id: EventId,
    /// Milliseconds since 1970, by the hub's wall clock at commit.
    pub ts_ms: i64,
    /// Who did it.
    pub sender: Arc<Sender>,
    /// What was done.
    pub kind: EventKind,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A message.
    Message {
        /// As sent.
        text: Text,
        /// The message that this one answers.
        reply_to: Option<EventId>,
    },
    /// The text of an earlier message of this log was replaced.
    Edit {
        /// The message.
        target: EventId,
        /// Its text from now on.
        text: Text,
    },
    /// An earlier event of this log was taken back; its text is blanked wherever it is kept.
    Redaction {
        /// The event.
        target: EventId,
        /// Why, or empty.
        reason: Text,
    },
    /// A tombstone: what is left of a redacted event at its own place.
    Redacted,
    /// A sign was put on an earlier event, or taken off.
    Reaction {
        /// The event.
        target: EventId,
        /// The sign, usually one emoji; at most 32 bytes.
        sign: Text,
        /// On, or off again.
        on: bool,
    },
    /// Membership or standing changed.
    Member(Box<MemberChange>),
    /// The room has a new topic.
    Topic(Text),
    /// The hub tells the room something.
    Notice(Text),
    /// A file landed in the room's folder.
    File {
        /// Its name within the folder.
        name: Text,
        /// Bytes.
        size: u64,
    },
}

/// A change of somebody's membership or standing in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum MemberChange {
    /// The sender became a member.
    Joined,
    /// The sender is a member no longer.
    Left,
    /// An account was invited.
    Invited {
        /// Who.
        name: UserName,
    },
    /// Somebody was sent out.
    Kicked {
        /// Who.
        name: UserName,
        /// Why, or empty.
        reason: Text,
    },
    /// Somebody was banned.
    Banned {
        /// Who.
        name: UserName,
        /// Why, or empty.
        reason: Text,
        /// Milliseconds since 1970; absent for ever.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        until_ms: Option<i64>,
    },
    /// A ban was lifted.
    Unbanned {
        /// Who.
        name: UserName,
    },
    /// Somebody has a new standing in the room.
    Standing {
        /// Who.
        name: UserName,
        /// From now on.
        standing: crate::Standing,
    },
    /// The room's rules changed.
    Settings {
        /// What changed, for people.
        what: Text,
    },
    /// The room was renamed.
    Renamed {
        /// From now on.
        name: RoomName,
    },
}

impl EventKind {
    /// Whether the event counts as unread.
    pub fn is_countable(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::File { .. })
    }

    /// The text that search finds, if any.
    pub fn searchable(&self) -> Option<&Text> {
        match self {
            Self::Message { text, .. } | Self::Edit { text, .. } | Self::Notice(text) => Some(text),
            Self::File { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Bytes of the text that the event carries, for budgets.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Message { text, .. } | Self::Edit { text, .. } | Self::Notice(text) | Self::Topic(text) => {
                text.len()
            }
            Self::Redaction { reason, .. } => reason.len(),
            Self::Reaction { sign, .. } => sign.len(),
            Self::File { name, .. } => name.len(),
            Self::Member(_) => 64,
            Self::Redacted => 0,
        }
    }
}
