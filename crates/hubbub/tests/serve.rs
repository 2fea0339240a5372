//! `hubbub serve` from outside: what it prints, when it refuses to start, how it reloads and ends.

mod support;

use rustix::process::Signal;
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};
use support::Place;

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|meta| meta.permissions().mode() & 0o777)
}

#[test]
fn a_hub_says_where_it_listens_and_ends_when_asked() {
    let place = Place::new();
    let hub = place.serve(&["--listen", "echo://127.0.0.1:0"]);
    let [any, echo, tls, link, hint, ready] = hub.said.as_slice() else { panic!("{:?}", hub.said) };
    assert!(any.starts_with("listening any://127.0.0.1:") && !any.ends_with(":0"), "{any}");
    assert!(echo.starts_with("listening echo://127.0.0.1:"), "{echo}");
    assert_eq!(tls.strip_prefix("tls fingerprint sha256 ").map(str::len), Some(32 * 3 - 1), "{tls}");
    let base = any.trim_start_matches("listening any://");
    let wanted = format!("set up the hub in a browser: http://{base}/setup#");
    assert!(link.starts_with(&wanted) && link.len() == wanted.len() + 43, "{link}");
    let data = place.data();
    assert_eq!(
        *hint,
        format!("make yourself the owner: hubbub user add NAME --role owner --data {}", data.display())
    );
    assert_eq!(ready, "hubbub is ready");
    assert_eq!((mode(&data), mode(&data.join("control.sock"))), (Some(0o700), Some(0o600)));
    assert!(std::net::TcpStream::connect(hub.address()).is_ok());
    assert_eq!(hub.stop(), Some(0), "{}", place.log());
    assert!(!data.join("control.sock").exists());
}

#[test]
fn sigint_ends_it_as_well_and_the_next_start_is_the_same_hub() {
    let place = Place::new();
    let hub = place.serve(&[]);
    let fingerprint = hub.told("tls fingerprint sha256 ").to_owned();
    hub.signal(Signal::INT);
    place.log_says("hubbub has stopped");
    drop(hub);
    assert_eq!(place.serve(&[]).told("tls fingerprint sha256 "), fingerprint);
}

#[test]
fn a_killed_hub_leaves_nothing_in_the_way() {
    let place = Place::new();
    drop(place.serve(&[]));
    assert!(place.data().join("control.sock").exists(), "it had no time to tidy up");
    let hub = place.serve(&[]);
    assert_eq!(place.does_json(&["user", "list", "--json"]), serde_json::json!([]));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_second_hub_on_the_folder_is_refused_and_told_who_has_it() {
    let place = Place::new();
    let hub = place.serve(&[]);
    let second = place.run(&["serve", "--listen", "any://127.0.0.1:0"]);
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""));
    let wanted = format!(
        "hubbub: a hub runs on {} already (process {}): stop it, or choose another folder with --data",
        place.data().display(),
        hub.pid()
    );
    assert_eq!(second.err.lines().last(), Some(wanted.as_str()));
}

