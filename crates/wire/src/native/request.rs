//! What a client may send in the native protocol: one JSON object, its meaning in `type`.
//!
//! **Invariant.** A superset of the source documents' messages: `login` with a nickname and `broadcast` with a
//! message are complete requests. Members that are not known are passed over, so that a newer client can
//! talk to an older hub. `docs/protocol.md` explains each; `docs/protocol.schema.json` is made from this file.

use super::rid::{Rid, Secret};
use hubbub_model::{
    AccountStatus, Admits, Durability, EventId, Retention, Role, Scope, Standing, Start, Text, UserName,
    Visibility,
};
use serde::{Deserialize, Serialize};

/// A request with the mark that its answer carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Envelope {
    /// Echoed in the answer. Without it a success is not answered; a refusal always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Rid>,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client asks. `room` is a room's name, or `@NUMBER` for a direct; where it is absent, `lobby` is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant's sentence and the protocol's page say what each member is")]
pub enum Request {
    /// Say who one is. The first request of a conn.
    Login(Box<Login>),
    /// Say something, in the words of the source documents. `sender_id` is never believed.
    Broadcast {
        message: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// Say something in a room.
    Say {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        text: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<EventId>,
        /// The client's own mark, at most 64 bytes: the same mark again is done once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        txn: Option<String>,
    },
    /// Replace the text of one's own message.
    Edit {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        target: EventId,
        text: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        txn: Option<String>,
    },
    /// Take an event back.
    Redact {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        target: EventId,
        #[serde(default, skip_serializing_if = "is_blank")]
        reason: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        txn: Option<String>,
    },
    /// Put a sign on an event, or take it off.
    React {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        target: EventId,
        sign: Text,
        #[serde(default = "yes")]
        on: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        txn: Option<String>,
    },
    /// Open a room: its events come from the resume point on. A registered person becomes a member.
    Join {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// Begin with the last so many events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
        /// Begin behind this place. Wins over `last`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Resume>,
    },
    /// Close a room; membership stays.
    Close {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// Close a room and end membership.
    Leave {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// Make a room.
    Create {
        room: String,
        #[serde(flatten)]
        settings: Settings,
    },
    /// Open the direct with somebody.
    Direct {
        with: UserName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Resume>,
    },
    /// Change the rules or the topic of a room; what is absent stays.
    Set {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(flatten)]
        settings: Settings,
    },
    /// Let an account into a private or hidden room.
    Invite {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        who: UserName,
    },
    /// Send somebody out.
    Kick {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        who: UserName,
        #[serde(default, skip_serializing_if = "is_blank")]
        reason: Text,
    },
    /// Send somebody out and keep them out: for ever, or for so many seconds.
    Ban {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        who: UserName,
        #[serde(default, skip_serializing_if = "is_blank")]
        reason: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<u64>,
    },
    /// Lift a ban.
    Unban {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        who: UserName,
    },
    /// Give somebody another standing.
    Stand {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        who: UserName,
        standing: Standing,
    },
    /// Delete a room and its log. The room must be named.
    Delete { room: String },
    /// Change the name shown: guests only.
    Nick { nickname: UserName },
    /// Say that one is away; without a text, that one is here again.
    Away {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
    },
    /// Tell the others that one is typing, or has stopped.
    Typing {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(default = "yes")]
        on: bool,
    },
    /// All up to `seq` has been read.
    Read {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        seq: u64,
    },
    /// See nothing more from somebody, or see them again.
    Ignore {
        who: UserName,
        #[serde(default = "yes")]
        on: bool,
    },
    /// The rooms that one may see.
    Rooms,
    /// One room's card.
    Room {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// Who has a room open.
    Who {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// Who belongs to a room.
    Members {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    /// How those are with whom one shares a small room; changes follow as `presence`, or no longer.
    Presence {
        #[serde(default = "yes")]
        on: bool,
    },
    /// Somebody's presence.
    Whois { who: UserName },
    /// A stretch of a log. One of `before`, `after`, `around`, `between`; none means the last events.
    History {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<At>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<At>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        around: Option<At>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        between: Option<[At; 2]>,
        /// At most so many events; 50 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Look for words.
    Search {
        words: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sender: Option<UserName>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
        /// At most so many hits; 50 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Is the hub there?
    Ping,
    /// Make the name an account's, with this password. Without a name: the one that the guest has.
    Register {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<UserName>,
        password: Secret,
    },
    /// Change one's own password.
    Password { old: Secret, new: Secret },
    /// Admins: make an account.
    AccountAdd {
        name: UserName,
        #[serde(default)]
        role: Role,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Secret>,
    },
    /// Admins: all accounts.
    AccountList,
    /// Admins: change an account; what is absent stays.
    AccountSet {
        name: UserName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<AccountStatus>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Secret>,
    },
    /// Admins: remove an account; its messages stay.
    AccountRemove { name: UserName },
    /// Make a token for oneself, or as an admin for another.
    TokenAdd {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<UserName>,
        #[serde(default, skip_serializing_if = "is_blank")]
        label: Text,
        scopes: Vec<Scope>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<u64>,
    },
    /// One's own tokens, or as an admin another's.
    TokenList {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<UserName>,
    },
    /// Revoke a token; its sessions end on every door.
    TokenRemove { id: u64 },
    /// Make an invite link: admins, and operators for guests and accounts in their own room.
    InviteLinkAdd {
        /// Where it leads; absent: the hub alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(default)]
        r#as: Admits,
        /// How often it can be taken; once if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<u32>,
        /// How long; a day if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<u64>,
    },
    /// The invite links that one may make or withdraw.
    InviteLinks,
    /// Withdraw an invite link; guests who came with it are sent out.
    InviteLinkRemove { id: u64 },
    /// Take an invite link to a room with the account that one has.
    InviteLinkTake { code: Secret },
    /// Say good-bye; the hub closes the conn.
    Quit,
}

impl Request {
    /// All values that `type` may have.
    pub const TYPES: &'static [&'static str] = &[
        "login",
        "broadcast",
        "say",
        "edit",
        "redact",
        "react",
        "join",
        "close",
        "leave",
        "create",
        "direct",
        "set",
        "invite",
        "kick",
        "ban",
        "unban",
        "stand",
        "delete",
        "nick",
        "away",
        "typing",
        "read",
        "ignore",
        "rooms",
        "room",
        "who",
        "members",
        "presence",
        "whois",
        "history",
        "search",
        "ping",
        "register",
        "password",
        "account_add",
        "account_list",
        "account_set",
        "account_remove",
        "token_add",
        "token_list",
        "token_remove",
        "invite_link_add",
        "invite_links",
        "invite_link_remove",
        "invite_link_take",
        "quit",
    ];
}

/// Who one is, and which rooms to open at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Login {
    /// The name of a guest, or of an account when a password or token comes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The name of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// A token, in place of account and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Version of the protocol: 1. Absent: compatible mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<u32>,
    /// A random id of this client, the same after each reconnect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Rooms to open. Absent: `lobby` from its head on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<Open>>,
    /// Whether one's own messages come back. Absent: they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// Language of sentences for people: `en` or `zh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}

impl Login {
    /// The name given, whichever member holds it.
    pub fn name(&self) -> Option<&str> {
        self.account.as_deref().or(self.nickname.as_deref())
    }

    /// Whether the conn speaks the native protocol from now on.
    pub fn is_native(&self) -> bool {
        self.v.is_some_and(|v| v >= 1)
    }
}

/// A room to open at login: its name alone, or with a resume point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Open {
    /// From its head on.
    Name(String),
    /// From some place on.
    From {
        /// Its name.
        room: String,
        /// Begin with the last so many events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
        /// Begin behind this place. Wins over `last`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Resume>,
    },
}

impl Open {
    /// The room's name, and where its events begin.
    pub fn parts(&self) -> (&str, Start) {
        match self {
            Self::Name(room) => (room, Start::Head),
            Self::From { room, last, after } => (room, start(*last, *after)),
        }
    }
}

/// The last place that a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Resume {
    /// Which life of the log, as `joined` told.
    pub epoch: u64,
    /// The last seq that the client has; 0 if none.
    pub seq: u64,
}

/// Where events begin: behind `after`, else with the `last` so many, else at the head.
pub fn start(last: Option<u32>, after: Option<Resume>) -> Start {
    match (after, last) {
        (Some(Resume { epoch, seq }), _) => Start::After { epoch, seq },
        (None, Some(n)) => Start::Last(n),
        (None, None) => Start::Head,
    }
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// At this seq.
    Seq(u64),
    /// At this event.
    Id(EventId),
    /// At the first event of this time or later, milliseconds since 1970.
    Ts(i64),
    /// At the head.
    Head,
}

/// Rules and topic of a room; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Who may see and enter it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// When an event counts as said; can be chosen only when the room is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,
    /// Only voices and operators speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderated: Option<bool>,
    /// Nobody speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// What is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Text>,
}

fn is_blank(text: &Text) -> bool {
    text.is_empty()
}

fn yes() -> bool {
    true
}
