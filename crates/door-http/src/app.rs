//! What all conns of the door share, and what one request goes through.
//!
//! **Invariant.** Every request passes the path check and every answer gets its headers, here and nowhere else.

use crate::{
    HttpConfig, Outside, api,
    cookie::Seal,
    files, headers, health, paths,
    pool::Pool,
    reply::Problem,
    signin::{self, Codes, Setup},
    socket,
};
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use hubbub_door::{DoorCtx, TakesOver};
use hubbub_hub::Credentials;
use hubbub_model::Kind;
use hyper::{Request, Version, body::Incoming, header, http::Extensions, upgrade::OnUpgrade};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use tower_service::Service;

/// The door at work.
pub(crate) struct App {
    pub(crate) cx: DoorCtx,
    pub(crate) config: Arc<HttpConfig>,
    pub(crate) pool: Pool,
    pub(crate) seal: Seal,
    pub(crate) setup: Setup,
    pub(crate) codes: Codes,
    /// Who takes WebSockets.
    pub(crate) sockets: Option<Arc<dyn TakesOver>>,
    /// Set once the listeners are bound.
    pub(crate) outside: Arc<OnceLock<Outside>>,
}

/// What a request's conn is.
pub(crate) struct OnConn {
    pub(crate) origin: hubbub_door::Origin,
    /// Set when the conn becomes a WebSocket with its next answer. Held for the one assignment.
    pub(crate) becoming: Mutex<Option<Becoming>>,
}

/// A conn that becomes a WebSocket.
pub(crate) struct Becoming {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) who: Credentials,
}

impl OnConn {
    pub(crate) fn new(origin: hubbub_door::Origin) -> Self {
        Self { origin, becoming: Mutex::default() }
    }

    /// The conn of a request; every request has one.
    pub(crate) fn of(extensions: &Extensions) -> Result<Arc<Self>, Problem> {
        let on = extensions.get::<Arc<Self>>().cloned();
        on.ok_or_else(|| Problem::new(Kind::Internal, "the request has no conn"))
    }

    /// Whether what goes over it is encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.tls.is_some()
    }
}

/// All routes that are not files.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .merge(health::routes())
        .nest("/api/v1", Router::new().merge(signin::routes()).merge(socket::routes()).merge(api::routes()))
        .fallback(|| async { Problem::new(Kind::NotFound, "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            let problem = Problem::new(Kind::Unsupported, "this cannot be done here");
            problem.with_status(hyper::StatusCode::METHOD_NOT_ALLOWED)
        })
        .with_state(app)
}

/// One request, from its head to its answer's.
pub(crate) async fn answer(router: &Router, request: Request<Incoming>, on: Arc<OnConn>) -> Response {
    let mut response = match check(&request) {
        Err(problem) => problem.into_response(),
        Ok(()) if is_dynamic(request.uri().path()) => {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(on);
            match router.clone().call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
        Ok(()) => files::answer(request.method(), request.uri(), request.headers()),
    };
    headers::secure(response.headers_mut());
    response
}

fn is_dynamic(path: &str) -> bool {
    path.starts_with("/api/") || matches!(path, "/healthz" | "/readyz" | "/metrics")
}

fn check(request: &Request<Incoming>) -> Result<(), Problem> {
    // RFC 9112 section 3.2: exactly one.
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let needs_host = request.version() == Version::HTTP_11;
    if hosts > 1 || (needs_host && hosts == 0) {
        return Err(Problem::new(Kind::Invalid, "a request names one host"));
    }
    paths::check(request.uri().path())
}
