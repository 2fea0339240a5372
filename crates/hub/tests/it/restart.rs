//! What comes back after a restart, on both stores.

use hubbub_hub::store::Store;
use hubbub_model::{
    AccountStatus, Command, Durability, HistoryQuery, Kind, Place, Reply, RoomSettings, Scope, Standing,
    Start, Visibility,
};
use hubbub_store::{MemoryStore, SqliteStore};
use hubbub_testkit::{Login, TestHub, room, text, user};

#[tokio::test]
async fn what_is_kept_comes_back_in_memory() {
    let store = MemoryStore::new();
    a_restart(|| store.clone()).await;
}

#[tokio::test]
async fn what_is_kept_comes_back_from_the_disk() {
    let dir = tempfile::tempdir().expect("a directory for the test");
    a_restart(|| SqliteStore::open(dir.path()).expect("the store opens")).await;
}

async fn a_restart<S: Store + 'static>(open: impl Fn() -> S) {
    let hub = TestHub::on(open());
    let mut ada = hub.account("ada").await;
    let mut bob = hub.account("bob").await;
    hub.account("dis").await;
    let guest = hub.guest("gus").await;
    let lab = ada.create("lab", RoomSettings { topic: Some(text("茶")), ..Default::default() }).await;
    let hidden = RoomSettings { visibility: Some(Visibility::Hidden), ..Default::default() };
    ada.create("cave", hidden).await;
    ada.create("air", RoomSettings { durability: Some(Durability::Ephemeral), ..Default::default() }).await;
    bob.join("lab").await;
    bob.join("air").await;
    let said = ada.say_once("lab", "hello @bob", "t1").await;
    ada.say("lab", "second").await;
    ada.say("air", "gone with the wind").await;
    ada.does(Command::Stand { room: ada.room("lab"), who: user("bob"), standing: Standing::Voice }).await;
    ada.does(Command::Ban { room: ada.room("lab"), who: user("mallory"), reason: text(""), for_s: None })
        .await;
    bob.does(Command::MarkRead { room: bob.room("lab"), seq: said.seq }).await;
    bob.does(Command::Ignore { who: user("gus"), on: true }).await;
    ada.direct("bob").await;
    ada.say("@bob", "psst").await;
    let disable = Command::AccountSet {
        name: user("dis"),
        role: None,
        status: Some(AccountStatus::Disabled),
        password: None,
    };
    hub.operate(disable).await;
    let (_, ada_token) = hub.token("ada", &[Scope::Read, Scope::Write], None).await;
    let (_, bob_token) = hub.token("bob", &[Scope::Read, Scope::Write], None).await;
    let (_, dis_token) = hub.token("dis", &[Scope::Read], None).await;
    let sessions = (ada.session.me().session, guest.session.me().number);
    let (before, _) = ada.history("lab", HistoryQuery::Before(Place::Head, 100)).await;
    drop((ada, bob, guest));
    hub.stop();

    let hub = TestHub::on(open());
    let mut ada = hub.enter(Login::token(ada_token)).await;
    let mut bob = hub.enter(Login::token(bob_token)).await;
    let guest = hub.guest("gus").await;
    assert!(ada.session.me().session > sessions.0, "session numbers are never used again");
    assert!(guest.session.me().number > sessions.1, "nor are guests'");
    assert_eq!(
        hub.try_enter(Login::token(dis_token)).await.err().map(|r| r.kind),
        Some(Kind::BadCredentials)
    );

    let Reply::Rooms(rooms) = bob.does(Command::Rooms).await else { bob.fail("no list") };
    let names: Vec<&str> = rooms.iter().map(|card| card.name.as_str()).collect();
    assert_eq!(names, ["@ada", "air", "lab", "lobby"]);
    let card = bob.card("lab").await;
    assert_eq!(
        (card.id, card.epoch, card.topic.as_str(), card.member),
        (lab.card.id, lab.card.epoch, "茶", true)
    );
    assert_eq!((card.unread, card.mentions), (1, 0), "the mark is kept");
    assert_eq!(bob.card("air").await.unread, 0, "a new life of the log, with nothing in it");
    let Reply::Members(members, 2) = bob.does(Command::Members { room: bob.room("lab") }).await else {
        bob.fail("not two members")
    };
    let standings: Vec<_> = members.iter().map(|m| (m.name.as_str(), m.standing)).collect();
    assert_eq!(standings, [("ada", Standing::Operator), ("bob", Standing::Voice)]);

    // The log is the same, and goes on where it was.
    let (after, _) = ada.history("lab", HistoryQuery::Before(Place::Head, 100)).await;
    assert_eq!(after, before);
    bob.join_from("lab", Start::After { epoch: card.epoch, seq: said.seq }).await;
    let again = ada.say_once("lab", "hello @bob", "t1").await;
    assert!(again.repeated && again.seq == said.seq, "the mark of the first life is still known");
    let next = ada.say("lab", "third").await;
    assert_eq!(next.seq, before.last().expect("there were events").seq + 1);
    assert!(next.id > before.last().expect("there were events").id);
    bob.expect("lab", "second", "ada").await;
    bob.expect("lab", "third", "ada").await;

    let air = ada.join_from("air", Start::Last(100)).await;
    assert_eq!(air.card.head, 0);
    ada.say("air", "fresh").await;
    assert_eq!(bob.card("air").await.unread, 1);
    let mut mallory = hub.guest("mallory").await;
    let join = Command::Attach { room: mallory.room("lab"), from: Start::Head };
    assert_eq!(mallory.refused(join).await, Kind::Banned);
    let mut gus = guest;
    gus.join("lab").await;
    gus.say("lab", "boo").await;
    bob.expect_nothing("lab", &mut ada).await;
    ada.direct("bob").await;
    let (events, _) = ada.history("@bob", HistoryQuery::Before(Place::Head, 9)).await;
    assert_eq!(events.len(), 1);
    let taken = Command::Create { name: room("cave"), settings: RoomSettings::default() };
    assert_eq!(ada.refused(taken).await, Kind::Taken, "the hidden room is there");
}
