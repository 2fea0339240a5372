//! The JSON format: the native protocol and, for clients that log in without `"v":1`, the source documents' own
//! messages. Contract: `docs/protocol.md`.
//!
//! **Invariant.** What a request says about its sender is never believed. A value that cannot be understood is
//! answered with an error; the conn ends only when the bytes can no longer be JSON.

use crate::{
    reply,
    step::{Input, Login, Shown, Step, Talk},
    words,
};
use hubbub_hub::{Credentials, Delivery, Encoded, Events, Format, Log, Me, Signal};
use hubbub_model::{
    Command, Event, EventKind, Kind, Language, Limits, Refusal, Reply, RoomId, RoomRef, Start, Text, Ticket,
    Txn, UserName,
};
use hubbub_wire::{
    Charset,
    json::Splitter,
    native::{
        self, Bounds, Envelope, FromHub, Login as LoginRequest, Open, Request, Rid, Welcome, compat_arrival,
        compat_departure, compat_message, compat_notice, compat_welcome, encode_event, encode_refusal,
        encode_reply, encode_value, encode_welcome, parse_request,
    },
    to_gbk,
};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

static NATIVE: LazyLock<Format> = LazyLock::new(Format::claim);
static VIA: LazyLock<Arc<str>> = LazyLock::new(|| "json".into());
static NATIVE_GBK: LazyLock<Format> = LazyLock::new(Format::claim);

/// Why a conn ends whose client asked for it.
const QUIT: &str = "quit";

/// One conn that speaks JSON.
pub(crate) struct JsonSession {
    splitter: Splitter,
    limits: Arc<Limits>,
    /// No login asks for the compatible mode.
    always_native: bool,
    phase: Phase,
    /// Of sentences for people: the listener's, until the login asks for another one.
    language: Language,
    /// The rooms that are open, by the word that values call them.
    open: Vec<(Box<str>, RoomId)>,
    /// Requests that wait for their answer. Absent while there are none.
    waiting: Option<Box<Waiting>>,
}

enum Phase {
    New,
    LoggingIn(Box<Asked>),
    Native,
    Compatible,
}

/// What a login asked for besides being let in.
struct Asked {
    rid: Option<Rid>,
    native: bool,
    echo: bool,
    rooms: Vec<(String, Start)>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Asked by the session itself at the end of what the peer sends.
    fence: Option<Ticket>,
    requests: HashMap<Ticket, (Option<Rid>, Box<str>)>,
}

impl JsonSession {
    pub(crate) fn new(limits: Arc<Limits>, charset: Charset, language: Language) -> Self {
        let splitter = Splitter::new(limits.line_bytes_max, charset);
        let phase = Phase::New;
        Self { splitter, limits, always_native: false, phase, language, open: Vec::new(), waiting: None }
    }

    /// One that is given its values one by one, and speaks the native protocol only.
    pub(crate) fn native(limits: Arc<Limits>, language: Language) -> Self {
        Self { always_native: true, ..Self::new(limits, Charset::Utf8, language) }
    }

    /// Looks at complete values while there is room for what follows from them.
    fn values(&mut self, step: &mut Step) {
        while !step.is_full() {
            match self.splitter.next_value() {
                None => return,
                Some(Ok(value)) => self.value(&value, step),
                Some(Err(error)) => {
                    self.refuse(None, &Refusal::new(Kind::Invalid, error), step);
                    step.close |= error.is_fatal();
                }
            }
        }
        step.more = !step.close && !step.quit;
    }

    /// Takes one value.
    pub(crate) fn value(&mut self, value: &[u8], step: &mut Step) {
        match parse_request(value) {
            Ok(Envelope { rid, request: Request::Login(login) }) => self.login(rid, &login, step),
            Ok(Envelope { request: Request::Quit, .. }) => self.quit(step),
            Ok(Envelope { rid, request }) => self.request(rid, request, step),
            Err(problem) => self.refuse(problem.rid.as_ref(), &problem.refusal(), step),
        }
    }

    fn quit(&mut self, step: &mut Step) {
        step.quit = true;
        self.end(step);
    }

    /// The answer to this is the last one: all that was said before is decided then, and refusals are told.
    fn end(&mut self, step: &mut Step) {
        if matches!(self.phase, Phase::Native | Phase::Compatible) {
            let ticket = self.wait(None, "");
            if let Some(waiting) = &mut self.waiting {
                waiting.fence = Some(ticket);
            }
            step.commands.push((ticket, Command::Ping));
        }
    }

