//! The seam to storage: what the hub asks of a store. The hub keeps the state of rooms and accounts in memory;
//! the store keeps logs, and enough rows to build that state again.
//!
//! **Invariant.** The hub thread is the only writer. Places in a log (`seq`) are given by the store inside the
//! commit, so that neither a failed batch nor a repeated txn leaves a gap.

use hubbub_model::{
    AccountCard, AccountId, Durability, Event, EventId, EventKind, InviteCard, Retention, RoomId, RoomKind,
    RoomName, Sender, Standing, Text, TokenCard, Visibility,
};
use std::sync::Arc;

/// A store of logs and rows.
pub trait Store: Send {
    /// All rows but events, once, at start. Counts this start: `Loaded::boot` is greater than at any start before.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Makes the whole batch durable, or nothing of it.
    ///
    /// Contract: writes take effect in order; when this returns `Ok` they survive the loss of power. The outcomes
    /// are those of the `Append`s of the batch, in order. An `Append` whose txn is known, whatever the log, is not
    /// written and answers `Repeated` with the log of the first one. An appended `Redaction` also blanks its target and every `Edit` of it that the log has (kind and
    /// text become `EventKind::Redacted`) and takes them out of search. Search finds a message by the text that it
    /// shows: that of its last edit that is not redacted, else its own. A trim or the removal of a room hides what it
    /// removes at once; where that is much, it is deleted later, after a `tidy`.
    /// After an error the store is as before the batch; the hub then writes nothing more until it is started again.
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StoreError>;

    /// A new independent reader. It sees every batch whose commit has returned.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// Asks for whatever need not happen in a commit: checkpoints, old txns (7 days), what removals left behind, the
    /// last traces of redacted texts on the disk. The hub calls it once a minute while there are commits, and a short
    /// time after the start.
    ///
    /// Contract: it only asks, and MUST NOT wait: the work is done on a thread of the store's own, in steps for none of
    /// which a commit waits noticeably. An error is that of the work that was asked for before; what it left undone is
    /// tried again.
    fn tidy(&mut self, now_ms: i64) -> Result<(), StoreError>;
}

