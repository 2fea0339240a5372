//! The listeners together: what runs for each, and the order in which all of it ends.
//!
//! **Invariant.** No error of a socket and no panic of a conn ends a loop. Every task is in one of two trackers that
//! [`Listeners::stop`] waits for.

use crate::{
    BindError, Counters, DoorCtx, Doors, DynDatagramDoor, DynDoor, Listener, ListenerOptions, Peer, Plain,
    TlsSource,
    accept::{Pause, keep_accepting},
    admit::Admission,
    counters::Refused,
    listen::{self, Bind, Bound},
    pipeline::{self, Newcomer},
    tls::AlpnSet,
    url::{Scheme, TlsMode},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::UdpSocket,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// The listeners of a hub, from binding to the end.
#[derive(Debug)]
pub struct Listeners {
    hall: Arc<Hall>,
    addresses: Vec<Listener>,
    /// Empty once opened.
    bound: Vec<Bound>,
    /// Accept loops and datagram doors.
    loops: TaskTracker,
    closing: CancellationToken,
    /// Dropped without [`Listeners::stop`], nothing of it stays.
    _on_drop: [DropGuard; 2],
}

/// What all listeners share.
pub(crate) struct Hall {
    pub(crate) doors: Doors,
    pub(crate) tls: Option<Arc<TlsSource>>,
    pub(crate) cx: DoorCtx,
    pub(crate) admission: Arc<Admission>,
    pub(crate) counters: Arc<Counters>,
    /// One task for each conn.
    pub(crate) conns: TaskTracker,
    /// Ends what has not ended by itself.
    pub(crate) kill: CancellationToken,
}

impl std::fmt::Debug for Hall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hall")
            .field("doors", &self.doors)
            .field("conns", &self.conns.len())
            .finish_non_exhaustive()
    }
}

/// What all conns of one listener share.
pub(crate) struct Gate {
    pub(crate) hall: Arc<Hall>,
    pub(crate) scheme: Scheme,
    pub(crate) secure: bool,
    pub(crate) options: Arc<ListenerOptions>,
    pub(crate) local: Arc<str>,
    pub(crate) alpn: AlpnSet,
    /// The one door, unless the bytes decide.
    pub(crate) door: Option<Arc<dyn DynDoor>>,
}

impl Listeners {
    /// Binds all, or says which cannot be bound and what to do. Nothing is accepted before [`Listeners::open`].
    pub async fn bind(
        urls: &[Listener],
        doors: Doors,
        tls: Option<Arc<TlsSource>>,
        cx: DoorCtx,
    ) -> Result<Self, BindError> {
        let mut bound = Vec::new();
        for url in urls {
            check(url, &doors, tls.is_some())?;
            bound.extend(listen::bind(url).await?);
        }
        let mut addresses: Vec<Listener> = bound.iter().map(|bound| bound.url.clone()).collect();
        addresses.dedup();
        let (closing, kill) = (cx.stop.child_token(), CancellationToken::new());
        let on_drop = [closing.clone().drop_guard(), kill.clone().drop_guard()];
        let admission = Admission::new(Arc::clone(&cx.limits));
        let (counters, conns) = (Arc::default(), TaskTracker::new());
        let hall = Arc::new(Hall { doors, tls, cx, admission, counters, conns, kill });
        Ok(Self { hall, addresses, bound, loops: TaskTracker::new(), closing, _on_drop: on_drop })
    }

    /// Begins to accept.
    pub fn open(&mut self) {
        for Bound { url, socket } in self.bound.drain(..) {
            tracing::info!(listener = %url, "listening");
            match socket {
                Bind::Stream(acceptor) => {
                    let gate = Gate::of(&self.hall, &url);
                    let (local, closing) = (Arc::clone(&gate.local), self.closing.clone());
                    let receive = move |plain, peer| gate.receive(plain, peer);
                    self.loops.spawn(keep_accepting(local, acceptor, receive, closing));
                }
                Bind::Datagram(socket) => {
                    if let Some(door) = self.hall.doors.datagram_named(url.scheme.word()) {
                        self.loops.spawn(keep_running(Arc::clone(&self.hall), door, socket));
                    }
                }
            }
        }
    }

    /// The listeners with the addresses and ports that they have.
    pub fn addresses(&self) -> &[Listener] {
        &self.addresses
    }

