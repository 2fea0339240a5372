//! The operator's commands on the hub itself: the same code whether they came through the socket or not.

use super::{Answer, Keep, NewToken, Refused, Request, Rules};
use hubbub_hub::Hub;
use hubbub_model::{Command, Kind, Refusal, Reply, Retention, RoomName, RoomRef, RoomSettings};

/// Runs a request with the rights of the operator.
pub(crate) async fn perform(hub: &Hub, request: Request) -> Answer {
    match try_perform(hub, request).await {
        Ok(answer) => answer,
        Err(refusal) => Answer::Refused(refusal.into()),
    }
}

async fn try_perform(hub: &Hub, request: Request) -> Result<Answer, Refusal> {
    let command = match request {
        Request::UserAdd { name, role, password } => Command::AccountAdd { name, role, password },
        Request::UserList => Command::AccountList,
        Request::UserShow { name } => {
            let Answer::Users(cards) = ask(hub, Command::AccountList).await? else {
                return Err(unexpected());
            };
            let found = cards.into_iter().find(|card| card.name.folded() == name.folded());
            let missing = || Refusal::new(Kind::NotFound, format_args!("there is no account named {name}"));
            return found.map(Answer::User).ok_or_else(missing);
        }
        Request::UserSet { name, role, status, password } => {
            Command::AccountSet { name, role, status, password }
        }
        Request::UserRemove { name } => Command::AccountRemove { name },
        Request::RoomAdd { name, rules } => {
            Command::Create { name, settings: settings(rules, Retention::default()) }
        }
        Request::RoomList => Command::Rooms,
        Request::RoomShow { name } => Command::Room { room: RoomRef::Name(name) },
        Request::RoomSet { name, rules } => {
            let kept = kept(hub, &name, &rules).await?;
            Command::Set { room: RoomRef::Name(name), settings: settings(rules, kept) }
        }
        Request::RoomRemove { name } => Command::Delete { room: RoomRef::Name(name) },
        Request::TokenAdd { account, label, scopes, for_s } => {
            Command::TokenAdd { account: Some(account), label, scopes, for_s }
        }
        Request::TokenList { account } => Command::TokenList { account },
        Request::TokenRemove { id } => Command::TokenRemove { id },
        Request::Reload | Request::Status => {
            return Err(Refusal::new(
                Kind::Unsupported,
                "no hub runs on this data folder: start it with `hubbub serve`",
            ));
        }
    };
    ask(hub, command).await
}

async fn ask(hub: &Hub, command: Command) -> Result<Answer, Refusal> {
    Ok(match hub.operate(command).await? {
        Reply::Done => Answer::Done,
        Reply::Accounts(cards) => Answer::Users(cards),
        Reply::Account(card) => Answer::User(*card),
        Reply::Rooms(cards) => Answer::Rooms(cards.into_iter().map(Into::into).collect()),
        Reply::Room(card) => Answer::Room((*card).into()),
        Reply::Tokens(cards) => Answer::Tokens(cards),
        Reply::Token { secret, card } => Answer::Token(NewToken { secret, token: *card }),
        _ => return Err(unexpected()),
    })
}

/// What the room keeps now, where only a part of that is to be changed.
async fn kept(hub: &Hub, name: &RoomName, rules: &Rules) -> Result<Retention, Refusal> {
    if rules.keep_events.is_none() && rules.keep_s.is_none() {
        return Ok(Retention::default());
    }
    match ask(hub, Command::Room { room: RoomRef::Name(name.clone()) }).await? {
        Answer::Room(room) => Ok(room.retention),
        _ => Err(unexpected()),
    }
}

fn settings(rules: Rules, kept: Retention) -> RoomSettings {
    let choose = |keep: Option<Keep>, kept| match keep {
        None => kept,
        Some(Keep::All) => None,
        Some(Keep::AtMost(most)) => Some(most),
    };
    let given = rules.keep_events.is_some() || rules.keep_s.is_some();
    let retention =
        Retention { events: choose(rules.keep_events, kept.events), age_s: choose(rules.keep_s, kept.age_s) };
    RoomSettings {
        visibility: rules.visibility,
        durability: rules.durability,
        moderated: rules.moderated,
        read_only: rules.read_only,
        retention: given.then_some(retention),
        topic: rules.topic,
    }
}

fn unexpected() -> Refusal {
    Refusal::new(Kind::Internal, "the hub gave an answer of another kind")
}

/// As an error of a command line.
impl Answer {
    pub(crate) fn or_refused(self) -> Result<Self, Refused> {
        match self {
            Self::Refused(refused) => Err(refused),
            answer => Ok(answer),
        }
    }
}
