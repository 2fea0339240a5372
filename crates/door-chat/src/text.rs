//! The text format, for people at `nc` and the source documents' clients: the first message is a name, then each
//! message goes to the others of the room as `NAME: TEXT`. Contract: `docs/protocol.md`.
//!
//! **Invariant.** Whoever sends no slash command is told nothing but what others say (and that a name was taken):
//! the clients of the source documents print whatever comes. Before the login, a line that looks like HTTP closes
//! the conn, so that no web page can speak here.

use crate::{
    lines, reply,
    step::{Encode, Input, Login, Shown, Step, Talk},
    words,
};
use bytes::Bytes;
use hubbub_door::{Encoding, ListenerOptions};
use hubbub_hub::{CloseReason, Credentials, Delivery, Encoded, Events, Format, Log, Me, Signal};
use hubbub_model::{
    Command, Event, HistoryQuery, Language, Limits, NameError, Place, Refusal, Reply, RoomId, RoomName,
    RoomRef, RoomSettings, SearchQuery, Start, Target, Text, Ticket, UserName,
};
use hubbub_wire::{
    Charset,
    text::{Line, LineDecoder, Slash, encode_line, help, looks_like_http, paced, parse_line},
    to_gbk,
};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// One for each charset and language: only a room whose readers differ in these encodes a block more than once.
static FORMATS: LazyLock<[Format; 4]> = LazyLock::new(|| std::array::from_fn(|_| Format::claim()));
static VIA: LazyLock<Arc<str>> = LazyLock::new(|| "nc".into());

/// Silence that ends a message of a client that sends no newlines.
const QUIET: Duration = Duration::from_millis(200);
const HISTORY_DEFAULT: u32 = 20;
const SEARCH_HITS: u32 = 10;

/// One conn that speaks text.
pub(crate) struct TextSession {
    lines: LineDecoder,
    phase: Phase,
    /// The listener's, until the client shows another one by itself or chooses one.
    language: Language,
    /// The client has chosen its language.
    chosen: bool,
    paced: bool,
    /// Past events that are shown after the login.
    backlog: u32,
    /// Where messages go, once it is open.
    room: Option<RoomId>,
    /// The rooms and directs that are open, by name.
    open: Vec<(RoomName, RoomId)>,
    waiting: Option<Box<Waiting>>,
}

enum Phase {
    Naming,
    LoggingIn,
    Ready,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    asked: HashMap<Ticket, Asked>,
    /// The room that the newest `/join` asked for, until its answer.
    going: Option<(Ticket, RoomName)>,
}

/// What is to be shown when the answer comes.
enum Asked {
    /// The lobby after the login: nothing is shown.
    Arrive,
    Join,
    /// Said in the direct once it is open.
    Msg(Text),
    Topic,
    Show,
    Done,
}

impl TextSession {
    pub(crate) fn new(limits: &Limits, options: &ListenerOptions, telnet: bool) -> Self {
        let charset = match options.encoding {
            Encoding::Auto => Charset::Auto,
            Encoding::Utf8 => Charset::Utf8,
            Encoding::Gbk => Charset::Gbk,
        };
        let mut lines = LineDecoder::new(limits.line_bytes_max, charset);
        if telnet {
            lines.filter_telnet();
        }
        Self {
            lines,
            phase: Phase::Naming,
            language: options.language.unwrap_or_default(),
            chosen: false,
            paced: options.paced,
            backlog: options.backlog,
            room: None,
            open: Vec::new(),
            waiting: None,
        }
    }

    fn messages(&mut self, step: &mut Step) {
        while !step.is_full() {
            match self.lines.next_message() {
                None => return,
                Some(Ok(message)) => self.message(message, step),
                Some(Err(error)) => {
                    self.pass_on(step, &error.to_string());
                    step.close |= error.is_fatal();
                }
            }
        }
        step.more = !step.close && !step.quit;
    }

    fn message(&mut self, message: Text, step: &mut Step) {
        match self.phase {
            Phase::Naming => self.name(&message, step),
            // The driver hands in no bytes during a login.
            Phase::LoggingIn => {}
            Phase::Ready if message.bytes().first() == Some(&b'/') => self.line(&message, step),
            Phase::Ready => self.say(message, step),
        }
    }

    fn name(&mut self, line: &str, step: &mut Step) {
        if looks_like_http(line) {
            step.close = true;
            return;
        }
        if let (false, Some(shown)) = (self.chosen, words::shown_by(line, self.lines.charset())) {
            self.language = shown;
        }
        match parse_line(line) {
            Line::Slash(slash) => self.before_login(slash, step),
            Line::Say(name) if name.trim().is_empty() => self.note(step, words::GREETING, &[]),
            Line::Say(name) => self.log_in(name, None, step),
        }
    }

