//! Strings and numbers as JSON, for bytes that may end on somebody's terminal.
//!
//! **Invariant.** Beside what RFC 8259 section 7 demands, DEL, C1 controls, bidirectional overrides and the
//! line separators of Unicode are written as `\u` escapes: a reader that shows the bytes as they are shows
//! nothing that acts.

use std::io;

/// Appends a string's inside (without the quotes), escaped.
///
/// Plain text is copied in whole runs; the scan for what is not plain is one that the compiler turns into vectors.
pub fn escape_into(s: &str, out: &mut Vec<u8>) {
    let mut rest = s;
    loop {
        let (plain, tail) = rest.split_at_checked(plain_len(rest.as_bytes())).unwrap_or((rest, ""));
        out.extend_from_slice(plain.as_bytes());
        let mut chars = tail.chars();
        let Some(c) = chars.next() else { return };
        escape_char(c, out);
        rest = chars.as_str();
    }
}

/// Appends the string with its quotes.
pub(super) fn quote_into(s: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(s, out);
    out.push(b'"');
}

/// Appends the number in decimal.
pub(super) fn number_into(mut n: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (n % 10) as u8;
        n /= 10;
        used += 1;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

/// Appends the number in decimal, with its sign.
pub(super) fn signed_into(n: i64, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    number_into(n.unsigned_abs(), out);
}

/// How many bytes at the front need no look: a multiple of whole characters.
fn plain_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    for chunk in bytes.chunks_exact(LANES) {
        if chunk.iter().fold(false, |any, b| any | needs_a_look(*b)) {
            break;
        }
        len += LANES;
    }
    let rest = bytes.get(len..).unwrap_or_default();
    len + rest.iter().position(|b| needs_a_look(*b)).unwrap_or(rest.len())
}

/// Controls, the quote, the backslash, DEL, and the lead bytes of the characters that `is_active` knows.
#[inline]
fn needs_a_look(b: u8) -> bool {
    (b < 0x20) | (b == b'"') | (b == b'\\') | (b == 0x7f) | (b == 0xc2) | (b == 0xe2)
}

/// Characters beyond ASCII that act on a terminal or a line.
fn is_active(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape_char(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        c if c < ' ' || is_active(c) => unicode_escape(c, out),
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// All that is escaped this way lies in the first plane.
fn unicode_escape(c: char, out: &mut Vec<u8>) {
    let nibble = |shift: u32| char::from_digit((u32::from(c) >> shift) & 15, 16).unwrap_or('0') as u8;
    out.extend_from_slice(&[b'\\', b'u', nibble(12), nibble(8), nibble(4), nibble(0)]);
}

/// Writes cold values with the same escapes.
pub(super) struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, part: &str) -> io::Result<()> {
        if !part.contains(is_active) {
            return writer.write_all(part.as_bytes());
        }
        let mut escaped = Vec::with_capacity(part.len() + 16);
        escape_into(part, &mut escaped);
        writer.write_all(&escaped)
    }
}

/// Bytes looked at together.
const LANES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(s: &str) -> String {
        let mut out = Vec::new();
        escape_into(s, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_acts_is_escaped_and_nothing_else() {
        assert_eq!(escaped("plain, 聊天 ✓ é"), "plain, 聊天 ✓ é");
        assert_eq!(escaped("a\"b\\c\n\r\t"), "a\\\"b\\\\c\\n\\r\\t");
        assert_eq!(escaped("\x1b[31m\0\x7f"), "\\u001b[31m\\u0000\\u007f");
        assert_eq!(escaped("\u{9b}\u{202e}\u{2066}\u{2028}\u{a0}"), "\\u009b\\u202e\\u2066\\u2028\u{a0}");
        assert_eq!(escaped(&("x".repeat(40) + "\u{85}y")), "x".repeat(40) + "\\u0085y");
    }

    #[test]
    fn numbers_of_every_length() {
        for n in [0, 9, 10, 99, 1_732_170_000_000, u64::MAX] {
            let mut out = Vec::new();
            number_into(n, &mut out);
            assert_eq!(out, n.to_string().as_bytes());
        }
        let mut out = Vec::new();
        signed_into(i64::MIN, &mut out);
        assert_eq!(out, i64::MIN.to_string().as_bytes());
    }

    proptest! {
        #[test]
        fn every_string_comes_back(s in any::<String>()) {
            let mut out = Vec::new();
            quote_into(&s, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), s);
            prop_assert!(!std::str::from_utf8(&out).unwrap().contains(|c: char| c.is_control()));
        }
    }
}
