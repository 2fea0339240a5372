//! What the hub sends in the native protocol, as the client reads it.
//!
//! **Invariant.** All that the hub encodes can be read here: the cold values are encoded from these very
//! types, and tests hold the hand-made encoder of events to them. Names are plain strings on this side:
//! a client shows what the hub says and does not judge it.

use super::rid::Rid;
use hubbub_model::{
    AccountCard, Durability, EventId, InviteCard, Kind, Limits, MemberChange, Presence, Retention, Role,
    RoomKind, SenderKind, Standing, Text, TokenCard, Visibility,
};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

/// A value from the hub, with the mark of the request that it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Received {
    /// The mark, where this is an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Rid>,
    /// The value.
    #[serde(flatten)]
    pub value: FromHub,
}

/// What the hub says. `room` is a room's name, or `@NUMBER` for a direct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant's sentence and the protocol's page say what each member is")]
pub enum FromHub {
    /// The login succeeded.
    Welcome(Box<Welcome>),
    /// A request was refused.
    Error {
        #[serde(default)]
        status: Failed,
        code: Code,
        message: Text,
    },
    /// Done; nothing to tell.
    Ok,
    /// The event is committed, at this place.
    Sent {
        room: String,
        seq: u64,
        id: EventId,
        ts: i64,
        /// The `txn` had been done before; this is the first one's place.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// The room is open; its events follow from `next` on.
    Joined(Box<Joined>),
    /// The rooms that one may see.
    Rooms { rooms: Vec<RoomValue> },
    /// One room.
    Room(Box<RoomValue>),
    /// Who has the room open; `total` may be more than the list holds.
    Who { room: String, who: Vec<AttendeeValue>, total: u32 },
    /// Who belongs to the room; `total` may be more than the list holds.
    Members { room: String, members: Vec<MemberValue>, total: u32 },
    /// Those with whom one shares a small room; `total` may be more than the list holds. Changes follow as `presence`.
    People { people: Vec<PersonValue>, total: u32 },
    /// Somebody's card and presence.
    Whois {
        nickname: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Box<AccountCard>>,
        presence: Presence,
    },
    /// A stretch of a log, oldest first.
    History {
        room: String,
        events: Vec<EventValue>,
        /// Whether the log has more in the direction that was asked.
        more: bool,
    },
    /// Hits of a search, newest first.
    Found { events: Vec<EventValue> },
    /// Accounts.
    Accounts { accounts: Vec<AccountCard> },
    /// An account was made or changed.
    Account { account: Box<AccountCard> },
    /// A token was made: its secret, shown this once.
    Token { secret: String, token: Box<TokenCard> },
    /// Tokens.
    Tokens { tokens: Vec<TokenCard> },
    /// An invite link was made: its code, shown this once.
    InviteLink { code: String, invite: Box<InviteCard> },
    /// Invite links.
    InviteLinks { invites: Vec<InviteCard> },
    /// The hub is there; its wall clock in milliseconds since 1970.
    Pong { ts: i64 },
    /// One's name is now this one.
    Named { nickname: String },
    /// Somebody is here, away or gone now.
    Presence {
        who: Person,
        #[serde(flatten)]
        presence: Presence,
    },
    /// Somebody opened or closed a room.
    Attend { room: String, who: Person, on: bool, attendees: u32 },
    /// A large room's count of attendees changed.
    Attendees { room: String, attendees: u32 },
    /// Somebody has another name now.
    Renamed { who: Person, was: String },
    /// Somebody is typing, or has stopped.
    Typing { room: String, id: u64, nickname: String, on: bool },
    /// The events `from` to `to`, both inclusive, will not come.
    Gap { room: String, from: u64, to: u64 },
    /// The room is no longer open for this session.
    Closed {
        room: String,
        reason: Ended,
        /// By whom and why, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Text>,
    },
    /// Exact counts of what one has not read.
    Unread { room: String, unread: u64, mentions: u64 },
    /// One was invited to a room.
    Invited { room: String, by: String },
    /// The hub's operator tells everybody something.
    Announce { text: Text },
    /// The hub closes the conn.
    Bye { reason: String },
    /// An event of a log.
    #[serde(untagged)]
    Event(Box<EventValue>),
    /// A value that this version does not know. It can be passed over, or shown by its message.
    #[serde(untagged)]
    #[schemars(skip)]
    Unknown(Box<Unknown>),
}

/// What a refusal means: a word that this version knows, or one of a newer hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Code {
    /// A meaning that this version knows.
    Known(Kind),
    /// One that it does not know: the message says what it means.
    Other(String),
}

