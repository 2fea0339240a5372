//! The two ends that a program holds: [`Client`] asks, [`Events`] hears.
//!
//! **Invariants.** At most [`PENDING_MAX`] requests wait for their answer; then asking waits. What is heard waits in
//! a queue of [`INCOMING_MAX`]; while it is full nothing is read from the hub, answers included: a program that waits
//! for an answer must go on hearing, or drop its [`Events`].

use crate::{
    driver::Driver,
    error::{ClientError, Fault},
    incoming::Incoming,
    options::{Begin, Options},
    session::Session,
};
use hubbub_model::{EventId, Text, UserName};
use hubbub_wire::native::{FromHub, Joined, Request};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

/// Requests that wait for their answer.
pub const PENDING_MAX: usize = 1_024;
/// Things heard that wait for the program.
const INCOMING_MAX: usize = 1_024;
/// How long a good-bye may take.
const QUIT_MAX: Duration = Duration::from_secs(2);

/// Asks the hub. Clones are the same client; when the last is dropped, the conn ends without a good-bye.
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ops: mpsc::Sender<Op>,
    window: Arc<Semaphore>,
    over: Over,
    /// The one task. Dropping the set ends it.
    _tasks: JoinSet<()>,
}

/// Why the client is over, once it is.
pub(crate) type Over = Arc<OnceLock<Arc<Fault>>>;

/// What a client asks of its task.
#[derive(Debug)]
pub(crate) enum Op {
    /// A request.
    Request(Box<Request>, Waiter),
    /// Say good-bye and end.
    Quit,
}

/// Who waits for an answer. Its place in the window is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Waiter {
    tell: oneshot::Sender<Result<FromHub, ClientError>>,
    _place: OwnedSemaphorePermit,
}

impl Waiter {
    pub(crate) fn tell(self, answer: Result<FromHub, ClientError>) {
        // Who does not wait any more does not want to know.
        let _ = self.tell.send(answer);
    }
}

/// Hears what the hub says. Dropping it means not to listen; the client goes on.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Incoming>);

impl Events {
    /// The next thing heard; `None` when the client is over. Cancel safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.0.recv().await
    }
}

/// Where something said was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The room, in the hub's word for it.
    pub room: String,
    /// Its place.
    pub seq: u64,
    /// Its id.
    pub id: EventId,
    /// When, milliseconds since 1970, by the hub's clock.
    pub ts_ms: i64,
}

/// The answer to a request, when it comes. Dropping it does not take the request back.
#[must_use = "a refusal is told here only"]
#[derive(Debug)]
pub struct Answer {
    told: oneshot::Receiver<Result<FromHub, ClientError>>,
    over: Over,
}

impl Future for Answer {
    type Output = Result<FromHub, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.told).poll(cx));
        Poll::Ready(answer.unwrap_or_else(|_| Err(closed(&self.over))))
    }
}

impl Answer {
    /// The answer to something said.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn said(self) -> Result<Said, ClientError> {
        match self.await? {
            FromHub::Sent { room, seq, id, ts, .. } => Ok(Said { room, seq, id, ts_ms: ts }),
            _ => Err(ClientError::OddAnswer),
        }
    }

    /// The answer to opening a room.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn joined(self) -> Result<Box<Joined>, ClientError> {
        match self.await? {
            FromHub::Joined(joined) => Ok(joined),
            _ => Err(ClientError::OddAnswer),
        }
    }
}

