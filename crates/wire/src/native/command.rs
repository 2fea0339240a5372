//! From a request to the command that it asks of the hub.
//!
//! **Invariant.** One request, one command. `login` and `quit` concern the conn itself and are the door's.

use super::request::{At, Request, Settings, start};
use hubbub_model::{
    Command, HistoryQuery, Kind, Place, Refusal, RoomCard, RoomId, RoomKind, RoomName, RoomRef, RoomSettings,
    SearchQuery, Target, Txn,
};
use std::borrow::Cow;

impl Request {
    /// The command that this request asks for. `rooms` knows the numbers of the rooms that the session has open;
    /// others go by their name.
    ///
    /// # Errors
    /// `Invalid` for a room's name that cannot be one, a `txn` that is too long, or more than one place in `history`;
    /// `Unsupported` for `login` and `quit`, which the door answers itself.
    pub fn into_command(self, rooms: impl Fn(&str) -> Option<RoomId>) -> Result<Command, Refusal> {
        let at = |room: Option<String>| room_ref(room.as_deref(), &rooms);
        let secret = |s: super::Secret| s.0;
        Ok(match self {
            Self::Login(_) | Self::Quit => return Err(not_for_the_hub()),
            Self::Broadcast { message, room } => {
                Command::Say { room: at(room)?, text: message, reply_to: None, txn: None }
            }
            Self::Say { room, text, reply_to, txn } => {
                Command::Say { room: at(room)?, text, reply_to, txn: mark(txn)? }
            }
            Self::Edit { room, target, text, txn } => {
                Command::Edit { room: at(room)?, target, text, txn: mark(txn)? }
            }
            Self::Redact { room, target, reason, txn } => {
                Command::Redact { room: at(room)?, target, reason, txn: mark(txn)? }
            }
            Self::React { room, target, sign, on, txn } => {
                Command::React { room: at(room)?, target, sign, on, txn: mark(txn)? }
            }
            Self::Join { room, last, after } => Command::Attach { room: at(room)?, from: start(last, after) },
            Self::Close { room } => Command::Detach { room: at(room)? },
            Self::Leave { room } => Command::Leave { room: at(room)? },
            Self::Create { room, settings } => {
                Command::Create { name: room_name(&room)?, settings: settings.into() }
            }
            Self::Direct { with, last, after } => {
                Command::Direct { with: Target::Name(with), from: start(last, after) }
            }
            Self::Set { room, settings } => Command::Set { room: at(room)?, settings: settings.into() },
            Self::Invite { room, who } => Command::Invite { room: at(room)?, who },
            Self::Kick { room, who, reason } => Command::Kick { room: at(room)?, who, reason },
            Self::Ban { room, who, reason, for_s } => Command::Ban { room: at(room)?, who, reason, for_s },
            Self::Unban { room, who } => Command::Unban { room: at(room)?, who },
            Self::Stand { room, who, standing } => Command::Stand { room: at(room)?, who, standing },
            Self::Delete { room } => Command::Delete { room: at(Some(room))? },
            Self::Nick { nickname } => Command::Nick { name: nickname },
            Self::Away { text } => Command::Away { text },
            Self::Typing { room, on } => Command::Typing { room: at(room)?, on },
            Self::Read { room, seq } => Command::MarkRead { room: at(room)?, seq },
            Self::Ignore { who, on } => Command::Ignore { who, on },
            Self::Rooms => Command::Rooms,
            Self::Room { room } => Command::Room { room: at(room)? },
            Self::Who { room } => Command::Attendees { room: at(room)? },
            Self::Members { room } => Command::Members { room: at(room)? },
            Self::Presence { on } => Command::Presence { on },
            Self::Whois { who } => Command::Whois { who },
            Self::History { room, before, after, around, between, limit } => {
                let limit = limit.unwrap_or(LIMIT_IF_ABSENT);
                Command::History { room: at(room)?, query: stretch(before, after, around, between, limit)? }
            }
            Self::Search { words, room, sender, since_ms, until_ms, limit } => Command::Search(SearchQuery {
                words,
                room: room.map(|room| at(Some(room))).transpose()?,
                sender,
                since_ms,
                until_ms,
                limit: limit.unwrap_or(LIMIT_IF_ABSENT),
            }),
            Self::Ping => Command::Ping,
            Self::Register { nickname, password } => {
                Command::Register { name: nickname, password: password.0 }
            }
            Self::Password { old, new } => Command::Password { old: old.0, new: new.0 },
            Self::AccountAdd { name, role, password } => {
                Command::AccountAdd { name, role, password: password.map(secret) }
            }
            Self::AccountList => Command::AccountList,
            Self::AccountSet { name, role, status, password } => {
                Command::AccountSet { name, role, status, password: password.map(secret) }
            }
            Self::AccountRemove { name } => Command::AccountRemove { name },
            Self::TokenAdd { account, label, scopes, for_s } => {
                Command::TokenAdd { account, label, scopes, for_s }
            }
            Self::TokenList { account } => Command::TokenList { account },
            Self::TokenRemove { id } => Command::TokenRemove { id },
            Self::InviteLinkAdd { room, r#as, uses, for_s } => Command::InviteAdd {
                room: room.map(|room| at(Some(room))).transpose()?,
                admits: r#as,
                uses: uses.unwrap_or(USES_IF_ABSENT),
                for_s: for_s.unwrap_or(INVITE_S_IF_ABSENT),
            },
            Self::InviteLinks => Command::InviteList,
            Self::InviteLinkRemove { id } => Command::InviteRemove { id },
            Self::InviteLinkTake { code } => Command::InviteTake { code: code.0 },
        })
    }

