//! Signing in with a password, as a guest or with a token; who one is; the list of one's sessions; signing out.

use super::{MeValue, is_web, me, put_cookie, signed_in, take_cookie, welcome};
use crate::{
    app::{App, OnConn},
    body::Json,
    caller::{Caller, Presented, not_from_elsewhere},
    cookie::Who,
    health, pool,
    reply::{Problem, json, no_content},
};
use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request, State},
    response::{IntoResponse, Response},
};
use hubbub_hub::{Credentials, Origin};
use hubbub_model::{Command, Kind, Reply, TokenCard, UserName};
use hyper::{HeaderMap, StatusCode, http::request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/v1/session`: who one is; never refused for want of a login.
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let on = OnConn::of(&parts.extensions)?;
    let nobody = json!({ "signed_in": false });
    match Presented::of(&app, &on, &parts.headers) {
        None => Ok(json(StatusCode::OK, &nobody)),
        Some(Presented { who: Who::Guest(name, _, None), .. }) => {
            let is_welcome = on.origin.options.guests && health::hub_card(&app).await?.guests;
            Ok(json(StatusCode::OK, &if is_welcome { guest(&name) } else { nobody }))
        }
        Some(_) => match Caller::from_request_parts(&mut parts, &app).await {
            // A guest is shown as it calls itself, whatever other session of it has that name now.
            Ok(Caller { who: Who::Guest(name, ..), .. }) => Ok(json(StatusCode::OK, &guest(&name))),
            Ok(caller) => Ok(json(StatusCode::OK, &me(caller.me()))),
            Err(problem) if problem.kind() == Kind::BadCredentials => {
                let mut response = json(StatusCode::OK, &nobody);
                take_cookie(&mut response, &on);
                Ok(response)
            }
            // The invite of a guest has ended.
            Err(problem) if problem.kind() == Kind::NotAllowed => Ok(json(StatusCode::OK, &nobody)),
            Err(problem) => Err(problem),
        },
    }
}

/// Answers a guest with its cookie.
pub(super) fn guest_cookie(
    app: &App,
    on: &OnConn,
    name: &UserName,
    invite: Option<u64>,
) -> Result<Response, Problem> {
    let mut response = json(StatusCode::OK, &guest(name));
    let id = super::code::random()?;
    put_cookie(&mut response, &app.seal.close(name, &id, invite), on, None);
    Ok(response)
}

fn guest(name: &UserName) -> Value {
    signed_in(&MeValue { nickname: name.as_str(), kind: "guest", role: "guest", id: 0 })
}

/// One of the three ways.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: Option<String>,
    password: Option<String>,
    guest: Option<String>,
    token: Option<String>,
}

/// `POST /api/v1/session`
pub(super) async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let Asked { on, headers, wanted } = asked::<SignIn>(&app, request).await?;
    match wanted {
        SignIn { name: Some(name), password: Some(password), guest: None, token: None } => {
            // A name that cannot be one is as wrong as any other.
            let wrong = |_| Problem::new(Kind::BadCredentials, "name or password is wrong");
            let name = UserName::parse(&name).map_err(wrong)?;
            let session = app.cx.hub.login(Credentials::Password(name, password), origin(&on)).await?;
            welcome(&on, &headers, StatusCode::OK, session).await
        }
        SignIn { name: None, password: None, guest: Some(name), token: None } => {
            let name = UserName::parse(&name).map_err(|error| Problem::new(Kind::Invalid, error))?;
            if !on.origin.options.guests || !health::hub_card(&app).await?.guests {
                return Err(Problem::new(
                    Kind::NotAllowed,
                    "guests are not welcome here: sign in with an account",
                ));
            }
            guest_cookie(&app, &on, &name, None)
        }
        SignIn { name: None, password: None, guest: None, token: Some(secret) } => {
            let session = app.pool.session(&Who::Token(secret.clone()), on.from("web")).await?;
            let mut response = json(StatusCode::OK, &me(session.me()));
            put_cookie(&mut response, &secret, &on, Some(super::COOKIE_S));
            Ok(response)
        }
        _ => Err(Problem::new(Kind::Invalid, "send name and password, or guest, or token")),
    }
}

/// `DELETE /api/v1/session`: signs this browser out; what it had open is cut.
pub(super) async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let on = OnConn::of(&parts.extensions)?;
    let presented = Presented::of(&app, &on, &parts.headers);
    if let Some(Presented { who: Who::Token(_), by_cookie: true }) = presented {
        match Caller::from_request_parts(&mut parts, &app).await {
            Ok(caller) => forget_token(&app, &caller).await?,
            Err(problem) if problem.kind() == Kind::BadCredentials => {}
            Err(problem) => return Err(problem),
        }
    } else {
        not_from_elsewhere(&parts)?;
    }
    let mut response = no_content();
    take_cookie(&mut response, &on);
    Ok(response)
}

/// A token that was made elsewhere, and only used here, stays.
async fn forget_token(app: &App, caller: &Caller) -> Result<(), Problem> {
    let Some(id) = caller.me().token else { return Ok(()) };
    if tokens(caller).await?.iter().any(|token| token.id == id && is_web(token)) {
        revoked(app, caller.ask(Command::TokenRemove { id }).await).await?;
    }
    Ok(())
}

/// Whoever revokes its own token is cut off before it is answered: then the hub is asked once more, and by its answer
/// the revocation is on disk.
async fn revoked(app: &App, answer: Result<Reply, Problem>) -> Result<(), Problem> {
    match answer {
        Err(problem) if problem.kind() == Kind::NotLoggedIn => health::hub_card(app).await.map(drop),
        answer => answer.map(drop),
    }
}

/// `GET /api/v1/sessions`
pub(super) async fn list(caller: Caller) -> Result<Response, Problem> {
    let rows: Vec<Value> = tokens(&caller)
        .await?
        .iter()
        .map(|token| {
            json!({
                "id": token.id,
                "kind": if is_web(token) { "web" } else { "token" },
                "label": token.label,
                "scopes": token.scopes,
                "created_ms": token.created_ms,
                "expires_ms": token.expires_ms,
                "last_used_ms": token.last_used_ms,
                "current": caller.me().token == Some(token.id),
            })
        })
        .collect();
    Ok(json(StatusCode::OK, &json!({ "sessions": rows })))
}

async fn tokens(caller: &Caller) -> Result<Vec<TokenCard>, Problem> {
    match caller.ask(Command::TokenList { account: None }).await? {
        Reply::Tokens(tokens) => Ok(tokens),
        _ => Err(Problem::new(Kind::Internal, "the hub gave an answer of another kind")),
    }
}

/// `DELETE /api/v1/sessions/{id}`
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Result<Response, Problem> {
    revoked(&app, caller.ask(Command::TokenRemove { id }).await).await?;
    Ok(no_content().into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    name: String,
    password: String,
}

/// `POST /api/v1/register`: a guest, for a moment, who makes an account.
pub(super) async fn register(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let Asked { on, headers, wanted } = asked::<Registration>(&app, request).await?;
    let name = UserName::parse(&wanted.name).map_err(|error| Problem::new(Kind::Invalid, error))?;
    let (session, mut inbox) = app.cx.hub.login(Credentials::Guest(Some(name.clone())), origin(&on)).await?;
    let command = Command::Register { name: Some(name.clone()), password: wanted.password.clone() };
    pool::ask_once(&session, &mut inbox, command).await?;
    drop((session, inbox));
    let session = app.cx.hub.login(Credentials::Password(name, wanted.password), origin(&on)).await?;
    welcome(&on, &headers, StatusCode::CREATED, session).await
}

/// What is asked for without a login.
pub(super) struct Asked<T> {
    pub(super) on: Arc<OnConn>,
    pub(super) headers: HeaderMap,
    pub(super) wanted: T,
}

pub(super) async fn asked<T: DeserializeOwned>(
    app: &Arc<App>,
    request: Request,
) -> Result<Asked<T>, Problem> {
    let on = OnConn::of(request.extensions())?;
    let (parts, body) = request.into_parts();
    let headers = {
        let Parts { headers, .. } = &parts;
        headers.clone()
    };
    not_from_elsewhere(&parts)?;
    let Json(wanted) = Json::from_request(Request::from_parts(parts, body), app).await?;
    Ok(Asked { on, headers, wanted })
}

pub(super) fn origin(on: &OnConn) -> Origin {
    let options = &on.origin.options;
    Origin { via: "web".into(), address: on.origin.peer.ip(), guests: options.guests, client: None }
}
