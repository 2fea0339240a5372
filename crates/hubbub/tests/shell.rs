//! The command line itself: help, mistakes, completions, the manual, and the doctor.

mod support;

use std::fs;
use support::Place;

#[test]
fn mistakes_are_code_2_and_help_is_code_0() {
    let place = Place::new();
    let mistake = place.run(&["user", "ad", "ada"]);
    assert_eq!(mistake.code, Some(2));
    assert!(mistake.err.starts_with("hubbub: unrecognized subcommand 'ad'"), "{}", mistake.err);
    assert!(place.run(&["user", "add", "a@b"]).err.contains("a name cannot contain '@'"));
    let nothing = place.run(&[]);
    assert!(nothing.code == Some(2) && nothing.err.contains("Examples:"), "{nothing:?}");
    assert!(place.does(&["--help"]).contains("hubbub serve"));
    assert!(place.does(&["--version"]).starts_with("hubbub "));
    assert_eq!(place.run(&["user", "set", "ada"]).code, Some(2), "nothing to change");
}

#[test]
fn completions_are_there_for_each_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.does(&["completions", shell]).contains("doctor"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let place = Place::new();
    let dir = place.path("man/man1");
    place.does(&["man", dir.to_str().unwrap()]);
    for command in [
        "serve",
        "chat",
        "say",
        "tail",
        "user",
        "user-add",
        "room",
        "token",
        "reload",
        "doctor",
        "bench",
        "completions",
        "man",
    ] {
        let page = support::text(&dir.join(format!("hubbub-{command}.1")));
        assert!(page.contains(".TH"), "{command}");
    }
    assert!(dir.join("hubbub.1").exists());
}

#[test]
fn the_doctor_shows_what_is_in_force_and_where_it_comes_from() {
    let place = Place::new();
    let config = place.write("hubbub.toml", "name = \"lab\"\nlisten = [\"any://127.0.0.1:0\"]\n");
    let report = place.does(&["doctor", "--config", config.to_str().unwrap()]);
    let line = |start: &str| {
        report
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(line("name "), ["name", "\"lab\"", &format!("{}:1", config.display())], "{report}");
    assert_eq!(line("data ").last(), Some(&"HUBBUB_DATA"), "{report}");
    assert_eq!(line("limits.conns_max ").last(), Some(&"default"), "{report}");
    assert!(report.contains("\nok    hub: none runs on this folder\n"), "{report}");
    assert!(!place.data().exists(), "it changes nothing");
}

#[test]
fn the_doctor_knows_a_running_hub_and_its_certificate() {
    let place = Place::new();
    let hub = place.serve(&[]);
    let report = place.does_json(&["doctor", "--json", "--listen", "any://127.0.0.1:0"]);
    let check = |subject: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["subject"] == subject).unwrap().clone()
    };
    assert!(check("hub")["text"].as_str().unwrap().contains(&format!("process {}", hub.pid())), "{report}");
    assert!(check("listener")["text"].as_str().unwrap().ends_with("is the running hub's"), "{report}");
    let certificate = check("certificate")["text"].to_string();
    assert!(
        certificate.contains("localhost") && certificate.contains(hub.told("tls fingerprint sha256 ")),
        "{certificate}"
    );
    assert_eq!(hub.stop(), Some(0));
    assert_eq!(
        place.does_json(&["doctor", "--json", "--listen", "any://127.0.0.1:0"])["checks"][3]["subject"],
        "hub"
    );
}

#[test]
fn what_fails_is_told_with_what_to_do_and_code_1() {
    let place = Place::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("any://{}", other.local_addr().unwrap());
    let report = place.run(&["doctor", "--listen", &url]);
    assert_eq!(report.code, Some(1));
    let line = report.out.lines().find(|line| line.starts_with("fail")).unwrap();
    assert!(line.starts_with(&format!("fail  listener: {url}: ")), "{line}");
    assert!(
        line.ends_with("another program has it: stop that, or choose another address with --listen"),
        "{line}"
    );
    let config = place.write("hubbub.toml", "nam = 1\n");
    let report = place.run(&["doctor", "--config", config.to_str().unwrap()]);
    assert_eq!(report.code, Some(1));
    assert!(
        report.out.starts_with("fail  configuration: ") && report.out.contains("did you mean \"name\"?"),
        "{}",
        report.out
    );
}

#[test]
fn an_open_folder_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    fs::set_permissions(place.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let report = place.does(&["doctor", "--listen", "any://127.0.0.1:0"]);
    assert!(report.contains("\nwarn  data folder: "), "{report}");
}
