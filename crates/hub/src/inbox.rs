//! The inbox: everything that a session is told, in one stream. Replies and signals come first, from a small
//! bounded queue; events come from cursors that read the shared logs.
//!
//! **Invariants.** I2: a cursor never goes back; each event is seen once and in order, or an explicit gap is
//! told. I6: a cursor stops at its attachment's end, which is set before the head moves past it. A cursor is
//! owned by its inbox alone: no lock.

use crate::{
    block::Block,
    log::{Found, Log},
    parking::{Bell, CONTROL_MARK},
    reads::Reads,
    rules::refuse,
    signal::{CloseReason, EndReason, Signal},
    sync,
};
use hubbub_model::{Kind, Refusal, Reply, RoomId, SessionId, Ticket, fold};
use parking_lot::Mutex;
use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// One thing that a session is told.
#[derive(Debug)]
pub enum Delivery {
    /// The answer to a command.
    Reply(Ticket, Result<Reply, Refusal>),
    /// The hub opened a room for the session by itself: a direct in which something was said.
    Opened(Box<hubbub_model::RoomCard>),
    /// Something that is told but not kept.
    Signal(Signal),
    /// Events of one log.
    Events(Events),
    /// The places from `from` up to and with `to` will not come: they are no longer kept.
    Gap {
        /// The log.
        room: RoomId,
        /// First place that will not come.
        from: u64,
        /// Last place that will not come.
        to: u64,
    },
    /// The room is no longer open.
    Ended {
        /// The log.
        room: RoomId,
        /// Why.
        reason: EndReason,
    },
    /// The session is over. Nothing comes after this.
    Closed(CloseReason),
}

/// Events of one block that apply to this session, to be written as one slice.
#[derive(Clone, Debug)]
pub struct Events {
    /// Their log.
    pub log: Arc<Log>,
    /// Their block.
    pub block: Arc<Block>,
    /// Which of its events, by index.
    pub range: Range<usize>,
}

impl Events {
    /// The events.
    pub fn as_slice(&self) -> &[hubbub_model::Event] {
        self.block.events().get(self.range.clone()).unwrap_or_default()
    }
}

/// The hub's way to one session: its bell and its control queue.
pub(crate) struct Outlet {
    pub(crate) bell: sync::Arc<Bell>,
    queue: Mutex<VecDeque<Control>>,
    len: AtomicUsize,
    /// Submitted commands that the hub has not dealt with yet.
    pending: AtomicU64,
    /// The driver waits for `pending` to fall.
    held: AtomicBool,
}

pub(crate) enum Control {
    Told(Delivery),
    /// A reply that opens a room: the cursor starts before the reply is told.
    Attached(Attached, Ticket, Box<Result<Reply, Refusal>>),
    /// The answer to opening a room that is open already: the cursor knows where it is.
    Open(RoomId, Ticket, Box<Result<Reply, Refusal>>),
    /// The hub opens a room by itself.
    Opened(Attached, Box<hubbub_model::RoomCard>),
    Ignores(Option<Arc<HashSet<String>>>),
}

pub(crate) struct Attached {
    pub(crate) log: Arc<Log>,
    pub(crate) attachment: Arc<Attachment>,
    pub(crate) next: u64,
}

/// What hub and reader share of one open room.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// The reader may see places below this one.
    end: sync::AtomicU64,
    reason: OnceLock<EndReason>,
}

impl Attachment {
    pub(crate) fn new() -> Self {
        Self { end: sync::AtomicU64::new(u64::MAX), reason: OnceLock::new() }
    }

    /// The reader sees the places below this one. I6: the head is read first. An end is set before the head moves
    /// past it, so whoever sees that head sees that end.
    fn stop(&self, head: impl FnOnce() -> u64) -> u64 {
        let behind_head = head() + 1;
        behind_head.min(self.end.load(Ordering::Acquire))
    }

    /// The reader sees nothing at `end` and behind it. MUST be called before the head moves past `end`.
    pub(crate) fn end(&self, end: u64, reason: EndReason) {
        // The first end stands: it is the lower one, since places only grow.
        if self.reason.set(reason).is_ok() {
            self.end.store(end, Ordering::Release);
        }
    }
}

