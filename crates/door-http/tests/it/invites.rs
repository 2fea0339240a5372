//! Invite links from end to end: made, looked at, taken by a guest and by a new member, used up, ended, withdrawn.

use crate::support::{Answer, Setting};
use hubbub_model::{Command, Limits, Role, RoomName, RoomSettings, Visibility};
use hubbub_testkit::user;
use hyper::StatusCode;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

/// A hub whose listener takes no guests, with a private room and an admin in a browser: its cookie.
async fn closed_hub(limits: Limits) -> (Setting, String) {
    let mut setting = Setting::open("any://127.0.0.1:0?guests=no", limits).await;
    let password = Some(PASSWORD.to_owned());
    setting.hub.operate(Command::AccountAdd { name: user("root"), role: Role::Admin, password }).await;
    let settings = RoomSettings { visibility: Some(Visibility::Private), ..Default::default() };
    setting.hub.operate(Command::Create { name: RoomName::parse("lab").unwrap(), settings }).await;
    let body = json!({ "name": "root", "password": PASSWORD }).to_string();
    let cookie = setting.post("/api/v1/session", &[], &body).await.cookie();
    (setting, cookie)
}

/// A new link: what was answered, and the code in it.
async fn made(setting: &mut Setting, cookie: &str, wanted: &Value) -> (Value, String) {
    let answer = setting.post("/api/v1/invites", &[("cookie", cookie)], &wanted.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let made = answer.json();
    let url = made["url"].as_str().unwrap();
    let code = url.strip_prefix(&format!("http://{}/invite#", setting.address())).unwrap();
    (made.clone(), code.to_owned())
}

async fn peek(setting: &mut Setting, code: &str) -> Answer {
    setting.post("/api/v1/invites/peek", &[], &json!({ "code": code }).to_string()).await
}

async fn take(setting: &mut Setting, code: &str, name: &str, password: Option<&str>) -> Answer {
    let mut body = json!({ "code": code, "name": name });
    if let Some(password) = password {
        body["password"] = password.into();
    }
    setting.post("/api/v1/invites/take", &[], &body.to_string()).await
}

async fn list(setting: &mut Setting, cookie: &str) -> Vec<Value> {
    let answer = setting.get("/api/v1/invites", &[("cookie", cookie)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()["invites"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_guest_comes_in_by_a_link_where_guests_are_not_welcome() {
    let (mut setting, root) = closed_hub(Limits::default()).await;
    let wanted = json!({ "room": "lab", "as": "guest", "uses": 2, "for_s": 60 });
    let (invite, code) = made(&mut setting, &root, &wanted).await;
    let ends_ms = invite["ends_ms"].as_i64().unwrap();
    let seen = peek(&mut setting, &code).await.json();
    assert_eq!(
        seen,
        json!({ "by": "root", "room": "lab", "as": "guest", "uses_left": 2, "ends_ms": ends_ms })
    );
    setting.post("/api/v1/session", &[], r#"{"guest":"bob"}"#).await.refused(403, "not-allowed");

    let answer = take(&mut setting, &code, "张三", None).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        (&answer.json()["me"]["nickname"], &answer.json()["me"]["kind"]),
        (&json!("张三"), &json!("guest"))
    );
    let cookie = answer.cookie();
    assert!(!cookie.contains(&code), "the code is not in the cookie");
    let who = setting.get("/api/v1/session", &[("cookie", &cookie)]).await.json();
    assert_eq!((&who["signed_in"], &who["me"]["nickname"]), (&json!(true), &json!("张三")));
    let body = r#"{"text":"你好"}"#;
    let said = setting.post("/api/v1/rooms/lab/messages", &[("cookie", &cookie)], body).await;
    assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
    assert_eq!(list(&mut setting, &cookie).await, Vec::<Value>::new());
    setting
        .post("/api/v1/invites", &[("cookie", &cookie)], &wanted.to_string())
        .await
        .refused(403, "not-allowed");

    let shown = list(&mut setting, &root).await;
    assert_eq!((shown.len(), &shown[0]["uses_left"], &shown[0]["url"]), (1, &json!(1), &Value::Null));
    // Withdrawn: the guest is out, the link worth nothing.
    let path = format!("/api/v1/invites/{}", invite["id"]);
    assert_eq!(setting.delete(&path, &[("cookie", &root)]).await.status, StatusCode::NO_CONTENT);
    setting.delete(&path, &[("cookie", &root)]).await.refused(404, "not-found");
    let who = setting.get("/api/v1/session", &[("cookie", &cookie)]).await.json();
    assert_eq!(who, json!({ "signed_in": false }));
    peek(&mut setting, &code).await.refused(404, "not-found");
    take(&mut setting, &code, "li", None).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_new_member_comes_in_by_a_link_and_can_sign_in_again() {
    let (mut setting, root) = closed_hub(Limits::default()).await;
    let (_, code) = made(&mut setting, &root, &json!({ "room": "lab", "as": "member" })).await;
    take(&mut setting, &code, "bob", None).await.refused(400, "invalid");
    take(&mut setting, &code, "bob", Some("short")).await.refused(400, "invalid");
    take(&mut setting, &code, "a\nb", Some(PASSWORD)).await.refused(400, "invalid");
    take(&mut setting, &code, "root", Some(PASSWORD)).await.refused(409, "taken");
    let answer = take(&mut setting, &code, "bob", Some(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(
        (&answer.json()["me"]["kind"], &answer.json()["me"]["role"]),
        (&json!("account"), &json!("member"))
    );
    let cookie = answer.cookie();
    let lab = setting.get("/api/v1/rooms/lab", &[("cookie", &cookie)]).await.json();
    assert_eq!(lab["member"], true);
    // One use is one use.
    take(&mut setting, &code, "carl", Some(PASSWORD)).await.refused(404, "not-found");
    peek(&mut setting, &code).await.refused(404, "not-found");
    let body = json!({ "name": "bob", "password": PASSWORD }).to_string();
    assert_eq!(setting.post("/api/v1/session", &[], &body).await.status, StatusCode::OK);
    setting
        .post("/api/v1/invites", &[("cookie", &cookie)], r#"{"as":"member"}"#)
        .await
        .refused(403, "not-allowed");
}

#[tokio::test]
async fn an_account_takes_a_link_to_a_room_as_itself() {
    let (mut setting, root) = closed_hub(Limits::default()).await;
    let (_, code) = made(&mut setting, &root, &json!({ "room": "lab" })).await;
    let password = Some(PASSWORD.to_owned());
    setting.hub.operate(Command::AccountAdd { name: user("ada"), role: Role::Member, password }).await;
    let body = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let ada = setting.post("/api/v1/session", &[], &body).await.cookie();
    let body = json!({ "code": code }).to_string();
    setting.post("/api/v1/invites/take", &[], &body).await.refused(401, "not-logged-in");
    let elsewhere = [("cookie", ada.as_str()), ("origin", "http://evil.example")];
    setting.post("/api/v1/invites/take", &elsewhere, &body).await.refused(403, "not-allowed");
    let answer = setting.post("/api/v1/invites/take", &[("cookie", &ada)], &body).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "room": "lab" })));
    assert_eq!(setting.get("/api/v1/rooms/lab", &[("cookie", &ada)]).await.json()["member"], true);
}

#[tokio::test]
async fn a_link_ends_and_wrong_codes_are_counted() {
    let (mut setting, root) = closed_hub(Limits::default()).await;
    let (_, code) = made(&mut setting, &root, &json!({ "room": "lab", "for_s": 60 })).await;
    let cookie = take(&mut setting, &code, "bob", None).await.cookie();
    let (_, late) = made(&mut setting, &root, &json!({ "for_s": 60, "uses": 5 })).await;
    setting.hub.clock.jump(60_000);
    peek(&mut setting, &late).await.refused(404, "not-found");
    take(&mut setting, &late, "carl", None).await.refused(404, "not-found");
    let who = setting.get("/api/v1/session", &[("cookie", &cookie)]).await.json();
    assert_eq!(who, json!({ "signed_in": false }), "guests stay no longer than their invite");
    assert_eq!(list(&mut setting, &root).await, Vec::<Value>::new());
    for bad in ["", "nonsense", "../../x", &"a".repeat(5_000)] {
        peek(&mut setting, bad).await.refused(404, "not-found");
    }
    for body in [r"{}", r#"{"code":3}"#, r#"{"code":"x","more":1}"#] {
        setting.post("/api/v1/invites/peek", &[], body).await.refused(400, "invalid");
    }
    let many = json!({ "uses": 1_000_000 }).to_string();
    setting.post("/api/v1/invites", &[("cookie", &root)], &many).await.refused(400, "invalid");
    let nowhere = json!({ "room": "nowhere" }).to_string();
    setting.post("/api/v1/invites", &[("cookie", &root)], &nowhere).await.refused(404, "not-found");
}
