//! Open loop: every message has a time at which it is due, and its latency counts from that time, so that a hub that
//! stands still is not hidden by a writer that waits for it.

use super::{Common, Count, histogram::Histogram, peer::Peer, per_second, progress, server::Usage};
use anyhow::Result;
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Conns that read
    #[arg(long, value_name = "N", default_value_t = 1)]
    readers: usize,
    /// Conns that write
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    writers: u16,
    /// Messages a second, of all writers together
    #[arg(long, value_name = "R", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Text of a message
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(32..=16_384))]
    size: u32,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let (address, room) = (args.common.address(), args.common.room.as_str());
    let readers = Peer::come_in_all(&address, room, 0, args.readers).await?;
    let all = args.readers + usize::from(args.writers);
    let writers = Peer::come_in_all(&address, room, args.readers, all).await?;
    sleep(QUIET).await;
    let before = Usage::of(args.common.server_pid);
    let (arrived, said) = (Count::default(), Count::default());
    let told = progress(&[("arrived", &arrived), ("messages", &said)]);
    let begin = Instant::now();
    let messages = u64::from(args.rate) * args.common.seconds;
    let mut tasks = JoinSet::new();
    let mut reading = JoinSet::new();
    let mut open = Vec::new();
    for reader in readers {
        open.push(reader.write);
        reading.spawn(listen(reader.read, begin, messages, arrived.clone()));
    }
    let mut writing = JoinSet::new();
    for (at, writer) in writers.into_iter().enumerate() {
        let (tell, due) = mpsc::channel(DUE_MAX);
        let step = Duration::from_secs(1) * u32::from(args.writers) / args.rate;
        let first = begin + step * u32::try_from(at).unwrap_or(0) / u32::from(args.writers);
        // A thread, because a runtime's timers are a millisecond coarse.
        thread::spawn(move || pace(first, step, begin + Duration::from_secs(args.common.seconds), &tell));
        tasks.spawn(discard(writer.read));
        let message = Message::new(room, args.size as usize, begin);
        writing.spawn(write(writer.write, message, due, said.clone()));
    }
    while let Some(ended) = writing.join_next().await {
        ended??;
    }
    let mut times = Histogram::default();
    let heard = async {
        while let Some(Ok(theirs)) = reading.join_next().await {
            times.merge(&theirs);
        }
    };
    // What is missing then is told as lost.
    let complete = timeout(DRAIN_MAX, heard).await.is_ok();
    drop(told);
    let usage = Usage::of(args.common.server_pid).zip(before).map(|(now, before)| now.since(before));
    Ok(json!({
        "bench": "latency",
        "readers": args.readers,
        "writers": args.writers,
        "rate": args.rate,
        "size": args.size,
        "messages": said.now(),
        "messages_s": per_second(said.now(), args.common.time()),
        "deliveries": times.len(),
        "complete": complete && times.len() == said.now() * args.readers as u64,
        "latency_us": times.report(),
        "server": usage,
    }))
}

/// Tells when the next message is due. Ends at `end`.
fn pace(first: Instant, step: Duration, end: Instant, due: &mpsc::Sender<Instant>) {
    let mut next = first;
    while next < end {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        if due.blocking_send(next).is_err() {
            return;
        }
        next += step;
    }
}

/// A request whose text begins with the time at which it was due.
struct Message {
    bytes: Vec<u8>,
    digits_at: usize,
    begin: Instant,
}

impl Message {
    fn new(room: &str, size: usize, begin: Instant) -> Self {
        let text = format!("{}{}", "0".repeat(DIGITS), "x".repeat(size.saturating_sub(DIGITS + MARK.len())));
        let bytes = super::peer::say(room, &format!("{MARK}{text}"), false);
        let digits_at = find(&bytes, MARK.as_bytes()).map_or(0, |at| at + MARK.len());
        Self { bytes, digits_at, begin }
    }

    fn due(&mut self, at: Instant) -> &[u8] {
        let ns = at.saturating_duration_since(self.begin).as_nanos();
        let digits = format!("{ns:0DIGITS$}");
        if let Some(place) = self.bytes.get_mut(self.digits_at..self.digits_at + DIGITS) {
            place.copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }
}

async fn write(
    mut write: WriteHalf<hubbub_client::Stream>,
    mut message: Message,
    mut due: mpsc::Receiver<Instant>,
    said: Count,
) -> Result<WriteHalf<hubbub_client::Stream>> {
    while let Some(at) = due.recv().await {
        write.write_all(message.due(at)).await?;
        said.add(1);
    }
    // Given back, so that the conn stays until the last message has arrived.
    Ok(write)
}

/// Takes `messages` messages and their latencies, or all until the conn ends.
async fn listen(
    read: ReadHalf<hubbub_client::Stream>,
    begin: Instant,
    messages: u64,
    arrived: Count,
) -> Histogram {
    let mut times = Histogram::default();
    let mut lines = BufReader::with_capacity(READ_BYTES, read);
    let mut line = Vec::new();
    while times.len() < messages {
        line.clear();
        match lines.read_until(b'\n', &mut line).await {
            Ok(n) if n > 0 => {}
            _ => break,
        }
        if let Some(due) = due_of(&line) {
            times.record(begin.elapsed().saturating_sub(due));
            arrived.add(1);
        }
    }
    times
}

fn due_of(line: &[u8]) -> Option<Duration> {
    let at = find(line, MARK.as_bytes())? + MARK.len();
    let digits = std::str::from_utf8(line.get(at..at + DIGITS)?).ok()?;
    digits.parse().ok().map(Duration::from_nanos)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

async fn discard(mut read: ReadHalf<hubbub_client::Stream>) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(n) = read.read(&mut buffer).await
        && n > 0
    {}
}

/// Begins the text of a message.
const MARK: &str = "due=";
/// Nanoseconds since the beginning, as digits.
const DIGITS: usize = 16;
/// Messages that are due and wait for their writer.
const DUE_MAX: usize = 4_096;
const READ_BYTES: usize = 64 * 1024;
const QUIET: Duration = Duration::from_millis(300);
/// For the last messages to arrive.
const DRAIN_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_when_it_was_due() {
        let begin = Instant::now();
        let mut message = Message::new("lab", 64, begin);
        let line = message.due(begin + Duration::from_micros(1_234_567)).to_vec();
        assert_eq!(due_of(&line), Some(Duration::from_micros(1_234_567)));
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["text"].as_str().unwrap().len(), 64);
        assert_eq!(due_of(b"{\"type\":\"attend\"}\n"), None);
    }
}
