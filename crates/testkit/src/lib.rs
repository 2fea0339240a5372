//! Test support: a hub with a clock that a test sets, people who tell a story, a store that fails on demand, and a
//! peer on a socket that speaks lines.
//!
//! **Invariant.** Knows no door. Nothing here sleeps to wait: every wait ends with what it waited for, or after
//! `PATIENCE` with a panic that shows what the waiting one did and saw.
//!
//! ```no_run
//! # async fn story() {
//! let hub = hubbub_testkit::TestHub::new();
//! let (mut ada, mut bob) = (hub.guest("ada").await, hub.guest("bob").await);
//! ada.join("lobby").await;
//! bob.join("lobby").await;
//! ada.say("lobby", "hi").await;
//! bob.expect("lobby", "hi", "ada").await;
//! # }
//! ```
#![warn(missing_docs)]
#![expect(clippy::panic, reason = "a test that goes wrong ends here, with its transcript")]

mod clock;
mod faults;
mod hub;
mod lines;
mod person;

pub use clock::TestClock;
pub use faults::{Faults, FaultyStore};
pub use hub::{Login, TestHub, room, text, user};
pub use lines::LinePeer;
pub use person::{Joined, Person, Said, Seen};

/// How long a test waits for what must come. Long, because machines that test are busy; it is waited in full only by
/// a test that fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
