//! Readers that take little: what each format does when the hub's memory no longer holds their place.

use crate::support::{Peer, Setting, soon};
use hubbub_model::Limits;

/// More lines than fit into all buffers between hub and reader.
const MANY: usize = 9_000;
/// Said at once: who reads between the rounds is never further behind.
const ROUND: usize = 50;

fn words() -> String {
    "x".repeat(1_000)
}

/// Ada says all of it; bob, who reads, hears all of it.
async fn ada_says_much(ada: &mut Peer, bob: &mut Peer) {
    let words = words();
    for round in 0..MANY / ROUND {
        let numbers = round * ROUND..(round + 1) * ROUND;
        let lines: Vec<String> = numbers.clone().map(|n| format!("{n} {words}\n")).collect();
        ada.send(lines.concat().as_bytes()).await;
        for n in numbers {
            bob.expect(format!("ada: {n} {words}")).await;
        }
    }
}

fn small_ring() -> Limits {
    // Small batches, so that what a conn has in flight is little.
    Limits { ring_events_max: 200, pending_per_session_max: 64, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_reader_that_lost_its_place_is_told_and_closed() {
    let setting = Setting::open(&["any://127.0.0.1:0"], small_ring()).await;
    let mut slow = setting.narrow_peer().await.enters_text("slow").await;
    let mut zhang = setting.narrow_peer().await.enters_text("张三").await;
    let (mut bob, mut ada) = (setting.text("bob").await, setting.text("ada").await);
    ada_says_much(&mut ada, &mut bob).await;
    for (peer, words) in [
        (&mut slow, "* you read too slowly to keep up; come in again, /history shows what you missed"),
        (&mut zhang, "* 你接收得太慢，跟不上聊天；请重新连接，用 /history 查看错过的消息"),
    ] {
        let heard = peer.rest().await;
        let mut lines = heard.lines();
        assert_eq!(lines.next_back(), Some(words));
        let mut n = 0;
        for line in lines {
            assert_eq!(
                line,
                format!("ada: {n} {}", self::words()),
                "what came before came whole and in order"
            );
            n += 1;
        }
        assert!(n < MANY, "not all of it came");
    }
    let admission = setting.listeners.admission();
    soon("the end of both", async {
        while admission.conns() > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut again = setting.text("slow").await;
    again.send(b"/history 1\n").await;
    again.expect(format!("ada: {} {}", MANY - 1, words())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_readers_get_what_they_missed_from_the_store() {
    let setting = Setting::open(&["any://127.0.0.1:0"], small_ring()).await;
    let mut slow = setting.narrow_peer().await.enters_native("slow").await;
    let (mut bob, mut ada) = (setting.text("bob").await, setting.text("ada").await);
    ada_says_much(&mut ada, &mut bob).await;
    for n in 0..MANY {
        slow.until(&format!("\"message\":\"{n} xxx")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_for_a_moment_only_hears_all() {
    let setting = Setting::new().await;
    let mut slow = setting.narrow_peer().await.enters_text("slow").await;
    let (mut bob, mut ada) = (setting.text("bob").await, setting.text("ada").await);
    ada_says_much(&mut ada, &mut bob).await;
    for n in 0..MANY {
        slow.expect(format!("ada: {n} {}", words())).await;
    }
    ada.send(b"still here?\n").await;
    slow.expect("ada: still here?").await;
    slow.send(b"yes\n").await;
    ada.expect("slow: yes").await;
}

#[tokio::test]
async fn what_a_listener_shows_of_the_past_comes_from_the_store_too() {
    let limits = Limits { ring_events_max: 2, ..Limits::default() };
    let setting = Setting::open(&["any://127.0.0.1:0", "any://127.0.0.1:0?backlog=5"], limits).await;
    let (mut ada, mut bob) = (setting.text("ada").await, setting.text("bob").await);
    for n in 0..20 {
        ada.send(format!("{n}\n").as_bytes()).await;
        bob.expect(format!("ada: {n}")).await;
    }
    let mut eve = setting.peer_at(1).await;
    eve.send(b"eve\n").await;
    for n in 15..20 {
        eve.expect(format!("ada: {n}")).await;
    }
    ada.send(b"and on\n").await;
    eve.expect("ada: and on").await;
}

/// Sec. "Relay".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_closes_who_takes_too_little() {
    let limits = Limits { relay_bytes_max: 256 * 1024, ..Limits::default() };
    let setting = Setting::open(&["relay://127.0.0.1:0"], limits).await;
    let admission = setting.listeners.admission();
    let (mut ada, mut bob) = (setting.peer().await, setting.peer().await);
    let mut deaf = setting.narrow_peer().await;
    soon("three conns", async {
        while (admission.conns(), admission.silent()) != (3, 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // A conn is in once it hears something.
    for peer in [&mut bob, &mut deaf] {
        while !peer.hears_something().await {
            ada.send(b".").await;
        }
    }
    ada.send(b"|").await;
    bob.skip_to(b'|').await;
    let piece: Vec<u8> = (0..64 * 1024u32).map(|n| (n % 251) as u8).collect();
    let rounds = 256;
    for _ in 0..rounds {
        ada.send(&piece).await;
        assert!(bob.bytes(piece.len()).await == piece, "who keeps up hears all of it, unchanged");
    }
    deaf.skip_to(b'|').await;
    let rest = deaf.rest_bytes().await;
    assert!(rest.len() < rounds * piece.len(), "the conn was closed before the end");
    assert!(
        rest.chunks(piece.len()).all(|part| part == &piece[..part.len()]),
        "what came before came unchanged"
    );
    bob.send(b"still here").await;
    assert_eq!(ada.bytes(10).await, b"still here");
    soon("the end of the deaf one", async {
        while admission.conns() > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_floods_the_relay_is_not_held_up_by_who_does_not_read() {
    let limits = Limits { relay_bytes_max: 256 * 1024, write_stall_s: 1, ..Limits::default() };
    let setting = Setting::open(&["relay://127.0.0.1:0"], limits).await;
    let admission = setting.listeners.admission();
    let (mut ada, _deaf) = (setting.peer().await, setting.narrow_peer().await);
    ada.send(&vec![b'x'; 64 << 20]).await;
    soon("the end of the one that never reads", async {
        while admission.conns() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut bob = setting.peer().await;
    while !ada.hears_something().await {
        bob.send(b"hi").await;
    }
}
