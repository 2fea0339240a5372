//! From messages to lines.
//!
//! **Invariant.** Each line is `NAME: TEXT` and ends with one newline; nothing in a name or a text can end a line,
//! begin one under another name, or act on the terminal that shows it. Plain text is copied in one piece.

use hubbub_model::harmless;

/// Most bytes of one write to a client that takes each read for one message.
pub const PACED_BYTES_MAX: usize = 1024;

/// Appends the message as `NAME: TEXT`, or `* NAME TEXT` where the text is `/me TEXT`. Each further line of the text
/// is a line with the name of its own.
pub fn encode_message(name: &str, text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) && !text.starts_with(ME) {
        say(name, text, out);
        return;
    }
    let (lines, is_action) = match text.strip_prefix(ME) {
        Some(action) => (action, true),
        None => (text, false),
    };
    if lines.is_empty() {
        say(name, lines, out);
    }
    for (i, line) in lines.lines().enumerate() {
        if is_action && i == 0 {
            act(name, line, out);
        } else {
            say(name, line, out);
        }
    }
}

/// Appends a line of the hub's own, made harmless. Newlines in it begin further lines.
pub fn encode_line(line: &str, out: &mut Vec<u8>) {
    for line in line.lines() {
        put(line, out);
        out.push(b'\n');
    }
}

/// Cuts encoded lines into writes of at most [`PACED_BYTES_MAX`] bytes for clients that decode each read by itself:
/// at a newline where one is near enough, else between two characters. `is_gbk`: the bytes are GBK.
pub fn paced(mut bytes: &[u8], is_gbk: bool) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (piece, rest) = bytes.split_at_checked(paced_len(bytes, is_gbk))?;
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn paced_len(bytes: &[u8], is_gbk: bool) -> usize {
    let Some(window) = bytes.get(..PACED_BYTES_MAX).filter(|w| w.len() < bytes.len()) else {
        return bytes.len();
    };
    if let Some(newline) = memchr::memrchr(b'\n', window) {
        return newline + 1;
    }
    if is_gbk { whole_gbk(window) } else { whole_utf8(bytes) }
}

/// The last place within the limit that is not inside a character of UTF-8.
fn whole_utf8(bytes: &[u8]) -> usize {
    let inside = |at: &usize| bytes.get(*at).is_some_and(|b| b & 0xc0 == 0x80);
    (PACED_BYTES_MAX - 3..=PACED_BYTES_MAX).rev().find(|at| !inside(at)).unwrap_or(PACED_BYTES_MAX)
}

/// The end of the last whole character of GBK: a high byte begins one of two bytes.
fn whole_gbk(window: &[u8]) -> usize {
    let mut at = 0;
    while let Some(b) = window.get(at) {
        let next = at + if *b > 0x80 { 2 } else { 1 };
        if next > window.len() {
            break;
        }
        at = next;
    }
    at
}

fn say(name: &str, line: &str, out: &mut Vec<u8>) {
    out.reserve(name.len() + line.len() + 3);
    put(name, out);
    out.extend_from_slice(b": ");
    put(line, out);
    out.push(b'\n');
}

fn act(name: &str, line: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"* ");
    put(name, out);
    out.push(b' ');
    put(line, out);
    out.push(b'\n');
}

fn put(line: &str, out: &mut Vec<u8>) {
    if is_plain(line.as_bytes()) {
        out.extend_from_slice(line.as_bytes());
    } else {
        out.extend_from_slice(harmless(line).as_bytes());
    }
}

/// Whether the bytes need no closer look: no control of ASCII, and none of the lead bytes under which the
/// harmful characters beyond ASCII lie. Written so that the compiler makes vectors of it.
fn is_plain(bytes: &[u8]) -> bool {
    let odd = |b: u8| (b < 0x20) | (b == 0x7f) | (b == 0xc2) | (b == 0xe2);
    bytes.chunks(64).all(|chunk| !chunk.iter().fold(false, |any, b| any | odd(*b)))
}

/// How a text begins that tells what its sender does.
const ME: &str = "/me ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::to_gbk;
    use proptest::prelude::*;

    fn message(text: &str) -> String {
        let mut out = Vec::new();
        encode_message("ada", text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn messages_become_lines() {
        let cases = [
            ("plain", "hi", "ada: hi\n"),
            ("chinese", "你好“世界”", "ada: 你好“世界”\n"),
            ("empty", "", "ada: \n"),
            ("several lines", "a\r\n\nb\n", "ada: a\nada: \nada: b\n"),
            ("a carriage return begins no line", "a\rbob: b", "ada: a\u{fffd}bob: b\n"),
            ("terminal escapes", "\x1b[2Jx\u{9b}31m", "ada: \u{fffd}[2Jx\u{fffd}31m\n"),
            ("line separators", "a\u{2028}bob: b\u{85}", "ada: a\u{fffd}bob: b\u{fffd}\n"),
            ("tabs stay", "a\tb", "ada: a\tb\n"),
            ("an action", "/me waves", "* ada waves\n"),
            ("an action of two lines", "/me waves\nbye", "* ada waves\nada: bye\n"),
            ("not an action", "/meow", "ada: /meow\n"),
        ];
        for (why, text, want) in cases {
            assert_eq!(message(text), want, "{why}");
        }
    }

    #[test]
    fn our_own_lines_are_made_harmless_too() {
        let mut out = Vec::new();
        encode_line("one\ntwo \x07", &mut out);
        assert_eq!(out, "one\ntwo \u{fffd}\n".as_bytes());
    }

    #[test]
    fn paced_writes_end_at_lines_where_they_can() {
        let block = "ada: hi\n".repeat(200);
        let pieces: Vec<&[u8]> = paced(block.as_bytes(), false).collect();
        assert_eq!(pieces.concat(), block.as_bytes());
        assert!(pieces.iter().all(|p| p.len() <= PACED_BYTES_MAX && p.ends_with(b"\n")));
        assert_eq!(paced(b"", false).count(), 0);
    }

    proptest! {
        #[test]
        fn paced_writes_end_at_characters(s in "[a聊é👍]{0,2000}") {
            for piece in paced(s.as_bytes(), false) {
                prop_assert!(piece.len() <= PACED_BYTES_MAX && std::str::from_utf8(piece).is_ok());
            }
            let gbk = to_gbk(s.as_bytes());
            let pieces: Vec<&[u8]> = paced(&gbk, true).collect();
            prop_assert_eq!(&pieces.concat(), &gbk);
            for piece in pieces {
                let back = encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(piece);
                prop_assert!(piece.len() <= PACED_BYTES_MAX && back.is_some());
            }
        }

        #[test]
        fn every_line_carries_the_name(text in any::<String>()) {
            let all = message(&text);
            prop_assert!(all.ends_with('\n'));
            for line in all.lines() {
                prop_assert!(line.starts_with("ada: ") || line.starts_with("* ada "));
                prop_assert!(!line.contains(|c: char| c.is_control() && c != '\t'));
            }
        }
    }
}
