//! Binding: from listener URLs to sockets. The first of two phases; nothing is accepted here.
//!
//! **Invariant.** All listeners are bound, or none: an error gives back what was bound before it. A Unix socket's file
//! is open to its owner only, belongs to who made it, and goes when its listener goes.

use crate::{
    Listener,
    conn::{Peer, Plain},
    url::Place,
};
use socket2::{Domain, Socket, Type};
use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, UnixListener, lookup_host};

/// Why a listener could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be had.
    #[error("cannot listen on {address} (for {url}): {source}.{}", Advice(source))]
    Address {
        /// The listener.
        url: String,
        /// The address of it that failed.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The host's name has no address.
    #[error(
        "cannot listen on {url}: the host is not known ({source}). Write an address, such as 127.0.0.1, or * for all"
    )]
    Host {
        /// The listener.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody answers on the Unix socket.
    #[error("cannot listen on {}: another hub answers there. Choose another path with --listen", .0.display())]
    Answered(PathBuf),
    /// The Unix socket's path is something else.
    #[error("cannot listen on {}: there is a file that is not a socket. Choose another path with --listen", .0.display())]
    NotASocket(PathBuf),
    /// The hub has no such door.
    #[error("cannot listen on {url}: this hub has no {door} door")]
    NoDoor {
        /// The listener.
        url: String,
        /// The door's name.
        door: &'static str,
    },
    /// TLS is asked for and there is no certificate.
    #[error("cannot listen on {0}: it asks for TLS, and TLS is switched off")]
    NoTls(String),
}

/// What to do about an address that cannot be had.
struct Advice<'a>(&'a io::Error);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind() {
            io::ErrorKind::AddrInUse => " Is another hub running? Choose another address with --listen",
            io::ErrorKind::PermissionDenied => {
                " Ports below 1024 need a privilege. Choose a higher port with --listen"
            }
            io::ErrorKind::AddrNotAvailable => {
                " This machine has no such address. Choose another with --listen"
            }
            _ => " Choose another address with --listen",
        })
    }
}

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Bound {
    /// With the address and port that it has.
    pub(crate) url: Listener,
    pub(crate) socket: Bind,
}

/// A bound socket.
#[derive(Debug)]
pub(crate) enum Bind {
    Stream(Acceptor),
    /// Kept as the system knows it, so that a failed door can be given a new one.
    Datagram(std::net::UdpSocket),
}

/// What conns come out of.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: UnixFile },
}

impl Acceptor {
    /// The next conn. Cancel safe.
    pub(crate) async fn accept(&self) -> io::Result<(Plain, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Fails only when the peer has gone already, which the first read tells as well.
                let _ = stream.set_nodelay(true);
                Ok((stream.into(), Peer::Ip(address)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred().ok().map(|cred| cred.uid());
                Ok((stream.into(), Peer::Unix { uid }))
            }
        }
    }
}

/// The file of a bound Unix socket: removed when dropped, if it is still the same file.
#[derive(Debug)]
pub(crate) struct UnixFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for UnixFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds one listener to all its addresses.
pub(crate) async fn bind(url: &Listener) -> Result<Vec<Bound>, BindError> {
    match &url.place {
        Place::Unix(path) => {
            let socket = Bind::Stream(bind_unix(url, path)?);
            Ok(vec![Bound { url: url.clone(), socket }])
        }
        Place::Net { host, port } => {
            let ips = resolve(url, host).await?;
            bind_net(url, &ips, *port)
        }
    }
}

async fn resolve(url: &Listener, host: &str) -> Result<Vec<IpAddr>, BindError> {
    if host == "*" {
        return Ok(vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
    }
    let mut ips = Vec::new();
    let found =
        lookup_host((host, 0)).await.map_err(|source| BindError::Host { url: url.to_string(), source })?;
    for address in found {
        if !ips.contains(&address.ip()) {
            ips.push(address.ip());
        }
    }
    Ok(ips)
}

/// All addresses get one port. With port 0 the system chooses it for the first; where it turns out to be taken on
/// another, it is asked again.
fn bind_net(url: &Listener, ips: &[IpAddr], port: u16) -> Result<Vec<Bound>, BindError> {
    let mut tries = if port == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_group(url, ips, port) {
            Err((_, source)) if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            Err((address, source)) => {
                return Err(BindError::Address {
                    url: url.to_string(),
                    address: address.to_string(),
                    source,
                });
            }
            Ok(bound) => return Ok(bound),
        }
    }
}

fn bind_group(url: &Listener, ips: &[IpAddr], mut port: u16) -> Result<Vec<Bound>, (SocketAddr, io::Error)> {
    let mut bound = Vec::new();
    let mut missing = None;
    for ip in ips {
        let address = SocketAddr::new(*ip, port);
        match bind_both(url, address) {
            Ok((actual, sockets)) => {
                port = actual.port();
                bound.extend(sockets.into_iter().map(|socket| Bound { url: at(url, actual), socket }));
            }
            // A name may stand for an address family that this machine does not have.
            Err(source) if ips.len() > 1 && is_missing(&source) => missing = Some((address, source)),
            Err(source) => return Err((address, source)),
        }
    }
    match missing {
        Some(missing) if bound.is_empty() => Err(missing),
        _ => Ok(bound),
    }
}