impl Code {
    /// The meaning, if this version knows it.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Known(kind) => Some(*kind),
            Self::Other(_) => None,
        }
    }
}

/// Something of a type, or with members, that this version does not know; kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its other members.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Unknown {
    /// What it says to people, if anything.
    pub fn message(&self) -> Option<&str> {
        ["message", "text"].into_iter().find_map(|name| self.members.get(name)?.as_str())
    }
}

/// Why a room is no longer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// The account or this session left it.
    Left,
    /// Somebody sent one out.
    Kicked,
    /// One is banned.
    Banned,
    /// The room was deleted.
    Deleted,
    /// In a way that this version does not know.
    #[serde(other)]
    #[schemars(skip)]
    Other,
}

/// The word `ok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Succeeded {
    /// It succeeded.
    #[default]
    Ok,
}

/// The word `error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Failed {
    /// It failed.
    #[default]
    Error,
}

/// The login succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Welcome {
    /// Always `ok`, and always the first member.
    #[serde(default)]
    pub status: Succeeded,
    /// One's own number; the second member.
    pub id: u64,
    /// Version of the protocol that the hub speaks.
    pub v: u32,
    /// The name that one got; not always the name that was asked for.
    pub nickname: String,
    /// What one is.
    #[serde(deserialize_with = "kind_or_account")]
    pub kind: SenderKind,
    /// What one may do.
    #[serde(deserialize_with = "role_or_member")]
    pub role: Role,
    /// This login's number: events that carry it are one's own.
    pub session: u64,
    /// The hub's name.
    pub hub: String,
    /// The limits that a client should know.
    pub limits: Bounds,
}

/// The limits that a client should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Bounds {
    /// Longest message, in bytes of UTF-8.
    pub message_bytes: u64,
    /// Longest value, in bytes.
    pub value_bytes: u64,
    /// Longest topic, reason or label, in bytes.
    pub note_bytes: u64,
    /// Rooms open at once.
    pub rooms: u64,
    /// Events in one answer to `history`.
    pub history: u32,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            message_bytes: limits.message_bytes_max as u64,
            value_bytes: limits.line_bytes_max as u64,
            note_bytes: limits.note_bytes_max as u64,
            rooms: limits.rooms_per_session_max as u64,
            history: limits.history_events_max,
        }
    }
}

/// A room is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Joined {
    /// The room.
    pub room: String,
    /// Of a direct: who the other is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Which life of the log this is; part of a resume point.
    pub epoch: u64,
    /// The last place of the log, 0 if it is empty.
    pub seq: u64,
    /// The first place that will be delivered.
    pub next: u64,
    /// Events between the asked place and `next` that are no longer kept.
    pub missing: u64,
    /// Whether one belongs to it.
    pub member: bool,
    /// Its topic, or empty.
    pub topic: Text,
    /// How many have it open.
    pub attendees: u32,
    /// What one has not read.
    pub unread: u64,
    /// Unread messages that mention one.
    pub mentions: u64,
}

/// A room as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RoomValue {
    /// The room.
    pub room: String,
    /// Of a direct: who the other is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
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
    /// First kept place.
    pub first_seq: u64,
    /// Last place, 0 if none.
    pub seq: u64,
    /// How many belong to it.
    pub members: u32,
    /// How many have it open.
    pub attendees: u32,
    /// Whether one belongs to it.
    pub member: bool,
    /// What one has not read.
    pub unread: u64,
    /// Unread messages that mention one.
    pub mentions: u64,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Person {
    /// The number shown.
    pub id: u64,
    /// The name shown.
    pub nickname: String,
    /// What they are.
    #[serde(deserialize_with = "kind_or_account")]
    pub kind: SenderKind,
}

