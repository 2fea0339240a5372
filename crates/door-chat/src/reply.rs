//! What the hub's meanings are in the words of the chat formats. Every match is exhaustive: a new meaning does not
//! compile until it has its words here.

use hubbub_hub::{CloseReason, EndReason, Log, Signal, Who};
use hubbub_model::{RoomId, RoomName};
use hubbub_wire::{
    native::{self, Ended, FromHub, Person},
    ws,
};

/// The word that values call a log by.
pub(crate) fn log_word(log: &Log) -> String {
    native::log_word(log.id(), log.name()).into_owned()
}

/// Why a room is no longer open.
pub(crate) fn ended(room: String, reason: EndReason) -> FromHub {
    let reason = match reason {
        EndReason::Left => Ended::Left,
        EndReason::Kicked => Ended::Kicked,
        EndReason::Banned => Ended::Banned,
        EndReason::Deleted => Ended::Deleted,
    };
    FromHub::Closed { room, reason, message: None }
}

/// Why a room is no longer open, as the key of `words`.
pub(crate) fn ended_gist(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Left => "you left the room",
        EndReason::Kicked => "you were sent out of the room",
        EndReason::Banned => "you were banned from the room",
        EndReason::Deleted => "the room was deleted",
    }
}

/// Why the conn ends, as the key of `words`.
pub(crate) fn goodbye_gist(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Stopping => "the hub is stopping",
        CloseReason::Slow => "you took too long",
        CloseReason::Revoked => "your login is no longer valid",
        CloseReason::Replaced => "you logged in again from elsewhere",
        CloseReason::Trouble => "the hub could not read its store",
    }
}

/// The WebSocket close code of a login that was refused: of the range that is an application's own (RFC 6455
/// section 7.4.2).
pub(crate) const REFUSED: u16 = 4403;

/// Why the conn ends, as a WebSocket close code. From 4400 on: the last digits are those of the HTTP status that
/// comes nearest.
pub(crate) fn close_code(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::Stopping => ws::close::GOING_AWAY,
        CloseReason::Slow => 4408,
        CloseReason::Revoked => 4401,
        CloseReason::Replaced => 4409,
        CloseReason::Trouble => ws::close::INTERNAL,
    }
}

/// A signal as the native protocol tells it.
pub(crate) fn signal(signal: Signal) -> FromHub {
    let word = |room: RoomId, name: &RoomName| native::log_word(room, name).into_owned();
    match signal {
        Signal::Attend { room, name, who, on, attendees } => {
            FromHub::Attend { room: word(room, &name), who: person(&who), on, attendees }
        }
        Signal::Attendees { room, name, attendees } => {
            FromHub::Attendees { room: word(room, &name), attendees }
        }
        Signal::Presence { who, presence } => FromHub::Presence { who: person(&who), presence },
        Signal::Renamed { who, was } => FromHub::Renamed { who: person(&who), was: was.to_string() },
        Signal::Typing { room, name, who, on } => {
            FromHub::Typing { room: word(room, &name), id: who.number, nickname: who.name.to_string(), on }
        }
        Signal::Unread { room, name, unread, mentions } => {
            FromHub::Unread { room: word(room, &name), unread, mentions }
        }
        Signal::Invited { name, by } => FromHub::Invited { room: name.to_string(), by: by.to_string() },
        Signal::Notice(text) => FromHub::Announce { text },
    }
}

fn person(who: &Who) -> Person {
    Person { id: who.number, nickname: who.name.to_string(), kind: who.kind }
}
