//! The hub's handle and the sessions that it gives out.

use crate::{
    clock::Clock,
    core::Core,
    flood::Flood,
    inbox::{Inbox, Outlet},
    logins::{self, LoginStep},
    reads::Reads,
    signal::CloseReason,
    store::{Store, StoreError},
};
use hubbub_model::{
    AccountId, Command, InviteCard, Kind, Limits, Refusal, Role, SenderKind, SessionId, Ticket, Txn, UserName,
};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// What a hub needs to start.
#[derive(Clone)]
pub struct Config {
    /// The named limits.
    pub limits: Arc<Limits>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Whether guests may register themselves.
    pub registration: bool,
}

/// Why a hub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

/// What a door presents.
#[derive(Clone)]
pub enum Credentials {
    /// A name without a secret; none for a name made by the hub.
    Guest(Option<UserName>),
    /// A registered name and its password.
    Password(UserName, String),
    /// A token's secret.
    Token(String),
    /// An invite's code and a name: makes an account of it, with a password, or begins as a guest.
    Invite {
        /// The code.
        code: String,
        /// The name.
        name: UserName,
        /// The new account's password; none for a guest.
        password: Option<String>,
    },
    /// A guest whom this invite let in before (`Me::invite`): the door vouches for that. Where the invite has ended,
    /// as any other guest.
    Invited(UserName, u64),
}

/// Where a session comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The way in, as people know it: `nc`, `json`, `web`, …
    pub via: Arc<str>,
    /// The peer's address; `None` for Unix sockets.
    pub address: Option<IpAddr>,
    /// Whether the listener takes guests.
    pub guests: bool,
    /// A client's own random id, stable over its reconnects: a new login of the same guest with it takes the
    /// place of the old one.
    pub client: Option<Txn>,
}

/// Who a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The session's number.
    pub session: SessionId,
    /// The account, unless a guest.
    pub account: Option<AccountId>,
    /// The number that doors show.
    pub number: u64,
    /// Kind of being.
    pub kind: SenderKind,
    /// Name shown, as the hub gave it.
    pub name: UserName,
    /// The name asked for was taken.
    pub renamed: bool,
    /// Role in the hub.
    pub role: Role,
    /// The token that the login was made with.
    pub token: Option<u64>,
    /// The invite that let the guest in.
    pub invite: Option<u64>,
}

/// What is handed to the hub thread.
pub(crate) enum Submission {
    Commands(SessionId, Vec<(Ticket, Command)>),
    Login(Box<LoginStep>),
    Logout(SessionId),
    Admin(Box<dyn FnOnce(&mut Core) + Send>),
    Stop,
}

/// Numbers about a hub since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Batches committed.
    pub batches: u64,
    /// Events committed to logs.
    pub events: u64,
    /// Sessions, as of the last batch.
    pub sessions: u64,
    /// Submissions that wait for the hub.
    pub queued: u64,
    /// Submissions that may wait: `Limits::hub_queue_max`.
    pub queue_max: u64,
}

/// What the hub thread counts; anybody may read.
#[derive(Default)]
pub(crate) struct Counts {
    batches: AtomicU64,
    events: AtomicU64,
    sessions: AtomicU64,
}

impl Counts {
    pub(crate) fn committed(&self, events: usize, sessions: usize) {
        self.batches.fetch_add(1, Relaxed);
        self.events.fetch_add(events as u64, Relaxed);
        self.sessions.store(sessions as u64, Relaxed);
    }
}

/// A handle to the hub.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    queue: mpsc::Sender<Submission>,
    limits: Arc<Limits>,
    passwords: Arc<Semaphore>,
    /// As many password logins at once as passwords are checked at once.
    logins: Semaphore,
    reads: Reads,
    counts: Arc<Counts>,
}

/// The hub's own threads. They end when the hub is stopped.
#[must_use = "the hub's threads are joined through this"]
pub struct HubThreads(Vec<JoinHandle<()>>);

impl HubThreads {
    /// Waits until the hub has stopped: its last batch is committed and its store closed. Blocks.
    pub fn join(self) {
        for thread in self.0 {
            if thread.join().is_err() {
                tracing::error!("a thread of the hub panicked");
            }
        }
    }
}

/// How many threads read the store.
const READERS: usize = 2;

impl Hub {
    /// Loads the store and starts the hub's threads.
    pub fn start(config: Config, mut store: Box<dyn Store>) -> Result<(Self, HubThreads), StartError> {
        let loaded = store.load()?;
        let readers = (0..READERS).map(|_| store.reader()).collect::<Result<Vec<_>, _>>()?;
        let (reads, mut threads) = Reads::start(readers)?;
        let (queue, waiting) = mpsc::channel(config.limits.hub_queue_max);
        let counts: Arc<Counts> = Arc::default();
        let hub = Self(Arc::new(Shared {
            counts: counts.clone(),
            queue,
            limits: config.limits.clone(),
            passwords: Arc::new(Semaphore::new(config.limits.password_checks_max)),
            logins: Semaphore::new(config.limits.password_checks_max),
            reads: reads.clone(),
        }));
        let own_queue = hub.0.queue.downgrade();
        threads.push(std::thread::Builder::new().name("hub".into()).spawn(move || {
            Core::new(config, loaded, store, reads, own_queue).counting(counts).run(waiting);
        })?);
        Ok((hub, HubThreads(threads)))
    }

