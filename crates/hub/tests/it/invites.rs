//! Invite links: who may make them, whom they let in, how often, and until when.

use hubbub_hub::CloseReason;
use hubbub_model::{
    AccountStatus, Admits, Command, InviteCard, Kind, Limits, Reply, Role, RoomRef, RoomSettings, Standing,
    Visibility,
};
use hubbub_store::MemoryStore;
use hubbub_testkit::{Login, Person, TestClock, TestHub, room, text, user};
use std::net::IpAddr;

const PASSWORD: Option<&str> = Some("correct horse");

fn link(to: Option<&str>, admits: Admits, uses: u32, for_s: u64) -> Command {
    Command::InviteAdd { room: to.map(|to| RoomRef::Name(room(to))), admits, uses, for_s }
}

fn made(reply: Reply) -> (String, InviteCard) {
    match reply {
        Reply::Invite { code, card } => (code, *card),
        other => panic!("an invite was asked for, not {other:?}"),
    }
}

async fn invites(person: &mut Person) -> Vec<InviteCard> {
    match person.does(Command::InviteList).await {
        Reply::Invites(cards) => cards,
        other => panic!("{other:?}"),
    }
}

async fn refused(hub: &TestHub, login: Login) -> Kind {
    hub.try_enter(login).await.err().expect("nobody is let in").kind
}

fn private() -> RoomSettings {
    RoomSettings { visibility: Some(Visibility::Private), ..Default::default() }
}

#[tokio::test]
async fn a_guest_with_an_invite_comes_in_where_guests_are_not_welcome() {
    let store = MemoryStore::new();
    let hub = TestHub::on(store.clone());
    let mut ada = hub.account("ada").await;
    ada.create("lab", private()).await;
    let (code, card) = made(ada.does(link(Some("lab"), Admits::Guest, 2, 60)).await);
    assert!(code.len() >= 32 && code.bytes().all(|b| b.is_ascii_hexdigit()), "{code}");
    assert_eq!((card.by.as_str(), card.uses_left, card.ends_ms - card.created_ms), ("ada", 2, 60_000));
    let elsewhere = || Login::guest("bob").where_guests_are_unwelcome();
    assert_eq!(refused(&hub, elsewhere()).await, Kind::NotAllowed);

    let mut bob = hub.enter(Login::invite(&code, "bob", None).where_guests_are_unwelcome()).await;
    assert_eq!(bob.session.me().invite, Some(card.id));
    bob.join("lab").await;
    bob.say("lab", "hello").await;
    ada.expect("lab", "hello", "bob").await;
    let attach = |name: &str| Command::Attach { room: RoomRef::Name(room(name)), from: Default::default() };
    assert_eq!(hub.guest("eve").await.refused(attach("lab")).await, Kind::NotAllowed);
    ada.create("attic", private()).await;
    assert_eq!(bob.refused(attach("attic")).await, Kind::NotAllowed, "it leads to one room");

    // Coming again with what was given spends nothing; after a restart too.
    drop((bob, ada));
    hub.stop();
    let hub = TestHub::on(store);
    let again = || Login::invited("bob", card.id).where_guests_are_unwelcome();
    let mut bob = hub.enter(again()).await;
    bob.join("lab").await;
    assert_eq!(hub.hub().peek(&code, None).await.expect("one use is left").uses_left, 1);
    hub.operate(Command::InviteRemove { id: card.id }).await;
    assert_eq!(bob.closed().await, CloseReason::Revoked, "a guest goes with the invite");
    assert_eq!(refused(&hub, again()).await, Kind::NotAllowed);
    assert_eq!(refused(&hub, Login::invite(&code, "bob", None)).await, Kind::NotFound);
}

