//! Somebody in a hub who acts and sees, and remembers both for the transcript.

use crate::{PATIENCE, hub};
use hubbub_hub::{CloseReason, Delivery, EndReason, Inbox, Session, Signal};
use hubbub_model::{
    Command, Event, EventId, EventKind, HistoryQuery, Kind, Refusal, Reply, RoomCard, RoomId, RoomRef,
    RoomSettings, Start, Target, Ticket, Txn,
};
use std::collections::{HashMap, VecDeque};

/// One session with its inbox.
pub struct Person {
    /// What the hub gave.
    pub session: Session,
    /// What the hub tells.
    pub inbox: Inbox,
    /// Rooms by the name under which this person knows them: `lab`, `@bob`.
    rooms: HashMap<String, RoomId>,
    /// Seen while something else was waited for.
    waiting: VecDeque<Seen>,
    /// Answers that came while something of a log was waited for.
    answers: HashMap<Ticket, Result<Reply, Refusal>>,
    ticket: u64,
    sentinel: u64,
    transcript: Vec<String>,
}

/// One thing that was seen: a delivery, with its events one by one.
#[derive(Clone, Debug)]
pub enum Seen {
    /// An event of a log.
    Event(RoomId, Event),
    /// Places that will not come.
    Gap(RoomId, u64, u64),
    /// A room is no longer open.
    Ended(RoomId, EndReason),
    /// A room opened by itself.
    Opened(Box<RoomCard>),
    /// Told, not kept.
    Signal(Signal),
    /// An answer.
    Reply(Ticket, Result<Reply, Refusal>),
    /// The session is over.
    Closed(CloseReason),
}

/// Where something that was said stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its place.
    pub seq: u64,
    /// Its id.
    pub id: EventId,
    /// By the hub's clock.
    pub ts_ms: i64,
    /// It had been said before.
    pub repeated: bool,
}

/// A room that was opened.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Its card.
    pub card: RoomCard,
    /// The first place that will be seen.
    pub next: u64,
    /// How many before that are no longer kept.
    pub missing: u64,
}

impl Person {
    /// Somebody who has just come in.
    pub fn new(session: Session, inbox: Inbox) -> Self {
        let mut person = Self {
            session,
            inbox,
            rooms: HashMap::new(),
            waiting: VecDeque::new(),
            answers: HashMap::new(),
            ticket: 0,
            sentinel: 0,
            transcript: Vec::new(),
        };
        person.note(format!("logged in as {:?}", person.session.me()));
        person
    }

    /// The name that the hub gave at the login.
    pub fn name(&self) -> &str {
        self.session.me().name.as_str()
    }

    // What people do.

    /// Asks something and waits for the answer.
    pub async fn command(&mut self, command: Command) -> Result<Reply, Refusal> {
        let ticket = self.submit(command).await;
        self.reply(ticket).await
    }

    /// Hands in a command, and waits for nothing.
    pub async fn submit(&mut self, command: Command) -> Ticket {
        self.submit_all(vec![command]).await.pop().unwrap_or_default()
    }

