//! Commands: what a session asks of the hub; replies: what the hub says to that.

use crate::{
    AccountCard, AccountId, AccountStatus, Admits, Attendee, Durability, Event, EventId, HubCard, InviteCard,
    Member, Presence, PresenceCard, Retention, Role, RoomCard, RoomId, RoomName, Scope, Standing, Text,
    TokenCard, Txn, UserName, Visibility,
};
use std::sync::Arc;

/// A room, by its number where the door knows it, else by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRef {
    /// The number that an `Attached` reply told.
    Id(RoomId),
    /// The name.
    Name(RoomName),
}

/// Where in a log to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this seq.
    Seq(u64),
    /// At this event.
    Id(EventId),
    /// At the first event of this time or later, in milliseconds since 1970.
    Time(i64),
    /// At the head.
    Head,
}

/// From where an attendee reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// From now on.
    #[default]
    Head,
    /// The last `n` events, then on.
    Last(u32),
    /// All behind `seq` of the log's life `epoch`, then on.
    After {
        /// The last life that the reader knows.
        epoch: u64,
        /// The last place that the reader has.
        seq: u64,
    },
}

/// A stretch of a log. At most `Limits::history_events_max` events come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryQuery {
    /// The `limit` events before the place, oldest first.
    Before(Place, u32),
    /// The `limit` events behind the place.
    After(Place, u32),
    /// About `limit` events with the place in their middle.
    Around(Place, u32),
    /// From the first place to the second, both inclusive, `limit` at most.
    Between(Place, Place, u32),
}

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words; all must be there. One or two Chinese characters are enough.
    pub words: String,
    /// Only in this room.
    pub room: Option<RoomRef>,
    /// Only from this sender.
    pub sender: Option<UserName>,
    /// Not before, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Not after, milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// At most so many hits, newest first.
    pub limit: u32,
}

/// Somebody, as a moderator names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By the name shown.
    Name(UserName),
    /// By account.
    Account(AccountId),
}

/// New rules of a room; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomSettings {
    /// Who may see and enter it.
    pub visibility: Option<Visibility>,
    /// When an event counts as said. Can be chosen only when the room is made.
    pub durability: Option<Durability>,
    /// Only voices and operators speak.
    pub moderated: Option<bool>,
    /// Nobody speaks.
    pub read_only: Option<bool>,
    /// What is kept.
    pub retention: Option<Retention>,
    /// Its topic.
    pub topic: Option<Text>,
}

/// What a session asks of the hub. `txn` makes a retry idempotent; texts are bounded by `Limits`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variant's sentence says what each field is")]
pub enum Command {
    /// Say something in a room that the session has open, or that its account belongs to.
    Say { room: RoomRef, text: Text, reply_to: Option<EventId>, txn: Option<Txn> },
    /// Replace the text of one's own message.
    Edit { room: RoomRef, target: EventId, text: Text, txn: Option<Txn> },
    /// Take an event back: one's own, or any as an operator.
    Redact { room: RoomRef, target: EventId, reason: Text, txn: Option<Txn> },
    /// Put a sign on an event, or take it off.
    React { room: RoomRef, target: EventId, sign: Text, on: bool, txn: Option<Txn> },
    /// Make a room. The maker becomes member and operator.
    Create { name: RoomName, settings: RoomSettings },
    /// Open a room: events come from `from` on. A registered person becomes a member.
    Attach { room: RoomRef, from: Start },
    /// Close a room; membership stays.
    Detach { room: RoomRef },
    /// Close a room and end membership.
    Leave { room: RoomRef },
    /// Open the direct with somebody.
    Direct { with: Target, from: Start },
    /// Change the rules or the topic of a room.
    Set { room: RoomRef, settings: RoomSettings },
    /// Let an account into a private or hidden room.
    Invite { room: RoomRef, who: UserName },
    /// Send somebody out.
    Kick { room: RoomRef, who: UserName, reason: Text },
    /// Send somebody out and keep them out, for ever or for so many seconds.
    Ban { room: RoomRef, who: UserName, reason: Text, for_s: Option<u64> },
    /// Lift a ban.
    Unban { room: RoomRef, who: UserName },
    /// Give somebody another standing.
    Stand { room: RoomRef, who: UserName, standing: Standing },
    /// Delete a room and its log.
    Delete { room: RoomRef },
    /// Change the name shown: guests only.
    Nick { name: UserName },
    /// Say that one is away, or here again.
    Away { text: Option<Text> },
    /// Tell the others that one is typing, or has stopped.
    Typing { room: RoomRef, on: bool },
    /// All up to `seq` has been read.
    MarkRead { room: RoomRef, seq: u64 },
    /// See nothing more from somebody, or see them again.
    Ignore { who: UserName, on: bool },
    /// The rooms that one may see.
    Rooms,
    /// One room's card.
    Room { room: RoomRef },
    /// Who has a room open.
    Attendees { room: RoomRef },
    /// Who belongs to a room.
    Members { room: RoomRef },
    /// How those are with whom one shares a small room; and whether to be told of changes from now on.
    Presence { on: bool },
    /// Somebody's presence.
    Whois { who: UserName },
    /// A stretch of a log.
    History { room: RoomRef, query: HistoryQuery },
    /// Look for words.
    Search(SearchQuery),
    /// Is the hub there?
    Ping,
    /// Make the guest's own name, or another one, an account's, with this password.
    Register { name: Option<UserName>, password: String },
    /// Change one's own password.
    Password { old: String, new: String },
    /// Admins: make an account.
    AccountAdd { name: UserName, role: Role, password: Option<String> },
    /// Admins: all accounts.
    AccountList,
    /// Admins: change an account.
    AccountSet { name: UserName, role: Option<Role>, status: Option<AccountStatus>, password: Option<String> },
    /// Admins: remove an account; its messages stay.
    AccountRemove { name: UserName },
    /// Make a token for oneself, or as an admin for another.
    TokenAdd { account: Option<UserName>, label: Text, scopes: Vec<Scope>, for_s: Option<u64> },
    /// One's own tokens, or as an admin another's.
    TokenList { account: Option<UserName> },
    /// Revoke a token; its sessions end on every door.
    TokenRemove { id: u64 },
    /// Make an invite link: admins, and operators for guests and accounts in their own room.
    InviteAdd { room: Option<RoomRef>, admits: Admits, uses: u32, for_s: u64 },
    /// The invites that one may make or withdraw.
    InviteList,
    /// Withdraw an invite: nobody can take it any more, and guests who came with it are sent out.
    InviteRemove { id: u64 },
    /// Take an invite to a room with the account that one has.
    InviteTake { code: String },
    /// What the hub says about itself.
    Hub,
    /// Admins: give the hub a name, or say whether guests are welcome; what is absent stays.
    SetHub { name: Option<Text>, guests: Option<bool> },
}

