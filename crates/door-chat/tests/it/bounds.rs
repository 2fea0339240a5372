//! What a client that does not behave costs: its own conn.

use crate::support::{Setting, soon};
use hubbub_model::Limits;
use std::time::Duration;

fn small() -> Limits {
    Limits { write_stall_s: 1, control_queue_max: 8, pending_per_session_max: 8, ..Limits::default() }
}

/// More than any buffer of the system holds.
const MANY: usize = 6_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_closed_and_holds_nobody_up() {
    let setting = Setting::open(&["any://127.0.0.1:0"], small()).await;
    let admission = setting.listeners.admission();
    let mut deaf = setting.narrow_peer().await;
    deaf.send(b"deaf\n").await;
    let mut bob = setting.text("bob").await;
    let mut ada = setting.text("ada").await;
    let words = "x".repeat(1_000);
    let saying = async {
        for n in 0..MANY {
            ada.send(format!("{n} {words}\n").as_bytes()).await;
        }
    };
    let hearing = async {
        for n in 0..MANY {
            bob.expect(format!("ada: {n} {words}")).await;
        }
    };
    tokio::join!(saying, hearing);
    soon("the end of the conn that never reads", async {
        while admission.conns() > 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    bob.send(b"still here\n").await;
    ada.expect("bob: still here").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_read_answers_may_ask_no_more() {
    let setting = Setting::open(&["any://127.0.0.1:0"], small()).await;
    let admission = setting.listeners.admission();
    let mut bob = setting.text("bob").await;
    let mut deaf = setting.narrow_peer().await;
    deaf.send(b"{\"type\":\"login\",\"nickname\":\"deaf\",\"v\":1}").await;
    let asked = b"{\"type\":\"rooms\"}".repeat(4_000_000);
    let taken = deaf.pour(&asked, Duration::from_millis(300)).await;
    assert!(taken < asked.len(), "the hub holds the asker back");
    println!("the hub took {taken} bytes of requests before it stopped reading");
    soon("the end of the conn that never reads", async {
        while admission.conns() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    bob.send(b"/rooms\n").await;
    bob.expect("* lobby (1 here)").await;
}

#[tokio::test]
async fn a_login_has_its_time() {
    let setting = Setting::open(&["any://127.0.0.1:0"], Limits { login_s: 1, ..Limits::default() }).await;
    let mut slow = setting.peer().await;
    slow.send(b"/help\n").await;
    assert!(slow.rest().await.ends_with("* you took too long\n"));
    let mut json = setting.peer().await;
    json.send(b"{\"type\":\"log").await;
    assert_eq!(json.rest().await, "{\"type\":\"bye\",\"reason\":\"slow\"}\n");
    let mut again = setting.text("ada").await;
    again.send(b"/login ada wrong\n").await;
    assert!(
        again.rest().await.ends_with("* you took too long\n"),
        "whose second login fails is not logged in"
    );
}

#[tokio::test]
async fn a_flood_comes_to_a_paced_client_bit_by_bit() {
    let setting = Setting::new().await;
    let mut eve = setting.compatible("eve").await;
    let mut ada = setting.text("ada").await;
    let mut all = Vec::new();
    for n in 0..5_000 {
        all.extend_from_slice(format!("{n}\n").as_bytes());
    }
    ada.send(&all).await;
    eve.until("\"message\":\"0\"").await;
    for n in 1..20 {
        eve.expect(format!("{{\"sender_id\":2,\"sender_nickname\":\"ada\",\"message\":\"{n}\"}}")).await;
    }
    // What it is owed is little, so that it hears the goodbye in time.
    let Setting { hub, listeners, .. } = setting;
    let (left, ()) = tokio::join!(listeners.stop(), hub.hub().stop());
    assert_eq!(left, 0);
    assert!(eve.rest().await.ends_with("服务器正在停止\"}\n"));
}

#[tokio::test]
async fn who_floods_is_held_back_alone_and_loses_nothing() {
    let limits = Limits { local_commands_per_s: 10, commands_burst: 5, ..Limits::default() };
    let setting = Setting::open(&["any://127.0.0.1:0"], limits).await;
    let (mut ada, mut bob) = (setting.text("ada").await, setting.text("bob").await);
    let mut eve = setting.text("eve").await;
    let start = tokio::time::Instant::now();
    let all: String = (0..16).map(|n| format!("{n}\n")).collect();
    eve.send(all.as_bytes()).await;
    ada.expect("eve: 0").await;
    // While she waits, the others talk, and she hears them.
    ada.send(b"slowly\n").await;
    bob.until("ada: slowly").await;
    eve.expect("ada: slowly").await;
    for n in 1..16 {
        ada.expect(format!("eve: {n}")).await;
    }
    bob.until("eve: 15").await;
    let least = Duration::from_millis(1_000);
    assert!(start.elapsed() >= least, "eleven beyond the burst of five, at ten a second");
}
