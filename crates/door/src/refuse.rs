//! The last words to a conn that no door takes, in its own protocol's terms.
//!
//! **Invariant.** Pure and constant: no byte of the peer is given back to it. Whoever calls closes the conn after.

use crate::{Encoding, ListenerOptions, Protocol, counters::Refused};
use hubbub_model::Language;
use std::borrow::Cow;

/// What is said before the conn is closed; may be nothing. `first` are the peer's first bytes. People at a text client
/// hear it in the listener's language and encoding.
pub fn last_words(
    protocol: Protocol,
    reason: Refused,
    first: &[u8],
    options: &ListenerOptions,
) -> Cow<'static, [u8]> {
    let needs_tls = reason == Refused::TlsRequired;
    match protocol {
        Protocol::Http1 if needs_tls => http("400 Bad Request", "This address speaks TLS only. Use: https://"),
        Protocol::Http1 => http("501 Not Implemented", "This hub has no web door. Use: hubbub chat"),
        Protocol::Http2 => Cow::Borrowed(SETTINGS_AND_GOAWAY),
        Protocol::Ssh if needs_tls => Cow::Borrowed(b"This address speaks TLS only.\r\n"),
        Protocol::Ssh => Cow::Borrowed(b"This hub has no SSH door.\r\n"),
        Protocol::Irc if needs_tls => Cow::Borrowed(b"ERROR :This address speaks TLS only\r\n"),
        Protocol::Irc => Cow::Borrowed(b"ERROR :This hub has no IRC door\r\n"),
        Protocol::Mqtt => Cow::Borrowed(connack(first, needs_tls)),
        Protocol::Json if needs_tls => {
            Cow::Borrowed(b"{\"status\":\"error\",\"code\":\"unsupported\",\"message\":\"This address speaks TLS only.\"}\n")
        }
        Protocol::Json => {
            Cow::Borrowed(b"{\"status\":\"error\",\"code\":\"unsupported\",\"message\":\"This hub has no chat door.\"}\n")
        }
        Protocol::Text | Protocol::Telnet => Cow::Borrowed(to_people(needs_tls, options)),
        Protocol::Tls => Cow::Borrowed(HANDSHAKE_FAILURE),
        Protocol::ProxyV1 | Protocol::ProxyV2 | Protocol::Raw => Cow::Borrowed(b""),
    }
}

fn to_people(needs_tls: bool, options: &ListenerOptions) -> &'static [u8] {
    let is_gbk = options.encoding == Encoding::Gbk;
    match (options.language.unwrap_or_default(), is_gbk, needs_tls) {
        (Language::En, _, true) => b"This address speaks TLS only.\r\n",
        (Language::En, _, false) => b"This hub has no chat door.\r\n",
        (Language::Zh, false, true) => "这个地址只接受 TLS。\r\n".as_bytes(),
        (Language::Zh, false, false) => "这个中枢没有聊天门。\r\n".as_bytes(),
        // The same two sentences in GBK.
        (Language::Zh, true, true) => {
            b"\xd5\xe2\xb8\xf6\xb5\xd8\xd6\xb7\xd6\xbb\xbd\xd3\xca\xdc TLS\xa1\xa3\r\n"
        }
        (Language::Zh, true, false) => {
            b"\xd5\xe2\xb8\xf6\xd6\xd0\xca\xe0\xc3\xbb\xd3\xd0\xc1\xc4\xcc\xec\xc3\xc5\xa1\xa3\r\n"
        }
    }
}

fn http(status: &str, line: &str) -> Cow<'static, [u8]> {
    let length = line.len() + 1;
    let head = "Connection: close\r\nContent-Type: text/plain; charset=utf-8";
    Cow::Owned(
        format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{line}\n").into_bytes(),
    )
}

/// Server unavailable, or not authorised; MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 3.2.2.2.
fn connack(first: &[u8], needs_tls: bool) -> &'static [u8] {
    let level = memchr::memmem::find(first, b"\x00\x04MQTT").and_then(|at| first.get(at + 6));
    match (level, needs_tls) {
        (Some(5), false) => &[0x20, 0x03, 0x00, 0x88, 0x00],
        (Some(5), true) => &[0x20, 0x03, 0x00, 0x87, 0x00],
        (_, false) => &[0x20, 0x02, 0x00, 0x03],
        (_, true) => &[0x20, 0x02, 0x00, 0x05],
    }
}

