//! A request's body as a value: bounded in bytes and in time.
//!
//! **Invariant.** Only `application/json` is read, so that no form of another site's page is ever taken for a request.

use crate::{app::App, reply::Problem};
use axum::extract::{FromRequest, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hubbub_model::Kind;
use hyper::{StatusCode, header};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// The body, parsed. At most `Limits::line_bytes_max` bytes, within [`BODY_MAX`].
pub(crate) struct Json<T>(pub(crate) T);

/// How long a body may take.
pub(crate) const BODY_MAX: Duration = Duration::from_secs(20);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let problem = Problem::new(Kind::Invalid, "send JSON, with Content-Type: application/json");
            return Err(problem.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let max = app.cx.limits.line_bytes_max;
        let body =
            timeout(BODY_MAX, Limited::new(request.into_body(), max).collect()).await.map_err(|_| {
                Problem::new(Kind::Invalid, "the body took too long").with_status(StatusCode::REQUEST_TIMEOUT)
            })?;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Problem::new(Kind::TooLarge, format_args!("the body has more than {max} bytes")),
            false => Problem::new(Kind::Invalid, "the body did not come whole"),
        })?;
        let parsed = serde_json::from_slice(&body.to_bytes());
        parsed
            .map(Self)
            .map_err(|error| Problem::new(Kind::Invalid, format_args!("the JSON is wrong: {error}")))
    }
}
