//! `hubbub chat`: talk from a terminal, or from a pipe.
//!
//! **Invariant.** One line of output for each thing heard, in order, flushed. The command ends with 0 only when all that
//! was said is acknowledged. The listener (here) goes on hearing while the typist waits for the hub.

mod places;
pub(crate) mod show;
mod typist;

use super::login::{Login, told};
use crate::words::tell;
use anyhow::{Result, bail};
use hubbub_client::{Address, Answer, Begin, Client, ClientError, Events, Incoming, LoginAs, wire::FromHub};
use hubbub_model::{RoomName, UserName};
use places::Places;
use std::{
    collections::{HashSet, VecDeque},
    io::{self, BufRead, IsTerminal, Read, Write},
    process::ExitCode,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use typist::{Style, Typed, Typist, What, login_name};

/// Talk in a room
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lines that are typed are said; lines that begin with a slash are commands, /help lists them.
Without --name, and with standard input from a pipe, the first line may be `login NAME`; then `send TEXT` says TEXT.
When standard input ends, the command waits until all is acknowledged: 0 means that everything was delivered.

Examples:
  hubbub chat
  hubbub chat hubbubs://hub.example --account ada --room lab
  echo 'backup done' | hubbub chat --name cron --room ops --plain")]
pub(crate) struct Args {
    /// The hub; wins over --url
    #[arg(value_name = "URL")]
    hub: Option<Address>,
    #[command(flatten)]
    login: Login,
    /// The room to talk in
    #[arg(long, default_value = "lobby")]
    room: RoomName,
    /// Print lines alone: for pipes, tests and screen readers
    #[arg(long)]
    plain: bool,
    /// Begin with the last so many events of a room
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: u32,
}

/// Runs until standard input ends, or somebody wants to leave.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut lines = stdin_lines();
    let mut login = args.login;
    login.url = args.hub.or(login.url);
    let mut options = login.options().await?.with_room(args.room.as_str(), Begin::Last(args.last));
    let (style, first) = match begin(&login, &mut lines).await {
        Start::Named(name) => {
            options.login = LoginAs::Guest(Some(name.to_string()));
            (Style::Source, None)
        }
        Start::Unnamed(style, first) => (style, first),
    };
    let wanted = login.name.map(|name| name.to_string());
    let (client, events) = Client::connect(options).await.map_err(told)?;
    let (tell_typed, typed) = mpsc::channel(TYPED_MAX);
    let places = Places::wanting(&args.room);
    let typist = Typist {
        client: client.clone(),
        lines,
        first,
        style,
        places: places.clone(),
        typed: tell_typed,
        last: args.last,
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(typist.run());
    let listener = Listener { wanted, ..Listener::new(client, args.room, places) };
    match listener.run(events, typed).await {
        // Nobody reads any more: there is nobody to tell.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        ended => ended,
    }
}

/// What the first line says about who comes in.
enum Start {
    Named(UserName),
    Unnamed(Style, Option<String>),
}

/// A pipe may begin with `login NAME`: then that name comes in. At a terminal nobody waits for it.
async fn begin(login: &Login, lines: &mut mpsc::Receiver<String>) -> Start {
    if login.names_somebody() {
        return Start::Unnamed(Style::Plain, None);
    }
    if io::stdin().is_terminal() {
        return Start::Unnamed(Style::Unnamed, None);
    }
    let first = lines.recv().await;
    match first.as_deref().and_then(login_name) {
        Some(name) => Start::Named(name),
        None => Start::Unnamed(Style::Plain, first),
    }
}

/// The lines of standard input, read by a thread of its own: reading it cannot be broken off, and nobody waits for it.
pub(crate) fn stdin_lines() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(n) if n > 0 => {}
                _ => return,
            }
            if tell.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

/// Whether the error is that nobody reads standard output any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints a line at once.
pub(crate) fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}

/// Hears, prints, and knows when it is over.
struct Listener {
    client: Client,
    room: RoomName,
    /// The name that was asked for on the command line.
    wanted: Option<String>,
    places: Places,
    /// The sessions of this client: what they said was typed here.
    own: HashSet<u64>,
    name: String,
    /// In the order in which they were asked for.
    due: VecDeque<Due>,
    /// The room is open, or will not be.
    arrived: bool,
    failed: bool,
    offline: bool,
    tries: u32,
    /// No more lines come; until then what was asked must be answered.
    leaving: Option<Duration>,
    give_up: Option<Instant>,
}

