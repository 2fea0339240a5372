//! WebSocket frames: any cut of a stream gives the same messages, each within the limit, and a fault is final.
//! The first byte says where to cut.
#![no_main]

use bytes::Bytes;
use hubbub_wire::ws::{Decoder, Message, WsError};
use libfuzzer_sys::fuzz_target;

/// Small, so that the limit is met often.
const MESSAGE_BYTES_MAX: usize = 256;

fuzz_target!(|input: &[u8]| {
    let Some((first, stream)) = input.split_first() else { return };
    let whole = decode(stream.chunks(stream.len().max(1)));
    assert_eq!(decode(stream.chunks(usize::from(*first) + 1)), whole);
    for message in whole.into_iter().flatten() {
        if let Message::Text(text) = message {
            assert!(text.len() <= MESSAGE_BYTES_MAX && std::str::from_utf8(&text).is_ok());
        }
    }
});

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Message, WsError>> {
    let mut decoder = Decoder::new(MESSAGE_BYTES_MAX);
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.feed(Bytes::copy_from_slice(piece));
        while let Some(message) = decoder.next_message() {
            let is_fault = message.is_err();
            messages.push(message);
            if is_fault {
                assert_eq!(decoder.next_message().as_ref(), messages.last());
                return messages;
            }
        }
    }
    messages
}
