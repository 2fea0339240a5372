//! Moves bytes between the session and the hub: dials, converses, waits, dials again.
//!
//! **Invariants.** Nothing is read while something heard waits for the program, so that a slow program holds the hub
//! back and no queue grows. Reading goes on while writing waits: both ends could wait for each other otherwise. All
//! that stands left of `=>` is cancel safe.

use crate::{
    backoff::Backoff,
    client::{Op, Over, Waiter},
    dial::{Dialed, Stream, dial},
    error::Fault,
    incoming::Incoming,
    options::Options,
    session::Session,
};
use bytes::BytesMut;
use hubbub_wire::{
    Charset,
    json::{SplitError, Splitter},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, sleep_until, timeout},
};

/// The task of one client.
pub(crate) struct Driver {
    pub(crate) options: Options,
    pub(crate) session: Session<Waiter>,
    pub(crate) ops: mpsc::Receiver<Op>,
    /// `None` once the program does not listen any more.
    pub(crate) events: Option<mpsc::Sender<Incoming>>,
    pub(crate) over: Over,
    /// Who waits for the first try, if its failure is the end.
    pub(crate) first: Option<oneshot::Sender<Result<(), Fault>>>,
}

/// What the conn's loop woke up for.
enum Turn {
    Room,
    Read(io::Result<usize>),
    Asked(Option<Op>),
    Written(io::Result<()>),
    Due,
}

/// How one conn ended.
enum Ended {
    /// The program wants to leave.
    Left,
    /// It is lost.
    Lost(Fault),
}

impl Driver {
    /// Runs until the program leaves or the hub can be of no use again.
    pub(crate) async fn run(mut self) {
        let fault = self.keep().await;
        if let Some(first) = self.first.take() {
            let _ = first.send(Err(fault));
            return;
        }
        let fault = Arc::new(fault);
        let _ = self.over.set(fault.clone());
        let left = self.heard_before(Incoming::Closed(fault));
        // Whoever waits for an answer hears why there is none, whether or not the program listens.
        drop(self.session);
        drop(self.ops);
        if let Some(events) = self.events {
            for incoming in left {
                let _ = events.send(incoming).await;
            }
        }
    }

    async fn keep(&mut self) -> Fault {
        let mut backoff = Backoff::new(self.options.timing.retry_first, self.options.timing.retry_max);
        loop {
            let begin = Instant::now();
            let fault = match self.once().await {
                Ended::Left => return Fault::Left,
                Ended::Lost(fault) => fault,
            };
            self.session.lost();
            self.tell_answers();
            // A program that waits for the first try decides itself what follows from its failure.
            if self.first.is_some() || fault.is_final() {
                return fault;
            }
            if begin.elapsed() >= LASTED {
                backoff.reset();
            }
            let retry_in = backoff.next(chance());
            tracing::debug!(%fault, ?retry_in, "offline");
            self.tell(Incoming::Offline { reason: Arc::new(fault), retry_in }).await;
            if self.wait(retry_in).await {
                return Fault::Left;
            }
        }
    }

    /// One conn, from its first byte to its last.
    async fn once(&mut self) -> Ended {
        let Options { address, known_hubs, timing, .. } = &self.options;
        let dialed = dial(address, known_hubs.as_deref(), timing.connect).await;
        let Dialed { stream, pinned } = match dialed {
            Ok(dialed) => dialed,
            Err(fault) => return Ended::Lost(fault),
        };
        if let Some(pinned) = pinned {
            self.tell(Incoming::Pinned(pinned)).await;
        }
        self.session.connected(Instant::now().into_std());
        match self.converse(stream).await {
            Ok(()) => Ended::Left,
            Err(fault) => Ended::Lost(fault),
        }
    }

    /// Until the conn is lost, or the program leaves.
    async fn converse(&mut self, stream: Stream) -> Result<(), Fault> {
        let (mut read, mut write) = split(stream);
        let mut splitter = Splitter::new(VALUE_BYTES_MAX, Charset::Utf8);
        let mut buffer = BytesMut::new();
        let mut out = Outbox::default();
        loop {
            self.tell_answers();
            self.tell_what_fits();
            out.bytes.extend_from_slice(&self.session.take_out());
            let (can_read, can_ask) = (!self.session.has_incoming(), out.bytes.len() < OUT_BYTES_MAX);
            let deadline = self.session.deadline().map_or_else(far_away, Instant::from_std);
            let turn = tokio::select! {
                () = room(self.events.as_ref()), if !can_read => Turn::Room,
                got = read_more(&mut read, &mut buffer), if can_read => Turn::Read(got),
                op = self.ops.recv(), if can_ask => Turn::Asked(op),
                done = out.write_some(&mut write), if out.is_due() => Turn::Written(done),
                () = sleep_until(deadline), if can_read => Turn::Due,
            };
            match turn {
                // We did not read: that nothing was heard says nothing about the hub.
                Turn::Room => self.session.heard(Instant::now().into_std()),
                Turn::Read(Err(error)) => return Err(Fault::Broken(error)),
                Turn::Read(Ok(0)) => return Err(Fault::Ended),
                Turn::Read(Ok(_)) => {
                    self.session.heard(Instant::now().into_std());
                    splitter.feed(buffer.split().freeze());
                    self.receive(&mut splitter)?;
                }
                Turn::Asked(Some(Op::Request(request, waiter))) => self.session.submit(*request, waiter),
                Turn::Asked(Some(Op::Quit) | None) => {
                    self.leave(read, write, out).await;
                    return Ok(());
                }
                Turn::Written(done) => done.map_err(Fault::Broken)?,
                Turn::Due => self.session.tick(Instant::now().into_std())?,
            }
        }
    }

