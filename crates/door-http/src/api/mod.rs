//! REST: the hub's commands as requests. Bodies are the values of the native protocol (`docs/protocol.md`), so that a
//! program reads one and the same `message` whichever way it came.
//!
//! **Invariant.** A handler turns a request into commands and a reply into an answer, nothing else.

mod messages;
mod rooms;

use crate::{
    app::App,
    reply::{Problem, json_bytes},
};
use axum::{Router, response::Response, routing::get};
use hubbub_model::{Kind, Reply, RoomName, RoomRef};
use hubbub_wire::native::encode_reply;
use hyper::StatusCode;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rooms", get(rooms::list))
        .route("/rooms/{room}", get(rooms::show))
        .route("/rooms/{room}/messages", get(messages::list).post(messages::say))
}

/// A reply as the value of the native protocol.
fn native(reply: &Reply, room: &str) -> Response {
    let mut body = Vec::new();
    encode_reply(None, reply, room, &mut body);
    json_bytes(StatusCode::OK, body)
}

/// A room by the word in a path: its name, or `@17` for a direct that one is in.
fn room(word: &str) -> Result<RoomRef, Problem> {
    if let Some(number) = word.strip_prefix('@').and_then(|number| number.parse().ok()) {
        return Ok(RoomRef::Id(hubbub_model::RoomId(number)));
    }
    RoomName::parse(word).map(RoomRef::Name).map_err(|error| Problem::new(Kind::Invalid, error))
}

fn unexpected() -> Problem {
    Problem::new(Kind::Internal, "the hub gave an answer of another kind")
}