fn bind_both(url: &Listener, mut address: SocketAddr) -> io::Result<(SocketAddr, Vec<Bind>)> {
    let mut sockets = Vec::new();
    if url.scheme.is_stream() {
        let listener = bind_tcp(address)?;
        address = listener.local_addr()?;
        sockets.push(Bind::Stream(Acceptor::Tcp(listener)));
    }
    if url.is_datagram() {
        let socket = bind_udp(address)?;
        address = socket.local_addr()?;
        sockets.push(Bind::Datagram(socket));
    }
    Ok((address, sockets))
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address, Type::STREAM)?;
    // A hub that was stopped a moment ago does not hold the port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn bind_udp(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = open(address, Type::DGRAM)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn open(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn bind_unix(url: &Listener, path: &Path) -> Result<Acceptor, BindError> {
    clear_stale(path)?;
    let bind = || {
        let socket = owners_only(Socket::new(Domain::UNIX, Type::STREAM, None)?);
        socket.set_nonblocking(true)?;
        socket.bind(&socket2::SockAddr::unix(path)?)?;
        let file = UnixFile { path: path.to_owned(), inode: inode(path)? };
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        socket.listen(BACKLOG)?;
        let listener = UnixListener::from_std(socket.into())?;
        io::Result::Ok(Acceptor::Unix { listener, _file: file })
    };
    let address = path.display().to_string();
    bind().map_err(|source| BindError::Address { url: url.to_string(), address, source })
}

/// The file gets its mode from the socket where the system does that (Linux), so that it is never open to others,
/// not even for a moment. Elsewhere the mode that is set after binding has to do.
fn owners_only(socket: Socket) -> Socket {
    let file = fs::File::from(OwnedFd::from(socket));
    let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
    Socket::from(OwnedFd::from(file))
}

/// Removes the socket file that a hub left when it was killed; not one that somebody answers on.
fn clear_stale(path: &Path) -> Result<(), BindError> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    if !meta.file_type().is_socket() {
        return Err(BindError::NotASocket(path.to_owned()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // What cannot be removed makes the bind fail, with a better message.
            let _ = fs::remove_file(path);
            Ok(())
        }
        _ => Err(BindError::Answered(path.to_owned())),
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

fn at(url: &Listener, address: SocketAddr) -> Listener {
    let place = Place::Net { host: address.ip().to_string(), port: address.port() };
    Listener { place, ..url.clone() }
}

fn is_missing(error: &io::Error) -> bool {
    // A family that the system was built without has no kind of its own in the standard library.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(EAFNOSUPPORT_LINUX | EAFNOSUPPORT_MACOS))
}

const EAFNOSUPPORT_LINUX: i32 = 97;
const EAFNOSUPPORT_MACOS: i32 = 47;
const BACKLOG: i32 = 4_096;
const FREE_PORT_TRIES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    async fn bound(url: &str) -> Result<Vec<Bound>, BindError> {
        bind(&url.parse().unwrap()).await
    }

    #[tokio::test]
    async fn port_0_is_replaced_and_a_taken_one_is_told() {
        let first = bound("any://127.0.0.1:0?guests=no").await.unwrap();
        let url = first[0].url.to_string();
        assert!(!url.contains(":0?") && url.ends_with("?guests=no"), "{url}");
        let error = bound(&url).await.unwrap_err().to_string();
        let address = url.trim_start_matches("any://").trim_end_matches("?guests=no");
        assert!(error.starts_with(&format!("cannot listen on {address} (for {url}): ")), "{error}");
        assert!(error.ends_with("Is another hub running? Choose another address with --listen"), "{error}");
    }

    #[tokio::test]
    async fn echo_has_one_port_on_tcp_and_udp() {
        let bound = bound("echo://127.0.0.1:0").await.unwrap();
        assert_eq!(bound.len(), 2);
        assert_eq!(bound[0].url, bound[1].url);
        assert_eq!(self::bound("echos://127.0.0.1:0").await.unwrap().len(), 1, "datagrams have no TLS");
    }

    #[tokio::test]
    async fn a_name_may_have_several_addresses() {
        let bound = bound("any://localhost:0").await.unwrap();
        let ports: Vec<_> =
            bound.iter().map(|bound| bound.url.to_string().rsplit(':').next().map(str::to_owned)).collect();
        assert!(!ports.is_empty() && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    }

    #[tokio::test]
    async fn a_unix_socket_is_private_stale_ones_are_replaced_live_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub sock");
        let url = format!("any+unix://{}", path.display()).replace(' ', "%20");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = bound(&url).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bound(&url).await, Err(BindError::Answered(_))));
        drop(first);
        assert!(!path.exists());
        fs::write(&path, "precious").unwrap();
        assert!(matches!(bound(&url).await, Err(BindError::NotASocket(_))));
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_unix_socket_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub");
        let ours = bound(&format!("any+unix://{}", path.display())).await.unwrap();
        fs::remove_file(&path).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(ours);
        assert!(path.exists());
    }
}
