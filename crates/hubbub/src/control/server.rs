//! The hub's side of the control socket.
//!
//! **Invariant.** Only the hub's own user and root are served, some at a time, a bounded line each; whatever they send
//! ends in an answer or a close.

use super::{Answer, Refused, Request, perform, socket::Reach};
use crate::serve::reload::Operation;
use anyhow::{Context, Result};
use hubbub_model::{Kind, Text};
use std::{
    fs,
    io::{self},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The bound socket. Its file goes with it.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket; what a hub that was killed has left is replaced. The caller holds the folder's lock, so
    /// nobody else can be there.
    pub(crate) fn bind(path: PathBuf) -> Result<Self> {
        let bound = Reach::to(&path).and_then(|reach| {
            match fs::remove_file(&reach.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&reach.path)?;
            fs::set_permissions(&reach.path, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = bound.with_context(|| {
            format!(
                "cannot make the control socket {}: choose a shorter data folder, on a local disk",
                path.display()
            )
        })?;
        Ok(Self { listener, path })
    }

    /// Serves until stopped; all conns have ended when this returns.
    pub(crate) async fn run(self, operation: Arc<Operation>, stop: CancellationToken) {
        let mut conns = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = conns.join_next(), if !conns.is_empty() => {}
                accepted = self.listener.accept(), if conns.len() < CONNS_MAX => match accepted {
                    Ok((stream, _)) if is_ours(&stream) => {
                        conns.spawn(attend(stream, Arc::clone(&operation), stop.clone()));
                    }
                    Ok(_) => tracing::warn!("a process of another user was turned away from the control socket"),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a conn of the control socket now; trying again");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        while conns.join_next().await.is_some() {}
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A file that stays is replaced at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Answers line by line. A command that has begun is finished, also when the hub stops.
async fn attend(stream: UnixStream, operation: Arc<Operation>, stop: CancellationToken) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = tokio::select! {
            () = stop.cancelled() => return,
            read = timeout(IDLE_MAX, read_line(&mut stream, &mut line)) => read,
        };
        if !matches!(read, Ok(Ok(()))) {
            return;
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(request) => answer(&operation, request).await,
            Err(error) => {
                Answer::Refused(Refused { kind: Kind::Invalid, text: Text::ours(error.to_string()) })
            }
        };
        let Ok(mut bytes) = serde_json::to_vec(&answer) else { return };
        bytes.push(b'\n');
        if !matches!(timeout(WRITE_MAX, stream.get_mut().write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// A whole line, or an error: also at the end, and where the line is too long.
async fn read_line(stream: &mut BufReader<UnixStream>, line: &mut Vec<u8>) -> io::Result<()> {
    stream.take(LINE_BYTES_MAX).read_until(b'\n', line).await?;
    if line.ends_with(b"\n") { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn answer(operation: &Operation, request: Request) -> Answer {
    tracing::info!(command = ?request, "operator");
    match request {
        Request::Reload => operation.reload().await,
        Request::Status => Answer::Status(operation.status()),
        request => perform(&operation.hub, request).await,
    }
}

const CONNS_MAX: usize = 16;
const LINE_BYTES_MAX: u64 = 64 * 1024;
const IDLE_MAX: Duration = Duration::from_secs(60);
/// A shutdown waits for an answer that is being written.
const WRITE_MAX: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
