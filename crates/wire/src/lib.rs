//! Codecs of Hubbub's protocols: bytes in, values out.
//!
//! **Invariant.** Sans I/O: no socket, no runtime, no clock. Whoever reads from a peer feeds the bytes in and
//! gets values or a typed error; nothing that a peer sends can panic, and nothing is held beyond a named limit.
//! The formats are those of `docs/protocol.md`.
//!
//! - [`json`] cuts a stream of JSON values apart, however it was split
//! - [`native`] the native protocol in those values
//! - [`text`] the text format: lines and slash commands
//! - [`ws`] WebSocket frames, the server's side
//! - [`Charset`] UTF-8 and GBK
#![warn(missing_docs)]

mod carry;
mod charset;
pub mod json;
pub mod native;
pub mod text;
pub mod ws;

pub use charset::{Charset, Unreadable, to_gbk};
