//! The hub thread: one owner for all state, one order for all commands. It takes what waits, decides each command
//! against the state at its place, commits the batch, puts it into the rings, answers, and wakes the readers.
//!
//! **Invariants.** Nothing is published or acknowledged before its commit (ephemeral rooms have none). A failed
//! commit leaves facts and logs as they were, and makes the hub read-only. The thread blocks on nothing but its
//! queue, its pace and the store's commit.

use crate::{
    block::Block,
    clock::Clock,
    ephemeral::Marks,
    expiry::Expiry,
    facts::Facts,
    hub::{Config, Counts, Submission},
    ids::Ids,
    inbox::{Control, Delivery, Outlet},
    log::{Log, is_edit_of},
    logins::Logins,
    parking::Bell,
    people::{Identity, People, Person},
    presence::Leaving,
    reads::Reads,
    retention::Watch,
    rules::{refuse, used_elsewhere},
    store::{Append, Batch, Loaded, MarkRow, Outcome, Reader, Store, StoreError, Write},
    sync,
};
use hubbub_model::{
    Durability, Event, EventId, EventKind, Kind, Limits, MemberChange, Refusal, Reply, RoomId, RoomKind,
    RoomName, Sender, SenderId, SessionId, Ticket,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// The state that the hub thread owns.
pub(crate) struct Core {
    pub(crate) limits: Arc<Limits>,
    pub(crate) facts: Facts,
    pub(crate) people: People,
    pub(crate) live: FxHashMap<RoomId, Live>,
    /// Directs with guests: in no store.
    pub(crate) transient: HashMap<RoomId, (Person, Person)>,
    pub(crate) registration: bool,
    /// The hub's own queue, for work that comes back from other threads.
    pub(crate) queue: mpsc::WeakSender<Submission>,
    /// For single events that left the ring.
    pub(crate) lookup: Option<Box<dyn Reader>>,
    pub(crate) logins: Logins,
    pub(crate) reads: Reads,
    pub(crate) expiry: Expiry,
    /// What was done under a txn in rooms that no store keeps.
    pub(crate) marks: Marks,
    pub(crate) leaving: Leaving,
    pub(crate) next: Numbers,
    /// Wall clock of the batch in hand.
    pub(crate) now_ms: i64,
    clock: Arc<dyn Clock>,
    store: Box<dyn Store>,
    ids: Ids,
    batch: Batch,
    appends: usize,
    undo: Vec<Write>,
    /// As what sessions acted, and who had a transient direct, before the batch in hand.
    undo_people: Vec<UndoPeople>,
    after: VecDeque<After>,
    out: Vec<(Arc<Outlet>, Control)>,
    fresh: FxHashMap<RoomId, Vec<Event>>,
    /// When each room with something in its ring was last spoken in, counted in batches.
    ring_used: FxHashMap<RoomId, u64>,
    rings_bytes: usize,
    batches: u64,
    counts: Arc<Counts>,
    /// Events published and readers woken since the last batch began.
    last_batch: (u64, u64),
    wakes: Vec<(sync::Arc<Bell>, u32)>,
    read_only: bool,
    /// Rooms whose count of attendees is to be told.
    pub(crate) counts_due: HashSet<RoomId>,
    /// Read marks that are not stored yet.
    pub(crate) marks_due: HashMap<(RoomId, hubbub_model::AccountId), u64>,
    /// Logs that may hold more than is kept of them.
    pub(crate) watch: Watch,
    /// What the batch in hand takes back: it can no longer be edited.
    pub(crate) redacting: FxHashSet<EventId>,
    /// By the clock's `elapsed`; as is `tidied`.
    ticked: Duration,
    tidied: Option<Duration>,
    /// The store may have something to tidy.
    untidy: bool,
}

/// What is next to be given out.
pub(crate) struct Numbers {
    pub(crate) boot: u64,
    pub(crate) sender: u64,
    pub(crate) guest: u64,
    pub(crate) guest_stored: u64,
    pub(crate) account: u32,
    pub(crate) room: u32,
    pub(crate) transient_room: u32,
    pub(crate) token: u64,
    pub(crate) invite: u64,
}

/// A room as it is now.
pub(crate) struct Live {
    pub(crate) log: Arc<Log>,
    /// Last committed place and countable events, ahead of the log's own head while a batch is walked.
    pub(crate) head: u64,
    pub(crate) countable: u64,
    /// Who has it open. False: opened in the batch in hand, and not told so yet; such a one gets no signals.
    pub(crate) attendees: FxHashMap<SessionId, bool>,
}

/// What is done once the events before it are committed, in order.
struct After {
    /// How many appends come before.
    at: usize,
    outlet: Arc<Outlet>,
    ticket: Ticket,
    act: Act,
}

/// What a failed commit puts back beside the facts.
enum UndoPeople {
    Identity(SessionId, Identity),
    Pair(RoomId, (Person, Person)),
}

enum Act {
    /// Answer with the place of the append before.
    Committed,
    Answer(Result<Reply, Refusal>),
    /// Left out when the commit fails.
    Then(Box<Then>),
    /// Hears whether the commit failed.
    Either(Box<Either>),
}

type Then = dyn FnOnce(&mut Core) -> Option<Result<Reply, Refusal>> + Send;
type Either = dyn FnOnce(&mut Core, Result<(), Refusal>) -> Option<Result<Reply, Refusal>> + Send;

/// The last append that was walked.
#[derive(Clone, Copy)]
struct Walked {
    room: RoomId,
    seq: u64,
    id: EventId,
    ts_ms: i64,
    repeated: bool,
    /// Its txn was used for something in another room.
    elsewhere: bool,
}

/// Events of a batch from which on the hub counts as busy.
const BUSY_BATCH: u64 = 4;
/// Events of a batch from which on it counts as large.
const LARGE_BATCH: u64 = 65;
/// Time between two large batches for each reader that was woken; a wake with its write takes about a sixth of it.
const WAKE_US: u64 = 30;
/// The pace grows at most so many times.
const PACE_GROWTH: u64 = 5;
const TICK: Duration = Duration::from_secs(1);
/// What can wait, waits so long for a hub that sleeps.
const SLOW_TICK: Duration = Duration::from_secs(10);
/// Time between two times that the store is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(60);

impl Core {
    pub(crate) fn new(
        config: Config,
        mut loaded: Loaded,
        store: Box<dyn Store>,
        reads: Reads,
        queue: mpsc::WeakSender<Submission>,
    ) -> Self {
        let next = Numbers {
            boot: loaded.boot,
            sender: loaded.next_sender.max(1),
            guest: loaded.guest_number,
            guest_stored: loaded.guest_number,
            account: loaded.next_account.max(1),
            room: loaded.next_room.max(1),
            transient_room: (1 << 27) - 1,
            token: loaded.next_token.max(1),
            invite: loaded.next_invite.max(1),
        };
        let facts = Facts::load(&mut loaded);
        let live = facts.rooms.values().map(|r| (r.row.id, Live::new(&r.row, loaded.boot))).collect();
        let expiry = Expiry::of(facts.invites.values());
        let mut watch = Watch::default();
        for room in facts.rooms.values() {
            watch.grew(room.row.id, room.row.retention, config.clock.now_ms());
        }
        Self {
            limits: config.limits.clone(),
            facts,
            people: People::default(),
            live,
            transient: HashMap::new(),
            registration: config.registration,
            queue,
            lookup: store.reader().ok(),
            logins: Logins::new(config.limits.login_failures_max),
            expiry,
            marks: Marks::default(),
            leaving: Leaving::default(),
            reads,
            next,
            now_ms: config.clock.now_ms(),
            clock: config.clock,
            ids: Ids::after(EventId(loaded.last_id)),
            batch: Batch::default(),
            appends: 0,
            undo: Vec::new(),
            undo_people: Vec::new(),
            after: VecDeque::new(),
            out: Vec::new(),
            fresh: FxHashMap::default(),
            ring_used: FxHashMap::default(),
            rings_bytes: 0,
            batches: 0,
            counts: Arc::default(),
            last_batch: (0, 0),
            wakes: Vec::new(),
            read_only: false,
            counts_due: HashSet::new(),
            marks_due: HashMap::new(),
            watch,
            redacting: FxHashSet::default(),
            ticked: Duration::ZERO,
            tidied: None,
            untidy: true,
            store,
        }
    }

    /// Works until the hub is stopped.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Submission>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
            tracing::error!("the hub thread could not start its timer");
            return;
        };
        self.found();
        self.count_gone();
        let mut last = None::<Instant>;
        // A wait counts from before the last answers, so that a clock that jumps after one is never missed.
        let mut began = self.clock.elapsed();
        loop {
            let first = runtime.block_on(async {
                let Some(wait) = self.next_tick() else { return Some(queue.recv().await) };
                tokio::select! {
                    biased;
                    submission = queue.recv() => Some(submission),
                    () = self.clock.until(began + wait) => None,
                }
            });
            // Some time lies between two batches, so that a busy hub makes large ones.
            if let Some(rest) = last.and_then(|at| self.pace().checked_sub(at.elapsed())) {
                std::thread::sleep(rest);
            }
            last = Some(Instant::now());
            began = self.clock.elapsed();
            self.last_batch = (0, 0);
            self.now_ms = self.clock.now_ms();
            self.expire();
            self.tell_gone();
            let stop = match first {
                None => false,
                Some(None) => true,
                Some(Some(submission)) => self.take(submission, &mut queue),
            };
            if stop {
                break;
            }
            self.tick();
            self.finish();
        }
        self.close();
    }

    /// The least time between two batches. None after a batch of a few events: then the hub is not busy, and waiting
    /// would only cost latency. After a large batch it grows with the number of readers that were woken, so that
    /// waking them costs a bounded share of the time; the queue is the longer wait then in any case.
    fn pace(&self) -> Duration {
        let least = self.limits.commit_pace_us;
        Duration::from_micros(match self.last_batch {
            (events, _) if events < BUSY_BATCH => 0,
            (events, _) if events < LARGE_BATCH => least,
            (_, woken) => (woken * WAKE_US).clamp(least, least * PACE_GROWTH),
        })
    }

    /// Takes what waits, up to the batch's bound. True: the hub is to stop.
    fn take(&mut self, first: Submission, queue: &mut mpsc::Receiver<Submission>) -> bool {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(submission) = next {
            match submission {
                Submission::Stop => {
                    self.finish();
                    return true;
                }
                Submission::Commands(session, commands) => {
                    taken += commands.len();
                    self.commands(session, commands);
                }
                Submission::Login(login) => self.login(*login),
                Submission::Logout(session) => self.logout(session),
                Submission::Admin(job) => job(self),
            }
            self.stand_alone();
            next = if taken < self.limits.batch_commands_max { queue.try_recv().ok() } else { None };
        }
        false
    }

    /// Commits the batch, publishes it, answers.
    pub(crate) fn finish(&mut self) {
        self.publish();
        if !self.batch.writes.is_empty() {
            self.batch.ts_ms = self.now_ms;
            match self.commit() {
                Ok(outcomes) => self.walk(outcomes),
                Err(error) => self.fail(&error),
            }
        }
        self.undo.clear();
        self.undo_people.clear();
        self.run_after(usize::MAX, None);
        self.appends = 0;
        self.publish();
        self.redacting.clear();
        for (outlet, control) in self.out.drain(..) {
            match control {
                Control::Told(Delivery::Signal(signal)) => {
                    outlet.signal(signal, self.limits.control_queue_max);
                }
                control => outlet.push(control),
            }
        }
    }

    /// In a read-only hub each command is a batch of its own, so that one that cannot be done takes no other with it.
    pub(crate) fn stand_alone(&mut self) {
        if self.read_only {
            self.finish();
        }
    }

    /// Whether the store has failed.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Counts for whoever asks, beside its own work.
    pub(crate) fn counting(self, counts: Arc<Counts>) -> Self {
        Self { counts, ..self }
    }

    fn commit(&mut self) -> Result<Vec<Outcome>, StoreError> {
        if self.read_only {
            return Err(StoreError::new(
                crate::store::StoreFault::Io,
                "the hub is read-only since its store failed",
            ));
        }
        let outcomes = self.store.commit(&self.batch)?;
        self.untidy = true;
        self.counts.committed(outcomes.len(), self.people.len());
        Ok(outcomes)
    }

    /// Turns committed appends into events, and does what waits behind each.
    fn walk(&mut self, outcomes: Vec<Outcome>) {
        let mut outcomes = outcomes.into_iter();
        let mut walked = None;
        let mut done = 0;
        let ts_ms = self.batch.ts_ms;
        let mut writes = std::mem::take(&mut self.batch.writes);
        for write in writes.drain(..) {
            let Write::Append(append) = write else { continue };
            self.run_after(done, walked);
            done += 1;
            let Some(outcome) = outcomes.next() else { continue };
            walked = Some(match outcome {
                Outcome::Appended { seq, ordinal } => self.enter(append, seq, ordinal, ts_ms),
                Outcome::Repeated { room, seq, id, ts_ms } => {
                    Walked { room, seq, id, ts_ms, repeated: true, elsewhere: room != append.room }
                }
            });
        }
        self.run_after(done, walked);
        // What was done behind an append may have written: that belongs to the next batch.
        if self.batch.writes.is_empty() {
            self.batch.writes = writes;
        }
    }

    /// The append is in its log: it will be in the ring.
    fn enter(&mut self, append: Append, seq: u64, ordinal: u64, ts_ms: i64) -> Walked {
        let Append { room, id, sender, kind, mentions, .. } = append;
        if let Some(live) = self.live.get_mut(&room) {
            live.head = seq;
            live.countable = ordinal;
            if let EventKind::Redaction { target, .. } = &kind {
                redact(live, self.fresh.get_mut(&room), *target, &mut self.rings_bytes);
            }
        }
        if let (Some(account), EventKind::Member(change)) = (sender.account, &kind)
            && **change == MemberChange::Joined
        {
            self.has_read_until_joining(MarkRow { room, account, seq, ordinal });
        }
        for account in mentions {
            self.facts.mention(room, account, seq);
        }
        if let (Some(account), true) = (sender.account, kind.is_countable()) {
            // Who speaks has read what is there, their own words with it.
            self.mark_due(room, account, seq);
        }
        self.fresh.entry(room).or_default().push(Event { seq, ordinal, id, ts_ms, sender, kind });
        Walked { room, seq, id, ts_ms, repeated: false, elsewhere: false }
    }

    /// Who joins has read what came before, what was said earlier in the same batch too: only now its place is known.
    fn has_read_until_joining(&mut self, mark: MarkRow) {
        let Some(facts) = self.facts.rooms.get(&mark.room) else { return };
        let old = facts.marks.get(&mark.account);
        if facts.members.contains_key(&mark.account) && old.is_none_or(|old| old.ordinal < mark.ordinal) {
            self.put_mark(mark);
        }
    }

    /// Does what waits behind the first `done` appends.
    fn run_after(&mut self, done: usize, walked: Option<Walked>) {
        while self.after.front().is_some_and(|after| after.at <= done) {
            let Some(After { outlet, ticket, act, .. }) = self.after.pop_front() else { return };
            let reply = match act {
                Act::Answer(reply) => Some(reply),
                Act::Committed => walked.map(|w| {
                    if w.elsewhere {
                        return Err(used_elsewhere());
                    }
                    Ok(Reply::Committed {
                        room: w.room,
                        seq: w.seq,
                        id: w.id,
                        ts_ms: w.ts_ms,
                        repeated: w.repeated,
                    })
                }),
                Act::Then(then) => then(self),
                Act::Either(either) => either(self, Ok(())),
            };
            if let Some(reply) = reply.filter(|reply| ticket != Ticket::NONE || reply.is_err()) {
                self.out.push((outlet, Control::Told(Delivery::Reply(ticket, reply))));
            }
        }
    }

    /// The commit failed: nothing of the batch is true, and the hub takes no more changes.
    fn fail(&mut self, error: &StoreError) {
        if !self.read_only {
            tracing::error!(fault = ?error.fault, cause = ?error.source, "the store failed, the hub is read-only now: {error}");
            self.read_only = true;
            self.tell_all(
                "The hub is read-only: its store failed. What was acknowledged is safe; ask the operator.",
            );
        }
        self.batch.writes.clear();
        for write in std::mem::take(&mut self.undo).iter().rev() {
            self.facts.apply(write);
        }
        for undo in std::mem::take(&mut self.undo_people).into_iter().rev() {
            self.put_back(undo);
        }
        for after in &mut self.after {
            let refusal = || refuse(Kind::ReadOnly, "not done: the hub is read-only since its store failed");
            after.act = match std::mem::replace(&mut after.act, Act::Committed) {
                Act::Answer(Err(refusal)) => Act::Answer(Err(refusal)),
                Act::Either(either) => Act::Then(Box::new(move |core| either(core, Err(refusal())))),
                // Nobody asked, so nobody is refused.
                Act::Then(_) if after.ticket == Ticket::NONE => Act::Then(Box::new(|_| None)),
                Act::Answer(Ok(_)) | Act::Committed | Act::Then(_) => Act::Answer(Err(refusal())),
            };
        }
    }

    /// Puts the fresh events into the rings and wakes the readers.
    fn publish(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        self.batches += 1;
        for (room, events) in self.fresh.drain() {
            let Some(live) = self.live.get(&room) else { continue };
            if events.is_empty() {
                continue;
            }
            self.last_batch.0 += events.len() as u64;
            self.rings_bytes += live.log.publish(Arc::new(Block::new(events)), &mut self.wakes);
            self.last_batch.1 += self.wakes.len() as u64;
            self.ring_used.insert(room, self.batches);
            if let Some(facts) = self.facts.rooms.get(&room) {
                self.watch.grew(room, facts.row.retention, self.now_ms);
            }
            for (bell, mark) in self.wakes.drain(..) {
                bell.ring(mark);
            }
            let (mut events, mut bytes) = live.log.load();
            while events > self.limits.ring_events_max || bytes > self.limits.ring_bytes_max {
                self.rings_bytes -= live.log.evict_oldest();
                (events, bytes) = live.log.load();
            }
        }
        self.keep_budget();
    }

    /// I5: rings that were idle the longest are emptied when all rings together are over the budget.
    fn keep_budget(&mut self) {
        while self.rings_bytes > self.limits.rings_bytes_max {
            let Some(room) = self.ring_used.iter().min_by_key(|(_, used)| **used).map(|(room, _)| *room)
            else {
                return;
            };
            let Some(live) = self.live.get(&room) else {
                self.ring_used.remove(&room);
                continue;
            };
            while self.rings_bytes > self.limits.rings_bytes_max && live.log.load().0 > 0 {
                self.rings_bytes -= live.log.evict_oldest();
            }
            if live.log.load().0 == 0 {
                self.ring_used.remove(&room);
            }
        }
    }

    /// How long the thread may sleep while nobody asks for anything; `None` for ever.
    fn next_tick(&self) -> Option<Duration> {
        let quiet = self.leaving.is_empty()
            && self.counts_due.is_empty()
            && self.marks_due.is_empty()
            && self.batch.writes.is_empty();
        let later = !self.marks.is_empty() || (!self.read_only && (self.untidy || self.watch.is_due()));
        let expiry = self.expiry.next_ms().map(|until_ms| {
            let left_ms = u64::try_from(until_ms.saturating_sub(self.now_ms)).unwrap_or(0);
            Duration::from_millis(left_ms).clamp(TICK, SLOW_TICK)
        });
        let idle = later.then_some(SLOW_TICK).into_iter().chain(expiry).min();
        if quiet { idle } else { Some(TICK) }
    }

    /// Once a second, while there is something: counts of large rooms, read marks, what logs no longer keep.
    fn tick(&mut self) {
        self.retain_due();
        let now = self.clock.elapsed();
        if now.saturating_sub(self.ticked) < TICK || self.next_tick().is_none() {
            return;
        }
        self.ticked = now;
        self.tell_counts();
        self.store_marks();
        self.tidy_expiry();
        self.marks.forget(self.limits.ephemeral_txn_s, self.now_ms);
        self.tidy(now);
    }

    /// Now and then asks the store for what it does not do in a commit.
    fn tidy(&mut self, now: Duration) {
        let is_early = self.tidied.is_some_and(|at| now.saturating_sub(at) < TIDY_EVERY);
        if !self.untidy || self.read_only || is_early {
            return;
        }
        (self.tidied, self.untidy) = (Some(now), false);
        if let Err(error) = self.store.tidy(self.now_ms) {
            // What is left over is no harm. It is tried again after the next commit, which tells whether the disk is well.
            tracing::warn!(fault = ?error.fault, cause = ?error.source, "the store could not be tidied: {error}");
        }
    }

    /// The last batch: what is due, and the exact guest number.
    fn close(mut self) {
        self.store_marks();
        self.write(Write::GuestNumber(self.next.guest));
        for outlet in self.people.outlets() {
            self.out.push((outlet, Control::Told(Delivery::Closed(crate::signal::CloseReason::Stopping))));
        }
        self.finish();
        self.reads.stop();
    }

    /// The log is no more: its readers get what they may still see, its ring leaves the budget.
    pub(crate) fn bury(&mut self, room: RoomId) {
        self.publish();
        self.ring_used.remove(&room);
        self.watch.forget(room);
        if let Some(live) = self.live.remove(&room) {
            self.rings_bytes -= live.log.load().1;
        }
    }

    /// The log begins at `first` from now on, with `gone` countable events below it.
    pub(crate) fn trimmed(&mut self, log: &Log, first: u64, gone: u64) {
        self.rings_bytes -= log.trim(first, gone);
        self.facts.forget_mentions(log.id(), first);
    }

    /// What an earlier start of the hub has trimmed is counted.
    fn count_gone(&mut self) {
        let trimmed: Vec<(RoomId, u64)> = (self.live.iter())
            .map(|(room, live)| (*room, live.log.first_kept()))
            .filter(|(_, first)| *first > 1)
            .collect();
        for (room, first) in trimmed {
            let gone = self.countable_below(room, first);
            if let Some(log) = self.live.get(&room).map(|live| live.log.clone()) {
                self.trimmed(&log, first, gone);
            }
        }
    }

    /// Tells the operator once it is committed.
    pub(crate) fn after_operator(
        &mut self,
        nobody: &Arc<Outlet>,
        reply: Result<Reply, Refusal>,
        tell: tokio::sync::oneshot::Sender<Result<Reply, Refusal>>,
    ) {
        self.after_either(nobody, Ticket::NONE, move |_, committed| {
            // An operator who has gone needs no answer.
            let _ = tell.send(reply.and_then(|reply| committed.map(|()| reply)));
            None
        });
    }

    /// Makes the rooms that always exist.
    fn found(&mut self) {
        if self.facts.room_named("lobby").is_none() {
            let row = self.new_room(RoomName::lobby(), RoomKind::Room, Durability::Strict);
            self.add_room(row);
            self.finish();
        }
    }

    /// Changes the facts and has the change committed.
    pub(crate) fn write(&mut self, write: Write) {
        let back = self.facts.apply(&write);
        self.undo.extend(back.into_iter().rev());
        self.batch.writes.push(write);
    }

    /// The session acts as this from now on, unless the commit fails.
    pub(crate) fn identify(&mut self, session: SessionId, identity: Identity) {
        let old = self.people.identify(session, identity);
        self.undo_people.extend(old.map(|old| UndoPeople::Identity(session, old)));
    }

    /// A transient direct is between these two from now on, unless the commit fails.
    pub(crate) fn pair(&mut self, room: RoomId, pair: (Person, Person)) {
        let old = self.transient.insert(room, pair);
        self.undo_people.extend(old.map(|old| UndoPeople::Pair(room, old)));
    }

    fn put_back(&mut self, undo: UndoPeople) {
        match undo {
            UndoPeople::Identity(session, identity) => drop(self.people.identify(session, identity)),
            // It may have ended since.
            UndoPeople::Pair(room, pair) => {
                if let Some(now) = self.transient.get_mut(&room) {
                    *now = pair;
                }
            }
        }
    }

    /// Adds an event to a log: at once where nothing is stored, else with the batch. What is answered or done
    /// next with `after_*` comes behind it.
    pub(crate) fn append(
        &mut self,
        room: RoomId,
        sender: &Arc<Sender>,
        kind: EventKind,
        txn: Option<Arc<str>>,
    ) -> Option<Reply> {
        let id = self.ids.next(self.now_ms);
        if let EventKind::Redaction { target, .. } = &kind {
            self.redacting.insert(*target);
        }
        let sender = sender.clone();
        let live = self.live.get_mut(&room)?;
        if live.log.is_ephemeral() {
            let (seq, ordinal) = (live.head + 1, live.countable + u64::from(kind.is_countable()));
            let append = Append { room, id, sender, kind, txn: None, mentions: Vec::new() };
            let walked = self.enter(append, seq, ordinal, self.now_ms);
            return Some(Reply::Committed { room, seq, id, ts_ms: walked.ts_ms, repeated: false });
        }
        let mentions = self.mentioned(room, sender.account, &kind);
        self.appends += 1;
        self.batch.writes.push(Write::Append(Append { room, id, sender, kind, txn, mentions }));
        None
    }

    /// Answers once what was appended so far is committed.
    pub(crate) fn after_answer(
        &mut self,
        outlet: &Arc<Outlet>,
        ticket: Ticket,
        reply: Result<Reply, Refusal>,
    ) {
        if ticket != Ticket::NONE || reply.is_err() {
            self.push_after(outlet, ticket, Act::Answer(reply));
        }
    }

    /// Answers with the place of the last append.
    pub(crate) fn after_committed(&mut self, outlet: &Arc<Outlet>, ticket: Ticket) {
        // Without a ticket only a failure is answered; `fail` finds the entry here.
        self.push_after(outlet, ticket, Act::Committed);
    }

    /// Does something once what was appended so far is committed.
    pub(crate) fn after_then(
        &mut self,
        outlet: &Arc<Outlet>,
        ticket: Ticket,
        then: impl FnOnce(&mut Core) -> Option<Result<Reply, Refusal>> + Send + 'static,
    ) {
        self.push_after(outlet, ticket, Act::Then(Box::new(then)));
    }

    /// Does something once what was appended so far is committed, or has failed to be.
    pub(crate) fn after_either(
        &mut self,
        outlet: &Arc<Outlet>,
        ticket: Ticket,
        then: impl FnOnce(&mut Core, Result<(), Refusal>) -> Option<Result<Reply, Refusal>> + Send + 'static,
    ) {
        self.push_after(outlet, ticket, Act::Either(Box::new(then)));
    }

    fn push_after(&mut self, outlet: &Arc<Outlet>, ticket: Ticket, act: Act) {
        self.after.push_back(After { at: self.appends, outlet: outlet.clone(), ticket, act });
    }

    /// Tells a session something behind what is published.
    pub(crate) fn tell(&mut self, outlet: &Arc<Outlet>, control: Control) {
        self.out.push((outlet.clone(), control));
    }

    /// A stored row for the sender, so that its events can name it.
    pub(crate) fn next_sender(&mut self) -> SenderId {
        self.next.sender += 1;
        SenderId(self.next.sender - 1)
    }
}

impl Live {
    pub(crate) fn new(row: &crate::store::RoomRow, boot: u64) -> Self {
        let ephemeral = row.durability == Durability::Ephemeral;
        // What is never stored begins a new life with each start.
        let (epoch, first, head, countable) =
            if ephemeral { (boot, 1, 0, 0) } else { (row.epoch, row.first_seq, row.head, row.countable) };
        let log = Log::new(row.id, row.name.clone(), epoch, ephemeral, first, head);
        Self { log: Arc::new(log), head, countable, attendees: FxHashMap::default() }
    }
}

/// Blanks an event and its edits wherever this thread keeps them.
fn redact(live: &Live, fresh: Option<&mut Vec<Event>>, target: EventId, rings_bytes: &mut usize) {
    let fresh = fresh.map(Vec::as_mut_slice).unwrap_or_default();
    for event in fresh.iter_mut().filter(|e| e.id == target || is_edit_of(&e.kind, target)) {
        event.kind = EventKind::Redacted;
    }
    for seq in live.log.with_edits(target) {
        *rings_bytes -= live.log.redact(seq);
    }
}