/// An event that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its log.
    pub room: RoomId,
    /// The log's name; of a direct, the other's name behind an `@`.
    pub name: RoomName,
    /// The event.
    pub event: Event,
}

/// What the hub says to a command.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Done; nothing to tell.
    Done,
    /// The event is committed.
    Committed {
        /// The log.
        room: RoomId,
        /// Its place.
        seq: u64,
        /// Its id.
        id: EventId,
        /// When, milliseconds since 1970.
        ts_ms: i64,
        /// The txn had been done before: this is the first one's place.
        repeated: bool,
    },
    /// The room is open. Its events follow from `next` on.
    Attached {
        /// The room.
        card: Box<RoomCard>,
        /// The first place that will be delivered.
        next: u64,
        /// Events between the asked place and `next` that are no longer kept.
        missing: u64,
    },
    /// Rooms.
    Rooms(Vec<RoomCard>),
    /// One room.
    Room(Box<RoomCard>),
    /// Who has the room open, and how many there are in all (the list is cut at `Limits::list_rows_max`).
    Attendees(Vec<Attendee>, u32),
    /// Who belongs to the room, and how many in all.
    Members(Vec<Member>, u32),
    /// Somebody's card and presence.
    Whois {
        /// Name shown.
        name: UserName,
        /// The account's card, unless a guest.
        account: Option<Box<AccountCard>>,
        /// Here, away or gone.
        presence: Presence,
    },
    /// Those with whom one shares a small room, and how many there are in all (the list is cut at
    /// `Limits::list_rows_max`). Changes follow as signals.
    People(Vec<PresenceCard>, u32),
    /// A stretch of a log, oldest first.
    History {
        /// The log.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// The events.
        events: Arc<Vec<Event>>,
        /// Whether the log has more in the direction that was asked.
        more: bool,
    },
    /// Hits, newest first.
    Found(Vec<Hit>),
    /// The name is now this one.
    Named(UserName),
    /// Accounts.
    Accounts(Vec<AccountCard>),
    /// An account was made or changed.
    Account(Box<AccountCard>),
    /// A token was made: its secret, shown this once.
    Token {
        /// The secret.
        secret: String,
        /// Its card.
        card: Box<TokenCard>,
    },
    /// Tokens.
    Tokens(Vec<TokenCard>),
    /// An invite was made: its code, shown this once.
    Invite {
        /// The code.
        code: String,
        /// Its card.
        card: Box<InviteCard>,
    },
    /// Invites.
    Invites(Vec<InviteCard>),
    /// The hub about itself.
    Hub(Box<HubCard>),
    /// The hub is there; its wall clock in milliseconds since 1970.
    Pong(i64),
}
