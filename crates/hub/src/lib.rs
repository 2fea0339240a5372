//! The hub: logs, cursors, sessions, membership, presence and the one `authorize()`.
//!
//! **Invariant.** The hub knows no protocol, no socket, no database and no configuration file. Everything durable
//! goes through one thread (`core`), in one order: decide, commit, publish, answer, wake. Readers never go through
//! that thread: each owns cursors (`inbox`) into shared rings (`log`, `block`) and sleeps on one bell (`parking`).
//!
//! To add a command: the variant in `hubbub_model::Command`, its handler in `op/<noun>`, the row in `op::command`,
//! its rule in `rules`, its words in the doors.

mod block;
mod clock;
mod core;
mod ephemeral;
mod expiry;
mod facts;
mod flood;
mod hub;
mod ids;
mod inbox;
mod log;
mod logins;
mod op;
mod pages;
mod parking;
mod people;
mod presence;
mod reads;
mod retention;
mod rules;
mod signal;
pub mod store;
mod sync;

pub use block::{Block, Encoded, Format};
pub use clock::{Clock, Pause, WallClock};
pub use hub::{Config, Credentials, Hub, HubThreads, Me, Numbers, Origin, Session, StartError, Stopped};
pub use inbox::{Delivery, Events, Inbox};
pub use log::Log;
pub use pages::{PAGES_BYTES_MIN, Pages};
pub use signal::{CloseReason, EndReason, Signal, Who};
