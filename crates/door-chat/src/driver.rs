//! The loop that serves one conn of a chat format: moves bytes and deliveries between socket, session and hub.
//!
//! **Invariants.** An idle conn holds no buffer and no timer. Nothing is read while the peer does not take what it is
//! owed, or while the hub has too many of its commands, or while they come faster than its pace. A write without
//! progress for `write_stall_s` ends the conn.

use crate::{
    owed::Owed,
    step::{Input, Login, Shown, Step, Talk, portion},
};
use bytes::Bytes;
use hubbub_door::{Conn, DoorCtx, DoorError, Io};
use hubbub_hub::{CloseReason, Delivery, Events, Hub, Inbox, Origin, Session};
use hubbub_model::{Command, Limits, Ticket};
use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Serves the conn with this session until either end closes it. The future is small: all that lasts is in one box.
pub(crate) fn drive<T: Talk>(
    conn: Conn,
    talk: T,
    cx: &DoorCtx,
) -> impl Future<Output = Result<(), DoorError>> + Send + use<T> {
    let mut driver = Box::new(Driver::new(conn, talk, cx));
    async move {
        let ended = driver.run().await;
        driver.log_end(&ended);
        match ended {
            End::Io(error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

struct Driver<T> {
    io: Io,
    origin: Box<hubbub_door::Origin>,
    talk: T,
    hub: Hub,
    limits: Arc<Limits>,
    seat: Option<Box<Seat>>,
    token: CancellationToken,
    /// Until the login: the hub's stop. A session hears of that through its inbox.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    owed: Owed,
    /// Events that are shown bit by bit, because each conn has copies of its own of them.
    unshown: VecDeque<Events>,
    timer: Option<Pin<Box<Sleep>>>,
    /// When bytes last came, if something incomplete waits for quiet.
    quiet_at: Option<Instant>,
    login_by: Option<Instant>,
    /// When the session may hand in more, if they came too fast.
    pace_by: Option<Instant>,
    /// Commands that wait to be handed in, and a login that waits to be made.
    commands: Vec<(Ticket, Command)>,
    wanted: Option<Box<Login>>,
    /// The session has bytes that it has not looked at.
    more: bool,
    /// The peer sends nothing more.
    ended: bool,
    /// It asked to be let go.
    quit: bool,
    closing: bool,
    /// Why we close, if the hub or the clock wants it.
    goodbye: Option<CloseReason>,
    greet: bool,
}

/// A session and what it is told.
struct Seat {
    session: Session,
    inbox: Inbox,
}

/// What the driver needs more than a poll for.
enum Need {
    Submit(Vec<(Ticket, Command)>),
    Login(Box<Login>),
    Ended(End),
}

/// How a conn ended.
enum End {
    /// The peer closed it.
    Peer,
    /// We closed it.
    Us,
    Slow,
    Io(io::Error),
}

/// Rounds of a poll before other tasks get their turn.
const ROUNDS: usize = 32;
const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    /// All conns of a worker read into this. It is borrowed only within one poll.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

impl<T: Talk> Driver<T> {
    fn new(conn: Conn, talk: T, cx: &DoorCtx) -> Self {
        let greet = conn.origin.options.greet.is_some();
        let mut driver = Self {
            io: conn.io,
            origin: conn.origin,
            talk,
            hub: cx.hub.clone(),
            login_by: None,
            limits: cx.limits.clone(),
            seat: None,
            token: cx.stop.clone(),
            stop: None,
            owed: Owed::default(),
            unshown: VecDeque::new(),
            timer: None,
            quiet_at: None,
            pace_by: None,
            commands: Vec::new(),
            wanted: None,
            more: false,
            ended: false,
            quit: false,
            closing: false,
            goodbye: None,
            greet,
        };
        driver.await_login();
        driver
    }

    /// Nobody is logged in: the login has its time, and the hub's stop is heard here.
    fn await_login(&mut self) {
        self.login_by = Some(Instant::now() + Duration::from_secs(self.limits.login_s));
        self.stop = Some(Box::pin(self.token.clone().cancelled_owned()));
    }

    async fn run(&mut self) -> End {
        loop {
            match poll_fn(|cx| self.poll(cx)).await {
                Need::Ended(end) => return end,
                Need::Login(login) => Box::pin(self.login(*login)).await,
                Need::Submit(commands) => {
                    if let Some(seat) = &self.seat
                        && seat.session.submit(commands).await.is_err()
                    {
                        self.close(CloseReason::Stopping);
                    }
                }
            }
        }
    }

    async fn login(&mut self, login: Login) {
        let origin = Origin {
            via: self.talk.via().clone(),
            address: self.origin.peer.ip(),
            guests: self.origin.options.guests,
            client: login.client,
        };
        // The old session ends first, so that its guest's name is free.
        if self.seat.take().is_some() {
            self.unshown = VecDeque::new();
            self.await_login();
        }
        match self.hub.login(login.credentials, origin).await {
            Ok((session, inbox)) => {
                tracing::info!(via = %self.talk.via(), peer = %self.origin.peer, name = %session.me().name, "came");
                let me = session.me().clone();
                self.seat = Some(Box::new(Seat { session, inbox }));
                (self.stop, self.login_by) = (None, None);
                self.feed(Input::LoggedIn(Ok(&me)));
            }
            Err(refusal) => self.feed(Input::LoggedIn(Err(refusal))),
        }
        // Bytes that came with the login are looked at next.
        self.more = true;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Need> {
        for _ in 0..ROUNDS {
            let mut moved = match self.write(cx) {
                Ok(moved) => moved,
                Err(end) => return Poll::Ready(Need::Ended(end)),
            };
            if self.closing {
                if self.owed.is_empty() {
                    if self.shut(cx) {
                        return Poll::Ready(Need::Ended(if self.ended { End::Peer } else { End::Us }));
                    }
                    self.owed.stall();
                }
            } else {
                moved |= self.deliver(cx);
                match self.read(cx) {
                    Ok(read) => moved |= read,
                    Err(end) => return Poll::Ready(Need::Ended(end)),
                }
                if let Some(need) = self.go_on() {
                    return Poll::Ready(need);
                }
                moved |= self.stopped(cx) | self.settled();
            }
            match self.deadline(cx) {
                Ok(passed) => moved |= passed,
                Err(end) => return Poll::Ready(Need::Ended(end)),
            }
            if !moved {
                self.rest();
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Nothing is to be done: an idle conn holds no buffer.
    fn rest(&mut self) {
        self.owed.rest();
        if self.unshown.is_empty() && self.unshown.capacity() > 0 {
            self.unshown = VecDeque::new();
        }
    }

    /// Writes what is owed, as much as the socket takes.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        self.owed.write(&mut self.io, self.talk.is_paced(), cx).map_err(|error| match error.kind() {
            io::ErrorKind::WriteZero => End::Peer,
            _ => End::Io(error),
        })
    }

    /// Takes what the hub tells, while the peer is not owed too much.
    fn deliver(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.owed.is_full() {
            let Some(seat) = &mut self.seat else { break };
            // Who takes all that it is owed is not slow, even where the hub is too busy to keep its place in the ring.
            seat.inbox.catch_up(self.owed.keeps_up() || self.talk.catches_up());
            // What is not kept comes first here too, however much is left to be shown.
            let shows_on = !self.unshown.is_empty() && seat.inbox.may_submit(usize::MAX, 1);
            let told = if shows_on { Poll::Pending } else { seat.inbox.poll_next(cx) };
            let Poll::Ready(delivery) = told else {
                let Some(events) = self.unshown.pop_front() else {
                    self.owed.is_all();
                    break;
                };
                moved = true;
                self.show(events);
                continue;
            };
            moved = true;
            match delivery {
                Delivery::Events(events) if self.unshown.is_empty() => self.show(events),
                Delivery::Events(events) => self.unshown.push_back(events),
                Delivery::Closed(reason) => {
                    self.close(reason);
                    break;
                }
                told => {
                    let mut step = Step::default();
                    self.talk.step(Input::Told(told), &mut step);
                    self.take(step);
                }
            }
        }
        moved
    }

    fn show(&mut self, mut events: Events) {
        if self.talk.is_paced() {
            let rest = events.range.start + portion(events.as_slice())..events.range.end;
            if !rest.is_empty() {
                self.unshown.push_front(Events { range: rest.clone(), ..events.clone() });
                events.range.end = rest.start;
            }
        }
        match self.talk.show(&events) {
            Shown::Shared(format, encode) => {
                events.block.encoded(format, |all| encode(&events.log, all)).expect_reader();
                self.owed.push_shared(&events, format);
            }
            Shown::Single(values) => self.owed.push_values(values),
        }
    }

    /// Reads, unless the peer has to take something first.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.owed.is_full() || self.is_held() || !self.may_submit() {
            return Ok(false);
        }
        if std::mem::take(&mut self.more) {
            self.feed(Input::More);
            return Ok(true);
        }
        if self.ended {
            return Ok(false);
        }
        let read = SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
        });
        match read {
            Poll::Pending => {
                let greet = std::mem::take(&mut self.greet);
                if greet {
                    self.feed(Input::Silence);
                }
                Ok(greet)
            }
            Poll::Ready(Err(error)) => Err(End::Io(error)),
            Poll::Ready(Ok(bytes)) => {
                self.greet = false;
                self.ended = bytes.is_empty();
                self.feed(if bytes.is_empty() { Input::End } else { Input::Bytes(bytes) });
                Ok(true)
            }
        }
    }

    /// Whether commands wait for the session's pace.
    fn is_held(&self) -> bool {
        self.seat.is_some() && !self.commands.is_empty()
    }

    fn may_submit(&self) -> bool {
        let (pending, queue) = (self.limits.pending_per_session_max, self.limits.control_queue_max);
        self.seat.as_ref().is_none_or(|seat| seat.inbox.may_submit(pending, queue))
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut step = Step::default();
        self.talk.step(input, &mut step);
        self.take(step);
        self.quiet_at = self.talk.quiet_after().map(|quiet| Instant::now() + quiet);
    }

    fn take(&mut self, step: Step) {
        let Step { out, commands, login, own_events, close, quit, more } = step;
        if !out.is_empty() {
            self.owed.push(out, self.talk.is_paced());
        }
        if self.commands.is_empty() {
            self.commands = commands;
        } else {
            self.commands.extend(commands);
        }
        if let Some(login) = login {
            self.wanted = Some(Box::new(login));
        }
        if let (Some(own), Some(seat)) = (own_events, &mut self.seat) {
            seat.inbox.see_own_events(own);
        }
        self.more |= more;
        self.closing |= close;
        if quit {
            (self.quit, self.ended, self.more) = (true, true, false);
        }
    }

    /// Whether something must be awaited, or all is done.
    fn go_on(&mut self) -> Option<Need> {
        if let Some(seat) = self.seat.as_ref().filter(|_| !self.commands.is_empty()) {
            // What is beyond its pace waits here, and only here: the peer is told things meanwhile.
            match seat.session.allowance() {
                0 => {
                    self.pace_by.get_or_insert_with(|| Instant::now() + seat.session.wait_for(1));
                }
                n if n >= self.commands.len() => {
                    return Some(Need::Submit(std::mem::take(&mut self.commands)));
                }
                n => return Some(Need::Submit(self.commands.drain(..n).collect())),
            }
            return None;
        }
        self.wanted.take().map(Need::Login)
    }

    /// The peer sends nothing more, and all that it asked for is answered: the conn ends.
    fn settled(&mut self) -> bool {
        if !self.ended
            || self.closing
            || self.more
            || self.is_held()
            || self.talk.is_waiting()
            || self.owed.is_full()
        {
            return false;
        }
        // Asked twice: an answer may have come between the two looks of the first.
        let is_told = |seat: &Seat| seat.inbox.may_submit(1, 1) && seat.inbox.may_submit(1, 1);
        if !self.seat.as_deref().is_none_or(is_told) {
            return false;
        }
        if std::mem::take(&mut self.quit) {
            self.feed(Input::Bye);
        }
        self.closing = true;
        true
    }

    fn close(&mut self, reason: CloseReason) {
        let mut step = Step::default();
        self.talk.step(Input::Goodbye(reason), &mut step);
        self.take(step);
        self.closing = true;
        self.goodbye = Some(reason);
    }

    /// Before the login, the hub's stop is heard here.
    fn stopped(&mut self, cx: &mut Context<'_>) -> bool {
        let stopped = self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready());
        if stopped {
            self.stop = None;
            self.close(CloseReason::Stopping);
        }
        stopped
    }

    /// However the socket ends, the conn is over.
    fn shut(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.io).poll_shutdown(cx).is_ready()
    }

    /// Does what is due by now, and sets the one timer to what is due next. An idle conn has none.
    fn deadline(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let stall = Duration::from_secs(self.limits.write_stall_s);
        let Some(next) = [self.quiet_at, self.owed.next_deadline(stall), self.login_by, self.pace_by]
            .into_iter()
            .flatten()
            .min()
        else {
            self.timer = None;
            return Ok(false);
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Ok(false);
        }
        self.timer = None;
        self.passed(Instant::now(), stall)
    }

    fn passed(&mut self, now: Instant, stall: Duration) -> Result<bool, End> {
        if self.owed.passed(now, stall) {
            return Err(End::Slow);
        }
        if self.login_by.is_some_and(|by| by <= now) {
            self.login_by = None;
            if !self.closing {
                self.close(CloseReason::Slow);
            }
        }
        if self.quiet_at.is_some_and(|at| at <= now) {
            self.quiet_at = None;
            if !self.closing {
                self.feed(Input::Quiet);
            }
        }
        if self.pace_by.is_some_and(|by| by <= now) {
            self.pace_by = None;
        }
        Ok(true)
    }

    fn log_end(&self, end: &End) {
        let Some(seat) = &self.seat else { return };
        let why = match end {
            End::Peer => "the peer left",
            End::Us => self.goodbye.map_or("closed", CloseReason::word),
            End::Slow => "the peer took nothing for too long",
            End::Io(_) => "the conn broke",
        };
        tracing::info!(via = %self.talk.via(), peer = %self.origin.peer, name = %seat.session.me().name, why, "left");
    }
}

#[cfg(test)]
mod sizes;