/// An empty SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 sections 3.4, 6.8 and 7).
const SETTINGS_AND_GOAWAY: &[u8] = &[
    0, 0, 0, 4, 0, 0, 0, 0, 0, //
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0d,
];

/// A fatal alert, handshake_failure (RFC 5246 section 7.2).
const HANDSHAKE_FAILURE: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Listener,
        detect::{Verdict, detect},
    };

    const V4: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0";
    const V5: &[u8] = b"\x10\x0d\0\x04MQTT\x05\x02\0\x3c\0\0\0";

    #[test]
    fn each_protocol_hears_its_own_words() {
        for (first, reason, words) in [
            (
                b"GET / HTTP/1.1\r\n".as_slice(),
                Refused::NoDoor,
                b"HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
                  Content-Length: 43\r\n\r\nThis hub has no web door. Use: hubbub chat\n"
                    .as_slice(),
            ),
            (
                b"GET / HTTP/1.1\r\n",
                Refused::TlsRequired,
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
                  Content-Length: 44\r\n\r\nThis address speaks TLS only. Use: https://\n",
            ),
            (
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                Refused::NoDoor,
                b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d",
            ),
            (b"SSH-2.0-x\r\n", Refused::NoDoor, b"This hub has no SSH door.\r\n"),
            (b"NICK ada\r\n", Refused::NoDoor, b"ERROR :This hub has no IRC door\r\n"),
            (b"NICK ada\r\n", Refused::TlsRequired, b"ERROR :This address speaks TLS only\r\n"),
            (V4, Refused::NoDoor, b"\x20\x02\0\x03"),
            (V4, Refused::TlsRequired, b"\x20\x02\0\x05"),
            (V5, Refused::NoDoor, b"\x20\x03\0\x88\0"),
            (V5, Refused::TlsRequired, b"\x20\x03\0\x87\0"),
            (b"\x16\x03\x01\0\x40\x01", Refused::NoTls, b"\x15\x03\x01\0\x02\x02\x28"),
            (b"ada\n", Refused::NoDoor, b"This hub has no chat door.\r\n"),
            (b"ada\n", Refused::TlsRequired, b"This address speaks TLS only.\r\n"),
            (b"PROXY TCP4 ", Refused::UntrustedProxy, b""),
        ] {
            let Verdict::Is(protocol) = detect(first) else { panic!("{first:?}") };
            let said = last_words(protocol, reason, first, &options(""));
            assert_eq!(said.escape_ascii().to_string(), words.escape_ascii().to_string());
        }
    }

    fn options(query: &str) -> ListenerOptions {
        format!("any://127.0.0.1:0{query}").parse::<Listener>().unwrap().options
    }

    #[test]
    fn people_hear_it_in_the_listeners_language_and_encoding() {
        let said = |reason, query| last_words(Protocol::Text, reason, b"ada\n", &options(query));
        assert_eq!(&*said(Refused::NoDoor, "?lang=zh"), "这个中枢没有聊天门。\r\n".as_bytes());
        assert_eq!(
            &*said(Refused::TlsRequired, "?lang=en&encoding=gbk"),
            b"This address speaks TLS only.\r\n"
        );
        for (reason, characters) in [(Refused::NoDoor, 10), (Refused::TlsRequired, 8)] {
            let gbk = said(reason, "?lang=zh&encoding=gbk");
            let is_high = |byte: &&u8| byte.is_ascii();
            let ascii = gbk.iter().filter(is_high).count();
            assert_eq!((gbk.len() - ascii) / 2, characters, "two bytes each");
            assert!(gbk.starts_with(b"\xd5\xe2\xb8\xf6") && gbk.ends_with(b"\xa1\xa3\r\n"));
        }
    }

    #[test]
    fn json_hears_json() {
        for reason in [Refused::NoDoor, Refused::TlsRequired] {
            let words = last_words(Protocol::Json, reason, b"{", &options("?lang=zh"));
            assert!(words.starts_with(b"{\"status\":\"error\",") && words.ends_with(b"}\n"));
        }
    }
}
