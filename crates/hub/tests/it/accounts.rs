//! Accounts, passwords, tokens, roles, and the budget of failures.

use hubbub_hub::{CloseReason, EndReason, Signal};
use hubbub_model::{
    AccountStatus, Command, Durability, HistoryQuery, Kind, Place, Reply, Role, Scope, SenderKind, Start,
    Target, Visibility,
};
use hubbub_testkit::{Login, Seen, TestHub, room, text, user};

fn set(name: &str) -> Command {
    Command::AccountSet { name: user(name), role: None, status: None, password: None }
}

#[tokio::test]
async fn a_password_opens_the_account_and_changing_it_cuts_the_others() {
    let hub = TestHub::new();
    let mut ada = hub.guest("ada").await;
    ada.join("lobby").await;
    let reply = ada.does(Command::Register { name: None, password: "correct horse".into() }).await;
    assert!(matches!(reply, Reply::Named(name) if name.as_str() == "ada"));
    ada.say("lobby", "now I am somebody").await;
    let (_, event) = ada.next_message().await;
    assert_eq!(event.sender.kind, hubbub_model::SenderKind::Account);

    let mut phone = hub.enter(Login::password("ADA", "correct horse")).await;
    assert_eq!(phone.session.me().account, event.sender.account);
    let wrong = hub.try_enter(Login::password("ada", "wrong horse")).await.err().expect("a wrong password");
    assert_eq!(wrong.kind, Kind::BadCredentials);
    let nobody = hub.try_enter(Login::password("nobody", "wrong horse")).await.err().expect("no such name");
    assert_eq!((nobody.kind, nobody.text), (wrong.kind, wrong.text), "one cannot ask who exists");

    let change = |old: &str| Command::Password { old: old.into(), new: "battery staple".into() };
    assert_eq!(phone.refused(change("wrong horse")).await, Kind::BadCredentials);
    phone.does(change("correct horse")).await;
    assert_eq!(ada.closed().await, CloseReason::Revoked);
    phone.does(Command::Ping).await;
    assert!(hub.try_enter(Login::password("ada", "correct horse")).await.is_err());
    hub.enter(Login::password("ada", "battery staple")).await;
    let short = Command::Register { name: Some(user("bob")), password: "short".into() };
    assert_eq!(hub.guest("bob").await.refused(short).await, Kind::Invalid);
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_ends_when_it_says() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    hub.account("bob").await;
    let (_, secret) = hub.token("ada", &[Scope::Read], Some(60)).await;
    let mut reader = hub.enter(Login::token(secret.clone())).await;
    reader.join("lobby").await;
    ada.say("lobby", "hi").await;
    reader.expect("lobby", "hi", "ada").await;
    let say = reader.saying("lobby", "no");
    assert_eq!(reader.refused(say).await, Kind::NotAllowed);
    let make = Command::Create { name: room("shed"), settings: Default::default() };
    assert_eq!(reader.refused(make).await, Kind::NotAllowed);
    let more = Command::TokenAdd { account: None, label: text("x"), scopes: vec![Scope::Write], for_s: None };
    assert_eq!(reader.refused(more).await, Kind::NotAllowed, "a token makes no greater tokens");

    let (_, write) = hub.token("ada", &[Scope::Write], None).await;
    let mut writer = hub.enter(Login::token(write)).await;
    writer.say("lobby", "by a sensor").await;
    ada.expect("lobby", "hi", "ada").await;
    ada.expect("lobby", "by a sensor", "ada").await;
    let attach = Command::Attach { room: writer.room("lobby"), from: Start::Head };
    assert_eq!(writer.refused(attach).await, Kind::NotAllowed);
    let history =
        Command::History { room: writer.room("lobby"), query: HistoryQuery::Before(Place::Head, 9) };
    assert_eq!(writer.refused(history).await, Kind::NotAllowed);
    let direct = Command::Direct { with: Target::Name(user("bob")), from: Start::Last(9) };
    assert_eq!(writer.refused(direct).await, Kind::NotAllowed, "a direct is read as well");

    hub.clock.jump(60_000);
    let late = hub.try_enter(Login::token(secret)).await.err().expect("it has expired");
    assert_eq!(late.kind, Kind::BadCredentials);
}