    /// The named limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Numbers for whoever watches the hub.
    pub fn numbers(&self) -> Numbers {
        let Shared { queue, counts, .. } = &*self.0;
        Numbers {
            batches: counts.batches.load(Relaxed),
            events: counts.events.load(Relaxed),
            sessions: counts.sessions.load(Relaxed),
            queued: queue.max_capacity().saturating_sub(queue.capacity()) as u64,
            queue_max: queue.max_capacity() as u64,
        }
    }

    /// Begins a session. Passwords are checked off the async workers, a few at a time; failures of all doors count
    /// together per address and account. Not cancel safe: a cancelled login may leave a session that ends at once.
    pub async fn login(&self, credentials: Credentials, origin: Origin) -> Result<(Session, Inbox), Refusal> {
        let checked = match credentials {
            Credentials::Guest(name) => logins::Checked::Guest(name),
            Credentials::Invited(name, invite) => logins::Checked::Invited(name, invite),
            Credentials::Invite { code, name, password } => {
                self.check_invite(&code, name, password, &origin).await?
            }
            Credentials::Token(secret) => logins::Checked::Token(logins::hash_token(&secret)),
            Credentials::Password(name, password) => self.check_password(name, password, &origin).await?,
        };
        let flood = Flood::of(origin.address, &self.0.limits);
        let outlet = Arc::new(Outlet::new());
        let (tell, told) = oneshot::channel();
        let step = LoginStep::Begin { checked, origin, outlet: outlet.clone(), tell };
        self.send(Submission::Login(Box::new(step))).await?;
        let me = told.await.map_err(|_| stopping())??;
        let inbox = Inbox::new(me.session, outlet.clone(), self.0.reads.clone());
        Ok((Session { me, hub: self.clone(), outlet, flood }, inbox))
    }

    async fn check_password(
        &self,
        name: UserName,
        password: String,
        origin: &Origin,
    ) -> Result<logins::Checked, Refusal> {
        // The turn lasts from the look at the budget until a failure is counted, else attempts that come at once
        // would all find the budget unspent.
        let _turn = self.0.logins.acquire().await.map_err(|_| stopping())?;
        let (tell, told) = oneshot::channel();
        let ask = LoginStep::Challenge { name: name.clone(), address: origin.address, tell };
        self.send(Submission::Login(Box::new(ask))).await?;
        let challenge = told.await.map_err(|_| stopping())??;
        let account = challenge.account;
        let right = self.heavy(move || challenge.verify(&password)).await?;
        match account.filter(|_| right) {
            Some(account) => Ok(logins::Checked::Account(account)),
            None => {
                let failed = LoginStep::Failed { name, address: origin.address };
                self.send(Submission::Login(Box::new(failed))).await?;
                Err(Refusal::new(Kind::BadCredentials, "name or password is wrong"))
            }
        }
    }

    /// What an invite lets one do. Codes that are wrong count as failed logins of the address.
    pub async fn peek(&self, code: &str, address: Option<IpAddr>) -> Result<InviteCard, Refusal> {
        let (tell, told) = oneshot::channel();
        let peek = LoginStep::Peek { invite: logins::hash_token(code), address, tell };
        self.send(Submission::Login(Box::new(peek))).await?;
        told.await.map_err(|_| stopping())?
    }

    /// Nobody has a password hashed who has no good code.
    async fn check_invite(
        &self,
        code: &str,
        name: UserName,
        password: Option<String>,
        origin: &Origin,
    ) -> Result<logins::Checked, Refusal> {
        // As with passwords: attempts that come at once find the budget as the one before left it.
        let _turn = self.0.logins.acquire().await.map_err(|_| stopping())?;
        self.peek(code, origin.address).await?;
        let password = match password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        Ok(logins::Checked::Invite(logins::hash_token(code), name, password))
    }

    /// Makes a password's hash, off the async workers, a few at a time.
    pub async fn hash_password(&self, password: String) -> Result<String, Refusal> {
        self.heavy(move || logins::hash_password(&password)).await?
    }

