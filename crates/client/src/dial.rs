//! Finds a way to the hub: every address of its name, IPv6 and IPv4 in turn, a moment apart; then TLS where it is
//! asked for. RFC 8305 in its simple form.
//!
//! **Invariant.** The first conn that stands is taken and all other tries end. Where TLS was asked for, no byte goes
//! out without it.

use crate::{
    address::{Address, Place},
    error::Fault,
    pin::{PinError, Pinned, Trust},
};
use rustls_pki_types::ServerName;
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::{JoinError, JoinSet, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

/// A stream of bytes in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A conn with the hub, of whatever kind.
pub type Stream = Box<dyn Io>;

/// A conn, and what was learnt on the way.
pub struct Dialed {
    /// The conn.
    pub stream: Stream,
    /// The hub's certificate, if it was new.
    pub pinned: Option<Pinned>,
}

/// Connects. `known_hubs` is the file of certificates, needed for TLS only; `within` is the limit for the conn, and
/// then again for TLS on it.
///
/// # Errors
/// The ways in which there can be no conn: see [`Fault`]. Cancel safe: a try that is dropped leaves nothing behind.
pub async fn dial(address: &Address, known_hubs: Option<&Path>, within: Duration) -> Result<Dialed, Fault> {
    let timed_out = |_| Fault::TimedOut { address: address.clone(), within };
    let (host, port) = match &address.place {
        Place::Net { host, port } => (host, *port),
        Place::Unix(path) => {
            let stream = timeout(within, unix(address, path)).await.map_err(timed_out)??;
            return Ok(Dialed { stream, pinned: None });
        }
    };
    // Before the conn: a file that cannot be read must not cost the hub one.
    let trust = if address.tls { Some(look_up(address, known_hubs).await?) } else { None };
    let stream = timeout(within, tcp(address, host, port)).await.map_err(timed_out)??;
    match trust {
        None => Ok(Dialed { stream: Box::new(stream), pinned: None }),
        Some(trust) => timeout(within, tls(address, host, stream, trust)).await.map_err(timed_out)?,
    }
}

#[cfg(unix)]
async fn unix(address: &Address, path: &Path) -> Result<Stream, Fault> {
    let stream = tokio::net::UnixStream::connect(path).await;
    let stream = stream.map_err(|source| Fault::Reach { address: address.clone(), source })?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
async fn unix(address: &Address, _: &Path) -> Result<Stream, Fault> {
    Err(Fault::Reach { address: address.clone(), source: io::ErrorKind::Unsupported.into() })
}

async fn tcp(address: &Address, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|source| Fault::Resolve { host: host.into(), source })?;
    let reached = race(in_turn(found.collect()), STAGGER, TcpStream::connect).await;
    let stream = reached.map_err(|source| Fault::Reach { address: address.clone(), source })?;
    // Messages are small and wait for nothing; that it fails on some systems does no harm.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn look_up(address: &Address, known_hubs: Option<&Path>) -> Result<Arc<Trust>, Fault> {
    let file: PathBuf = known_hubs.ok_or(PinError::NoFile)?.to_owned();
    let address = address.clone();
    let trust = spawn_blocking(move || Trust::look_up(&address, &file)).await.map_err(stopped)??;
    Ok(Arc::new(trust))
}

async fn tls(address: &Address, host: &str, stream: TcpStream, trust: Arc<Trust>) -> Result<Dialed, Fault> {
    let failed = |source| Fault::Tls { address: address.clone(), source };
    let plain_host = host.split('%').next().unwrap_or(host);
    let name = ServerName::try_from(plain_host.to_owned()).map_err(|_| Fault::TlsName(host.into()))?;
    let config = trust.config().map_err(|e| failed(io::Error::other(e)))?;
    let stream = match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => stream,
        Err(error) => return Err(trust.refusal().map_or_else(|| failed(error), Fault::Pin)),
    };
    let pinned = spawn_blocking(move || trust.remember()).await.map_err(stopped)??;
    Ok(Dialed { stream: Box::new(stream), pinned })
}

/// The runtime ends while we wait for it.
fn stopped(error: JoinError) -> Fault {
    Fault::Broken(io::Error::other(error))
}

/// The addresses with their families in turn, beginning with the family that the system put first.
fn in_turn(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (ours, theirs): (Vec<_>, Vec<_>) = found.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
    let mut turns = Vec::new();
    loop {
        let pair = [ours.next(), theirs.next()];
        if pair.iter().all(Option::is_none) {
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

/// Tries one address after the other, the next when one failed or `stagger` has passed.
async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    stagger: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut rest = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        match rest.next() {
            Some(address) => drop(tries.spawn(connect(address))),
            None if tries.is_empty() => return Err(failed),
            None => {}
        }
        tokio::select! {
            Some(tried) = tries.join_next() => match tried {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = error,
                Err(error) => failed = io::Error::other(error),
            },
            () = sleep(stagger), if rest.len() > 0 => {}
        }
    }
}

/// RFC 8305 section 5.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::time::Instant;

    fn addresses(hosts: &[&str]) -> Vec<SocketAddr> {
        hosts.iter().map(|host| SocketAddr::new(host.parse().unwrap(), 1)).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&["::1", "::2", "::3", "10.0.0.1"]);
        assert_eq!(in_turn(found), addresses(&["::1", "10.0.0.1", "::2", "::3"]));
        assert_eq!(in_turn(addresses(&["10.0.0.1", "::1"])), addresses(&["10.0.0.1", "::1"]));
        assert!(in_turn(Vec::new()).is_empty());
    }

    /// Answers of scripted addresses: after so many milliseconds, well or badly.
    async fn run(script: &'static [(u64, bool)]) -> (Option<usize>, u128, Vec<u128>) {
        let begin = Instant::now();
        let begun: &'static Mutex<Vec<u128>> = Box::leak(Box::default());
        let hosts: Vec<SocketAddr> =
            (0..script.len()).map(|i| SocketAddr::new([10, 0, 0, i as u8].into(), 1)).collect();
        let won = race(hosts.clone(), STAGGER, |address| {
            begun.lock().unwrap().push(begin.elapsed().as_millis());
            let at = hosts.iter().position(|a| *a == address).unwrap();
            async move {
                let (ms, well) = script[at];
                sleep(Duration::from_millis(ms)).await;
                if well { Ok(at) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
            }
        });
        let won = won.await.ok();
        (won, begin.elapsed().as_millis(), begun.lock().unwrap().clone())
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_costs_a_moment_only() {
        assert_eq!(run(&[(60_000, false), (10, true)]).await, (Some(1), 260, vec![0, 250]));
        assert_eq!(run(&[(5, false), (10, true)]).await, (Some(1), 15, vec![0, 5]), "the next at once");
        assert_eq!(run(&[(300, true), (100, true)]).await.0, Some(0), "the first that stands");
        assert_eq!(run(&[(10, false), (20, false)]).await, (None, 30, vec![0, 10]));
        assert_eq!(run(&[]).await.0, None);
    }
}
