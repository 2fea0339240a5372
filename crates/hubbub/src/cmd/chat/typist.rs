//! What a person types, and what it asks of the hub. A task of its own: it may wait for the hub while the other end
//! goes on hearing.
//!
//! **Invariant.** Lines are carried out in their order. What the answers say is shown by whoever gets them.

use super::{places::Places, show};
use crate::words::tell;
use hubbub_client::{
    Answer, Begin, Client, ClientError,
    wire::{Request, Settings},
};
use hubbub_model::{RoomName, Text, UserName};
use tokio::sync::mpsc;

/// What the typist hands over.
pub(super) enum Typed {
    /// Something was asked for; its answer.
    Asked(What, Answer),
    /// Something for the eyes.
    Note(String),
    /// Something that was said could not even be asked for.
    Failed(String),
}

/// What an answer is the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Something said.
    Said,
    /// A command.
    Command,
}

/// Reads lines and asks.
pub(super) struct Typist {
    pub(super) client: Client,
    pub(super) lines: mpsc::Receiver<String>,
    /// The first line, if it has been read already.
    pub(super) first: Option<String>,
    pub(super) style: Style,
    pub(super) places: Places,
    pub(super) typed: mpsc::Sender<Typed>,
    /// Events to begin with in a room.
    pub(super) last: u32,
}

/// How lines are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Lines are said; commands begin with a slash.
    Plain,
    /// As `Plain`, but the first line may be `login NAME`.
    Unnamed,
    /// As in the source documents: `send TEXT` says `TEXT`.
    Source,
}

/// The whole line is `login NAME`.
pub(super) fn login_name(line: &str) -> Option<UserName> {
    let name = line.trim().strip_prefix("login ")?;
    UserName::parse(name).ok()
}

/// A line, as far as it can be understood without knowing anything else.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Nothing,
    Text(&'a str),
    Command { verb: &'a str, rest: &'a str },
}

fn understand(line: &str, style: Style) -> Line<'_> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Line::Nothing;
    }
    if style == Style::Source {
        let said = line.strip_prefix("send").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        match said.map(str::trim_start) {
            Some("") => return Line::Nothing,
            Some(text) => return Line::Text(text),
            None => {}
        }
    }
    match line.strip_prefix('/') {
        None => Line::Text(line),
        Some(text) if text.starts_with('/') => Line::Text(text),
        Some(command) => {
            let (verb, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
            Line::Command { verb, rest: rest.trim() }
        }
    }
}

/// Why the typist stops before the lines do.
struct Stop;

impl Typist {
    /// Runs until the lines end, or somebody wants to leave.
    pub(super) async fn run(mut self) {
        while let Some(line) = self.next_line().await {
            if self.line(&line).await.is_err() {
                return;
            }
        }
    }

    async fn next_line(&mut self) -> Option<String> {
        match self.first.take() {
            Some(line) => Some(line),
            None => self.lines.recv().await,
        }
    }

    async fn line(&mut self, line: &str) -> Result<(), Stop> {
        if self.style == Style::Unnamed {
            let name = login_name(line);
            self.style = if name.is_some() { Style::Source } else { Style::Plain };
            if let Some(nickname) = name {
                return self.ask(Request::Nick { nickname }).await;
            }
        }
        match understand(line, self.style) {
            Line::Nothing => Ok(()),
            Line::Text(text) => self.say(text).await,
            Line::Command { verb, rest } => self.command(verb, rest).await,
        }
    }