    async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let permit = self.0.passwords.clone().acquire_owned().await.map_err(|_| stopping())?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(|_| Refusal::new(Kind::Internal, "the check of the password failed"))
    }

    /// Runs a command with the rights of the hub's operator, without a session: what `hubbub user`, `room` and
    /// `token` do through the control socket or on a store that no hub has open.
    pub async fn operate(&self, command: Command) -> Result<hubbub_model::Reply, Refusal> {
        let command = self.prepare(command).await?;
        let (tell, told) = oneshot::channel();
        self.send(Submission::Admin(Box::new(move |core| core.operate(command, tell)))).await?;
        told.await.map_err(|_| stopping())?
    }

    /// Passwords become hashes before the hub thread sees them.
    async fn prepare(&self, mut command: Command) -> Result<Command, Refusal> {
        match &mut command {
            Command::AccountAdd { password: Some(password), .. }
            | Command::AccountSet { password: Some(password), .. }
            | Command::Register { password, .. }
            | Command::Password { new: password, .. } => {
                *password = self.hash_password(std::mem::take(password)).await?;
            }
            _ => {}
        }
        Ok(command)
    }

    /// Stops the hub: all sessions are told, the last batch is committed. `HubThreads::join` waits for that.
    pub async fn stop(&self) {
        // A hub that has stopped already needs no stopping.
        let _ = self.0.queue.send(Submission::Stop).await;
    }

    async fn send(&self, submission: Submission) -> Result<(), Refusal> {
        self.0.queue.send(submission).await.map_err(|_| stopping())
    }
}

/// The hub has stopped: nothing can be submitted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub has stopped")]
pub struct Stopped;

/// One login. Deliberately not `Clone`: dropping it ends attendance and presence.
pub struct Session {
    me: Me,
    hub: Hub,
    outlet: Arc<Outlet>,
    /// How fast it may hand in commands. Boxed: most sessions of a hub at home have none.
    flood: Option<Box<Flood>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("me", &self.me).finish_non_exhaustive()
    }
}

impl Session {
    /// Who this session is, as of its login.
    pub fn me(&self) -> &Me {
        &self.me
    }

    /// The name has changed.
    pub fn named(&mut self, name: UserName) {
        self.me.name = name;
    }

    /// How many commands `submit` takes now without waiting for this session's pace (`Limits::commands_per_s`).
    pub fn allowance(&self) -> usize {
        self.flood.as_ref().map_or(usize::MAX, |flood| flood.allowance())
    }

    /// How long until `submit` takes so many commands without waiting for this session's pace.
    pub fn wait_for(&self, commands: usize) -> Duration {
        self.flood.as_ref().map_or(Duration::ZERO, |flood| flood.wait_for(commands))
    }

    /// Hands commands to the hub, in order. Waits for this session's own pace and for room in the hub's queue, nothing
    /// else; the replies come through the inbox. A door that tells its peer things meanwhile asks `allowance` before.
    /// Not cancel safe: a cancelled call has handed in all commands or none, and has spent nothing of the pace if none.
    pub async fn submit(&self, mut commands: Vec<(Ticket, Command)>) -> Result<(), Stopped> {
        if let Some(flood) = &self.flood {
            loop {
                let wait = flood.wait_for(commands.len());
                if wait.is_zero() {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
        }
        if commands.iter().any(|(_, command)| carries_password(command)) {
            Box::pin(self.hash_passwords(&mut commands)).await;
        }
        let place = self.hub.0.queue.reserve().await.map_err(|_| Stopped)?;
        // Counted only now: a call that is cancelled while it waits for room has handed in nothing.
        self.outlet.submitted(commands.len() as u64);
        if let Some(flood) = &self.flood {
            flood.spend(commands.len());
        }
        place.send(Submission::Commands(self.me.session, commands));
        Ok(())
    }

    /// Passwords become hashes, off the async workers; what cannot be hashed is refused here.
    async fn hash_passwords(&self, commands: &mut [(Ticket, Command)]) {
        for (ticket, command) in commands.iter_mut().filter(|(_, command)| carries_password(command)) {
            match self.hub.prepare(std::mem::replace(command, Command::Ping)).await {
                Ok(prepared) => *command = prepared,
                Err(refusal) => {
                    self.outlet.reply(*ticket, Err(refusal));
                    *ticket = Ticket::NONE;
                }
            }
        }
    }

    /// Ends the session with a reason of the door's own.
    pub fn close(&self, reason: CloseReason) {
        self.outlet.close(reason);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let logout = Submission::Logout(self.me.session);
        if let Err(mpsc::error::TrySendError::Full(logout)) = self.hub.0.queue.try_send(logout) {
            // The hub is busy: it hears of it when there is room, on the thread that may wait.
            let queue = self.hub.0.queue.clone();
            self.hub.0.reads.run(move |_| {
                let _ = queue.blocking_send(logout);
            });
        }
    }
}

fn carries_password(command: &Command) -> bool {
    matches!(
        command,
        Command::AccountAdd { password: Some(_), .. }
            | Command::AccountSet { password: Some(_), .. }
            | Command::Register { .. }
            | Command::Password { .. }
    )
}

fn stopping() -> Refusal {
    Refusal::new(Kind::Busy, "the hub is stopping")
}
