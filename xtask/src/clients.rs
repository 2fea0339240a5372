//! The programs that tests drive, installed where they are missing.

use crate::cargo;
use anyhow::{Result, bail};
use std::env;

/// A program, and the Debian package that has it.
const CLIENTS: &[(&str, &str)] = &[
    ("nc", "netcat-openbsd"),
    ("socat", "socat"),
    ("openssl", "openssl"),
    ("strace", "strace"),
    ("python3", "python3"),
    // The fuzz targets link libFuzzer, which is C++.
    ("c++", "g++"),
];

/// Installs what is missing with `apt-get`, as root or through `sudo`.
pub(crate) fn install() -> Result<()> {
    let missing = missing(is_program);
    if missing.is_empty() {
        println!("every client is here");
        return Ok(());
    }
    if !is_program("apt-get") {
        bail!("install these first, there is no apt-get to do it: {}", missing.join(" "));
    }
    apt_get("update --quiet")?;
    apt_get(&format!("install --quiet --yes --no-install-recommends {}", missing.join(" ")))
}

fn missing(has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    CLIENTS.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect()
}

fn apt_get(line: &str) -> Result<()> {
    let is_root = cargo::output(&mut cargo::command("id", "-u"))?.trim() == "0";
    let mut command = if is_root {
        cargo::command("apt-get", line)
    } else if is_program("sudo") {
        cargo::command("sudo", &format!("env DEBIAN_FRONTEND=noninteractive apt-get {line}"))
    } else {
        bail!("`apt-get {line}` needs root, or sudo");
    };
    cargo::run(command.env("DEBIAN_FRONTEND", "noninteractive"))
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
    }
}