impl Outlet {
    pub(crate) fn new() -> Self {
        Self {
            bell: sync::Arc::new(Bell::default()),
            queue: Mutex::default(),
            len: AtomicUsize::new(0),
            pending: AtomicU64::new(0),
            held: AtomicBool::new(false),
        }
    }

    pub(crate) fn push(&self, control: Control) {
        {
            let mut queue = self.queue.lock();
            queue.push_back(control);
            self.len.store(queue.len(), Ordering::Release);
        }
        self.bell.ring(CONTROL_MARK);
    }

    pub(crate) fn reply(&self, ticket: Ticket, reply: Result<Reply, Refusal>) {
        if ticket != Ticket::NONE || reply.is_err() {
            self.push(Control::Told(Delivery::Reply(ticket, reply)));
        }
    }

    /// A signal is dropped where the peer is too slow for it: it is told, not kept.
    pub(crate) fn signal(&self, signal: Signal, queue_max: usize) {
        if self.len.load(Ordering::Acquire) < queue_max {
            self.push(Control::Told(Delivery::Signal(signal)));
        }
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        self.push(Control::Told(Delivery::Closed(reason)));
    }

    /// Has every cursor look again: an attachment has ended.
    pub(crate) fn wake_cursors(&self) {
        self.bell.ring_all();
    }

    /// The session has handed in `n` more commands.
    pub(crate) fn submitted(&self, n: u64) {
        self.pending.fetch_add(n, Ordering::AcqRel);
    }

    fn pending(&self) -> u64 {
        self.pending.load(Ordering::SeqCst)
    }

    /// The hub has dealt with `n` more commands.
    pub(crate) fn settle(&self, n: u64) {
        // SeqCst here and in `may_submit`: one side stores `held` and reads `pending`, the other does the reverse.
        self.pending.fetch_sub(n, Ordering::SeqCst);
        if self.held.swap(false, Ordering::SeqCst) {
            self.bell.ring(CONTROL_MARK);
        }
    }

    /// The next in the queue, unless it opens a room that `is_open` still.
    fn pop(&self, is_open: impl Fn(RoomId) -> bool) -> Popped {
        let mut queue = self.queue.lock();
        if let Some(Control::Attached(attached, ..) | Control::Opened(attached, _)) = queue.front()
            && is_open(attached.log.id())
        {
            return Popped::NotYet;
        }
        let control = queue.pop_front();
        self.len.store(queue.len(), Ordering::Release);
        if queue.is_empty() {
            // An idle conn holds no buffer.
            *queue = VecDeque::new();
        }
        control.map_or(Popped::Nothing, Popped::Next)
    }
}

/// What the control queue has.
enum Popped {
    Nothing,
    Next(Control),
    /// The next opens a room anew, whose last visit the reader has not seen to its end.
    NotYet,
}

struct Cursor {
    log: Arc<Log>,
    attachment: Arc<Attachment>,
    next: u64,
    round: u64,
    refill: Option<Box<Refill>>,
    /// It has met the ring, or the head, since the room was opened.
    live: bool,
}

/// Events from the store: on their way, or here.
enum Refill {
    Coming(oneshot::Receiver<Refilled>, u64),
    Here(Arc<Block>),
}

/// What the store sent: a block, nothing where nothing is kept, or its failure.
pub(crate) type Refilled = Result<Option<Arc<Block>>, ()>;

/// What a cursor has for its reader.
enum Step {
    Events(Events),
    Gap(u64, u64),
    Ended(EndReason),
    /// The store could not be read.
    Failed,
    /// The ring has gone on without it, and it may not read the store.
    Lost,
    /// It waits for the store.
    Waiting,
    Parked,
}

/// Everything that one session is told.
pub struct Inbox {
    me: SessionId,
    outlet: Arc<Outlet>,
    cursors: Vec<Cursor>,
    /// Marks of cursors that may have something.
    ready: u64,
    /// Marks of cursors that wait for the store.
    waiting: u64,
    turn: usize,
    own_events: bool,
    /// Cursors that were live may read the store.
    catch_up: bool,
    ignored: Option<Arc<HashSet<String>>>,
    reads: Reads,
    closed: bool,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("session", &self.me).finish_non_exhaustive()
    }
}

