//! What a format's session is, seen by the driver: pure steps. Bytes and deliveries go in; bytes, commands and
//! wishes come out. No socket, no clock, no hub.

use bytes::Bytes;
use hubbub_hub::{CloseReason, Credentials, Delivery, Encoded, Events, Format, Log, Me};
use hubbub_model::{Command, Event, Refusal, Ticket, Txn};
use std::{sync::Arc, time::Duration};

/// What goes into a session.
pub(crate) enum Input<'a> {
    /// The conn was silent from its beginning, and the listener asks for a greeting then.
    Silence,
    /// Bytes came.
    Bytes(Bytes),
    /// There is room again: go on with the bytes that came before.
    More,
    /// The quiet that `quiet_after` asked for has passed.
    Quiet,
    /// The login that was asked for is done.
    LoggedIn(Result<&'a Me, Refusal>),
    /// The hub tells something; never events.
    Told(Delivery),
    /// The peer will send nothing more: what it said last may lack its end.
    End,
    /// All that the peer asked for is answered, and it asked to be let go.
    Bye,
    /// The conn ends now.
    Goodbye(CloseReason),
}

/// What comes out of a session, gathered over one step.
#[derive(Default)]
pub(crate) struct Step {
    /// Bytes for the peer.
    pub(crate) out: Vec<u8>,
    /// Commands for the hub, in order.
    pub(crate) commands: Vec<(Ticket, Command)>,
    /// A login; the session takes no more bytes until it is done.
    pub(crate) login: Option<Login>,
    /// Whether the session's own events come back to it.
    pub(crate) own_events: Option<bool>,
    /// The conn ends when `out` is written.
    pub(crate) close: bool,
    /// The peer asked to be let go: nothing more is read, and the conn ends when all is answered.
    pub(crate) quit: bool,
    /// Bytes are left that were not looked at, for want of room: `More` goes on.
    pub(crate) more: bool,
}

/// A login that a session asks for.
pub(crate) struct Login {
    pub(crate) credentials: Credentials,
    /// The client's own id, stable over its reconnects.
    pub(crate) client: Option<Txn>,
}

impl Step {
    /// Whether a session should stop looking at further bytes for now.
    pub(crate) fn is_full(&self) -> bool {
        self.close
            || self.quit
            || self.login.is_some()
            || self.out.len() >= OUT_BYTES_MAX
            || self.commands.len() >= COMMANDS_MAX
    }
}

/// Bytes for the peer in one step.
const OUT_BYTES_MAX: usize = 64 * 1024;
/// Events, and bytes of their texts, of which a conn holds copies of its own.
const PORTION_EVENTS: usize = 16;
const PORTION_BYTES: usize = 16 * 1024;
/// Commands in one submission.
const COMMANDS_MAX: usize = 4096;

/// Encodes a log's block in one format.
pub(crate) type Encode = fn(&Log, &[Event]) -> Encoded;

/// How events are written.
pub(crate) enum Shown {
    /// In an encoding that all readers of the block share.
    Shared(Format, Encode),
    /// One by one, each in a write of its own, for clients that take each read for one value.
    Single(Vec<Vec<u8>>),
}

/// The number of events at the front that are shown at once where nothing is shared: a conn's own copies are bounded.
pub(crate) fn portion(events: &[Event]) -> usize {
    let mut bytes = 0;
    let too_many = |event: &Event| {
        bytes += event.kind.text_len();
        bytes > PORTION_BYTES
    };
    events
        .iter()
        .take(PORTION_EVENTS)
        .position(too_many)
        .map_or(events.len().min(PORTION_EVENTS), |n| n.max(1))
}

/// A format's session.
pub(crate) trait Talk: Send {
    /// Takes one input. Everything that follows from it goes into `step`.
    fn step(&mut self, input: Input<'_>, step: &mut Step);

    /// How these events are shown to the peer.
    fn show(&mut self, events: &Events) -> Shown;

    /// If something incomplete waits for quiet to end it: how long the quiet must be.
    fn quiet_after(&self) -> Option<Duration>;

    /// Whether an answer that was asked for has not come yet.
    fn is_waiting(&self) -> bool;

    /// Whether the peer takes each of its reads for one value: then writes are small and far apart.
    fn is_paced(&self) -> bool;

    /// Whether a peer that falls too far behind gets what it missed from the store; if not, it is closed.
    fn catches_up(&self) -> bool;

    /// The way in, as people know it.
    fn via(&self) -> &'static Arc<str>;
}