    fn login(&mut self, rid: Option<Rid>, login: &LoginRequest, step: &mut Step) {
        if !matches!(self.phase, Phase::New) {
            return self.refuse(
                rid.as_ref(),
                &Refusal::new(Kind::Invalid, "you are logged in already"),
                step,
            );
        }
        if let Some(lang) = &login.lang {
            self.language = Language::of_tag(lang);
        }
        match credentials(login) {
            Ok(credentials) => {
                let native = self.always_native || login.is_native();
                let client = login.client.as_deref().and_then(Txn::parse);
                let rooms = wanted_rooms(login.rooms.as_deref());
                self.phase = Phase::LoggingIn(Box::new(Asked {
                    rid,
                    native,
                    echo: login.echo.unwrap_or(true),
                    rooms,
                }));
                step.login = Some(Login { credentials, client });
            }
            Err(refusal) => self.refuse(rid.as_ref(), &refusal, step),
        }
    }

    fn logged_in(&mut self, result: Result<&Me, Refusal>, step: &mut Step) {
        let Phase::LoggingIn(asked) = std::mem::replace(&mut self.phase, Phase::New) else { return };
        match result {
            // The mode is known, though nobody is logged in.
            Err(refusal) if !asked.native => {
                let refusal = self.in_words(&refusal);
                self.say(step, |out| native::compat_error(&refusal, out));
            }
            Err(refusal) => self.refuse(asked.rid.as_ref(), &refusal, step),
            Ok(me) if asked.native => {
                self.say(step, |out| encode_welcome(asked.rid.as_ref(), &welcome(me, &self.limits), out));
                self.phase = Phase::Native;
                step.own_events = Some(asked.echo);
                for (room, from) in asked.rooms {
                    self.open_room(None, &room, from, step);
                }
            }
            Ok(me) => {
                self.phase = Phase::Compatible;
                self.say(step, |out| compat_welcome(me.number, out));
                step.own_events = Some(false);
                step.commands.push((
                    Ticket::NONE,
                    Command::Attach {
                        room: RoomRef::Name(hubbub_model::RoomName::lobby()),
                        from: Start::Head,
                    },
                ));
            }
        }
    }

    fn open_room(&mut self, rid: Option<Rid>, room: &str, from: Start, step: &mut Step) {
        let request = Request::Join { room: Some(room.to_owned()), last: None, after: None };
        match request.into_command(|_| None) {
            Ok(Command::Attach { room: at, .. }) => {
                let ticket = self.wait(rid, room);
                step.commands.push((ticket, Command::Attach { room: at, from }));
            }
            Ok(_) => {}
            Err(refusal) => self.refuse(rid.as_ref(), &refusal, step),
        }
    }

    fn request(&mut self, rid: Option<Rid>, request: Request, step: &mut Step) {
        if matches!(self.phase, Phase::New | Phase::LoggingIn(_)) {
            let refusal =
                Refusal::new(Kind::NotLoggedIn, "log in first: {\"type\":\"login\",\"nickname\":\"…\"}");
            return self.refuse(rid.as_ref(), &refusal, step);
        }
        let answers = matters(&request);
        let room: Box<str> =
            if rid.is_some() || answers { request.room().unwrap_or_default().into() } else { "".into() };
        match request.into_command(|word| self.open_id(word)) {
            Err(refusal) => self.refuse(rid.as_ref(), &refusal, step),
            Ok(command) => {
                // What is only said needs no answer unless one is asked for.
                let ticket = if rid.is_some() || answers { self.wait_boxed(rid, room) } else { Ticket::NONE };
                step.commands.push((ticket, command));
            }
        }
    }

    fn wait(&mut self, rid: Option<Rid>, room: &str) -> Ticket {
        self.wait_boxed(rid, room.into())
    }

    fn wait_boxed(&mut self, rid: Option<Rid>, room: Box<str>) -> Ticket {
        let waiting = self.waiting.get_or_insert_default();
        waiting.next += 1;
        let ticket = Ticket(waiting.next);
        waiting.requests.insert(ticket, (rid, room));
        ticket
    }

    fn open_id(&self, word: &str) -> Option<RoomId> {
        self.open.iter().find(|(open, _)| **open == *word).map(|(_, id)| *id)
    }

