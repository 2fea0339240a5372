//! A conn as a door gets it: the stream, and where it came from.
//!
//! **Invariant.** What was read in order to know the protocol is read again from [`Io`], first and once. An [`Io`]
//! that has nothing to give again is no larger than a socket and a pointer.

use crate::{
    ListenerOptions, Protocol, TlsSource,
    tls::{self, AlpnSet},
};
use std::{
    fmt,
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;

/// One socket that a door shall serve.
#[derive(Debug)]
pub struct Conn {
    /// The stream.
    pub io: Io,
    /// Where it came from, and how.
    pub origin: Box<Origin>,
}

/// The facts about a conn.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who is at the other end.
    pub peer: Peer,
    /// The listener's address, as it was bound.
    pub local: Arc<str>,
    /// What TLS agreed on, unless the conn is plain.
    pub tls: Option<Box<TlsFacts>>,
    /// The listener's options.
    pub options: Arc<ListenerOptions>,
    /// What the first bytes speak, or the listener's own protocol.
    pub protocol: Protocol,
}

/// The other end of a conn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address, from the socket or from a trusted PROXY header.
    Ip(SocketAddr),
    /// A process on this machine.
    Unix {
        /// Whose, where the system tells.
        uid: Option<u32>,
    },
}

impl Peer {
    /// The address, unless a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip().to_canonical()),
            Self::Unix { .. } => None,
        }
    }

    /// Whether the peer is on this machine.
    pub fn is_local(&self) -> bool {
        self.ip().is_none_or(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => SocketAddr::new(address.ip().to_canonical(), address.port()).fmt(f),
            Self::Unix { uid: Some(uid) } => write!(f, "unix(uid {uid})"),
            Self::Unix { uid: None } => f.write_str("unix"),
        }
    }
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// Such as `TLSv1_3`.
    pub version: &'static str,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: &'static str,
    /// The name that the client asked for. It proves nothing.
    pub sni: Option<Box<str>>,
    /// The protocol that both chose by ALPN.
    pub alpn: Option<Box<str>>,
}

/// The stream of a conn: TCP or Unix, plain or TLS.
#[derive(Debug)]
pub struct Io {
    way: Way,
    again: Again,
}

#[derive(Debug)]
enum Way {
    Plain(Plain),
    Tls(Box<TlsStream<Plain>>),
}

impl Io {
    /// The stream without TLS.
    pub fn plain(plain: Plain) -> Self {
        Self { way: Way::Plain(plain), again: Again::default() }
    }

    /// The stream within TLS.
    pub fn tls(stream: Box<TlsStream<Plain>>) -> Self {
        Self { way: Way::Tls(stream), again: Again::default() }
    }

    /// Puts bytes back: they are read again before all others.
    pub fn unread(&mut self, bytes: &[u8]) {
        match &mut self.way {
            Way::Plain(plain) => plain.unread(bytes),
            Way::Tls(_) => self.again.put(bytes),
        }
    }

    /// Begins TLS on a plain stream, as `AUTH TLS` and `STARTTLS` ask for. Bytes that were put back are dropped: what
    /// was sent in the clear before must not count as said within TLS.
    pub async fn start_tls(self, source: &TlsSource) -> io::Result<(Self, Box<TlsFacts>)> {
        let Way::Plain(mut plain) = self.way else { return Err(io::ErrorKind::InvalidInput.into()) };
        plain.again = Again::default();
        let (stream, facts) = Box::pin(tls::handshake(plain, source.config(AlpnSet::NONE))).await?;
        Ok((Self::tls(stream), facts))
    }

