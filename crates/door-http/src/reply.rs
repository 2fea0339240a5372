//! Refusals as problem documents (RFC 9457). Every match is exhaustive: a new meaning does not compile until it has
//! its status here.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use hubbub_model::{Kind, Refusal};
use hyper::{
    StatusCode,
    header::{self, HeaderValue},
};
use serde::Serialize;

/// A refusal on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    refusal: Refusal,
    /// In place of the meaning's own status.
    status: Option<StatusCode>,
    /// The client's credentials are worth nothing any more: its cookie goes.
    forget: Option<HeaderValue>,
}

/// A problem document, as a client reads it.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'static str,
}

impl Problem {
    pub(crate) fn new(kind: Kind, text: impl std::fmt::Display) -> Self {
        Refusal::new(kind, text).into()
    }

    /// A meaning that HTTP has a finer status for.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// The cookie that was refused is taken back with this `Set-Cookie`.
    pub(crate) fn forgetting(mut self, cookie: Option<HeaderValue>) -> Self {
        self.forget = cookie;
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.refusal.kind
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, status: None, forget: None }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.refusal.kind;
        let status = self.status.unwrap_or_else(|| status(kind));
        let document = Document {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.refusal.text.as_str(),
            code: kind.code(),
        };
        // Strings and numbers always become JSON.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = retry_after(kind) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        if let Some(cookie) = self.forget {
            headers.insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// The status that comes nearest.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotLoggedIn | Kind::BadCredentials => StatusCode::UNAUTHORIZED,
        Kind::NotAllowed | Kind::Banned => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Taken | Kind::NotInRoom | Kind::TooMany => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::SlowDown => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy | Kind::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Seconds until another try makes sense: failed logins count for a quarter of an hour.
fn retry_after(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::SlowDown => Some("900"),
        Kind::Busy => Some("1"),
        Kind::ReadOnly
        | Kind::Invalid
        | Kind::NotLoggedIn
        | Kind::BadCredentials
        | Kind::NotAllowed
        | Kind::Banned
        | Kind::NotFound
        | Kind::Taken
        | Kind::NotInRoom
        | Kind::TooMany
        | Kind::TooLarge
        | Kind::Unsupported
        | Kind::Internal => None,
    }
}

/// An answer in JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => json_bytes(status, body),
        Err(error) => Problem::new(Kind::Internal, error).into_response(),
    }
}

/// An answer in JSON that has its bytes.
pub(crate) fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Done, and nothing to say.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meaning_has_its_status() {
        for (kind, wanted) in [
            (Kind::Invalid, 400),
            (Kind::NotLoggedIn, 401),
            (Kind::BadCredentials, 401),
            (Kind::NotAllowed, 403),
            (Kind::Banned, 403),
            (Kind::NotFound, 404),
            (Kind::Taken, 409),
            (Kind::NotInRoom, 409),
            (Kind::TooMany, 409),
            (Kind::TooLarge, 413),
            (Kind::SlowDown, 429),
            (Kind::Internal, 500),
            (Kind::Unsupported, 501),
            (Kind::Busy, 503),
            (Kind::ReadOnly, 503),
        ] {
            let response = Problem::new(kind, "why").into_response();
            assert_eq!(response.status().as_u16(), wanted, "{}", kind.code());
            let challenge = response.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenge, wanted == 401, "RFC 9110 section 11.6.1");
        }
    }
}
