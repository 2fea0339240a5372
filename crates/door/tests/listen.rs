//! Listeners from the outside: real sockets on free ports, and a door that tells what it was given.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use hubbub_door::*;
use hubbub_hub::{
    Config, Hub, WallClock,
    store::{Batch, Findings, Loaded, Outcome, Reader, SearchPlan, Store, StoreError},
};
use hubbub_model::{Event, EventId, Limits, RoomId};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket, UnixStream},
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls};
use tokio_util::sync::CancellationToken;

/// Tells who came, and sends back what it reads.
struct TestDoor(mpsc::Sender<Origin>);

impl Door for TestDoor {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn serve(&self, mut conn: Conn, cx: DoorCtx) -> Result<(), DoorError> {
        self.0.send((*conn.origin).clone()).await.map_err(|_| DoorError::Peer("the test is over"))?;
        let mut bytes = [0; 256];
        loop {
            let read = tokio::select! {
                () = cx.stop.cancelled() => {
                    conn.io.write_all(b"bye").await?;
                    return Ok(());
                }
                read = conn.io.read(&mut bytes) => read?,
            };
            match &bytes[..read] {
                [] => return Ok(()),
                b"panic\n" => panic!("as the test asked"),
                read => conn.io.write_all(read).await?,
            }
            conn.io.flush().await?;
        }
    }
}

/// Never ends by itself.
struct Stubborn;

impl Door for Stubborn {
    fn name(&self) -> &'static str {
        "stubborn"
    }

    async fn serve(&self, _conn: Conn, _cx: DoorCtx) -> Result<(), DoorError> {
        std::future::pending().await
    }
}

/// Fails in each way that there is, then echoes.
#[derive(Default)]
struct Faltering(AtomicUsize);

impl DatagramDoor for Faltering {
    fn name(&self) -> &'static str {
        "faltering"
    }

    async fn run(&self, socket: UdpSocket, cx: DoorCtx) -> Result<(), DoorError> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(std::io::Error::from(std::io::ErrorKind::NetworkDown).into()),
            1 => panic!("as the test asked"),
            2 => Ok(()),
            _ => DatagramDoor::run(&EchoDoor, socket, cx).await,
        }
    }
}

struct Setting {
    listeners: Listeners,
    came: mpsc::Receiver<Origin>,
    tls: Arc<TlsSource>,
    dir: tempfile::TempDir,
}

impl Setting {
    /// A hub whose doors speak text, JSON and, if asked, more; with small limits.
    async fn open(urls: &[&str], limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tls = Arc::new(certificate(dir.path()));
        let (tell, came) = mpsc::channel(16);
        let test: Arc<dyn DynDoor> = Arc::new(TestDoor(tell));
        let mut doors = Doors::new();
        doors.on(Protocol::Text, test.clone()).on(Protocol::Json, test.clone());
        doors.stream("chat", test.clone()).stream("irc", test.clone()).stream("ftp", test);
        doors.stream("run", Arc::new(Stubborn));
        doors.stream("echo", Arc::new(EchoDoor)).datagram("echo", Arc::new(EchoDoor));
        let urls: Vec<Listener> = urls.iter().map(|url| url.parse().unwrap()).collect();
        let mut listeners = Listeners::bind(&urls, doors, Some(tls.clone()), cx(limits)).await.unwrap();
        listeners.open();
        Self { listeners, came, tls, dir }
    }

    fn address(&self) -> SocketAddr {
        let Place::Net { host, port } = &self.listeners.addresses()[0].place else {
            panic!("not on the net")
        };
        SocketAddr::new(host.parse().unwrap(), *port)
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address())).await.unwrap()
    }

    async fn who(&mut self) -> Origin {
        soon(self.came.recv()).await.unwrap()
    }

    /// Sends, and gives all that comes back until the hub closes.
    async fn answer(&self, bytes: &[u8]) -> String {
        let mut conn = self.connect().await;
        conn.write_all(bytes).await.unwrap();
        rest(&mut conn).await
    }
}

