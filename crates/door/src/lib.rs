//! What all doors share: the door trait, listeners, protocol detection, TLS, PROXY headers, limits, the accept loop.
//!
//! A conn's way: `listen` binds, `accept` accepts under `supervise`, `admit` counts, `pipeline` asks `proxy`, `detect` and `tls` what
//! it is, and a [`Door`] from [`Doors`] serves it; or `refuse` has the last word.
//!
//! **Invariant.** No door's name is written here but that of the echo door, which is the smallest. The hub is named in
//! `cx` and `handover` only. What is not yet known to be a door's conn costs less than one that is.

mod accept;
mod admit;
mod conn;
mod counters;
mod cx;
mod detect;
mod door;
mod echo;
mod handover;
mod listen;
mod pipeline;
mod proxy;
mod refuse;
mod supervise;
mod tls;
mod url;

pub use admit::Admission;
pub use conn::{Conn, Io, Origin, Peer, Plain, TlsFacts};
pub use counters::{Counters, Refused};
pub use cx::DoorCtx;
pub use detect::{Detector, Protocol, SNIFF_BYTES_MAX, Scanner, Verdict, after_deadline, detect, is_blank};
pub use door::{DatagramDoor, Door, DoorError, Doors, DynDatagramDoor, DynDoor, Serving};
pub use echo::EchoDoor;
pub use handover::TakesOver;
pub use listen::BindError;
pub use refuse::last_words;
pub use supervise::Listeners;
pub use tls::{Reloaded, TlsError, TlsSource, fingerprint};
pub use url::{Encoding, Listener, ListenerOptions, Place, Scheme, TlsMode, UrlError, parse_duration};
