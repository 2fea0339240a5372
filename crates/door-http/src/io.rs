//! The stream under an HTTP conn: which version its first bytes speak, and an end to writes that get nowhere.
//!
//! **Invariant.** A conn whose writes go through holds no timer.

use hubbub_door::Io;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep, timeout},
};

/// Whether the peer begins with HTTP/2's preface (RFC 9113 section 3.4). What was read is read again.
pub(crate) async fn begins_http2(stream: &mut Io, patience: Duration) -> io::Result<bool> {
    let mut seen = Vec::new();
    let verdict = timeout(patience, async {
        loop {
            let length = seen.len().min(PREFACE.len());
            if seen.get(..length) != PREFACE.get(..length) {
                return Ok(false);
            }
            if length == PREFACE.len() {
                return Ok(true);
            }
            if read_more(stream, &mut seen).await? == 0 {
                return Ok(false);
            }
        }
    });
    let verdict = verdict.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    stream.unread(&seen);
    verdict
}

/// Cancel safe: bytes are taken only when the future is ready.
async fn read_more(stream: &mut Io, seen: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut scratch = [0; 512];
        let mut buf = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
        seen.extend_from_slice(buf.filled());
        io::Result::Ok(buf.filled().len()).into()
    })
    .await
}

/// A stream whose writes fail once nothing has moved for a while.
#[derive(Debug)]
pub(crate) struct Patient {
    stream: Io,
    patience: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(crate) fn new(stream: Io, patience: Duration) -> Self {
        Self { stream, patience, stalled: None }
    }

    /// The stream itself.
    pub(crate) fn into_inner(self) -> Io {
        self.stream
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.stalled = None;
            return moved;
        }
        let patience = self.patience;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, moved)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, moved)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, moved)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, moved)
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
