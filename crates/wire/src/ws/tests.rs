//! Frames as bytes, with the section of RFC 6455 that each row is about.

use super::*;
use proptest::prelude::*;

const LIMIT: usize = 300;

/// All that a client's bytes make, cut into pieces of this many.
fn decoded(bytes: &[u8], piece: usize) -> Vec<Result<Message, WsError>> {
    let mut decoder = Decoder::new(LIMIT);
    let mut all = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        decoder.feed(Bytes::copy_from_slice(piece));
        while let Some(next) = decoder.next_message() {
            let is_last = next.is_err();
            all.push(next);
            if is_last {
                return all;
            }
        }
    }
    all
}

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame_into(first, payload, &mut out);
    let header = out.len() - payload.len();
    out[1] |= 0x80;
    out.truncate(header);
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn texts(all: &[&str]) -> Vec<Result<Message, WsError>> {
    all.iter().map(|text| Ok(Message::Text(Bytes::copy_from_slice(text.as_bytes())))).collect()
}

/// Reason, bytes, what comes out.
type Row = (&'static str, Vec<u8>, Vec<Result<Message, WsError>>);

fn rows() -> Vec<Row> {
    use WsError::{Binary, NotUtf8, Protocol, TooBig};
    let join = |frames: &[Vec<u8>]| frames.concat();
    let long = "x".repeat(LIMIT);
    let broken = |why| vec![Err(Protocol(why))];
    vec![
        (
            "5.7 the masked Hello of the RFC",
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            texts(&["Hello"]),
        ),
        ("5.4 Hello in two parts", join(&[frame(0x01, b"Hel"), frame(0x80, b"lo")]), texts(&["Hello"])),
        (
            "5.4 a control frame may come between the parts",
            join(&[frame(0x01, "你".as_bytes()), frame(0x89, b"?"), frame(0x80, "好".as_bytes())]),
            vec![Ok(Message::Ping(Bytes::from_static(b"?"))), texts(&["你好"]).remove(0)],
        ),
        (
            "5.6 a character may be cut between two parts",
            join(&[frame(0x01, &"好".as_bytes()[..1]), frame(0x80, &"好".as_bytes()[1..])]),
            texts(&["好"]),
        ),
        ("5.6 a text may be empty", frame(0x81, b""), texts(&[""])),
        ("5.2 a length of 16 bits", frame(0x81, long.as_bytes()), texts(&[&long])),
        ("5.5.3 an unasked pong is heard", frame(0x8a, b"still here"), vec![Ok(Message::Pong)]),
        ("5.5.1 a close without a code", frame(0x88, b""), vec![Ok(Message::Close(None))]),
        (
            "5.5.1 a close with code and reason",
            frame(0x88, b"\x03\xe8bye"),
            vec![Ok(Message::Close(Some(1000)))],
        ),
        (
            "7.4.2 a code of the application's own",
            frame(0x88, b"\x0f\xa0"),
            vec![Ok(Message::Close(Some(4000)))],
        ),
        ("5.5.1 a close code is two bytes", frame(0x88, b"\x03"), broken("a close code is cut off")),
        ("7.4.1 1005 is never sent", frame(0x88, b"\x03\xed"), broken("a close code may not be sent")),
        ("7.4.2 below 1000 is no code", frame(0x88, b"\0\x01"), broken("a close code may not be sent")),
        ("5.5.1 the reason is UTF-8", frame(0x88, b"\x03\xe8\xff"), vec![Err(NotUtf8)]),
        ("5.1 a client masks", b"\x81\x05Hello".to_vec(), broken("a client's frame is not masked")),
        ("5.2 no extension was agreed on", frame(0xc1, b"x"), broken("a reserved bit is set")),
        ("5.2 opcode 3 is reserved", frame(0x83, b"x"), broken("the kind of a frame is not known")),
        ("5.2 opcode 11 is reserved", frame(0x8b, b"x"), broken("the kind of a frame is not known")),
        ("5.5 a control frame is whole", frame(0x09, b"x"), broken("a control frame comes in parts")),
        (
            "5.5 a control frame is short",
            frame(0x89, &[b'x'; 126]),
            broken("a control frame is longer than 125 bytes"),
        ),
        (
            "5.4 nothing goes on that never began",
            frame(0x80, b"x"),
            broken("a message goes on that never began"),
        ),
        (
            "5.4 messages are not interleaved",
            join(&[frame(0x01, b"a"), frame(0x81, b"b")]),
            broken("a message begins within another"),
        ),
        (
            "5.2 the shortest length is used, of 16 bits",
            b"\x81\xfe\0\x7d\0\0\0\0".to_vec(),
            broken("a length is longer than it need be"),
        ),
        (
            "5.2 the shortest length is used, of 64 bits",
            b"\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0".to_vec(),
            broken("a length is longer than it need be"),
        ),
        (
            "5.2 the highest bit of a length is 0",
            b"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            broken("a length is negative"),
        ),
        ("8.1 a text is UTF-8", frame(0x81, b"\xc3\x28"), vec![Err(NotUtf8)]),
        ("5.6 binary is not spoken here", frame(0x82, b"x"), vec![Err(Binary)]),
        ("a message is bounded", frame(0x81, &[b'x'; LIMIT + 1]), vec![Err(TooBig(LIMIT))]),
        (
            "a length is enough to refuse",
            b"\x81\xff\0\0\x10\0\0\0\0\0\0\0\0\0".to_vec(),
            vec![Err(TooBig(LIMIT))],
        ),
        (
            "the parts of a message are bounded together",
            join(&[frame(0x01, &[b'x'; 200]), frame(0x00, &[b'x'; 100]), frame(0x80, b"x")]),
            vec![Err(TooBig(LIMIT))],
        ),
        (
            "what comes before a fault is heard",
            join(&[frame(0x81, b"one"), frame(0x81, b"two"), frame(0x82, b"x"), frame(0x81, b"three")]),
            texts(&["one", "two"]).into_iter().chain([Err(Binary)]).collect(),
        ),
        ("half a frame is none yet", frame(0x81, b"Hello")[..8].to_vec(), vec![]),
    ]
}

#[test]
fn frames_say_what_the_rfc_says_however_they_are_cut() {
    for (reason, bytes, wanted) in rows() {
        for piece in 1..=bytes.len() {
            assert_eq!(decoded(&bytes, piece), wanted, "{reason}, in pieces of {piece}");
        }
    }
}

#[test]
fn what_is_sent_is_what_the_rfc_says() {
    let mut out = Vec::new();
    text_into(b"Hello", &mut out);
    assert_eq!(out, b"\x81\x05Hello", "5.7");
    for (length, header) in [
        (125, &b"\x81\x7d"[..]),
        (126, b"\x81\x7e\0\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\0\0\0\0\0\x01\0\0"),
    ] {
        out.clear();
        text_into(&vec![b'x'; length], &mut out);
        assert_eq!((&out[..header.len()], out.len()), (header, header.len() + length));
    }
    out.clear();
    pong_into(b"?", &mut out);
    close_into(close::GOING_AWAY, &"停".repeat(50), &mut out);
    assert_eq!(out[..7], *b"\x8a\x01?\x88\x7d\x03\xe9");
    assert_eq!(out[7..], *"停".repeat(41).as_bytes(), "a reason is cut between characters");
}

#[test]
fn nothing_is_held_between_messages() {
    let mut decoder = Decoder::new(LIMIT);
    let bytes = frame(0x81, b"Hello");
    for byte in &bytes[..bytes.len() - 1] {
        decoder.feed(Bytes::copy_from_slice(&[*byte]));
        assert_eq!(decoder.next_message(), None);
        assert!(decoder.is_partial());
    }
    decoder.feed(Bytes::copy_from_slice(&bytes[bytes.len() - 1..]));
    assert!(decoder.next_message().is_some_and(|next| next.is_ok()));
    assert_eq!((decoder.next_message(), decoder.is_partial()), (None, false));
    assert_eq!(decoder.carry.capacity(), 0);
    assert!(size_of::<Decoder>() <= 128, "{}", size_of::<Decoder>());
}

proptest! {
    #[test]
    fn any_text_comes_back(texts in prop::collection::vec(".{0,90}", 0..6), cut in 1..40usize, part in 1..20usize) {
        let mut bytes = Vec::new();
        for text in &texts {
            let parts: Vec<&[u8]> = text.as_bytes().chunks(part).collect();
            if parts.is_empty() {
                bytes.extend(frame(0x81, b""));
            }
            for (n, payload) in parts.iter().enumerate() {
                let (begin, end) = (u8::from(n == 0), if n + 1 == parts.len() { 0x80 } else { 0 });
                bytes.extend(frame(begin | end, payload));
            }
        }
        let wanted: Vec<_> = texts.iter().map(|text| Ok(Message::Text(Bytes::copy_from_slice(text.as_bytes())))).collect();
        // A text longer than the limit ends the stream; 90 characters of four bytes are longer than 300.
        let wanted: Vec<_> = match texts.iter().position(|text| text.len() > LIMIT) {
            Some(at) => wanted.into_iter().take(at).chain([Err(WsError::TooBig(LIMIT))]).collect(),
            None => wanted,
        };
        prop_assert_eq!(decoded(&bytes, cut), wanted);
    }

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1..20usize) {
        prop_assert_eq!(decoded(&bytes, cut), decoded(&bytes, bytes.len()));
    }
}
