//! The chat door from the outside: real sockets on free ports, a hub in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod behind;
mod bounds;
mod clocks;
mod closed;
mod ends;
mod matrix;
mod support;