    fn told(&mut self, delivery: Delivery, step: &mut Step) {
        match delivery {
            Delivery::Reply(ticket, reply) => self.reply(ticket, reply, step),
            Delivery::Opened(card) => {
                self.opened(&card);
                let reply = Reply::Attached { next: card.head + 1, card, missing: 0 };
                self.tell(step, |out| encode_reply(None, &reply, "", out));
            }
            Delivery::Signal(signal) => self.signal(signal, step),
            Delivery::Gap { room, from, to } => {
                let room = self.word_of(room).to_owned();
                self.tell(step, |out| encode_value(&FromHub::Gap { room, from, to }, out));
            }
            Delivery::Ended { room, reason } => {
                let word = self.word_of(room).to_owned();
                self.open.retain(|(_, id)| *id != room);
                match self.phase {
                    Phase::Compatible => {
                        self.notice(&words::tell(Language::Zh, reply::ended_gist(reason), &[]), step);
                    }
                    _ => self.tell(step, |out| encode_value(&reply::ended(word, reason), out)),
                }
            }
            // The driver hands events to `show` and closes by `Goodbye`.
            Delivery::Events(_) | Delivery::Closed(_) => {}
        }
    }

    fn reply(&mut self, ticket: Ticket, reply: Result<Reply, Refusal>, step: &mut Step) {
        let asked = self.waiting.as_mut().and_then(|waiting| waiting.requests.remove(&ticket));
        let is_fence = self.waiting.as_ref().is_some_and(|waiting| waiting.fence == Some(ticket));
        if self.waiting.as_ref().is_some_and(|w| w.requests.is_empty()) {
            // An idle conn holds no table; tickets start anew only while none is under way.
            self.waiting = None;
        }
        if is_fence {
            return;
        }
        let (rid, room) = asked.unwrap_or_default();
        match reply {
            Err(refusal) => self.refuse(rid.as_ref(), &refusal, step),
            Ok(reply) => {
                if let Reply::Attached { card, .. } = &reply {
                    self.opened(card);
                }
                self.tell(step, |out| encode_reply(rid.as_ref(), &reply, &room, out));
            }
        }
    }

    fn opened(&mut self, card: &hubbub_model::RoomCard) {
        if !self.open.iter().any(|(_, id)| *id == card.id) {
            // Most conns have one room open.
            self.open.reserve_exact(1);
            self.open.push((native::room_word(card).into(), card.id));
        }
    }

    fn word_of(&self, room: RoomId) -> &str {
        self.open.iter().find(|(_, id)| *id == room).map_or("", |(word, _)| word)
    }

    fn signal(&mut self, signal: Signal, step: &mut Step) {
        match (&self.phase, signal) {
            (Phase::Compatible, Signal::Attend { who, on, .. }) => {
                let text = if on { compat_arrival } else { compat_departure }(who.number, who.name.as_str());
                self.notice(&text, step);
            }
            (Phase::Compatible, Signal::Notice(text)) => self.notice(&text, step),
            (Phase::Compatible, _) => {}
            (_, signal) => {
                let value = match reply::signal(signal) {
                    FromHub::Announce { text } => {
                        FromHub::Announce { text: Text::ours(words::translate(self.language, &text)) }
                    }
                    value => value,
                };
                self.say(step, |out| encode_value(&value, out));
            }
        }
    }

    /// A value that only native clients know.
    fn tell(&self, step: &mut Step, encode: impl FnOnce(&mut Vec<u8>)) {
        if matches!(self.phase, Phase::Native) {
            self.say(step, encode);
        }
    }

    fn say(&self, step: &mut Step, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.splitter.charset().is_gbk() {
            let mut utf8 = Vec::new();
            encode(&mut utf8);
            step.out.extend_from_slice(&to_gbk(&utf8));
        } else {
            encode(&mut step.out);
        }
    }

    fn notice(&self, text: &str, step: &mut Step) {
        for value in compat_notice(text) {
            self.say(step, |out| out.extend_from_slice(&value));
        }
    }

    fn refuse(&self, rid: Option<&Rid>, refusal: &Refusal, step: &mut Step) {
        let refusal = &self.in_words(refusal);
        self.say(step, |out| match self.phase {
            Phase::Compatible => native::compat_error(refusal, out),
            _ => encode_refusal(rid, refusal, out),
        });
    }
}

impl JsonSession {
    /// The same refusal in the client's language.
    fn in_words(&self, refusal: &Refusal) -> Refusal {
        Refusal::new(refusal.kind, refusal.told_in(self.language))
    }
}