fn certificate(dir: &Path) -> TlsSource {
    TlsSource::self_made(&dir.join("tls"), &["localhost".to_owned()], 1_700_000_000_000).unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future).await.expect("not within 10 seconds")
}

async fn rest(conn: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    soon(conn.read_to_end(&mut bytes)).await.unwrap();
    bytes.escape_ascii().to_string()
}

async fn echoes(conn: &mut (impl AsyncRead + AsyncWrite + Unpin), sent: &[u8]) {
    conn.write_all(sent).await.unwrap();
    comes(conn, sent).await;
}

async fn comes(conn: &mut (impl AsyncRead + Unpin), wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    soon(conn.read_exact(&mut got)).await.unwrap();
    assert_eq!(got.escape_ascii().to_string(), wanted.escape_ascii().to_string());
}

/// Until it is so: the numbers change in another task.
async fn until(what: &str, is: impl Fn() -> bool) {
    soon(async {
        while !is() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(is(), "{what}");
}

/// A TLS client that trusts just this certificate, and how it fares.
async fn tls(
    setting: &Setting,
    alpn: &[&str],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(setting.dir.path().join("tls/cert.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = "localhost".try_into().unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, setting.connect().await)).await
}

fn cx(limits: Limits) -> DoorCtx {
    DoorCtx { hub: hub(), limits: Arc::new(limits), stop: CancellationToken::new() }
}

/// A hub with nothing in it: no test here asks it for anything.
fn hub() -> Hub {
    let limits = Arc::new(Limits::default());
    let config = Config { limits, clock: Arc::new(WallClock), registration: false };
    Hub::start(config, Box::new(Nothing)).expect("an empty hub starts").0
}

/// Stores nothing and finds nothing.
struct Nothing;

impl Store for Nothing {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn commit(&mut self, _: &Batch) -> Result<Vec<Outcome>, StoreError> {
        Ok(Vec::new())
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(Self))
    }

    fn tidy(&mut self, _: i64) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Reader for Nothing {
    fn ascending(&mut self, _: RoomId, _: u64, _: u64, _: usize, _: usize) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    fn descending(&mut self, _: RoomId, _: u64, _: usize, _: usize) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    fn first_from(&mut self, _: RoomId, _: EventId) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn search(&mut self, _: &SearchPlan, _: Findings) -> Result<Findings, StoreError> {
        Ok(Findings::default())
    }
}

#[tokio::test]
async fn text_and_json_come_to_their_door_whole() {
    let mut setting = Setting::open(&["any://127.0.0.1:0?encoding=gbk"], Limits::default()).await;
    let mut ada = setting.connect().await;
    echoes(&mut ada, b"ada\n").await;
    let origin = setting.who().await;
    assert_eq!(origin.protocol, Protocol::Text);
    assert_eq!(origin.peer, Peer::Ip(ada.local_addr().unwrap()));
    assert_eq!(*origin.local, format!("any://{}", setting.address()));
    assert_eq!(origin.options.encoding, Encoding::Gbk);
    assert!(origin.tls.is_none() && origin.options.guests);
    let mut bob = setting.connect().await;
    echoes(&mut bob, b"{\"type\":\"login\",\"nickname\":\"bob\"}").await;
    assert_eq!(setting.who().await.protocol, Protocol::Json);
    let mut telnet = setting.connect().await;
    echoes(&mut telnet, b"\xff\xfd\x01").await;
    assert_eq!(setting.who().await.protocol, Protocol::Telnet);
    assert_eq!(setting.listeners.counters().accepted(), 3);
    assert_eq!(setting.listeners.counters().detected(Protocol::Text), 1);
}

#[tokio::test]
async fn single_bytes_are_put_together() {
    let mut setting = Setting::open(&["any://127.0.0.1:0"], Limits::default()).await;
    let mut ada = setting.connect().await;
    ada.set_nodelay(true).unwrap();
    for byte in b"NICK NAME BOB AND\n" {
        ada.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    comes(&mut ada, b"NICK NAME BOB AND\n").await;
    assert_eq!(setting.who().await.protocol, Protocol::Text);
}

#[tokio::test]
async fn silence_is_greeted_where_asked_for() {
    let mut setting = Setting::open(&["any://127.0.0.1:0?greet=10ms"], Limits::default()).await;
    let mut ada = setting.connect().await;
    assert_eq!(setting.who().await.protocol, Protocol::Text);
    echoes(&mut ada, b"hi").await;
}

#[tokio::test]
async fn tls_is_spoken_on_the_same_port() {
    let mut setting = Setting::open(&["any://127.0.0.1:0"], Limits::default()).await;
    let mut ada = tls(&setting, &[]).await.unwrap();
    echoes(&mut ada, b"ada\n").await;
    let origin = setting.who().await;
    let facts = origin.tls.unwrap();
    assert_eq!(
        (origin.protocol, facts.version, facts.sni.as_deref()),
        (Protocol::Text, "TLSv1_3", Some("localhost"))
    );
    let mut bob = tls(&setting, &["irc", "hubbub/1"]).await.unwrap();
    echoes(&mut bob, b"anything").await;
    let origin = setting.who().await;
    assert_eq!(origin.protocol, Protocol::Json, "what ALPN says is not looked at again");
    assert_eq!(origin.tls.unwrap().alpn.as_deref(), Some("hubbub/1"));
    let error = tls(&setting, &["h2", "http/1.1"]).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    until("counted", || setting.listeners.counters().refused(Refused::Handshake) == 1).await;
}

#[tokio::test]
async fn a_reload_gives_new_conns_the_new_certificate() {
    let setting = Setting::open(&["anys://127.0.0.1:0"], Limits::default()).await;
    let shown = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        fingerprint(&stream.get_ref().1.peer_certificates().unwrap()[0]).unwrap()
    };
    let old = setting.tls.fingerprint();
    assert_eq!(shown(&tls(&setting, &[]).await.unwrap()), old);
    std::fs::remove_dir_all(setting.dir.path().join("tls")).unwrap();
    certificate(setting.dir.path());
    setting.tls.reload().unwrap();
    let new = shown(&tls(&setting, &[]).await.unwrap());
    assert!(new != old && new == setting.tls.fingerprint());
}

#[tokio::test]
async fn where_only_tls_is_spoken_plain_bytes_are_told() {
    for url in ["anys://127.0.0.1:0", "any://127.0.0.1:0?tls=required", "ircs://127.0.0.1:0"] {
        let mut setting = Setting::open(&[url], Limits::default()).await;
        let answer = setting.answer(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\\r\\n"), "{url}: {answer}");
        assert!(setting.answer(b"ada\n").await.contains("TLS only"), "{url}");
        assert!(setting.answer(b"{}").await.contains("TLS only"), "{url}");
        let mut ada = tls(&setting, &[]).await.unwrap();
        echoes(&mut ada, b"ada\n").await;
        setting.who().await;
        assert_eq!(setting.listeners.counters().refused(Refused::TlsRequired), 3, "{url}");
    }
}

#[tokio::test]
async fn garbage_where_tls_is_spoken_ends_its_conn_only() {
    let mut setting = Setting::open(&["anys://127.0.0.1:0"], Limits::default()).await;
    let mut ada = tls(&setting, &[]).await.unwrap();
    echoes(&mut ada, b"ada\n").await;
    setting.who().await;
    let counters = setting.listeners.counters();
    for (garbage, reason) in [
        (b"\x80\x00\x17\x2a\0\0\0\0 and more".as_slice(), Refused::Scanner),
        (b"\x16\x03\x01\x00\x05\x01\0\0\x01\xff", Refused::Handshake),
        (b"\x16\x03\x01\x00\xf4\x01\0\0\xf0\x03\x03 a hello of spaces that is not one", Refused::Handshake),
        (b"no hello at all\n", Refused::TlsRequired),
    ] {
        let mut conn = setting.connect().await;
        conn.write_all(garbage).await.unwrap();
        conn.shutdown().await.unwrap();
        // It may be told or reset; it is never served.
        let mut got = Vec::new();
        let _ = soon(conn.read_to_end(&mut got)).await;
        until("counted", || counters.refused(reason) > 0).await;
        echoes(&mut ada, b"still here").await;
    }
    until("all are counted", || {
        (counters.refused(Refused::Handshake), counters.refused(Refused::Scanner)) == (2, 1)
    })
    .await;
    until("they are gone", || setting.listeners.admission().conns() == 1).await;
    assert!(setting.came.try_recv().is_err(), "none came to a door");
}

#[tokio::test]
async fn ssh_needs_no_tls_but_does_not_get_to_another_door() {
    let setting = Setting::open(&["any://127.0.0.1:0?tls=required"], Limits::default()).await;
    assert!(setting.answer(b"SSH-2.0-x\r\n").await.contains("no SSH door"));
    let setting = Setting::open(&["ircs://127.0.0.1:0"], Limits::default()).await;
    assert!(setting.answer(b"SSH-2.0-x\r\n").await.contains("TLS only"));
}

#[tokio::test]
async fn where_no_tls_is_spoken_a_hello_gets_the_alert() {
    let setting = Setting::open(&["any://127.0.0.1:0?tls=off"], Limits::default()).await;
    assert_eq!(setting.answer(b"\x16\x03\x01\x02\0\x01\0").await, r"\x15\x03\x01\x00\x02\x02(");
}

#[tokio::test]
async fn protocols_without_a_door_hear_it_in_their_own_words() {
    let setting = Setting::open(&["any://127.0.0.1:0"], Limits::default()).await;
    for (sent, words) in [
        (b"NICK ada\r\n".as_slice(), r"ERROR :This hub has no IRC door\r\n"),
        (b"SSH-2.0-test\r\n", r"This hub has no SSH door.\r\n"),
        (b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", r" \x02\x00\x03"),
        (b"\x10\x0d\0\x04MQTT\x05\x02\0\x3c\0\0\0", r" \x03\x00\x88\x00"),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            r"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\r",
        ),
        (b"\x05\x01\0", ""),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", ""),
    ] {
        let mut conn = setting.connect().await;
        conn.write_all(sent).await.unwrap();
        let mut got = Vec::new();
        // What is closed without a word may be reset.
        let read = soon(conn.read_to_end(&mut got)).await;
        assert!(read.is_ok() || words.is_empty());
        assert_eq!(got.escape_ascii().to_string(), words);
        drop(conn);
    }
    let answer = setting.answer(b"POST / HTTP/1.1\r\n\r\n{\"type\":\"login\"}").await;
    assert!(answer.starts_with("HTTP/1.1 501 Not Implemented\\r\\nConnection: close\\r\\n"), "{answer}");
    let counters = setting.listeners.counters();
    assert_eq!((counters.refused(Refused::NoDoor), counters.refused(Refused::Scanner)), (5, 2));
}

#[tokio::test]
async fn a_trusted_proxy_tells_who_it_is() {
    let mut setting = Setting::open(&["any://127.0.0.1:0?proxy=127.0.0.0/8"], Limits::default()).await;
    let mut ada = setting.connect().await;
    ada.write_all(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nada\n").await.unwrap();
    comes(&mut ada, b"ada\n").await;
    assert_eq!(setting.who().await.peer.to_string(), "192.0.2.7:4711");
    let mut bob = setting.connect().await;
    bob.write_all(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x08\x0a\0\0\x01\x12\x67\0\x50")
        .await
        .unwrap();
    echoes(&mut bob, b"{}").await;
    let origin = setting.who().await;
    assert_eq!((origin.peer.to_string().as_str(), origin.protocol), ("192.0.2.8:4711", Protocol::Json));
    let mut none = setting.connect().await;
    none.write_all(b"eve\n").await.unwrap();
    let _ = soon(none.read(&mut [0; 1])).await;
    until("counted", || setting.listeners.counters().refused(Refused::BadProxy) == 1).await;
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_not_believed() {
    for url in ["any://127.0.0.1:0", "any://127.0.0.1:0?proxy=10.0.0.0/8"] {
        let setting = Setting::open(&[url], Limits::default()).await;
        let mut eve = setting.connect().await;
        eve.write_all(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nada\n").await.unwrap();
        let _ = soon(eve.read(&mut [0; 1])).await;
        until("counted", || setting.listeners.counters().refused(Refused::UntrustedProxy) == 1).await;
    }
}

#[tokio::test]
async fn an_address_behind_a_proxy_has_its_limit() {
    let limits = Limits { conns_per_address_max: 1, ..Limits::default() };
    let mut setting = Setting::open(&["any://127.0.0.1:0?proxy=127.0.0.1"], limits).await;
    let mut conns = Vec::new();
    for port in [1, 2] {
        let mut conn = setting.connect().await;
        conn.write_all(format!("PROXY TCP4 192.0.2.7 10.0.0.1 {port} 80\r\nada\n").as_bytes()).await.unwrap();
        conns.push(conn);
    }
    setting.who().await;
    until("counted", || setting.listeners.counters().refused(Refused::TooManyFromAddress) == 1).await;
}

#[tokio::test]
async fn silent_conns_are_counted_and_freed() {
    let limits = Limits { silent_conns_max: 2, ..Limits::default() };
    let mut setting = Setting::open(&["any://127.0.0.1:0"], limits).await;
    let admission = setting.listeners.admission();
    let (ada, mut bob) = (setting.connect().await, setting.connect().await);
    until("two are silent", || admission.silent() == 2).await;
    let mut third = setting.connect().await;
    assert_eq!(rest(&mut third).await, "");
    assert_eq!(setting.listeners.counters().refused(Refused::TooManySilent), 1);
    echoes(&mut bob, b"bob\n").await;
    setting.who().await;
    assert_eq!((admission.conns(), admission.silent()), (2, 1));
    drop((ada, bob));
    until("none is there", || (admission.conns(), admission.silent()) == (0, 0)).await;
}

#[tokio::test]
async fn a_panic_ends_its_conn_only() {
    let mut setting = Setting::open(&["any://127.0.0.1:0"], Limits::default()).await;
    let mut ada = setting.connect().await;
    echoes(&mut ada, b"ada\n").await;
    let mut bob = setting.connect().await;
    bob.write_all(b"panic\n").await.unwrap();
    assert_eq!(rest(&mut bob).await, "");
    echoes(&mut ada, b"still here").await;
    setting.who().await;
    until("counted", || setting.listeners.counters().refused(Refused::Panic) == 1).await;
    until("freed", || setting.listeners.admission().conns() == 1).await;
}

#[tokio::test]
async fn a_taken_port_is_told_with_what_to_do() {
    let setting = Setting::open(&["any://127.0.0.1:0"], Limits::default()).await;
    let again = setting.listeners.addresses().to_vec();
    let error =
        Listeners::bind(&again, Doors::new(), None, cx(Limits::default())).await.unwrap_err().to_string();
    assert!(error.contains(&setting.address().to_string()), "{error}");
    assert!(error.contains("Is another hub running? Choose another address with --listen"), "{error}");
}

#[tokio::test]
async fn a_listener_without_its_door_is_not_bound() {
    for (url, wanted) in
        [("mqtt://127.0.0.1:0", "no mqtt door"), ("anys://127.0.0.1:0", "TLS is switched off")]
    {
        let urls = [url.parse().unwrap()];
        let error =
            Listeners::bind(&urls, Doors::new(), None, cx(Limits::default())).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn a_unix_socket_has_the_same_doors_and_goes_with_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.sock");
    let mut setting = Setting::open(&[&format!("any+unix://{}", path.display())], Limits::default()).await;
    let mut ada = soon(UnixStream::connect(&path)).await.unwrap();
    echoes(&mut ada, b"ada\n").await;
    assert!(matches!(setting.who().await.peer, Peer::Unix { uid: Some(_) }));
    assert_eq!(soon(setting.listeners.stop()).await, 0);
    assert_eq!(rest(&mut ada).await, "bye");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_listener_with_one_door_sends_first_where_its_protocol_does() {
    let mut setting = Setting::open(&["ftp://127.0.0.1:0"], Limits::default()).await;
    let _silent = setting.connect().await;
    assert_eq!(setting.who().await.protocol, Protocol::Raw);
}

#[tokio::test]
async fn irc_has_tls_on_its_own_port_too() {
    let mut setting = Setting::open(&["irc://127.0.0.1:0"], Limits::default()).await;
    let mut ada = setting.connect().await;
    echoes(&mut ada, b"whatever").await;
    let origin = setting.who().await;
    assert!(origin.protocol == Protocol::Irc && origin.tls.is_none());
    let mut bob = tls(&setting, &["irc"]).await.unwrap();
    echoes(&mut bob, b"whatever").await;
    let origin = setting.who().await;
    assert!(origin.protocol == Protocol::Irc && origin.tls.is_some());
}

#[tokio::test]
async fn a_person_on_a_chat_listener_may_be_called_anything() {
    let mut setting = Setting::open(&["chat://127.0.0.1:0"], Limits::default()).await;
    let mut ada = setting.connect().await;
    echoes(&mut ada, b"NICK ada\n").await;
    assert_eq!(setting.who().await.protocol, Protocol::Text);
    let answer = setting.answer(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 "), "no request reaches the text format: {answer}");
}

#[tokio::test]
async fn what_does_not_end_is_ended() {
    let limits = Limits { shutdown_s: 0, ..Limits::default() };
    let setting = Setting::open(&["run://127.0.0.1:0"], limits).await;
    let mut conn = setting.connect().await;
    let admission = setting.listeners.admission();
    until("it is there", || admission.conns() == 1 && admission.silent() == 0).await;
    assert_eq!(soon(setting.listeners.stop()).await, 1);
    assert_eq!(rest(&mut conn).await, "");
    assert_eq!(admission.conns(), 0);
}

#[tokio::test]
async fn echo_sends_back_on_tcp_and_udp() {
    let setting = Setting::open(&["echo://127.0.0.1:0"], Limits::default()).await;
    let sent: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
    let (mut read, mut write) = setting.connect().await.into_split();
    let copy = sent.clone();
    let (got, ()) = soon(async {
        let reading = async {
            let mut got = Vec::new();
            read.read_to_end(&mut got).await.unwrap();
            got
        };
        let writing = async {
            write.write_all(&copy).await.unwrap();
            write.shutdown().await.unwrap();
        };
        tokio::join!(reading, writing)
    })
    .await;
    assert!(got == sent, "half-closed, the echo is still whole");
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in [b"".as_slice(), b"ping", &[7; 9_000]] {
        socket.send_to(datagram, setting.address()).await.unwrap();
        let mut got = vec![0; 65_536];
        let (length, from) = soon(socket.recv_from(&mut got)).await.unwrap();
        assert_eq!((&got[..length], from), (datagram, setting.address()));
    }
}

#[tokio::test]
async fn a_datagram_door_that_fails_is_started_again_on_its_socket() {
    let mut doors = Doors::new();
    let door = Arc::new(Faltering::default());
    doors.stream("echo", Arc::new(EchoDoor)).datagram("echo", door.clone());
    let urls = ["echo://127.0.0.1:0".parse().unwrap()];
    let mut listeners = Listeners::bind(&urls, doors, None, cx(Limits::default())).await.unwrap();
    let Place::Net { port, .. } = listeners.addresses()[0].place else { panic!("not on the net") };
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // What comes while no door runs waits in the socket.
    socket.send_to(b"ping", ("127.0.0.1", port)).await.unwrap();
    listeners.open();
    let mut got = [0; 16];
    let (length, _) = soon(socket.recv_from(&mut got)).await.unwrap();
    assert_eq!((&got[..length], door.0.load(Ordering::Relaxed)), (b"ping".as_slice(), 4));
    let mut conn = soon(TcpStream::connect(("127.0.0.1", port))).await.unwrap();
    echoes(&mut conn, b"the streams of the listener go on").await;
    drop(conn);
    assert_eq!(soon(listeners.stop()).await, 0, "it ends while it is well");
}
