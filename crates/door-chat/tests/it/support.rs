//! A hub behind listeners, and peers that speak bytes over any kind of socket.

use hubbub_door::{DoorCtx, Doors, Listener, Listeners, Place, TlsSource};
use hubbub_model::Limits;
use hubbub_testkit::{PATIENCE, TestHub};
use std::{future::Future, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream, UnixStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls};
use tokio_util::sync::CancellationToken;

pub(crate) struct Setting {
    pub(crate) hub: TestHub,
    pub(crate) listeners: Listeners,
    dir: tempfile::TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Self::open(&["any://127.0.0.1:0"], Limits::default()).await
    }

    /// `{dir}` in a listener stands for a folder of this hub.
    pub(crate) async fn open(urls: &[&str], limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hub = TestHub::with_limits(limits.clone());
        let tls = TlsSource::self_made(&dir.path().join("tls"), &["localhost".to_owned()], 1_700_000_000_000)
            .unwrap();
        let mut doors = Doors::new();
        hubbub_door_chat::register(&mut doors);
        let here = dir.path().to_str().unwrap().to_owned();
        let urls: Vec<Listener> =
            urls.iter().map(|url| url.replace("{dir}", &here).parse().unwrap()).collect();
        let cx = DoorCtx { hub: hub.hub().clone(), limits: Arc::new(limits), stop: CancellationToken::new() };
        let mut listeners = Listeners::bind(&urls, doors, Some(Arc::new(tls)), cx).await.unwrap();
        listeners.open();
        Self { hub, listeners, dir }
    }

    pub(crate) fn address(&self, n: usize) -> SocketAddr {
        match &self.listeners.addresses()[n].place {
            Place::Net { host, port } => SocketAddr::new(host.parse().unwrap(), *port),
            Place::Unix(path) => panic!("{} is not on the net", path.display()),
        }
    }

    /// Somebody at the first listener.
    pub(crate) async fn peer(&self) -> Peer {
        self.peer_at(0).await
    }

    pub(crate) async fn peer_at(&self, n: usize) -> Peer {
        Peer::of(soon("a connection", TcpStream::connect(self.address(n))).await.unwrap())
    }

    /// Somebody whose system takes little that is not read.
    pub(crate) async fn narrow_peer(&self) -> Peer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        Peer::of(soon("a connection", socket.connect(self.address(0))).await.unwrap())
    }

    pub(crate) async fn tls_peer(&self) -> Peer {
        let stream = TcpStream::connect(self.address(0)).await.unwrap();
        let connector = connector(&self.dir.path().join("tls/cert.pem"));
        Peer::of(
            soon("a handshake", connector.connect("localhost".try_into().unwrap(), stream)).await.unwrap(),
        )
    }

    pub(crate) async fn unix_peer(&self, name: &str) -> Peer {
        Peer::of(soon("a connection", UnixStream::connect(self.dir.path().join(name))).await.unwrap())
    }

    /// The text format, in the lobby.
    pub(crate) async fn text(&self, name: &str) -> Peer {
        self.peer().await.enters_text(name).await
    }

    /// The native protocol, in the lobby.
    pub(crate) async fn native(&self, name: &str) -> Peer {
        self.peer().await.enters_native(name).await
    }

    /// The documents' JSON, in the lobby.
    pub(crate) async fn compatible(&self, name: &str) -> Peer {
        self.peer().await.enters_compatible(name).await
    }
}

fn connector(certificate: &Path) -> TlsConnector {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// More than the hub writes at once to a peer that takes each read for one value.
const ONE_READ_BYTES: usize = 4_096;

/// One conn and its transcript.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    transcript: Vec<String>,
}