    /// Takes what was read, value by value.
    fn receive(&mut self, splitter: &mut Splitter) -> Result<(), Fault> {
        while let Some(value) = splitter.next_value() {
            self.session.receive(&value.map_err(|e| self.cannot_split(e))?)?;
            if self.session.has_incoming()
                && let Some(first) = self.first.take()
            {
                let _ = first.send(Ok(()));
            }
        }
        Ok(())
    }

    fn cannot_split(&self, error: SplitError) -> Fault {
        if self.first.is_some() {
            Fault::NotAHub("it speaks no JSON")
        } else {
            Fault::Unreadable(error.to_string())
        }
    }

    /// Writes what is owed, says good-bye, and waits for the hub to close.
    async fn leave(&mut self, mut read: ReadHalf<Stream>, mut write: WriteHalf<Stream>, mut out: Outbox) {
        self.session.quit();
        out.bytes.extend_from_slice(&self.session.take_out());
        let farewell = async {
            write.write_all(&out.bytes).await?;
            write.shutdown().await?;
            let mut rest = [0; 4096];
            while read.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // The conn ends either way.
        let _ = timeout(FAREWELL_MAX, farewell).await;
    }

    /// Waits between two conns; requests queue up. `true`: the program leaves.
    async fn wait(&mut self, retry_in: Duration) -> bool {
        let until = Instant::now() + retry_in;
        loop {
            tokio::select! {
                () = sleep_until(until) => return false,
                op = self.ops.recv() => match op {
                    Some(Op::Request(request, waiter)) => self.session.submit(*request, waiter),
                    Some(Op::Quit) | None => return true,
                }
            }
        }
    }

    fn tell_answers(&mut self) {
        while let Some((waiter, answer)) = self.session.next_answer() {
            waiter.tell(answer);
        }
    }

    /// Tells as much of what was heard as the program has room for.
    fn tell_what_fits(&mut self) {
        while self.session.has_incoming() {
            let room = match &self.events {
                Some(events) => events.try_reserve(),
                None => Err(TrySendError::Closed(())),
            };
            if matches!(room, Err(TrySendError::Full(()))) {
                return;
            }
            let Some(incoming) = self.session.next_incoming() else { return };
            // Without a room nobody listens.
            if let Ok(room) = room {
                room.send(incoming);
            }
        }
    }

    /// Tells what is left of the last conn, then this.
    async fn tell(&mut self, incoming: Incoming) {
        for incoming in self.heard_before(incoming) {
            let Some(events) = &self.events else { return };
            if events.send(incoming).await.is_err() {
                self.events = None;
            }
        }
    }

    /// What is left of the last conn, then this.
    fn heard_before(&mut self, last: Incoming) -> Vec<Incoming> {
        let mut left: Vec<Incoming> = std::iter::from_fn(|| self.session.next_incoming()).collect();
        left.push(last);
        left
    }
}

/// What is owed to the hub.
#[derive(Default)]
struct Outbox {
    bytes: BytesMut,
    /// TLS may hold bytes back until it is told that no more follow.
    unflushed: bool,
}

impl Outbox {
    fn is_due(&self) -> bool {
        self.unflushed || !self.bytes.is_empty()
    }

    /// Cancel safe: either the bytes are gone from here, or they were not written.
    async fn write_some(&mut self, write: &mut WriteHalf<Stream>) -> io::Result<()> {
        if self.bytes.is_empty() {
            write.flush().await?;
            self.unflushed = false;
            return Ok(());
        }
        self.unflushed = true;
        if write.write_buf(&mut self.bytes).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

/// Cancel safe.
async fn read_more(read: &mut ReadHalf<Stream>, buffer: &mut BytesMut) -> io::Result<usize> {
    buffer.reserve(READ_BYTES);
    read.read_buf(buffer).await
}

/// Until there is room for something heard, or nobody listens. Cancel safe.
async fn room(events: Option<&mpsc::Sender<Incoming>>) {
    if let Some(events) = events {
        let _ = events.reserve().await;
    }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(24 * 60 * 60)
}

/// Without random numbers the middle of the range must do.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

/// Longest value of a hub: an answer to `history` holds up to 1 MiB of text, and each byte of it may need six.
const VALUE_BYTES_MAX: usize = 8 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// Bytes owed to the hub before no more requests are taken.
const OUT_BYTES_MAX: usize = 256 * 1024;
/// A conn that lasted so long was a good one.
const LASTED: Duration = Duration::from_secs(10);
/// For the hub to close the conn after our good-bye.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