impl Talk for JsonSession {
    fn step(&mut self, input: Input<'_>, step: &mut Step) {
        match input {
            Input::Bytes(bytes) => {
                self.splitter.feed(bytes);
                self.values(step);
            }
            Input::More => self.values(step),
            Input::LoggedIn(result) => self.logged_in(result, step),
            Input::Told(delivery) => self.told(delivery, step),
            Input::Goodbye(reason) => match self.phase {
                Phase::Compatible => {
                    self.notice(&words::tell(Language::Zh, reply::goodbye_gist(reason), &[]), step);
                }
                _ => self.say(step, |out| encode_value(&FromHub::Bye { reason: reason.word().into() }, out)),
            },
            Input::End => self.end(step),
            Input::Bye => self.tell(step, |out| encode_value(&FromHub::Bye { reason: QUIT.into() }, out)),
            // Nobody is greeted in JSON, and no value ends by quiet.
            Input::Silence | Input::Quiet => {}
        }
    }

    fn show(&mut self, events: &Events) -> Shown {
        let gbk = self.splitter.charset().is_gbk();
        match self.phase {
            Phase::Compatible => Shown::Single(compatible(events.as_slice(), gbk)),
            _ if gbk => Shown::Shared(*NATIVE_GBK, native_gbk),
            _ => Shown::Shared(*NATIVE, native_utf8),
        }
    }

    fn quiet_after(&self) -> Option<Duration> {
        None
    }

    fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whoever has not said yet what it reads may be one that takes each read for one value.
    fn is_paced(&self) -> bool {
        !matches!(self.phase, Phase::Native)
    }

    fn catches_up(&self) -> bool {
        true
    }

    fn via(&self) -> &'static Arc<str> {
        &VIA
    }
}

fn credentials(login: &LoginRequest) -> Result<Credentials, Refusal> {
    if let Some(token) = &login.token {
        return Ok(Credentials::Token(token.0.clone()));
    }
    let name = login.name().map(UserName::parse).transpose().map_err(|e| Refusal::new(Kind::Invalid, e))?;
    match (&login.password, name) {
        (Some(password), Some(name)) => Ok(Credentials::Password(name, password.0.clone())),
        (Some(_), None) => {
            Err(Refusal::new(Kind::Invalid, "a password needs the member \"account\" beside it"))
        }
        (None, name) => Ok(Credentials::Guest(name)),
    }
}

/// A client that names no room is in the lobby.
fn wanted_rooms(rooms: Option<&[Open]>) -> Vec<(String, Start)> {
    match rooms {
        None => vec![("lobby".into(), Start::Head)],
        Some(rooms) => rooms.iter().map(Open::parts).map(|(room, start)| (room.to_owned(), start)).collect(),
    }
}

/// Whether the answer says more than that it is done.
fn matters(request: &Request) -> bool {
    !matches!(
        request,
        Request::Say { .. }
            | Request::Broadcast { .. }
            | Request::Typing { .. }
            | Request::Read { .. }
            | Request::Edit { .. }
            | Request::Redact { .. }
            | Request::React { .. }
    )
}

fn welcome(me: &Me, limits: &Limits) -> Welcome {
    Welcome {
        status: native::Succeeded::default(),
        id: me.number,
        v: 1,
        nickname: me.name.to_string(),
        kind: me.kind,
        role: me.role,
        session: me.session.0,
        hub: "hubbub".into(),
        limits: Bounds {
            message_bytes: limits.message_bytes_max as u64,
            value_bytes: limits.line_bytes_max as u64,
            note_bytes: limits.note_bytes_max as u64,
            rooms: limits.rooms_per_session_max as u64,
            history: limits.history_events_max,
        },
    }
}

fn native_utf8(log: &Log, events: &[Event]) -> Encoded {
    let word = reply::log_word(log);
    Encoded::new(events, |event, out| encode_event(&word, event, out))
}

fn native_gbk(log: &Log, events: &[Event]) -> Encoded {
    let word = reply::log_word(log);
    let mut utf8 = Vec::new();
    Encoded::new(events, |event, out| {
        utf8.clear();
        encode_event(&word, event, &mut utf8);
        out.extend_from_slice(&to_gbk(&utf8));
    })
}

/// The source documents know messages only.
pub(crate) fn compatible(events: &[Event], gbk: bool) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::Message { text, .. } => {
                values.extend(compat_message(event.sender.number, event.sender.name.as_str(), text));
            }
            EventKind::Notice(text) => values.extend(compat_notice(text)),
            _ => {}
        }
    }
    if gbk {
        for value in &mut values {
            *value = to_gbk(value);
        }
    }
    values
}
