//! The relay: the bytes of one read go to all other conns of the listener, unchanged and in order. No names, no
//! framing, no log.
//!
//! **Invariant.** Memory is bounded: a group keeps `Limits::relay_bytes_max` bytes for all its conns together. A conn
//! that takes so little that its place is no longer among them is closed; it never holds the others up.

use bytes::Bytes;
use hubbub_door::{Conn, Door, DoorCtx, DoorError, Io};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::ready,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf},
    sync::watch,
    time::timeout,
};

/// The relay door. Each listener is a group of its own.
#[derive(Default)]
pub struct Relay {
    /// By the listener's address. A leaf lock, never held over an await.
    groups: Mutex<HashMap<Arc<str>, Arc<Group>>>,
}

impl Relay {
    fn group(&self, listener: &Arc<str>, bytes_max: usize) -> Arc<Group> {
        let mut groups = self.groups.lock();
        Arc::clone(groups.entry(Arc::clone(listener)).or_insert_with(|| Arc::new(Group::new(bytes_max))))
    }
}

impl Door for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    async fn serve(&self, conn: Conn, cx: DoorCtx) -> Result<(), DoorError> {
        let place = Place::enter(self.group(&conn.origin.local, cx.limits.relay_bytes_max));
        let stall = Duration::from_secs(cx.limits.write_stall_s);
        let (mut read, mut write) = tokio::io::split(conn.io);
        let ended = tokio::select! {
            () = cx.stop.cancelled() => Ok(()),
            ended = hand_on(&place, &mut read) => ended,
            ended = take_over(&place, &mut write, stall) => ended,
        };
        // The peer may have gone already.
        let _ = timeout(stall, write.shutdown()).await;
        ended
    }
}

/// Until the peer sends nothing more: what it sends goes to the others.
async fn hand_on(place: &Place, read: &mut ReadHalf<Io>) -> Result<(), DoorError> {
    loop {
        let bytes = read_some(read).await?;
        if bytes.is_empty() {
            return Ok(());
        }
        place.group.push(place.me, bytes);
        // Whoever floods takes turns with those who shall keep up with it.
        tokio::task::yield_now().await;
    }
}

/// Until the peer takes too little: what the others send goes to it.
async fn take_over(place: &Place, write: &mut WriteHalf<Io>, stall: Duration) -> Result<(), DoorError> {
    let mut pushed = place.group.pushed.subscribe();
    let mut next = place.next;
    loop {
        pushed.mark_unchanged();
        let Some((chunks, behind)) = place.group.after(next, place.me) else {
            return Err(DoorError::Peer("it took too little of the relay"));
        };
        let has_more = behind > next;
        next = behind;
        for chunk in &chunks {
            let written = timeout(stall, write.write_all(chunk));
            written.await.map_err(|_| DoorError::Peer("it took nothing for too long"))??;
        }
        let flushed = timeout(stall, write.flush());
        flushed.await.map_err(|_| DoorError::Peer("it took nothing for too long"))??;
        if !has_more && pushed.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// The next bytes, in a buffer of their own size; none at the end. An idle conn holds no buffer.
///
/// Cancel safe: bytes are read only when the future is ready.
async fn read_some(read: &mut ReadHalf<Io>) -> io::Result<Bytes> {
    poll_fn(|cx| {
        let mut scratch = [0; CHUNK_BYTES_MAX];
        let mut buf = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut *read).poll_read(cx, &mut buf))?;
        io::Result::Ok(Bytes::copy_from_slice(buf.filled())).into()
    })
    .await
}

/// The conns of one listener.
struct Group {
    /// A leaf lock, never held over an await.
    recent: Mutex<Recent>,
    /// Tells that something was pushed.
    pushed: watch::Sender<()>,
}

/// What was sent last, by anybody.
struct Recent {
    chunks: VecDeque<(u64, Bytes)>,
    /// The place of the first of them.
    first: u64,
    bytes: usize,
    bytes_max: usize,
    /// Conns that are there, and that ever were.
    here: usize,
    entered: u64,
}

impl Group {
    fn new(bytes_max: usize) -> Self {
        let recent = Recent { chunks: VecDeque::new(), first: 0, bytes: 0, bytes_max, here: 0, entered: 0 };
        Self { recent: Mutex::new(recent), pushed: watch::Sender::new(()) }
    }

