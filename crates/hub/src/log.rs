//! The shared part of a log: its ring of recent blocks and its head. Written by the hub thread alone, read by
//! every reader's task.
//!
//! **Invariants.** I1: a ring holds contiguous, committed events up to the head. The head moves only after the
//! block is in the ring. Lock order: `ring` before nothing; it is never held while anything else is locked.

use crate::{
    block::Block,
    parking::{Bell, Parking},
    sync,
};
use hubbub_model::{Event, EventId, EventKind, RoomId, RoomName};
use parking_lot::RwLock;
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// A log as its readers see it.
pub struct Log {
    id: RoomId,
    name: RoomName,
    epoch: u64,
    /// Kept in no store: what left the ring is gone.
    ephemeral: bool,
    parking: Parking,
    ring: RwLock<Ring>,
}

#[derive(Default)]
struct Ring {
    blocks: VecDeque<Arc<Block>>,
    events: usize,
    bytes: usize,
    /// The log's first kept place, in the ring or the store.
    first_kept: u64,
    /// Countable events below it.
    gone: u64,
}

/// What a cursor finds.
pub(crate) enum Found {
    /// Events of a block, by index.
    Events(Arc<Block>, Range<usize>),
    /// The place is no longer in the ring. The ring, or the end of what the reader may see, begins here.
    Behind { until: u64 },
    /// The place is no longer kept anywhere. The log begins here.
    Trimmed { first: u64 },
    /// Nothing there yet.
    Nothing,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("id", &self.id).field("name", &self.name).finish()
    }
}

impl Log {
    pub(crate) fn new(
        id: RoomId,
        name: RoomName,
        epoch: u64,
        ephemeral: bool,
        first_kept: u64,
        head: u64,
    ) -> Self {
        let ring = Ring { first_kept, ..Ring::default() };
        Self { id, name, epoch, ephemeral, parking: Parking::new(head), ring: RwLock::new(ring) }
    }

    /// Its number.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Which life of the log this is.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether it is kept in no store.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// The last committed place, 0 if none.
    pub fn head(&self) -> u64 {
        self.parking.head()
    }

    pub(crate) fn park(&self, next: u64, round: u64, bell: &sync::Arc<Bell>, mark: u32) -> Option<u64> {
        self.parking.park(next, round, bell, mark)
    }

    /// Puts a committed block into the ring and moves the head. Those to wake go into `wakes`. Returns how many
    /// bytes the ring grew by.
    pub(crate) fn publish(&self, block: Arc<Block>, wakes: &mut Vec<(sync::Arc<Bell>, u32)>) -> usize {
        let (end, weight, events) = (block.end(), block.weight(), block.events().len());
        {
            let mut ring = self.ring.write();
            ring.bytes += weight;
            ring.events += events;
            ring.blocks.push_back(block);
        }
        self.parking.advance(end - 1, wakes);
        weight
    }

    /// Throws the oldest block out if there is one. Returns how many bytes that freed.
    pub(crate) fn evict_oldest(&self) -> usize {
        let mut ring = self.ring.write();
        let Some(block) = ring.blocks.pop_front() else { return 0 };
        ring.bytes -= block.weight();
        ring.events -= block.events().len();
        if self.ephemeral {
            ring.first_kept = ring.first_kept.max(block.end());
            ring.gone = ring.gone.max(block.events().last().map_or(0, |event| event.ordinal));
        }
        block.weight()
    }

    /// Events and bytes in the ring.
    pub(crate) fn load(&self) -> (usize, usize) {
        let ring = self.ring.read();
        (ring.events, ring.bytes)
    }

    /// The log begins at `first` from now on, with `gone` countable events below it. Returns how many bytes that freed
    /// in the ring.
    pub(crate) fn trim(&self, first: u64, gone: u64) -> usize {
        {
            let mut ring = self.ring.write();
            ring.first_kept = ring.first_kept.max(first);
            ring.gone = ring.gone.max(gone);
        }
        let mut freed = 0;
        while self.ring.read().blocks.front().is_some_and(|b| b.end() <= first) {
            freed += self.evict_oldest();
        }
        freed
    }