#[tokio::test]
async fn an_invite_makes_a_member_of_the_hub_and_of_the_room() {
    let hub = TestHub::new();
    let mut root = hub.account_as("root", Role::Admin).await;
    root.create("lab", private()).await;
    let (code, card) = made(root.does(link(Some("lab"), Admits::Member, 1, 60)).await);
    assert_eq!(refused(&hub, Login::invite(&code, "bob", None)).await, Kind::Invalid);
    assert_eq!(refused(&hub, Login::invite(&code, "bob", Some("short"))).await, Kind::Invalid);
    assert_eq!(refused(&hub, Login::invite(&code, "ROOT", PASSWORD)).await, Kind::Taken);
    let Reply::Accounts(all) = root.does(Command::AccountList).await else { panic!() };
    assert_eq!(all.len(), 1, "what fails leaves no account");
    assert_eq!(hub.hub().peek(&code, None).await.expect("and spends nothing").uses_left, 1);

    let mut squatter = hub.guest("bob").await;
    let mut bob = hub.enter(Login::invite(&code, "bob", PASSWORD).where_guests_are_unwelcome()).await;
    assert_eq!((bob.name(), bob.session.me().role, bob.session.me().invite), ("bob", Role::Member, None));
    bob.join("lab").await;
    let Reply::Members(members, 2) = root.does(Command::Members { room: root.room("lab") }).await else {
        panic!()
    };
    assert!(members.iter().any(|member| member.name == user("bob")));
    squatter.does(Command::Ping).await;
    hub.enter(Login::password("bob", "correct horse")).await;

    assert_eq!(refused(&hub, Login::invite(&code, "carl", PASSWORD)).await, Kind::NotFound, "it is used up");
    assert_eq!(invites(&mut root).await, [InviteCard { uses_left: 0, ..card.clone() }]);
    root.does(Command::InviteRemove { id: card.id }).await;
    bob.does(Command::Ping).await;
    assert_eq!(invites(&mut root).await, []);
}

#[tokio::test]
async fn the_uses_are_exact_however_many_come_at_once() {
    let hub = TestHub::new();
    let (code, _) = made(hub.operate(link(None, Admits::Guest, 3, 60)).await);
    let mut coming = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (hub, code) = (hub.hub().clone(), code.clone());
        coming.spawn(async move {
            let invite =
                hubbub_hub::Credentials::Invite { code, name: user(&format!("g{n}")), password: None };
            let origin =
                hubbub_hub::Origin { via: "test".into(), address: None, guests: false, client: None };
            hub.login(invite, origin).await.map_err(|refusal| refusal.kind)
        });
    }
    let came = coming.join_all().await;
    assert_eq!(came.iter().filter(|one| one.is_ok()).count(), 3);
    assert!(came.iter().flat_map(|one| one.as_ref().err()).all(|kind| *kind == Kind::NotFound));
}

#[tokio::test]
async fn an_invite_ends_when_it_says_and_its_guests_go() {
    let hub = TestHub::start(MemoryStore::new(), Limits::default(), TestClock::default());
    let (code, card) = made(hub.operate(link(None, Admits::Guest, 9, 60)).await);
    let mut bob = hub.enter(Login::invite(&code, "bob", None)).await;
    hub.clock.jump(59_000);
    hub.hub().peek(&code, None).await.expect("a second is left");
    hub.clock.jump(1_000);
    assert_eq!(hub.hub().peek(&code, None).await.expect_err("it has ended").kind, Kind::NotFound);
    assert_eq!(bob.closed().await, CloseReason::Revoked);
    let Reply::Invites(left) = hub.operate(Command::InviteList).await else { panic!() };
    assert_eq!(left, [], "it is swept");
    let (_, next) = made(hub.operate(link(None, Admits::Guest, 1, 60)).await);
    assert!(next.id > card.id);
    // Where guests are welcome anyway, one comes back as any other.
    assert_eq!(hub.enter(Login::invited("bob", card.id)).await.session.me().invite, None);
}

#[tokio::test]
async fn operators_invite_guests_and_accounts_to_their_own_room_only() {
    let hub = TestHub::new();
    let mut root = hub.account_as("root", Role::Admin).await;
    let (mut ada, mut bob) = (hub.account("ada").await, hub.account("bob").await);
    ada.create("lab", private()).await;
    root.create("attic", private()).await;
    for bad in [
        link(None, Admits::Guest, 1, 60),
        link(None, Admits::Member, 1, 60),
        link(Some("lab"), Admits::Member, 1, 60),
        link(Some("attic"), Admits::Guest, 1, 60),
    ] {
        assert_eq!(ada.refused(bad).await, Kind::NotAllowed);
    }
    assert_eq!(bob.refused(link(Some("lab"), Admits::Guest, 1, 60)).await, Kind::NotAllowed);
    assert_eq!(hub.guest("gus").await.refused(link(None, Admits::Guest, 1, 60)).await, Kind::NotAllowed);
    let (code, card) = made(ada.does(link(Some("lab"), Admits::Guest, 2, 60)).await);
    made(root.does(link(None, Admits::Member, 1, 60)).await);
    assert_eq!((invites(&mut ada).await.len(), invites(&mut root).await.len()), (1, 2));
    assert_eq!(invites(&mut bob).await, []);
    assert_eq!(bob.refused(Command::InviteRemove { id: card.id }).await, Kind::NotFound, "nor is it told of");

    // An account takes it as what it is.
    let take = || Command::InviteTake { code: code.clone() };
    let Reply::Room(lab) = bob.does(take()).await else { panic!() };
    assert!(lab.member);
    assert_eq!(bob.refused(take()).await, Kind::Taken, "once is enough");
    assert_eq!(hub.hub().peek(&code, None).await.expect("one is left").uses_left, 1);
    assert_eq!(hub.guest("gus").await.refused(take()).await, Kind::NotAllowed);

    // It is worth what its maker may do now.
    root.does(Command::Stand {
        room: RoomRef::Name(room("lab")),
        who: user("ada"),
        standing: Standing::Member,
    })
    .await;
    assert_eq!(refused(&hub, Login::invite(&code, "gus", None)).await, Kind::NotFound);
    root.does(Command::Stand {
        room: RoomRef::Name(room("lab")),
        who: user("ada"),
        standing: Standing::Operator,
    })
    .await;
    hub.hub().peek(&code, None).await.expect("she may again");
    let status = Some(AccountStatus::Disabled);
    root.does(Command::AccountSet { name: user("ada"), role: None, status, password: None }).await;
    assert_eq!(refused(&hub, Login::invite(&code, "gus", None)).await, Kind::NotFound);
}

