//! How values become columns, and columns values again.
//!
//! **Invariant.** What was written by `parts` is read by `kind` as the same value. The numbers of kinds are in files and
//! never change their meaning.

use super::fault::damaged;
use bytes::Bytes;
use hubbub_hub::store::StoreError;
use hubbub_model::{EventId, EventKind, MemberChange, RoomName, Text, UserName};
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize, de::IntoDeserializer, de::value::Error as WordError};

/// Numbers of the kinds of events in the column `kind`.
mod number {
    pub(super) const MESSAGE: i64 = 1;
    pub(super) const EDIT: i64 = 2;
    pub(super) const REDACTION: i64 = 3;
    pub(super) const REACTION: i64 = 5;
    pub(super) const MEMBER: i64 = 6;
    pub(super) const TOPIC: i64 = 7;
    pub(super) const NOTICE: i64 = 8;
    pub(super) const FILE: i64 = 9;
}

/// The column `kind` of a tombstone.
pub(crate) const REDACTED: i64 = 4;

/// What an event has beside its text, as JSON in the column `meta`. Also what a tombstone keeps of an edit: its target,
/// so that search can go back to the text before.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<EventId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    off: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<MemberChange>,
}

/// The columns kind, body and meta of an event.
pub(crate) fn parts(kind: &EventKind) -> Result<(i64, Option<&str>, Option<String>), StoreError> {
    let none = Meta::default;
    let (number, body, meta) = match kind {
        EventKind::Message { text, reply_to: None } => return Ok((number::MESSAGE, Some(text), None)),
        EventKind::Redacted => return Ok((REDACTED, None, None)),
        EventKind::Topic(text) => return Ok((number::TOPIC, Some(text), None)),
        EventKind::Notice(text) => return Ok((number::NOTICE, Some(text), None)),
        EventKind::Message { text, reply_to } => {
            (number::MESSAGE, Some(text), Meta { reply_to: *reply_to, ..none() })
        }
        EventKind::Edit { target, text } => {
            (number::EDIT, Some(text), Meta { target: Some(*target), ..none() })
        }
        EventKind::Redaction { target, reason } => {
            (number::REDACTION, Some(reason), Meta { target: Some(*target), ..none() })
        }
        EventKind::Reaction { target, sign, on } => {
            (number::REACTION, Some(sign), Meta { target: Some(*target), off: !on, ..none() })
        }
        EventKind::Member(change) => {
            (number::MEMBER, None, Meta { change: Some((**change).clone()), ..none() })
        }
        EventKind::File { name, size } => (number::FILE, Some(name), Meta { size: Some(*size), ..none() }),
    };
    Ok((number, body.map(Text::as_str), Some(json(&meta)?)))
}

/// The kind of an event from its columns.
pub(crate) fn kind(number: i64, body: ValueRef<'_>, meta: ValueRef<'_>) -> Result<EventKind, StoreError> {
    let text = || match body {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Text::parse(Bytes::copy_from_slice(bytes)).map_err(damaged)
        }
        _ => Ok(Text::default()),
    };
    if number == number::MESSAGE && meta == ValueRef::Null {
        return Ok(EventKind::Message { text: text()?, reply_to: None });
    }
    let meta = parse_meta(meta)?;
    let target = || meta.target.ok_or_else(|| damaged("an event without the event that it refers to"));
    Ok(match number {
        number::MESSAGE => EventKind::Message { text: text()?, reply_to: meta.reply_to },
        number::EDIT => EventKind::Edit { target: target()?, text: text()? },
        number::REDACTION => EventKind::Redaction { target: target()?, reason: text()? },
        REDACTED => EventKind::Redacted,
        number::REACTION => EventKind::Reaction { target: target()?, sign: text()?, on: !meta.off },
        number::MEMBER => {
            EventKind::Member(Box::new(meta.change.ok_or_else(|| damaged("a change without its kind"))?))
        }
        number::TOPIC => EventKind::Topic(text()?),
        number::NOTICE => EventKind::Notice(text()?),
        number::FILE => EventKind::File { name: text()?, size: meta.size.unwrap_or(0) },
        _ => return Err(damaged(format!("an event of kind {number}, which this hubbub does not know"))),
    })
}

/// The column `meta`.
pub(crate) fn parse_meta(meta: ValueRef<'_>) -> Result<Meta, StoreError> {
    match meta {
        ValueRef::Null => Ok(Meta::default()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => serde_json::from_slice(bytes).map_err(damaged),
        _ => Err(damaged("a number where an event's details should be")),
    }
}

/// What stays in `meta` when an event is redacted.
pub(crate) fn tombstone_meta(number: i64, meta: ValueRef<'_>) -> Result<Option<String>, StoreError> {
    if number != number::EDIT && number != REDACTED {
        return Ok(None);
    }
    let target = parse_meta(meta)?.target;
    target.map(|target| json(&Meta { target: Some(target), ..Meta::default() })).transpose()
}

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|e| StoreError::new(hubbub_hub::store::StoreFault::Ours, e.to_string()))
}

/// The word of an enum without fields: the same that programs read elsewhere.
pub(crate) fn word(value: &impl Serialize) -> Result<String, StoreError> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// The enum of a word.
pub(crate) fn from_word<'de, T: Deserialize<'de>>(word: &'de str) -> Result<T, StoreError> {
    T::deserialize(word.into_deserializer()).map_err(|e: WordError| damaged(e))
}

/// A name of a person, or the hub's own.
pub(crate) fn user_name(name: &str) -> Result<UserName, StoreError> {
    let system = UserName::system();
    if name == system.as_str() {
        return Ok(system);
    }
    UserName::parse(name).map_err(|e| damaged(format!("the name {name:?}: {e}")))
}

/// A name of a room or a direct.
pub(crate) fn room_name(name: &str) -> Result<RoomName, StoreError> {
    match name.strip_prefix('@').and_then(|pair| pair.split_once('@')) {
        Some((a, b)) => Ok(RoomName::direct(a, b)),
        None => RoomName::parse(name).map_err(|e| damaged(format!("the room name {name:?}: {e}"))),
    }
}

/// A text that we wrote.
pub(crate) fn text(text: String) -> Result<Text, StoreError> {
    Text::new(text).map_err(damaged)
}

/// An id from its 16 bytes.
pub(crate) fn id(bytes: &[u8]) -> Result<EventId, StoreError> {
    let bytes = bytes.try_into().map_err(|_| damaged("an event id that has not 16 bytes"))?;
    Ok(EventId(u128::from_be_bytes(bytes)))
}