    fn push(&self, from: u64, bytes: Bytes) {
        self.recent.lock().push(from, bytes);
        self.pushed.send_replace(());
    }

    /// What others than `me` sent at `next` and behind it, some of it, and the place behind that. `None`: it is gone.
    fn after(&self, next: u64, me: u64) -> Option<(Vec<Bytes>, u64)> {
        let recent = self.recent.lock();
        let skipped = usize::try_from(next.checked_sub(recent.first)?).ok()?;
        let some = recent.chunks.iter().skip(skipped).take(CHUNKS_AT_ONCE);
        let behind = next + some.len() as u64;
        Some((some.filter(|(from, _)| *from != me).map(|(_, bytes)| bytes.clone()).collect(), behind))
    }
}

impl Recent {
    fn push(&mut self, from: u64, bytes: Bytes) {
        self.bytes += weight(&bytes);
        self.chunks.push_back((from, bytes));
        while self.bytes > self.bytes_max && self.chunks.len() > 1 {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.chunks.pop_front() {
            self.first += 1;
            self.bytes -= weight(&oldest);
        }
    }

    fn end(&self) -> u64 {
        self.first + self.chunks.len() as u64
    }
}

/// What a chunk counts: a flood of single bytes is bounded too.
fn weight(bytes: &Bytes) -> usize {
    bytes.len() + CHUNK_OVERHEAD_BYTES
}

/// One conn in its group, to its end.
struct Place {
    group: Arc<Group>,
    me: u64,
    /// Where it came in.
    next: u64,
}

impl Place {
    fn enter(group: Arc<Group>) -> Self {
        let (me, next) = {
            let mut recent = group.recent.lock();
            recent.here += 1;
            recent.entered += 1;
            (recent.entered, recent.end())
        };
        Self { group, me, next }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut recent = self.group.recent.lock();
        recent.here -= 1;
        if recent.here == 0 {
            // Nobody is left to read it.
            (recent.first, recent.bytes) = (recent.end(), 0);
            recent.chunks = VecDeque::new();
        }
    }
}

const CHUNK_BYTES_MAX: usize = 16 * 1024;
/// What one costs beside its bytes.
const CHUNK_OVERHEAD_BYTES: usize = 64;
/// Taken under the lock at once.
const CHUNKS_AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(n: usize) -> Bytes {
        Bytes::from(vec![b'x'; n])
    }

    #[test]
    fn bytes_are_counted_however_they_are_cut() {
        for (size, fits) in [(1_000, 9), (1, 157), (10_176, 1)] {
            let group = Arc::new(Group::new(10_240));
            let (ada, bob) = (Place::enter(group.clone()), Place::enter(group.clone()));
            for n in 0..fits {
                group.push(ada.me, bytes(size));
                assert!(group.after(bob.next, bob.me).is_some(), "{n} of {size} bytes are within the limit");
            }
            group.push(ada.me, bytes(size));
            assert!(group.after(bob.next, bob.me).is_none(), "one more of {size} bytes is not");
            assert!(group.recent.lock().bytes <= 10_240);
        }
    }

    #[test]
    fn a_chunk_that_is_larger_than_the_limit_still_goes_round() {
        let group = Arc::new(Group::new(10));
        let (ada, bob) = (Place::enter(group.clone()), Place::enter(group.clone()));
        group.push(ada.me, bytes(500));
        assert_eq!(group.after(bob.next, bob.me), Some((vec![bytes(500)], 1)));
        assert_eq!(group.after(ada.next, ada.me), Some((vec![], 1)), "nobody hears themselves");
    }

    #[test]
    fn who_comes_later_hears_what_comes_later_and_an_empty_group_keeps_nothing() {
        let group = Arc::new(Group::new(10_240));
        let ada = Place::enter(group.clone());
        group.push(ada.me, bytes(5));
        let bob = Place::enter(group.clone());
        assert_eq!(group.after(bob.next, bob.me), Some((vec![], 1)));
        drop((ada, bob));
        {
            let recent = group.recent.lock();
            assert_eq!((recent.bytes, recent.chunks.capacity()), (0, 0));
        }
        let eve = Place::enter(group.clone());
        group.push(99, bytes(7));
        assert_eq!(group.after(eve.next, eve.me), Some((vec![bytes(7)], 2)));
    }
}
