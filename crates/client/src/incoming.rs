//! What a client hears.

use crate::{
    error::{Fault, Refused},
    pin::Pinned,
};
use hubbub_wire::native::{EventValue, FromHub, Joined, Welcome};
use std::{sync::Arc, time::Duration};

/// What a client hears, in order.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// The hub's certificate was seen for the first time and is known from now on.
    Pinned(Pinned),
    /// The conn is there and the login succeeded.
    Connected {
        /// Who one is, and what the hub's limits are.
        welcome: Box<Welcome>,
        /// Not for the first time.
        again: bool,
    },
    /// A room is open. Its events follow.
    Joined {
        /// The room.
        joined: Box<Joined>,
        /// It was open before the break.
        again: bool,
        /// Its log is another one than before (it was restored, or was never stored): the places that were known
        /// mean nothing in it, and its events begin at `joined.next`.
        restored: bool,
    },
    /// All rooms that were open before the break are open again, or were refused.
    Resumed {
        /// How many events in all are no longer kept; a [`Incoming::Gap`] told each stretch.
        missing: u64,
    },
    /// An event of a room: each once, and in order.
    Event {
        /// The room, as `joined` named it.
        room: String,
        /// The event.
        value: Box<EventValue>,
    },
    /// What is told but not kept, and what nobody asked for.
    Signal(Box<FromHub>),
    /// The events `from` to `to`, both inclusive, will not come: the hub keeps them no longer.
    Gap {
        /// The room.
        room: String,
        /// The first that will not come.
        from: u64,
        /// The last that will not come.
        to: u64,
    },
    /// A room that should be open is not.
    Refused {
        /// The room.
        room: String,
        /// Why.
        refusal: Refused,
    },
    /// There is no conn. What is said waits and goes out in order.
    Offline {
        /// Why.
        reason: Arc<Fault>,
        /// When the next try begins.
        retry_in: Duration,
    },
    /// The client is over. Nothing comes after this.
    Closed(Arc<Fault>),
}