#[tokio::test]
async fn a_token_that_may_manage_manages_its_own_account_only_as_far_as_it_goes() {
    let hub = TestHub::new();
    hub.account("ada").await;
    hub.account("bob").await;
    let (_, secret) = hub.token("ada", &[Scope::Read, Scope::Admin], None).await;
    let mut browser = hub.enter(Login::token(secret)).await;
    let add = |account: Option<&str>, scopes: &[Scope]| Command::TokenAdd {
        account: account.map(user),
        label: text("x"),
        scopes: scopes.to_vec(),
        for_s: None,
    };
    assert!(matches!(browser.does(add(None, &[Scope::Read])).await, Reply::Token { .. }));
    let greater = add(None, &[Scope::Read, Scope::Write]);
    assert_eq!(browser.refused(greater).await, Kind::NotAllowed, "none that may do more than itself");
    assert_eq!(browser.refused(add(Some("bob"), &[Scope::Read])).await, Kind::NotAllowed);
    let Reply::Tokens(own) = browser.does(Command::TokenList { account: None }).await else { panic!() };
    assert!(own.len() > 1 && own.iter().all(|token| token.account.as_str() == "ada"));
    let (id, reading) = hub.token("ada", &[Scope::Read], None).await;
    let mut reader = hub.enter(Login::token(reading)).await;
    assert_eq!(reader.refused(Command::TokenList { account: None }).await, Kind::NotAllowed);
    let change = || Command::Password { old: "correct horse".into(), new: "battery staple".into() };
    assert_eq!(reader.refused(change()).await, Kind::NotAllowed);
    assert_eq!(
        browser.refused(change()).await,
        Kind::BadCredentials,
        "it is asked for the old one all the same"
    );
    browser.does(Command::TokenRemove { id }).await;
    assert_eq!(reader.closed().await, CloseReason::Revoked);
}

#[tokio::test]
async fn an_owner_names_the_hub_and_says_whether_guests_are_welcome_for_good() {
    let store = hubbub_store::MemoryStore::new();
    let hub = TestHub::on(store.clone());
    let card = |reply: Reply| match reply {
        Reply::Hub(card) => *card,
        other => panic!("{other:?}"),
    };
    let before = card(hub.operate(Command::Hub).await);
    assert_eq!((before.name, before.guests, before.owned), (None, true, false));
    let mut member = hub.account("bob").await;
    let set = || Command::SetHub { name: Some(text("Our lab 实验室")), guests: Some(false) };
    assert_eq!(member.refused(set()).await, Kind::NotAllowed);
    let mut ada = hub.account_as("ada", Role::Owner).await;
    let after = card(ada.does(set()).await);
    assert_eq!(
        (after.name.as_ref().map(hubbub_model::Text::as_str), after.guests),
        (Some("Our lab 实验室"), false)
    );
    assert!(after.owned);
    let guest = hub.try_enter(Login::guest("eve")).await.err().expect("guests are unwelcome");
    assert_eq!(guest.kind, Kind::NotAllowed);
    drop((member, ada));
    hub.stop();
    let hub = TestHub::on(store);
    assert_eq!(card(hub.operate(Command::Hub).await), after);
    hub.operate(Command::SetHub { name: None, guests: Some(true) }).await;
    hub.guest("eve").await;
}

#[tokio::test]
async fn a_setting_that_was_not_committed_does_not_count() {
    let hub = TestHub::new();
    let mut ada = hub.account_as("ada", Role::Owner).await;
    hub.faults.fail_commits();
    ada.refused(Command::SetHub { name: Some(text("lost")), guests: None }).await;
    let Reply::Hub(card) = ada.does(Command::Hub).await else { panic!() };
    assert_eq!((card.name, card.read_only), (None, true));
}

#[tokio::test]
async fn revoking_a_token_cuts_its_sessions_only() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    let (id, secret) = hub.token("ada", &[Scope::Read, Scope::Write], None).await;
    let mut bot = hub.enter(Login::token(secret.clone())).await;
    bot.join("lobby").await;
    hub.operate(Command::TokenRemove { id }).await;
    assert_eq!(bot.closed().await, CloseReason::Revoked);
    ada.does(Command::Ping).await;
    assert!(hub.try_enter(Login::token(secret)).await.is_err());
    let Reply::Tokens(cards) = hub.operate(Command::TokenList { account: Some(user("ada")) }).await else {
        panic!("no list")
    };
    assert!(cards.iter().all(|card| card.id != id));
}

