//! Signals: what is told but not kept. And how things end.

use hubbub_model::{Presence, RoomId, RoomName, SenderKind, UserName};

/// Who a signal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The number that doors show.
    pub number: u64,
    /// Kind of being.
    pub kind: SenderKind,
    /// Name shown.
    pub name: UserName,
}

/// What is told but not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Somebody opened or closed a room.
    Attend {
        /// The room.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Who.
        who: Who,
        /// Opened, or closed.
        on: bool,
        /// How many have it open now.
        attendees: u32,
    },
    /// A large room's count of attendees changed; told at most once a second.
    Attendees {
        /// The room.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// How many have it open now.
        attendees: u32,
    },
    /// Somebody is here, away or gone now.
    Presence {
        /// Who.
        who: Who,
        /// From now on.
        presence: Presence,
    },
    /// Somebody's name is another one now.
    Renamed {
        /// Who, with the new name.
        who: Who,
        /// The name before.
        was: UserName,
    },
    /// Somebody is typing, or has stopped.
    Typing {
        /// The room.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Who.
        who: Who,
        /// Is typing, or has stopped.
        on: bool,
    },
    /// Another session of the account read a room, or something new came: exact counts.
    Unread {
        /// The room.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Countable events behind the mark.
        unread: u64,
        /// Mentions behind the mark.
        mentions: u64,
    },
    /// The account was invited to a room.
    Invited {
        /// The room.
        name: RoomName,
        /// By whom.
        by: UserName,
    },
    /// The hub's operator tells everybody something.
    Notice(hubbub_model::Text),
}

/// Why a room is no longer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The session closed it or left.
    Left,
    /// Somebody sent it out.
    Kicked,
    /// It is banned.
    Banned,
    /// The room was deleted.
    Deleted,
}

impl EndReason {
    /// The word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Kicked => "kicked",
            Self::Banned => "banned",
            Self::Deleted => "deleted",
        }
    }
}

/// Why the hub ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The hub stops.
    Stopping,
    /// The peer reads too slowly.
    Slow,
    /// Its account was disabled or removed, its password changed, or its token revoked or at its end.
    Revoked,
    /// The same client logged in again.
    Replaced,
    /// The hub could not read its store.
    Trouble,
}

impl CloseReason {
    /// The word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Slow => "slow",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Trouble => "trouble",
        }
    }
}
