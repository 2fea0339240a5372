//! JSON values: any cut of a stream gives the same values, and each can be parsed or refused without a panic.
//! The first byte says where to cut and which charset the conn speaks.
#![no_main]

use bytes::Bytes;
use hubbub_wire::{
    Charset,
    json::{SplitError, Splitter},
    native::{parse_from_hub, parse_request},
};
use libfuzzer_sys::fuzz_target;

/// Small, so that the limit is met often.
const VALUE_BYTES_MAX: usize = 256;

fuzz_target!(|input: &[u8]| {
    let Some((first, stream)) = input.split_first() else { return };
    let charset = [Charset::Auto, Charset::Utf8, Charset::Gbk][usize::from(first % 3)];
    let whole = split(stream.chunks(stream.len().max(1)), charset);
    assert_eq!(split(stream.chunks(usize::from(first / 3) + 1), charset), whole);
    for value in whole.into_iter().flatten() {
        let _ = parse_request(&value).map_err(|problem| problem.refusal());
        let _ = parse_from_hub(&value);
    }
});

fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>, charset: Charset) -> Vec<Result<Bytes, SplitError>> {
    let mut splitter = Splitter::new(VALUE_BYTES_MAX, charset);
    let mut values = Vec::new();
    for piece in pieces {
        splitter.feed_slice(piece);
        while let Some(value) = splitter.next_value() {
            let is_fatal = value.as_ref().is_err_and(|error| error.is_fatal());
            values.push(value);
            if is_fatal {
                return values;
            }
        }
    }
    values
}