#[tokio::test]
async fn a_token_that_ends_cuts_its_sessions_only() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    let (_, secret) = hub.token("ada", &[Scope::Read, Scope::Write], Some(60)).await;
    let (_, longer) = hub.token("ada", &[Scope::Read, Scope::Write], Some(61)).await;
    let mut bot = hub.enter(Login::token(secret.clone())).await;
    let mut twin = hub.enter(Login::token(secret)).await;
    let mut other = hub.enter(Login::token(longer)).await;
    bot.join("lobby").await;
    hub.clock.jump(59_999);
    bot.say("lobby", "still here").await;
    hub.clock.jump(1);
    // It is cut before what it says is done.
    let late = bot.saying("lobby", "too late");
    bot.submit(late).await;
    assert_eq!(bot.closed().await, CloseReason::Revoked);
    assert_eq!(twin.closed().await, CloseReason::Revoked, "one that says nothing is cut too");
    other.does(Command::Ping).await;
    let (events, _) = ada.history("lobby", HistoryQuery::Before(Place::Head, 1)).await;
    assert!(
        matches!(&events[0].kind, hubbub_model::EventKind::Message { text, .. } if text.as_str() == "still here")
    );
}

#[tokio::test]
async fn the_directs_of_a_guest_go_on_under_the_account() {
    let hub = TestHub::new();
    let (mut ada, mut gus, mut bob) =
        (hub.guest("ada").await, hub.guest("gus").await, hub.account("bob").await);
    let with_gus = ada.direct("gus").await.card.id;
    let with_bob = ada.direct("bob").await.card.id;
    ada.say("@gus", "hi gus").await;
    ada.say("@bob", "hi bob").await;
    gus.expect("@ada", "hi gus", "ada").await;
    bob.expect("@ada", "hi bob", "ada").await;
    let name = Some(user("ada-l"));
    ada.does(Command::Register { name, password: "correct horse".into() }).await;

    // A guest stays where the conversation is, and is told who the other is now.
    let told = gus.signal("ada's new name", |s| matches!(s, Signal::Renamed { .. })).await;
    let Signal::Renamed { who, was } = told else { unreachable!() };
    assert_eq!((who.kind, who.name.as_str(), was.as_str()), (SenderKind::Account, "ada-l", "ada"));
    ada.say("@gus", "still me").await;
    let event = gus.expect("@ada", "still me", "ada-l").await;
    assert_eq!(event.sender.kind, SenderKind::Account);
    let joined = gus.direct("ada-l").await;
    assert_eq!((joined.card.id, joined.card.name.as_str()), (with_gus, "@ada-l"), "it is the same direct");

    // Two accounts have a stored direct, which opens for both in the place of the old one.
    let card = bob.opened().await;
    assert_eq!(card.name.as_str(), "@ada-l");
    assert_eq!((card.durability, card.member), (Durability::Strict, true));
    assert_ne!(card.id, with_bob);
    assert_eq!(ada.opened().await.id, card.id);
    for person in [&mut ada, &mut bob] {
        loop {
            if let Seen::Ended(room, reason) = person.next().await {
                assert_eq!((room, reason), (with_bob, EndReason::Left));
                break;
            }
        }
    }
    assert_eq!(ada.direct("bob").await.card.id, card.id);
    ada.say("@bob", "for good").await;
    bob.expect("@ada-l", "for good", "ada-l").await;
}

#[tokio::test]
async fn a_registration_that_fails_leaves_the_guest_as_before() {
    let hub = TestHub::new();
    let (mut ada, mut gus, mut bob) =
        (hub.guest("ada").await, hub.guest("gus").await, hub.account("bob").await);
    ada.direct("gus").await;
    ada.direct("bob").await;
    let number = ada.session.me().number;
    hub.faults.fail_commits();
    let name = Some(user("ada-l"));
    let kind = ada.refused(Command::Register { name, password: "correct horse".into() }).await;
    assert_eq!(kind, Kind::ReadOnly);
    ada.say("@gus", "who am I").await;
    let event = gus.expect("@ada", "who am I", "ada").await;
    assert_eq!((event.sender.kind, event.sender.number), (SenderKind::Guest, number));
    ada.say("@bob", "and to you").await;
    bob.expect("@ada", "and to you", "ada").await;
    assert_eq!(hub.guest("ada-l").await.name(), "ada-l", "the new name is free");
    assert_eq!(hub.guest("ada").await.name(), "ada~2", "the old one is not");
    assert_eq!(gus.refused(Command::Nick { name: user("ada") }).await, Kind::Taken);
    drop(ada);
    assert_eq!(gus.ended("@ada").await, EndReason::Deleted);
    assert_eq!(bob.ended("@ada").await, EndReason::Deleted);
}

