//! The mark by which a client finds the answer to its request, and secrets that no log shows.
//!
//! **Invariant.** A text mark has at most 64 bytes, so that echoing it is bounded. A `Secret` never shows
//! itself in `Debug`.

use serde::{Deserialize, Serialize, de};
use std::fmt;

/// Longest text mark, in bytes.
pub const RID_BYTES_MAX: usize = 64;

/// A client's mark of one request, echoed in the answer: an integer, or a text of at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Rid {
    /// An integer.
    Number(i64),
    /// A text of at most 64 bytes.
    Text(#[schemars(length(max = 64))] Box<str>),
}

impl From<i64> for Rid {
    fn from(n: i64) -> Self {
        Self::Number(n)
    }
}

impl<'de> Deserialize<'de> for Rid {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(RidVisitor)
    }
}

struct RidVisitor;

impl de::Visitor<'_> for RidVisitor {
    type Value = Rid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer or a string of at most 64 bytes")
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Rid, E> {
        Ok(Rid::Number(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Rid, E> {
        i64::try_from(n).map(Rid::Number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(n), &self))
    }

    fn visit_str<E: de::Error>(self, s: &str) -> Result<Rid, E> {
        if s.len() > RID_BYTES_MAX {
            return Err(E::invalid_length(s.len(), &self));
        }
        Ok(Rid::Text(s.into()))
    }
}

/// A password or a token: it travels, but `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(s: String) -> Self {
        Self(s)
    }
}

impl From<&str> for Secret {
    fn from(s: &str) -> Self {
        Self(s.into())
    }
}
