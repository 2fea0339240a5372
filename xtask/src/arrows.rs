//! Who may know whom: the crate table of the design as data, held against `cargo metadata`.
//!
//! An arrow that is not in `TABLE` is refused. Change the table only together with the design and `ARCHITECTURE.md`.
//! The table is in order of height, so it has no circles.

use crate::cargo;
use anyhow::{Context, Result};
use serde_json::Value;

/// What a crate may depend on, among the crates of this workspace.
enum May {
    /// These.
    Know(&'static [&'static str]),
    /// All but those for tests.
    KnowAll,
}

use May::{Know, KnowAll};

const DOOR: May = Know(&["door", "hub", "model", "wire", "files", "exec", "hooks"]);

const TABLE: &[(&str, May)] = &[
    ("model", Know(&[])),
    ("wire", Know(&["model"])),
    ("tui", Know(&["model"])),
    ("hub", Know(&["model"])),
    ("files", Know(&["model", "hub"])),
    ("store", Know(&["model", "hub"])),
    ("door", Know(&["model", "hub", "files"])),
    ("exec", Know(&["model", "hub"])),
    ("hooks", Know(&["model", "hub"])),
    ("door-chat", DOOR),
    ("door-http", DOOR),
    ("door-irc", DOOR),
    ("door-ssh", Know(&["door", "hub", "model", "wire", "files", "exec", "hooks", "tui"])),
    ("door-ftp", DOOR),
    ("door-mqtt", DOOR),
    ("door-coap", DOOR),
    ("client", Know(&["model", "wire"])),
    ("net", Know(&["model", "wire", "client", "tui"])),
    (TESTKIT, Know(TESTKIT_KNOWS)),
    ("hubbub", KnowAll),
    ("xtask", Know(&[])),
];

const TESTKIT: &str = "testkit";
const TESTKIT_KNOWS: &[&str] = &["model", "wire", "hub", "files", "store", "door", "client"];

/// One complaint for each arrow that the table does not allow.
pub(crate) fn check() -> Result<Vec<String>> {
    let metadata = metadata()?;
    Ok(complaints(&arrows(&metadata)?))
}

/// A dependency of one crate of the workspace on another.
#[derive(Debug)]
struct Arrow {
    from: String,
    to: String,
    kind: Kind,
}

#[derive(Debug, PartialEq)]
enum Kind {
    /// Of the product: normal and build dependencies.
    Product,
    /// Of tests alone.
    Test,
}

fn complaints(arrows: &[Arrow]) -> Vec<String> {
    let mut complaints: Vec<String> = arrows.iter().filter_map(complaint).collect();
    complaints.dedup();
    complaints
}

fn complaint(Arrow { from, to, kind }: &Arrow) -> Option<String> {
    let Some((_, may)) = TABLE.iter().find(|(name, _)| name == from) else {
        return Some(format!("`{from}` is not in the crate table: add it there, and to the design"));
    };
    if allowed(may, to) || (*kind == Kind::Test && allowed_in_tests(to)) {
        return None;
    }
    let known = match may {
        KnowAll => "any crate but testkit".to_owned(),
        Know([]) => "no crate of this workspace".to_owned(),
        Know(names) => format!("only {}", names.join(", ")),
    };
    Some(format!("`{from}` may not know `{to}`: it may know {known}"))
}

fn allowed(may: &May, to: &str) -> bool {
    match may {
        KnowAll => to != TESTKIT,
        Know(names) => names.contains(&to),
    }
}

/// Tests may use the test support, and what it is made of.
fn allowed_in_tests(to: &str) -> bool {
    to == TESTKIT || TESTKIT_KNOWS.contains(&to)
}

fn metadata() -> Result<Value> {
    const LINE: &str = "metadata --format-version 1 --no-deps";
    let offline = cargo::output(&mut cargo::cargo(&format!("{LINE} --offline")));
    let text = offline.or_else(|_| cargo::output(&mut cargo::cargo(LINE)))?;
    serde_json::from_str(&text).context("`cargo metadata` did not print JSON")
}

/// Every dependency by path; the crates of the workspace have no other.
fn arrows(metadata: &Value) -> Result<Vec<Arrow>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    let of_package = |package: &Value| {
        let from = short(&package["name"]);
        let dependencies = package["dependencies"].as_array().cloned().unwrap_or_default();
        let ours = dependencies.into_iter().filter(|dependency| dependency["path"].is_string());
        ours.map(|dependency| Arrow {
            from: from.clone(),
            to: short(&dependency["name"]),
            kind: if dependency["kind"] == "dev" { Kind::Test } else { Kind::Product },
        })
        .collect::<Vec<_>>()
    };
    Ok(packages.iter().flat_map(of_package).collect())
}

/// The crate's name in the table: `hub` for `hubbub-hub`.
fn short(name: &Value) -> String {
    let name = name.as_str().unwrap_or_default();
    name.strip_prefix("hubbub-").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arrow(from: &str, to: &str, kind: Kind) -> Arrow {
        Arrow { from: from.into(), to: to.into(), kind }
    }

    #[test]
    fn the_workspace_has_no_other_arrows_than_those_of_the_table() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_refused_arrow_says_who_may_not_know_whom() {
        let refused = complaints(&[arrow("hub", "wire", Kind::Product)]);
        assert_eq!(refused, ["`hub` may not know `wire`: it may know only model"]);
    }

    #[test]
    fn a_door_may_not_know_another_door_the_store_or_the_binary() {
        for other in ["door-irc", "store", "hubbub", "client", "testkit"] {
            assert!(complaint(&arrow("door-chat", other, Kind::Product)).is_some(), "{other}");
        }
    }

    #[test]
    fn tests_may_use_the_testkit_and_its_crates_but_no_door() {
        assert!(complaint(&arrow("door-chat", "testkit", Kind::Test)).is_none());
        assert!(complaint(&arrow("hub", "store", Kind::Test)).is_none());
        assert!(complaint(&arrow("door-chat", "door-irc", Kind::Test)).is_some());
    }

    #[test]
    fn the_binary_may_know_all_but_the_testkit() {
        assert!(complaint(&arrow("hubbub", "door-irc", Kind::Product)).is_none());
        assert!(complaint(&arrow("hubbub", "testkit", Kind::Product)).is_some());
    }

    #[test]
    fn a_crate_that_is_not_in_the_table_is_refused() {
        assert!(complaint(&arrow("gossip", "model", Kind::Product)).is_some());
    }

    #[test]
    fn only_dependencies_by_path_are_arrows() {
        let metadata = json!({ "packages": [{ "name": "hubbub-hub", "dependencies": [
            { "name": "hubbub-model", "path": "crates/model", "kind": null },
            { "name": "hubbub-store", "path": "crates/store", "kind": "dev" },
            { "name": "tokio", "kind": null },
        ]}]});
        let arrows = arrows(&metadata).unwrap();
        assert_eq!(arrows.len(), 2, "{arrows:?}");
        assert_eq!((arrows[0].to.as_str(), &arrows[0].kind), ("model", &Kind::Product));
        assert_eq!((arrows[1].to.as_str(), &arrows[1].kind), ("store", &Kind::Test));
    }

    #[test]
    fn each_crate_of_the_table_stands_below_those_that_it_knows() {
        let place = |name: &str| TABLE.iter().position(|(known, _)| *known == name);
        for (name, may) in TABLE {
            let Know(names) = may else { continue };
            for other in *names {
                assert!(place(other).is_some() && place(other) < place(name), "{name} knows {other}");
            }
        }
    }
}
