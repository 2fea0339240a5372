//! What the hub's meanings are in the words of the chat formats. Every match is exhaustive: a new meaning does not
//! compile until it has its words here.

use hubbub_hub::{CloseReason, EndReason, Log, Signal, Who};
use hubbub_model::RoomId;
use hubbub_wire::{
    native::{Ended, FromHub, Person},
    ws,
};

/// The word that values call a log by.
pub(crate) fn log_word(log: &Log) -> String {
    let name = log.name().as_str();
    if name.starts_with('@') { format!("@{}", log.id()) } else { name.to_owned() }
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

/// Why a room is no longer open, in English.
pub(crate) fn ended_en(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Left => "you left the room",
        EndReason::Kicked => "you were sent out of the room",
        EndReason::Banned => "you were banned from the room",
        EndReason::Deleted => "the room was deleted",
    }
}

/// Why a room is no longer open, for the clients of the source documents.
pub(crate) fn ended_zh(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Left => "你已离开聊天室",
        EndReason::Kicked => "你已被移出聊天室",
        EndReason::Banned => "你已被禁止进入聊天室",
        EndReason::Deleted => "聊天室已删除",
    }
}

/// Why the conn ends, in English.
pub(crate) fn goodbye_en(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Stopping => "the hub is stopping",
        CloseReason::Slow => "you took too long",
        CloseReason::Revoked => "your login is no longer valid",
        CloseReason::Replaced => "you logged in again from elsewhere",
        CloseReason::Trouble => "the hub could not read its store",
    }
}

/// Why the conn ends, in Chinese.
pub(crate) fn goodbye_zh(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Stopping => "服务器正在停止",
        CloseReason::Slow => "等待太久，连接关闭",
        CloseReason::Revoked => "登录已失效",
        CloseReason::Replaced => "你已在别处重新登录",
        CloseReason::Trouble => "服务器无法读取存储",
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

/// A signal as the native protocol tells it. `word` knows the words of open rooms.
pub(crate) fn signal(signal: Signal, word: impl Fn(RoomId) -> String) -> FromHub {
    match signal {
        Signal::Attend { room, who, on, attendees, .. } => {
            FromHub::Attend { room: word(room), who: person(&who), on, attendees }
        }
        Signal::Attendees { room, attendees, .. } => FromHub::Attendees { room: word(room), attendees },
        Signal::Presence { who, presence } => FromHub::Presence { who: person(&who), presence },
        Signal::Renamed { who, was } => FromHub::Renamed { who: person(&who), was: was.to_string() },
        Signal::Typing { room, who, on, .. } => {
            FromHub::Typing { room: word(room), id: who.number, nickname: who.name.to_string(), on }
        }
        Signal::Unread { room, name, unread, mentions } => {
            let room = if name.as_str().starts_with('@') { format!("@{room}") } else { name.to_string() };
            FromHub::Unread { room, unread, mentions }
        }
        Signal::Invited { name, by } => FromHub::Invited { room: name.to_string(), by: by.to_string() },
        Signal::Notice(text) => FromHub::Announce { text },
    }
}

fn person(who: &Who) -> Person {
    Person { id: who.number, nickname: who.name.to_string(), kind: who.kind }
}
