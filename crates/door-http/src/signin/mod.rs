//! Signing in and out: what makes cookies, and what takes them away.
//!
//! **Invariant.** An account's cookie is a token of the hub, made by the hub for a session that the account itself
//! began; so a list of tokens is a list of sessions, and revoking one cuts its conns on every door. No secret is ever
//! in a path: one-time codes come in fragments, which browsers keep to themselves.

mod code;
mod handover;
mod invite;
mod session;
mod setup;

pub(crate) use code::Codes;
pub(crate) use setup::Setup;

use crate::{
    app::{App, OnConn},
    cookie, headers, health, pool,
    reply::{Problem, json},
};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{delete, get, post},
};
use hubbub_door::{Listener, Place, Scheme, TlsMode};
use hubbub_hub::{Inbox, Me, Session};
use hubbub_model::{Command, Kind, Reply, Scope, Text, TokenCard};
use hyper::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/hub", get(hub))
        .route("/setup", post(setup::set_up))
        .route("/session", get(session::show).post(session::sign_in).delete(session::sign_out))
        .route("/sessions", get(session::list))
        .route("/sessions/{id}", delete(session::revoke))
        .route("/register", post(session::register))
        .route("/handover", post(handover::give))
        .route("/handover/take", post(handover::take))
        .route("/invites", get(invite::list).post(invite::add))
        .route("/invites/{id}", delete(invite::remove))
        .route("/invites/peek", post(invite::peek))
        .route("/invites/take", post(invite::take))
}

/// What anybody may know of the hub.
async fn hub(
    State(app): State<Arc<App>>,
    axum::Extension(on): axum::Extension<Arc<OnConn>>,
) -> Result<Response, Problem> {
    let card = health::hub_card(&app).await?;
    let addresses = app.outside.get().map_or(&[][..], |outside| &outside.addresses);
    let doors: Vec<Value> = addresses
        .iter()
        .map(|url| {
            let tls = url.secure || url.options.tls == TlsMode::Required;
            let shown = url.to_string();
            let shown = shown.split('?').next().unwrap_or_default();
            json!({ "door": url.scheme.word(), "url": shown, "tls": tls })
        })
        .collect();
    let limits = &app.cx.limits;
    Ok(json(
        StatusCode::OK,
        &json!({
            "name": app.name(card.name.as_ref()),
            "version": env!("CARGO_PKG_VERSION"),
            "setup_needed": !card.owned && app.setup.is_open(),
            "guests": card.guests && on.origin.options.guests,
            "registration": card.registration,
            "lang": "en",
            "doors": doors,
            "limits": {
                "message_bytes": limits.message_bytes_max,
                "value_bytes": limits.line_bytes_max,
                "note_bytes": limits.note_bytes_max,
                "rooms": limits.rooms_per_session_max,
                "history": limits.history_events_max,
            },
        }),
    ))
}

impl App {
    /// What the hub is called: by the configuration, else by its owner.
    pub(crate) fn name(&self, given: Option<&Text>) -> String {
        self.config.name.clone().or_else(|| given.map(ToString::to_string)).unwrap_or_else(|| NAME.to_owned())
    }
}

/// Somebody, as the client reads it.
#[derive(Serialize)]
struct MeValue<'a> {
    nickname: &'a str,
    kind: &'static str,
    role: &'static str,
    id: u64,
}

fn me(me: &Me) -> Value {
    let (kind, role) = (me.kind.word(), me.role.word());
    signed_in(&MeValue { nickname: me.name.as_str(), kind, role, id: me.number })
}

fn signed_in(me: &MeValue<'_>) -> Value {
    json!({ "signed_in": true, "me": me, "csrf": null })
}

