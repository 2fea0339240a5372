//! The relay: the bytes of one read go to all other conns of the listener, unchanged and in order. No names, no
//! framing, no log.
//!
//! **Invariant.** Memory is bounded: a conn that takes nothing loses its place once it is `BEHIND_MAX` chunks
//! behind, and is closed; it never holds the others up.

use bytes::Bytes;
use hubbub_door::{Conn, Door, DoorCtx, DoorError};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::broadcast,
    time::timeout,
};

/// Chunks of at most 16 KiB that a conn may be behind.
const BEHIND_MAX: usize = 256;
const CHUNK_BYTES: usize = 16 * 1024;

/// The relay door. Each listener is a group of its own.
#[derive(Default)]
pub struct Relay {
    /// By the listener's address. A leaf lock, never held over an await.
    groups: Mutex<HashMap<Arc<str>, Group>>,
}

/// What one conn sent, with its number within the group.
type Chunk = (u64, Bytes);

struct Group {
    chunks: broadcast::Sender<Chunk>,
    next: u64,
}

impl Relay {
    fn enter(&self, listener: &Arc<str>) -> (u64, broadcast::Sender<Chunk>, broadcast::Receiver<Chunk>) {
        let mut groups = self.groups.lock();
        let group = groups
            .entry(listener.clone())
            .or_insert_with(|| Group { chunks: broadcast::channel(BEHIND_MAX).0, next: 0 });
        group.next += 1;
        (group.next, group.chunks.clone(), group.chunks.subscribe())
    }
}

impl Door for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    async fn serve(&self, conn: Conn, cx: DoorCtx) -> Result<(), DoorError> {
        let (me, chunks, mut others) = self.enter(&conn.origin.local);
        let stall = std::time::Duration::from_secs(cx.limits.write_stall_s);
        let (mut read, mut write) = tokio::io::split(conn.io);
        let mut buffer = bytes::BytesMut::new();
        loop {
            tokio::select! {
                () = cx.stop.cancelled() => break,
                read = read.read_buf(&mut buffer) => {
                    if read? == 0 {
                        break;
                    }
                    // Nobody else there is no fault.
                    let _ = chunks.send((me, buffer.split().freeze()));
                    buffer.reserve(CHUNK_BYTES);
                }
                chunk = others.recv() => match chunk {
                    Ok((from, _)) if from == me => {}
                    Ok((_, chunk)) => {
                        timeout(stall, write.write_all(&chunk)).await.map_err(|_| DoorError::Peer("it took nothing for too long"))??;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => return Err(DoorError::Peer("it took too little of the relay")),
                    Err(broadcast::error::RecvError::Closed) => break,
                },
            }
        }
        // The peer may have gone already.
        let _ = write.shutdown().await;
        Ok(())
    }
}