/// Reads logs. Used on threads of its own, never on an async worker.
pub trait Reader: Send {
    /// Events of the log with `from <= seq <= to`, ascending, at most `limit` of them and about `bytes_max` bytes of
    /// text (at least one event if there is any).
    fn ascending(
        &mut self,
        room: RoomId,
        from: u64,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError>;

    /// The last `limit` events of the log with `seq <= to`, in ascending order.
    fn descending(
        &mut self,
        room: RoomId,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError>;

    /// The first place of the log whose id is `id` or greater. Ids grow with `seq`, so this needs no index.
    fn first_from(&mut self, room: RoomId, id: EventId) -> Result<Option<u64>, StoreError>;

    /// One step of a search of the rooms listed in the plan; it takes some tens of milliseconds at most. The first step
    /// gets `Findings::default()`, the next what the one before gave, until there is no `more`: then the hits are the
    /// newest ones of all that fit the plan. A message comes with the text that it shows: that of its last edit that is
    /// not redacted.
    fn search(&mut self, plan: &SearchPlan, so_far: Findings) -> Result<Findings, StoreError>;
}

/// How far a search has come.
#[derive(Debug, Default)]
pub struct Findings {
    /// The best so far, newest first; `SearchPlan::limit` at most.
    pub hits: Vec<(RoomId, Event)>,
    /// The store's own mark of where the next step begins; none at the end.
    pub more: Option<u64>,
}

/// Searches to the end.
pub fn search_all(reader: &mut dyn Reader, plan: &SearchPlan) -> Result<Vec<(RoomId, Event)>, StoreError> {
    let mut findings = reader.search(plan, Findings::default())?;
    while findings.more.is_some() {
        findings = reader.search(plan, findings)?;
    }
    Ok(findings.hits)
}

/// What to search, once `authorize()` has said where.
#[derive(Clone, Debug, Default)]
pub struct SearchPlan {
    /// Words; all must be there. Each CJK character counts as one word, neighbours as a phrase.
    pub words: String,
    /// Only these logs.
    pub rooms: Vec<RoomId>,
    /// Only senders of this folded name.
    pub sender_fold: Option<String>,
    /// Not before, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Not after, milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// At most so many hits.
    pub limit: usize,
}

/// What one commit writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Wall clock of the batch, milliseconds since 1970; the `ts_ms` of its events.
    pub ts_ms: i64,
    /// In order.
    pub writes: Vec<Write>,
}

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// A sender's row; comes before its first event.
    Sender(Arc<Sender>),
    /// A new entry at the end of a log.
    Append(Append),
    /// Make or replace an account's row.
    Account(Box<AccountRow>),
    /// Remove an account with its tokens, invites, memberships, marks and ignores. Its events stay.
    RemoveAccount(AccountId),
    /// Make or replace a room's row. `head`, `countable` and `first_seq` are taken only when the row is new.
    Room(Box<RoomRow>),
    /// Remove a room, its log and all that belongs to it.
    RemoveRoom(RoomId),
    /// Make or replace a membership.
    Member(MemberRow),
    /// End a membership, with its mark and mentions.
    RemoveMember(RoomId, AccountId),
    /// Make or replace a ban.
    Ban(BanRow),
    /// Lift a ban.
    RemoveBan(RoomId, String),
    /// Make or replace a token.
    Token(Box<TokenRow>),
    /// Remove a token.
    RemoveToken(u64),
    /// Make or replace an invite.
    Invite(Box<InviteRow>),
    /// Remove an invite.
    RemoveInvite(u64),
    /// An account read a log up to here; mentions up to `seq` are forgotten.
    Mark(MarkRow),
    /// An account ignores a folded name.
    Ignore(AccountId, String),
    /// An account ignores it no longer.
    RemoveIgnore(AccountId, String),
    /// Drop the events of a log below this place, with their mentions and search rows.
    Trim(RoomId, u64),
    /// Numbers up to this one may have been given to guests.
    GuestNumber(u64),
    /// Keep a setting of the hub under this name, or forget it.
    Setting(String, Option<String>),
}

/// A new entry of a log. Its `seq` and `ordinal` are given by the commit.
#[derive(Clone, Debug)]
pub struct Append {
    /// The log.
    pub room: RoomId,
    /// Greater than every id of the log.
    pub id: EventId,
    /// Who.
    pub sender: Arc<Sender>,
    /// What.
    pub kind: EventKind,
    /// The sender's own mark, made unique by the hub. The same mark is written once in all logs together.
    pub txn: Option<Arc<str>>,
    /// Accounts that the text mentions; each gets a mention row at this place.
    pub mentions: Vec<AccountId>,
}

/// What became of an `Append`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Appended {
        /// Its place.
        seq: u64,
        /// Countable events up to and with it.
        ordinal: u64,
    },
    /// Its txn is in a log already, at this place.
    Repeated {
        /// The log of the first one: not always that of the `Append`.
        room: RoomId,
        /// The place of the first one.
        seq: u64,
        /// The id of the first one.
        id: EventId,
        /// The time of the first one.
        ts_ms: i64,
    },
}

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// What lists show.
    pub card: AccountCard,
    /// Its unique folded name.
    pub fold: String,
    /// The password's hash in PHC form, if it has one.
    pub password: Option<String>,
}

/// A room as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Number; never used again.
    pub id: RoomId,
    /// Name; for a direct `RoomName::direct` of the two account numbers.
    pub name: RoomName,
    /// Its unique folded name.
    pub fold: String,
    /// Room or direct.
    pub kind: RoomKind,
    /// The two of a direct.
    pub pair: Option<(AccountId, AccountId)>,
    /// Topic, or empty.
    pub topic: Text,
    /// Who may see and enter it.
    pub visibility: Visibility,
    /// Ephemeral rooms have a row but no log.
    pub durability: Durability,
    /// Only voices and operators speak.
    pub moderated: bool,
    /// Nobody speaks.
    pub read_only: bool,
    /// What is kept.
    pub retention: Retention,
    /// Which life of the log this is.
    pub epoch: u64,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// First kept place, or `head + 1`.
    pub first_seq: u64,
    /// Last place, 0 if none.
    pub head: u64,
    /// Countable events ever.
    pub countable: u64,
}

