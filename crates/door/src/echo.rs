//! The echo door (RFC 862), on streams and on datagrams.
//!
//! **Invariant.** Nothing comes back that was not sent, and never more than was sent. An idle conn holds no buffer.

use crate::{Conn, DatagramDoor, Door, DoorCtx, DoorError, conn::Io};
use std::{future::poll_fn, io, net::SocketAddr, pin::Pin, task::ready, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::UdpSocket,
    time::timeout,
};

/// Sends back what it gets.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoDoor;

impl Door for EchoDoor {
    fn name(&self) -> &'static str {
        "echo"
    }

    async fn serve(&self, conn: Conn, cx: DoorCtx) -> Result<(), DoorError> {
        let mut io = conn.io;
        let stall = Duration::from_secs(cx.limits.write_stall_s);
        loop {
            let bytes = tokio::select! {
                () = cx.stop.cancelled() => break,
                bytes = read_some(&mut io) => bytes?,
            };
            if bytes.is_empty() {
                break;
            }
            let sent = timeout(stall, async {
                io.write_all(&bytes).await?;
                io.flush().await
            });
            sent.await.map_err(|_| DoorError::Peer("it does not read what it asked for"))??;
        }
        // Half-close: a peer that has ended its own direction still gets all that is owed.
        timeout(stall, io.shutdown()).await.map_err(|_| DoorError::Peer("it does not end"))??;
        Ok(())
    }
}

/// The next bytes; none at the end. The buffer lives on the stack, and only while bytes are there.
///
/// Cancel safe: bytes are read only when the future is ready.
async fn read_some(io: &mut Io) -> io::Result<Vec<u8>> {
    poll_fn(|cx| {
        let mut scratch = [0; READ_BYTES_MAX];
        let mut buf = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut *io).poll_read(cx, &mut buf))?;
        io::Result::Ok(buf.filled().to_vec()).into()
    })
    .await
}

impl DatagramDoor for EchoDoor {
    fn name(&self) -> &'static str {
        "echo"
    }

    async fn run(&self, socket: UdpSocket, cx: DoorCtx) -> Result<(), DoorError> {
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let got = tokio::select! {
                () = cx.stop.cancelled() => return Ok(()),
                got = socket.recv_from(&mut datagram) => got,
            };
            match got {
                Ok((length, from)) if !is_service(from) => {
                    // One datagram for one. What cannot be sent at once is lost, as datagrams are.
                    let _ = socket.try_send_to(datagram.get(..length).unwrap_or_default(), from);
                }
                Ok(_) => {}
                // Some systems tell here that an earlier answer found nobody.
                Err(error) if is_answer_to_a_send(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Two echo services, or echo and chargen, would talk to each other for ever.
fn is_service(from: SocketAddr) -> bool {
    matches!(from.port(), 0 | 7 | 19)
}

fn is_answer_to_a_send(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

const READ_BYTES_MAX: usize = 16 * 1024;
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_get_no_answer() {
        for (from, is) in
            [("10.0.0.1:7", true), ("10.0.0.1:19", true), ("10.0.0.1:0", true), ("10.0.0.1:4711", false)]
        {
            assert_eq!(is_service(from.parse().unwrap()), is, "{from}");
        }
    }
}