    /// What happened to conns before a door had them.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.hall.counters)
    }

    /// How many conns there are.
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.hall.admission)
    }

    /// Stops accepting, tells the doors, waits for `Limits::shutdown_s`, ends what is left, and says how many conns that were.
    pub async fn stop(self) -> usize {
        let Hall { cx, conns, kill, .. } = &*self.hall;
        self.closing.cancel();
        cx.stop.cancel();
        conns.close();
        self.loops.close();
        let all = async {
            self.loops.wait().await;
            conns.wait().await;
        };
        let all_ended = timeout(Duration::from_secs(cx.limits.shutdown_s), all).await.is_ok();
        let left = if all_ended { 0 } else { conns.len() };
        kill.cancel();
        // A task that computes without a pause cannot be ended; it is not waited for.
        let _ = timeout(KILL_MAX, async {
            self.loops.wait().await;
            conns.wait().await;
        })
        .await;
        left
    }
}

fn check(url: &Listener, doors: &Doors, has_tls: bool) -> Result<(), BindError> {
    if !has_tls && (url.secure || url.options.tls == TlsMode::Required) {
        return Err(BindError::NoTls(url.to_string()));
    }
    let word = url.scheme.word();
    let has_stream =
        !url.scheme.is_stream() || url.scheme == Scheme::Any || doors.of_scheme(url.scheme).is_some();
    if has_stream && (!url.is_datagram() || doors.datagram_named(word).is_some()) {
        return Ok(());
    }
    Err(BindError::NoDoor { url: url.to_string(), door: word })
}

impl Gate {
    pub(crate) fn of(hall: &Arc<Hall>, url: &Listener) -> Arc<Self> {
        Arc::new(Self {
            hall: Arc::clone(hall),
            scheme: url.scheme,
            secure: url.secure,
            options: Arc::new(url.options.clone()),
            local: url.to_string().split('?').next().unwrap_or_default().into(),
            alpn: hall.doors.alpn(url.scheme),
            door: hall.doors.of_scheme(url.scheme).filter(|_| url.scheme != Scheme::Any),
        })
    }

    /// Counts a new conn and gives it a task, or closes it.
    fn receive(self: &Arc<Self>, plain: Plain, peer: Peer) {
        self.hall.counters.count_accepted();
        match self.admit(plain, peer) {
            Ok(newcomer) => {
                self.hall.conns.spawn(pipeline::attend(Arc::clone(self), newcomer));
            }
            Err(reason) => self.refused(&peer, reason),
        }
    }

    fn admit(&self, plain: Plain, peer: Peer) -> Result<Newcomer, Refused> {
        let (mut admitted, silent) = self.hall.admission.admit()?;
        if !self.expects_proxy(&peer) {
            admitted.come_from(&peer)?;
        }
        Ok(Newcomer { plain, peer, admitted, silent })
    }

    /// Whether the peer is a proxy that the listener trusts: a PROXY header must come first, and nothing is believed
    /// from others. Whoever may either send one or not could be anybody's client.
    pub(crate) fn expects_proxy(&self, peer: &Peer) -> bool {
        peer.ip().is_some_and(|ip| self.options.trusts(ip))
    }

    pub(crate) fn refused(&self, peer: &Peer, reason: Refused) {
        self.hall.counters.count_refused(reason);
        tracing::debug!(%peer, listener = %self.local, reason = reason.word(), "conn refused");
    }
}

/// Runs a datagram door on its socket, again after each failure.
async fn keep_running(hall: Arc<Hall>, door: Arc<dyn DynDatagramDoor>, socket: std::net::UdpSocket) {
    let mut pause = Pause::default();
    loop {
        let started = Instant::now();
        let ended = tokio::select! {
            () = hall.kill.cancelled() => return,
            ended = run_once(&hall, &door, &socket) => ended,
        };
        if hall.cx.stop.is_cancelled() {
            return;
        }
        tracing::error!(door = door.name(), error = ended, "the datagram door ended and is started again");
        pause.forget_after(started);
        if hall.cx.stop.run_until_cancelled(pause.wait()).await.is_none() {
            return;
        }
    }
}

/// One run, and how it ended.
async fn run_once(hall: &Hall, door: &Arc<dyn DynDatagramDoor>, socket: &std::net::UdpSocket) -> String {
    let socket = match socket.try_clone().and_then(UdpSocket::from_std) {
        Ok(socket) => socket,
        Err(error) => return error.to_string(),
    };
    let mut once = JoinSet::new();
    once.spawn(Arc::clone(door).run_boxed(socket, hall.cx.clone()));
    match once.join_next().await {
        Some(Ok(Ok(()))) | None => "it returned".to_owned(),
        Some(Ok(Err(error))) => error.to_string(),
        Some(Err(_)) => "it panicked".to_owned(),
    }
}

const KILL_MAX: Duration = Duration::from_secs(1);
