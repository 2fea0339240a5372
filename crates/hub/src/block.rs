//! Blocks: a committed batch of one log, shared by all its readers, with one encoding for each wire format.
//!
//! **Invariant (I1).** The events of a block are contiguous and committed. A block never changes once it is
//! made; a redaction puts a new block in its place.

use crate::pages::{Pages, Place};
use hubbub_model::{Event, EventKind, SessionId};
use smallvec::SmallVec;
use std::{
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The formats that a block can keep encodings for.
const FORMATS_MAX: usize = 12;

/// A wire format's place in the blocks. The hub knows nothing else about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format(usize);

impl Format {
    /// Takes the next free place. A door does this once per format, in a static.
    ///
    /// # Panics
    /// When a program registers more than 12 formats: it cannot work at all then.
    pub fn claim() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let slot = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(slot < FORMATS_MAX, "more than {FORMATS_MAX} wire formats");
        Self(slot)
    }
}

/// A block in one wire format: all its events in one buffer.
#[derive(Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    place: Place,
}

impl Encoded {
    /// Encodes one event after the other with `each`, which appends to the buffer.
    pub fn new(events: &[Event], mut each: impl FnMut(&Event, &mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(events.iter().map(|e| e.kind.text_len() + 48).sum());
        let mut ends = Vec::with_capacity(events.len());
        for event in events {
            each(event, &mut bytes);
            ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        Self { bytes, ends, place: Place::default() }
    }

    /// An encoding whose events end at these offsets.
    pub fn from_parts(bytes: Vec<u8>, ends: Vec<u32>) -> Self {
        Self { bytes, ends, place: Place::default() }
    }

    /// The bytes of these events (indices within the block).
    pub fn slice(&self, events: Range<usize>) -> &[u8] {
        self.bytes.get(self.end(events.start)..self.end(events.end)).unwrap_or_default()
    }

    /// One more reader will send from here.
    pub fn expect_reader(&self) {
        self.place.expect_reader();
    }

    /// The pages that begin with the event at this index; `None` where sending its bytes is as good.
    pub fn pages(&self, event: usize) -> Option<Pages> {
        let pages = self.place.pages(&self.bytes)?;
        Some(Pages { at: pages.at + self.end(event) as u64, ..pages })
    }

    /// Where the events before this index end.
    fn end(&self, event: usize) -> usize {
        event.checked_sub(1).and_then(|i| self.ends.get(i)).map_or(0, |e| *e as usize)
    }
}

/// A committed batch of one log.
pub struct Block {
    events: Vec<Event>,
    authors: SmallVec<[SessionId; 2]>,
    text_bytes: usize,
    formats: [OnceLock<Box<Encoded>>; FORMATS_MAX],
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("first", &self.first()).field("len", &self.events.len()).finish()
    }
}

impl Block {
    /// A block of events whose seqs are contiguous; there must be at least one.
    pub fn new(events: Vec<Event>) -> Self {
        debug_assert!(events.windows(2).all(|w| w[0].seq + 1 == w[1].seq), "I1");
        let mut authors: SmallVec<[SessionId; 2]> = SmallVec::new();
        let mut last = None;
        for event in &events {
            let session = event.sender.session;
            if last != Some(session) && !authors.contains(&session) {
                authors.push(session);
            }
            last = Some(session);
        }
        let text_bytes = events.iter().map(|e| e.kind.text_len()).sum();
        Self { events, authors, text_bytes, formats: [const { OnceLock::new() }; FORMATS_MAX] }
    }

    /// Its events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The place of its first event.
    pub fn first(&self) -> u64 {
        self.events.first().map_or(0, |e| e.seq)
    }

    /// The place behind its last event.
    pub fn end(&self) -> u64 {
        self.events.last().map_or(0, |e| e.seq + 1)
    }

    /// What it costs in memory, about: events, texts, and one encoding.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.events.len() * (size_of::<Event>() + 48) + 2 * self.text_bytes
    }

    /// Whether this session wrote any of it.
    pub fn is_by(&self, session: SessionId) -> bool {
        self.authors.contains(&session)
    }

    /// Its encoding in this format, made by the first who asks.
    pub fn encoded(&self, format: Format, encode: impl FnOnce(&[Event]) -> Encoded) -> &Encoded {
        // `claim` hands out only places below FORMATS_MAX.
        self.formats[format.0].get_or_init(|| Box::new(encode(&self.events)))
    }

    /// Its encoding in this format, if somebody has made it.
    pub fn encoding(&self, format: Format) -> Option<&Encoded> {
        self.formats.get(format.0).and_then(OnceLock::get).map(|encoded| &**encoded)
    }

    /// The same block with a tombstone in the place of one event.
    pub(crate) fn redacted(&self, seq: u64) -> Self {
        let mut events = self.events.clone();
        if let Some(event) = events.iter_mut().find(|e| e.seq == seq) {
            event.kind = EventKind::Redacted;
        }
        Self::new(events)
    }
}
