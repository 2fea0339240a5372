//! The tests of the web client (`tests/web`): what needs no browser, the types of its modules, then people in Chromium
//! and the rules of accessibility, against the release build.

use crate::cargo;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// The oldest Node that the tests run with, by its first number.
const NODE_MIN: u32 = 20;

/// Installs the packages that the lock file names, then runs the tests.
pub(crate) fn run() -> Result<()> {
    let told = cargo::output(&mut cargo::command("node", "--version"))?;
    let is_new = major(&told).with_context(|| format!("node does not tell its version: {told}"))? >= NODE_MIN;
    if !is_new {
        bail!("the tests of the web client need Node {NODE_MIN} or newer, and this is {}", told.trim());
    }
    // What npm has kept from the last run is good: the lock file holds the hash of every package.
    cargo::run(&mut npm("ci --prefer-offline --no-audit --no-fund"))?;
    cargo::run(&mut npm("run types"))?;
    cargo::run(npm("test").env("HUBBUB", cargo::target_dir().join("release/hubbub")))
}

fn npm(line: &str) -> Command {
    let mut command = cargo::command("npm", line);
    command.current_dir(cargo::root().join("tests/web"));
    command
}

/// The first number of what `node --version` prints, `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v9.0.0"), Some(9));
        for odd in ["", "20.1.0", "vx.1"] {
            assert_eq!(major(odd), None, "{odd}");
        }
    }
}
