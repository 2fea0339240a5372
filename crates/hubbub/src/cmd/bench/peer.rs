//! One conn of a measurement: logs in, opens the room, and is then a pair of bare halves.

use anyhow::{Context, Result, bail};
use hubbub_client::{
    Address, Stream, dial,
    wire::{FromHub, parse_from_hub},
};
use hubbub_model::harmless;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{process, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    task::JoinSet,
    time::timeout,
};

/// The two halves of a conn that is in the room.
pub(super) struct Peer {
    pub(super) read: ReadHalf<Stream>,
    pub(super) write: WriteHalf<Stream>,
}

impl Peer {
    /// Comes in as the guest number `n`, with the room open. Its own messages do not come back.
    pub(super) async fn come_in(address: &Address, room: &str, n: usize) -> Result<Self> {
        let within = timeout(WITHIN, Self::enter(address, room, n));
        within.await.with_context(|| format!("the hub did not answer within {} s", WITHIN.as_secs()))?
    }

    async fn enter(address: &Address, room: &str, n: usize) -> Result<Self> {
        let (mut read, mut write) = split(dial(address, None, WITHIN).await?.stream);
        let nickname = format!("bench-{}-{n}", process::id());
        let login = serde_json::json!({ "type": "login", "v": 1, "nickname": nickname, "rooms": [room], "echo": false });
        write.write_all(format!("{login}\n").as_bytes()).await?;
        let mut got = Vec::new();
        loop {
            if read.read_buf(&mut got).await? == 0 {
                bail!("the hub closed the conn");
            }
            let whole = got.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
            for line in
                got.get(..whole).unwrap_or_default().split(|b| *b == b'\n').filter(|line| !line.is_empty())
            {
                match parse_from_hub(line)?.value {
                    FromHub::Error { message, .. } => bail!("{}", harmless(&message)),
                    FromHub::Joined(_) => return Ok(Self { read, write }),
                    _ => {}
                }
            }
            got.drain(..whole);
        }
    }

    /// Brings up conns `from` to `to`, some at once.
    pub(super) async fn come_in_all(
        address: &Address,
        room: &str,
        from: usize,
        to: usize,
    ) -> Result<Vec<Self>> {
        let mut peers = Vec::new();
        let mut coming = JoinSet::new();
        for n in from..to {
            if coming.len() >= AT_ONCE
                && let Some(peer) = coming.join_next().await
            {
                peers.push(peer??);
            }
            let (address, room) = (address.clone(), room.to_owned());
            coming.spawn(async move { Self::come_in(&address, &room, n).await });
        }
        while let Some(peer) = coming.join_next().await {
            peers.push(peer??);
        }
        Ok(peers)
    }
}

/// A request to say `text`, with a mark where it must be answered.
pub(super) fn say(room: &str, text: &str, is_marked: bool) -> Vec<u8> {
    let mut request = serde_json::json!({ "type": "say", "room": room, "text": text });
    if is_marked {
        request["rid"] = 1.into();
    }
    format!("{request}\n").into_bytes()
}

/// The beginnings of lines, however they were cut by reads.
#[derive(Default)]
pub(super) struct Heads {
    head: Vec<u8>,
}

impl Heads {
    /// How many lines that ended in `bytes` begin with `wanted`. `wanted` has at most 32 bytes.
    pub(super) fn count(&mut self, mut bytes: &[u8], wanted: &[u8]) -> u64 {
        let mut n = 0;
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.keep(line);
            n += u64::from(self.head.starts_with(wanted));
            self.head.clear();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
        n
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}

/// As many descriptors as the system allows; without them fewer conns are measured, which the result tells.
pub(super) fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

const HEAD_BYTES: usize = 32;
/// For a conn to come in.
const WITHIN: Duration = Duration::from_secs(30);
/// Conns that come in at once.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_known_by_their_heads_however_they_are_cut() {
        let bytes = b"{\"type\":\"sent\",\"rid\":1}\n{\"type\":\"message\",\"x\":\"{\\\"type\\\":\\\"sent\"}\n\n{\"type\":\"sent\"}\n{\"type\":\"sent\"";
        for size in 1..bytes.len() {
            let mut heads = Heads::default();
            let n: u64 = bytes.chunks(size).map(|chunk| heads.count(chunk, b"{\"type\":\"sent\"")).sum();
            assert_eq!(n, 2, "in pieces of {size}");
        }
    }
}
