//! Invite links: what a code lets somebody do, as lists show it.

use crate::{RoomName, Text};
use serde::{Deserialize, Serialize};

/// As what an invite lets people in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admits {
    /// As guests, even where guests are not welcome otherwise.
    #[default]
    Guest,
    /// With accounts of their own, which taking it makes.
    Member,
}

/// An invite as a list shows it; the code itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InviteCard {
    /// Number of the invite; never used again.
    pub id: u64,
    /// Who invites: an account's name, or `System` for the hub's operator.
    pub by: Text,
    /// The room that it leads to; absent: the hub alone.
    pub room: Option<RoomName>,
    /// As what people come in.
    pub r#as: Admits,
    /// How often it could be taken at first.
    pub uses: u32,
    /// How often it can be taken still.
    pub uses_left: u32,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970. It can be taken before, and guests who came with it stay no longer.
    pub ends_ms: i64,
}