    async fn command(&mut self, verb: &str, rest: &str) -> Result<(), Stop> {
        match (verb, rest) {
            ("help", _) => self.help().await,
            ("quit", _) => Err(Stop),
            ("nick", name) => match UserName::parse(name) {
                Ok(nickname) => self.ask(Request::Nick { nickname }).await,
                Err(e) => self.wrong("/nick NAME", &e.to_string()).await,
            },
            ("join", name) => match RoomName::parse(name) {
                Ok(room) => self.join(room.as_str()).await,
                Err(e) => self.wrong("/join ROOM", &e.to_string()).await,
            },
            ("leave", "") => match self.places.current() {
                Some(room) => self.leave(room).await,
                None => self.note(tell("no room is open: /join one", &[])).await,
            },
            ("leave", name) => self.leave(self.places.word(name)).await,
            ("rooms", _) => self.ask(Request::Rooms).await,
            ("who", _) => self.in_room(|room| Request::Who { room }).await,
            ("msg", rest) => self.message(rest).await,
            ("me", "") => self.usage("/me TEXT").await,
            ("me", text) => self.say(&show::as_action(text)).await,
            ("topic", "") => self.in_room(|room| Request::Room { room }).await,
            ("topic", text) => {
                let settings = Settings { topic: Some(Text::ours(text)), ..Settings::default() };
                self.in_room(|room| Request::Set { room, settings }).await
            }
            ("history", n) => match if n.is_empty() { Ok(HISTORY) } else { n.parse() } {
                Ok(n) => self.in_room(|room| history(room, n)).await,
                Err(_) => self.usage("/history [N]").await,
            },
            ("away", "") => self.ask(Request::Away { text: None }).await,
            ("away", text) => self.ask(Request::Away { text: Some(Text::ours(text)) }).await,
            ("search", "") => self.usage("/search WORDS").await,
            ("search", words) => self.ask(search(words)).await,
            ("whois", name) => match UserName::parse(name) {
                Ok(who) => self.ask(Request::Whois { who }).await,
                Err(e) => self.wrong("/whois NAME", &e.to_string()).await,
            },
            (verb, _) => {
                let command = format!("/{verb}");
                self.note(tell(
                    "there is no {command} here: /help lists what there is",
                    &[("command", &command)],
                ))
                .await
            }
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), Stop> {
        let Some(room) = self.places.current() else {
            return self.failed(&tell("no room is open: /join one", &[])).await;
        };
        match self.client.submit_say(&room, text).await {
            Ok(answer) => self.hand(Typed::Asked(What::Said, answer)).await,
            Err(error) => self.failed(&tell("not sent: {why}", &[("why", &error.to_string())])).await,
        }
    }

    async fn join(&mut self, room: &str) -> Result<(), Stop> {
        match self.client.join(room, Begin::Last(self.last)).await {
            Ok(joined) => {
                self.places.talk_in(&joined);
                self.note(tell("you talk in {room} now", &[("room", &self.places.label(&joined.room))])).await
            }
            Err(error) => self.refused(&error).await,
        }
    }

    /// Waits, so that the next line is said elsewhere. The hub tells by itself that the room is closed.
    async fn leave(&mut self, room: String) -> Result<(), Stop> {
        match self.client.request(Request::Leave { room: Some(room.clone()) }).await {
            Ok(_) => {
                self.places.left(&room);
                Ok(())
            }
            Err(error) => self.refused(&error).await,
        }
    }

    async fn message(&mut self, rest: &str) -> Result<(), Stop> {
        let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let with = match UserName::parse(name) {
            Ok(with) if !text.trim().is_empty() => with,
            _ => return self.usage("/msg NAME TEXT").await,
        };
        let room = match self.places.direct_with(&with) {
            Some(room) => room,
            None => match self.client.direct(with, Begin::Last(self.last)).await {
                Ok(joined) => {
                    self.places.opened(&joined);
                    joined.room.clone()
                }
                Err(error) => return self.refused(&error).await,
            },
        };
        match self.client.submit_say(&room, text.trim()).await {
            Ok(answer) => self.hand(Typed::Asked(What::Said, answer)).await,
            Err(error) => self.failed(&tell("not sent: {why}", &[("why", &error.to_string())])).await,
        }
    }

    /// Asks for something of the room that one talks in.
    async fn in_room(&mut self, request: impl FnOnce(Option<String>) -> Request) -> Result<(), Stop> {
        match self.places.current() {
            Some(room) => self.ask(request(Some(room))).await,
            None => self.note(tell("no room is open: /join one", &[])).await,
        }
    }

    async fn ask(&mut self, request: Request) -> Result<(), Stop> {
        match self.client.submit(request).await {
            Ok(answer) => self.hand(Typed::Asked(What::Command, answer)).await,
            Err(error) => self.refused(&error).await,
        }
    }

    async fn help(&mut self) -> Result<(), Stop> {
        for line in HELP {
            self.note((*line).to_owned()).await?;
        }
        self.note(tell("any other line is said; //text says /text", &[])).await
    }

    async fn wrong(&mut self, usage: &str, why: &str) -> Result<(), Stop> {
        self.note(format!("{} ({why})", tell("usage: {usage}", &[("usage", usage)]))).await
    }

    async fn usage(&mut self, usage: &str) -> Result<(), Stop> {
        self.note(tell("usage: {usage}", &[("usage", usage)])).await
    }

    async fn refused(&mut self, error: &ClientError) -> Result<(), Stop> {
        self.note(tell("not done: {why}", &[("why", &error.to_string())])).await
    }

    async fn note(&mut self, text: String) -> Result<(), Stop> {
        self.hand(Typed::Note(text)).await
    }

    async fn failed(&mut self, text: &str) -> Result<(), Stop> {
        self.hand(Typed::Failed(text.to_owned())).await
    }

    async fn hand(&mut self, typed: Typed) -> Result<(), Stop> {
        self.typed.send(typed).await.map_err(|_| Stop)
    }
}

fn history(room: Option<String>, n: u32) -> Request {
    Request::History { room, before: None, after: None, around: None, between: None, limit: Some(n) }
}

fn search(words: &str) -> Request {
    let words = words.to_owned();
    Request::Search { words, room: None, sender: None, since_ms: None, until_ms: None, limit: Some(HITS) }
}

const HELP: &[&str] = &[
    "/join ROOM   /leave [ROOM]   /rooms   /who   /topic [TEXT]",
    "/msg NAME TEXT   /me TEXT   /nick NAME   /away [TEXT]   /whois NAME",
    "/history [N]   /search WORDS   /quit",
];
/// Events that `/history` shows.
const HISTORY: u32 = 20;
/// Hits that `/search` shows.
const HITS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_said_and_slashes_command() {
        let plain = |line| understand(line, Style::Plain);
        assert_eq!(plain("hello\n"), Line::Text("hello"));
        assert_eq!(plain("  \r\n"), Line::Nothing);
        assert_eq!(plain("/join  lab \n"), Line::Command { verb: "join", rest: "lab" });
        assert_eq!(plain("/quit"), Line::Command { verb: "quit", rest: "" });
        assert_eq!(plain("//etc/hosts"), Line::Text("/etc/hosts"));
        assert_eq!(plain("send help"), Line::Text("send help"), "people begin sentences so");
    }

    #[test]
    fn the_source_documents_words_are_understood_after_a_login() {
        assert_eq!(login_name("login 张三\n").unwrap().as_str(), "张三");
        assert_eq!(login_name("hello"), None);
        assert_eq!(login_name("login "), None);
        let source = |line| understand(line, Style::Source);
        assert_eq!(source("send 你好 世界"), Line::Text("你好 世界"));
        assert_eq!(source("send"), Line::Nothing);
        assert_eq!(source("sender"), Line::Text("sender"));
        assert_eq!(source("/who"), Line::Command { verb: "who", rest: "" });
    }
}
