//! What a person sent: UTF-8 without NUL, kept as it was sent, shared without copying.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Deref};

/// A text of a message, a topic, a reason. Cloning shares the bytes.
///
/// **Invariant.** Valid UTF-8, no NUL.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(Bytes);

/// Why bytes are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The bytes are not UTF-8.
    #[error("not valid UTF-8")]
    NotUtf8,
    /// A NUL byte is in it.
    #[error("a NUL byte is not allowed")]
    Nul,
}

impl Text {
    /// Takes the bytes as a text, without copying them.
    pub fn parse(bytes: Bytes) -> Result<Self, TextError> {
        if std::str::from_utf8(&bytes).is_err() {
            return Err(TextError::NotUtf8);
        }
        if bytes.contains(&0) {
            return Err(TextError::Nul);
        }
        Ok(Self(bytes))
    }

    /// Takes a string as a text; NUL characters are refused.
    pub fn new(s: impl Into<String>) -> Result<Self, TextError> {
        Self::parse(Bytes::from(s.into().into_bytes()))
    }

    /// A text known at compile time, or made by us. NUL characters are dropped.
    pub fn ours(s: impl Into<String>) -> Self {
        let mut s = s.into();
        s.retain(|c| c != '\0');
        Self(Bytes::from(s.into_bytes()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Checked when the value was made, so this cannot fail; hot paths take `bytes` and skip the check.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes, shared.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

/// The text as a terminal, a log or a line of text may show it: control characters (C0 but tab, DEL, C1),
/// line ends and bidirectional overrides become `\u{fffd}`; nothing else changes.
pub fn harmless(s: &str) -> std::borrow::Cow<'_, str> {
    let bad = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    if s.contains(bad) { s.replace(bad, "\u{fffd}").into() } else { s.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf8_without_nul() {
        assert_eq!(Text::parse(Bytes::from_static(b"\xff")), Err(TextError::NotUtf8));
        assert_eq!(Text::parse(Bytes::from_static(b"a\0b")), Err(TextError::Nul));
        assert_eq!(&*Text::parse(Bytes::from_static("聊天".as_bytes())).unwrap(), "聊天");
    }

    #[test]
    fn terminal_escapes_and_bidi_overrides_become_harmless() {
        assert_eq!(harmless("\x1b[31mred\u{9b}x"), "\u{fffd}[31mred\u{fffd}x");
        assert_eq!(harmless("exe\u{202e}gpj"), "exe\u{fffd}gpj");
        assert_eq!(harmless("a\tb 中"), "a\tb 中");
    }
}
