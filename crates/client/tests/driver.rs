//! The client against a scripted hub on a socket of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests, too")]

use hubbub_client::{
    Address, Begin, Client, ClientError, Events, Fault, Incoming, LoginAs, Options, PinError, Timing,
    wire::Request,
};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinSet,
    time::timeout,
};

const WAIT: Duration = Duration::from_secs(10);

/// The hub's end of one conn.
struct Peer<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    async fn get(&mut self) -> Value {
        let mut line = String::new();
        timeout(WAIT, self.0.read_line(&mut line)).await.expect("a request in time").expect("a conn");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"))
    }

    async fn get_type(&mut self, kind: &str) -> Value {
        let got = self.get().await;
        assert_eq!(got["type"], kind, "{got}");
        got
    }

    async fn put(&mut self, value: &Value) {
        self.0.get_mut().write_all(format!("{value}\n").as_bytes()).await.expect("a conn");
        self.0.get_mut().flush().await.expect("a conn");
    }

    /// Welcomes the client.
    async fn let_in(&mut self) {
        let login = self.get_type("login").await;
        self.put(&welcome(&login)).await;
    }

    /// Opens the room that is asked for.
    async fn open(&mut self, head: u64, next: u64) -> Value {
        let join = self.get_type("join").await;
        self.put(&json!({"type": "joined", "rid": join["rid"], "room": "lab", "epoch": 1, "seq": head, "next": next,
            "missing": 0, "member": false, "topic": "", "attendees": 1, "unread": 0, "mentions": 0}))
            .await;
        join
    }

    /// Takes something said.
    async fn take(&mut self, seq: u64) -> Value {
        let say = self.get_type("say").await;
        self.put(
            &json!({"type": "sent", "rid": say["rid"], "room": "lab", "seq": seq, "id": id(seq), "ts": 0}),
        )
        .await;
        say
    }

    async fn event(&mut self, seq: u64) {
        self.put(
            &json!({"type": "message", "room": "lab", "seq": seq, "id": id(seq), "ts": 0, "sender_id": 1,
            "sender_nickname": "bob", "via": "nc", "session": 9, "message": format!("m{seq}")}),
        )
        .await;
    }
}

fn id(seq: u64) -> String {
    format!("01936d90-0000-7000-8000-{seq:012}")
}

fn welcome(login: &Value) -> Value {
    json!({"status": "ok", "id": 5, "type": "welcome", "rid": login["rid"], "v": 1, "nickname": login["nickname"],
        "kind": "guest", "role": "guest", "session": 3, "hub": "test",
        "limits": {"message_bytes": 16384, "value_bytes": 65536, "note_bytes": 512, "rooms": 200, "history": 500}})
}

async fn listen() -> (TcpListener, Options) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    (listener, options(address))
}

fn options(address: Address) -> Options {
    let mut options = Options::new(address, LoginAs::Guest(Some("ada".into())));
    options.timing = Timing {
        retry_first: Duration::from_millis(5),
        retry_max: Duration::from_millis(20),
        ..Timing::default()
    };
    options
}

async fn accept(listener: &TcpListener) -> Peer<tokio::net::TcpStream> {
    let (stream, _) = timeout(WAIT, listener.accept()).await.expect("a conn in time").unwrap();
    Peer(BufReader::new(stream))
}

async fn next(events: &mut Events) -> Incoming {
    timeout(WAIT, events.next()).await.expect("something heard in time").expect("more to hear")
}

/// What is heard, up to and with the event of this place.
async fn until(events: &mut Events, place: u64) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        match next(events).await {
            Incoming::Event { value, .. } => {
                heard.push(value.seq.to_string());
                if value.seq == place {
                    return heard;
                }
            }
            Incoming::Joined { again, .. } => heard.push(format!("joined again={again}")),
            Incoming::Connected { again, .. } => heard.push(format!("connected again={again}")),
            Incoming::Resumed { missing } => heard.push(format!("resumed missing={missing}")),
            Incoming::Offline { .. } => heard.push("offline".into()),
            other => heard.push(format!("{other:?}")),
        }
    }
}

