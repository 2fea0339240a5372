//! Accounts, their roles, and what tokens allow.

use crate::{AccountId, SenderKind, Text, UserName};
use serde::{Deserialize, Serialize};

/// What an account may do in the hub. Ordered: more comes later.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An unregistered person.
    Guest,
    /// A registered machine.
    Device,
    /// A registered person.
    #[default]
    Member,
    /// Manages accounts and rooms.
    Admin,
    /// Manages admins too.
    Owner,
}

impl Role {
    /// The word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Device => "device",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// What a token may be used for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read rooms.
    Read,
    /// Speak in rooms.
    Write,
    /// Reach files.
    Files,
    /// Manage, as far as the account may.
    Admin,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It can.
    #[default]
    Active,
    /// An admin switched it off.
    Disabled,
}

/// What the hub says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HubCard {
    /// The name that its owner gave it, if one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Text>,
    /// Whether guests are welcome where a listener takes them.
    pub guests: bool,
    /// Whether guests may make accounts for themselves.
    pub registration: bool,
    /// Whether it has an owner.
    pub owned: bool,
    /// Whether it takes no changes, because its store failed.
    pub read_only: bool,
}

/// An account as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AccountCard {
    /// Number; never used again.
    pub id: AccountId,
    /// Name shown.
    pub name: UserName,
    /// The unique nick for IRC.
    pub nick: String,
    /// Person or machine.
    pub kind: SenderKind,
    /// What it may do.
    pub role: Role,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970 of its last login's end or start.
    pub last_seen_ms: Option<i64>,
}

/// A token as a list shows it; the secret itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenCard {
    /// Number of the token.
    pub id: u64,
    /// Whose.
    pub account: UserName,
    /// What its owner calls it.
    pub label: Text,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970; absent for ever.
    pub expires_ms: Option<i64>,
    /// Milliseconds since 1970 of its last use, to the hour.
    pub last_used_ms: Option<i64>,
}
