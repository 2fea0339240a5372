//! What is said in each format arrives in each other one, byte by byte as `docs/protocol.md` says.

use crate::support::{Peer, Setting};
use hubbub_model::{Command, Limits, RoomSettings};
use hubbub_testkit::{LinePeer, room};

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Text,
    TextGbk,
    Native,
    Compatible,
}

struct Member {
    name: &'static str,
    format: Format,
    number: u64,
    peer: Peer,
}

impl Member {
    async fn say(&mut self, words: &str) {
        let bytes = match self.format {
            Format::Text => format!("{words}\n").into_bytes(),
            Format::TextGbk => hubbub_wire::to_gbk(format!("{words}\n").as_bytes()),
            Format::Native => format!("{{\"type\":\"say\",\"text\":\"{words}\"}}").into_bytes(),
            Format::Compatible => {
                format!("{{\"type\":\"broadcast\",\"sender_id\":0,\"message\":\"{words}\"}}").into_bytes()
            }
        };
        self.peer.send(&bytes).await;
    }

    async fn hears(&mut self, name: &str, number: u64, words: &str) {
        match self.format {
            Format::Text => self.peer.expect(format!("{name}: {words}")).await,
            Format::TextGbk => {
                self.peer.expect(hubbub_wire::to_gbk(format!("{name}: {words}").as_bytes())).await;
            }
            Format::Compatible => {
                let value = format!(
                    "{{\"sender_id\":{number},\"sender_nickname\":\"{name}\",\"message\":\"{words}\"}}"
                );
                self.peer.expect(value).await;
            }
            Format::Native => {
                let value = self.peer.until("\"type\":\"message\"").await;
                let sender = format!(
                    ",\"sender_id\":{number},\"sender_nickname\":\"{name}\",\"sender_kind\":\"guest\","
                );
                assert!(value.starts_with("{\"type\":\"message\",\"room\":\"lobby\",\"seq\":"), "{value}");
                assert!(
                    value.contains(&sender) && value.ends_with(&format!(",\"message\":\"{words}\"}}")),
                    "{value}"
                );
            }
        }
    }
}

/// Sec. "Transports", "Compatible mode" and "The text format".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_over_every_transport_is_in_the_same_room() {
    use Format::{Compatible, Native, Text, TextGbk};
    let setting =
        Setting::open(&["any://127.0.0.1:0", "chat+unix://{dir}/hub.sock"], Limits::default()).await;
    let mut members: Vec<Member> = Vec::new();
    for (number, (name, format, way)) in (1..).zip([
        ("ada", Text, "tcp"),
        ("张三", TextGbk, "tcp"),
        ("bob", Native, "tls"),
        ("李四", Native, "unix"),
        ("王五", Text, "tls"),
        ("eve", Compatible, "tcp"),
    ]) {
        let peer = match way {
            "tls" => setting.tls_peer().await,
            "unix" => setting.unix_peer("hub.sock").await,
            _ => setting.peer().await,
        };
        let peer = match format {
            Text => peer.enters_text(name).await,
            TextGbk => {
                let mut peer = peer;
                peer.send(&hubbub_wire::to_gbk(format!("{name}\n").as_bytes())).await;
                peer.arrive().await;
                peer
            }
            Native => peer.enters_native(name).await,
            Compatible => peer.enters_compatible(name).await,
        };
        members.push(Member { name, format, number, peer });
    }
    // The last one's login is answered before its room is open; whoever hears this is in.
    members[5].say("我来了 first").await;
    for member in &mut members[..5] {
        member.hears("eve", 6, "我来了 first").await;
    }
    for speaker in 0..members.len() {
        let (name, number) = (members[speaker].name, members[speaker].number);
        let words = format!("大家好 from {number}");
        members[speaker].say(&words).await;
        for (at, listener) in members.iter_mut().enumerate() {
            // Native clients see their own words too; the next check shows that the others do not.
            if at != speaker || listener.format == Native {
                listener.hears(name, number, &words).await;
            }
        }
    }
}

