//! A room and a seq as one integer, so that all logs live in one tree whose key is eight bytes.
//!
//! **Invariant.** `place = room << 36 | seq`; places of one room are neighbours and grow with `seq`.

use hubbub_hub::store::{StoreError, StoreFault};
use hubbub_model::RoomId;

/// The greatest seq that a place can carry: 68 thousand million events in one room.
pub(crate) const SEQ_MAX: u64 = (1 << SEQ_BITS) - 1;
/// The greatest room number that a place can carry: 134 million rooms and directs ever made.
pub(crate) const ROOM_MAX: u32 = (1 << (63 - SEQ_BITS)) - 1;

const SEQ_BITS: u32 = 36;

/// The place of `seq` in the log of `room`; a seq beyond the bound counts as the bound.
pub(crate) fn place(room: RoomId, seq: u64) -> i64 {
    (i64::from(room.0) << SEQ_BITS) | seq.min(SEQ_MAX).cast_signed()
}

/// The room of a place.
pub(crate) fn room_of(place: i64) -> RoomId {
    RoomId(u32::try_from(place >> SEQ_BITS).unwrap_or(u32::MAX))
}

/// The seq of a place.
pub(crate) fn seq_of(place: i64) -> u64 {
    place.cast_unsigned() & SEQ_MAX
}

/// Refuses a room number that no place can carry.
pub(crate) fn check_room(room: RoomId) -> Result<(), StoreError> {
    if room.0 <= ROOM_MAX {
        return Ok(());
    }
    let text = format!("room number {room} is greater than {ROOM_MAX}, the last one that a store can keep");
    Err(StoreError::new(StoreFault::Ours, text))
}

/// The place behind `head`, unless the log is full.
pub(crate) fn next_seq(room: RoomId, head: u64) -> Result<u64, StoreError> {
    if head < SEQ_MAX {
        return Ok(head + 1);
    }
    let text =
        format!("the log of room {room} has {SEQ_MAX} events, the most that a log can have: make a new room");
    Err(StoreError::new(StoreFault::Ours, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_back_its_room_and_seq() {
        for (room, seq) in [(0, 1), (1, 0), (7, SEQ_MAX), (ROOM_MAX, SEQ_MAX), (ROOM_MAX, 1)] {
            let at = place(RoomId(room), seq);
            assert!(at >= 0);
            assert_eq!((room_of(at), seq_of(at)), (RoomId(room), seq));
        }
        assert!(place(RoomId(1), SEQ_MAX) < place(RoomId(2), 0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(check_room(RoomId(ROOM_MAX)).is_ok());
        assert_eq!(check_room(RoomId(ROOM_MAX + 1)).unwrap_err().fault, StoreFault::Ours);
        assert_eq!(next_seq(RoomId(1), SEQ_MAX).unwrap_err().fault, StoreFault::Ours);
    }
}