#[tokio::test]
async fn a_break_loses_and_doubles_nothing() {
    let (listener, options) = listen().await;
    let hub = async {
        let mut first = accept(&listener).await;
        first.let_in().await;
        first.open(2, 1).await;
        first.event(1).await;
        first.event(2).await;
        let said = first.get_type("say").await;
        drop(first);
        let mut second = accept(&listener).await;
        second.let_in().await;
        let join = second.open(4, 3).await;
        assert_eq!(join["after"], json!({"epoch": 1, "seq": 2}));
        let again = second.take(4).await;
        assert_eq!(again["txn"], said["txn"]);
        assert_eq!(said["txn"].as_str().unwrap().len(), 32, "128 bits");
        for seq in [2, 3, 4] {
            second.event(seq).await;
        }
        second.get_type("quit").await;
    };
    let program = async {
        let (client, mut events) = Client::connect(options.with_room("lab", Begin::Last(10))).await.unwrap();
        let said = client.say("lab", "hello");
        let (said, heard) = tokio::join!(said, until(&mut events, 4));
        assert_eq!(said.unwrap().seq, 4);
        let want = [
            "connected again=false",
            "joined again=false",
            "1",
            "2",
            "offline",
            "connected again=true",
            "joined again=true",
            "resumed missing=0",
            "3",
            "4",
        ];
        assert_eq!(heard, want);
        assert_eq!(client.pending(), 0);
        client.quit().await;
        assert!(matches!(next(&mut events).await, Incoming::Closed(_)));
        assert!(matches!(client.say("lab", "late").await, Err(ClientError::Closed(_))));
    };
    tokio::join!(hub, program);
}

#[tokio::test]
async fn the_first_try_may_fail_at_once_or_be_repeated() {
    let (listener, options) = listen().await;
    drop(listener);
    let error = Client::connect(options.clone()).await.unwrap_err();
    assert!(matches!(error, Fault::Reach { .. }), "{error}");
    let (_client, mut events) = Client::start(options).unwrap();
    for _ in 0..3 {
        assert!(matches!(next(&mut events).await, Incoming::Offline { .. }));
    }
}

#[tokio::test]
async fn a_refused_login_and_what_is_no_hub_are_told() {
    for (answer, want) in [
        (
            r#"{"status":"error","code":"bad-credentials","message":"wrong name or password"}"#,
            "wrong name or password",
        ),
        ("SSH-2.0-OpenSSH_9.9", "what answers there is not a hub: it speaks no JSON"),
    ] {
        let (listener, options) = listen().await;
        let hub = async {
            let mut peer = accept(&listener).await;
            peer.get_type("login").await;
            peer.0.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        };
        let (_, connected) = tokio::join!(hub, Client::connect(options));
        assert_eq!(connected.unwrap_err().to_string(), want);
    }
}

#[tokio::test]
async fn a_dropped_client_ends_its_conn_and_a_final_bye_the_client() {
    let (listener, options) = listen().await;
    let hub = async {
        let mut peer = accept(&listener).await;
        peer.let_in().await;
        let mut rest = Vec::new();
        timeout(WAIT, peer.0.read_to_end(&mut rest)).await.unwrap().unwrap();
        let mut peer = accept(&listener).await;
        peer.let_in().await;
        peer.put(&json!({"type": "bye", "reason": "revoked"})).await;
    };
    let program = async {
        drop(Client::connect(options.clone()).await.unwrap());
        let (client, mut events) = Client::connect(options).await.unwrap();
        assert!(matches!(next(&mut events).await, Incoming::Connected { .. }));
        let Incoming::Closed(fault) = next(&mut events).await else { panic!() };
        assert_eq!(fault.to_string(), "the hub closed the conn: revoked");
        let error = client.request(Request::Rooms).await.unwrap_err();
        assert!(matches!(error, ClientError::Closed(why) if Arc::ptr_eq(&why, &fault)));
    };
    tokio::join!(hub, program);
}