#[tokio::test]
async fn disabling_or_removing_an_account_cuts_it() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.join("lobby").await;
    let Command::AccountSet { name, role, password, .. } = set("ada") else { unreachable!() };
    let disable = Command::AccountSet { name, role, status: Some(AccountStatus::Disabled), password };
    hub.operate(disable).await;
    assert_eq!(ada.closed().await, CloseReason::Revoked);
    let (_, secret) = hub.token("ada", &[Scope::Read], None).await;
    assert_eq!(hub.try_enter(Login::token(secret)).await.err().map(|r| r.kind), Some(Kind::BadCredentials));

    let mut bob = hub.account("bob").await;
    bob.join("lobby").await;
    bob.say("lobby", "I was here").await;
    hub.operate(Command::AccountRemove { name: user("bob") }).await;
    assert_eq!(bob.closed().await, CloseReason::Revoked);
    let mut eve = hub.guest("eve").await;
    eve.join_from("lobby", Start::Last(1)).await;
    eve.expect("lobby", "I was here", "bob").await;
    assert_eq!(hub.guest("bob").await.name(), "bob", "the name is free again");
}

#[tokio::test]
async fn an_admin_manages_those_beneath_and_the_last_owner_stays() {
    let hub = TestHub::new();
    let mut owner = hub.account_as("owner", Role::Owner).await;
    let mut admin = hub.account_as("admin", Role::Admin).await;
    let mut member = hub.account("member").await;
    let add = |role| Command::AccountAdd { name: user("new"), role, password: None };
    assert_eq!(member.refused(add(Role::Member)).await, Kind::NotAllowed);
    assert_eq!(admin.refused(add(Role::Admin)).await, Kind::NotAllowed);
    admin.does(add(Role::Device)).await;
    assert_eq!(admin.refused(add(Role::Member)).await, Kind::Taken);
    assert_eq!(owner.refused(Command::AccountRemove { name: user("owner") }).await, Kind::NotAllowed);
    let (id, secret) = hub.token("owner", &[Scope::Read], None).await;
    assert!(admin.command(Command::TokenRemove { id }).await.is_err(), "not the tokens of those above");
    hub.enter(Login::token(secret)).await;
    let of_owner = Command::TokenAdd {
        account: Some(user("owner")),
        label: text("x"),
        scopes: vec![Scope::Admin],
        for_s: None,
    };
    assert_eq!(admin.refused(of_owner).await, Kind::NotAllowed);
    // An admin sees hidden rooms, but no directs of others.
    let hidden = hubbub_model::RoomSettings { visibility: Some(Visibility::Hidden), ..Default::default() };
    member.create("cave", hidden).await;
    member.direct("owner").await;
    let Reply::Rooms(rooms) = admin.does(Command::Rooms).await else { admin.fail("no list") };
    let names: Vec<&str> = rooms.iter().map(|card| card.name.as_str()).collect();
    assert_eq!(names, ["cave", "lobby"]);
}

#[tokio::test]
async fn guests_come_only_where_they_are_welcome() {
    let hub = TestHub::new();
    let refused =
        hub.try_enter(Login::guest("ada").where_guests_are_unwelcome()).await.err().expect("no guests here");
    assert_eq!(refused.kind, Kind::NotAllowed);
}

#[tokio::test]
async fn failed_logins_have_a_budget_also_when_they_come_at_once() {
    let hub = TestHub::with_limits(hubbub_model::Limits { login_failures_max: 2, ..Default::default() });
    hub.account("ada").await;
    let (_, good) = hub.token("ada", &[Scope::Read], None).await;
    let attempt =
        |n: u8| hub.try_enter(Login::password("ada", "guessed wrong").from_address([203, 0, 113, n]));
    let (a, b, c, d) = tokio::join!(attempt(1), attempt(2), attempt(3), attempt(4));
    let kinds = [a, b, c, d].map(|login| login.err().expect("all are wrong").kind);
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::BadCredentials).count(), 2, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::SlowDown).count(), 2, "{kinds:?}");

    // Wrong tokens cost the address that brings them, and nobody else.
    let from = |secret: &str, n: u8| Login::token(secret).from_address([198, 51, 100, n]);
    for _ in 0..3 {
        assert!(hub.try_enter(from("hub_wrong", 1)).await.is_err());
    }
    assert_eq!(hub.try_enter(from(&good, 1)).await.err().map(|r| r.kind), Some(Kind::SlowDown));
    hub.enter(from(&good, 2)).await;
    hub.clock.jump(15 * 60 * 1000);
    hub.enter(from(&good, 1)).await;
}