    /// The first place that is kept.
    pub(crate) fn first_kept(&self) -> u64 {
        self.ring.read().first_kept
    }

    /// How many countable events are no longer kept.
    pub(crate) fn gone(&self) -> u64 {
        self.ring.read().gone
    }

    /// Puts a tombstone in the place of an event, if it is in the ring. Returns how many bytes that freed.
    pub(crate) fn redact(&self, seq: u64) -> usize {
        let mut ring = self.ring.write();
        let at = ring.blocks.partition_point(|b| b.end() <= seq);
        let Some(block) = ring.blocks.get_mut(at).filter(|b| b.first() <= seq) else { return 0 };
        let tombstone = Arc::new(block.redacted(seq));
        let freed = block.weight().saturating_sub(tombstone.weight());
        *block = tombstone;
        ring.bytes -= freed;
        freed
    }

    /// The event of this id, if it is in the ring.
    pub(crate) fn find(&self, id: EventId) -> Option<Event> {
        let ring = self.ring.read();
        let at = ring.blocks.partition_point(|b| b.events().last().is_some_and(|e| e.id < id));
        let block = ring.blocks.get(at)?;
        let at = block.events().binary_search_by(|e| e.id.cmp(&id)).ok()?;
        block.events().get(at).filter(|e| e.seq >= ring.first_kept).cloned()
    }

    /// The places in the ring of the event of this id and of its edits.
    pub(crate) fn with_edits(&self, id: EventId) -> Vec<u64> {
        let ring = self.ring.read();
        // An edit comes behind what it changes.
        let at = ring.blocks.partition_point(|b| b.events().last().is_some_and(|e| e.id < id));
        let events = ring.blocks.range(at..).flat_map(|block| block.events());
        events.filter(|e| e.id == id || is_edit_of(&e.kind, id)).map(|e| e.seq).collect()
    }

    /// The first place whose id is `id` or greater, or the one behind the head. `None`: the ring does not know.
    pub(crate) fn first_from(&self, id: EventId) -> Option<u64> {
        let ring = self.ring.read();
        let oldest = ring.blocks.front()?.events().first()?;
        if oldest.id >= id && oldest.seq > ring.first_kept {
            return None;
        }
        let at = ring.blocks.partition_point(|b| b.events().last().is_some_and(|e| e.id < id));
        let Some(block) = ring.blocks.get(at) else { return ring.blocks.back().map(|b| b.end()) };
        let at = block.events().partition_point(|e| e.id < id);
        block.events().get(at).map(|e| e.seq)
    }

    /// The event at this place, if it is in the ring.
    pub(crate) fn at(&self, seq: u64) -> Option<Event> {
        match self.look(seq, seq + 1) {
            Found::Events(block, range) => block.events().get(range.start).cloned(),
            _ => None,
        }
    }

    /// What lies at `next` for a reader that may see places below `stop`.
    pub(crate) fn look(&self, next: u64, stop: u64) -> Found {
        let stop = stop.min(self.head() + 1);
        if next >= stop {
            return Found::Nothing;
        }
        let ring = self.ring.read();
        if next < ring.first_kept {
            return Found::Trimmed { first: ring.first_kept.min(stop) };
        }
        let at = ring.blocks.partition_point(|b| b.end() <= next);
        match ring.blocks.get(at) {
            Some(block) if block.first() <= next => {
                let start = (next - block.first()) as usize;
                let end = (block.end().min(stop) - block.first()) as usize;
                Found::Events(block.clone(), start..end)
            }
            Some(block) => Found::Behind { until: block.first().min(stop) },
            None => Found::Behind { until: stop },
        }
    }
}

/// Whether this changes the event of that id.
pub(crate) fn is_edit_of(kind: &EventKind, id: EventId) -> bool {
    matches!(kind, EventKind::Edit { target, .. } if *target == id)
}
