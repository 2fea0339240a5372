//! The programs that tests drive, installed where they are missing.
//!
//! **Invariant.** Where nothing is missing nothing is run, not even as a look for newer versions.

use crate::cargo;
use anyhow::{Context, Result, bail};
use std::{
    env,
    io::{self, IsTerminal},
    thread,
    time::Duration,
};

/// A program, and the Debian package that has it.
const CLIENTS: &[(&str, &str)] = &[
    ("nc", "netcat-openbsd"),
    ("socat", "socat"),
    ("openssl", "openssl"),
    ("strace", "strace"),
    ("python3", "python3"),
    // The fuzz targets link libFuzzer, which is C++.
    ("c++", "g++"),
    ("chromium", "chromium"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// Another `apt-get` may hold its locks, or a mirror may be away for a moment.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(15);
/// What `apt-get` itself waits for the lock of dpkg.
const LOCK_WAIT_S: u32 = 120;

/// Installs what is missing with `apt-get`, as root or through `sudo`.
pub(crate) fn install() -> Result<()> {
    let packages = missing(is_program);
    if packages.is_empty() {
        println!("every client is here");
        return Ok(());
    }
    let by_hand = || format!("install these, then run this again: {}", packages.join(" "));
    if !is_program("apt-get") {
        bail!("there is no apt-get here; {}", by_hand());
    }
    let is_root = cargo::output(&mut cargo::command("id", "-u"))?.trim() == "0";
    let prefix = privilege(is_root, is_program("sudo"), io::stdin().is_terminal())
        .with_context(|| format!("this is not root, and there is no sudo; {}", by_hand()))?;
    let apt_get = |line: &str| {
        let line = format!("{prefix} DEBIAN_FRONTEND=noninteractive apt-get {line}");
        let (program, arguments) = line.trim_start().split_once(' ').unwrap_or((&line, ""));
        tried(TRIES, || cargo::run(&mut cargo::command(program, arguments)), || thread::sleep(PAUSE))
    };
    // Old lists may do; if not, the installation says so.
    if let Err(fault) = apt_get(UPDATE) {
        println!("going on with the package lists that are here: {fault:#}");
    }
    apt_get(&install_line(&packages)).with_context(by_hand)?;
    match missing(is_program).as_slice() {
        [] => Ok(()),
        still => bail!(
            "apt-get has ended well, and the programs of these are still not in PATH: {}",
            still.join(" ")
        ),
    }
}

const UPDATE: &str = "update --quiet";

fn install_line(packages: &[&str]) -> String {
    let wait = format!("-o DPkg::Lock::Timeout={LOCK_WAIT_S}");
    format!("install {wait} --quiet --yes --no-install-recommends {}", packages.join(" "))
}

/// What stands before `VARIABLE=VALUE apt-get`; none where it cannot be run. Nobody is asked for a password who is not
/// there to type it.
fn privilege(is_root: bool, has_sudo: bool, is_terminal: bool) -> Option<&'static str> {
    match (is_root, has_sudo, is_terminal) {
        (true, ..) => Some("env"),
        (false, true, true) => Some("sudo env"),
        (false, true, false) => Some("sudo --non-interactive env"),
        (false, false, _) => None,
    }
}

/// Tries until it is done, so often at most; gives the last fault.
fn tried(tries: u32, mut run: impl FnMut() -> Result<()>, mut pause: impl FnMut()) -> Result<()> {
    for left in (1..tries).rev() {
        match run() {
            Ok(()) => return Ok(()),
            Err(fault) => println!("{fault:#}; trying again, {left} more at most"),
        }
        pause();
    }
    run()
}

fn missing(has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    CLIENTS.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect()
}

fn is_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing(|program| program != "nc"), ["netcat-openbsd"]);
        assert!(missing(|_| true).is_empty());
        let line = install_line(&missing(|program| program != "nc" && program != "c++"));
        assert!(line.starts_with("install ") && line.ends_with(" netcat-openbsd g++"), "{line}");
        assert!(line.contains("--yes") && line.contains("Lock::Timeout=120"), "{line}");
    }

    #[test]
    fn nobody_is_asked_for_a_password_who_is_not_there() {
        assert_eq!(privilege(true, true, true), Some("env"));
        assert_eq!(privilege(false, true, true), Some("sudo env"));
        assert_eq!(privilege(false, true, false), Some("sudo --non-interactive env"));
        assert_eq!(privilege(false, false, true), None);
    }

    #[test]
    fn what_fails_is_tried_again_and_not_for_ever() {
        for (fails, done, expected) in [(0, true, (1, 0)), (2, true, (3, 2)), (9, false, (4, 3))] {
            let (mut runs, mut pauses) = (0, 0);
            let run = || {
                runs += 1;
                if runs > fails { Ok(()) } else { bail!("the lock is held") }
            };
            assert_eq!(tried(4, run, || pauses += 1).is_ok(), done);
            assert_eq!((runs, pauses), expected, "{fails} times the lock was held");
        }
    }
}
