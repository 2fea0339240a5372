//! The two charsets that clients of the text and JSON formats speak: UTF-8, and GBK as tools of older systems send it.
//!
//! **Invariant.** What comes out of here is UTF-8. A conn that was found to speak GBK speaks it from then on, both
//! ways; it is found so by a *complete* message, because half a character of UTF-8 may look like GBK.
//! Contract: "The three chat formats" in `docs/protocol.md`.

use bytes::Bytes;
use encoding_rs::{EncoderResult, GBK};

/// What a conn speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8 until a complete message is not valid UTF-8 but is valid GBK.
    #[default]
    Auto,
    /// UTF-8, whatever comes.
    Utf8,
    /// GBK, both ways.
    Gbk,
}

/// The bytes are text in no charset that the conn may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are neither UTF-8 nor GBK")]
pub struct Unreadable;

impl Charset {
    /// The charset that an option of a listener names: `auto`, `utf-8` or `gbk`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "auto" => Some(Self::Auto),
            "utf-8" | "utf8" => Some(Self::Utf8),
            "gbk" | "gb2312" | "gb18030" => Some(Self::Gbk),
            _ => None,
        }
    }

    /// Whether what is sent to the peer must be converted with [`to_gbk`].
    pub fn is_gbk(self) -> bool {
        self == Self::Gbk
    }

    /// A complete message as UTF-8; shares the bytes where they are that already. May settle `Auto` to `Gbk`.
    pub fn decode(&mut self, message: Bytes) -> Result<Bytes, Unreadable> {
        if message.is_ascii() || (*self != Self::Gbk && std::str::from_utf8(&message).is_ok()) {
            return Ok(message);
        }
        self.decode_gbk(&message)
    }

    /// A complete message that is known not to be UTF-8, or to come from a conn that speaks GBK.
    pub(crate) fn decode_gbk(&mut self, message: &[u8]) -> Result<Bytes, Unreadable> {
        if *self == Self::Utf8 {
            return Err(Unreadable);
        }
        let decoded = GBK.decode_without_bom_handling_and_without_replacement(message).ok_or(Unreadable)?;
        *self = Self::Gbk;
        Ok(Bytes::from(decoded.into_owned().into_bytes()))
    }
}

/// A whole block of encoded messages as GBK. Characters that GBK lacks become `?`, as does what is not UTF-8.
pub fn to_gbk(utf8: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(utf8);
    if text.is_ascii() {
        return text.into_owned().into_bytes();
    }
    encode_gbk(&text)
}

fn encode_gbk(mut text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut encoder = GBK.new_encoder();
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut out, true);
        text = text.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return out,
            // Never more than four bytes for one character, and most take fewer than in UTF-8.
            EncoderResult::OutputFull => out.reserve(text.len() + 8),
            EncoderResult::Unmappable(_) => out.push(b'?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn utf8_stays_and_gbk_is_found() {
        let mut charset = Charset::Auto;
        assert_eq!(charset.decode(Bytes::from_static("聊天".as_bytes())).unwrap(), "聊天");
        assert_eq!(charset, Charset::Auto);
        assert_eq!(charset.decode(Bytes::from_static(b"\xc1\xc4\xcc\xec")).unwrap(), "聊天");
        assert_eq!(charset, Charset::Gbk, "the conn is GBK from now on");
        let twice = Bytes::from_static("聊天".as_bytes());
        assert_ne!(charset.decode(twice).unwrap(), "聊天", "and does not go back");
    }

    #[test]
    fn what_is_neither_is_an_error() {
        assert_eq!(Charset::Auto.decode(Bytes::from_static(b"\xff\xff")), Err(Unreadable));
        assert_eq!(Charset::Utf8.decode(Bytes::from_static(b"\xc1\xc4")), Err(Unreadable));
        assert_eq!(Charset::Gbk.decode(Bytes::from_static(b"\xff\xff")), Err(Unreadable));
    }

    #[test]
    fn what_gbk_lacks_becomes_a_question_mark() {
        assert_eq!(to_gbk("a聊👍é天한\n".as_bytes()), b"a\xc1\xc4?\xa8\xa6\xcc\xec?\n");
        assert_eq!(to_gbk(b"plain"), b"plain");
        assert_eq!(to_gbk(b"\xff"), b"?");
    }

    #[test]
    fn words_of_the_option() {
        assert_eq!(Charset::from_word("GBK"), Some(Charset::Gbk));
        assert_eq!(Charset::from_word("utf-8"), Some(Charset::Utf8));
        assert_eq!(Charset::from_word("latin1"), None);
    }

    proptest! {
        #[test]
        fn chinese_comes_back(s in "[a-z\u{4e00}-\u{9fa5}]{0,40}") {
            let back = Charset::Gbk.decode(Bytes::from(to_gbk(s.as_bytes()))).unwrap();
            prop_assert_eq!(back, s.as_bytes());
        }
    }
}
