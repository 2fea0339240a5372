//! What the hub does by the clock, through real sockets, while the test holds the clock.

use crate::support::{Setting, StillTime};
use hubbub_door::{Protocol, Refused};
use hubbub_model::Limits;
use std::time::Duration;

const GREETING: &str = "* Hubbub. Type your name, then talk; /help shows the commands. 你好：先输入名字，再聊天；/help 查看命令。";

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Sec. "Listeners": `?greet` opts in to greeting after silence.
#[tokio::test(start_paused = true)]
async fn silence_is_greeted_at_its_time_and_not_before() {
    let time = StillTime::begin();
    let setting =
        Setting::open(&["any://127.0.0.1:0?greet=1.5s", "any://127.0.0.1:0"], Limits::default()).await;
    let admission = setting.listeners.admission();
    let (mut silent, mut typist) = (setting.peer().await, setting.peer().await);
    let mut native = setting.peer().await;
    let mut ungreeted = setting.peer_at(1).await;
    time.until("all are there", || admission.silent() == 4).await;
    time.pass(ms(1_400)).await;
    typist.send(b"ada\n").await;
    native.send(b"{\"type\":\"login\",\"nickname\":\"eve\",\"v\":1}").await;
    native.until("\"type\":\"joined\"").await;
    time.until("both have spoken", || admission.silent() == 2).await;
    assert!(time.is_quiet(&mut silent).await, "it is not time yet");
    time.pass(ms(101)).await;
    silent.expect(GREETING).await;
    silent.send("张三\n".as_bytes()).await;
    silent.arrive().await;
    // Only once: neither its silence after the greeting nor that of the others is greeted.
    time.pass(ms(5_000)).await;
    for peer in [&mut silent, &mut typist, &mut ungreeted] {
        assert!(time.is_quiet(peer).await);
    }
    typist.send(b"hi\n").await;
    silent.expect("ada: hi").await;
}

/// Sec. "The text format": writes of at most 1,024 bytes that end at a character, at least 50 ms apart.
#[tokio::test(start_paused = true)]
async fn a_paced_listener_writes_little_and_not_often() {
    let time = StillTime::begin();
    let setting =
        Setting::open(&["any://127.0.0.1:0?paced=yes", "any://127.0.0.1:0"], Limits::default()).await;
    let mut paced = setting.peer_at(0).await;
    paced.send(b"paced\n").await;
    let mut ada = setting.peer_at(1).await.enters_text("ada").await;
    let mut here = String::new();
    while here != "* 2 in all" {
        ada.send(b"/who\n").await;
        here = ada.until(" in all").await;
    }
    let mut bob = setting.peer_at(1).await.enters_text("bob").await;
    ada.send(b"zero\n").await;
    assert_eq!(paced.one_read().await, b"ada: zero\n", "at once");
    bob.expect("ada: zero").await;
    for word in ["one", "two", "three"] {
        ada.send(format!("{word}\n").as_bytes()).await;
        bob.expect(format!("ada: {word}")).await;
        time.pass(ms(49)).await;
        assert!(time.is_quiet(&mut paced).await, "{word} comes within 50 ms of what was before");
        time.pass(ms(2)).await;
        assert_eq!(paced.one_read().await, format!("ada: {word}\n").as_bytes());
    }
    time.pass(ms(51)).await;
    let words = "长".repeat(1_000);
    ada.send(format!("{words}\n").as_bytes()).await;
    let mut all = String::new();
    while !all.ends_with('\n') {
        let part = String::from_utf8(paced.one_read().await).expect("a write ends at a character");
        assert!(part.len() <= 1_024, "{} bytes", part.len());
        all += &part;
        assert!(time.is_quiet(&mut paced).await, "the next one has to wait");
        time.pass(ms(51)).await;
    }
    assert_eq!(all.matches('长').count(), 1_000);
}

/// The first bytes of a hello: enough to know that it is TLS.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[tokio::test(start_paused = true)]
async fn a_tls_client_that_stalls_is_closed_at_its_deadline_and_costs_nobody_else() {
    let time = StillTime::begin();
    let setting = Setting::open(&["anys://127.0.0.1:0", "any://127.0.0.1:0"], Limits::default()).await;
    let (counters, admission) = (setting.listeners.counters(), setting.listeners.admission());
    let mut stalled = [setting.peer_at(0).await, setting.peer_at(1).await];
    for peer in &mut stalled {
        peer.send(HALF_A_HELLO).await;
    }
    time.until("both are known to speak TLS", || counters.detected(Protocol::Tls) == 2).await;
    time.pass(ms(9_900)).await;
    // A byte now and then does not restart the deadline.
    for peer in &mut stalled {
        peer.send(b"\x00").await;
        assert!(time.is_quiet(peer).await);
    }
    assert_eq!((counters.refused(Refused::Handshake), admission.silent()), (0, 2));
    let mut ada = setting.tls_peer().await.enters_text("ada").await;
    let mut bob = setting.peer_at(1).await.enters_text("bob").await;
    ada.send(b"hi\n").await;
    bob.expect("ada: hi").await;
    time.pass(ms(200)).await;
    for peer in &mut stalled {
        assert_eq!(peer.rest_bytes().await, b"");
    }
    time.until("both are gone", || admission.conns() == 2).await;
    assert_eq!((counters.refused(Refused::Handshake), admission.silent()), (2, 0));
    bob.send(b"still here\n").await;
    ada.expect("bob: still here").await;
}

#[tokio::test(start_paused = true)]
async fn half_a_record_head_is_refused_when_the_clock_of_detection_runs_out() {
    let time = StillTime::begin();
    let setting = Setting::open(&["anys://127.0.0.1:0"], Limits::default()).await;
    let counters = setting.listeners.counters();
    let mut peer = setting.peer().await;
    peer.send(b"\x16\x03").await;
    assert!(time.is_quiet(&mut peer).await);
    time.pass(ms(1_501)).await;
    assert_eq!(peer.rest_bytes().await, b"");
    assert_eq!(counters.refused(Refused::Scanner), 1);
}
