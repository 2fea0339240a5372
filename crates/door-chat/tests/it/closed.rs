//! What the hub does to sessions without being asked, as it looks from the other end of a socket: logins that end,
//! a store that fails.

use crate::support::{Peer, Setting};
use hubbub_model::{AccountStatus, Command, Limits, Role, Scope};
use hubbub_testkit::user;

impl Peer {
    async fn enters_with(mut self, token: &str) -> Self {
        self.send(format!("{token}\n").as_bytes()).await;
        self.arrive().await;
        self
    }

    async fn enters_native_with(mut self, members: &str) -> Self {
        self.send(format!("{{\"type\":\"login\",{members},\"v\":1}}").as_bytes()).await;
        self.until("\"type\":\"joined\"").await;
        self
    }
}

const NATIVE_BYE: &str = "{\"type\":\"bye\",\"reason\":\"revoked\"}\n";
const TEXT_BYE: &str = "* your login is no longer valid\n";

#[tokio::test]
async fn a_token_that_is_revoked_ends_its_conns_and_no_others() {
    let setting = Setting::new().await;
    setting.hub.operate(Command::AccountAdd { name: user("ada"), role: Role::Member, password: None }).await;
    let (phone, secret) = setting.hub.token("ada", &[Scope::Read, Scope::Write], None).await;
    let (_, other) = setting.hub.token("ada", &[Scope::Read, Scope::Write], None).await;
    let mut text = setting.peer().await.enters_with(&secret).await;
    let mut native = setting.peer().await.enters_native_with(&format!("\"token\":\"{secret}\"")).await;
    let mut desk = setting.peer().await.enters_with(&other).await;
    let mut bob = setting.text("bob").await;
    setting.hub.operate(Command::TokenRemove { id: phone }).await;
    assert!(text.rest().await.ends_with(TEXT_BYE));
    assert!(native.rest().await.ends_with(NATIVE_BYE));
    desk.send(b"still here\n").await;
    bob.expect("ada: still here").await;
    let mut again = setting.peer().await;
    again.send(format!("{secret}\n").as_bytes()).await;
    let refused = String::from_utf8(again.line().await).unwrap();
    assert!(refused.starts_with("* ") && !refused.contains(&secret), "{refused}");
}

#[tokio::test]
async fn an_account_that_is_disabled_is_out_in_each_format() {
    let setting = Setting::new().await;
    setting.hub.operate(Command::AccountAdd { name: user("李四"), role: Role::Member, password: None }).await;
    let (_, secret) = setting.hub.token("李四", &[Scope::Read, Scope::Write], None).await;
    let mut text = setting.peer().await.enters_with(&secret).await;
    let mut native = setting.peer().await.enters_native_with(&format!("\"token\":\"{secret}\"")).await;
    let mut compatible = setting.peer().await;
    compatible.send(format!("{{\"type\":\"login\",\"token\":\"{secret}\"}}").as_bytes()).await;
    compatible.until("{\"status\":\"ok\",\"id\":").await;
    let disable = Command::AccountSet {
        name: user("李四"),
        role: None,
        status: Some(AccountStatus::Disabled),
        password: None,
    };
    setting.hub.operate(disable).await;
    assert!(text.rest().await.ends_with(TEXT_BYE));
    assert!(native.rest().await.ends_with(NATIVE_BYE));
    let last = compatible.rest().await;
    assert!(
        last.ends_with("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"登录已失效\"}\n"),
        "{last}"
    );
}

#[tokio::test]
async fn a_client_that_comes_again_replaces_its_old_conn() {
    let setting = Setting::new().await;
    let mut bob = setting.text("bob").await;
    let members = "\"nickname\":\"ada\",\"client\":\"b1946ac9\"";
    let mut old = setting.peer().await.enters_native_with(members).await;
    let mut stranger =
        setting.peer().await.enters_native_with("\"nickname\":\"ada\",\"client\":\"other\"").await;
    let mut new = setting.peer().await.enters_native_with(members).await;
    assert!(old.rest().await.ends_with("{\"type\":\"bye\",\"reason\":\"replaced\"}\n"));
    new.send(b"{\"type\":\"say\",\"text\":\"I am back\"}").await;
    bob.expect("ada: I am back").await;
    stranger.send(b"{\"type\":\"say\",\"text\":\"so am I\"}").await;
    bob.expect("ada~2: so am I").await;
}

/// A batch that is larger than the ring is never in it: readers have it from the store.
fn no_ring() -> Limits {
    Limits { ring_events_max: 1, ..Limits::default() }
}

#[tokio::test]
async fn who_keeps_up_is_not_closed_however_small_the_ring() {
    let setting = Setting::open(&["any://127.0.0.1:0"], no_ring()).await;
    let (mut ada, mut bob) = (setting.text("ada").await, setting.text("bob").await);
    for round in 0..20 {
        ada.send(format!("{round} one\n{round} two\n{round} three\n").as_bytes()).await;
        for part in ["one", "two", "three"] {
            bob.expect(format!("ada: {round} {part}")).await;
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_read_ends_who_needs_it() {
    let setting = Setting::open(&["any://127.0.0.1:0"], no_ring()).await;
    let (mut ada, mut bob) = (setting.text("ada").await, setting.text("bob").await);
    let (mut zhang, mut native) = (setting.text("张三").await, setting.native("eve").await);
    setting.hub.faults.fail_reads();
    ada.send(b"one\ntwo\n").await;
    assert!(bob.rest().await.ends_with("* the hub could not read its store\n"));
    assert!(zhang.rest().await.ends_with("* 服务器无法读取存储\n"));
    assert!(native.rest().await.ends_with("{\"type\":\"bye\",\"reason\":\"trouble\"}\n"));
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_told_to_all_and_closes_nobody() {
    let setting = Setting::new().await;
    let (mut ada, mut bob) = (setting.text("ada").await, setting.text("bob").await);
    let mut native = setting.native("eve").await;
    setting.hub.faults.fail_commits();
    ada.send(b"lost\n").await;
    let mut told = [ada.line().await, ada.line().await];
    told.sort();
    assert!(told[0].starts_with(b"* The hub is read-only: its store failed."), "{told:?}");
    assert_eq!(told[1], b"* not done: the hub is read-only since its store failed");
    bob.until("* The hub is read-only").await;
    native.until("{\"type\":\"announce\",\"text\":\"The hub is read-only").await;
    native.send(b"{\"type\":\"say\",\"text\":\"lost too\",\"rid\":1}").await;
    let refused = native.until("\"rid\":1").await;
    assert!(refused.contains("\"code\":\"read-only\""), "{refused}");
    bob.send(b"/who\n").await;
    let here = bob.until(" in all").await;
    assert_eq!(here, "* 3 in all", "nobody was closed, and what was said is not there");
}
