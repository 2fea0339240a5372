//! A hub behind the door, a client of HTTP, and raw conns.

use http_body_util::{BodyExt, Full};
use hubbub_door::{Conn, DoorCtx, Doors, Listener, Listeners, Place, Serving, TakesOver};
use hubbub_door_http::{HttpConfig, HttpDoor};
use hubbub_hub::Credentials;
use hubbub_model::Limits;
use hubbub_testkit::{PATIENCE, TestHub};
use hyper::{HeaderMap, Method, Request, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{future::Future, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub(crate) struct Setting {
    pub(crate) hub: TestHub,
    pub(crate) http: Arc<HttpDoor>,
    pub(crate) listeners: Listeners,
    /// The conns of clients, which end with this.
    pub(crate) tasks: JoinSet<()>,
}

/// Says who came and then gives back what it reads.
struct Teller;

impl TakesOver for Teller {
    fn take_over(self: Arc<Self>, mut conn: Conn, who: Credentials, _: DoorCtx) -> Serving {
        Box::pin(async move {
            let who = match who {
                Credentials::Guest(name) => {
                    format!("guest {}", name.map(|name| name.to_string()).unwrap_or_default())
                }
                Credentials::Invited(name, invite) => format!("guest {name} by {invite}"),
                Credentials::Token(_) => "token".to_owned(),
                Credentials::Password(..) | Credentials::Invite { .. } => "password".to_owned(),
            };
            conn.io.write_all(format!("<{who}>").as_bytes()).await?;
            let mut said = [0; 64];
            let n = conn.io.read(&mut said).await?;
            conn.io.write_all(&said[..n]).await?;
            conn.io.shutdown().await?;
            Ok(())
        })
    }
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Self::open("any://127.0.0.1:0", Limits::default()).await
    }

    pub(crate) async fn open(url: &str, limits: Limits) -> Self {
        let hub = TestHub::with_limits(limits.clone());
        let mut doors = Doors::new();
        doors.takes_over("websocket", Arc::new(Teller));
        let http = hubbub_door_http::register(&mut doors, HttpConfig { name: None, guest_key: [7; 32] });
        let urls: Vec<Listener> = vec![url.parse().unwrap()];
        let cx = DoorCtx { hub: hub.hub().clone(), limits: Arc::new(limits), stop: CancellationToken::new() };
        let mut listeners = Listeners::bind(&urls, doors, None, cx).await.unwrap();
        http.watch(&listeners);
        listeners.open();
        Self { hub, http, listeners, tasks: JoinSet::new() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.listeners.addresses()[0].place {
            Place::Net { host, port } => SocketAddr::new(host.parse().unwrap(), *port),
            Place::Unix(path) => panic!("{} is not on the net", path.display()),
        }
    }

    /// A request with these headers. Our own page's `Origin` goes with it unless another is given.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let stream = soon("a connection", TcpStream::connect(self.address())).await.unwrap();
        let (mut client, conn) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        self.tasks.spawn(async move { drop(conn.await) });
        let host = self.address().to_string();
        let mut request = Request::builder().method(method).uri(path).header("host", &host);
        if !headers.iter().any(|(name, _)| *name == "origin") {
            request = request.header("origin", format!("http://{host}"));
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        let response = soon(path, client.send_request(request)).await.unwrap();
        Answer::of(response).await
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(Method::POST, path, headers, body).await
    }

    pub(crate) async fn delete(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::DELETE, path, headers, "").await
    }

    /// Sends bytes, and gives all that comes back.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = soon("a connection", TcpStream::connect(self.address())).await.unwrap();
        // The door may close before it has read all.
        let _ = stream.write_all(bytes).await;
        let mut got = Vec::new();
        let _ = soon("the end", stream.read_to_end(&mut got)).await;
        String::from_utf8_lossy(&got).into_owned()
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: hyper::Response<hyper::body::Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = soon("a body", body.collect()).await.unwrap().to_bytes();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The cookie that was set, as the next request carries it.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Must be refused with this status and code.
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.header("content-type")),
            (status, "application/problem+json"),
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(
            (&document["code"], &document["status"]),
            (&Value::from(code), &Value::from(status)),
            "{self:?}"
        );
        assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
}

/// Within the patience of a test.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
