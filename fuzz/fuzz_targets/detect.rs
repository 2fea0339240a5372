//! Detection: no bytes make it panic, a verdict is final, and it does not depend on how the bytes were cut.
#![no_main]

use hubbub_door::{Detector, SNIFF_BYTES_MAX, Verdict, after_deadline, detect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = detect(bytes);
    let mut detector = Detector::default();
    let seen = (0..=bytes.len()).map(|end| detector.look(bytes.get(..end).unwrap_or_default()));
    let first = seen.into_iter().find(|verdict| *verdict != Verdict::NeedMore);
    assert_eq!(first.unwrap_or(Verdict::NeedMore), whole);
    assert!(bytes.len() < SNIFF_BYTES_MAX || whole != Verdict::NeedMore);
    assert_ne!(after_deadline(bytes), Verdict::NeedMore);
});
