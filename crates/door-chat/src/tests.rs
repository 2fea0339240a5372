//! The sessions in memory: what goes in as bytes and deliveries, what comes out as bytes and commands.

mod json;
mod mapping;
mod text;

use crate::step::{Input, Step, Talk};
use bytes::Bytes;
use hubbub_door::{Listener, ListenerOptions};
use hubbub_hub::{Delivery, Me};
use hubbub_model::{
    Command, Durability, Kind, Language, Limits, Refusal, Reply, Retention, Role, RoomCard, RoomId, RoomKind,
    RoomName, SenderKind, SessionId, Text, Ticket, UserName, Visibility,
};

/// A session, and what came out of its last step.
struct Desk<T> {
    talk: T,
    step: Step,
}

impl<T: Talk> Desk<T> {
    fn of(talk: T) -> Self {
        Self { talk, step: Step::default() }
    }

    fn put(&mut self, input: Input<'_>) -> &mut Self {
        self.step = Step::default();
        self.talk.step(input, &mut self.step);
        self
    }

    fn says(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(Input::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn is_told(&mut self, delivery: Delivery) -> &mut Self {
        self.put(Input::Told(delivery))
    }

    fn is_let_in(&mut self, name: &str) -> &mut Self {
        self.put(Input::LoggedIn(Ok(&me(name))))
    }

    fn is_answered(&mut self, ticket: Ticket, reply: Reply) -> &mut Self {
        self.is_told(Delivery::Reply(ticket, Ok(reply)))
    }

    fn is_refused(&mut self, ticket: Ticket, kind: Kind, why: &str) -> &mut Self {
        self.is_told(Delivery::Reply(ticket, Err(Refusal::new(kind, why))))
    }

    /// The first command of the last step.
    fn ticket(&self) -> Ticket {
        self.step.commands.first().expect("a command").0
    }

    fn command(&self) -> &Command {
        assert_eq!(self.step.commands.len(), 1, "{:?}", self.step.commands);
        &self.step.commands[0].1
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.step.out).into_owned()
    }

    fn tells(&self, line: &str) -> &Self {
        assert_eq!(self.out(), format!("{line}\n"));
        self
    }

    fn tells_nothing(&self) -> &Self {
        assert_eq!(self.out(), "");
        self
    }

    fn stays(&self) -> &Self {
        assert!(!self.step.close && !self.step.quit);
        self
    }
}

fn limits() -> Limits {
    Limits { line_bytes_max: 1_024, ..Limits::default() }
}

fn options(query: &str) -> ListenerOptions {
    format!("chat://127.0.0.1:0{query}").parse::<Listener>().unwrap().options
}

fn me(name: &str) -> Me {
    Me {
        session: SessionId(9),
        account: None,
        number: 1,
        kind: SenderKind::Guest,
        name: UserName::parse(name).unwrap(),
        renamed: name.contains('~'),
        role: Role::Guest,
        token: None,
        invite: None,
    }
}

fn text(text: &str) -> Text {
    Text::ours(text.to_owned())
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn card(id: u32, name: &str) -> RoomCard {
    RoomCard {
        id: RoomId(id),
        name: name.strip_prefix('@').map_or_else(|| room(name), RoomName::of_direct_with),
        kind: if name.starts_with('@') { RoomKind::Direct } else { RoomKind::Room },
        topic: Text::default(),
        visibility: Visibility::Public,
        durability: Durability::Strict,
        moderated: false,
        read_only: false,
        retention: Retention::default(),
        epoch: 1,
        first_seq: 1,
        head: 4,
        members: 0,
        attendees: 2,
        member: false,
        unread: 0,
        mentions: 0,
    }
}

fn attached(id: u32, name: &str) -> Reply {
    Reply::Attached { card: Box::new(card(id, name)), next: 5, missing: 0 }
}