    /// What was said last may lack its newline; then the answer to a question of our own is the last one.
    fn end(&mut self, step: &mut Step) {
        if self.lines.is_partial() {
            self.lines.feed(Bytes::from_static(b"\n"));
            self.messages(step);
        }
        if !step.quit && step.login.is_none() {
            self.fence(step);
        }
    }

    fn quit(&mut self, step: &mut Step) {
        step.quit = true;
        self.fence(step);
    }

    fn fence(&mut self, step: &mut Step) {
        if matches!(self.phase, Phase::Ready) {
            self.ask(Asked::Arrive, Command::Ping, step);
        }
    }

    fn before_login(&mut self, slash: Slash, step: &mut Step) {
        match slash {
            Slash::Help => self.help(step),
            Slash::Quit => self.quit(step),
            Slash::Login { name, password } => self.log_in(&name, password, step),
            Slash::Nick(name) => self.log_in(&name, None, step),
            Slash::Lang(language) => self.speak(language, step),
            _ => self.note(step, words::GREETING, &[]),
        }
    }

    fn log_in(&mut self, name: &str, password: Option<String>, step: &mut Step) {
        let credentials = match (UserName::parse(name), password) {
            (Ok(name), Some(password)) => Credentials::Password(name, password),
            (Ok(name), None) => Credentials::Guest(Some(name)),
            (Err(_), None) if name.starts_with("hub_") => Credentials::Token(name.to_owned()),
            (Err(error), _) => return self.bad_name(step, &error),
        };
        self.phase = Phase::LoggingIn;
        step.login = Some(Login { credentials, client: None });
    }

    fn logged_in(&mut self, result: Result<&Me, Refusal>, step: &mut Step) {
        match result {
            Err(refusal) => {
                self.phase = Phase::Naming;
                self.pass_on(step, &refusal.text);
            }
            Ok(me) => {
                self.phase = Phase::Ready;
                self.open.clear();
                self.room = None;
                self.waiting = None;
                if me.renamed {
                    let parts = [("name", me.name.as_str())];
                    self.note(step, "that name is taken: you are {name}", &parts);
                }
                step.own_events = Some(false);
                let from = if self.backlog > 0 { Start::Last(self.backlog) } else { Start::Head };
                self.ask(
                    Asked::Arrive,
                    Command::Attach { room: RoomRef::Name(RoomName::lobby()), from },
                    step,
                );
            }
        }
    }

    fn say(&mut self, text: Text, step: &mut Step) {
        if !text.trim().is_empty() {
            let room = self.here();
            step.commands.push((Ticket::NONE, Command::Say { room, text, reply_to: None, txn: None }));
        }
    }

    /// The room that messages go to. The lobby's number is not known until its answer has come, and what is said right
    /// behind a `/join`, before its answer, is meant for that room: the hub takes both in this order.
    fn here(&self) -> RoomRef {
        if let Some((_, room)) = self.waiting.as_ref().and_then(|waiting| waiting.going.as_ref()) {
            return RoomRef::Name(room.clone());
        }
        self.room.map_or_else(|| RoomRef::Name(RoomName::lobby()), RoomRef::Id)
    }

    fn line(&mut self, line: &Text, step: &mut Step) {
        match parse_line(line) {
            Line::Say(said) => {
                let said = Text::ours(said);
                self.say(said, step);
            }
            Line::Slash(slash) => self.slash(slash, step),
        }
    }

