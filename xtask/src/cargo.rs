//! Programs that the chores start: always from the root of the workspace, always shown before they run.

use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where cargo builds: `target`, or what `CARGO_TARGET_DIR` says.
pub(crate) fn target_dir() -> PathBuf {
    let named = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    root().join(named.unwrap_or_else(|| "target".into()))
}

/// A `cargo` command line, given as one string without quotes.
pub(crate) fn cargo(line: &str) -> Command {
    command("cargo", line)
}

/// A command line in the root of the workspace. What `cargo run` told this program is not passed on.
pub(crate) fn command(program: &str, line: &str) -> Command {
    let mut command = Command::new(program);
    command.args(line.split_whitespace()).current_dir(root());
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// Shows the command, runs it, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs the command and gives its standard output; its standard error goes where ours does.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !done.status.success() {
        bail!("`{}` failed: {}", shown(command), done.status);
    }
    String::from_utf8(done.stdout).with_context(|| format!("`{}` did not print UTF-8", shown(command)))
}

/// Whether the command can be started and succeeds; it prints nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Installs a cargo subcommand from its published sources where it is missing.
pub(crate) fn need_subcommand(name: &str) -> Result<()> {
    let works = || works(&mut cargo(&format!("{name} --version")));
    if works() {
        return Ok(());
    }
    let by_hand = || {
        format!(
            "this step needs cargo-{name}: `cargo install --locked cargo-{name}`, or leave the step out with --only"
        )
    };
    run(&mut cargo(&format!("install --locked cargo-{name}"))).with_context(by_hand)?;
    if !works() {
        bail!("cargo-{name} is installed, but `cargo {name}` does not run; {}", by_hand());
    }
    Ok(())
}

/// Installs a component of the Rust toolchain where it is missing and `rustup` is at hand.
pub(crate) fn need_component(subcommand: &str, component: &str) -> Result<()> {
    if works(&mut cargo(&format!("{subcommand} --version"))) || !works(&mut command("rustup", "--version")) {
        return Ok(());
    }
    run(&mut command("rustup", &format!("component add {component}")))
        .with_context(|| format!("this step needs `cargo {subcommand}`, which {component} brings"))
}

fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(key, value)| Some((key, value?)));
    let variables = variables.map(|(key, value)| {
        let (key, value) = (key.to_string_lossy(), value.to_string_lossy());
        if value.contains(' ') { format!("{key}='{value}'") } else { format!("{key}={value}") }
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    variables.chain(words.map(|word| word.to_string_lossy().into_owned())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = cargo("test --workspace");
        command.env("RUSTFLAGS", "--cfg loom");
        assert_eq!(shown(&command), "RUSTFLAGS='--cfg loom' cargo test --workspace");
    }

    #[test]
    fn a_program_that_fails_or_is_missing_is_an_error() {
        assert!(run(&mut command("false", "")).is_err());
        assert!(run(&mut command("no-such-program-here", "")).is_err());
        assert!(!works(&mut command("no-such-program-here", "")));
    }
}