#[tokio::test]
async fn who_is_banned_comes_in_by_no_invite() {
    let hub = TestHub::new();
    let mut ada = hub.account("ada").await;
    ada.create("lab", private()).await;
    let (code, _) = made(ada.does(link(Some("lab"), Admits::Guest, 2, 60)).await);
    let lab = ada.room("lab");
    ada.does(Command::Ban { room: lab.clone(), who: user("eve"), reason: text(""), for_s: None }).await;
    assert_eq!(refused(&hub, Login::invite(&code, "EVE", None)).await, Kind::Banned);
    assert_eq!(hub.hub().peek(&code, None).await.expect("nothing is spent").uses_left, 2);
    // The invites of a room go with it.
    ada.does(Command::Delete { room: lab }).await;
    assert_eq!(refused(&hub, Login::invite(&code, "gus", None)).await, Kind::NotFound);
}

#[tokio::test]
async fn invites_have_limits() {
    let limits = Limits {
        invites_max: 2,
        invite_uses_max: 5,
        invite_s_max: 60,
        login_failures_max: 3,
        ..Limits::default()
    };
    let hub = TestHub::with_limits(limits);
    let mut root = hub.account_as("root", Role::Admin).await;
    for (uses, for_s) in [(0, 60), (6, 60), (1, 0), (1, 61), (u32::MAX, u64::MAX)] {
        assert_eq!(root.refused(link(None, Admits::Guest, uses, for_s)).await, Kind::Invalid);
    }
    let (code, _) = made(root.does(link(None, Admits::Guest, 5, 60)).await);
    made(root.does(link(None, Admits::Guest, 5, 60)).await);
    assert_eq!(root.refused(link(None, Admits::Guest, 1, 1)).await, Kind::TooMany);

    // Guessing spends the address's budget of failed logins, that of no other.
    let (here, there) = (IpAddr::from([203, 0, 113, 5]), IpAddr::from([203, 0, 113, 6]));
    for _ in 0..2 {
        assert_eq!(hub.hub().peek("nonsense", Some(here)).await.expect_err("wrong").kind, Kind::NotFound);
    }
    assert_eq!(
        refused(&hub, Login::invite("nonsense", "eve", PASSWORD).from_address(here)).await,
        Kind::NotFound
    );
    assert_eq!(hub.hub().peek(&code, Some(here)).await.expect_err("too many").kind, Kind::SlowDown);
    assert_eq!(refused(&hub, Login::invite(&code, "eve", None).from_address(here)).await, Kind::SlowDown);
    hub.enter(Login::invite(&code, "eve", None).from_address(there)).await;
}

#[tokio::test]
async fn a_commit_that_fails_leaves_no_half_account() {
    let hub = TestHub::new();
    let (code, _) = made(hub.operate(link(Some("lobby"), Admits::Member, 1, 60)).await);
    hub.faults.fail_commits();
    assert_eq!(refused(&hub, Login::invite(&code, "bob", PASSWORD)).await, Kind::ReadOnly);
    let Reply::Accounts(all) = hub.operate(Command::AccountList).await else { panic!() };
    assert_eq!(all, []);
    assert_eq!(hub.hub().peek(&code, None).await.expect("the use is given back").uses_left, 1);
}
