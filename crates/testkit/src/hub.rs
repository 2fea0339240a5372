//! A hub in memory, and how people come into it.

use crate::{Faults, FaultyStore, Person, TestClock};
use hubbub_hub::{Config, Credentials, Hub, HubThreads, Inbox, Origin, Session, store::Store};
use hubbub_model::{Command, Limits, Refusal, Reply, Role, RoomName, Scope, Text, Txn, UserName};
use hubbub_store::MemoryStore;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// A running hub. It is stopped and its threads are joined when this is dropped.
pub struct TestHub {
    hub: Hub,
    threads: Option<HubThreads>,
    /// Its wall clock.
    pub clock: TestClock,
    /// What can be made to go wrong in its store.
    pub faults: Faults,
    /// Secrets of the accounts' tokens: logging in with a token costs no password hash.
    secrets: Mutex<Vec<(String, String)>>,
}

impl Default for TestHub {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHub {
    /// A hub with nothing in it but the lobby.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// One with these limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self::start(MemoryStore::new(), limits, TestClock::default())
    }

    /// One on this store. A clone of a `MemoryStore` can be given to the next hub after this one has gone.
    pub fn on(store: impl Store + 'static) -> Self {
        Self::start(store, Limits::default(), TestClock::default())
    }

    /// One with all that can be chosen.
    ///
    /// # Panics
    /// When the hub does not start.
    pub fn start(store: impl Store + 'static, limits: Limits, clock: TestClock) -> Self {
        let faults = Faults::default();
        let config = Config { limits: Arc::new(limits), clock: Arc::new(clock.clone()), registration: true };
        match Hub::start(config, Box::new(FaultyStore::new(store, &faults))) {
            Ok((hub, threads)) => {
                Self { hub, threads: Some(threads), clock, faults, secrets: Mutex::default() }
            }
            Err(error) => panic!("the hub does not start: {error}"),
        }
    }

    /// The hub itself.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// A guest of this name.
    ///
    /// # Panics
    /// When the hub refuses; so do all that follow.
    pub async fn guest(&self, name: &str) -> Person {
        self.enter(Login::guest(name)).await
    }

    /// A member's account of this name, made when it is first asked for; each call is another session of it.
    pub async fn account(&self, name: &str) -> Person {
        self.account_as(name, Role::Member).await
    }

    /// An account with this role.
    pub async fn account_as(&self, name: &str, role: Role) -> Person {
        let secret = match self.secret_of(name) {
            Some(secret) => secret,
            None => self.new_account(name, role).await,
        };
        self.enter(Login::token(secret)).await
    }

    /// Logs in, and must be let in.
    pub async fn enter(&self, login: Login) -> Person {
        match self.try_enter(login).await {
            Ok(person) => person,
            Err(refusal) => panic!("the login was refused: {:?}: {refusal}", refusal.kind),
        }
    }

    /// Logs in.
    pub async fn try_enter(&self, login: Login) -> Result<Person, Refusal> {
        let (session, inbox) = self.login(login).await?;
        Ok(Person::new(session, inbox))
    }

    async fn login(&self, Login { credentials, origin }: Login) -> Result<(Session, Inbox), Refusal> {
        self.hub.login(credentials, origin).await
    }

    /// Does something as the hub's operator, who must be let.
    pub async fn operate(&self, command: Command) -> Reply {
        let what = format!("{command:?}");
        match self.hub.operate(command).await {
            Ok(reply) => reply,
            Err(refusal) => panic!("{what} was refused to the operator: {:?}: {refusal}", refusal.kind),
        }
    }

    /// A new token of an account: its number and its secret.
    pub async fn token(&self, account: &str, scopes: &[Scope], for_s: Option<u64>) -> (u64, String) {
        let command = Command::TokenAdd {
            account: Some(user(account)),
            label: text("test"),
            scopes: scopes.to_vec(),
            for_s,
        };
        match self.operate(command).await {
            Reply::Token { secret, card } => (card.id, secret),
            other => panic!("a token was asked for, not {other:?}"),
        }
    }

    /// Stops the hub and waits until its threads have ended: its store can be used again.
    pub fn stop(self) {
        drop(self);
    }

    async fn new_account(&self, name: &str, role: Role) -> String {
        self.operate(Command::AccountAdd { name: user(name), role, password: None }).await;
        let (_, secret) =
            self.token(name, &[Scope::Read, Scope::Write, Scope::Files, Scope::Admin], None).await;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.push((name.to_owned(), secret.clone()));
        secret
    }

    fn secret_of(&self, name: &str) -> Option<String> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().find(|(known, _)| known == name).map(|(_, secret)| secret.clone())
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.faults.release();
        let (hub, threads) = (self.hub.clone(), self.threads.take());
        // On a thread of its own, because this one may be in a runtime, which must not be blocked on twice.
        let stopper = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
                runtime.block_on(hub.stop());
            }
            if let Some(threads) = threads {
                threads.join();
            }
        });
        if stopper.join().is_err() && !std::thread::panicking() {
            panic!("stopping the hub panicked");
        }
    }
}

/// How somebody comes in.
#[derive(Clone)]
pub struct Login {
    credentials: Credentials,
    origin: Origin,
}

impl Login {
    /// As a guest.
    pub fn guest(name: &str) -> Self {
        Self::with(Credentials::Guest(Some(user(name))))
    }

    /// With a password.
    pub fn password(name: &str, password: &str) -> Self {
        Self::with(Credentials::Password(user(name), password.to_owned()))
    }

    /// With a token.
    pub fn token(secret: impl Into<String>) -> Self {
        Self::with(Credentials::Token(secret.into()))
    }

    /// With an invite; with a password, as a new account.
    pub fn invite(code: &str, name: &str, password: Option<&str>) -> Self {
        let password = password.map(str::to_owned);
        Self::with(Credentials::Invite { code: code.to_owned(), name: user(name), password })
    }

    /// As a guest who came with this invite before.
    pub fn invited(name: &str, invite: u64) -> Self {
        Self::with(Credentials::Invited(user(name), invite))
    }

    /// From this address.
    pub fn from_address(mut self, address: impl Into<IpAddr>) -> Self {
        self.origin.address = Some(address.into());
        self
    }

    /// By a client that knows itself again.
    pub fn by_client(mut self, client: &str) -> Self {
        self.origin.client = Txn::parse(client);
        self
    }

    /// At a listener that takes no guests.
    pub fn where_guests_are_unwelcome(mut self) -> Self {
        self.origin.guests = false;
        self
    }

    fn with(credentials: Credentials) -> Self {
        Self { credentials, origin: Origin { via: "test".into(), address: None, guests: true, client: None } }
    }
}

/// The name of somebody.
///
/// # Panics
/// When it cannot be one; so do the next two.
pub fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap_or_else(|error| panic!("{name:?} is no name: {error}"))
}

/// The name of a room.
pub fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap_or_else(|error| panic!("{name:?} is no room's name: {error}"))
}

/// A text.
pub fn text(s: &str) -> Text {
    Text::new(s).unwrap_or_else(|error| panic!("{s:?} is no text: {error}"))
}
