//! The rules of a client, without a socket and without a clock: who waits for which answer, what is sent again, which
//! place each room is at, and whether the hub is still there.
//!
//! **Invariants.** Every request gets exactly one answer. A request that may be done twice without harm is sent again
//! after a break, in the order in which it was asked; any other is answered with `Interrupted`. An event at or
//! before a room's place is dropped, so that nothing comes twice; places only grow within one life of a log.

use crate::{
    error::{ClientError, Fault, Refused},
    incoming::Incoming,
    options::{Options, Timing},
};
use hubbub_model::{Kind, MemberChange, fold};
use hubbub_wire::native::{
    Code, Envelope, EventBody, EventValue, FromHub, Joined, Request, Resume, Rid, Welcome, encode_request,
    parse_from_hub,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// One client over all its conns. `T` is whoever waits for an answer.
#[derive(Debug)]
pub(crate) struct Session<T> {
    options: Options,
    /// Random and the same over all conns, so that the hub knows a guest again.
    client: String,
    phase: Phase,
    /// The name that the hub gave, once it did.
    name: Option<String>,
    last_rid: i64,
    /// By mark, which is also the order in which they were asked.
    pending: BTreeMap<i64, Pending<T>>,
    /// By the hub's word for the room.
    rooms: BTreeMap<String, Room>,
    resuming: Resuming,
    value_bytes_max: usize,
    /// Since this moment nothing was heard.
    heard: Instant,
    pinged: bool,
    out: Vec<u8>,
    answers: VecDeque<(T, Result<FromHub, ClientError>)>,
    incoming: VecDeque<Incoming>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no conn.
    Away,
    /// The login is on its way.
    LoggingIn,
    /// Requests go out.
    Ready,
}

#[derive(Debug)]
struct Pending<T> {
    request: Request,
    purpose: Purpose<T>,
    /// It went out on this conn.
    sent: bool,
    /// It went out on an earlier conn.
    repeated: bool,
}

/// Whom the answer is for.
#[derive(Debug)]
enum Purpose<T> {
    /// Who asked.
    Asked(T),
    /// Ourselves: a room that the options name.
    Open,
    /// Ourselves: a room that was open before the break.
    Resume(String),
    /// Ourselves: is the hub there?
    Ping,
}

/// A room that is or was open, and the last place that was heard of it.
#[derive(Debug)]
struct Room {
    epoch: u64,
    seq: u64,
    /// Open on this conn.
    open: bool,
}

/// The rooms that were open before the break and are not open yet.
#[derive(Debug, Default)]
struct Resuming {
    left: usize,
    missing: u64,
    /// This is not the first conn.
    again: bool,
}

impl<T> Session<T> {
    /// A client that has not connected yet. `client` is its random id.
    pub(crate) fn new(options: Options, client: String, now: Instant) -> Self {
        let rooms = options.rooms.clone();
        let mut session = Self {
            options,
            client,
            phase: Phase::Away,
            name: None,
            last_rid: 0,
            pending: BTreeMap::new(),
            rooms: BTreeMap::new(),
            resuming: Resuming::default(),
            value_bytes_max: VALUE_BYTES_MAX_UNTIL_TOLD,
            heard: now,
            pinged: false,
            out: Vec::new(),
            answers: VecDeque::new(),
            incoming: VecDeque::new(),
        };
        for (room, begin) in rooms {
            session.ask(begin.join(room), Purpose::Open);
        }
        session
    }

    /// There is a conn: logs in on it.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.phase = Phase::LoggingIn;
        self.out.clear();
        self.heard(now);
        let lang = self.options.lang.as_deref();
        let login = self.options.login.request(&self.client, self.name.as_deref(), lang);
        self.last_rid += 1;
        let request = Request::Login(Box::new(login));
        encode_request(&Envelope { rid: Some(self.last_rid.into()), request }, &mut self.out);
    }

    /// The conn is gone. Who cannot be asked for twice is told so.
    pub(crate) fn lost(&mut self) {
        self.phase = Phase::Away;
        self.out.clear();
        self.resuming = Resuming { again: self.resuming.again, ..Resuming::default() };
        for room in self.rooms.values_mut() {
            room.open = false;
        }
        for (rid, mut pending) in std::mem::take(&mut self.pending) {
            let stays = !pending.sent || is_repeatable(&pending.request);
            match pending.purpose {
                Purpose::Resume(_) | Purpose::Ping => {}
                Purpose::Asked(who) if !stays => {
                    self.answers.push_back((who, Err(ClientError::Interrupted)));
                }
                Purpose::Asked(_) | Purpose::Open => {
                    pending.repeated |= std::mem::take(&mut pending.sent);
                    self.pending.insert(rid, pending);
                }
            }
        }
    }

    /// Asks the hub, now or as soon as there is a conn. Bound by whoever calls.
    pub(crate) fn submit(&mut self, request: Request, who: T) {
        self.ask(request, Purpose::Asked(who));
    }

    /// Says good-bye; the hub closes the conn then.
    pub(crate) fn quit(&mut self) {
        if self.phase == Phase::Ready {
            encode_request(&Envelope { rid: None, request: Request::Quit }, &mut self.out);
        }
    }

    /// Takes one value of the hub.
    ///
    /// # Errors
    /// The conn is of no use any more.
    pub(crate) fn receive(&mut self, value: &[u8]) -> Result<(), Fault> {
        let parsed = parse_from_hub(value);
        match self.phase {
            Phase::Away => Ok(()),
            Phase::LoggingIn => match parsed.map(|received| received.value) {
                Ok(FromHub::Welcome(welcome)) => self.welcome(welcome),
                Ok(FromHub::Error { code, message, .. }) => {
                    Err(Fault::Refused(Refused { code, text: message }))
                }
                Ok(FromHub::Bye { reason }) => Err(Fault::Bye(reason)),
                Ok(_) | Err(_) => Err(Fault::NotAHub("it does not answer a login")),
            },
            Phase::Ready => {
                let received = parsed.map_err(|e| Fault::Unreadable(e.to_string()))?;
                match received.rid {
                    Some(Rid::Number(rid)) => self.answer(rid, received.value),
                    // Not a mark of ours: nobody waits for it.
                    Some(Rid::Text(_)) => Ok(()),
                    None => self.told(received.value),
                }
            }
        }
    }

    /// Bytes came, or it is our own fault that none did.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = false;
    }

    /// When to call [`Session::tick`] at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let Timing { login, ping_after, ping_wait, .. } = self.options.timing;
        match self.phase {
            Phase::Away => None,
            Phase::LoggingIn => Some(self.heard + login),
            Phase::Ready if self.pinged => Some(self.heard + ping_after + ping_wait),
            Phase::Ready => Some(self.heard + ping_after),
        }
    }

    /// Time has passed: asks whether the hub is there.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), Fault> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        if self.phase == Phase::LoggingIn || self.pinged {
            return Err(Fault::Silent(now - self.heard));
        }
        self.pinged = true;
        self.ask(Request::Ping, Purpose::Ping);
        Ok(())
    }

    /// Bytes for the hub.
    pub(crate) fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The next answer for somebody who waits.
    pub(crate) fn next_answer(&mut self) -> Option<(T, Result<FromHub, ClientError>)> {
        self.answers.pop_front()
    }

    /// The next thing to tell.
    pub(crate) fn next_incoming(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }

    /// Whether there is something to tell.
    pub(crate) fn has_incoming(&self) -> bool {
        !self.incoming.is_empty()
    }

    fn ask(&mut self, request: Request, purpose: Purpose<T>) {
        self.last_rid += 1;
        let rid = self.last_rid;
        self.pending.insert(rid, Pending { request, purpose, sent: false, repeated: false });
        if self.phase == Phase::Ready {
            self.send(rid);
        }
    }

    /// A request that is longer than the hub takes would close the conn, again and again: it is answered here.
    fn send(&mut self, rid: i64) {
        let Some(mut pending) = self.pending.remove(&rid) else { return };
        let begin = self.out.len();
        let envelope = Envelope { rid: Some(rid.into()), request: pending.request };
        encode_request(&envelope, &mut self.out);
        let (bytes, max) = (self.out.len() - begin, self.value_bytes_max);
        pending.request = envelope.request;
        match pending.purpose {
            Purpose::Asked(who) if bytes > max => {
                self.out.truncate(begin);
                self.answers.push_back((who, Err(ClientError::TooLarge { bytes, max })));
            }
            _ => {
                pending.sent = true;
                self.pending.insert(rid, pending);
            }
        }
    }

    fn welcome(&mut self, welcome: Box<Welcome>) -> Result<(), Fault> {
        if welcome.v < 1 {
            return Err(Fault::NotAHub("it speaks no version of the protocol that this client knows"));
        }
        self.phase = Phase::Ready;
        self.name = Some(welcome.nickname.clone());
        self.value_bytes_max = usize::try_from(welcome.limits.value_bytes).unwrap_or(usize::MAX);
        let again = std::mem::replace(&mut self.resuming.again, true);
        self.incoming.push_back(Incoming::Connected { welcome, again });
        let asked: Vec<i64> = self.pending.keys().copied().collect();
        self.resume();
        for rid in asked {
            self.send(rid);
        }
        if again {
            self.resumed(0);
        }
        Ok(())
    }

    /// Opens the rooms that were open, each behind the last place that was heard of it.
    fn resume(&mut self) {
        let leaving: Vec<String> = self.pending.values().filter_map(|p| left(&p.request)).collect();
        let places = self.rooms.iter().filter(|(word, _)| !leaving.contains(&fold(word)));
        let places: Vec<(String, Resume)> =
            places.map(|(word, room)| (word.clone(), Resume { epoch: room.epoch, seq: room.seq })).collect();
        self.rooms.retain(|word, _| !leaving.contains(&fold(word)));
        self.resuming.left = places.len();
        for (word, place) in places {
            let join = Request::Join { room: Some(word.clone()), last: None, after: Some(place) };
            self.ask(join, Purpose::Resume(word));
        }
    }

    /// So many rooms more are done with.
    fn resumed(&mut self, rooms: usize) {
        self.resuming.left = self.resuming.left.saturating_sub(rooms);
        if self.resuming.left == 0 {
            let missing = std::mem::take(&mut self.resuming.missing);
            self.incoming.push_back(Incoming::Resumed { missing });
        }
    }

    fn answer(&mut self, rid: i64, value: FromHub) -> Result<(), Fault> {
        let Some(pending) = self.pending.remove(&rid) else { return Ok(()) };
        let value = match value {
            // What was asked twice was done the first time.
            FromHub::Error { code: Code::Known(Kind::NotInRoom), .. }
                if pending.repeated && left(&pending.request).is_some() =>
            {
                FromHub::Ok
            }
            value => value,
        };
        match &value {
            FromHub::Joined(joined) => self.joined(joined, asked_place(&pending.request)),
            FromHub::Named { nickname } => self.name = Some(nickname.clone()),
            FromHub::Ok => self.close(&pending.request),
            _ => {}
        }
        let refusal = match &value {
            FromHub::Error { code, message, .. } => {
                Some(Refused { code: code.clone(), text: message.clone() })
            }
            _ => None,
        };
        match pending.purpose {
            Purpose::Asked(who) => {
                let answer = refusal.map_or(Ok(value), |refusal| Err(ClientError::Refused(refusal)));
                self.answers.push_back((who, answer));
            }
            Purpose::Open => {
                if let Some(refusal) = refusal {
                    let room = pending.request.room().unwrap_or_default().to_owned();
                    self.incoming.push_back(Incoming::Refused { room, refusal });
                }
            }
            Purpose::Resume(room) => {
                match refusal {
                    Some(refusal) if refusal.is_passing() => return Err(Fault::NotNow(refusal)),
                    Some(refusal) => {
                        self.rooms.remove(&room);
                        self.incoming.push_back(Incoming::Refused { room, refusal });
                    }
                    None => {}
                }
                self.resumed(1);
            }
            Purpose::Ping => {}
        }
        Ok(())
    }

    fn joined(&mut self, joined: &Joined, asked: Option<Resume>) {
        let last = joined.next.saturating_sub(1);
        let known = self.rooms.get(&joined.room);
        let again = known.is_some_and(|room| !room.open);
        // The place that the events continue from; none where they begin anew.
        let place = match known {
            // Open already: the answer does not move the reader.
            Some(room) if room.open => {
                let (joined, restored) = (Box::new(joined.clone()), false);
                return self.incoming.push_back(Incoming::Joined { joined, again, restored });
            }
            Some(room) => Some(Resume { epoch: room.epoch, seq: room.seq }),
            None => asked,
        };
        // A log that is shorter than what was heard of it is another one, whatever its epoch says.
        let restored = place.is_some_and(|p| p.epoch != joined.epoch || p.seq > joined.seq);
        self.rooms.insert(joined.room.clone(), Room { epoch: joined.epoch, seq: last, open: true });
        self.incoming.push_back(Incoming::Joined { joined: Box::new(joined.clone()), again, restored });
        if let Some(place) = place.filter(|_| !restored) {
            self.skipped(&joined.room, place.seq + 1, last, again);
        }
    }

    /// Tells of the places `from` to `to`, if there are any between them.
    fn skipped(&mut self, room: &str, from: u64, to: u64, resumed: bool) {
        if from > to {
            return;
        }
        if resumed {
            self.resuming.missing += to - from + 1;
        }
        self.incoming.push_back(Incoming::Gap { room: room.into(), from, to });
    }

    /// A request was done that closes a room.
    fn close(&mut self, request: &Request) {
        if let Some(left) = left(request) {
            self.rooms.retain(|word, _| fold(word) != left);
        }
    }

    /// Takes what nobody asked for.
    fn told(&mut self, value: FromHub) -> Result<(), Fault> {
        match value {
            FromHub::Event(value) => self.event(value),
            FromHub::Joined(joined) => self.joined(&joined, None),
            FromHub::Gap { room, from, to } => self.gap(&room, from, to),
            FromHub::Bye { reason } => return Err(Fault::Bye(reason)),
            value => {
                if let FromHub::Closed { room, .. } = &value {
                    self.rooms.remove(room);
                }
                self.incoming.push_back(Incoming::Signal(Box::new(value)));
            }
        }
        Ok(())
    }

    fn event(&mut self, value: Box<EventValue>) {
        if let Some(room) = self.rooms.get_mut(&value.room) {
            if value.seq <= room.seq {
                return;
            }
            room.seq = value.seq;
        }
        let word = value.room.clone();
        if let EventBody::Member { change: MemberChange::Renamed { name } } = &value.body
            && let Some(room) = self.rooms.remove(&word)
        {
            self.rooms.insert(name.to_string(), room);
        }
        self.incoming.push_back(Incoming::Event { room: word, value });
    }

    fn gap(&mut self, word: &str, from: u64, to: u64) {
        let mut from = from;
        if let Some(room) = self.rooms.get_mut(word) {
            from = from.max(room.seq + 1);
            room.seq = room.seq.max(to);
        }
        self.skipped(word, from, to, false);
    }
}