impl Inbox {
    pub(crate) fn new(me: SessionId, outlet: Arc<Outlet>, reads: Reads) -> Self {
        Self {
            me,
            outlet,
            cursors: Vec::new(),
            ready: 0,
            waiting: 0,
            turn: 0,
            own_events: true,
            catch_up: true,
            ignored: None,
            reads,
            closed: false,
        }
    }

    /// Whether the session sees its own events too (it does unless told otherwise).
    pub fn see_own_events(&mut self, yes: bool) {
        self.own_events = yes;
    }

    /// What happens to a reader that was live in a room and is no longer within what the hub keeps of it in memory: it
    /// catches up from the store (as it does unless told otherwise), or the session ends with [`CloseReason::Slow`].
    /// Holds for the polls that follow. What is read on joining is not affected.
    pub fn catch_up(&mut self, yes: bool) {
        self.catch_up = yes;
    }

    /// Whether the session may hand in more: not while `pending_max` commands wait for the hub or `queue_max`
    /// replies wait for the peer. If not, the inbox wakes its task when that may have changed.
    pub fn may_submit(&self, pending_max: usize, queue_max: usize) -> bool {
        if self.outlet.len.load(Ordering::Acquire) >= queue_max {
            return false;
        }
        let waiting = || self.outlet.pending() >= pending_max as u64;
        if !waiting() {
            return true;
        }
        self.outlet.held.store(true, Ordering::SeqCst);
        !waiting()
    }

    /// How far the head of a room is ahead of what this session has taken, in events.
    pub fn lag(&self, room: RoomId) -> u64 {
        self.cursors
            .iter()
            .find(|c| c.log.id() == room)
            .map_or(0, |c| (c.log.head() + 1).saturating_sub(c.next))
    }