#[tokio::test]
async fn what_gbk_lacks_is_a_question_mark() {
    let setting = Setting::new().await;
    let mut ada = setting.text("ada").await;
    let mut zhang = setting.peer().await;
    zhang.send(&hubbub_wire::to_gbk("张三\n".as_bytes())).await;
    zhang.arrive().await;
    ada.send("好👍한\n".as_bytes()).await;
    zhang.expect(hubbub_wire::to_gbk("ada: 好??".as_bytes())).await;
}

#[tokio::test]
async fn arrivals_are_told_to_compatible_clients() {
    let setting = Setting::new().await;
    let mut zhang = setting.compatible("zhangsan").await;
    let mut ada = setting.text("ada").await;
    zhang
        .expect("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"用户 ada(2)加入聊天室\"}")
        .await;
    ada.send(b"/quit\n").await;
    assert_eq!(ada.rest().await, "");
    zhang
        .expect("{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"用户 ada(2)离开聊天室\"}")
        .await;
}

#[tokio::test]
async fn a_long_message_comes_to_compatible_clients_in_pieces() {
    let setting = Setting::new().await;
    let mut zhang = setting.compatible("zhangsan").await;
    let mut ada = setting.text("ada").await;
    zhang.until("加入聊天室").await;
    let words = "长".repeat(1_000);
    ada.send(format!("{words}\n").as_bytes()).await;
    let mut all = String::new();
    while all.len() < words.len() {
        let value = String::from_utf8(zhang.line().await).unwrap();
        assert!(value.len() < 1_024, "{} bytes", value.len());
        let part = value
            .strip_prefix("{\"sender_id\":2,\"sender_nickname\":\"ada\",\"message\":\"")
            .and_then(|v| v.strip_suffix("\"}"));
        all += part.unwrap();
    }
    assert_eq!(all, words);
}

#[tokio::test]
async fn a_direct_opens_by_itself_and_says_so_on_each_line() {
    let setting = Setting::new().await;
    let mut ada = setting.text("ada").await;
    let mut bob = setting.text("bob").await;
    let mut eve = setting.native("eve").await;
    ada.send(b"/msg bob psst\n").await;
    bob.expect("[direct] ada: psst").await;
    ada.send(b"/msg eve psst\n").await;
    let joined = eve.until("\"type\":\"joined\"").await;
    let said = eve.until("\"message\":\"psst\"").await;
    let word = joined.split('"').nth(7).unwrap();
    assert!(word.starts_with('@') && joined.contains("\"with\":\"ada\""), "{joined}");
    assert!(said.contains(&format!("\"room\":\"{word}\"")), "{said}");
    let seq = said.split("\"seq\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    assert!(joined.contains(&format!("\"next\":{seq},")), "{joined} is followed by {said}");
    eve.send(format!("{{\"type\":\"say\",\"room\":\"{word}\",\"text\":\"one\\ntwo\"}}").as_bytes()).await;
    ada.expect("[direct] eve: one").await;
    ada.expect("[direct] eve: two").await;
    bob.send(b"done\n").await;
    ada.expect("bob: done").await;
}

#[tokio::test]
async fn rooms_are_joined_and_left() {
    let setting = Setting::new().await;
    let mut ada = setting.text("ada").await;
    let mut bob = setting.text("bob").await;
    setting.hub.operate(Command::Create { name: room("lab"), settings: RoomSettings::default() }).await;
    ada.send(b"/join #lab\n").await;
    ada.until("you are in lab").await;
    bob.send(b"/join lab\n").await;
    bob.expect("* you are in lab (2 here)").await;
    bob.send(b"/join lab\n").await;
    bob.expect("* you are in lab (2 here)").await;
    ada.send(b"hi lab\n").await;
    bob.expect("ada: hi lab").await;
    bob.send(b"/leave\n").await;
    let (mut one, mut two) = (bob.line().await, bob.line().await);
    if one.starts_with(b"* you are") {
        std::mem::swap(&mut one, &mut two);
    }
    assert_eq!((one.as_slice(), two.as_slice()), (&b"* done"[..], &b"* you are in lobby (1 here)"[..]));
}

