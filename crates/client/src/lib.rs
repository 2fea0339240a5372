//! The client library of Hubbub's native protocol: connect, stay connected, miss nothing.
//!
//! A [`Client`] asks, an [`Events`] hears. One task of the library keeps the conn: it logs in, comes back after
//! each break, opens the same rooms at the places where it left them, and sends again what was not answered.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hubbub_client::{Begin, Client, Incoming, LoginAs, Options};
//! let login = LoginAs::Guest(Some("ada".into()));
//! let options = Options::new("localhost".parse()?, login).with_room("lobby", Begin::Last(10));
//! let (client, mut events) = Client::connect(options).await?;
//! client.say("lobby", "hello").await?;
//! while let Some(incoming) = events.next().await {
//!     if let Incoming::Event { room, value } = incoming {
//!         println!("{room} {}: {:?}", value.sender_nickname, value.body);
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! **Invariants.** Every event of an open room comes once and in order, or a gap is told, over any number of breaks.
//! What was said is committed once, or its sender is told that it was not. Every queue has a limit. Nothing is sent
//! in the clear where TLS was asked for.
//!
//! - `session` the rules of all that, without a socket and without a clock; `driver` moves its bytes
//! - `dial` finds a way to the hub, `pin` knows hubs by their certificates again, `backoff` spreads the tries
#![warn(missing_docs)]

mod address;
mod backoff;
mod client;
mod dial;
mod driver;
mod error;
mod incoming;
mod options;
mod pin;
mod session;
pub mod words;

pub use address::{Address, AddressError, DEFAULT_PORT, Place};
pub use client::{Answer, Client, Events, PENDING_MAX, Said};
pub use dial::{Dialed, Stream, dial};
pub use error::{ClientError, Fault, Refused};
pub use incoming::Incoming;
pub use options::{Begin, LoginAs, Options, Timing};
pub use pin::{PinError, Pinned};

/// The values of the protocol.
pub use hubbub_wire::native as wire;
