//! Bytes that arrived and were not yet cut into messages.
//!
//! **Invariant.** Messages are slices of the one buffer that a read filled. Only an incomplete message is copied,
//! into a buffer of its own, and that buffer is gone when the message is: nothing incomplete, nothing held.

use bytes::{Bytes, BytesMut};

/// One of the two is empty at any time.
#[derive(Debug, Default)]
pub(crate) struct Carry {
    /// What a read brought, as far as it was not cut yet.
    chunk: Bytes,
    /// An incomplete message, and what came after it.
    held: BytesMut,
}

impl Carry {
    /// Adds what a read brought.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        if self.is_empty() {
            self.chunk = chunk;
            return;
        }
        self.settle();
        self.held.extend_from_slice(&chunk);
    }

    /// All that is there.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.held.is_empty() { &self.chunk } else { &self.held }
    }

    /// Takes the first `n` bytes, or all if there are fewer.
    pub(crate) fn take(&mut self, n: usize) -> Bytes {
        if !self.held.is_empty() {
            self.chunk = std::mem::take(&mut self.held).freeze();
        }
        self.chunk.split_to(n.min(self.chunk.len()))
    }

    /// Nothing complete is left: keeps the rest without the read's buffer.
    pub(crate) fn settle(&mut self) {
        let rest = std::mem::take(&mut self.chunk);
        if !rest.is_empty() {
            self.held = BytesMut::from(&*rest);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.chunk.is_empty()
    }

    /// Bytes of memory held.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.held.capacity() + self.chunk.len()
    }
}