/// Something to show, in its turn.
enum Due {
    Answer(What, Answer),
    Note(String),
}

impl Listener {
    fn new(client: Client, room: RoomName, places: Places) -> Self {
        Self {
            client,
            room,
            wanted: None,
            places,
            own: HashSet::new(),
            name: String::new(),
            due: VecDeque::new(),
            arrived: false,
            failed: false,
            offline: false,
            tries: 0,
            leaving: None,
            give_up: None,
        }
    }

    async fn run(mut self, mut events: Events, mut typed: mpsc::Receiver<Typed>) -> Result<ExitCode> {
        let mut lines_end = false;
        let stop = stop_signal();
        tokio::pin!(stop);
        let mut stopped = false;
        loop {
            if self.leaving.is_some() && self.arrived && self.due.is_empty() {
                return self.leave().await;
            }
            let give_up = self.give_up.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                incoming = events.next() => match incoming {
                    Some(incoming) => self.hear(incoming)?,
                    None => bail!("the client has ended"),
                },
                what = typed.recv(), if !lines_end => match what {
                    Some(typed) => self.typed(typed)?,
                    None => {
                        lines_end = true;
                        self.leave_within(PATIENCE);
                    }
                },
                answer = first(&mut self.due), if !self.due.is_empty() => self.answered(answer)?,
                () = &mut stop, if !stopped => {
                    stopped = true;
                    lines_end = true;
                    self.leave_within(HURRY);
                    self.give_up = Some(Instant::now() + HURRY);
                }
                () = sleep_until(give_up), if self.give_up.is_some() => return self.leave().await,
            }
        }
    }

    /// No more lines come. Being offline for longer than this is the end.
    fn leave_within(&mut self, patience: Duration) {
        self.leaving = Some(patience);
        if self.offline {
            self.give_up = Some(Instant::now() + patience);
        }
    }

    async fn leave(self) -> Result<ExitCode> {
        let unsure = self.due.iter().filter(|due| matches!(due, Due::Answer(..))).count();
        if unsure > 0 {
            let n = unsure.to_string();
            print_line(&show::notice(&tell(
                "the hub did not answer; {n} messages are not known to be sent",
                &[("n", &n)],
            )))?;
        }
        self.client.quit().await;
        Ok(if unsure > 0 || self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn typed(&mut self, typed: Typed) -> io::Result<()> {
        match typed {
            Typed::Asked(what, answer) => {
                self.due.push_back(Due::Answer(what, answer));
                Ok(())
            }
            Typed::Note(text) if self.due.is_empty() => print_line(&show::notice(&text)),
            Typed::Note(text) => {
                self.due.push_back(Due::Note(text));
                Ok(())
            }
            Typed::Failed(text) => {
                self.failed = true;
                print_line(&show::notice(&text))
            }
        }
    }

    /// The first thing due is there; notes behind it are due no more.
    fn answered(&mut self, answer: Result<FromHub, ClientError>) -> io::Result<()> {
        if let Some(Due::Answer(what, _)) = self.due.pop_front() {
            self.tell_answer(what, answer)?;
        }
        while let Some(Due::Note(text)) = self.due.front() {
            print_line(&show::notice(text))?;
            self.due.pop_front();
        }
        Ok(())
    }

    fn tell_answer(&mut self, what: What, answer: Result<FromHub, ClientError>) -> io::Result<()> {
        match (what, answer) {
            (What::Said, Ok(_)) => Ok(()),
            (What::Said, Err(error)) => {
                self.failed = true;
                print_line(&show::notice(&tell("not sent: {why}", &[("why", &error.to_string())])))
            }
            (What::Command, Ok(answer)) => show::answer(&answer).iter().try_for_each(|line| print_line(line)),
            (What::Command, Err(error)) => {
                print_line(&show::notice(&tell("not done: {why}", &[("why", &error.to_string())])))
            }
        }
    }

    fn hear(&mut self, incoming: Incoming) -> Result<()> {
        let line = match incoming {
            Incoming::Event { room, value } => {
                let typed_here = self.own.contains(&value.session) && is_message(&value.body);
                (!typed_here).then(|| show::event(&value, self.places.tag(&room).as_deref()))
            }
            Incoming::Signal(value) => {
                let line = show::signal(&value, |room| self.places.label(room), |room| self.places.tag(room));
                if let FromHub::Closed { room, .. } = &*value {
                    self.places.closed(room);
                }
                line
            }
            other => self.news(other)?.map(|text| show::notice(&text)),
        };
        line.map_or(Ok(()), |line| print_line(&line)).map_err(Into::into)
    }

    /// What the client says about itself and its rooms.
    fn news(&mut self, incoming: Incoming) -> Result<Option<String>> {
        Ok(match incoming {
            Incoming::Connected { welcome, .. } => {
                self.own.insert(welcome.session);
                (self.offline, self.tries, self.give_up) = (false, 0, None);
                self.name = welcome.nickname;
                let wanted = self.wanted.take().filter(|wanted| *wanted != self.name);
                wanted.map(|name| {
                    tell("{name} is taken; you are {got}", &[("name", &name), ("got", &self.name)])
                })
            }
            Incoming::Joined { joined, again, restored } => {
                let is_first = !std::mem::replace(&mut self.arrived, true);
                self.places.opened(&joined);
                let (room, n) = (self.places.label(&joined.room), joined.attendees.to_string());
                let parts = [("name", &*self.name), ("room", &room), ("n", &n)];
                match (again, restored) {
                    (_, true) => Some(tell("{room} was restored from a backup or begun anew", &parts)),
                    (true, false) => None,
                    (false, _) if is_first => Some(tell("you are {name} in {room}, {n} here", &parts)),
                    (false, _) => Some(tell("{room} is open, {n} here", &parts)),
                }
            }
            Incoming::Resumed { missing: 0 } => Some(tell("back, nothing missed", &[])),
            Incoming::Resumed { missing } => {
                Some(tell("back; {n} messages are no longer kept", &[("n", &missing.to_string())]))
            }
            Incoming::Gap { room, from, to } => {
                let (n, room) = ((to - from + 1).to_string(), self.places.label(&room));
                Some(tell("{n} messages of {room} are no longer kept", &[("n", &n), ("room", &room)]))
            }
            Incoming::Refused { room, refusal } => {
                let why = tell("{room} cannot be opened: {why}", &[("room", &room), ("why", &refusal.text)]);
                self.places.closed(&room);
                if !std::mem::replace(&mut self.arrived, true) && room == self.room.as_str() {
                    return Err(told(why));
                }
                Some(why)
            }
            Incoming::Offline { retry_in, .. } => self.offline(retry_in),
            Incoming::Pinned(pinned) => {
                let fingerprint = format!("sha256:{}", pinned.fingerprint);
                let gist = tell(
                    "this hub is new here; its key is known from now on: {fingerprint}",
                    &[("fingerprint", &fingerprint)],
                );
                Some(gist)
            }
            Incoming::Closed(fault) => return Err(told(fault)),
            Incoming::Event { .. } | Incoming::Signal(_) => None,
        })
    }

    /// The first tries are told, later ones more and more seldom.
    fn offline(&mut self, retry_in: Duration) -> Option<String> {
        self.offline = true;
        self.tries += 1;
        if let (Some(patience), None) = (self.leaving, self.give_up) {
            self.give_up = Some(Instant::now() + patience);
        }
        let t = format!("{} s", retry_in.as_millis().div_ceil(1_000).max(1));
        self.tries.is_power_of_two().then(|| tell("offline, trying again in {t}", &[("t", &t)]))
    }
}

/// The answer that is due first. Cancel safe.
async fn first(due: &mut VecDeque<Due>) -> Result<FromHub, ClientError> {
    match due.front_mut() {
        Some(Due::Answer(_, answer)) => answer.await,
        Some(Due::Note(_)) | None => std::future::pending().await,
    }
}

fn is_message(body: &hubbub_client::wire::EventBody) -> bool {
    matches!(body, hubbub_client::wire::EventBody::Message { .. })
}

/// Somebody wants this process to end.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the system ends the process by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Lines that wait for the typist.
const LINES_MAX: usize = 64;
/// Longest line, in bytes; a longer one is cut into several.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Things typed that wait for the listener.
const TYPED_MAX: usize = 64;
/// How long to be offline with something to deliver, once nobody types any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same, once somebody wants us to end.
const HURRY: Duration = Duration::from_secs(2);