    fn slash(&mut self, slash: Slash, step: &mut Step) {
        let here = self.here();
        match slash {
            Slash::Help => self.help(step),
            Slash::Quit => self.quit(step),
            Slash::Lang(language) => self.speak(language, step),
            Slash::Usage(usage) => self.note(step, "usage: {usage}", &[("usage", usage)]),
            Slash::Unknown(name) => {
                self.note(step, "there is no such command (see /help): /{name}", &[("name", &name)]);
            }
            Slash::Me(text) => self.say(Text::ours(format!("/me {text}")), step),
            Slash::Login { name, password } => self.log_in(&name, password, step),
            Slash::Register { password } => self.register(password, step),
            Slash::Nick(name) => self.named(&name, step, |name| (Asked::Show, Command::Nick { name })),
            Slash::Join(room) => self.join(&room, step),
            Slash::Leave(room) => self.leave(room, step),
            Slash::Rooms => self.ask(Asked::Show, Command::Rooms, step),
            Slash::Who(None) => self.ask(Asked::Show, Command::Attendees { room: here }, step),
            Slash::Who(Some(room)) => {
                self.roomed(&room, step, |room| (Asked::Show, Command::Attendees { room }));
            }
            Slash::Msg { to, text } => self.named(&to, step, |name| {
                (
                    Asked::Msg(Text::ours(text)),
                    Command::Direct { with: Target::Name(name), from: Start::Head },
                )
            }),
            Slash::Topic(None) => self.ask(Asked::Topic, Command::Room { room: here }, step),
            Slash::Topic(Some(topic)) => {
                let settings = RoomSettings { topic: Some(Text::ours(topic)), ..RoomSettings::default() };
                self.ask(Asked::Done, Command::Set { room: here, settings }, step);
            }
            Slash::History(n) => {
                let query = HistoryQuery::Before(Place::Seq(u64::MAX), n.unwrap_or(HISTORY_DEFAULT));
                self.ask(Asked::Show, Command::History { room: here, query }, step);
            }
            Slash::Search(words) => {
                let query = SearchQuery { words, limit: SEARCH_HITS, ..SearchQuery::default() };
                self.ask(Asked::Show, Command::Search(query), step);
            }
            Slash::Away(text) => self.ask(Asked::Done, Command::Away { text: text.map(Text::ours) }, step),
            Slash::Whois(who) => self.named(&who, step, |who| (Asked::Show, Command::Whois { who })),
            Slash::Password { old, new } => self.ask(Asked::Done, Command::Password { old, new }, step),
            Slash::Create { room, visibility } => match RoomName::parse(&room) {
                Ok(name) => {
                    let settings = RoomSettings { visibility: Some(visibility), ..RoomSettings::default() };
                    self.ask(Asked::Done, Command::Create { name, settings }, step);
                }
                Err(error) => self.bad_room(step, &error),
            },
            moderation => self.moderate(moderation, here, step),
        }
    }

    fn moderate(&mut self, slash: Slash, room: RoomRef, step: &mut Step) {
        let (who, command): (String, Box<dyn FnOnce(UserName) -> Command>) = match slash {
            Slash::Invite { who } => (who, Box::new(|who| Command::Invite { room, who })),
            Slash::Kick { who, reason } => {
                (who, Box::new(|who| Command::Kick { room, who, reason: Text::ours(reason) }))
            }
            Slash::Ban { who, for_s, reason } => {
                (who, Box::new(move |who| Command::Ban { room, who, reason: Text::ours(reason), for_s }))
            }
            Slash::Unban { who } => (who, Box::new(|who| Command::Unban { room, who })),
            Slash::Stand { who, standing } => {
                (who, Box::new(move |who| Command::Stand { room, who, standing }))
            }
            Slash::Ignore { who, on } => (who, Box::new(move |who| Command::Ignore { who, on })),
            // All others are handled before.
            _ => return,
        };
        self.named(&who, step, |who| (Asked::Done, command(who)));
    }

    fn register(&mut self, password: String, step: &mut Step) {
        match &self.phase {
            // The hub knows the name of this session.
            Phase::Ready => self.ask(Asked::Show, Command::Register { name: None, password }, step),
            _ => self.note(step, words::GREETING, &[]),
        }
    }

    fn join(&mut self, room: &str, step: &mut Step) {
        self.roomed(room, step, |room| (Asked::Join, Command::Attach { room, from: Start::Head }));
        if let (Some((ticket, Command::Attach { room: RoomRef::Name(name), .. })), Some(waiting)) =
            (step.commands.last(), &mut self.waiting)
        {
            waiting.going = Some((*ticket, name.clone()));
        }
    }

    fn leave(&mut self, room: Option<String>, step: &mut Step) {
        match room {
            Some(room) => self.roomed(&room, step, |room| (Asked::Done, Command::Leave { room })),
            None => {
                let room = self.here();
                self.ask(Asked::Done, Command::Leave { room }, step);
            }
        }
    }

    fn named(&mut self, name: &str, step: &mut Step, command: impl FnOnce(UserName) -> (Asked, Command)) {
        match UserName::parse(name) {
            Ok(name) => {
                let (asked, command) = command(name);
                self.ask(asked, command, step);
            }
            Err(error) => self.bad_name(step, &error),
        }
    }

