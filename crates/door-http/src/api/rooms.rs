//! Rooms: the list, and one.

use super::{native, room};
use crate::{caller::Caller, reply::Problem};
use axum::{extract::Path, response::Response};
use hubbub_model::Command;

/// `GET /api/v1/rooms`: those that one may see.
pub(super) async fn list(caller: Caller) -> Result<Response, Problem> {
    Ok(native(&caller.ask(Command::Rooms).await?, ""))
}

/// `GET /api/v1/rooms/{room}`
pub(super) async fn show(caller: Caller, Path(word): Path<String>) -> Result<Response, Problem> {
    Ok(native(&caller.ask(Command::Room { room: room(&word)? }).await?, &word))
}
