//! What no browser sends: each ends in an answer of the 400s or a close, and the next conn is served as ever.

use crate::support::Setting;
use hubbub_model::Limits;
use hyper::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn raw_nonsense_is_refused() {
    let mut setting = Setting::open("http://127.0.0.1:0", Limits::default()).await;
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(100));
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(70_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(4_000));
    let rows: &[(&str, &[u8], &str)] = &[
        ("no host", b"GET / HTTP/1.1\r\n\r\n", "400"),
        ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("dots", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("escaped dots", b"GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("escaped NUL", b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("backslash", b"GET /assets%5c..%5c HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("no path", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a proxy's request", b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "400"),
        ("bad escape", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("NUL", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("many headers", many.as_bytes(), "431"),
        ("a long header", long.as_bytes(), "431"),
        ("a long path", long_path.as_bytes(), "400"),
        (
            "two lengths",
            b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            "400",
        ),
        ("another version", b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", "400"),
        ("no HTTP", b"hello\r\n\r\n", "400"),
        ("trace", b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        (
            "a method of its own",
            b"BREW /api/v1/rooms HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "405",
        ),
    ];
    for (what, bytes, status) in rows {
        let mut bytes = bytes.to_vec();
        // A conn that is kept open is closed by its next line.
        bytes.extend_from_slice(b"\0");
        let answer = setting.raw(&bytes).await;
        assert_eq!(answer.get(9..12), Some(*status), "{what}: {answer}");
        assert!(!answer.contains("root:"), "{what}");
    }
    assert_eq!(setting.get("/", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_have_bounds_and_a_type() {
    let mut setting =
        Setting::open("any://127.0.0.1:0", Limits { line_bytes_max: 1_000, ..Limits::default() }).await;
    let long = format!("{{\"guest\":\"{}\"}}", "x".repeat(2_000));
    setting.post("/api/v1/session", &[], &long).await.refused(413, "too-large");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", kind)];
        setting.post("/api/v1/session", &headers, "{\"guest\":\"ada\"}").await.refused(415, "invalid");
    }
    let deep = "[".repeat(900);
    for body in [
        "{",
        "[]",
        "null",
        "{\"guest\":1}",
        "{\"guest\":\"ada\",\"admin\":true}",
        "{}",
        deep.as_str(),
        "\u{feff}{}",
    ] {
        setting.post("/api/v1/session", &[], body).await.refused(400, "invalid");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_heads_and_slow_bodies_end() {
    let setting = Setting::open("http://127.0.0.1:0", Limits::default()).await;
    for part in [
        &b""[..],
        b"PRI * HT",
        b"GET / HTTP/1.1\r\nHost:",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(setting.address()).await.unwrap();
        stream.write_all(part).await.unwrap();
        let mut got = Vec::new();
        // Time stands still but for timers, so this waits for no longer than they do.
        stream.read_to_end(&mut got).await.unwrap();
    }
}