impl Peer {
    fn of(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new(), transcript: Vec::new() }
    }

    pub(crate) async fn enters_text(mut self, name: &str) -> Self {
        self.send(format!("{name}\n").as_bytes()).await;
        self.arrive().await;
        self
    }

    /// Nothing tells a text client that it has come in: an answer that comes later does.
    pub(crate) async fn arrive(&mut self) {
        self.send(b"/who\n").await;
        let in_all = |line: &[u8]| {
            line.ends_with(b" in all")
                || line.starts_with(b"* \xe5\x85\xb1")
                || line.starts_with(b"* \xb9\xb2")
        };
        while !in_all(&self.line().await) {}
    }

    pub(crate) async fn enters_native(mut self, name: &str) -> Self {
        self.send(format!("{{\"type\":\"login\",\"nickname\":\"{name}\",\"v\":1}}").as_bytes()).await;
        self.until("\"type\":\"joined\"").await;
        self
    }

    pub(crate) async fn enters_compatible(mut self, name: &str) -> Self {
        self.send(format!("{{\"type\":\"login\",\"nickname\":\"{name}\"}}").as_bytes()).await;
        self.until("{\"status\":\"ok\",\"id\":").await;
        self
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.transcript.push(format!("-> {}", shown(bytes)));
        match timeout(PATIENCE, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => soon("flushing", self.stream.flush()).await.unwrap(),
            Ok(Err(error)) => self.fail(&format!("sending failed: {error}")),
            Err(_) => self.fail("the hub takes no more bytes"),
        }
    }

    /// Sends as much as the hub takes.
    pub(crate) async fn pour(&mut self, bytes: &[u8], patience: Duration) -> usize {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match timeout(patience, self.stream.write(rest)).await {
                Ok(Ok(n)) => sent += n,
                Ok(Err(_)) | Err(_) => break,
            }
        }
        sent
    }

    pub(crate) async fn finish(&mut self) {
        self.transcript.push("-> (end)".into());
        // A conn that is gone already needs no end.
        let _ = self.stream.shutdown().await;
    }

    /// The next line, without its newline.
    pub(crate) async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.transcript.push(format!("<- {}", shown(&line)));
                return line;
            }
            if !self.fill().await {
                self.fail("the conn ended before a line came");
            }
        }
    }

    /// The next line must be this one.
    pub(crate) async fn expect(&mut self, line: impl AsRef<[u8]>) {
        let came = self.line().await;
        if came != line.as_ref() {
            self.fail(&format!("this was to come: {}", shown(line.as_ref())));
        }
    }

    /// Reads lines until one contains this.
    pub(crate) async fn until(&mut self, part: &str) -> String {
        loop {
            let line = String::from_utf8_lossy(&self.line().await).into_owned();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All that comes until the conn ends.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// So many bytes.
    pub(crate) async fn bytes(&mut self, n: usize) -> Vec<u8> {
        while self.buffer.len() < n {
            if !self.fill().await {
                self.fail("the conn ended too early");
            }
        }
        self.buffer.drain(..n).collect()
    }

    /// All up to this byte is read and forgotten.
    pub(crate) async fn skip_to(&mut self, byte: u8) {
        while self.bytes(1).await != [byte] {}
    }

    /// All bytes that come until the conn ends.
    pub(crate) async fn rest_bytes(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// What one read gives, of bytes that were not read before.
    pub(crate) async fn one_read(&mut self) -> Vec<u8> {
        assert!(self.buffer.is_empty(), "read to the end of a line before");
        self.buffer.reserve(ONE_READ_BYTES);
        self.fill().await;
        std::mem::take(&mut self.buffer)
    }

    /// Whether anything came within a short while.
    pub(crate) async fn hears_something(&mut self) -> bool {
        let came = timeout(Duration::from_millis(50), self.stream.read_buf(&mut self.buffer)).await;
        matches!(came, Ok(Ok(1..)))
    }

    async fn fill(&mut self) -> bool {
        match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(n)) => n > 0,
            // Being reset is an end too.
            Ok(Err(_)) => false,
            Err(_) => self.fail("nothing comes"),
        }
    }

    pub(crate) fn fail(&self, why: &str) -> ! {
        panic!("{why}\n{}\nnot read yet: {}", self.transcript.join("\n"), shown(&self.buffer))
    }
}

fn shown(bytes: &[u8]) -> String {
    let all = bytes.escape_ascii().to_string();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().take(300).collect(),
        Err(_) => all.chars().take(300).collect(),
    }
}

/// A paused clock that stands still also while sockets and the hub's threads are waited for. (Otherwise it would jump
/// to the next deadline whenever no task of the test can go on.) After some real time it runs, so that waits in vain end.
pub(crate) struct StillTime {
    _busy: JoinSet<()>,
}

impl StillTime {
    pub(crate) fn begin() -> Self {
        let mut busy = JoinSet::new();
        busy.spawn(async {
            let since = std::time::Instant::now();
            while since.elapsed() < 4 * PATIENCE {
                tokio::task::yield_now().await;
            }
            tokio::time::resume();
        });
        Self { _busy: busy }
    }

    /// Lets this much time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        self.settle().await;
        tokio::time::advance(time).await;
        self.settle().await;
    }

    pub(crate) async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let since = std::time::Instant::now();
        while !is() {
            assert!(since.elapsed() < 3 * PATIENCE, "waited in vain until {what}");
            tokio::task::yield_now().await;
        }
        self.settle().await;
    }

    /// Whether nothing has come that was not read, and the conn is open.
    pub(crate) async fn is_quiet(&self, peer: &mut Peer) -> bool {
        self.settle().await;
        let read = std::pin::pin!(peer.stream.read_buf(&mut peer.buffer));
        let came = at_once(read).await;
        came.is_none() && peer.buffer.is_empty()
    }

    /// Every task and socket has had its turns, many times.
    async fn settle(&self) {
        for _ in 0..SETTLED_AFTER_TURNS {
            tokio::task::yield_now().await;
        }
    }
}

/// What the future has at once, if anything.
async fn at_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

const SETTLED_AFTER_TURNS: usize = 2_000;

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE * 4, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
