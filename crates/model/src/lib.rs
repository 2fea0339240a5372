//! Names, ids, events, commands and limits of Hubbub: the words that all crates share.
//!
//! **Invariant.** Pure values: no clock, no socket, no runtime, no I/O. A value that exists is valid:
//! names are built only by parsing, texts are UTF-8, and what a peer sent is checked once, here.
//! The words are those of the glossary in `ARCHITECTURE.md`.
#![warn(missing_docs)]

mod account;
mod command;
mod event;
mod id;
mod invite;
mod kind;
mod limits;
mod name;
mod room;
mod text;
pub mod words;

pub use account::{AccountCard, AccountStatus, HubCard, Role, Scope, TokenCard};
pub use command::{
    Command, HistoryQuery, Hit, Place, Reply, RoomRef, RoomSettings, SearchQuery, Start, Target,
};
pub use event::{Event, EventKind, MemberChange, Sender, SenderKind};
pub use id::{AccountId, EventId, RoomId, SenderId, SessionId, Ticket, Txn};
pub use invite::{Admits, InviteCard};
pub use kind::{Kind, Refusal};
pub use limits::Limits;
pub use name::{NameError, RoomName, UserName, fold, irc_nick};
pub use room::{
    Attendee, Durability, Member, Presence, PresenceCard, Retention, RoomCard, RoomKind, Standing, Visibility,
};
pub use text::{Text, TextError, harmless};
pub use words::Language;
