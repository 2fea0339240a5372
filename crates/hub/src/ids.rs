//! Event ids: UUIDv7 that never run backwards, whatever the clock does.

use hubbub_model::EventId;

/// Makes ids, each greater than the one before (RFC 9562 section 6.2, method 2).
#[derive(Debug)]
pub(crate) struct Ids {
    last: EventId,
}

const FREE_BITS: u32 = 74;

impl Ids {
    /// Ids from here on are greater than `last`.
    pub(crate) fn after(last: EventId) -> Self {
        Self { last }
    }

    /// The next id, at this time or later.
    pub(crate) fn next(&mut self, now_ms: i64) -> EventId {
        let now = u64::try_from(now_ms).unwrap_or(0) & ((1 << 48) - 1);
        let last = self.last.unix_ms();
        let free = self.last.free_bits() + 1;
        self.last = if now > last {
            EventId::from_parts(now, random_start())
        } else if free >> FREE_BITS == 0 {
            EventId::from_parts(last, free)
        } else {
            EventId::from_parts(last + 1, random_start())
        };
        self.last
    }
}

/// Half of the space is left above the start, so that counting does not run over.
fn random_start() -> u128 {
    let mut bytes = [0; 16];
    // Without randomness ids still grow and stay unique within this hub.
    let _ = getrandom::fill(&mut bytes);
    u128::from_be_bytes(bytes) >> (128 - FREE_BITS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_jumps_back() {
        let mut ids = Ids::after(EventId(0));
        let mut last = ids.next(1_000_000);
        for now in [1_000_000, 1_000_001, 5, -5, 2_000_000, 1_999_999] {
            for _ in 0..100 {
                let next = ids.next(now);
                assert!(next > last, "{next} after {last} at {now}");
                last = next;
            }
        }
        assert_eq!(last.unix_ms(), 2_000_000);
    }
}
