//! One conn: HTTP/1.1 or HTTP/2 until its end, or until it becomes a WebSocket.
//!
//! **Invariants.** Heads, bodies, silence and writes have limits of bytes and time. When the hub stops, requests under
//! way are answered and nothing new is taken. A conn that became a WebSocket keeps nothing of HTTP.

use crate::{
    app::{self, App, Becoming, OnConn},
    io::{Patient, begins_http2},
};
use axum::Router;
use hubbub_door::{Conn, DoorError, Io, Protocol};
use hyper::{
    Request,
    body::Incoming,
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Serves a conn to its end.
pub(crate) async fn serve(conn: Conn, app: Arc<App>, router: Router) -> Result<(), DoorError> {
    let Conn { mut io, origin } = conn;
    let stop = app.cx.stop.clone();
    let is_http2 = match origin.protocol {
        Protocol::Http2 => true,
        _ => match stop.run_until_cancelled(begins_http2(&mut io, HEAD_MAX)).await {
            Some(verdict) => verdict?,
            None => return Ok(()),
        },
    };
    let on = Arc::new(OnConn::new(*origin));
    let stream = TokioIo::new(Patient::new(io, Duration::from_secs(app.cx.limits.write_stall_s)));
    // Boxed, and gone before a WebSocket begins.
    let ended = if is_http2 {
        Box::pin(speak_http2(stream, router, Arc::clone(&on), stop)).await
    } else {
        Box::pin(speak_http1(stream, router, Arc::clone(&on), stop)).await
    };
    let becoming = on.becoming.lock().take();
    if let (Ok(()), Some(becoming), Some(taker)) = (&ended, becoming, app.sockets.clone()) {
        let origin = Box::new(on.origin.clone());
        drop(on);
        let (io, who) = raw(becoming).await?;
        let cx = app.cx.clone();
        drop(app);
        return taker.take_over(Conn { io, origin }, who, cx).await;
    }
    ended.map_err(|error| {
        tracing::debug!(%error, "an HTTP conn broke");
        DoorError::Peer("it broke the conn or does not speak HTTP as it should")
    })
}

async fn speak_http1(
    stream: TokioIo<Patient>,
    router: Router,
    on: Arc<OnConn>,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .half_close(true);
    let service = service_fn(move |request| respond(router.clone(), request, Arc::clone(&on)));
    let mut conn = pin!(builder.serve_connection(stream, service).with_upgrades());
    tokio::select! {
        ended = conn.as_mut() => return ended,
        () = stop.cancelled() => conn.as_mut().graceful_shutdown(),
    }
    conn.await
}

async fn speak_http2(
    stream: TokioIo<Patient>,
    router: Router,
    on: Arc<OnConn>,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let streams = Streams::default();
    let mut builder = http2::Builder::new(streams.executor());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HEAD_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let service = service_fn(move |request| respond(router.clone(), request, Arc::clone(&on)));
    let mut conn = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = conn.as_mut() => ended,
        () = stop.cancelled() => {
            conn.as_mut().graceful_shutdown();
            conn.await
        }
    };
    streams.ended().await;
    ended
}

async fn respond(
    router: Router,
    request: Request<Incoming>,
    on: Arc<OnConn>,
) -> Result<axum::response::Response, Infallible> {
    Ok(app::answer(&router, request, on).await)
}

/// The stream under a conn whose upgrade was answered, with what was read behind the request.
async fn raw(becoming: Becoming) -> Result<(Io, hubbub_hub::Credentials), DoorError> {
    let upgraded: Upgraded =
        becoming.upgrade.await.map_err(|_| DoorError::Peer("it left before the upgrade"))?;
    let parts = upgraded
        .downcast::<TokioIo<Patient>>()
        .map_err(|_| DoorError::Peer("its upgrade came from another kind of conn"))?;
    let mut io = parts.io.into_inner().into_inner();
    io.unread(&parts.read_buf);
    Ok((io, becoming.who))
}

/// The tasks of one HTTP/2 conn's streams. Dropped, they end.
#[derive(Default)]
struct Streams {
    tasks: TaskTracker,
    ending: CancellationToken,
}

/// Spawns among the streams' tasks.
#[derive(Clone)]
struct Spawner {
    tasks: TaskTracker,
    ending: CancellationToken,
}

impl Streams {
    fn executor(&self) -> Spawner {
        Spawner { tasks: self.tasks.clone(), ending: self.ending.clone() }
    }

    /// The conn is over, and so are its streams.
    async fn ended(self) {
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        let ending = self.ending.clone();
        self.tasks.spawn(async move { ending.run_until_cancelled_owned(stream).await });
    }
}

/// For a head to come whole, and for the silence between two requests.
const HEAD_MAX: Duration = Duration::from_secs(30);
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// Silence after which an HTTP/2 conn is asked whether it is still there.
const HTTP2_PING: Duration = Duration::from_secs(60);
const STREAMS_MAX: u32 = 64;
const SEND_BYTES_MAX: usize = 64 * 1024;
const WINDOW_BYTES: u32 = 64 * 1024;