#[tokio::test]
async fn a_program_that_does_not_listen_holds_the_hub_back() {
    let (listener, options) = listen().await;
    let (events_sent, line) = (20_000u64, 200u64);
    let hub = async {
        let mut peer = accept(&listener).await;
        peer.let_in().await;
        peer.open(0, 1).await;
        for seq in 1..=events_sent {
            peer.event(seq).await;
        }
    };
    let program = async {
        let (_client, mut events) = Client::connect(options.with_room("lab", Begin::Head)).await.unwrap();
        let heard = until(&mut events, events_sent).await;
        assert_eq!(heard.len() as u64, events_sent + 2, "{line} bytes each, through a queue of 1,024");
    };
    tokio::join!(hub, program);
}

#[tokio::test]
async fn said_in_a_pipeline_is_committed_in_order() {
    let (listener, options) = listen().await;
    let count = 3_000;
    let hub = async {
        let mut peer = accept(&listener).await;
        peer.let_in().await;
        for n in 1..=count {
            assert_eq!(peer.take(n).await["text"], format!("m{n}"));
        }
    };
    let program = async {
        let (client, events) = Client::connect(options).await.unwrap();
        drop(events);
        let mut answers = JoinSet::new();
        for n in 1..=count {
            let answer = client.submit_say("lab", &format!("m{n}")).await.unwrap();
            answers.spawn(async move { (n, answer.said().await.unwrap().seq) });
        }
        client.settled().await;
        assert!(answers.join_all().await.into_iter().all(|(n, seq)| n == seq));
    };
    tokio::join!(hub, program);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_as_good() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let hub = async {
        let mut peer = Peer(BufReader::new(listener.accept().await.unwrap().0));
        peer.let_in().await;
        peer.take(1).await;
    };
    let program = async {
        let (client, _events) = Client::connect(options(Address::unix(&path))).await.unwrap();
        client.say("lab", "hello").await.unwrap();
    };
    tokio::join!(hub, program);
}

fn acceptor() -> tokio_rustls::TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config).into()
}

async fn over_tls(
    listener: &TcpListener,
    acceptor: &tokio_rustls::TlsAcceptor,
    known_hubs: &Path,
) -> Result<Option<String>, Fault> {
    let port = listener.local_addr().unwrap().port();
    let mut options = options(format!("hubbubs://localhost:{port}").parse().unwrap());
    options.known_hubs = Some(known_hubs.to_owned());
    let hub = async {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(stream) = acceptor.accept(stream).await else { return };
        let mut peer = Peer(BufReader::new(stream));
        peer.let_in().await;
    };
    let program = async {
        let (_client, mut events) = Client::connect(options).await?;
        match next(&mut events).await {
            Incoming::Pinned(pinned) => Ok(Some(pinned.fingerprint)),
            _ => Ok(None),
        }
    };
    tokio::join!(hub, program).1
}

#[tokio::test]
async fn a_certificate_is_known_from_its_first_use_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hubs");
    let (ours, another) = (acceptor(), acceptor());
    let fingerprint = over_tls(&listener, &ours, &file).await.unwrap().expect("told at the first use");
    assert_eq!(over_tls(&listener, &ours, &file).await.unwrap(), None, "and at no later one");
    let text = std::fs::read_to_string(&file).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(text, format!("localhost:{port} sha256:{fingerprint}\n"));
    let error = over_tls(&listener, &another, &file).await.unwrap_err();
    let Fault::Pin(PinError::Changed { known, shown, line, .. }) = &error else { panic!("{error}") };
    assert_eq!((known, *line), (&fingerprint, 1));
    assert_ne!(shown, &fingerprint);
    assert!(error.is_final());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the file stays");
}

#[tokio::test]
async fn tls_is_never_given_up() {
    let (listener, mut options) = listen().await;
    let dir = tempfile::tempdir().unwrap();
    options.address.tls = true;
    assert!(matches!(Client::connect(options.clone()).await.unwrap_err(), Fault::Pin(PinError::NoFile)));
    options.known_hubs = Some(dir.path().join("known_hubs"));
    let hub = async {
        let mut peer = accept(&listener).await;
        let first = peer.0.read_u8().await.unwrap();
        peer.0.get_mut().write_all(b"{\"type\":\"hello\"}\n").await.unwrap();
        first
    };
    let (first, connected) = tokio::join!(hub, Client::connect(options));
    assert_eq!(first, 0x16, "a handshake, not a login");
    assert!(matches!(connected.unwrap_err(), Fault::Tls { .. }));
}
