//! The HTTP door: the web client, sign-in, REST, and WebSockets up to their upgrade.
//!
//! Standards: HTTP semantics (RFC 9110), HTTP/1.1 (RFC 9112), HTTP/2 (RFC 9113), cookies (RFC 6265), WebSocket's
//! handshake (RFC 6455 section 4), bearer tokens (RFC 6750), problem documents (RFC 9457). Left out on purpose:
//! content coding other than gzip (browsers take no other over plain HTTP), HTTP/1.1 pipelining beyond order, HTTP/2
//! push, WebSocket over HTTP/2 (RFC 8441: browsers fall back) and its compression.
//!
//! **Invariants.** No handler decides what is allowed: `authorize()` in the hub does. What is carried by a cookie
//! changes something only when it comes from our own pages. Surface and security: `docs/http.md`.
//!
//! To add a route: its handler in `api/<noun>`, its row in `api::routes`, its lines in `docs/http.md`.

mod api;
mod app;
mod body;
mod caller;
mod cookie;
mod files;
mod headers;
mod health;
mod io;
mod paths;
mod pool;
mod reply;
mod serve;
mod signin;
mod socket;

use app::App;
use axum::Router;
use cookie::Seal;
use hubbub_door::{
    Admission, Conn, Counters, Door, DoorCtx, DoorError, Doors, Listener, Listeners, Protocol, TakesOver,
};
use pool::Pool;
use signin::{Codes, Setup};
use std::sync::{Arc, OnceLock};

/// What the door is told by whoever wires it.
pub struct HttpConfig {
    /// The hub's name where the configuration gives one: it wins over the one that the owner gave.
    pub name: Option<String>,
    /// The key that seals the cookies of guests; kept, it keeps them signed in over a restart of the hub.
    pub guest_key: [u8; 32],
}

/// What the door shows of the listeners, once they are bound.
pub(crate) struct Outside {
    pub(crate) addresses: Vec<Listener>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<Admission>,
}

/// The web client, sign-in, REST, and WebSockets up to their upgrade.
pub struct HttpDoor {
    config: Arc<HttpConfig>,
    setup: Setup,
    sockets: Option<Arc<dyn TakesOver>>,
    outside: Arc<OnceLock<Outside>>,
    /// Made with the first conn, which brings the hub.
    app: OnceLock<(Arc<App>, Router)>,
}

impl HttpDoor {
    /// The door. WebSockets go to who takes them over among `doors` by now.
    pub fn new(config: HttpConfig, doors: &Doors) -> Self {
        Self {
            config: Arc::new(config),
            setup: Setup::new(),
            sockets: doors.taker("websocket"),
            outside: Arc::default(),
            app: OnceLock::new(),
        }
    }

    /// Lets the door tell where the hub listens, and count its conns.
    pub fn watch(&self, listeners: &Listeners) {
        let outside = Outside {
            addresses: listeners.addresses().to_vec(),
            counters: listeners.counters(),
            admission: listeners.admission(),
        };
        // The listeners of a hub are bound once.
        let _ = self.outside.set(outside);
    }

    /// The one-time link by which the first owner sets the hub up, for 24 hours and as long as there is none; absent
    /// where no listener speaks HTTP, or the system gave no random bits.
    pub fn setup_link(&self, addresses: &[Listener]) -> Option<String> {
        let base = addresses.iter().find_map(signin::base_url)?;
        self.setup.link(&base)
    }

    /// Waits until the door's sessions have ended, which they do when the hub has stopped.
    pub async fn ended(&self) {
        if let Some((app, _)) = self.app.get() {
            app.pool.ended().await;
        }
    }

    fn app(&self, cx: &DoorCtx) -> &(Arc<App>, Router) {
        self.app.get_or_init(|| {
            let app = Arc::new(App {
                cx: cx.clone(),
                config: Arc::clone(&self.config),
                pool: Pool::new(cx.hub.clone()),
                seal: Seal::new(&self.config.guest_key),
                setup: self.setup.clone(),
                codes: Codes::default(),
                sockets: self.sockets.clone(),
                outside: Arc::clone(&self.outside),
            });
            let router = app::routes(Arc::clone(&app));
            (app, router)
        })
    }
}

impl Door for HttpDoor {
    fn name(&self) -> &'static str {
        "http"
    }

    fn serve(&self, conn: Conn, cx: DoorCtx) -> impl Future<Output = Result<(), DoorError>> + Send {
        let (app, router) = self.app(&cx).clone();
        serve::serve(conn, app, router)
    }
}

/// Registers the door. Whoever takes its WebSockets over is registered before it.
pub fn register(doors: &mut Doors, config: HttpConfig) -> Arc<HttpDoor> {
    let http = Arc::new(HttpDoor::new(config, doors));
    doors.on(Protocol::Http1, http.clone()).on(Protocol::Http2, http.clone());
    http
}