impl Client {
    /// Connects and logs in, and stays connected from then on.
    ///
    /// # Errors
    /// The first try failed.
    pub async fn connect(options: Options) -> Result<(Self, Events), Fault> {
        let (tell, first) = oneshot::channel();
        let (client, events) = Self::begin(options, Some(tell))?;
        match first.await {
            Ok(Ok(())) => Ok((client, events)),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::Left),
        }
    }

    /// As [`Client::connect`], but a hub that cannot be reached yet is tried for ever.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn start(options: Options) -> Result<(Self, Events), Fault> {
        Self::begin(options, None)
    }

    fn begin(
        options: Options,
        first: Option<oneshot::Sender<Result<(), Fault>>>,
    ) -> Result<(Self, Events), Fault> {
        let (ops, asked) = mpsc::channel(PENDING_MAX);
        let (tell, heard) = mpsc::channel(INCOMING_MAX);
        let over = Over::default();
        let session = Session::new(options.clone(), random_mark()?, Instant::now());
        let driver = Driver { options, session, ops: asked, events: Some(tell), over: over.clone(), first };
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run());
        let window = Arc::new(Semaphore::new(PENDING_MAX));
        Ok((Self(Arc::new(Shared { ops, window, over, _tasks: tasks })), Events(heard)))
    }

    /// Queues a request: requests go out in the order in which this is done. Waits while [`PENDING_MAX`] are not
    /// answered. What is said or changed gets a mark of its own (`txn`) if it has none, and is then sent again after
    /// a break until the hub has answered; other requests that change something are answered with `Interrupted`.
    /// Cancel safe: dropped before it is done, nothing was asked.
    ///
    /// # Errors
    /// The client is over, or this is `login` or `quit`.
    pub async fn submit(&self, request: Request) -> Result<Answer, ClientError> {
        if matches!(request, Request::Login(_) | Request::Quit) {
            return Err(ClientError::NotARequest);
        }
        let request = self.marked(request)?;
        let window = self.0.window.clone();
        let place = window.acquire_owned().await.map_err(|_| closed(&self.0.over))?;
        let (tell, told) = oneshot::channel();
        let op = Op::Request(Box::new(request), Waiter { tell, _place: place });
        self.0.ops.send(op).await.map_err(|_| closed(&self.0.over))?;
        Ok(Answer { told, over: self.0.over.clone() })
    }

    /// Asks, and waits for the answer, however many breaks lie between.
    ///
    /// # Errors
    /// The hub refused; the request is too long; a break came and it may not be sent twice; the client is over.
    pub async fn request(&self, request: Request) -> Result<FromHub, ClientError> {
        self.submit(request).await?.await
    }

    /// Says something, once: whatever breaks, it is committed one time, or an error says that it was not.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn say(&self, room: &str, text: &str) -> Result<Said, ClientError> {
        self.submit(say(room, text)?).await?.said().await
    }

    /// Queues something to be said, in the order of these calls; the answer tells its place.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn submit_say(&self, room: &str, text: &str) -> Result<Answer, ClientError> {
        self.submit(say(room, text)?).await
    }

    /// Opens a room. Its events are heard from then on, and after each break again.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn join(&self, room: &str, begin: Begin) -> Result<Box<Joined>, ClientError> {
        self.submit(begin.join(room.into())).await?.joined().await
    }

    /// Opens the direct with somebody. Its `room` is what to say things to.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn direct(&self, with: UserName, begin: Begin) -> Result<Box<Joined>, ClientError> {
        let (last, after) = begin.parts();
        self.submit(Request::Direct { with, last, after }).await?.joined().await
    }

    /// Waits until no request is without its answer. Cancel safe.
    pub async fn settled(&self) {
        // All places of the window at once are free only then.
        let all = u32::try_from(PENDING_MAX).unwrap_or(u32::MAX);
        let _ = self.0.window.acquire_many(all).await;
    }

    /// How many requests wait for their answer.
    pub fn pending(&self) -> usize {
        PENDING_MAX - self.0.window.available_permits()
    }

    /// Says good-bye and ends the client, within 2 s. Requests without an answer get `Closed`.
    pub async fn quit(&self) {
        let quit = async {
            if self.0.ops.send(Op::Quit).await.is_ok() {
                self.0.ops.closed().await;
            }
        };
        // A hub that does not close the conn is left without its agreement.
        let _ = timeout(QUIT_MAX, quit).await;
    }

    fn marked(&self, mut request: Request) -> Result<Request, ClientError> {
        if let Request::Say { txn, .. }
        | Request::Edit { txn, .. }
        | Request::Redact { txn, .. }
        | Request::React { txn, .. } = &mut request
            && txn.is_none()
        {
            *txn = Some(random_mark().map_err(|fault| ClientError::Closed(Arc::new(fault)))?);
        }
        Ok(request)
    }
}

fn say(room: &str, text: &str) -> Result<Request, ClientError> {
    Ok(Request::Say { room: Some(room.into()), text: Text::new(text)?, reply_to: None, txn: None })
}

fn closed(over: &Over) -> ClientError {
    ClientError::Closed(over.get().cloned().unwrap_or_else(|| Arc::new(Fault::Left)))
}

/// 128 random bits as hexadecimal digits.
fn random_mark() -> Result<String, Fault> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bits)))
}
