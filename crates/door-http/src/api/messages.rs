//! What was said in a room, page by page, and saying something.

use super::{room, unexpected};
use crate::{
    app::App,
    body::Json,
    caller::Caller,
    reply::{Problem, json, json_bytes},
};
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use hubbub_model::{Command, Event, EventId, HistoryQuery, Kind, Place, Reply, RoomRef, Start, Text, Txn};
use hubbub_wire::native::encode_event;
use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Which page: before a place or after one; without either, the newest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// `GET /api/v1/rooms/{room}/messages`: events, oldest first. `next` leads on in the direction that was asked.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(word): Path<String>,
    Query(page): Query<Page>,
) -> Result<Response, Problem> {
    let limit = page.limit.unwrap_or(PAGE).clamp(1, app.cx.limits.history_events_max);
    let query = match (page.before, page.after) {
        (Some(_), Some(_)) => return Err(Problem::new(Kind::Invalid, "ask for before or after, not both")),
        (Some(seq), None) => HistoryQuery::Before(Place::Seq(seq), limit),
        (None, Some(seq)) => HistoryQuery::After(Place::Seq(seq), limit),
        // Behind the head is nothing, so that the newest is in.
        (None, None) => HistoryQuery::Before(Place::Head, limit),
    };
    let reply = caller.ask(Command::History { room: room(&word)?, query }).await?;
    let Reply::History { events, more, .. } = reply else { return Err(unexpected()) };
    let next = next(&word, &page, limit, &events).filter(|_| more);
    let mut response = json_bytes(StatusCode::OK, body(&word, &events, next.as_deref()));
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Where the next page is (RFC 8288).
fn next(word: &str, page: &Page, limit: u32, events: &[Event]) -> Option<String> {
    let (key, seq) = match page.after {
        Some(_) => ("after", events.last()?.seq),
        None => ("before", events.first()?.seq),
    };
    Some(format!("/api/v1/rooms/{}/messages?{key}={seq}&limit={limit}", escaped(word)))
}

fn body(word: &str, events: &[Event], next: Option<&str>) -> Vec<u8> {
    let head = json!({ "room": word, "next": next }).to_string();
    let mut body = head.into_bytes();
    body.pop();
    body.extend_from_slice(b",\"events\":[");
    for (n, event) in events.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        encode_event(word, event, &mut body);
        body.pop();
    }
    body.extend_from_slice(b"]}\n");
    body
}

/// As a path holds it (RFC 3986 section 2.1).
fn escaped(word: &str) -> String {
    word.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out += &format!("%{byte:02X}"),
        }
        out
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saying {
    text: String,
    reply_to: Option<EventId>,
}

/// `POST /api/v1/rooms/{room}/messages`. With an `Idempotency-Key`, the same request again says it once.
pub(super) async fn say(
    caller: Caller,
    Path(word): Path<String>,
    headers: HeaderMap,
    Json(saying): Json<Saying>,
) -> Result<Response, Problem> {
    let room = room(&word)?;
    let text = Text::new(saying.text).map_err(|error| Problem::new(Kind::Invalid, error))?;
    let say = Command::Say { room: room.clone(), text, reply_to: saying.reply_to, txn: txn(&headers)? };
    let answer = match caller.ask(say.clone()).await {
        // Whoever speaks is in the room; an account belongs to it from then on.
        Err(problem) if problem.kind() == Kind::NotInRoom => {
            enter(&caller, room).await?;
            caller.ask(say).await?
        }
        answer => answer?,
    };
    let Reply::Committed { seq, id, ts_ms, repeated, .. } = answer else { return Err(unexpected()) };
    let status = if repeated { StatusCode::OK } else { StatusCode::CREATED };
    let sent =
        json!({ "type": "sent", "room": word, "seq": seq, "id": id, "ts": ts_ms, "repeated": repeated });
    Ok(json(status, &sent))
}

async fn enter(caller: &Caller, room: RoomRef) -> Result<(), Problem> {
    caller.ask(Command::Attach { room, from: Start::Head }).await.map(drop)
}

fn txn(headers: &HeaderMap) -> Result<Option<Txn>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let txn = key.to_str().ok().and_then(Txn::parse);
    txn.map(Some)
        .ok_or_else(|| Problem::new(Kind::Invalid, "an Idempotency-Key has 1 to 64 characters of ASCII"))
}

/// Events of a page unless asked otherwise.
const PAGE: u32 = 50;
