//! Lines of text: any cut of a stream gives the same messages, and none of them, said again, ends or begins a
//! line or acts on a terminal. The first byte says where to cut and which charset the conn speaks.
#![no_main]

use hubbub_wire::{
    Charset,
    text::{LineDecoder, LineError, encode_message, looks_like_http, paced, parse_line},
    to_gbk,
};
use libfuzzer_sys::fuzz_target;

/// Small, so that the limit is met often.
const LINE_BYTES_MAX: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some((first, stream)) = input.split_first() else { return };
    let charset = [Charset::Auto, Charset::Utf8, Charset::Gbk][usize::from(first % 3)];
    let whole = decode(stream.chunks(stream.len().max(1)), charset);
    assert_eq!(decode(stream.chunks(usize::from(first / 3) + 1), charset), whole);
    for text in whole.into_iter().flatten() {
        let _ = parse_line(&text);
        let _ = looks_like_http(&text);
        said_again(&text);
    }
});

fn said_again(text: &str) {
    let mut out = Vec::new();
    encode_message("ada", text, &mut out);
    let lines = std::str::from_utf8(&out).expect("what we encode is UTF-8");
    assert!(lines.lines().all(|line| line.starts_with("ada: ") || line.starts_with("* ada ")));
    assert!(!lines.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    assert_eq!(paced(&out, false).collect::<Vec<_>>().concat(), out);
    let gbk = to_gbk(&out);
    assert_eq!(paced(&gbk, true).collect::<Vec<_>>().concat(), gbk);
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>, charset: Charset) -> Vec<Result<String, LineError>> {
    let mut decoder = LineDecoder::new(LINE_BYTES_MAX, charset);
    decoder.filter_telnet();
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.feed_slice(piece);
        while let Some(message) = decoder.next_message() {
            let is_fatal = message.as_ref().is_err_and(|error| error.is_fatal());
            messages.push(message.map(|text| text.to_string()));
            if is_fatal {
                return messages;
            }
        }
    }
    messages
}