#[tokio::test]
async fn a_name_that_is_taken_becomes_another() {
    let setting = Setting::new().await;
    let _ada = setting.text("ada").await;
    let mut second = setting.peer().await;
    second.send(b"ada\n").await;
    second.expect("* that name is taken: you are ada~2").await;
    let mut third = setting.peer().await;
    third.send(b"{\"type\":\"login\",\"nickname\":\"ada\",\"v\":1}").await;
    third.until("\"nickname\":\"ada~3\"").await;
}

/// Sec. "The text format": 200 ms of silence end a message of a client that sends no newlines.
#[tokio::test]
async fn a_client_without_newlines_and_one_that_types_byte_by_byte() {
    let setting = Setting::new().await;
    let mut bob = setting.text("bob").await;
    let mut ada = setting.peer().await;
    ada.send(b"ada").await;
    bob.send(b"/who\n").await;
    while bob.line().await != b"* ada [guest]" {
        bob.send(b"/who\n").await;
    }
    bob.until("in all").await;
    ada.send(b"hi").await;
    bob.until("ada: hi").await;
    let mut eve = setting.peer().await;
    for byte in b"eve\none\ntwo\n" {
        eve.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    bob.until("eve: one").await;
    bob.expect("eve: two").await;
    let mut json = setting.peer().await;
    for byte in b"{\"type\":\"login\",\"nickname\":\"jo\"}{\"type\":\"broadcast\",\"message\":\"h}i\"}" {
        json.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    bob.until("jo: h}i").await;
}

/// Sec. "Relay".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_hands_bytes_on_as_they_are() {
    let setting = Setting::open(&["relay://127.0.0.1:0", "relay://127.0.0.1:0"], Limits::default()).await;
    let mut ada = LinePeer::connect(setting.address(0)).await;
    let mut bob = LinePeer::connect(setting.address(0)).await;
    let mut other = LinePeer::connect(setting.address(1)).await;
    // A conn is in once it hears something, and each is told something until it does.
    let mut bytes: Vec<u8> = (0..=255).collect();
    loop {
        ada.send_bytes(b".").await;
        bob.send_bytes(b".").await;
        if tokio::time::timeout(std::time::Duration::from_millis(200), async {
            (ada.bytes(1).await, bob.bytes(1).await)
        })
        .await
        .is_ok()
        {
            break;
        }
    }
    bytes.extend_from_slice(b"{\"a\":1}\r\nGET / HTTP/1.1\r\n\xff\xfb");
    bytes = bytes.repeat(100);
    ada.send_bytes(b"|").await;
    ada.send_bytes(&bytes).await;
    while bob.bytes(1).await != b"|" {}
    assert_eq!(bob.bytes(bytes.len()).await, bytes);
    bob.send_bytes(b"|back").await;
    while ada.bytes(1).await != b"|" {}
    assert_eq!(ada.bytes(4).await, b"back");
    other.finish().await;
    assert_eq!(other.closed().await, b"", "another listener is another group");
}

/// Long stretches of a block go to their second and later readers by reference; nothing of that may show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_burst_comes_whole_and_in_order_to_all() {
    let setting =
        Setting::open(&["any://127.0.0.1:0", "chat+unix://{dir}/hub.sock"], Limits::default()).await;
    let mut readers = vec![
        setting.native("ada").await,
        setting.native("bob").await,
        setting.unix_peer("hub.sock").await.enters_native("cai").await,
        setting.tls_peer().await.enters_native("dan").await,
        setting.narrow_peer().await.enters_native("eve").await,
        setting.text("fan").await,
        setting.text("gao").await,
    ];
    let mut writer = setting.native("writer").await;
    let words = |i: usize| format!("{i} {}", "长话 long ".repeat(30));
    let burst: String =
        (0..400).map(|i| format!("{{\"type\":\"say\",\"text\":\"{}\",\"txn\":\"{i}\"}}", words(i))).collect();
    writer.send(burst.as_bytes()).await;
    for reader in &mut readers {
        for i in 0..400 {
            let line = reader.until("长话").await;
            assert!(line.contains(&words(i)), "at {i}: {line}");
        }
    }
}