#[test]
fn a_taken_port_is_told_with_what_to_do() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let url = format!("any://{address}");
    let refused = place.run(&["serve", "--listen", &url]);
    assert_eq!(refused.code, Some(1));
    let line = refused.err.lines().last().unwrap();
    assert!(line.starts_with(&format!("hubbub: cannot listen on {address} (for {url}): ")), "{line}");
    assert!(line.ends_with("Choose another address with --listen"), "{line}");
    // The folder is free again.
    assert_eq!(place.does_json(&["user", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_by_its_file() {
    let place = Place::new();
    let config = place.write("hubbub.toml", "[tls]\ncert = \"missing.pem\"\nkey = \"key.pem\"\n");
    let refused =
        place.run(&["serve", "--listen", "any://127.0.0.1:0", "--config", config.to_str().unwrap()]);
    assert_eq!(refused.code, Some(1));
    let line = refused.err.lines().last().unwrap();
    let wanted = format!("hubbub: cannot speak TLS: cannot read {}: ", place.path("missing.pem").display());
    assert!(line.starts_with(&wanted), "{line}");
    place.write("missing.pem", "nothing");
    let refused =
        place.run(&["serve", "--listen", "any://127.0.0.1:0", "--config", config.to_str().unwrap()]);
    assert!(refused.err.contains("missing.pem holds no certificate"), "{}", refused.err);
}

#[test]
fn a_wrong_configuration_is_one_line_and_nothing_is_made() {
    let place = Place::new();
    let config = place.write("hubbub.toml", "[log]\nlevle = \"info\"\n");
    let refused = place.run(&["serve", "--config", config.to_str().unwrap()]);
    let wanted = format!(
        "hubbub: {}:2: there is no key \"log.levle\"; did you mean \"log.level\"?\n",
        config.display()
    );
    assert_eq!((refused.code, refused.err), (Some(1), wanted));
    assert!(!place.data().exists());
}

#[test]
fn sighup_takes_the_level_and_the_certificate_and_names_what_needs_a_restart() {
    let place = Place::new();
    let config = place.write("hubbub.toml", "");
    let flag = config.to_str().unwrap().to_owned();
    let hub = place.serve(&["--config", &flag]);
    let fingerprint = hub.told("tls fingerprint sha256 ").to_owned();

    renew(&place);
    place.write("hubbub.toml", "[log]\nlevel = \"debug\"\n[limits]\nconns_max = 9\n");
    hub.signal(Signal::HUP);
    place.log_says("log.level is debug now");
    place.log_says("the certificate is a new one, sha256 ");
    place.log_says("limits.conns_max has changed: restart the hub for that");
    assert!(!place.log().contains(&format!("a new one, sha256 {fingerprint}")));

    place.write("hubbub.toml", "[log]\nlevel = \"loud\"\n");
    hub.signal(Signal::HUP);
    place.log_says("not reloaded, all stays as it was: ");

    let told = place.run(&["reload"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.starts_with(&format!("hubbub: {flag}:2: log.level: ")), "{}", told.err);
    place.write("hubbub.toml", "[log]\nlevel = \"info\"\n");
    let reloaded = place.does_json(&["reload", "--json"]);
    assert_eq!(
        reloaded["applied"],
        serde_json::json!(["the certificate is the same", "log.level is info now"])
    );
    assert_eq!(reloaded["needs_restart"], serde_json::json!([]));
    assert_eq!(hub.stop(), Some(0));
    assert_eq!(place.run(&["reload"]).code, Some(1), "nobody is there to reload");
}

/// Puts the certificate of another hub in the place of this one's.
fn renew(place: &Place) {
    let other = Place::new();
    drop(other.serve(&[]));
    for file in ["tls/cert.pem", "tls/key.pem"] {
        assert!(fs::copy(other.data().join(file), place.data().join(file)).is_ok());
    }
}

#[test]
fn a_hub_in_memory_leaves_nothing_behind() {
    let place = Place::new();
    let hub = place.serve(&["--data", ":memory:"]);
    let folder = hub.told("make yourself the owner: hubbub user add NAME --role owner --data ").to_owned();
    assert_eq!(place.does_json(&["user", "list", "--json", "--data", &folder]), serde_json::json!([]));
    assert_eq!(hub.stop(), Some(0));
    assert!(!Path::new(&folder).exists() && !place.data().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_data_path_has_a_control_socket_too() {
    let place = Place::new();
    let long = place.path(&"long".repeat(30)).join("data");
    let data = long.to_str().unwrap();
    let hub = place.serve(&["--data", data]);
    assert_eq!(place.does_json(&["user", "list", "--json", "--data", data]), serde_json::json!([]));
    assert_eq!(hub.stop(), Some(0), "{}", place.log());
    assert!(!long.join("control.sock").exists());
}

#[test]
fn the_log_can_be_json() {
    let place = Place::new();
    let config = place.write("hubbub.toml", "[log]\nformat = \"json\"\n");
    assert_eq!(place.serve(&["--config", config.to_str().unwrap()]).stop(), Some(0));
    let log = place.log();
    assert!(log.lines().count() > 1);
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}
