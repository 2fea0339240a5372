//! What a peer is owed, and how it is written: as far as the socket takes it, in as few writes as it may be.
//!
//! **Invariants.** Shared encodings are written from the block itself, never copied; long ones that others get too are
//! sent by reference where the socket can. Nothing owed, nothing held. Knows no session: what is owed was decided before.

use hubbub_door::Io;
use hubbub_hub::{Block, Events, Format, PAGES_BYTES_MIN, Pages};
use std::{
    collections::VecDeque,
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{io::AsyncWrite, time::Instant};

/// What one peer is owed, in order.
#[derive(Default)]
pub(crate) struct Owed {
    pieces: VecDeque<Piece>,
    /// Since when the socket takes nothing.
    stalled_at: Option<Instant>,
    /// It took nothing at some time since the peer last had all that there was.
    has_stalled: bool,
    /// When the next paced write may be made.
    pace_at: Option<Instant>,
}

/// Something that the peer is owed.
enum Piece {
    Own(Vec<u8>, usize),
    Shared(Arc<Block>, Format, Range<usize>, usize),
}

/// Pieces owed before more is taken on.
const PIECES_MAX: usize = 16;
/// Time between two writes to a peer that takes each read for one value.
const PACE: Duration = Duration::from_millis(50);

impl Owed {
    /// Owes these bytes. A paced peer, which takes each read for one value, gets each line in a write of its own.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, paced: bool) {
        if paced {
            let lines = bytes.split_inclusive(|b| *b == b'\n');
            self.pieces.extend(lines.map(|line| Piece::Own(line.to_vec(), 0)));
        } else {
            self.pieces.push_back(Piece::Own(bytes, 0));
        }
    }

    /// Owes each value in a write of its own.
    pub(crate) fn push_values(&mut self, values: Vec<Vec<u8>>) {
        self.pieces.extend(values.into_iter().map(|value| Piece::Own(value, 0)));
    }

    /// Owes events as they are encoded for all readers of this format. They MUST be encoded in it already.
    pub(crate) fn push_shared(&mut self, events: &Events, format: Format) {
        let piece = Piece::Shared(events.block.clone(), format, events.range.clone(), 0);
        if !piece.bytes().is_empty() {
            self.pieces.push_back(piece);
        }
    }

    /// Writes as much as the socket takes, and says whether it took any. `WriteZero`: the peer takes no more.
    pub(crate) fn write(&mut self, io: &mut Io, paced: bool, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        while !self.pieces.is_empty() {
            if self.pace_at.is_some_and(|at| at > Instant::now()) {
                break;
            }
            let written = match self.write_some(io, paced, cx) {
                Poll::Pending => {
                    self.stall();
                    return Ok(moved);
                }
                Poll::Ready(written) => written?,
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            moved = true;
            self.stalled_at = None;
            self.wrote(written, paced);
        }
        match Pin::new(io).poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(moved),
        }
    }

    fn write_some(&self, io: &mut Io, paced: bool, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some((pages, len)) = self.pieces.front().and_then(Piece::pages) {
            match io.poll_send_pages(cx, &pages, len) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                sent => return sent,
            }
        }
        let io = Pin::new(io);
        if paced || self.pieces.len() == 1 || !io.is_write_vectored() {
            let bytes = self.pieces.front().map_or(&[][..], Piece::bytes);
            return io.poll_write(cx, bytes);
        }
        let mut slices = [io::IoSlice::new(&[]); PIECES_MAX];
        let mut n = 0;
        let before_pages =
            self.pieces.iter().enumerate().take_while(|(i, piece)| *i == 0 || piece.pages().is_none());
        for (slice, (_, piece)) in slices.iter_mut().zip(before_pages) {
            *slice = io::IoSlice::new(piece.bytes());
            n += 1;
        }
        io.poll_write_vectored(cx, slices.get(..n).unwrap_or_default())
    }

    fn wrote(&mut self, mut written: usize, paced: bool) {
        while let Some(piece) = self.pieces.front_mut() {
            let left = piece.bytes().len();
            if written < left {
                piece.advance(written);
                return;
            }
            written -= left;
            self.pieces.pop_front();
            if paced {
                self.pace_at = Some(Instant::now() + PACE);
                return;
            }
        }
    }

    /// The socket takes nothing, from now on if it did before.
    pub(crate) fn stall(&mut self) {
        self.stalled_at.get_or_insert_with(Instant::now);
        self.has_stalled = true;
    }

    /// When something is to be done: the socket has taken nothing for `stall`, or a paced write may be made.
    pub(crate) fn next_deadline(&self, stall: Duration) -> Option<Instant> {
        let stalled = self.stalled_at.map(|at| at + stall);
        let pace = self.pace_at.filter(|_| !self.is_empty());
        [stalled, pace].into_iter().flatten().min()
    }

    /// Time has gone by; says whether the socket has taken nothing for `stall`.
    pub(crate) fn passed(&mut self, now: Instant, stall: Duration) -> bool {
        if self.pace_at.is_some_and(|at| at <= now) {
            self.pace_at = None;
        }
        self.stalled_at.is_some_and(|at| at + stall <= now)
    }

    /// Nothing is to be done: what is owed nothing holds no buffer.
    pub(crate) fn rest(&mut self) {
        if self.pieces.is_empty() && self.pieces.capacity() > 0 {
            self.pieces = VecDeque::new();
        }
    }

    /// Whether nothing is owed.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the peer has to take something before it is owed more.
    pub(crate) fn is_full(&self) -> bool {
        self.pieces.len() >= PIECES_MAX
    }

    /// Whether the peer has taken what it was owed as fast as it was owed, since it last had all that there was.
    pub(crate) fn keeps_up(&self) -> bool {
        !self.has_stalled && self.pace_at.is_none()
    }

    /// There is nothing more that the peer is to be told.
    pub(crate) fn is_all(&mut self) {
        self.has_stalled = self.stalled_at.is_some();
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes, at) => bytes.get(*at..),
            Self::Shared(block, format, range, at) => {
                block.encoding(*format).and_then(|encoded| encoded.slice(range.clone()).get(*at..))
            }
        }
        .unwrap_or_default()
    }

    /// The pages with the bytes that are left of a long piece that others get too.
    fn pages(&self) -> Option<(Pages, usize)> {
        let Self::Shared(block, format, range, at) = self else { return None };
        let left = self.bytes().len();
        if left < PAGES_BYTES_MIN {
            return None;
        }
        let pages = block.encoding(*format)?.pages(range.start)?;
        Some((Pages { at: pages.at + *at as u64, ..pages }, left))
    }

    fn advance(&mut self, n: usize) {
        match self {
            Self::Own(_, at) | Self::Shared(_, _, _, at) => *at += n,
        }
    }
}
