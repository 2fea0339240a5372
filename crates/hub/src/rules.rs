//! The one `authorize()`. Doors never decide; every command comes by here, at its place in the order.

use crate::facts::RoomFacts;
use hubbub_model::{AccountId, Admits, Kind, Refusal, Role, RoomId, RoomKind, Scope, Standing, Visibility};

/// Who acts, as far as rules care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) role: Role,
    pub(crate) account: Option<AccountId>,
    /// Folded name, for bans of guests.
    pub(crate) fold: &'a str,
    /// What the token allows; `None` where the login was no token.
    pub(crate) scopes: Option<&'a [Scope]>,
    /// The room that a guest's invite leads to.
    pub(crate) invited_to: Option<RoomId>,
    /// Whether the session has the room open.
    pub(crate) attends: bool,
}

/// What is to be done to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Know that it exists.
    See,
    /// Open it.
    Enter,
    /// Read its log, its people.
    Read,
    /// Add to its log.
    Speak,
    /// Change its topic.
    SetTopic,
    /// Kick, ban, invite, give standings, redact others' messages.
    Moderate,
    /// Change its rules, delete it.
    Configure,
}

/// What is to be done to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubAct {
    CreateRoom,
    /// Make, change or remove an account of this role.
    ManageAccount(Role),
    ListAccounts,
    /// Let people in who have no account yet, or make one.
    Admit,
    /// Make, see or revoke tokens of this account.
    ManageTokens(AccountId),
    /// Name the hub, say whether guests are welcome.
    Configure,
}

/// May the actor do this to the room? A hidden room is not found by those who may not see it.
pub(crate) fn authorize(actor: Actor<'_>, act: Act, room: &RoomFacts, now_ms: i64) -> Result<(), Refusal> {
    let standing = standing(actor, room);
    if !may_see(actor, room) {
        return Err(not_found());
    }
    match act {
        Act::See => Ok(()),
        Act::Enter => may_enter(actor, room, now_ms).and_then(|()| scope(actor, Scope::Read)),
        Act::Read if actor.attends => scope(actor, Scope::Read),
        Act::Read => may_enter(actor, room, now_ms).and_then(|()| scope(actor, Scope::Read)),
        Act::Speak => may_speak(actor, standing, room, now_ms),
        Act::SetTopic if room.row.moderated || standing.is_none() => moderator(actor, standing, room),
        Act::SetTopic => may_speak(actor, standing, room, now_ms),
        Act::Moderate | Act::Configure => moderator(actor, standing, room),
    }
}

/// May the actor do this to the hub?
pub(crate) fn authorize_hub(actor: Actor<'_>, act: HubAct) -> Result<(), Refusal> {
    match act {
        HubAct::CreateRoom if actor.role >= Role::Member => scope(actor, Scope::Write),
        HubAct::CreateRoom => Err(refuse(Kind::NotAllowed, "guests cannot make rooms: register first")),
        HubAct::ListAccounts | HubAct::Admit => admin(actor),
        // Nobody touches an account above or beside their own role, but the owner.
        HubAct::ManageAccount(role) if role >= actor.role && actor.role != Role::Owner => {
            Err(refuse(Kind::NotAllowed, "only an owner can do that to an account of this role"))
        }
        HubAct::ManageAccount(_) => admin(actor),
        // A token that may manage, manages as far as its account may.
        HubAct::ManageTokens(account) if actor.account == Some(account) => scope(actor, Scope::Admin),
        HubAct::ManageTokens(_) | HubAct::Configure => admin(actor),
    }
}

/// May the actor make an invite like this, or withdraw it? Who may not any more, has none that is good.
pub(crate) fn authorize_invite(
    actor: Actor<'_>,
    admits: Admits,
    room: Option<&RoomFacts>,
    now_ms: i64,
) -> Result<(), Refusal> {
    if let Some(room) = room {
        authorize(actor, Act::Moderate, room, now_ms)?;
    }
    match (admits, room) {
        (Admits::Guest, Some(_)) => Ok(()),
        (Admits::Guest, None) | (Admits::Member, _) => authorize_hub(actor, HubAct::Admit),
    }
}

fn admin(actor: Actor<'_>) -> Result<(), Refusal> {
    if actor.role < Role::Admin {
        return Err(refuse(Kind::NotAllowed, "only an admin can do that"));
    }
    scope(actor, Scope::Admin)
}

pub(crate) fn scope(actor: Actor<'_>, scope: Scope) -> Result<(), Refusal> {
    match actor.scopes {
        Some(scopes) if !scopes.contains(&scope) => Err(refuse(
            Kind::NotAllowed,
            format_args!("the token does not allow this: it lacks the scope {scope:?}"),
        )),
        _ => Ok(()),
    }
}

