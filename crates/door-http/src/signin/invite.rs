//! Invite links: making them, listing them, withdrawing them, looking at one, and coming in with one.
//!
//! **Invariant.** The code is in the link's fragment and in bodies only. The hub decides who may make one and whom one
//! lets in; a guest's cookie says which invite it was, under the seal.

use super::{
    link,
    session::{Asked, asked, guest_cookie, origin},
    welcome,
};
use crate::{
    app::{App, OnConn},
    body::Json,
    caller::Caller,
    reply::{Problem, json, no_content},
};
use axum::{
    Extension,
    extract::{FromRequestParts, Path, Request, State},
    response::Response,
};
use hubbub_hub::Credentials;
use hubbub_model::{Admits, Command, InviteCard, Kind, Reply, RoomName, RoomRef, UserName};
use hyper::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    room: Option<RoomName>,
    #[serde(default)]
    r#as: Admits,
    uses: Option<u32>,
    for_s: Option<u64>,
}

/// A new invite with its link, which is shown this once.
#[derive(Serialize)]
struct Made<'a> {
    url: String,
    #[serde(flatten)]
    card: &'a InviteCard,
}

/// `POST /api/v1/invites`
pub(super) async fn add(
    Extension(on): Extension<Arc<OnConn>>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let add = Command::InviteAdd {
        room: wanted.room.map(RoomRef::Name),
        admits: wanted.r#as,
        uses: wanted.uses.unwrap_or(1),
        for_s: wanted.for_s.unwrap_or(DAY_S),
    };
    let Reply::Invite { code, card } = caller.ask(add).await? else { return Err(unexpected()) };
    let url = link(&on, &headers, &uri, "invite", &code);
    Ok(json(StatusCode::CREATED, &Made { url, card: &card }))
}

/// `GET /api/v1/invites`: those that one may withdraw.
pub(super) async fn list(caller: Caller) -> Result<Response, Problem> {
    let Reply::Invites(cards) = caller.ask(Command::InviteList).await? else { return Err(unexpected()) };
    Ok(json(StatusCode::OK, &json!({ "invites": cards })))
}

/// `DELETE /api/v1/invites/{id}`
pub(super) async fn remove(Path(id): Path<u64>, caller: Caller) -> Result<Response, Problem> {
    caller.ask(Command::InviteRemove { id }).await?;
    Ok(no_content())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peek {
    code: String,
}

/// `POST /api/v1/invites/peek`: what the link is for, for whoever has it.
pub(super) async fn peek(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let Asked { on, wanted: Peek { code }, .. } = asked(&app, request).await?;
    let InviteCard { by, room, r#as, uses_left, ends_ms, .. } =
        app.cx.hub.peek(&code, on.origin.peer.ip()).await?;
    let shown = json!({ "by": by, "room": room, "as": r#as, "uses_left": uses_left, "ends_ms": ends_ms });
    Ok(json(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    code: String,
    name: Option<String>,
    password: Option<String>,
}

/// `POST /api/v1/invites/take`: with a name as somebody new, without one as the account that one is signed in with.
pub(super) async fn take(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    // Read as for anybody; who is signed in is looked at only where no name is given.
    let again = Request::from_parts(parts.clone(), body);
    let Asked { on, headers, wanted: Take { code, name, password } } = asked(&app, again).await?;
    let Some(name) = name else {
        let caller = Caller::from_request_parts(&mut parts, &app).await?;
        let Reply::Room(card) = caller.ask(Command::InviteTake { code }).await? else {
            return Err(unexpected());
        };
        return Ok(json(StatusCode::OK, &json!({ "room": card.name })));
    };
    let name = UserName::parse(&name).map_err(|error| Problem::new(Kind::Invalid, error))?;
    let invite = Credentials::Invite { code, name: name.clone(), password };
    let (session, inbox) = app.cx.hub.login(invite, origin(&on)).await?;
    match session.me().invite {
        Some(invite) => guest_cookie(&app, &on, &name, Some(invite)),
        None => welcome(&on, &headers, StatusCode::CREATED, (session, inbox)).await,
    }
}

fn unexpected() -> Problem {
    Problem::new(Kind::Internal, "the hub gave an answer of another kind")
}

/// How long an invite is good if nobody says.
const DAY_S: u64 = 24 * 60 * 60;
