//! What a client needs to begin.

use crate::address::Address;
use hubbub_wire::native::{Login, Request, Resume, Secret};
use std::{path::PathBuf, time::Duration};

/// What a client needs to begin.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the hub is.
    pub address: Address,
    /// Who logs in.
    pub login: LoginAs,
    /// The rooms to open, and where to begin in each.
    pub rooms: Vec<(String, Begin)>,
    /// The file that keeps the certificates of known hubs. It is made when needed. Without one there is no TLS.
    pub known_hubs: Option<PathBuf>,
    /// Language of the hub's sentences for people: `en` or `zh`.
    pub lang: Option<String>,
    /// How long to wait for what.
    pub timing: Timing,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub enum LoginAs {
    /// A guest, with a name of their own or one that the hub makes.
    Guest(Option<String>),
    /// A person with an account.
    Account {
        /// The account's name.
        name: String,
        /// Its password.
        password: Secret,
    },
    /// Whoever the token belongs to.
    Token(Secret),
}

/// Where the events of a room begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// With the next one.
    #[default]
    Head,
    /// With the last so many.
    Last(u32),
    /// Behind this place.
    After(Resume),
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// For a conn, and then again for TLS on it.
    pub connect: Duration,
    /// For the answer to the login; a hub after a restart has many passwords to check.
    pub login: Duration,
    /// Without a byte from the hub before it is asked whether it is there.
    pub ping_after: Duration,
    /// For its answer, before the conn counts as dead.
    pub ping_wait: Duration,
    /// At most before the first new try.
    pub retry_first: Duration,
    /// At most before any new try.
    pub retry_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            login: Duration::from_secs(30),
            ping_after: Duration::from_secs(30),
            ping_wait: Duration::from_secs(10),
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
        }
    }
}

impl Options {
    /// With no rooms, and the usual waits.
    pub fn new(address: Address, login: LoginAs) -> Self {
        Self { address, login, rooms: Vec::new(), known_hubs: None, lang: None, timing: Timing::default() }
    }

    /// Opens this room too.
    #[must_use]
    pub fn with_room(mut self, room: impl Into<String>, begin: Begin) -> Self {
        self.rooms.push((room.into(), begin));
        self
    }
}

impl LoginAs {
    /// The request, for the client of this random id. `name` is the name that a guest has by now.
    pub(crate) fn request(&self, client: &str, name: Option<&str>, lang: Option<&str>) -> Login {
        let common = Login {
            v: Some(1),
            client: Some(client.into()),
            // Rooms are opened by requests of their own, so that each has its own answer.
            rooms: Some(Vec::new()),
            lang: lang.map(Into::into),
            ..Login::default()
        };
        match self {
            Self::Guest(asked) => {
                Login { nickname: name.map(Into::into).or_else(|| asked.clone()), ..common }
            }
            Self::Account { name, password } => {
                Login { account: Some(name.clone()), password: Some(password.clone()), ..common }
            }
            Self::Token(token) => Login { token: Some(token.clone()), ..common },
        }
    }
}

impl Begin {
    /// The request that opens the room here.
    pub(crate) fn join(self, room: String) -> Request {
        let (last, after) = self.parts();
        Request::Join { room: Some(room), last, after }
    }

    /// As the members of a request.
    pub(crate) fn parts(self) -> (Option<u32>, Option<Resume>) {
        match self {
            Self::Head => (None, None),
            Self::Last(n) => (Some(n), None),
            Self::After(place) => (None, Some(place)),
        }
    }
}
