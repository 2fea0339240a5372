//! Encodings as pages of memory that the kernel can send by reference: a long stretch that many readers get is
//! copied once, not once for each of them.
//!
//! A *chunk* is an anonymous file in memory, written from front to back. **Invariant:** what has been written to a
//! chunk never changes, since sockets may still refer to it. The arena holds the newest two chunks; whoever finds
//! a chunk gone sends the bytes of the encoding itself. Only Linux has this; elsewhere nothing ever gets pages.

use parking_lot::Mutex;
use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

/// Shorter stretches are cheaper to copy than to refer to.
pub const PAGES_BYTES_MIN: usize = 8 * 1024;
/// A chunk's length. At most two are held, beside those that are being sent from.
const CHUNK_BYTES: u64 = 2 * 1024 * 1024;
/// Longer encodings get no pages: they would turn the chunks over too fast.
const PAGES_BYTES_MAX: usize = CHUNK_BYTES as usize / 4;
/// With fewer readers the copy into the pages costs what it saves.
const READERS_MIN: u32 = 2;

/// A stretch of a chunk.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The file to send from.
    pub file: Arc<File>,
    /// Where the stretch begins, in bytes.
    pub at: u64,
}

/// One encoding's place in a chunk, found when its second reader comes.
#[derive(Debug, Default)]
pub(crate) struct Place {
    readers: AtomicU32,
    found: OnceLock<Option<(Weak<File>, u64)>>,
}

impl Place {
    /// One more reader will send from this encoding.
    pub(crate) fn expect_reader(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// The pages with these bytes, the whole encoding; `None` where sending the bytes themselves is as good.
    pub(crate) fn pages(&self, bytes: &[u8]) -> Option<Pages> {
        if self.readers.load(Ordering::Relaxed) < READERS_MIN
            || !(PAGES_BYTES_MIN..=PAGES_BYTES_MAX).contains(&bytes.len())
        {
            return None;
        }
        let place = self.found.get_or_init(|| {
            let pages = ARENA.lock().take(bytes.len() as u64)?;
            pages.file.write_all_at(bytes, pages.at).ok()?;
            Some((Arc::downgrade(&pages.file), pages.at))
        });
        let (file, at) = place.as_ref()?;
        Some(Pages { file: file.upgrade()?, at: *at })
    }
}

/// A leaf among the locks: held for the arithmetic only, and to open a chunk.
static ARENA: Mutex<Arena> = Mutex::new(Arena { newest: None, before: None, used: 0 });

struct Arena {
    newest: Option<Arc<File>>,
    /// Readers are at most a few batches behind one another: the chunk before is still sent from.
    before: Option<Arc<File>>,
    used: u64,
}

impl Arena {
    fn take(&mut self, len: u64) -> Option<Pages> {
        if self.newest.is_none() || self.used + len > CHUNK_BYTES {
            self.before = self.newest.replace(Arc::new(chunk()?));
            self.used = 0;
        }
        let at = self.used;
        // Stretches begin at pages of their own: a page is referred to as a whole.
        self.used += len.next_multiple_of(4096);
        Some(Pages { file: self.newest.clone()?, at })
    }
}

#[cfg(target_os = "linux")]
fn chunk() -> Option<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    memfd_create("hubbub", MemfdFlags::CLOEXEC).ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn chunk() -> Option<File> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn read(pages: &Pages, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        pages.file.read_exact_at(&mut bytes, pages.at).unwrap();
        bytes
    }

    #[test]
    fn a_second_reader_gets_pages_with_the_same_bytes() {
        let bytes: Vec<u8> = (0..30_000u32).map(|i| i as u8).collect();
        let place = Place::default();
        place.expect_reader();
        assert!(place.pages(&bytes).is_none());
        place.expect_reader();
        let pages = place.pages(&bytes).unwrap();
        assert_eq!(read(&pages, bytes.len()), bytes);
        assert_eq!(place.pages(&bytes).unwrap().at, pages.at);
    }

    #[test]
    fn what_is_short_or_huge_gets_none() {
        for len in [PAGES_BYTES_MIN - 1, PAGES_BYTES_MAX + 1] {
            let place = Place::default();
            (0..READERS_MIN).for_each(|_| place.expect_reader());
            assert!(place.pages(&vec![1; len]).is_none(), "{len}");
        }
    }

    #[test]
    fn an_old_chunk_is_let_go_and_what_is_being_sent_stays_as_it_was() {
        let bytes = vec![7; PAGES_BYTES_MAX];
        let old = Place::default();
        (0..READERS_MIN).for_each(|_| old.expect_reader());
        let held = old.pages(&bytes).unwrap();
        let mut arena = Arena { newest: None, before: None, used: 0 };
        let first = Arc::downgrade(&arena.take(1).unwrap().file);
        for _ in 0..3 * CHUNK_BYTES as usize / PAGES_BYTES_MAX {
            arena.take(PAGES_BYTES_MAX as u64).unwrap();
        }
        assert!(first.upgrade().is_none());
        assert_eq!(read(&held, bytes.len()), bytes);
    }
}
