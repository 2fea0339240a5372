//! Names of people and rooms. Unicode, normalised (NFC), compared without case; control characters,
//! bidirectional controls and what would break a protocol line are refused.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, sync::Arc};
use unicode_normalization::UnicodeNormalization;

/// Longest name, in characters after normalisation.
const NAME_CHARS_MAX: usize = 32;
/// Longest name, in bytes of UTF-8.
const NAME_BYTES_MAX: usize = 96;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of the name after trimming.
    #[error("a name needs at least one character")]
    Empty,
    /// The name has more than 32 characters.
    #[error("a name has at most 32 characters")]
    TooLong,
    /// The character cannot be part of a name.
    #[error("a name cannot contain {0:?}")]
    BadChar(char),
    /// The name is kept for the hub itself.
    #[error("that name is reserved")]
    Reserved,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Normalises and checks the name.
            pub fn parse(s: &str) -> Result<Self, NameError> {
                let name = normal(s)?;
                $check(&name)?;
                Ok(Self(name.into()))
            }

            /// The name as it is shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form that must be unique.
            pub fn folded(&self) -> String {
                fold(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(s: &str) -> Result<Self, NameError> {
                Self::parse(s)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let s = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                Self::parse(&s).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX })
            }
        }
    };
}

name_type!(
    /// The name of an account or a guest.
    UserName,
    check_user
);
name_type!(
    /// The name of a room, without any sign before it (`lab`, not `#lab`).
    RoomName,
    check_room
);

impl RoomName {
    /// The room that always exists.
    pub fn lobby() -> Self {
        Self("lobby".into())
    }

    /// The name of a direct's log. It cannot be typed: `@` starts no room name.
    pub fn direct(a: &str, b: &str) -> Self {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        Self(format!("@{a}@{b}").into())
    }

    /// How a direct is called by one of the two: `@` and the other's name.
    pub fn of_direct_with(other: &str) -> Self {
        Self(format!("@{other}").into())
    }
}

impl UserName {
    /// The name that the hub's own notices carry. Nobody can take it.
    pub fn system() -> Self {
        Self("System".into())
    }

    /// The name with `~n` behind it, shortened to fit: what a guest gets whose name is taken.
    pub fn numbered(&self, n: u32) -> Self {
        let tail = format!("~{n}");
        let mut head: String = self.0.chars().take(NAME_CHARS_MAX - tail.chars().count()).collect();
        while head.len() + tail.len() > NAME_BYTES_MAX {
            head.pop();
        }
        Self((head + &tail).into())
    }
}

/// The form in which names are compared: compatibility-normalised and without case.
pub fn fold(s: &str) -> String {
    s.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A nick that IRC can carry, made of the name: letters, digits and `-_[]{}|^` stay, other characters of ASCII
/// become `_`; characters outside ASCII stay (clients of today take UTF-8), a leading digit or `-` gets `_`
/// before it. Uniqueness is the hub's matter.
pub fn irc_nick(name: &UserName) -> String {
    let mut nick = String::with_capacity(name.0.len() + 1);
    for c in name.0.chars() {
        let keep = !c.is_ascii() || c.is_ascii_alphanumeric() || "-_[]{}|^".contains(c);
        if nick.is_empty() && (c.is_ascii_digit() || c == '-') {
            nick.push('_');
        }
        nick.push(if keep { c } else { '_' });
    }
    nick
}

fn normal(s: &str) -> Result<String, NameError> {
    // Bounds the work below whatever a peer sends.
    if s.len() > NAME_BYTES_MAX * 4 {
        return Err(NameError::TooLong);
    }
    let name: String = s.trim().nfc().collect();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().count() > NAME_CHARS_MAX || name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    name.chars().find(|c| never_in_a_name(*c)).map_or(Ok(name), |c| Err(NameError::BadChar(c)))
}

/// Control, format and separator characters, and those that start or split a line of some protocol.
fn never_in_a_name(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
            | '/' | '\\' | ',' | '@' | '#' | '+' | ':' | '"' | '\'' | '<' | '>' | '*' | '?' | '!' | '`' | '$' | '%' | '&')
        || (c.is_whitespace() && c != ' ')
}

fn check_user(name: &str) -> Result<(), NameError> {
    const RESERVED: [&str; 6] = ["system", "hubbub", "hub", "all", "here", "room"];
    if let Some(c) = name.chars().next().filter(|c| matches!(c, '~' | '.' | '(' | '{' | '[')) {
        return Err(NameError::BadChar(c));
    }
    if RESERVED.contains(&fold(name).as_str()) { Err(NameError::Reserved) } else { Ok(()) }
}

fn check_room(name: &str) -> Result<(), NameError> {
    match name.chars().find(|c| *c == ' ') {
        Some(c) => Err(NameError::BadChar(c)),
        None if name.starts_with('.') => Err(NameError::BadChar('.')),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_compared_without_case() {
        let composed = UserName::parse("Zoë").unwrap();
        let decomposed = UserName::parse("Zoe\u{308}").unwrap();
        assert_eq!(composed, decomposed);
        assert_eq!(composed.folded(), UserName::parse("ZOË").unwrap().folded());
        assert_eq!(fold("Ａda"), "ada", "full-width letters look like the plain ones");
    }

    #[test]
    fn chinese_names_are_as_good_as_any() {
        assert_eq!(UserName::parse(" 张三\n").unwrap().as_str(), "张三");
        assert_eq!(RoomName::parse("实验室").unwrap().as_str(), "实验室");
    }

    #[test]
    fn controls_bidi_and_protocol_signs_are_refused() {
        for bad in ["a\u{202e}b", "a\x1bb", "a\u{200b}b", "a:b", "@a", "#a", "a\0b", "a,b"] {
            assert!(matches!(UserName::parse(bad), Err(NameError::BadChar(_))), "{bad:?}");
        }
        assert_eq!(UserName::parse("  "), Err(NameError::Empty));
        assert_eq!(UserName::parse("SYSTEM"), Err(NameError::Reserved));
        assert_eq!(UserName::parse(&"长".repeat(33)), Err(NameError::TooLong));
        assert!(RoomName::parse("two words").is_err());
    }

    #[test]
    fn a_numbered_name_still_fits() {
        let long = UserName::parse(&"长".repeat(32)).unwrap().numbered(12);
        assert!(long.as_str().chars().count() <= NAME_CHARS_MAX && long.as_str().len() <= NAME_BYTES_MAX);
        assert!(long.as_str().ends_with("~12"));
        assert_eq!(UserName::parse(long.as_str()), Ok(long));
    }

    #[test]
    fn a_nick_is_what_irc_can_carry() {
        assert_eq!(irc_nick(&UserName::parse("Ada L.").unwrap()), "Ada_L_");
        assert_eq!(irc_nick(&UserName::parse("3d").unwrap()), "_3d");
        assert_eq!(irc_nick(&UserName::parse("张三").unwrap()), "张三");
    }
}
