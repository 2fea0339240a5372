//! Setup, passwords, guests, tokens, registration, lists of sessions, handing over; and who may not.

use crate::support::{Answer, Setting};
use hubbub_model::{Command, Limits, Role};
use hubbub_testkit::user;
use hyper::StatusCode;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

async fn with_ada(setting: &Setting) {
    let password = Some(PASSWORD.to_owned());
    setting.hub.operate(Command::AccountAdd { name: user("ada"), role: Role::Member, password }).await;
}

async fn signs_in(setting: &mut Setting) -> String {
    let body = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let answer = setting.post("/api/v1/session", &[], &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.cookie()
}

async fn me(setting: &mut Setting, cookie: &str) -> Value {
    let answer = setting.get("/api/v1/session", &[("cookie", cookie)]).await;
    assert_eq!(answer.status, StatusCode::OK, "never refused");
    answer.json()
}

fn token_of(setting: &Setting) -> String {
    let link = setting.http.setup_link(setting.listeners.addresses()).unwrap();
    assert!(link.starts_with(&format!("http://{}/setup#", setting.address())), "{link}");
    link.rsplit('#').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_setup_link_makes_one_owner_once() {
    let mut setting = Setting::new().await;
    let token = token_of(&setting);
    assert_eq!(setting.get("/api/v1/hub", &[]).await.json()["setup_needed"], true);
    let body = |token: &str, name: &str, password: &str| {
        json!({ "token": token, "hub": "Our lab 实验室", "name": name, "password": password, "guests": false }).to_string()
    };
    setting.post("/api/v1/setup", &[], &body("wrong", "ada", PASSWORD)).await.refused(403, "not-allowed");
    // What is wrong beside the token does not use it up.
    setting.post("/api/v1/setup", &[], &body(&token, "a\nb", PASSWORD)).await.refused(400, "invalid");
    setting.post("/api/v1/setup", &[], &body(&token, "ada", "short")).await.refused(400, "invalid");
    let made = setting.post("/api/v1/setup", &[], &body(&token, "ada", PASSWORD)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.json()["me"]["role"], "owner");
    assert_eq!(me(&mut setting, &made.cookie()).await["me"]["nickname"], "ada");
    setting.post("/api/v1/setup", &[], &body(&token, "eve", PASSWORD)).await.refused(403, "not-allowed");
    let hub = setting.get("/api/v1/hub", &[]).await.json();
    assert_eq!(
        (&hub["name"], &hub["setup_needed"], &hub["guests"]),
        (&json!("Our lab 实验室"), &json!(false), &json!(false))
    );
    setting.post("/api/v1/session", &[], r#"{"guest":"bob"}"#).await.refused(403, "not-allowed");
}

#[tokio::test]
async fn setup_is_over_where_the_hub_has_an_owner() {
    let mut setting = Setting::new().await;
    setting.hub.operate(Command::AccountAdd { name: user("root"), role: Role::Owner, password: None }).await;
    assert_eq!(setting.get("/api/v1/hub", &[]).await.json()["setup_needed"], false);
    let body = json!({ "token": token_of(&setting), "name": "eve", "password": PASSWORD }).to_string();
    setting.post("/api/v1/setup", &[], &body).await.refused(403, "not-allowed");
}

#[tokio::test]
async fn a_password_makes_a_cookie_and_signing_out_ends_it() {
    let mut setting = Setting::new().await;
    with_ada(&setting).await;
    assert_eq!(setting.get("/api/v1/session", &[]).await.json(), json!({ "signed_in": false }));
    let cookie = signs_in(&mut setting).await;
    let who = me(&mut setting, &cookie).await;
    assert_eq!(
        (&who["signed_in"], &who["me"]["kind"], &who["me"]["role"]),
        (&json!(true), &json!("account"), &json!("member"))
    );
    let out = setting.delete("/api/v1/session", &[("cookie", &cookie)]).await;
    assert_eq!((out.status, out.header("set-cookie").contains("Max-Age=0")), (StatusCode::NO_CONTENT, true));
    // The token itself is worth nothing any more; a browser that still has it is told to forget it.
    let answer = setting.get("/api/v1/session", &[("cookie", &cookie)]).await;
    assert_eq!(answer.json(), json!({ "signed_in": false }));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    setting.get("/api/v1/rooms", &[("cookie", &cookie)]).await.refused(401, "bad-credentials");
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let mut setting = Setting::new().await;
    let set =
        setting.post("/api/v1/session", &[], r#"{"guest":"zhangsan"}"#).await.header("set-cookie").to_owned();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    with_ada(&setting).await;
    let body = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let set = setting.post("/api/v1/session", &[], &body).await.header("set-cookie").to_owned();
    assert!(set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{set}");
}

#[tokio::test]
async fn a_guest_is_a_sealed_name() {
    let mut setting = Setting::new().await;
    let cookie = setting.post("/api/v1/session", &[], r#"{"guest":"张三"}"#).await.cookie();
    let who = me(&mut setting, &cookie).await;
    assert_eq!((&who["me"]["nickname"], &who["me"]["kind"]), (&json!("张三"), &json!("guest")));
    let forged = cookie.replace("guest.", "guest.A");
    assert_eq!(me(&mut setting, &forged).await, json!({ "signed_in": false }));
    setting.post("/api/v1/session", &[], r#"{"guest":"a\nb"}"#).await.refused(400, "invalid");
    setting.post("/api/v1/handover", &[("cookie", &cookie)], "").await.refused(403, "not-allowed");
}

#[tokio::test]
async fn wrong_passwords_are_counted_with_those_of_other_doors() {
    let limits = Limits { login_failures_max: 3, ..Limits::default() };
    let mut setting = Setting::open("any://127.0.0.1:0", limits).await;
    with_ada(&setting).await;
    let wrong = json!({ "name": "ada", "password": "wrong horse" }).to_string();
    for _ in 0..2 {
        setting.post("/api/v1/session", &[], &wrong).await.refused(401, "bad-credentials");
    }
    let elsewhere = setting.hub.try_enter(hubbub_testkit::Login::password("ada", "wrong again")).await;
    assert!(elsewhere.is_err());
    let right = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let answer = setting.post("/api/v1/session", &[], &right).await;
    answer.refused(429, "slow-down");
    assert_eq!(answer.header("retry-after"), "900");
}

#[tokio::test]
async fn other_sites_can_change_nothing() {
    let mut setting = Setting::new().await;
    with_ada(&setting).await;
    let cookie = signs_in(&mut setting).await;
    let body = r#"{"text":"hi"}"#;
    for headers in [
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![("origin", ""), ("sec-fetch-site", "cross-site")],
        vec![("origin", ""), ("sec-fetch-site", "same-site")],
        // A cookie that says nothing of where it comes from.
        vec![("origin", "")],
    ] {
        let headers = [&headers[..], &[("cookie", cookie.as_str())]].concat();
        setting.post("/api/v1/rooms/lobby/messages", &headers, body).await.refused(403, "not-allowed");
        setting.delete("/api/v1/session", &headers).await.refused(403, "not-allowed");
    }
    for path in ["/api/v1/session", "/api/v1/register", "/api/v1/setup", "/api/v1/handover/take"] {
        let headers = [("origin", "http://evil.example")];
        setting.post(path, &headers, "{}").await.refused(403, "not-allowed");
    }
    assert_eq!(me(&mut setting, &cookie).await["signed_in"], true);
    let own = [("origin", ""), ("sec-fetch-site", "same-origin"), ("cookie", cookie.as_str())];
    assert_eq!(setting.post("/api/v1/rooms/lobby/messages", &own, body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn sessions_are_listed_and_each_can_be_ended() {
    let mut setting = Setting::new().await;
    with_ada(&setting).await;
    let (first, second) = (signs_in(&mut setting).await, signs_in(&mut setting).await);
    let list = setting.get("/api/v1/sessions", &[("cookie", &first)]).await.json();
    let rows = list["sessions"].as_array().unwrap().clone();
    let current: Vec<_> = rows.iter().map(|row| row["current"].as_bool().unwrap()).collect();
    assert_eq!((rows.len(), current.iter().filter(|is| **is).count()), (2, 1), "{list}");
    assert!(
        rows.iter().all(|row| row["kind"] == "web" && row["label"].as_str().unwrap().starts_with("web: "))
    );
    let other = rows.iter().find(|row| row["current"] == false).unwrap()["id"].as_u64().unwrap();
    let ended = setting.delete(&format!("/api/v1/sessions/{other}"), &[("cookie", &first)]).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(me(&mut setting, &second).await["signed_in"], false);
    let own = rows.iter().find(|row| row["current"] == true).unwrap()["id"].as_u64().unwrap();
    let ended = setting.delete(&format!("/api/v1/sessions/{own}"), &[("cookie", &first)]).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(me(&mut setting, &first).await["signed_in"], false);
}

#[tokio::test]
async fn a_token_signs_in_and_stays_when_the_browser_signs_out() {
    let mut setting = Setting::new().await;
    with_ada(&setting).await;
    let (_, secret) = setting.hub.token("ada", &[hubbub_model::Scope::Read], None).await;
    let signed: Answer = setting.post("/api/v1/session", &[], &json!({ "token": secret }).to_string()).await;
    assert_eq!(signed.json()["me"]["nickname"], "ada");
    setting.delete("/api/v1/session", &[("cookie", &signed.cookie())]).await;
    let bearer = format!("Bearer {secret}");
    assert_eq!(setting.get("/api/v1/rooms", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    setting.post("/api/v1/session", &[], r#"{"token":"hub_00"}"#).await.refused(401, "bad-credentials");
}

#[tokio::test]
async fn a_registration_signs_in_and_a_taken_name_is_told() {
    let mut setting = Setting::new().await;
    let body = |name: &str| json!({ "name": name, "password": PASSWORD }).to_string();
    let made = setting.post("/api/v1/register", &[], &body("bob")).await;
    assert_eq!((made.status, &made.json()["me"]["kind"]), (StatusCode::CREATED, &json!("account")));
    assert_eq!(me(&mut setting, &made.cookie()).await["me"]["nickname"], "bob");
    setting.post("/api/v1/register", &[], &body("Bob")).await.refused(409, "taken");
}

#[tokio::test]
async fn a_link_signs_another_device_in_once() {
    let mut setting = Setting::new().await;
    with_ada(&setting).await;
    let cookie = signs_in(&mut setting).await;
    let given = setting.post("/api/v1/handover", &[("cookie", &cookie)], "").await;
    assert_eq!(given.status, StatusCode::CREATED);
    let url = given.json()["url"].as_str().unwrap().to_owned();
    let (page, code) = url.split_once('#').unwrap();
    assert_eq!(page, format!("http://{}/enter", setting.address()));
    let body = json!({ "code": code }).to_string();
    let taken = setting.post("/api/v1/handover/take", &[], &body).await;
    assert_eq!(me(&mut setting, &taken.cookie()).await["me"]["nickname"], "ada");
    assert_ne!(taken.cookie(), cookie, "a session of its own");
    setting.post("/api/v1/handover/take", &[], &body).await.refused(403, "not-allowed");
}
