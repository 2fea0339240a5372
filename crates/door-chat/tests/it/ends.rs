//! How conns end: goodbyes, half-closed conns, a hub that stops.

use crate::support::{Setting, soon};

#[tokio::test]
async fn who_asks_to_go_gets_all_answers_first() {
    let setting = Setting::new().await;
    let mut ada = setting.native("ada").await;
    ada.send(b"{\"type\":\"say\",\"text\":\"hi\",\"rid\":1}{\"type\":\"who\",\"rid\":2}{\"type\":\"quit\"}{\"type\":\"say\",\"text\":\"never\"}").await;
    let rest = ada.rest().await;
    assert!(rest.contains("{\"type\":\"sent\",\"rid\":1,"), "{rest}");
    assert!(rest.contains("\"who\":[") && rest.contains(",\"rid\":2}"), "{rest}");
    assert!(rest.ends_with("{\"type\":\"bye\",\"reason\":\"quit\"}\n"), "{rest}");
    assert!(!rest.contains("never") && !rest.contains("pong"), "{rest}");
    let mut bob = setting.text("bob").await;
    bob.send(b"/rooms\n/quit\n").await;
    assert_eq!(bob.rest().await, "* lobby (1 here)\n");
    let mut nobody = setting.peer().await;
    nobody.send(b"{\"type\":\"quit\"}").await;
    assert_eq!(nobody.rest().await, "");
}

#[tokio::test]
async fn a_client_that_only_ends_its_own_side_gets_its_answers() {
    let setting = Setting::new().await;
    let mut bob = setting.text("bob").await;
    for round in 0..20 {
        let mut ada = setting.peer().await;
        let say = format!("{{\"type\":\"say\",\"text\":\"round {round}\",\"rid\":1}}");
        let lost = "{\"type\":\"say\",\"room\":\"nowhere\",\"text\":\"x\"}";
        ada.send(format!("{{\"type\":\"login\",\"nickname\":\"ada\",\"v\":1}}{say}{{\"type\":\"history\",\"rid\":2}}{lost}").as_bytes()).await;
        ada.finish().await;
        let rest = ada.rest().await;
        assert!(rest.contains("\"type\":\"welcome\"") && rest.contains("\"type\":\"joined\""), "{rest}");
        assert!(rest.contains("{\"type\":\"sent\",\"rid\":1,"), "round {round}: {rest}");
        assert!(
            rest.contains("{\"type\":\"history\",") && rest.contains(",\"rid\":2}"),
            "round {round}: {rest}"
        );
        assert!(rest.contains("\"code\":\"not-found\""), "round {round}: {rest}");
        assert!(!rest.contains("pong"), "{rest}");
        bob.expect(format!("ada: round {round}")).await;
    }
}

#[tokio::test]
async fn what_is_piped_in_is_said_to_the_last_byte() {
    let setting = Setting::new().await;
    let mut bob = setting.text("bob").await;
    for (bytes, said) in
        [(&b"ada\none\ntwo\n"[..], &["one", "two"][..]), (b"ada\none\ntwo", &["one", "two"]), (b"ada", &[])]
    {
        let mut ada = setting.peer().await;
        ada.send(bytes).await;
        ada.finish().await;
        assert_eq!(ada.rest().await, "");
        for words in said {
            bob.expect(format!("ada: {words}")).await;
        }
    }
    let mut ada = setting.peer().await;
    ada.send(b"ada\n/who").await;
    ada.finish().await;
    let rest = ada.rest().await;
    assert!(rest.contains("* ada [guest]\n") && rest.contains(" in all\n"), "{rest}");
}

#[tokio::test]
async fn conns_that_ended_are_gone() {
    let setting = Setting::new().await;
    let admission = setting.listeners.admission();
    for _ in 0..20 {
        let mut ada = setting.peer().await;
        ada.send(b"ada").await;
        ada.finish().await;
        ada.rest().await;
        let mut json = setting.peer().await;
        json.send(b"{\"type\":\"lo").await;
        json.finish().await;
        json.rest().await;
    }
    soon("all conns to end", async {
        while admission.conns() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stops_says_goodbye_in_each_format() {
    let setting = Setting::new().await;
    let mut ada = setting.text("ada").await;
    let mut zhang = setting.text("张三").await;
    let mut bob = setting.native("bob").await;
    let mut eve = setting.compatible("eve").await;
    let mut naming = setting.peer().await;
    naming.send(b"/help\n").await;
    naming.until("/quit").await;
    let mut refused = setting.text("dan").await;
    refused.send(b"/login dan wrong\n").await;
    refused.until("wrong").await;
    let Setting { hub, listeners, .. } = setting;
    let (left, ()) = tokio::join!(listeners.stop(), hub.hub().stop());
    assert_eq!(left, 0, "none had to be cut");
    for peer in [&mut ada, &mut naming, &mut refused] {
        assert!(peer.rest().await.ends_with("* the hub is stopping\n"));
    }
    assert!(zhang.rest().await.ends_with("* 服务器正在停止\n"));
    assert!(bob.rest().await.ends_with("{\"type\":\"bye\",\"reason\":\"stopping\"}\n"));
    let end = "{\"sender_id\":0,\"sender_nickname\":\"System\",\"message\":\"服务器正在停止\"}\n";
    assert!(eve.rest().await.ends_with(end));
}

#[tokio::test]
async fn what_can_be_no_json_is_told_and_closed() {
    let setting = Setting::new().await;
    let mut ada = setting.native("ada").await;
    ada.send(b"}{").await;
    let rest = ada.rest().await;
    assert!(rest.ends_with("\"code\":\"invalid\",\"message\":\"the bytes are not JSON\"}\n"), "{rest}");
    let mut web = setting.peer().await;
    web.send(b"\nPOST / HTTP/1.1\r\nHost: x\r\n\r\nada\r\n").await;
    assert!(!web.rest().await.contains("ada"));
}
