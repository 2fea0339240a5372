//! What an error means, without any protocol's number for it.

use crate::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The meaning of a refusal. Doors turn it into 550, 403 or ERR_NOPRIVILEGES by an exhaustive match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The request makes no sense as it stands.
    Invalid,
    /// A login is needed first.
    NotLoggedIn,
    /// Name or secret are wrong.
    BadCredentials,
    /// The actor may not do this to this object.
    NotAllowed,
    /// The actor is banned.
    Banned,
    /// There is no such thing, or the actor may not know of it.
    NotFound,
    /// The name is taken.
    Taken,
    /// The actor is not in that room.
    NotInRoom,
    /// More than a named limit allows.
    TooLarge,
    /// A count limit is reached.
    TooMany,
    /// Too often: wait and try again.
    SlowDown,
    /// The hub cannot take it now: try again.
    Busy,
    /// The hub takes no changes: its store failed.
    ReadOnly,
    /// The hub does not do this.
    Unsupported,
    /// Our own fault.
    Internal,
}

impl Kind {
    /// The code that programs read (`not-allowed`), stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotLoggedIn => "not-logged-in",
            Self::BadCredentials => "bad-credentials",
            Self::NotAllowed => "not-allowed",
            Self::Banned => "banned",
            Self::NotFound => "not-found",
            Self::Taken => "taken",
            Self::NotInRoom => "not-in-room",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::SlowDown => "slow-down",
            Self::Busy => "busy",
            Self::ReadOnly => "read-only",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// A command was refused: what it means, and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// The meaning.
    pub kind: Kind,
    /// One sentence in English for people; may name the limit that was met.
    pub text: Text,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(kind: Kind, text: impl fmt::Display) -> Self {
        Self { kind, text: Text::ours(text.to_string()) }
    }
}