    /// Sends `len` bytes that begin at `pages.at`, or fewer, without copying them; the bytes in the file must never
    /// change. Says how many were sent. `Unsupported` where the stream or the system cannot: then nothing was sent,
    /// and the bytes are to be written.
    pub fn poll_send_pages(
        &mut self,
        cx: &mut Context<'_>,
        pages: &hubbub_hub::Pages,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        match &self.way {
            Way::Plain(plain) => plain.poll_send_pages(cx, pages, len),
            Way::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// The address of this end, unless a Unix socket: FTP opens its data port there.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let plain = match &self.way {
            Way::Plain(plain) => plain,
            Way::Tls(stream) => stream.get_ref().0,
        };
        match &plain.socket {
            Socket::Tcp(stream) => stream.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

/// A socket without TLS, with the bytes that were put back.
#[derive(Debug)]
pub struct Plain {
    socket: Socket,
    again: Again,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Plain {
    /// Puts bytes back: they are read again before all others.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.again.put(bytes);
    }
}

/// Whether `sendfile` was found not to work in this process.
#[cfg(target_os = "linux")]
static NO_PAGES: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[cfg(target_os = "linux")]
impl Plain {
    fn poll_send_pages(
        &self,
        cx: &mut Context<'_>,
        pages: &hubbub_hub::Pages,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        macro_rules! send {
            ($stream:expr) => {
                loop {
                    std::task::ready!($stream.poll_write_ready(cx))?;
                    let sent = $stream.try_io(tokio::io::Interest::WRITABLE, || {
                        let mut at = pages.at;
                        Ok(rustix::fs::sendfile($stream, &*pages.file, Some(&mut at), len)?)
                    });
                    match sent {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        // A kernel without it, or a sandbox that keeps it from us.
                        Err(error) if is_missing(&error) => {
                            NO_PAGES.store(true, std::sync::atomic::Ordering::Relaxed);
                            tracing::warn!(%error, "long stretches are copied: sendfile does not work here");
                            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
                        }
                        sent => return Poll::Ready(sent),
                    }
                }
            };
        }
        if NO_PAGES.load(std::sync::atomic::Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        match &self.socket {
            Socket::Tcp(stream) => send!(stream),
            Socket::Unix(stream) => send!(stream),
        }
    }
}

#[cfg(target_os = "linux")]
fn is_missing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::NOSYS | Errno::PERM))
}

#[cfg(not(target_os = "linux"))]
impl Plain {
    fn poll_send_pages(
        &self,
        _: &mut Context<'_>,
        _: &hubbub_hub::Pages,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl From<TcpStream> for Plain {
    fn from(stream: TcpStream) -> Self {
        Self { socket: Socket::Tcp(stream), again: Again::default() }
    }
}

impl From<UnixStream> for Plain {
    fn from(stream: UnixStream) -> Self {
        Self { socket: Socket::Unix(stream), again: Again::default() }
    }
}

/// Bytes to be read again. Usually none, and then one null pointer.
#[derive(Debug, Default)]
struct Again(Option<Box<Rest>>);

#[derive(Debug)]
struct Rest {
    bytes: Vec<u8>,
    taken: usize,
}

impl Again {
    fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut all = bytes.to_vec();
        if let Some(rest) = self.0.take() {
            all.extend_from_slice(rest.left());
        }
        self.0 = Some(Box::new(Rest { bytes: all, taken: 0 }));
    }

    /// Gives what fits; `false` where there is nothing to give.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Some(rest) = &mut self.0 else { return false };
        let left = rest.left();
        let now = left.get(..buf.remaining()).unwrap_or(left);
        buf.put_slice(now);
        rest.taken += now.len();
        if rest.left().is_empty() {
            self.0 = None;
        }
        true
    }
}

impl Rest {
    fn left(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }
}

/// Implements the traits of a stream for a type that is one of two.
macro_rules! stream {
    ($type:ty, $field:ident, $first:path | $second:path) => {
        impl AsyncRead for $type {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                if self.again.give(buf) {
                    return Poll::Ready(Ok(()));
                }
                match &mut self.get_mut().$field {
                    $first(stream) => Pin::new(stream).poll_read(cx, buf),
                    $second(stream) => Pin::new(stream).poll_read(cx, buf),
                }
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().$field {
                    $first(stream) => Pin::new(stream).poll_write(cx, bytes),
                    $second(stream) => Pin::new(stream).poll_write(cx, bytes),
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().$field {
                    $first(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
                    $second(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
                }
            }

            fn is_write_vectored(&self) -> bool {
                match &self.$field {
                    $first(stream) => stream.is_write_vectored(),
                    $second(stream) => stream.is_write_vectored(),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match &mut self.get_mut().$field {
                    $first(stream) => Pin::new(stream).poll_flush(cx),
                    $second(stream) => Pin::new(stream).poll_flush(cx),
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match &mut self.get_mut().$field {
                    $first(stream) => Pin::new(stream).poll_shutdown(cx),
                    $second(stream) => Pin::new(stream).poll_shutdown(cx),
                }
            }
        }
    };
}

stream!(Plain, socket, Socket::Tcp | Socket::Unix);
stream!(Io, way, Way::Plain | Way::Tls);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn a_stream_is_small() {
        assert!(size_of::<Io>() <= 64, "{}", size_of::<Io>());
        assert!(size_of::<Conn>() <= 72, "{}", size_of::<Conn>());
    }

    #[tokio::test]
    async fn bytes_put_back_come_first_and_once() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut io = Io::plain(near.into());
        far.write_all(b"socket").await.unwrap();
        drop(far);
        io.unread(b"second ");
        io.unread(b"first ");
        let mut start = [0; 3];
        io.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"fir");
        io.unread(b"re");
        let mut rest = String::new();
        io.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "rest second socket");
        assert!(io.again.0.is_none());
    }

    /// A client that trusts the certificate in this folder.
    async fn begin_tls(
        dir: &std::path::Path,
        far: UnixStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap()).unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), far).await
    }

    /// RFC 3207 section 6, RFC 4217 section 3: what somebody put behind the request, in the clear, is never taken for
    /// something that the client said within TLS.
    #[tokio::test]
    async fn what_was_said_before_tls_is_not_heard_within_it() {
        let dir = tempfile::tempdir().unwrap();
        let source = TlsSource::self_made(dir.path(), &["localhost".to_owned()], 1_700_000_000_000).unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut io = Io::plain(near.into());
        // As the first bytes come to a door that detection has looked at.
        io.unread(b"AUTH TLS\r\nDELE all\r\n");
        let client = async {
            far.read_exact(&mut [0; 4]).await.unwrap();
            let mut tls = begin_tls(dir.path(), far).await.unwrap();
            tls.write_all(b"NOOP\r\n").await.unwrap();
            tls.shutdown().await.unwrap();
            tls
        };
        let hub = async {
            let mut asked = [0; 10];
            io.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"AUTH TLS\r\n");
            io.write_all(b"234 ").await.unwrap();
            let (mut io, facts) = io.start_tls(&source).await.unwrap();
            assert_eq!((facts.version, facts.alpn.as_deref()), ("TLSv1_3", None));
            let mut heard = String::new();
            io.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "NOOP\r\n");
            assert!(io.start_tls(&source).await.is_err(), "there is no TLS within TLS");
        };
        // The client's end lives until the hub has read all.
        let (_tls, ()) = tokio::join!(client, hub);
    }

    #[tokio::test]
    async fn what_came_before_the_hello_and_was_not_read_breaks_the_handshake() {
        let dir = tempfile::tempdir().unwrap();
        let source = TlsSource::self_made(dir.path(), &["localhost".to_owned()], 1_700_000_000_000).unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(b"DELE all\r\n").await.unwrap();
        let client = begin_tls(dir.path(), far);
        let (hub, client) = tokio::join!(Io::plain(near.into()).start_tls(&source), client);
        assert!(hub.is_err() && client.is_err());
    }

    #[tokio::test]
    async fn slices_are_written_together() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut io = Io::plain(near.into());
        assert!(io.is_write_vectored());
        let sent = io.write_vectored(&[IoSlice::new(b"one "), IoSlice::new(b"two")]).await.unwrap();
        assert_eq!(sent, 7);
        io.shutdown().await.unwrap();
        let mut got = String::new();
        far.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "one two");
    }

    #[cfg(target_os = "linux")]
    async fn pages_arrive_whole(near: Plain, mut far: impl AsyncRead + Unpin) {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7) as u8).collect();
        let file = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
        let file = Arc::new(file);
        let mut io = Io::plain(near);
        let send = async {
            let mut sent = 100;
            while sent < bytes.len() {
                let pages = hubbub_hub::Pages { file: file.clone(), at: sent as u64 };
                sent += std::future::poll_fn(|cx| io.poll_send_pages(cx, &pages, bytes.len() - sent))
                    .await
                    .unwrap();
            }
            io.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, read) = tokio::join!(send, far.read_to_end(&mut got));
        read.unwrap();
        assert!(got == bytes[100..], "{} bytes", got.len());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn pages_are_sent_in_portions_as_the_peer_takes_them() {
        let (near, far) = UnixStream::pair().unwrap();
        pages_arrive_whole(near.into(), far).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (near, _) = listener.accept().await.unwrap();
        pages_arrive_whole(near.into(), far).await;
    }

    #[test]
    fn peers_are_readable() {
        assert_eq!(Peer::Ip("[::ffff:10.0.0.1]:9".parse().unwrap()).to_string(), "10.0.0.1:9");
        assert_eq!(Peer::Unix { uid: Some(5) }.to_string(), "unix(uid 5)");
    }
}
