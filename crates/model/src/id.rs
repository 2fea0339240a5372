//! Identifiers. Numbers inside one hub are small integers; what leaves the hub for good is a UUIDv7.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A log of this hub: a room or a direct. Never used again.
    RoomId(u32)
);
number!(
    /// A registered account. Never used again.
    AccountId(u32)
);
number!(
    /// One login over one conn. No two sessions in the logs of one store have the same number.
    SessionId(u64)
);
number!(
    /// The stored row that describes a sender as it was when it spoke.
    SenderId(u64)
);
number!(
    /// Pairs a submitted command with its reply, within one session. 0 asks for no reply to a success.
    Ticket(u64)
);

impl Ticket {
    /// The sender does not want to hear of success. Refusals are always told.
    pub const NONE: Self = Self(0);
}

/// A client's own mark of one command (at most 64 bytes). The same mark from the same sender is done once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Txn(Box<str>);

impl Txn {
    /// `None` where the mark is empty or longer than 64 bytes.
    pub fn parse(s: &str) -> Option<Self> {
        (1..=64).contains(&s.len()).then(|| Self(s.into()))
    }

    /// The mark as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The public id of an event: a UUIDv7 (RFC 9562 section 5.7).
///
/// **Invariant.** Within one log, ids grow with `seq`: a place can be found by id without an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl EventId {
    /// Milliseconds since 1970 that the id carries. They never run backwards within one hub.
    pub fn unix_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The smallest id of a millisecond; a bound for searches by time.
    pub fn first_of_ms(unix_ms: u64) -> Self {
        Self((u128::from(unix_ms) << 80) | (7 << 76) | (0b10 << 62))
    }

    /// The id made of a time and 74 free bits.
    pub fn from_parts(unix_ms: u64, free: u128) -> Self {
        let high = (free >> 62) & 0xfff;
        let low = free & ((1 << 62) - 1);
        Self((u128::from(unix_ms) << 80) | (7 << 76) | (high << 64) | (0b10 << 62) | low)
    }

    /// The 74 bits that are neither time nor version.
    pub fn free_bits(self) -> u128 {
        (((self.0 >> 64) & 0xfff) << 62) | (self.0 & ((1 << 62) - 1))
    }

    /// Writes the 36 characters of the usual form.
    pub fn write_hyphenated(self, out: &mut [u8; 36]) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let bytes = self.0.to_be_bytes();
        let mut at = 0;
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                out[at] = b'-';
                at += 1;
            }
            out[at] = HEX[usize::from(byte >> 4)];
            out[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = [0; 36];
        self.write_hyphenated(&mut out);
        f.pad(std::str::from_utf8(&out).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a UUID of 32 hexadecimal digits with the usual hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event id")]
pub struct NotAnEventId;

impl FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(s: &str) -> Result<Self, NotAnEventId> {
        let bytes = s.as_bytes();
        if bytes.len() != 36 {
            return Err(NotAnEventId);
        }
        let mut value = 0u128;
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return Err(NotAnEventId);
                }
                continue;
            }
            let digit = char::from(*byte).to_digit(16).ok_or(NotAnEventId)?;
            value = (value << 4) | u128::from(digit);
        }
        Ok(Self(value))
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let s = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        s.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for EventId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid", "description": "UUIDv7; grows with seq within one room" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = EventId::from_parts(1_732_170_000_123, (1 << 73) | 12345);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.unix_ms(), 1_732_170_000_123);
        assert_eq!(id.free_bits(), (1 << 73) | 12345);
        assert_eq!(&id.to_string()[14..15], "7", "the version digit of RFC 9562");
    }

    #[test]
    fn ids_grow_with_their_free_bits_and_their_time() {
        let low = EventId::from_parts(5, (1 << 62) - 1);
        assert!(low < EventId::from_parts(5, 1 << 62));
        assert!(EventId::from_parts(5, (1 << 74) - 1) < EventId::from_parts(6, 0));
        assert!(EventId::first_of_ms(5) <= EventId::from_parts(5, 0));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for s in ["", "0", "0192b5e7c1a7abc8def0123456789ab00000", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"] {
            assert!(s.parse::<EventId>().is_err(), "{s}");
        }
    }
}