    fn roomed(&mut self, room: &str, step: &mut Step, command: impl FnOnce(RoomRef) -> (Asked, Command)) {
        match RoomName::parse(room.trim_start_matches('#')) {
            Ok(name) => {
                let (asked, command) = command(RoomRef::Name(name));
                self.ask(asked, command, step);
            }
            Err(error) => self.bad_room(step, &error),
        }
    }

    fn ask(&mut self, asked: Asked, command: Command, step: &mut Step) {
        let waiting = self.waiting.get_or_insert_default();
        waiting.next += 1;
        let ticket = Ticket(waiting.next);
        waiting.asked.insert(ticket, asked);
        step.commands.push((ticket, command));
    }

    fn told(&mut self, delivery: Delivery, step: &mut Step) {
        match delivery {
            Delivery::Reply(ticket, reply) => self.reply(ticket, reply, step),
            Delivery::Opened(card) => self.open.push((card.name, card.id)),
            Delivery::Gap { from, to, .. } => {
                let n = (to - from + 1).to_string();
                self.note(step, "{n} messages are no longer kept", &[("n", &n)]);
            }
            Delivery::Ended { room, reason } => self.ended(room, reason, step),
            Delivery::Signal(Signal::Notice(text)) => self.pass_on(step, &text),
            Delivery::Signal(Signal::Invited { name, by }) => {
                let parts = [("by", by.as_str()), ("room", name.as_str())];
                self.note(step, "{by} invites you to {room}: /join {room}", &parts);
            }
            // Who types and who comes is not for those who print whatever arrives.
            Delivery::Signal(_) | Delivery::Events(_) | Delivery::Closed(_) => {}
        }
    }

    fn ended(&mut self, room: RoomId, reason: hubbub_hub::EndReason, step: &mut Step) {
        let name = self.open.iter().position(|(_, id)| *id == room).map(|at| self.open.swap_remove(at).0);
        if reason != hubbub_hub::EndReason::Left {
            let why = words::tell(self.language, reply::ended_gist(reason), &[]);
            self.tell(step, &format!("{why}: {}", name.as_ref().map_or("", |name| name.as_str())));
        }
        if self.room == Some(room) {
            self.room = None;
            if name != Some(RoomName::lobby()) {
                self.ask(
                    Asked::Join,
                    Command::Attach { room: RoomRef::Name(RoomName::lobby()), from: Start::Head },
                    step,
                );
            }
        }
    }

    fn reply(&mut self, ticket: Ticket, reply: Result<Reply, Refusal>, step: &mut Step) {
        let asked = self.waiting.as_mut().and_then(|waiting| {
            waiting.going.take_if(|(going, _)| *going == ticket);
            waiting.asked.remove(&ticket)
        });
        if self.waiting.as_ref().is_some_and(|waiting| waiting.asked.is_empty()) {
            self.waiting = None;
        }
        match reply {
            Err(refusal) => self.pass_on(step, &refusal.text),
            Ok(Reply::Attached { card, .. }) => self.attached(asked, &card, step),
            Ok(Reply::Room(card)) if matches!(asked, Some(Asked::Topic)) => self.tell(step, &card.topic),
            Ok(Reply::Done) if matches!(asked, Some(Asked::Done)) => self.note(step, "done", &[]),
            Ok(reply) => {
                for line in lines::of(&reply, self.language) {
                    self.line_out(step, &line);
                }
            }
        }
    }

    fn attached(&mut self, asked: Option<Asked>, card: &hubbub_model::RoomCard, step: &mut Step) {
        if !self.open.iter().any(|(_, id)| *id == card.id) {
            // Most conns have one room open.
            self.open.reserve_exact(1);
            self.open.push((card.name.clone(), card.id));
        }
        match asked {
            Some(Asked::Msg(text)) => {
                step.commands.push((
                    Ticket::NONE,
                    Command::Say { room: RoomRef::Id(card.id), text, reply_to: None, txn: None },
                ));
            }
            Some(Asked::Join) => {
                let old = self.room.replace(card.id).filter(|old| *old != card.id);
                if let Some(old) = old {
                    step.commands.push((Ticket::NONE, Command::Detach { room: RoomRef::Id(old) }));
                }
                let (n, topic) = (card.attendees.to_string(), lines::topic(card));
                let parts = [("room", card.name.as_str()), ("n", &n), ("topic", &topic)];
                self.note(step, "you are in {room} ({n} here){topic}", &parts);
            }
            _ => self.room = Some(card.id),
        }
    }

    fn help(&self, step: &mut Step) {
        for line in help(self.language) {
            self.line_out(step, &line);
        }
    }

