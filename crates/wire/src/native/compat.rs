//! The source documents' own messages: what a client that logged in without `"v":1` is sent.
//!
//! **Invariant.** Only the members that the source documents show, at most 1,024 bytes in each value with its
//! newline, because such a client reads 1,024 bytes at a time and takes them for one value. A longer message
//! becomes several values, cut between two characters.

use super::escape::{escape_into, number_into, quote_into};
use hubbub_model::Refusal;

/// Longest value of the compatible mode, in bytes, its newline included.
pub const COMPAT_VALUE_BYTES_MAX: usize = 1024;

/// The message as one value or, if it is long, several. An empty message is one value too.
pub fn compat_message<'a>(
    sender_id: u64,
    name: &str,
    text: &'a str,
) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let head = head(sender_id, name);
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let mut value = head.clone();
        let tail = fill(rest?, &mut value);
        value.extend_from_slice(TAIL);
        rest = (!tail.is_empty()).then_some(tail);
        Some(value)
    })
}

/// A notice of the hub: number 0, name `System`.
pub fn compat_notice(text: &str) -> impl Iterator<Item = Vec<u8>> + use<'_> {
    compat_message(0, "System", text)
}

/// What the others are told when somebody comes.
pub fn compat_arrival(id: u64, name: &str) -> String {
    format!("用户 {name}({id})加入聊天室")
}

/// What the others are told when somebody goes.
pub fn compat_departure(id: u64, name: &str) -> String {
    format!("用户 {name}({id})离开聊天室")
}

/// The answer to a login.
pub fn compat_welcome(id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"status\":\"ok\",\"id\":");
    number_into(id, out);
    out.extend_from_slice(b"}\n");
}

/// A refusal; a sentence that is too long is cut.
pub fn compat_error(refusal: &Refusal, out: &mut Vec<u8>) {
    let mut value = b"{\"status\":\"error\",\"code\":".to_vec();
    quote_into(refusal.kind.code(), &mut value);
    value.extend_from_slice(b",\"message\":\"");
    fill(&refusal.text, &mut value);
    value.extend_from_slice(TAIL);
    out.extend_from_slice(&value);
}

fn head(sender_id: u64, name: &str) -> Vec<u8> {
    let mut head = b"{\"sender_id\":".to_vec();
    number_into(sender_id, &mut head);
    head.extend_from_slice(b",\"sender_nickname\":");
    quote_into(name, &mut head);
    head.extend_from_slice(b",\"message\":\"");
    head
}

/// Appends as many characters, escaped, as the value has room for; at least one. The rest comes back.
fn fill<'a>(text: &'a str, value: &mut Vec<u8>) -> &'a str {
    let room = COMPAT_VALUE_BYTES_MAX.saturating_sub(value.len() + TAIL.len());
    let mut one = Vec::with_capacity(8);
    let mut used = 0;
    for (at, c) in text.char_indices() {
        one.clear();
        escape_into(c.encode_utf8(&mut [0; 4]), &mut one);
        if at > 0 && used + one.len() > room {
            return text.get(at..).unwrap_or_default();
        }
        used += one.len();
        value.extend_from_slice(&one);
    }
    ""
}

const TAIL: &[u8] = b"\"}\n";

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_model::Kind;
    use proptest::prelude::*;

    fn strings(values: impl Iterator<Item = Vec<u8>>) -> Vec<String> {
        values.map(|v| String::from_utf8(v).unwrap()).collect()
    }

    #[test]
    fn a_message_has_just_the_members_of_the_source_documents() {
        let want = "{\"sender_id\":1,\"sender_nickname\":\"zhangsan\",\"message\":\"hi\"}\n";
        assert_eq!(strings(compat_message(1, "zhangsan", "hi")), [want]);
        assert_eq!(compat_message(1, "a", "").count(), 1);
    }

    #[test]
    fn notices_come_from_number_0() {
        let text = compat_arrival(1, "zhangsan");
        let want =
            "{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"用户 zhangsan(1)加入聊天室\"}\n";
        assert_eq!(strings(compat_notice(&text)), [want]);
        assert_eq!(compat_departure(7, "李四"), "用户 李四(7)离开聊天室");
    }

    #[test]
    fn the_login_is_answered_exactly() {
        let mut out = Vec::new();
        compat_welcome(1, &mut out);
        assert_eq!(out, b"{\"status\":\"ok\",\"id\":1}\n");
    }

    #[test]
    fn an_error_fits_whatever_its_sentence() {
        let mut out = Vec::new();
        compat_error(&Refusal::new(Kind::Invalid, "长".repeat(2000)), &mut out);
        assert!(out.starts_with(b"{\"status\":\"error\",\"code\":\"invalid\",\"message\":\""));
        assert!(
            out.len() <= COMPAT_VALUE_BYTES_MAX && serde_json::from_slice::<serde_json::Value>(&out).is_ok()
        );
    }

    proptest! {
        #[test]
        fn values_fit_and_hold_the_whole_message(text in "(.|[\\x00-\\x1f聊\"]){0,1500}") {
            let mut all = String::new();
            for value in compat_message(u64::MAX, &"长".repeat(32), &text) {
                prop_assert!(value.len() <= COMPAT_VALUE_BYTES_MAX);
                let value: serde_json::Value = serde_json::from_slice(&value).unwrap();
                all += value["message"].as_str().unwrap();
            }
            prop_assert_eq!(all, text);
        }
    }
}
