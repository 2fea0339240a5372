//! The text format: the first message is a name, every further one goes to the others as `NAME: TEXT`.
//!
//! **Invariant.** Pure: bytes in, values out. It knows no session and no hub. Contract: "The three chat formats" in
//! `docs/protocol.md`.
//!
//! - `decode` bytes to messages; `telnet` what to leave out of them
//! - `slash` what a line asks for; the one table behind parser and `/help`
//! - `encode` messages to lines

mod decode;
mod encode;
mod slash;
mod telnet;

pub use decode::{LineDecoder, LineError};
pub use encode::{PACED_BYTES_MAX, encode_line, encode_message, paced};
pub use slash::{Line, Slash, SlashRow, help, looks_like_http, parse_line};