impl RoomRow {
    /// A public room in which nothing was said yet.
    pub fn new(id: RoomId, name: RoomName) -> Self {
        Self {
            id,
            fold: name.folded(),
            name,
            kind: RoomKind::Room,
            pair: None,
            topic: Text::default(),
            visibility: Visibility::Public,
            durability: Durability::Strict,
            moderated: false,
            read_only: false,
            retention: Retention::default(),
            epoch: 1,
            created_ms: 0,
            first_seq: 1,
            head: 0,
            countable: 0,
        }
    }
}

/// A membership as it is stored. Also keeps an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The room.
    pub room: RoomId,
    /// The account.
    pub account: AccountId,
    /// Standing.
    pub standing: Standing,
    /// Invited, and not a member yet.
    pub invited: bool,
}

/// A ban as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRow {
    /// The room.
    pub room: RoomId,
    /// The folded name that is kept out.
    pub fold: String,
    /// The account of that name, if it is one's.
    pub account: Option<AccountId>,
    /// Why, or empty.
    pub reason: Text,
    /// By whom.
    pub by: String,
    /// Milliseconds since 1970; `None` for ever.
    pub until_ms: Option<i64>,
}

/// A token as it is stored: its hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What lists show.
    pub card: TokenCard,
    /// Whose.
    pub account: AccountId,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
}

/// An invite as it is stored: its code's hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// What lists show.
    pub card: InviteCard,
    /// Whose; none for the hub's operator.
    pub by: Option<AccountId>,
    /// The room that it leads to. It goes with the room.
    pub room: Option<RoomId>,
    /// SHA-256 of the code.
    pub hash: [u8; 32],
}

/// How far an account has read a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkRow {
    /// The log.
    pub room: RoomId,
    /// The account.
    pub account: AccountId,
    /// Last place read.
    pub seq: u64,
    /// Countable events up to it.
    pub ordinal: u64,
}

/// All rows but events.
#[derive(Debug, Default)]
pub struct Loaded {
    /// How often the store has been loaded, this time included.
    pub boot: u64,
    /// No sender row has this id or a greater one.
    pub next_sender: u64,
    /// Guests may have been given numbers up to this one.
    pub guest_number: u64,
    /// No account has or had this number or a greater one.
    pub next_account: u32,
    /// As `next_account`, for rooms.
    pub next_room: u32,
    /// As `next_account`, for tokens.
    pub next_token: u64,
    /// As `next_account`, for invites.
    pub next_invite: u64,
    /// The greatest id of any event, 0 if none.
    pub last_id: u128,
    /// Accounts.
    pub accounts: Vec<AccountRow>,
    /// Rooms and directs.
    pub rooms: Vec<RoomRow>,
    /// Memberships and invitations.
    pub members: Vec<MemberRow>,
    /// Bans.
    pub bans: Vec<BanRow>,
    /// Tokens.
    pub tokens: Vec<TokenRow>,
    /// Invites.
    pub invites: Vec<InviteRow>,
    /// Read marks.
    pub marks: Vec<MarkRow>,
    /// Unread mentions: log, account, place.
    pub mentions: Vec<(RoomId, AccountId, u64)>,
    /// Who ignores whom (folded name).
    pub ignores: Vec<(AccountId, String)>,
    /// Settings of the hub by name, in the order of the names.
    pub settings: Vec<(String, String)>,
}

/// What went wrong in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// No room left on the disk.
    Full,
    /// The disk or the system failed.
    Io,
    /// The file is damaged.
    Corrupt,
    /// Another process holds it.
    Locked,
    /// A newer program wrote it.
    Newer,
    /// It cannot be opened or created.
    Open,
    /// We asked for something impossible.
    Ours,
}

/// A store failed: how, and a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct StoreError {
    /// How.
    pub fault: StoreFault,
    /// For the operator.
    pub text: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// A fault without a cause behind it.
    pub fn new(fault: StoreFault, text: impl Into<String>) -> Self {
        Self { fault, text: text.into(), source: None }
    }
}