    /// The room that the request names, or `lobby` where it may name one and does not.
    pub fn room(&self) -> Option<&str> {
        match self {
            Self::Broadcast { room, .. }
            | Self::Say { room, .. }
            | Self::Edit { room, .. }
            | Self::Redact { room, .. }
            | Self::React { room, .. }
            | Self::Join { room, .. }
            | Self::Close { room }
            | Self::Leave { room }
            | Self::Set { room, .. }
            | Self::Invite { room, .. }
            | Self::Kick { room, .. }
            | Self::Ban { room, .. }
            | Self::Unban { room, .. }
            | Self::Stand { room, .. }
            | Self::Typing { room, .. }
            | Self::Read { room, .. }
            | Self::Room { room }
            | Self::Who { room }
            | Self::Members { room }
            | Self::History { room, .. } => Some(room.as_deref().unwrap_or(LOBBY)),
            Self::Create { room, .. } | Self::Delete { room } => Some(room),
            _ => None,
        }
    }
}

impl From<Settings> for RoomSettings {
    fn from(s: Settings) -> Self {
        Self {
            visibility: s.visibility,
            durability: s.durability,
            moderated: s.moderated,
            read_only: s.read_only,
            retention: s.retention,
            topic: s.topic,
        }
    }
}

impl From<At> for Place {
    fn from(at: At) -> Self {
        match at {
            At::Seq(seq) => Self::Seq(seq),
            At::Id(id) => Self::Id(id),
            At::Ts(ms) => Self::Time(ms),
            At::Head => Self::Head,
        }
    }
}

/// The room as the protocol writes it: its name, or for a direct `@` and its number (the other's name may be a
/// room's name too).
pub fn room_word(card: &RoomCard) -> Cow<'_, str> {
    match card.kind {
        RoomKind::Room => card.name.as_str().into(),
        RoomKind::Direct => format!("@{}", card.id).into(),
    }
}

/// The word of a log that is known by its name alone: that of a direct begins with `@`, that of a room never does.
pub fn log_word(id: RoomId, name: &RoomName) -> Cow<'_, str> {
    if name.as_str().starts_with('@') { format!("@{id}").into() } else { name.as_str().into() }
}

fn room_ref(room: Option<&str>, rooms: &impl Fn(&str) -> Option<RoomId>) -> Result<RoomRef, Refusal> {
    let word = room.unwrap_or(LOBBY);
    if let Some(id) = rooms(word) {
        return Ok(RoomRef::Id(id));
    }
    if let Some(id) = word.strip_prefix('@').and_then(|digits| digits.parse().ok()) {
        return Ok(RoomRef::Id(RoomId(id)));
    }
    room_name(word).map(RoomRef::Name)
}

fn room_name(word: &str) -> Result<RoomName, Refusal> {
    RoomName::parse(word)
        .map_err(|e| Refusal::new(Kind::Invalid, format_args!("the member \"room\" names no room: {e}")))
}

fn mark(txn: Option<String>) -> Result<Option<Txn>, Refusal> {
    let Some(txn) = txn else { return Ok(None) };
    let bad = || Refusal::new(Kind::Invalid, "the member \"txn\" must have 1 to 64 bytes");
    Txn::parse(&txn).map(Some).ok_or_else(bad)
}

fn stretch(
    before: Option<At>,
    after: Option<At>,
    around: Option<At>,
    between: Option<[At; 2]>,
    limit: u32,
) -> Result<HistoryQuery, Refusal> {
    match (before, after, around, between) {
        (None, None, None, None) => Ok(HistoryQuery::Before(Place::Head, limit)),
        (Some(at), None, None, None) => Ok(HistoryQuery::Before(at.into(), limit)),
        (None, Some(at), None, None) => Ok(HistoryQuery::After(at.into(), limit)),
        (None, None, Some(at), None) => Ok(HistoryQuery::Around(at.into(), limit)),
        (None, None, None, Some([a, b])) => Ok(HistoryQuery::Between(a.into(), b.into(), limit)),
        _ => {
            let text = "give only one of the members \"before\", \"after\", \"around\" and \"between\"";
            Err(Refusal::new(Kind::Invalid, text))
        }
    }
}

fn not_for_the_hub() -> Refusal {
    Refusal::new(Kind::Unsupported, "this conn has logged in already; open another one to log in again")
}

/// The room meant where none is named.
const LOBBY: &str = "lobby";
/// Events or hits asked for where no limit is given.
const LIMIT_IF_ABSENT: u32 = 50;
/// How often an invite link can be taken when a request does not say.
const USES_IF_ABSENT: u32 = 1;
/// How long one is good then: a day.
const INVITE_S_IF_ABSENT: u64 = 24 * 60 * 60;