/// The room that the request closes, folded.
fn left(request: &Request) -> Option<String> {
    match request {
        Request::Close { .. } | Request::Leave { .. } => request.room().map(fold),
        _ => None,
    }
}

/// The place behind which the request wants to read.
fn asked_place(request: &Request) -> Option<Resume> {
    match request {
        Request::Join { after, .. } | Request::Direct { after, .. } => *after,
        _ => None,
    }
}

/// Whether doing it twice is as good as doing it once.
fn is_repeatable(request: &Request) -> bool {
    match request {
        Request::Say { txn, .. }
        | Request::Edit { txn, .. }
        | Request::Redact { txn, .. }
        | Request::React { txn, .. } => txn.is_some(),
        Request::Join { .. }
        | Request::Close { .. }
        | Request::Leave { .. }
        | Request::Direct { .. }
        | Request::Set { .. }
        | Request::Unban { .. }
        | Request::Stand { .. }
        | Request::Nick { .. }
        | Request::Away { .. }
        | Request::Typing { .. }
        | Request::Read { .. }
        | Request::Ignore { .. }
        | Request::Rooms
        | Request::Room { .. }
        | Request::Who { .. }
        | Request::Members { .. }
        | Request::Presence { .. }
        | Request::Whois { .. }
        | Request::History { .. }
        | Request::Search { .. }
        | Request::Ping
        | Request::AccountList
        | Request::InviteLinks
        | Request::TokenList { .. } => true,
        Request::Login(_)
        | Request::Broadcast { .. }
        | Request::Create { .. }
        | Request::Invite { .. }
        | Request::Kick { .. }
        | Request::Ban { .. }
        | Request::Delete { .. }
        | Request::Register { .. }
        | Request::Password { .. }
        | Request::AccountAdd { .. }
        | Request::AccountSet { .. }
        | Request::AccountRemove { .. }
        | Request::TokenAdd { .. }
        | Request::TokenRemove { .. }
        | Request::InviteLinkAdd { .. }
        | Request::InviteLinkRemove { .. }
        | Request::InviteLinkTake { .. }
        | Request::Quit => false,
    }
}

/// What a hub takes in one value if it has not said otherwise yet (`Limits::line_bytes_max`).
const VALUE_BYTES_MAX_UNTIL_TOLD: usize = 64 * 1024;

#[cfg(test)]
mod tests;
