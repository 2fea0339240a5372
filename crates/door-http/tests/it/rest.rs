//! Rooms and messages by REST, beside people who come through another door.

use crate::support::Setting;
use hubbub_model::Scope;
use hyper::StatusCode;
use serde_json::{Value, json};

async fn bearer(setting: &Setting, name: &str, scopes: &[Scope]) -> String {
    setting.hub.account(name).await;
    format!("Bearer {}", setting.hub.token(name, scopes, None).await.1)
}

#[tokio::test]
async fn what_is_said_by_rest_is_heard_and_the_other_way_round() {
    let mut setting = Setting::new().await;
    let mut bob = setting.hub.guest("bob").await;
    bob.join("lobby").await;
    let ada = bearer(&setting, "ada", &[Scope::Read, Scope::Write]).await;
    let headers = [("authorization", ada.as_str()), ("idempotency-key", "k1")];
    let said = setting.post("/api/v1/rooms/lobby/messages", &headers, r#"{"text":"你好"}"#).await;
    assert_eq!((said.status, &said.json()["type"]), (StatusCode::CREATED, &json!("sent")), "{said:?}");
    bob.expect("lobby", "你好", "ada").await;
    let again = setting.post("/api/v1/rooms/lobby/messages", &headers, r#"{"text":"你好"}"#).await;
    assert_eq!((again.status, &again.json()["seq"]), (StatusCode::OK, &said.json()["seq"]), "said once");
    bob.say("lobby", "hi ada").await;
    let page = setting.get("/api/v1/rooms/lobby/messages", &headers[..1]).await.json();
    let texts: Vec<&str> =
        page["events"].as_array().unwrap().iter().filter_map(|e| e["message"].as_str()).collect();
    assert_eq!(texts, ["你好", "hi ada"], "{page}");
    let rooms = setting.get("/api/v1/rooms", &headers[..1]).await.json();
    assert_eq!((&rooms["type"], &rooms["rooms"][0]["room"]), (&json!("rooms"), &json!("lobby")), "{rooms}");
    assert_eq!(setting.get("/api/v1/rooms/lobby", &headers[..1]).await.json()["room"], "lobby");
}

#[tokio::test]
async fn pages_lead_through_a_log_both_ways_without_gap_or_repetition() {
    let mut setting = Setting::new().await;
    let mut bob = setting.hub.guest("bob").await;
    bob.join("lobby").await;
    for n in 1..=7 {
        bob.say("lobby", &n.to_string()).await;
    }
    let ada = bearer(&setting, "ada", &[Scope::Read]).await;
    for (start, wanted) in
        [("?limit=3", ["5 6 7", "2 3 4", "1"]), ("?limit=3&after=0", ["1 2 3", "4 5 6", "7"])]
    {
        let mut path = format!("/api/v1/rooms/lobby/messages{start}");
        for (n, wanted) in wanted.iter().enumerate() {
            let answer = setting.get(&path, &[("authorization", &ada)]).await;
            let page = answer.json();
            let texts: Vec<&str> =
                page["events"].as_array().unwrap().iter().filter_map(|e| e["message"].as_str()).collect();
            assert_eq!(texts.join(" "), *wanted, "{path}");
            match page["next"].as_str() {
                Some(next) => {
                    assert_eq!(answer.header("link"), format!("<{next}>; rel=\"next\""));
                    path = next.to_owned();
                }
                None => assert_eq!((n, answer.header("link")), (2, ""), "{path}"),
            }
        }
    }
}

#[tokio::test]
async fn the_hub_decides_and_the_door_tells() {
    let mut setting = Setting::new().await;
    let reader = bearer(&setting, "ada", &[Scope::Read]).await;
    let headers = [("authorization", reader.as_str())];
    setting
        .post("/api/v1/rooms/lobby/messages", &headers, r#"{"text":"x"}"#)
        .await
        .refused(403, "not-allowed");
    setting.get("/api/v1/rooms/nowhere", &headers).await.refused(404, "not-found");
    setting.get("/api/v1/rooms/nowhere/messages", &headers).await.refused(404, "not-found");
    setting.get("/api/v1/rooms/a%20b/messages", &headers).await.refused(400, "invalid");
    setting.get("/api/v1/rooms", &[]).await.refused(401, "not-logged-in");
    setting.get("/api/v1/rooms", &[("authorization", "Bearer hub_00")]).await.refused(401, "bad-credentials");
    setting.get("/api/v1/rooms", &[("authorization", "Basic YTpi")]).await.refused(401, "not-logged-in");
    let writer = bearer(&setting, "bob", &[Scope::Read, Scope::Write]).await;
    let long = json!({ "text": "x".repeat(20_000) }).to_string();
    let headers = [("authorization", writer.as_str())];
    setting.post("/api/v1/rooms/lobby/messages", &headers, &long).await.refused(413, "too-large");
    setting.get("/api/v1/nothing", &headers).await.refused(404, "not-found");
    setting.delete("/api/v1/rooms", &headers).await.refused(405, "unsupported");
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing_at_once() {
    let mut setting = Setting::new().await;
    setting.hub.account("ada").await;
    let (id, secret) = setting.hub.token("ada", &[Scope::Read], None).await;
    let bearer = format!("Bearer {secret}");
    assert_eq!(setting.get("/api/v1/rooms", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    setting.hub.operate(hubbub_model::Command::TokenRemove { id }).await;
    let answer = setting.get("/api/v1/rooms", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
}

#[tokio::test]
async fn a_guest_speaks_by_rest_too() {
    let mut setting = Setting::new().await;
    let cookie = setting.post("/api/v1/session", &[], r#"{"guest":"zhangsan"}"#).await.cookie();
    let mut bob = setting.hub.guest("bob").await;
    bob.join("lobby").await;
    let said =
        setting.post("/api/v1/rooms/lobby/messages", &[("cookie", &cookie)], r#"{"text":"hello"}"#).await;
    assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
    bob.expect("lobby", "hello", "zhangsan").await;
    let _: Value = said.json();
}
