//! Signing another device in: a one-time link, shown as text or as a QR code by the client.
//!
//! **Invariant.** The new device gets a token of its own, made with the rights of whoever gave the link, as they are
//! when it is taken.

use super::{
    code::CODE_MAX,
    link,
    session::{Asked, asked},
    welcome,
};
use crate::{
    app::{App, OnConn},
    caller::Caller,
    pool,
    reply::{Problem, json},
};
use axum::{Extension, extract::State, response::Response};
use hubbub_model::{Command, Kind, Reply};
use hyper::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// `POST /api/v1/handover`
pub(super) async fn give(
    State(app): State<Arc<App>>,
    Extension(on): Extension<Arc<OnConn>>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if caller.me().account.is_none() {
        return Err(Problem::new(
            Kind::NotAllowed,
            "a guest has nothing to hand over: come in by name there too",
        ));
    }
    let Reply::Pong(now_ms) = caller.ask(Command::Ping).await? else {
        return Err(Problem::new(Kind::Internal, "the hub gave an answer of another kind"));
    };
    let code = app.codes.give(caller.who.clone())?;
    let url = link(&on, &headers, &uri, "enter", &code);
    let expires_ms = now_ms + i64::try_from(CODE_MAX.as_millis()).unwrap_or(i64::MAX);
    Ok(json(StatusCode::CREATED, &json!({ "url": url, "expires_ms": expires_ms })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    code: String,
}

/// `POST /api/v1/handover/take`
pub(super) async fn take(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let Asked { on, headers, wanted: Take { code } } = asked(&app, request).await?;
    let refused = || {
        Problem::new(Kind::NotAllowed, "this link is not good: it is wrong, used or older than two minutes")
    };
    let who = app.codes.take(&code).ok_or_else(refused)?;
    let session = pool::begin(&app.cx.hub, &who, on.from("web")).await?;
    welcome(&on, &headers, StatusCode::OK, session).await
}