/// The actor's standing as a member; `None` for those who do not belong to it.
pub(crate) fn standing(actor: Actor<'_>, room: &RoomFacts) -> Option<Standing> {
    let member = room.members.get(&actor.account?)?;
    (!member.invited).then_some(member.standing)
}

fn knows(actor: Actor<'_>, room: &RoomFacts) -> bool {
    actor.account.is_some_and(|a| room.members.contains_key(&a)) || actor.invited_to == Some(room.row.id)
}

fn may_see(actor: Actor<'_>, room: &RoomFacts) -> bool {
    match (room.row.kind, room.row.visibility) {
        (RoomKind::Direct, _) => actor.attends || knows(actor, room),
        (RoomKind::Room, Visibility::Hidden) => {
            actor.attends || knows(actor, room) || actor.role >= Role::Admin
        }
        (RoomKind::Room, Visibility::Public | Visibility::Private) => true,
    }
}

fn may_enter(actor: Actor<'_>, room: &RoomFacts, now_ms: i64) -> Result<(), Refusal> {
    if let Some(ban) = room.bans.get(actor.fold).filter(|ban| ban.until_ms.is_none_or(|until| until > now_ms))
    {
        let why = if ban.reason.is_empty() { String::new() } else { format!(": {}", ban.reason) };
        return Err(refuse(Kind::Banned, format_args!("you are banned from {}{why}", room.row.name)));
    }
    match (room.row.kind, room.row.visibility) {
        (RoomKind::Room, Visibility::Public) => Ok(()),
        _ if knows(actor, room) => Ok(()),
        (RoomKind::Room, _) if actor.role >= Role::Admin => Ok(()),
        _ => Err(refuse(Kind::NotAllowed, format_args!("{} is open to the invited only", room.row.name))),
    }
}

fn may_speak(
    actor: Actor<'_>,
    standing: Option<Standing>,
    room: &RoomFacts,
    now_ms: i64,
) -> Result<(), Refusal> {
    scope(actor, Scope::Write)?;
    if !actor.attends && standing.is_none() {
        return Err(refuse(Kind::NotInRoom, format_args!("you are not in {}: join it first", room.row.name)));
    }
    if !room.bans.is_empty() {
        may_enter(actor, room, now_ms)?;
    }
    let standing = if actor.role >= Role::Admin { Standing::Operator } else { standing.unwrap_or_default() };
    if room.row.read_only && standing < Standing::Operator {
        return Err(refuse(Kind::NotAllowed, format_args!("{} is read-only", room.row.name)));
    }
    if room.row.moderated && standing < Standing::Voice {
        return Err(refuse(
            Kind::NotAllowed,
            format_args!("{} is moderated: ask an operator for voice", room.row.name),
        ));
    }
    Ok(())
}

fn moderator(actor: Actor<'_>, standing: Option<Standing>, room: &RoomFacts) -> Result<(), Refusal> {
    let admin = actor.role >= Role::Admin && room.row.kind == RoomKind::Room;
    if admin || standing == Some(Standing::Operator) {
        return scope(actor, Scope::Write);
    }
    Err(refuse(Kind::NotAllowed, format_args!("only an operator of {} can do that", room.row.name)))
}

/// What one hears of a room that one may not know of, or that does not exist.
pub(crate) fn not_found() -> Refusal {
    refuse(Kind::NotFound, "there is no such room: see the list of rooms")
}

/// A txn marks one thing in one place.
pub(crate) fn used_elsewhere() -> Refusal {
    refuse(Kind::Taken, "this txn was used for something in another room: choose a new one")
}

