//! The web client's files, headers of every answer, health, HTTP/2, and how conns end.

use crate::support::{Answer, Setting, soon};
use http_body_util::{BodyExt, Empty};
use hubbub_model::Limits;
use hyper::{Method, Request, StatusCode, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn the_page_comes_with_every_header_and_is_not_sent_twice() {
    let mut setting = Setting::new().await;
    let page = setting.get("/rooms/lab", &[("accept-encoding", "gzip")]).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert_eq!((page.header("content-encoding"), page.header("vary")), ("gzip", "accept-encoding"));
    let again =
        setting.get("/", &[("accept-encoding", "gzip"), ("if-none-match", page.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let head = setting.send(Method::HEAD, "/", &[("accept-encoding", "gzip")], "").await;
    assert_eq!((head.header("content-length"), head.body.len()), (page.body.len().to_string().as_str(), 0));
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let mut setting = Setting::new().await;
    for path in ["/", "/nothing", "/api/v1/hub", "/api/v1/rooms", "/api/v1/nothing", "/healthz", "/a%00b"] {
        let answer = setting.get(path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, wanted) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), wanted, "{path}");
        }
        assert_ne!(answer.header("cache-control"), "", "{path}");
    }
}

#[tokio::test]
async fn a_hub_says_how_it_is() {
    let mut setting = Setting::open("any://127.0.0.1:0?metrics=yes", Limits::default()).await;
    assert_eq!(setting.get("/healthz", &[]).await.status, StatusCode::OK);
    assert_eq!(setting.get("/readyz", &[]).await.status, StatusCode::OK);
    let mut ada = setting.hub.guest("ada").await;
    ada.join("lobby").await;
    ada.say("lobby", "hi").await;
    let metrics = setting.get("/metrics", &[]).await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in ["hubbub_hub_events_total 1", "hubbub_conns_detected_total{protocol=\"http1\"} 3"] {
        assert!(text.lines().any(|is| is == line), "{line}: {text}");
    }
    setting.hub.faults.fail_commits();
    let lost = ada.saying("lobby", "is lost");
    ada.refused(lost).await;
    setting.get("/readyz", &[]).await.refused(503, "read-only");
    assert_eq!(setting.get("/healthz", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn numbers_are_for_listeners_that_say_so() {
    let mut setting = Setting::new().await;
    setting.get("/metrics", &[]).await.refused(404, "not-found");
}

#[tokio::test]
async fn http2_by_prior_knowledge_is_spoken_on_both_kinds_of_listener() {
    for url in ["any://127.0.0.1:0", "http://127.0.0.1:0"] {
        let mut setting = Setting::open(url, Limits::default()).await;
        let stream = TcpStream::connect(setting.address()).await.unwrap();
        let (mut client, conn) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        setting.tasks.spawn(async move { drop(conn.await) });
        let get = |path: &str| {
            let uri = format!("http://{}{path}", setting.address());
            Request::builder().uri(uri).body(Empty::<Bytes>::new()).unwrap()
        };
        let (page, hub) = (get("/"), get("/api/v1/hub"));
        let page = soon("the page", client.send_request(page)).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{url}");
        page.into_body().collect().await.unwrap();
        let hub = Answer::of(soon("the hub", client.send_request(hub)).await.unwrap()).await;
        assert_eq!(hub.json()["name"], "hubbub");
        drop(client);
        assert_eq!(soon("the end", setting.listeners.stop()).await, 0);
    }
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way_and_closes_what_is_idle() {
    let setting = Setting::new().await;
    let mut idle = TcpStream::connect(setting.address()).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    soon("an answer", idle.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // Half a request is under way when the hub stops.
    let mut busy = TcpStream::connect(setting.address()).await.unwrap();
    let head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    busy.write_all(head).await.unwrap();
    let mut go_on = [0; 25];
    soon("a word to go on", busy.read_exact(&mut go_on)).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"));
    let stopping = setting.listeners.stop();
    let talking = async {
        let mut rest = Vec::new();
        soon("the end of an idle conn", idle.read_to_end(&mut rest)).await.unwrap();
        busy.write_all(b"{}").await.unwrap();
        let mut answer = String::new();
        soon("the last answer", busy.read_to_string(&mut answer)).await.unwrap();
        assert!(
            answer.contains("HTTP/1.1 400") && answer.to_lowercase().contains("connection: close"),
            "{answer}"
        );
    };
    let (left, ()) = tokio::join!(stopping, talking);
    assert_eq!(left, 0);
    setting.hub.hub().stop().await;
    soon("the sessions' end", setting.http.ended()).await;
}