    /// The next thing to tell. Cancel safe.
    pub async fn next(&mut self) -> Delivery {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next thing to tell; the task is woken when there is more.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        if self.closed {
            return Poll::Pending;
        }
        loop {
            self.ready |= self.outlet.bell.take();
            if let Some(delivery) = self.control() {
                return Poll::Ready(delivery);
            }
            if let Some(delivery) = self.cursors(cx) {
                return Poll::Ready(delivery);
            }
            if self.outlet.bell.sleep(cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    fn control(&mut self) -> Option<Delivery> {
        if self.ready & (1 << CONTROL_MARK) == 0 {
            return None;
        }
        loop {
            let control =
                match self.outlet.pop(|room| self.cursors.iter().any(|cursor| cursor.log.id() == room)) {
                    Popped::Next(control) => control,
                    // The mark stays. The room's cursor has what it needs to come to its end.
                    Popped::NotYet => return None,
                    Popped::Nothing => {
                        self.ready &= !(1 << CONTROL_MARK);
                        return None;
                    }
                };
            match control {
                Control::Told(delivery) => {
                    self.closed = matches!(delivery, Delivery::Closed(_));
                    return Some(delivery);
                }
                Control::Attached(attached, ticket, reply) => {
                    self.attach(attached);
                    return Some(Delivery::Reply(ticket, *reply));
                }
                Control::Open(room, ticket, reply) => {
                    return Some(Delivery::Reply(ticket, self.as_it_is(room, *reply)));
                }
                Control::Opened(attached, card) => {
                    self.attach(attached);
                    return Some(Delivery::Opened(card));
                }
                Control::Ignores(ignored) => self.ignored = ignored,
            }
        }
    }

    /// The answer, with the place that this session really gets next.
    fn as_it_is(&self, room: RoomId, reply: Result<Reply, Refusal>) -> Result<Reply, Refusal> {
        let Ok(Reply::Attached { card, .. }) = reply else { return reply };
        match self.cursors.iter().find(|cursor| cursor.log.id() == room) {
            Some(cursor) => Ok(Reply::Attached { card, next: cursor.next, missing: 0 }),
            None => Err(refuse(Kind::NotInRoom, "the room was closed meanwhile: join it again")),
        }
    }

    fn attach(&mut self, Attached { log, attachment, next }: Attached) {
        self.ready |= 1 << mark(self.cursors.len());
        // Most conns have one room open.
        self.cursors.reserve_exact(1);
        self.cursors.push(Cursor { log, attachment, next, round: 0, refill: None, live: false });
    }

    fn cursors(&mut self, cx: &mut Context<'_>) -> Option<Delivery> {
        self.ready |= std::mem::take(&mut self.waiting);
        let mut seen = 0;
        while self.ready & !(1 << CONTROL_MARK) != 0 && seen < self.cursors.len() {
            // In turn, so that a busy room does not starve a quiet one.
            self.turn = if self.turn + 1 < self.cursors.len() { self.turn + 1 } else { 0 };
            seen += 1;
            if self.ready & (1 << mark(self.turn)) == 0 {
                continue;
            }
            if let Some(delivery) = self.cursor(self.turn, cx) {
                return Some(delivery);
            }
        }
        // All that were marked are parked or wait for the store.
        self.ready &= 1 << CONTROL_MARK;
        None
    }

    fn cursor(&mut self, at: usize, cx: &mut Context<'_>) -> Option<Delivery> {
        let mark = mark(at);
        loop {
            let cursor = self.cursors.get_mut(at)?;
            let room = cursor.log.id();
            let reads = (self.catch_up || !cursor.live).then_some(&self.reads);
            match cursor.step(&self.outlet.bell, mark, reads, cx) {
                Step::Events(events) => {
                    let run = applying(&events, self.me, self.own_events, self.ignored.as_deref());
                    cursor.next = events.block.first() + run.end as u64;
                    // The last events of a block may not apply to this session: then it looks further.
                    if !run.is_empty() {
                        return Some(Delivery::Events(Events { range: run, ..events }));
                    }
                }
                Step::Gap(from, to) => return Some(Delivery::Gap { room, from, to }),
                Step::Ended(reason) => {
                    self.cursors.swap_remove(at);
                    // The cursor that took this place waits under another mark: it parks anew.
                    if let Some(moved) = self.cursors.get_mut(at) {
                        moved.round = 0;
                    }
                    return Some(Delivery::Ended { room, reason });
                }
                Step::Failed => {
                    self.closed = true;
                    return Some(Delivery::Closed(CloseReason::Trouble));
                }
                Step::Lost => {
                    self.closed = true;
                    return Some(Delivery::Closed(CloseReason::Slow));
                }
                Step::Waiting => {
                    self.waiting |= 1 << mark;
                    return None;
                }
                Step::Parked => {
                    if self.cursors.len() <= CONTROL_MARK as usize {
                        self.ready &= !(1 << mark);
                    }
                    return None;
                }
            }
        }
    }
}

/// The first run of events that apply to this session. Where none does, it is empty and ends where the events end.
fn applying(events: &Events, me: SessionId, own: bool, ignored: Option<&HashSet<String>>) -> Range<usize> {
    if ignored.is_none() && (own || !events.block.is_by(me)) {
        return events.range.clone();
    }
    let applies = |i: &usize| {
        events.block.events().get(*i).is_some_and(|event| {
            (own || event.sender.session != me)
                && ignored.is_none_or(|set| !set.contains(&fold(event.sender.name.as_str())))
        })
    };
    let start = events.range.clone().find(applies).unwrap_or(events.range.end);
    let end = (start..events.range.end).find(|i| !applies(i)).unwrap_or(events.range.end);
    start..end
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.outlet.bell.close();
    }
}

/// Cursors share the marks below the control queue's when there are many.
fn mark(cursor: usize) -> u32 {
    (cursor % CONTROL_MARK as usize) as u32
}

impl Cursor {
    /// What comes next. Without `reads`, what is no longer in the ring is lost.
    fn step(
        &mut self,
        bell: &sync::Arc<Bell>,
        mark: u32,
        reads: Option<&Reads>,
        cx: &mut Context<'_>,
    ) -> Step {
        loop {
            if let Some(step) = self.refilled(cx) {
                return step;
            }
            if self.next >= self.attachment.end.load(Ordering::Acquire) {
                return Step::Ended(self.attachment.reason.get().copied().unwrap_or(EndReason::Left));
            }
            match self.log.look(self.next, self.attachment.stop(|| self.log.head())) {
                Found::Events(block, range) => {
                    self.live = true;
                    return Step::Events(Events { log: self.log.clone(), block, range });
                }
                Found::Trimmed { first } => return self.skip_to(first),
                Found::Behind { until } => {
                    let Some(reads) = reads else { return Step::Lost };
                    let coming = reads.refill(self.log.id(), self.next, until - 1);
                    self.refill = Some(Box::new(Refill::Coming(coming, until)));
                }
                Found::Nothing => {
                    self.live = true;
                    if let Some(round) = self.log.park(self.next, self.round, bell, mark) {
                        self.round = round;
                        return Step::Parked;
                    }
                }
            }
        }
    }

    /// What the store sent, up to the attachment's end. `None`: nothing is under way.
    fn refilled(&mut self, cx: &mut Context<'_>) -> Option<Step> {
        if let Refill::Coming(coming, until) = self.refill.as_deref_mut()? {
            let until = *until;
            let Poll::Ready(sent) = Pin::new(coming).poll(cx) else { return Some(Step::Waiting) };
            match sent {
                Ok(Ok(Some(block))) => self.refill = Some(Box::new(Refill::Here(block))),
                Ok(Ok(None)) => {
                    self.refill = None;
                    return Some(self.skip_to(until));
                }
                Ok(Err(())) | Err(_) => return Some(Step::Failed),
            }
        }
        let Some(Refill::Here(block)) = self.refill.as_deref() else { return None };
        let (first, end) = (block.first(), block.end().min(self.attachment.end.load(Ordering::Acquire)));
        if self.next >= end {
            self.refill = None;
            return None;
        }
        if self.next < first {
            // Where the store has nothing, the places are gone for good.
            return Some(self.skip_to(first.min(end)));
        }
        let range = (self.next - first) as usize..(end - first) as usize;
        Some(Step::Events(Events { log: self.log.clone(), block: block.clone(), range }))
    }

    fn skip_to(&mut self, next: u64) -> Step {
        let from = std::mem::replace(&mut self.next, next);
        Step::Gap(from, next - 1)
    }
}

#[cfg(test)]
mod sizes {
    use super::*;

    /// What each idle conn costs in the hub, printed for `docs/performance.md`.
    #[test]
    fn the_parts_of_an_idle_conn_are_small() {
        let parts = [
            ("Inbox", size_of::<Inbox>(), 192),
            ("Cursor", size_of::<Cursor>(), 64),
            ("Outlet", size_of::<Outlet>(), 96),
            ("Bell", size_of::<Bell>(), 64),
            ("Attachment", size_of::<Attachment>(), 32),
            ("Session", size_of::<crate::Session>(), 128),
            ("Here", size_of::<crate::people::Here>(), 192),
            ("Sender", size_of::<hubbub_model::Sender>(), 112),
        ];
        for (name, is, most) in parts {
            println!("{name:<12} {is:>4} bytes");
            assert!(is <= most, "{name} has grown to {is} bytes, {most} at most");
        }
    }
}

#[cfg(all(test, hubbub_loom))]
mod loom_tests {
    use super::*;
    use crate::parking::Parking;

    /// I6: an end that is set before the head moves past it holds for whoever sees the head moved.
    #[test]
    fn loom_nothing_behind_an_end_is_seen() {
        loom::model(|| {
            let log = sync::Arc::new(Parking::new(1));
            let attachment = sync::Arc::new(Attachment::new());
            let hub = {
                let (log, attachment) = (log.clone(), attachment.clone());
                loom::thread::spawn(move || {
                    attachment.end(3, EndReason::Kicked);
                    log.advance(5, &mut Vec::new());
                })
            };
            let stop = attachment.stop(|| log.head());
            assert!(stop == 2 || stop == 3, "saw up to {stop}");
            hub.join().unwrap();
            assert_eq!(attachment.stop(|| log.head()), 3);
        });
    }
}
