//! Closed loop: each writer keeps a window of messages on their way, each reader counts lines.

use super::{
    Common, Count,
    peer::{Heads, Peer, say},
    per_second, progress,
    server::Usage,
};
use anyhow::Result;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Conns that read
    #[arg(long, value_name = "N", default_value_t = 100)]
    readers: usize,
    /// Conns that write
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    writers: u16,
    /// Text of a message
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    size: u32,
    /// Messages of one writer that are not acknowledged yet, rounded up to full batches of 16
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    window: u32,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let (address, room) = (args.common.address(), args.common.room.as_str());
    let readers = Peer::come_in_all(&address, room, 0, args.readers).await?;
    let all = args.readers + usize::from(args.writers);
    let writers = Peer::come_in_all(&address, room, args.readers, all).await?;
    // The news of who came in is not to be counted.
    sleep(QUIET).await;
    let (lines, said) = (Count::default(), Count::default());
    let mut tasks = JoinSet::new();
    // What the readers write to keeps their conns open.
    let mut open = Vec::new();
    for reader in readers {
        open.push(reader.write);
        tasks.spawn(count_lines(reader.read, lines.clone()));
    }
    sleep(QUIET).await;
    let noise = lines.now();
    let before = Usage::of(args.common.server_pid);
    let told = progress(&[("deliveries", &lines), ("messages", &said)]);
    let stop = CancellationToken::new();
    let begin = Instant::now();
    let batch: Arc<[u8]> = batch(room, args.size as usize).into();
    let mut writing = JoinSet::new();
    for peer in writers {
        let window = (args.window as usize).div_ceil(BATCH);
        writing.spawn(write(peer, batch.clone(), window, said.clone(), stop.clone()));
    }
    sleep(args.common.time()).await;
    let (time, delivered, messages) = (begin.elapsed(), lines.now() - noise, said.now());
    stop.cancel();
    while let Some(ended) = writing.join_next().await {
        ended??;
    }
    let due = said.now() * args.readers as u64;
    let arrived = async {
        while lines.now() - noise < due {
            sleep(QUIET / 10).await;
        }
    };
    // What is missing then is told as lost.
    let _ = timeout(DRAIN_MAX, arrived).await;
    drop(told);
    let usage = Usage::of(args.common.server_pid).zip(before).map(|(now, before)| now.since(before));
    Ok(json!({
        "bench": "fanout",
        "readers": args.readers,
        "writers": args.writers,
        "size": args.size,
        "seconds": time.as_secs_f64(),
        "messages": said.now(),
        "messages_s": per_second(messages, time),
        "deliveries_s": per_second(delivered, time),
        "lost": due.saturating_sub(lines.now() - noise),
        "server": usage,
    }))
}

async fn count_lines(mut read: ReadHalf<hubbub_client::Stream>, lines: Count) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(n) = read.read(&mut buffer).await
        && n > 0
    {
        let got = buffer.get(..n).unwrap_or_default();
        lines.add(got.iter().filter(|b| **b == b'\n').count() as u64);
    }
}

/// Writes batches while the window has room, until it is told to stop; then waits for the last answers.
async fn write(
    peer: Peer,
    batch: Arc<[u8]>,
    window: usize,
    said: Count,
    stop: CancellationToken,
) -> Result<()> {
    let Peer { read, mut write } = peer;
    let room = Arc::new(Semaphore::new(window));
    let mut tasks = JoinSet::new();
    tasks.spawn(take_answers(read, room.clone(), said));
    while !stop.is_cancelled() {
        room.acquire().await?.forget();
        write.write_all(&batch).await?;
    }
    let all = u32::try_from(window).unwrap_or(u32::MAX);
    // Batches without an answer by then were never counted.
    let _ = timeout(DRAIN_MAX, room.acquire_many(all)).await;
    leave(&mut write).await;
    Ok(())
}

async fn leave(write: &mut WriteHalf<hubbub_client::Stream>) {
    // The conn ends either way.
    let _ = write.shutdown().await;
}

/// Each answer stands for a batch: the hub commits in order.
async fn take_answers(mut read: ReadHalf<hubbub_client::Stream>, room: Arc<Semaphore>, said: Count) {
    let mut buffer = vec![0; READ_BYTES];
    let mut heads = Heads::default();
    while let Ok(n) = read.read(&mut buffer).await
        && n > 0
    {
        let batches = heads.count(buffer.get(..n).unwrap_or_default(), b"{\"type\":\"sent\"");
        said.add(batches * BATCH as u64);
        room.add_permits(batches as usize);
    }
    room.close();
}

/// So many messages; the last is answered.
fn batch(room: &str, size: usize) -> Vec<u8> {
    let text = "x".repeat(size);
    let silent = say(room, &text, false).repeat(BATCH - 1);
    [silent, say(room, &text, true)].concat()
}

/// Messages written at once.
const BATCH: usize = 16;
const READ_BYTES: usize = 256 * 1024;
const QUIET: Duration = Duration::from_millis(300);
/// For the last messages to arrive.
const DRAIN_MAX: Duration = Duration::from_secs(10);
