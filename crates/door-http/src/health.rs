//! Whether the hub is alive, whether it takes changes, and its numbers for those that it shows them to.
//!
//! **Invariant.** Numbers are shown on listeners that say `metrics=yes` only, and name nobody.

use crate::{
    app::{App, OnConn},
    reply::Problem,
};
use axum::{
    Router,
    extract::{Extension, State},
    response::{IntoResponse, Response},
    routing::get,
};
use hubbub_door::{Protocol, Refused};
use hubbub_model::{Command, HubCard, Kind, Reply};
use hyper::header;
use std::{fmt::Write, sync::Arc, time::Duration};
use tokio::time::timeout;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// The hub answers, and its store takes changes.
async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let card = timeout(READY_MAX, hub_card(&app)).await;
    match card.map_err(|_| Problem::new(Kind::Busy, "the hub does not answer"))?? {
        HubCard { read_only: true, .. } => {
            Err(Problem::new(Kind::ReadOnly, "the hub takes no changes: its store failed"))
        }
        _ => Ok("ready\n"),
    }
}

/// What the hub says about itself.
pub(crate) async fn hub_card(app: &App) -> Result<HubCard, Problem> {
    match app.cx.hub.operate(Command::Hub).await? {
        Reply::Hub(card) => Ok(*card),
        _ => Err(Problem::new(Kind::Internal, "the hub gave an answer of another kind")),
    }
}

/// The text format of Prometheus, version 0.0.4.
async fn metrics(State(app): State<Arc<App>>, Extension(on): Extension<Arc<OnConn>>) -> Response {
    if !on.origin.options.metrics {
        return Problem::new(Kind::NotFound, "there is nothing here").into_response();
    }
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, rows: &[(String, u64)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP hubbub_{name} {help}\n# TYPE hubbub_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "hubbub_{name}{labels} {value}");
        }
    };
    let one = |value: u64| [(String::new(), value)];
    if let Some(outside) = app.outside.get() {
        let counters = &outside.counters;
        let protocols =
            Protocol::ALL.map(|p| (format!("{{protocol=\"{}\"}}", p.word()), counters.detected(p)));
        let reasons = Refused::ALL.map(|r| (format!("{{reason=\"{}\"}}", r.word()), counters.refused(r)));
        add("conns", "gauge", "Conns now.", &one(outside.admission.conns() as u64));
        add("conns_accepted_total", "counter", "Sockets accepted.", &one(counters.accepted()));
        add("conns_detected_total", "counter", "Conns by what their first bytes speak.", &protocols);
        add("conns_refused_total", "counter", "Conns that no door served, or not well.", &reasons);
    }
    let numbers = app.cx.hub.numbers();
    add("hub_queue", "gauge", "Submissions that wait for the hub.", &one(numbers.queued));
    add("hub_queue_max", "gauge", "Submissions that may wait.", &one(numbers.queue_max));
    add("hub_batches_total", "counter", "Batches committed.", &one(numbers.batches));
    add("hub_events_total", "counter", "Events committed to logs.", &one(numbers.events));
    add("hub_sessions", "gauge", "Sessions now.", &one(numbers.sessions));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

const READY_MAX: Duration = Duration::from_secs(2);
