//! What all stores check and count in the same way.

use hubbub_hub::store::{Append, SearchPlan, StoreError, StoreFault};
use hubbub_model::{EventId, RoomId, Sender};

/// How long a txn is remembered, in milliseconds.
pub(crate) const TXN_KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// Whether an event of this time passes the filters of a plan.
pub(crate) fn fits_time(plan: &SearchPlan, ts_ms: i64) -> bool {
    plan.since_ms.is_none_or(|since| ts_ms >= since) && plan.until_ms.is_none_or(|until| ts_ms <= until)
}

/// Whether an event of this sender passes the filters of a plan.
pub(crate) fn fits_sender(plan: &SearchPlan, sender: &Sender) -> bool {
    plan.sender_fold.as_ref().is_none_or(|fold| sender.name.folded() == *fold)
}

/// An append to a room that has no row.
pub(crate) fn unknown_room(room: RoomId) -> StoreError {
    StoreError::new(StoreFault::Ours, format!("an event for room {room}, which the store does not know"))
}

/// Refuses an append that would break what readers rely on.
pub(crate) fn check_append(append: &Append, last_id: EventId, next_sender: u64) -> Result<(), StoreError> {
    let room = append.room;
    let text = if append.sender.id.0 >= next_sender {
        format!("an event in room {room} by sender {}, whose row was not written before", append.sender.id)
    } else if append.id <= last_id {
        format!(
            "an event in room {room} with id {}, which is not greater than {last_id} before it",
            append.id
        )
    } else {
        return Ok(());
    };
    Err(StoreError::new(StoreFault::Ours, text))
}
