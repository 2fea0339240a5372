//! The chat door: the text format, the JSON format (which is the native protocol), the same in WebSocket frames, and
//! the relay.
//!
//! **Invariants.** Sessions are pure (`step`): bytes and deliveries in; bytes, commands and wishes out. One driver
//! moves them for both formats. Formats, byte by byte: `docs/protocol.md`.
//!
//! To add a slash command: its row in `hubbub_wire::text`, its arm in `text::slash`, its words in `lines`. To add
//! a request: its variant in `hubbub_wire::native`, its command there; this crate need not change.

mod driver;
mod json;
mod lines;
mod owed;
mod relay;
mod reply;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod web;
mod words;

use hubbub_door::{Conn, Door, DoorCtx, DoorError, Doors, Encoding, Protocol, Serving, TakesOver};
use hubbub_hub::Credentials;
use hubbub_wire::Charset;
pub use relay::Relay;
use std::sync::Arc;

/// The text format and the JSON format: the first bytes have told which.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChatDoor;

impl Door for ChatDoor {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn serve(&self, conn: Conn, cx: DoorCtx) -> impl Future<Output = Result<(), DoorError>> + Send {
        if conn.origin.protocol == Protocol::Json { json(conn, &cx) } else { text(conn, &cx) }
    }
}

fn text(conn: Conn, cx: &DoorCtx) -> Serving {
    let telnet = conn.origin.protocol == Protocol::Telnet;
    let session = text::TextSession::new(&cx.limits, &conn.origin.options, telnet);
    Box::pin(driver::drive(conn, session, cx))
}

fn json(conn: Conn, cx: &DoorCtx) -> Serving {
    let charset = match conn.origin.options.encoding {
        Encoding::Auto => Charset::Auto,
        Encoding::Utf8 => Charset::Utf8,
        Encoding::Gbk => Charset::Gbk,
    };
    let session =
        json::JsonSession::new(cx.limits.clone(), charset, conn.origin.options.language.unwrap_or_default());
    Box::pin(driver::drive(conn, session, cx))
}

/// The native protocol in WebSocket frames, for conns whose HTTP upgrade another door did.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebSocket;

impl TakesOver for WebSocket {
    fn take_over(self: Arc<Self>, conn: Conn, who: Credentials, cx: DoorCtx) -> Serving {
        let language = conn.origin.options.language.unwrap_or_default();
        let session = web::WebSession::new(cx.limits.clone(), language, who);
        Box::pin(driver::drive(conn, session, &cx))
    }
}

/// Registers the text format, the JSON format, WebSockets and the relay.
pub fn register(doors: &mut Doors) {
    let chat = Arc::new(ChatDoor);
    doors.on(Protocol::Text, chat.clone()).on(Protocol::Json, chat);
    doors.takes_over("websocket", Arc::new(WebSocket));
    doors.stream("relay", Arc::new(Relay::default()));
}