    fn speak(&mut self, language: Language, step: &mut Step) {
        (self.language, self.chosen) = (language, true);
        self.note(step, "the hub speaks English to you now", &[]);
    }

    fn bad_name(&self, step: &mut Step, why: &NameError) {
        self.note(step, "that cannot be a name: {why}", &[("why", &why.to_string())]);
    }

    fn bad_room(&self, step: &mut Step, why: &NameError) {
        self.note(step, "that cannot be a room's name: {why}", &[("why", &why.to_string())]);
    }

    /// A sentence of this door's own, in the client's language.
    fn note(&self, step: &mut Step, gist: &str, parts: &[(&str, &str)]) {
        self.tell(step, &words::tell(self.language, gist, parts));
    }

    /// A sentence of the hub, which speaks English, in the client's language.
    fn pass_on(&self, step: &mut Step, sentence: &str) {
        self.tell(step, &words::translate(self.language, sentence));
    }

    /// A line of the hub's own.
    fn tell(&self, step: &mut Step, text: &str) {
        self.line_out(step, &format!("* {text}"));
    }

    fn line_out(&self, step: &mut Step, line: &str) {
        if self.lines.charset().is_gbk() {
            let mut utf8 = Vec::new();
            encode_line(line, &mut utf8);
            step.out.extend_from_slice(&to_gbk(&utf8));
        } else {
            encode_line(line, &mut step.out);
        }
    }
}

impl Talk for TextSession {
    fn step(&mut self, input: Input<'_>, step: &mut Step) {
        match input {
            Input::Silence => self.note(step, words::GREETING, &[]),
            Input::Bytes(bytes) => {
                self.lines.feed(bytes);
                self.messages(step);
            }
            Input::More => self.messages(step),
            Input::Quiet => match self.lines.quiet() {
                None => {}
                Some(Ok(message)) => self.message(message, step),
                Some(Err(error)) => self.pass_on(step, &error.to_string()),
            },
            Input::End => self.end(step),
            Input::Bye => {}
            Input::LoggedIn(result) => self.logged_in(result, step),
            Input::Told(delivery) => self.told(delivery, step),
            Input::Goodbye(reason) => self.goodbye(reason, step),
        }
    }

    fn show(&mut self, events: &Events) -> Shown {
        let gbk = self.lines.charset().is_gbk();
        let [en, zh, en_gbk, zh_gbk] = *FORMATS;
        let (format, encode): (Format, Encode) = match (self.language, gbk) {
            (Language::En, false) => (en, utf8::<false>),
            (Language::Zh, false) => (zh, utf8::<true>),
            (Language::En, true) => (en_gbk, in_gbk::<false>),
            (Language::Zh, true) => (zh_gbk, in_gbk::<true>),
        };
        if !self.paced {
            return Shown::Shared(format, encode);
        }
        let bytes = events.block.encoded(format, |all| encode(&events.log, all)).slice(events.range.clone());
        Shown::Single(paced(bytes, gbk).map(<[u8]>::to_vec).collect())
    }

    fn quiet_after(&self) -> Option<Duration> {
        self.lines.wants_quiet().then_some(QUIET)
    }

    fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    fn is_paced(&self) -> bool {
        self.paced
    }

    /// Whoever reads lines reads them now: what scrolled by is there on request.
    fn catches_up(&self) -> bool {
        false
    }

    fn via(&self) -> &'static Arc<str> {
        &VIA
    }
}

impl TextSession {
    fn goodbye(&self, reason: CloseReason, step: &mut Step) {
        let gist = match reason {
            CloseReason::Slow if matches!(self.phase, Phase::Ready) => words::TOO_SLOW,
            reason => reply::goodbye_gist(reason),
        };
        self.note(step, gist, &[]);
    }
}

/// A block in UTF-8, with the hub's own lines in Chinese or in English.
fn utf8<const ZH: bool>(log: &Log, events: &[Event]) -> Encoded {
    let direct = log.name().as_str().starts_with('@');
    let language = if ZH { Language::Zh } else { Language::En };
    Encoded::new(events, |event, out| lines::event(event, direct, language, out))
}

/// The same in GBK.
fn in_gbk<const ZH: bool>(log: &Log, events: &[Event]) -> Encoded {
    let direct = log.name().as_str().starts_with('@');
    let language = if ZH { Language::Zh } else { Language::En };
    let mut utf8 = Vec::new();
    Encoded::new(events, |event, out| {
        utf8.clear();
        lines::event(event, direct, language, &mut utf8);
        out.extend_from_slice(&to_gbk(&utf8));
    })
}