/// Makes the session's account a token for this browser, and answers with it as cookie.
async fn welcome(
    on: &OnConn,
    headers: &HeaderMap,
    status: StatusCode,
    (session, mut inbox): (Session, Inbox),
) -> Result<Response, Problem> {
    let label = Text::ours(format!("{WEB}{}", browser(headers)));
    let scopes = vec![Scope::Read, Scope::Write, Scope::Files, Scope::Admin];
    let make = Command::TokenAdd { account: None, label, scopes, for_s: Some(COOKIE_S) };
    let Reply::Token { secret, .. } = pool::ask_once(&session, &mut inbox, make).await? else {
        return Err(Problem::new(Kind::Internal, "the hub gave an answer of another kind"));
    };
    drop_old_sessions(&session, &mut inbox).await?;
    tracing::info!(name = %session.me().name, peer = %on.origin.peer, "signed in");
    let mut response = json(status, &me(session.me()));
    put_cookie(&mut response, &secret, on, Some(COOKIE_S));
    Ok(response)
}

/// An account keeps so many browsers signed in; the oldest go.
async fn drop_old_sessions(session: &Session, inbox: &mut Inbox) -> Result<(), Problem> {
    let Reply::Tokens(tokens) = pool::ask_once(session, inbox, Command::TokenList { account: None }).await?
    else {
        return Ok(());
    };
    let web = tokens.iter().rev().filter(|token| is_web(token)).skip(WEB_SESSIONS_MAX);
    for token in web {
        pool::ask_once(session, inbox, Command::TokenRemove { id: token.id }).await?;
    }
    Ok(())
}

/// Whether the token was made for a browser, here.
fn is_web(token: &TokenCard) -> bool {
    token.label.as_str().starts_with(WEB)
}

fn put_cookie(response: &mut Response, value: &str, on: &OnConn, for_s: Option<u64>) {
    if let Some(cookie) = cookie::set(value, on.is_secure(), for_s) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn take_cookie(response: &mut Response, on: &OnConn) {
    if let Some(cookie) = cookie::forget(on.is_secure()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// A link whose secret is in its fragment, to the hub as the browser calls it.
fn link(on: &OnConn, headers: &HeaderMap, uri: &Uri, page: &str, code: &str) -> String {
    let scheme = if on.is_secure() { "https" } else { "http" };
    format!("{scheme}://{}/{page}#{code}", headers::host(headers, uri).unwrap_or_default())
}

/// What the person will know the browser by in a list of sessions.
fn browser(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, word)| *word)
    };
    match (first(BROWSERS), first(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "unknown".to_owned(),
    }
}

/// The base of a link to the first listener that speaks HTTP.
pub(crate) fn base_url(listener: &Listener) -> Option<String> {
    let Place::Net { host, port } = &listener.place else { return None };
    if !matches!(listener.scheme, Scheme::Any | Scheme::Http) {
        return None;
    }
    let scheme = if listener.secure || listener.options.tls == TlsMode::Required { "https" } else { "http" };
    // Whoever reads the link sits at the machine, most likely.
    let host = match host.as_str() {
        "*" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Some(format!("{scheme}://{host}:{port}"))
}

const NAME: &str = "hubbub";
/// With what the labels of browsers' tokens begin.
const WEB: &str = "web: ";
/// 30 days.
const COOKIE_S: u64 = 30 * 24 * 60 * 60;
/// Browsers that one account has signed in at once.
const WEB_SESSIONS_MAX: usize = 32;
/// The first that fits, because many name others too.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("MicroMessenger", "WeChat"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_has_a_short_name() {
        for (agent, wanted) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/128.0 Safari/537.36 Edg/128.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("<script>alert(1)</script>", "unknown"),
        ] {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]);
            assert_eq!(browser(&headers), wanted);
        }
    }

    #[test]
    fn a_link_leads_to_a_listener_that_speaks_http() {
        for (url, wanted) in [
            ("any://127.0.0.1:7272", Some("http://127.0.0.1:7272")),
            ("https://*:443", Some("https://127.0.0.1:443")),
            ("any://[::]:1?tls=required", Some("https://[::1]:1")),
            ("http://hub.lab:80", Some("http://hub.lab:80")),
            ("chat://127.0.0.1:1", None),
            ("any+unix:///run/x", None),
        ] {
            assert_eq!(base_url(&url.parse().unwrap()).as_deref(), wanted);
        }
    }
}
