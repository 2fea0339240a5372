//! The handshake of a WebSocket, and whom the conn is handed over as. What is spoken behind it is another door's.

use crate::support::{Setting, soon};
use hubbub_model::{Admits, Command, Reply, Scope};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const KEY: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn handshake(setting: &Setting, lines: &str) -> String {
    format!("GET /api/v1/socket HTTP/1.1\r\nHost: {}\r\n{KEY}{lines}\r\n", setting.address())
}

/// What comes back, read to the end; `then` is sent with the handshake.
async fn opened(setting: &Setting, lines: &str, then: &str) -> String {
    let mut stream = TcpStream::connect(setting.address()).await.unwrap();
    stream.write_all((handshake(setting, lines) + then).as_bytes()).await.unwrap();
    let mut got = String::new();
    soon("the end of the socket", stream.read_to_string(&mut got)).await.unwrap();
    got
}

#[tokio::test]
async fn a_conn_is_handed_over_with_who_it_is_and_all_that_was_sent() {
    let mut setting = Setting::new().await;
    setting.hub.account("ada").await;
    let secret = setting.hub.token("ada", &[Scope::Read], None).await.1;
    let got = opened(&setting, &format!("Authorization: Bearer {secret}\r\n"), "early").await;
    assert!(got.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{got}");
    assert!(
        got.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "RFC 6455 section 1.3: {got}"
    );
    assert!(got.ends_with("\r\n\r\n<token>early"), "{got}");
    let cookie = setting.post("/api/v1/session", &[], r#"{"guest":"zhangsan"}"#).await.cookie();
    let lines = format!("Cookie: {cookie}\r\nOrigin: http://{}\r\n", setting.address());
    assert!(opened(&setting, &lines, "x").await.ends_with("<guest zhangsan>x"));
    let add = Command::InviteAdd { room: None, admits: Admits::Guest, uses: 1, for_s: 60 };
    let Reply::Invite { code, card } = setting.hub.operate(add).await else { panic!("no invite") };
    let body = format!(r#"{{"code":"{code}","name":"li"}}"#);
    let cookie = setting.post("/api/v1/invites/take", &[], &body).await.cookie();
    let lines = format!("Cookie: {cookie}\r\nOrigin: http://{}\r\n", setting.address());
    assert!(opened(&setting, &lines, "x").await.ends_with(&format!("<guest li by {}>x", card.id)));
}

#[tokio::test]
async fn other_sites_open_no_socket() {
    let mut setting = Setting::new().await;
    let cookie = setting.post("/api/v1/session", &[], r#"{"guest":"zhangsan"}"#).await.cookie();
    setting.hub.account("ada").await;
    let secret = setting.hub.token("ada", &[Scope::Read], None).await.1;
    for (lines, status) in [
        (format!("Cookie: {cookie}\r\nOrigin: http://evil.example\r\nConnection: close\r\n"), "403"),
        (format!("Cookie: {cookie}\r\nConnection: close\r\n"), "403"),
        (
            format!("Authorization: Bearer {secret}\r\nOrigin: http://evil.example\r\nConnection: close\r\n"),
            "403",
        ),
        ("Connection: close\r\n".to_owned(), "401"),
        ("Cookie: hubbub=guest.x.y.z\r\nConnection: close\r\n".to_owned(), "401"),
    ] {
        let got = opened(&setting, &lines, "").await;
        assert_eq!(got.get(9..12), Some(status), "{lines}: {got}");
    }
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let mut setting = Setting::new().await;
    let answer = setting.get("/api/v1/socket", &[]).await;
    answer.refused(426, "invalid");
    assert_eq!(answer.header("sec-websocket-version"), "13", "RFC 6455 section 4.4");
}