    /// Hands in commands in one breath: the hub takes them into one batch.
    pub async fn submit_all(&mut self, commands: Vec<Command>) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        let mut batch = Vec::new();
        for command in commands {
            self.ticket += 1;
            self.note(format!("-> #{} {command:?}", self.ticket));
            tickets.push(Ticket(self.ticket));
            batch.push((Ticket(self.ticket), command));
        }
        if self.session.submit(batch).await.is_err() {
            self.fail("the hub has stopped");
        }
        tickets
    }

    /// Waits for the answer to this ticket. What else comes is kept for later.
    pub async fn reply(&mut self, ticket: Ticket) -> Result<Reply, Refusal> {
        if let Some(reply) = self.answers.remove(&ticket) {
            return reply;
        }
        let of_ticket = |seen: &Seen| matches!(seen, Seen::Reply(of, _) if *of == ticket);
        if let Some(at) = self.waiting.iter().position(of_ticket)
            && let Some(Seen::Reply(_, reply)) = self.waiting.remove(at)
        {
            return reply;
        }
        loop {
            let seen = self.receive(&format!("the answer to #{}", ticket.0)).await;
            for one in seen {
                self.waiting.push_back(one);
            }
            if let Some(at) = self.waiting.iter().position(of_ticket)
                && let Some(Seen::Reply(_, reply)) = self.waiting.remove(at)
            {
                return reply;
            }
        }
    }

    /// Asks something that must be done.
    pub async fn does(&mut self, command: Command) -> Reply {
        match self.command(command).await {
            Ok(reply) => reply,
            Err(refusal) => self.fail(&format!("this was refused: {:?}: {refusal}", refusal.kind)),
        }
    }

    /// Asks something that must be refused; says why it was.
    pub async fn refused(&mut self, command: Command) -> Kind {
        match self.command(command).await {
            Err(refusal) => refusal.kind,
            Ok(reply) => self.fail(&format!("this was not refused: {reply:?}")),
        }
    }

    /// Opens a room from its head on.
    pub async fn join(&mut self, name: &str) -> Joined {
        self.join_from(name, Start::Head).await
    }

    /// Opens a room from this place on.
    pub async fn join_from(&mut self, name: &str, from: Start) -> Joined {
        let room = self.room(name);
        self.open(Command::Attach { room, from }).await
    }

    /// Opens the direct with somebody.
    pub async fn direct(&mut self, with: &str) -> Joined {
        self.open(Command::Direct { with: Target::Name(hub::user(with)), from: Start::Head }).await
    }

    async fn open(&mut self, command: Command) -> Joined {
        match self.does(command).await {
            Reply::Attached { card, next, missing } => Joined { card: *card, next, missing },
            other => self.fail(&format!("a room was to open, not {other:?}")),
        }
    }

    /// Makes a room and opens it. The maker is its operator.
    pub async fn create(&mut self, name: &str, settings: RoomSettings) -> Joined {
        self.does(Command::Create { name: hub::room(name), settings }).await;
        self.join(name).await
    }

    /// Says something.
    pub async fn say(&mut self, name: &str, words: &str) -> Said {
        let command = self.saying(name, words);
        self.said(command).await
    }

    /// Says something under a mark.
    pub async fn say_once(&mut self, name: &str, words: &str, txn: &str) -> Said {
        let command = Command::Say {
            room: self.room(name),
            text: hub::text(words),
            reply_to: None,
            txn: Txn::parse(txn),
        };
        self.said(command).await
    }

    /// The command that says something.
    pub fn saying(&self, name: &str, words: &str) -> Command {
        Command::Say { room: self.room(name), text: hub::text(words), reply_to: None, txn: None }
    }

    /// Adds an event to a log, which must be done.
    pub async fn said(&mut self, command: Command) -> Said {
        match self.does(command).await {
            Reply::Committed { seq, id, ts_ms, repeated, .. } => Said { seq, id, ts_ms, repeated },
            other => self.fail(&format!("an event was to be committed, not {other:?}")),
        }
    }

    /// A room's card, as this person sees it.
    pub async fn card(&mut self, name: &str) -> RoomCard {
        let room = self.room(name);
        match self.does(Command::Room { room }).await {
            Reply::Room(card) => *card,
            other => self.fail(&format!("a room's card was asked for, not {other:?}")),
        }
    }

    /// A stretch of a log, and whether there is more of it.
    pub async fn history(&mut self, name: &str, query: HistoryQuery) -> (Vec<Event>, bool) {
        let room = self.room(name);
        match self.does(Command::History { room, query }).await {
            Reply::History { events, more, .. } => (events.to_vec(), more),
            other => self.fail(&format!("history was asked for, not {other:?}")),
        }
    }

    /// How to call a room: by its number where this person has it open.
    pub fn room(&self, name: &str) -> RoomRef {
        self.rooms.get(name).map_or_else(|| RoomRef::Name(hub::room(name)), |id| RoomRef::Id(*id))
    }

    // What people see.

    /// The next thing, whatever it is.
    pub async fn next(&mut self) -> Seen {
        self.next_for("anything").await
    }

    /// The next thing of those that logs bring: an event, a gap, an end. Signals before it are passed over, answers
    /// are kept for who asks for them.
    pub async fn next_in_log(&mut self) -> Seen {
        loop {
            match self.next_for("something of a log").await {
                Seen::Signal(_) | Seen::Opened(_) => {}
                Seen::Reply(ticket, reply) => {
                    self.answers.insert(ticket, reply);
                }
                Seen::Closed(reason) => self.fail(&format!("the session ended: {reason:?}")),
                seen => return seen,
            }
        }
    }

    /// The next event. Signals are passed over, all else is a failure.
    pub async fn next_event(&mut self) -> Event {
        match self.next_in_log().await {
            Seen::Event(_, event) => event,
            seen => self.fail(&format!("an event was to come, not {seen:?}")),
        }
    }

    /// The next message. Signals and other events are passed over, gaps and ends are a failure.
    pub async fn next_message(&mut self) -> (RoomId, Event) {
        loop {
            match self.next_in_log().await {
                Seen::Event(room, event) if matches!(event.kind, EventKind::Message { .. }) => {
                    return (room, event);
                }
                Seen::Event(..) => {}
                seen => self.fail(&format!("a message was to come, not {seen:?}")),
            }
        }
    }

    /// The next message must be this one.
    pub async fn expect(&mut self, name: &str, words: &str, from: &str) -> Event {
        let (room, event) = self.next_message().await;
        let right = self.rooms.get(name) == Some(&room)
            && event.sender.name.as_str() == from
            && matches!(&event.kind, EventKind::Message { text, .. } if text.as_str() == words);
        if !right {
            self.fail(&format!("{from} was to say {words:?} in {name}; this came: {event:?}"));
        }
        event
    }

    /// Nothing was said up to now: what somebody else says now is the next message that is seen.
    pub async fn expect_nothing(&mut self, name: &str, other: &mut Self) {
        other.sentinel += 1;
        let words = format!("sentinel {} of {}", other.sentinel, other.name());
        other.say(name, &words).await;
        let from = other.name().to_owned();
        self.expect(name, &words, &from).await;
    }

    /// Waits for a signal for which `picked` is true; passes over other signals, keeps the rest for later.
    pub async fn signal(&mut self, what: &str, mut picked: impl FnMut(&Signal) -> bool) -> Signal {
        loop {
            while let Some(at) = self.waiting.iter().position(|seen| matches!(seen, Seen::Signal(_))) {
                if let Some(Seen::Signal(signal)) = self.waiting.remove(at)
                    && picked(&signal)
                {
                    return signal;
                }
            }
            let seen = self.receive(what).await;
            self.waiting.extend(seen);
        }
    }

    /// Waits until a room opens by itself; keeps the rest for later.
    pub async fn opened(&mut self) -> RoomCard {
        loop {
            if let Some(at) = self.waiting.iter().position(|seen| matches!(seen, Seen::Opened(_)))
                && let Some(Seen::Opened(card)) = self.waiting.remove(at)
            {
                return *card;
            }
            let seen = self.receive("a room that opens by itself").await;
            self.waiting.extend(seen);
        }
    }

    /// Waits until a room ends; passes over all that comes before.
    pub async fn ended(&mut self, name: &str) -> EndReason {
        let id = self.rooms.get(name).copied();
        loop {
            if let Seen::Ended(room, reason) = self.next_for(&format!("the end of {name}")).await
                && Some(room) == id
            {
                return reason;
            }
        }
    }

    /// Waits until the hub ends the session; passes over all that comes before.
    pub async fn closed(&mut self) -> CloseReason {
        loop {
            if let Seen::Closed(reason) = self.next_for("the end of the session").await {
                return reason;
            }
        }
    }

    /// Fails the test with the transcript.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, why: &str) -> ! {
        panic!("{}: {why}\n{}", self.name(), self.transcript())
    }

    /// What this person did and saw, one line each.
    pub fn transcript(&self) -> String {
        let mut all = format!("--- {} ---\n", self.name());
        for line in &self.transcript {
            all.push_str(line);
            all.push('\n');
        }
        all
    }

    async fn next_for(&mut self, what: &str) -> Seen {
        loop {
            if let Some(seen) = self.waiting.pop_front() {
                return seen;
            }
            let seen = self.receive(what).await;
            self.waiting.extend(seen);
        }
    }

    /// Takes one delivery out of the inbox.
    async fn receive(&mut self, what: &str) -> Vec<Seen> {
        let Ok(delivery) = tokio::time::timeout(PATIENCE, self.inbox.next()).await else {
            self.fail(&format!("waited {PATIENCE:?} for {what}"))
        };
        let seen: Vec<Seen> = match delivery {
            Delivery::Events(events) => {
                let room = events.log.id();
                events.as_slice().iter().map(|event| Seen::Event(room, event.clone())).collect()
            }
            Delivery::Gap { room, from, to } => vec![Seen::Gap(room, from, to)],
            Delivery::Ended { room, reason } => vec![Seen::Ended(room, reason)],
            Delivery::Opened(card) => {
                self.learn(&card);
                vec![Seen::Opened(card)]
            }
            Delivery::Signal(signal) => vec![Seen::Signal(signal)],
            Delivery::Closed(reason) => vec![Seen::Closed(reason)],
            Delivery::Reply(ticket, reply) => {
                if let Ok(Reply::Attached { card, .. }) = &reply {
                    self.learn(card);
                }
                vec![Seen::Reply(ticket, reply)]
            }
        };
        for one in &seen {
            self.note(format!("<- {one:?}"));
        }
        seen
    }

    fn learn(&mut self, card: &RoomCard) {
        self.rooms.insert(card.name.as_str().to_owned(), card.id);
    }

    fn note(&mut self, line: String) {
        self.transcript.push(line);
    }
}
