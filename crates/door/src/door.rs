//! What a door is, and the registry of the doors that a hub has.
//!
//! **Invariant.** Doors are found here by name or by protocol and know nothing of each other.

use crate::{Conn, DoorCtx, Protocol, TakesOver, tls::AlpnSet, url::Scheme};
use hubbub_model::Refusal;
use std::{collections::BTreeMap, fmt, io, pin::Pin, sync::Arc};
use tokio::net::UdpSocket;

/// A protocol front end that serves streams.
pub trait Door: Send + Sync + 'static {
    /// The door's word, as logs, the configuration and people know it: `chat`, `irc`, …
    fn name(&self) -> &'static str;

    /// Serves one conn to its end. Deadlines from here on, the login's too, are the door's.
    /// MUST return soon after `cx.stop` is cancelled; what is left after `Limits::shutdown_s` is dropped.
    fn serve(&self, conn: Conn, cx: DoorCtx) -> impl Future<Output = Result<(), DoorError>> + Send;
}

/// A protocol front end that serves datagrams.
pub trait DatagramDoor: Send + Sync + 'static {
    /// The door's word.
    fn name(&self) -> &'static str;

    /// Serves one bound socket until `cx.stop` is cancelled. It is started again, after a pause, when it fails.
    fn run(&self, socket: UdpSocket, cx: DoorCtx) -> impl Future<Output = Result<(), DoorError>> + Send;
}

/// How serving ended, unless well.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The socket failed, or the peer went away.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer misbehaved; what it did.
    #[error("the peer misbehaved: {0}")]
    Peer(&'static str),
    /// The hub refused what serving needs.
    #[error("the hub refused: {0}")]
    Hub(#[from] Refusal),
}

/// A boxed future of a door's work.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), DoorError>> + Send>>;

/// [`Door`] as an object. Implemented for every door.
pub trait DynDoor: Send + Sync + 'static {
    /// See [`Door::name`].
    fn name(&self) -> &'static str;
    /// See [`Door::serve`].
    fn serve_boxed(self: Arc<Self>, conn: Conn, cx: DoorCtx) -> Serving;
}

impl<D: Door> DynDoor for D {
    fn name(&self) -> &'static str {
        Door::name(self)
    }

    fn serve_boxed(self: Arc<Self>, conn: Conn, cx: DoorCtx) -> Serving {
        Box::pin(async move { self.serve(conn, cx).await })
    }
}

/// [`DatagramDoor`] as an object. Implemented for every datagram door.
pub trait DynDatagramDoor: Send + Sync + 'static {
    /// See [`DatagramDoor::name`].
    fn name(&self) -> &'static str;
    /// See [`DatagramDoor::run`].
    fn run_boxed(self: Arc<Self>, socket: UdpSocket, cx: DoorCtx) -> Serving;
}

impl<D: DatagramDoor> DynDatagramDoor for D {
    fn name(&self) -> &'static str {
        DatagramDoor::name(self)
    }

    fn run_boxed(self: Arc<Self>, socket: UdpSocket, cx: DoorCtx) -> Serving {
        Box::pin(async move { self.run(socket, cx).await })
    }
}

/// The doors of a hub: by protocol, for what detection finds, and by name, for listeners with one door.
#[derive(Clone, Default)]
pub struct Doors {
    by_protocol: BTreeMap<Protocol, Arc<dyn DynDoor>>,
    by_name: BTreeMap<&'static str, Arc<dyn DynDoor>>,
    datagrams: BTreeMap<&'static str, Arc<dyn DynDatagramDoor>>,
    /// Who takes conns that other doors have begun.
    takers: BTreeMap<&'static str, Arc<dyn TakesOver>>,
}

impl Doors {
    /// No doors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Conns that speak `protocol` go to `door`, which can then also be found by its name.
    pub fn on(&mut self, protocol: Protocol, door: Arc<dyn DynDoor>) -> &mut Self {
        self.by_name.entry(door.name()).or_insert_with(|| Arc::clone(&door));
        self.by_protocol.insert(protocol, door);
        self
    }

    /// Conns of listeners of this name (`relay`, `echo`, …) go to `door`.
    pub fn stream(&mut self, name: &'static str, door: Arc<dyn DynDoor>) -> &mut Self {
        self.by_name.insert(name, door);
        self
    }

    /// Sockets of datagram listeners of this name (`echo`, `coap`, `udp`) go to `door`.
    pub fn datagram(&mut self, name: &'static str, door: Arc<dyn DynDatagramDoor>) -> &mut Self {
        self.datagrams.insert(name, door);
        self
    }

    /// Conns that another door hands over under this name (`websocket`) go to `taker`.
    pub fn takes_over(&mut self, name: &'static str, taker: Arc<dyn TakesOver>) -> &mut Self {
        self.takers.insert(name, taker);
        self
    }

    /// Who takes conns under this name. A door that hands conns over asks while it is registered: whom it hands
    /// them to is registered before it.
    pub fn taker(&self, name: &str) -> Option<Arc<dyn TakesOver>> {
        self.takers.get(name).cloned()
    }

    /// The door for a protocol. Telnet goes where text goes unless it has a door of its own.
    pub fn speaking(&self, protocol: Protocol) -> Option<Arc<dyn DynDoor>> {
        let found = self.by_protocol.get(&protocol);
        let found = found.or_else(|| {
            if protocol == Protocol::Telnet { self.by_protocol.get(&Protocol::Text) } else { None }
        });
        found.cloned()
    }

    /// The stream door of this name.
    pub fn named(&self, name: &str) -> Option<Arc<dyn DynDoor>> {
        self.by_name.get(name).cloned()
    }

    /// The datagram door of this name.
    pub fn datagram_named(&self, name: &str) -> Option<Arc<dyn DynDatagramDoor>> {
        self.datagrams.get(name).cloned()
    }

    /// The door of a listener whose scheme has one.
    pub(crate) fn of_scheme(&self, scheme: Scheme) -> Option<Arc<dyn DynDoor>> {
        self.named(scheme.word()).or_else(|| self.speaking(scheme.protocol()))
    }

    /// What a TLS client may ask for by ALPN on a listener of this scheme.
    pub(crate) fn alpn(&self, scheme: Scheme) -> AlpnSet {
        match scheme {
            Scheme::Any => AlpnSet::of(self.by_protocol.keys().copied()),
            Scheme::Http => AlpnSet::of(
                [Protocol::Http1, Protocol::Http2].into_iter().filter(|p| self.by_protocol.contains_key(p)),
            ),
            Scheme::Chat => AlpnSet::of([Protocol::Json]),
            Scheme::Irc | Scheme::Mqtt => AlpnSet::of([scheme.protocol()]),
            Scheme::Ftp => AlpnSet::FTP,
            Scheme::Ssh | Scheme::Relay | Scheme::Echo | Scheme::Run | Scheme::Coap | Scheme::Udp => {
                AlpnSet::NONE
            }
        }
    }
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.by_protocol.iter().map(|(protocol, door)| (protocol.word(), door.name()));
        f.debug_struct("Doors")
            .field("protocols", &protocols.collect::<Vec<_>>())
            .field("streams", &self.by_name.keys())
            .field("datagrams", &self.datagrams.keys())
            .finish()
    }
}
