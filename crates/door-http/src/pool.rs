//! Sessions of the hub for requests: one for each credential, kept a minute after its last use.
//!
//! **Invariants.** A session belongs to its task alone; requests reach it through a bounded queue and are answered by
//! ticket. The task ends with its session, when it is idle, or when the hub stops, and the pool awaits it.

use crate::{cookie::Who, reply::Problem};
use hubbub_hub::{CloseReason, Delivery, Hub, Inbox, Me, Origin, Session};
use hubbub_model::{Command, Kind, Refusal, Reply, Ticket, Txn};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::task::TaskTracker;

/// The sessions of one hub.
pub(crate) struct Pool {
    hub: Hub,
    /// By the hash of the credential. Held for a look or a change, never while anything is awaited.
    sessions: Mutex<HashMap<[u8; 32], Pooled>>,
    /// Of whoever begins a session: two requests of one credential must not begin two.
    turn: Semaphore,
    tasks: TaskTracker,
}

/// A way to one session.
#[derive(Clone)]
pub(crate) struct Pooled {
    me: Arc<Me>,
    asks: mpsc::Sender<Ask>,
}

/// A command, and where its answer goes.
struct Ask {
    command: Command,
    tell: oneshot::Sender<Result<Reply, Refusal>>,
}

/// Where a request comes from.
pub(crate) struct From {
    pub(crate) via: &'static str,
    pub(crate) address: Option<IpAddr>,
    pub(crate) guests: bool,
}

impl Pool {
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub, sessions: Mutex::default(), turn: Semaphore::new(1), tasks: TaskTracker::new() }
    }

    /// The session of this credential, begun if there is none.
    pub(crate) async fn session(&self, who: &Who, from: From) -> Result<Pooled, Problem> {
        let key = key(who);
        let known = || self.sessions.lock().get(&key).filter(|known| !known.asks.is_closed()).cloned();
        if let Some(known) = known() {
            return Ok(known);
        }
        let _turn = self.turn.acquire().await.map_err(|_| over())?;
        if let Some(known) = known() {
            return Ok(known);
        }
        let (session, inbox) = begin(&self.hub, who, from).await?;
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let pooled = Pooled { me: Arc::new(session.me().clone()), asks };
        {
            let mut sessions = self.sessions.lock();
            sessions.retain(|_, known| !known.asks.is_closed());
            if sessions.len() >= SESSIONS_MAX {
                return Err(Problem::new(Kind::Busy, "too many programs use the hub at once: try again"));
            }
            sessions.insert(key, pooled.clone());
        }
        self.tasks.spawn(tend(session, inbox, asked));
        Ok(pooled)
    }

    /// Waits until all sessions have ended, which they do when the hub stops.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Pooled {
    /// Who the session is, as of its login.
    pub(crate) fn me(&self) -> &Me {
        &self.me
    }

    /// Has the hub carry out a command. Not cancel safe: a command that was handed in is carried out.
    pub(crate) async fn ask(&self, command: Command) -> Result<Reply, Problem> {
        let (tell, told) = oneshot::channel();
        let answer = timeout(ANSWER_MAX, async {
            self.asks.send(Ask { command, tell }).await.map_err(|_| over())?;
            told.await.map_err(|_| over())?
        });
        let answer = answer.await.map_err(|_| Problem::new(Kind::Busy, "the hub did not answer in time"))?;
        Ok(answer?)
    }
}

/// A session for one purpose, which ends when it is dropped.
pub(crate) async fn begin(hub: &Hub, who: &Who, from: From) -> Result<(Session, Inbox), Refusal> {
    let From { via, address, guests } = from;
    let client = match who {
        Who::Token(_) => None,
        // A socket of the same browser is another session, and does not end this one.
        Who::Guest(_, id, _) => Txn::parse(&format!("{id}/rest")),
    };
    hub.login(who.credentials(), Origin { via: via.into(), address, guests, client }).await
}

/// Has a session carry out one command.
pub(crate) async fn ask_once(
    session: &Session,
    inbox: &mut Inbox,
    command: Command,
) -> Result<Reply, Refusal> {
    session.submit(vec![(Ticket(1), command)]).await.map_err(|_| over())?;
    loop {
        match inbox.next().await {
            Delivery::Reply(Ticket(1), reply) => return reply,
            Delivery::Closed(reason) => return Err(closed(reason)),
            _ => {}
        }
    }
}

/// Serves one session to its end.
async fn tend(session: Session, mut inbox: Inbox, mut asked: mpsc::Receiver<Ask>) {
    let mut waiting: HashMap<Ticket, oneshot::Sender<Result<Reply, Refusal>>> = HashMap::new();
    let (mut tickets, mut idle_since, mut ending) = (0, Instant::now(), false);
    while !ending || !waiting.is_empty() {
        tokio::select! {
            ask = asked.recv(), if !ending && waiting.len() < ASKS_MAX => {
                let Some(Ask { command, tell }) = ask else {
                    // What was asked before is answered still.
                    ending = true;
                    continue;
                };
                tickets += 1;
                if session.submit(vec![(Ticket(tickets), command)]).await.is_err() {
                    return;
                }
                waiting.insert(Ticket(tickets), tell);
            }
            told = inbox.next() => match told {
                Delivery::Reply(ticket, reply) => {
                    idle_since = Instant::now();
                    if let Some(tell) = waiting.remove(&ticket) {
                        // Who asked may have gone.
                        let _ = tell.send(reply);
                    }
                }
                Delivery::Closed(reason) => {
                    for (_, tell) in waiting.drain() {
                        let _ = tell.send(Err(closed(reason)));
                    }
                    return;
                }
                // Events of rooms that it opened in order to speak there: requests read logs, not these.
                _ => {}
            },
            // Whoever asks from now on begins another session.
            () = sleep_until(idle_since + IDLE_MAX), if waiting.is_empty() => {
                idle_since = Instant::now();
                asked.close();
            }
        }
    }
}

fn over() -> Refusal {
    Refusal::new(Kind::Busy, "the session has ended: try again")
}

fn closed(reason: CloseReason) -> Refusal {
    match reason {
        CloseReason::Revoked => Refusal::new(Kind::NotLoggedIn, "the login is no longer valid"),
        CloseReason::Stopping | CloseReason::Slow | CloseReason::Replaced | CloseReason::Trouble => over(),
    }
}

/// Secrets are not kept as keys.
fn key(who: &Who) -> [u8; 32] {
    match who {
        Who::Token(secret) => Sha256::new().chain_update("token ").chain_update(secret),
        Who::Guest(name, id, invite) => Sha256::new()
            .chain_update("guest ")
            .chain_update(invite.unwrap_or_default().to_be_bytes())
            .chain_update(id)
            .chain_update(name.as_str()),
    }
    .finalize()
    .into()
}

/// Sessions at once.
const SESSIONS_MAX: usize = 1_024;
/// Commands of one session that wait: to be handed in, and again for their answers.
const ASKS_MAX: usize = 64;
const IDLE_MAX: Duration = Duration::from_secs(60);
const ANSWER_MAX: Duration = Duration::from_secs(30);
