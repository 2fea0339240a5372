//! Managing a hub from the shell: the same commands, whether or not it runs.

mod support;

use serde_json::json;
use support::Place;

#[test]
fn the_first_owner_is_made_before_the_first_start() {
    let place = Place::new();
    let added = place.run_with(
        &["user", "add", "ada", "--role", "owner", "--password-stdin", "--json"],
        "long and secret\n",
    );
    assert_eq!(added.code, Some(0), "{added:?}");
    let users = place.does_json(&["user", "list", "--json"]);
    assert_eq!(
        (&users[0]["name"], &users[0]["role"], &users[0]["status"]),
        (&json!("ada"), &json!("owner"), &json!("active"))
    );
    assert!(!users.to_string().contains("argon2"), "no hash is shown");
    let hub = place.serve(&[]);
    assert!(hub.said.iter().all(|line| !line.starts_with("make yourself")), "{:?}", hub.said);
}

#[test]
fn a_running_hub_takes_the_same_commands() {
    let place = Place::new();
    let hub = place.serve(&[]);
    place.does(&["user", "add", "ada", "--role", "owner", "--no-password"]);
    place.does(&["user", "add", "oven", "--role", "device"]);
    assert_eq!(place.does(&["user", "add", "张三", "--no-password"]), "张三 is here now, as member\n");
    place.does(&["user", "set", "张三", "--disable"]);
    assert_eq!(place.does_json(&["user", "show", "张三", "--json"])["status"], "disabled");
    let list = place.does(&["user", "list"]);
    assert_eq!(
        list.lines().next().map(|heads| heads.split_whitespace().next()),
        Some(Some("NAME")),
        "{list}"
    );
    place.does(&["user", "remove", "张三"]);
    assert_eq!(hub.stop(), Some(0), "{}", place.log());
    let users = place.does_json(&["user", "list", "--json"]);
    let names: Vec<_> = users.as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["ada", "oven"], "what the hub was told is kept");
}

#[test]
fn refusals_are_one_line_and_code_1() {
    let place = Place::new();
    place.does(&["user", "add", "ada", "--role", "owner", "--no-password"]);
    for (args, wanted) in [
        (&["user", "show", "eve"][..], "hubbub: there is no account named eve\n"),
        (&["user", "add", "ADA", "--no-password"], "hubbub: an account named ADA exists\n"),
        (&["user", "remove", "ada"], "hubbub: this is the last owner: make another one first\n"),
        (&["token", "add", "eve"], "hubbub: there is no account of that name\n"),
        (&["room", "remove", "lobby"], "hubbub: the lobby and directs cannot be deleted\n"),
    ] {
        let refused = place.run(args);
        assert_eq!((refused.code, refused.err.as_str()), (Some(1), wanted), "{args:?}");
    }
}

#[test]
fn a_password_is_never_made_up() {
    let place = Place::new();
    let refused = place.run(&["user", "add", "ada"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.starts_with("hubbub: there is no terminal to ask for a password: use --password-stdin"),
        "{}",
        refused.err
    );
    let empty = place.run_with(&["user", "add", "ada", "--password-stdin"], "\n");
    assert_eq!((empty.code, empty.err.as_str()), (Some(1), "hubbub: the password is empty\n"));
}

#[test]
fn rooms_are_made_changed_and_removed() {
    let place = Place::new();
    place.does(&["room", "add", "lab", "--private", "--topic", "烤箱", "--keep-events", "100"]);
    place.does(&["room", "set", "--moderated", "lab", "--keep-days", "30"]);
    let lab = place.does_json(&["room", "show", "lab", "--json"]);
    assert_eq!(
        (&lab["visibility"], &lab["topic"], &lab["moderated"]),
        (&json!("private"), &json!("烤箱"), &json!(true))
    );
    assert_eq!(
        lab["retention"],
        json!({ "events": 100, "age_s": 2_592_000 }),
        "a change keeps the other one"
    );
    place.does(&["room", "set", "lab", "--moderated=no", "--keep-events", "all", "--public"]);
    let lab = place.does_json(&["room", "show", "lab", "--json"]);
    assert_eq!((&lab["visibility"], &lab["moderated"]), (&json!("public"), &json!(false)));
    assert_eq!(lab["retention"], json!({ "age_s": 2_592_000 }));
    assert!(place.does(&["room", "list"]).contains("烤箱"));
    place.does(&["room", "add", "brief", "--ephemeral"]);
    assert_eq!(place.does_json(&["room", "show", "brief", "--json"])["durability"], "ephemeral");
    place.does(&["room", "remove", "lab"]);
    let rooms = place.does_json(&["room", "list", "--json"]);
    assert!(rooms.as_array().unwrap().iter().all(|room| room["name"] != "lab"), "{rooms}");
}

#[test]
fn a_token_is_shown_once_and_can_be_revoked() {
    let place = Place::new();
    place.does(&["user", "add", "oven", "--role", "device"]);
    let made =
        place.run(&["token", "add", "oven", "--label", "room 3", "--scope", "write", "--expires", "30d"]);
    assert_eq!((made.code, made.out.lines().count()), (Some(0), 1), "{made:?}");
    let tokens = place.does_json(&["token", "list", "oven", "--json"]);
    let token = &tokens[0];
    assert_eq!((&token["label"], &token["scopes"]), (&json!("room 3"), &json!(["write"])));
    assert_eq!(token["expires_ms"].as_i64().unwrap() - token["created_ms"].as_i64().unwrap(), 2_592_000_000);
    assert!(!tokens.to_string().contains(made.out.trim()));
    let id = token["id"].to_string();
    place.does(&["token", "remove", &id]);
    assert_eq!(place.does_json(&["token", "list", "--json"]), json!([]));
}

#[test]
fn only_what_makes_something_makes_a_folder() {
    let place = Place::new();
    let refused = place.run(&["user", "list"]);
    let wanted =
        format!("hubbub: there is no data folder {}: give the hub's with --data\n", place.data().display());
    assert_eq!((refused.code, refused.err), (Some(1), wanted));
    assert!(!place.data().exists());
}
