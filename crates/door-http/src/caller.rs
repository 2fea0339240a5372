//! Whom a request comes from: a bearer token, else the cookie; and whether it may change anything.
//!
//! **Invariant.** What changes something and is carried by a cookie comes from our own pages: browsers send cookies
//! along for anybody. A bearer token is sent by nobody who does not know it.

use crate::{
    app::{App, OnConn},
    cookie::{self, Who},
    headers::From,
    pool::{self, Pooled},
    reply::Problem,
};
use axum::extract::FromRequestParts;
use hubbub_hub::Me;
use hubbub_model::{Command, Kind, Reply};
use hyper::{HeaderMap, Method, http::request::Parts};
use std::sync::Arc;

/// Credentials as they came.
pub(crate) struct Presented {
    pub(crate) who: Who,
    pub(crate) by_cookie: bool,
}

impl Presented {
    /// A bearer token wins over the cookie.
    pub(crate) fn of(app: &App, on: &OnConn, headers: &HeaderMap) -> Option<Self> {
        if let Some(secret) = bearer(headers) {
            return Some(Self { who: Who::Token(secret.to_owned()), by_cookie: false });
        }
        let who = app.seal.open(cookie::value(headers, on.is_secure())?)?;
        Some(Self { who, by_cookie: true })
    }
}

/// Somebody with a session of the hub.
pub(crate) struct Caller {
    session: Pooled,
    pub(crate) who: Who,
}

impl Caller {
    /// Who it is.
    pub(crate) fn me(&self) -> &Me {
        self.session.me()
    }

    /// Has the hub carry out a command. Not cancel safe: a command that was handed in is carried out.
    pub(crate) async fn ask(&self, command: Command) -> Result<Reply, Problem> {
        self.session.ask(command).await
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let on = OnConn::of(&parts.extensions)?;
        let nobody =
            || Problem::new(Kind::NotLoggedIn, "sign in first, or send a token: Authorization: Bearer hub_…");
        let Presented { who, by_cookie } = Presented::of(app, &on, &parts.headers).ok_or_else(nobody)?;
        if by_cookie && !is_safe(&parts.method) && From::of(&parts.headers, &parts.uri) != From::Here {
            return Err(elsewhere());
        }
        let from = on.from(if by_cookie { "web" } else { "http" });
        let session = app.pool.session(&who, from).await.map_err(|problem| {
            let is_worthless = by_cookie && problem.kind() == Kind::BadCredentials;
            if is_worthless { problem.forgetting(cookie::forget(on.is_secure())) } else { problem }
        })?;
        Ok(Self { session, who })
    }
}

/// Refuses what another site's page asks for. Programs, which say nothing of pages, are not meant: it is for what
/// carries no cookie and sets one.
pub(crate) fn not_from_elsewhere(parts: &Parts) -> Result<(), Problem> {
    if From::of(&parts.headers, &parts.uri) == From::Elsewhere { Err(elsewhere()) } else { Ok(()) }
}

pub(crate) fn elsewhere() -> Problem {
    Problem::new(Kind::NotAllowed, "the request does not come from this hub's own pages")
}

/// RFC 9110 section 9.2.1.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// RFC 6750 section 2.1.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(hyper::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Where a request comes from, for the hub.
impl OnConn {
    pub(crate) fn from(&self, via: &'static str) -> pool::From {
        pool::From { via, address: self.origin.peer.ip(), guests: self.origin.options.guests }
    }
}
