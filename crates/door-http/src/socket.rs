//! `GET /api/v1/socket`: the handshake of a WebSocket (RFC 6455 section 4.2). What follows is another door's.
//!
//! **Invariant.** Who the peer is has been found out here: by its bearer token, or by its cookie if the page that
//! opens the socket is ours.

use crate::{
    app::{App, Becoming, OnConn},
    caller::{Presented, elsewhere},
    headers::From,
    reply::Problem,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hubbub_model::Kind;
use hyper::{
    HeaderMap, StatusCode, Version,
    header::{self, HeaderValue},
};
use sha1::{Digest, Sha1};
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/socket", get(upgrade))
}

async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Result<Response, Problem> {
    let on = OnConn::of(request.extensions())?;
    if app.sockets.is_none() {
        return Err(Problem::new(Kind::Unsupported, "this hub serves no sockets"));
    }
    let key = match handshake(&request) {
        Ok(key) => key,
        Err(problem) => {
            let mut response = problem.into_response();
            // Section 4.4: says which version would do.
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Ok(response);
        }
    };
    let nobody =
        || Problem::new(Kind::NotLoggedIn, "sign in first, or send a token: Authorization: Bearer hub_…");
    let Presented { who, by_cookie } = Presented::of(&app, &on, request.headers()).ok_or_else(nobody)?;
    let from = From::of(request.headers(), request.uri());
    if from == From::Elsewhere || (by_cookie && from != From::Here) {
        return Err(elsewhere());
    }
    *on.becoming.lock() =
        Some(Becoming { upgrade: hyper::upgrade::on(&mut request), who: who.credentials() });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept(&key)?);
    Ok(response)
}

/// The client's key, if it asks for a WebSocket as it should (section 4.2.1).
fn handshake(request: &Request) -> Result<String, Problem> {
    let headers = request.headers();
    let asks = has_word(headers, &header::UPGRADE, "websocket")
        && has_word(headers, &header::CONNECTION, "upgrade")
        && request.version() == Version::HTTP_11;
    let wanted = || Problem::new(Kind::Invalid, "this is a WebSocket: ask for an upgrade");
    if !asks || !has_word(headers, &header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(wanted().with_status(StatusCode::UPGRADE_REQUIRED));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().filter(|_| keys.next().is_none()).and_then(|key| key.to_str().ok());
    let is_key = |key: &&str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    key.filter(is_key).map(str::to_owned).ok_or_else(wanted)
}

/// Section 1.3: proves that the handshake was read.
fn accept(key: &str) -> Result<HeaderValue, Problem> {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    HeaderValue::from_str(&STANDARD.encode(hash)).map_err(|error| Problem::new(Kind::Internal, error))
}

fn has_word(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_is_accepted_with_its_answer() {
        let answer = accept("dGhlIHNhbXBsZSBub25jZQ==").unwrap();
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "section 1.3");
    }

    #[test]
    fn a_handshake_is_whole_or_refused() {
        let whole = [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let request = |pairs: &[(&str, &str)]| {
            let mut request = hyper::Request::builder().uri("/api/v1/socket");
            for (name, value) in pairs {
                request = request.header(*name, *value);
            }
            request.body(Body::empty()).unwrap()
        };
        assert!(handshake(&request(&whole)).is_ok());
        for (at, (name, _)) in whole.iter().enumerate() {
            let mut without = whole.to_vec();
            without.remove(at);
            assert!(handshake(&request(&without)).is_err(), "without {name}");
            let mut other = whole;
            other[at].1 = "8";
            assert!(handshake(&request(&other)).is_err(), "with another {name}");
        }
        let twice = [&whole[..], &whole[3..]].concat();
        assert!(handshake(&request(&twice)).is_err(), "two keys");
    }
}
