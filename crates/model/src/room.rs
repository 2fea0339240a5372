//! Rooms: what they are, who may see them, who stands where in them.

use crate::{RoomId, RoomName, SenderKind, Text, UserName};
use serde::{Deserialize, Serialize};

/// A room or a direct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoomKind {
    /// A named conversation.
    Room,
    /// One between two people.
    Direct,
}

/// Who may see and enter a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Listed, and open to all.
    #[default]
    Public,
    /// Listed, and open to the invited.
    Private,
    /// Known to its members only.
    Hidden,
}

/// When an event counts as said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Delivered and acknowledged only once it is on disk.
    #[default]
    Strict,
    /// Never stored: what is said is gone with the ring.
    Ephemeral,
}

/// What somebody may do in a room beyond being in it. Ordered: more comes later.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing beyond.
    #[default]
    Member,
    /// May speak where the room is moderated.
    Voice,
    /// May moderate.
    Operator,
}

/// How much of a log is kept. Absent: everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Retention {
    /// At most so many events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// No event older than so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
}

/// A room as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomCard {
    /// Number in this hub.
    pub id: RoomId,
    /// Name; of a direct, the other's name.
    pub name: RoomName,
    /// Room or direct.
    pub kind: RoomKind,
    /// Its topic, or empty.
    pub topic: Text,
    /// Who may see and enter it.
    pub visibility: Visibility,
    /// When an event counts as said.
    pub durability: Durability,
    /// Only voices and operators speak.
    pub moderated: bool,
    /// Nobody speaks.
    pub read_only: bool,
    /// What is kept.
    pub retention: Retention,
    /// Which life of the log this is.
    pub epoch: u64,
    /// First kept place, or `head + 1` if none is.
    pub first_seq: u64,
    /// Last place, 0 if none.
    pub head: u64,
    /// How many belong to it.
    pub members: u32,
    /// How many have it open now.
    pub attendees: u32,
    /// Whether the asker belongs to it.
    pub member: bool,
    /// Countable events that the asker has not read; 0 for guests.
    pub unread: u64,
    /// Unread events that mention the asker; 0 for guests.
    pub mentions: u64,
}

/// What people see of somebody's being there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Presence {
    /// At least one session.
    Here,
    /// At least one session, and away by their own word.
    Away {
        /// What they say about it, or empty.
        text: Text,
    },
    /// No session.
    Gone {
        /// When the last session ended, milliseconds since 1970, if ever.
        last_seen_ms: Option<i64>,
    },
}

/// Somebody with their presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceCard {
    /// The number that doors show.
    pub number: u64,
    /// Kind of being.
    pub kind: SenderKind,
    /// Name shown.
    pub name: UserName,
    /// Here, away or gone.
    pub presence: Presence,
}

/// Somebody who has a room open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// The number that doors show.
    pub number: u64,
    /// Kind of being.
    pub kind: SenderKind,
    /// Name shown.
    pub name: UserName,
    /// Standing in the room.
    pub standing: Standing,
    /// Away, with its text.
    pub away: Option<Text>,
    /// How many sessions of theirs have the room open.
    pub sessions: u32,
}

/// Somebody who belongs to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name shown.
    pub name: UserName,
    /// Standing in the room.
    pub standing: Standing,
    /// Here, away or gone.
    pub presence: Presence,
}