pub(crate) fn refuse(kind: Kind, text: impl std::fmt::Display) -> Refusal {
    Refusal::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Facts,
        store::{BanRow, MemberRow, RoomRow, Write},
    };
    use hubbub_model::{RoomId, RoomName, Text};

    fn room(change: impl FnOnce(&mut RoomRow)) -> Facts {
        let mut row = RoomRow::new(RoomId(1), RoomName::parse("lab").unwrap());
        change(&mut row);
        let mut facts = Facts::default();
        facts.apply(&Write::Room(Box::new(row)));
        facts
    }

    fn member(facts: &mut Facts, account: u32, standing: Standing, invited: bool) {
        facts.apply(&Write::Member(MemberRow {
            room: RoomId(1),
            account: AccountId(account),
            standing,
            invited,
        }));
    }

    fn actor(role: Role, account: Option<u32>) -> Actor<'static> {
        Actor {
            role,
            account: account.map(AccountId),
            fold: "ada",
            scopes: None,
            invited_to: None,
            attends: false,
        }
    }

    fn ask(facts: &Facts, actor: Actor<'_>, act: Act) -> Option<Kind> {
        authorize(actor, act, &facts.rooms[&RoomId(1)], 1_000).err().map(|r| r.kind)
    }

    #[test]
    fn a_hidden_room_is_not_found_by_others() {
        let mut facts = room(|r| r.visibility = Visibility::Hidden);
        member(&mut facts, 7, Standing::Member, true);
        for act in [Act::See, Act::Enter, Act::Read, Act::Speak, Act::Moderate] {
            assert_eq!(ask(&facts, actor(Role::Member, Some(8)), act), Some(Kind::NotFound), "{act:?}");
        }
        assert_eq!(ask(&facts, actor(Role::Member, Some(7)), Act::Enter), None, "the invited may enter");
        assert_eq!(
            ask(&facts, actor(Role::Member, Some(7)), Act::Speak),
            Some(Kind::NotInRoom),
            "but are no members yet"
        );
    }

    #[test]
    fn a_private_room_is_seen_and_entered_by_the_invited_only() {
        let facts = room(|r| r.visibility = Visibility::Private);
        assert_eq!(ask(&facts, actor(Role::Guest, None), Act::See), None);
        assert_eq!(ask(&facts, actor(Role::Guest, None), Act::Enter), Some(Kind::NotAllowed));
        assert_eq!(ask(&facts, actor(Role::Member, Some(1)), Act::Read), Some(Kind::NotAllowed));
    }

    #[test]
    fn a_ban_ends_when_it_says() {
        let mut facts = room(|_| ());
        let ban = |until_ms| BanRow {
            room: RoomId(1),
            fold: "ada".into(),
            account: None,
            reason: Text::default(),
            by: "op".into(),
            until_ms,
        };
        facts.apply(&Write::Ban(ban(Some(1_001))));
        assert_eq!(ask(&facts, actor(Role::Guest, None), Act::Enter), Some(Kind::Banned));
        facts.apply(&Write::Ban(ban(Some(1_000))));
        assert_eq!(ask(&facts, actor(Role::Guest, None), Act::Enter), None);
        facts.apply(&Write::Ban(ban(None)));
        let attends = Actor { attends: true, ..actor(Role::Guest, None) };
        assert_eq!(ask(&facts, attends, Act::Speak), Some(Kind::Banned));
    }

    #[test]
    fn moderated_and_read_only_rooms_hear_those_who_may() {
        for (moderated, read_only, least) in
            [(true, false, Standing::Voice), (false, true, Standing::Operator)]
        {
            for standing in [Standing::Member, Standing::Voice, Standing::Operator] {
                let mut facts = room(|r| (r.moderated, r.read_only) = (moderated, read_only));
                member(&mut facts, 1, standing, false);
                let refused = ask(&facts, actor(Role::Member, Some(1)), Act::Speak);
                assert_eq!(refused.is_some(), standing < least, "{standing:?} where moderated={moderated}");
            }
        }
    }

    #[test]
    fn a_token_does_what_its_scopes_say() {
        let facts = room(|_| ());
        let reader = Actor { scopes: Some(&[Scope::Read]), attends: true, ..actor(Role::Owner, Some(1)) };
        assert_eq!(ask(&facts, reader, Act::Read), None);
        assert_eq!(ask(&facts, reader, Act::Speak), Some(Kind::NotAllowed));
        assert_eq!(ask(&facts, reader, Act::Moderate), Some(Kind::NotAllowed));
        assert!(authorize_hub(reader, HubAct::ListAccounts).is_err());
        assert!(
            authorize_hub(reader, HubAct::ManageTokens(AccountId(1))).is_err(),
            "a token makes no tokens"
        );
    }

    #[test]
    fn nobody_manages_an_account_of_their_own_rank_but_the_owner() {
        let admin = actor(Role::Admin, Some(1));
        assert!(authorize_hub(admin, HubAct::ManageAccount(Role::Member)).is_ok());
        assert!(authorize_hub(admin, HubAct::ManageAccount(Role::Admin)).is_err());
        assert!(authorize_hub(actor(Role::Owner, Some(1)), HubAct::ManageAccount(Role::Owner)).is_ok());
        assert!(authorize_hub(actor(Role::Member, Some(1)), HubAct::ManageAccount(Role::Guest)).is_err());
        assert!(authorize_hub(actor(Role::Guest, None), HubAct::CreateRoom).is_err());
    }
}
