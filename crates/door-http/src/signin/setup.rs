//! The first minutes of a hub: whoever has the one-time link becomes its owner.

use super::{code, welcome};
use crate::{
    app::{App, OnConn},
    body::Json,
    caller::not_from_elsewhere,
    health,
    reply::Problem,
};
use axum::{
    extract::{FromRequest, Request, State},
    response::Response,
};
use hubbub_hub::{Credentials, Origin};
use hubbub_model::{Command, Kind, Role, Text, UserName};
use hyper::StatusCode;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio::{sync::Mutex, time::Instant};

/// The right to set the hub up, once.
#[derive(Clone)]
pub(crate) struct Setup(Arc<Right>);

struct Right {
    /// Absent where the system gave no random bits: then there is no link.
    token: Option<String>,
    until: Instant,
    /// Held while somebody sets the hub up, so that two do not.
    used: Mutex<bool>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let until = Instant::now() + SETUP_MAX;
        Self(Arc::new(Right { token: code::random().ok(), until, used: Mutex::new(false) }))
    }

    /// Whether a link may still be used. One that is being used counts as open.
    pub(crate) fn is_open(&self) -> bool {
        let is_used = self.0.used.try_lock().is_ok_and(|used| *used);
        self.0.token.is_some() && self.0.until > Instant::now() && !is_used
    }

    pub(crate) fn link(&self, base: &str) -> Option<String> {
        self.0.token.as_ref().map(|token| format!("{base}/setup#{token}"))
    }

    fn knows(&self, token: &str) -> bool {
        let same = |known: &String| code::hash(known).ct_eq(&code::hash(token)).into();
        self.is_open() && self.0.token.as_ref().is_some_and(same)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    token: String,
    /// The hub's name.
    hub: Option<String>,
    name: String,
    password: String,
    guests: Option<bool>,
}

/// `POST /api/v1/setup`
pub(super) async fn set_up(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let on = OnConn::of(request.extensions())?;
    let (parts, body) = request.into_parts();
    not_from_elsewhere(&parts)?;
    let headers = parts.headers.clone();
    let Json(wanted) = Json::<Wanted>::from_request(Request::from_parts(parts, body), &app).await?;
    let refused = || {
        Problem::new(
            Kind::NotAllowed,
            "this link is not good: it is wrong, used or older than a day. Start the hub again for a new one",
        )
    };
    if !app.setup.knows(&wanted.token) {
        return Err(refused());
    }
    let name = UserName::parse(&wanted.name).map_err(|error| Problem::new(Kind::Invalid, error))?;
    let hub_name = wanted.hub.map(|name| Text::new(name.trim().to_owned())).transpose();
    let hub_name = hub_name.map_err(|error| Problem::new(Kind::Invalid, error))?;
    let right = Arc::clone(&app.setup.0);
    let mut used = right.used.lock().await;
    if *used || health::hub_card(&app).await?.owned {
        return Err(refused());
    }
    let hub = &app.cx.hub;
    // The owner comes last: until then the link is good, whatever fails.
    hub.operate(Command::SetHub { name: hub_name, guests: wanted.guests }).await?;
    let password = Some(wanted.password.clone());
    hub.operate(Command::AccountAdd { name: name.clone(), role: Role::Owner, password }).await?;
    *used = true;
    drop(used);
    tracing::info!(%name, peer = %on.origin.peer, "the hub has an owner");
    let origin = Origin { via: "web".into(), address: on.origin.peer.ip(), guests: false, client: None };
    let session = hub.login(Credentials::Password(name, wanted.password), origin).await?;
    welcome(&on, &headers, StatusCode::CREATED, session).await
}

const SETUP_MAX: Duration = Duration::from_secs(24 * 60 * 60);