/// Somebody with their presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PersonValue {
    /// The number shown.
    pub id: u64,
    /// The name shown.
    pub nickname: String,
    /// What they are.
    pub kind: SenderKind,
    /// Here, away or gone.
    pub presence: Presence,
}

/// Somebody who has a room open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttendeeValue {
    /// The number shown.
    pub id: u64,
    /// The name shown.
    pub nickname: String,
    /// What they are.
    #[serde(deserialize_with = "kind_or_account")]
    pub kind: SenderKind,
    /// Standing in the room.
    pub standing: Standing,
    /// Away, with what they say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Text>,
    /// How many logins of theirs have it open.
    pub sessions: u32,
}

/// Somebody who belongs to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberValue {
    /// The name shown.
    pub nickname: String,
    /// Standing in the room.
    pub standing: Standing,
    /// Here, away or gone.
    pub presence: Presence,
}

/// An event of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EventValue {
    /// The log.
    pub room: String,
    /// Of a direct, in the hits of a search: who the other is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Place in it: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// Public id.
    pub id: EventId,
    /// Milliseconds since 1970, by the hub's clock.
    pub ts: i64,
    /// The sender's number; 0 for the hub.
    pub sender_id: u64,
    /// The sender's name.
    pub sender_nickname: String,
    /// What the sender is. Absent: an account.
    #[serde(default = "account", deserialize_with = "kind_or_account", skip_serializing_if = "is_account")]
    #[schemars(extend("default" = "account"))]
    pub sender_kind: SenderKind,
    /// The way in, as people know it: `nc`, `web`, `irc` … Absent: `json`.
    #[serde(default = "own_way", skip_serializing_if = "is_own_way")]
    #[schemars(extend("default" = "json"))]
    pub via: String,
    /// The login that spoke.
    pub session: u64,
    /// What was done.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The way in that events do not name: this protocol's own.
pub(super) const OWN_WAY: &str = "json";

pub(super) fn own_way() -> String {
    OWN_WAY.into()
}

fn is_own_way(via: &str) -> bool {
    via == OWN_WAY
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variant's sentence says what each member is")]
pub enum EventBody {
    /// A message.
    Message {
        message: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<EventId>,
    },
    /// The text of an earlier message was replaced.
    Edit { target: EventId, text: Text },
    /// An earlier event was taken back.
    Redaction { target: EventId, reason: Text },
    /// What is left of a redacted event at its own place.
    Redacted,
    /// A sign was put on an earlier event, or taken off.
    Reaction { target: EventId, sign: Text, on: bool },
    /// Membership, standing or rules changed.
    Member {
        #[serde(flatten)]
        change: MemberChange,
    },
    /// The room has a new topic.
    Topic { topic: Text },
    /// The hub tells the room something.
    Notice { text: Text },
    /// A file landed in the room's folder.
    File { name: Text, size: u64 },
    /// Something that this version does not know, at its place all the same.
    #[serde(untagged)]
    #[schemars(skip)]
    Unknown(Unknown),
}

/// A word that this version may not know.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word<T> {
    Known(T),
    Other(IgnoredAny),
}

/// What a newer hub calls otherwise is shown as an account.
fn kind_or_account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SenderKind, D::Error> {
    Ok(match Word::deserialize(deserializer)? {
        Word::Known(kind) => kind,
        Word::Other(IgnoredAny) => SenderKind::Account,
    })
}

/// A role of a newer hub counts as a member's: the hub decides what it allows.
fn role_or_member<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    Ok(match Word::deserialize(deserializer)? {
        Word::Known(role) => role,
        Word::Other(IgnoredAny) => Role::Member,
    })
}

fn account() -> SenderKind {
    SenderKind::Account
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_account(kind: &SenderKind) -> bool {
    *kind == SenderKind::Account
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_false(b: &bool) -> bool {
    !*b
}
