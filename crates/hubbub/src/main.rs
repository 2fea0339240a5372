//! The `hubbub` binary: command line, configuration, and the wiring of hub, store and doors.
//!
//! **Invariant.** Only here does the whole meet: every other crate is given its own part. Errors end here, as one line
//! that says what to do. Standard output is for answers and for `serve`'s protocol, standard error for all else.

mod cli;
mod cmd;
mod config;
mod control;
mod data;
mod log;
mod operator;
mod serve;
mod words;

use anyhow::{Context, Result};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match cli::parse() {
        Ok(command) => command,
        Err(code) => return code,
    };
    match block_on(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hubbub: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn block_on(command: cli::Command) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the system gives this process no threads: raise its limits")?;
    let code = runtime.block_on(cli::run(command));
    // Whatever mattered has been waited for; a thread that still reads the terminal must not keep the process.
    runtime.shutdown_background();
    code
}

/// The error and its causes. Many errors tell their cause themselves; what has been said is not said again.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(cause.trim()) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_says_nothing_twice() {
        let cause = std::io::Error::other("disk on fire");
        let error =
            anyhow::Error::new(cause).context("cannot write x: disk on fire").context("cannot start\nnow");
        assert_eq!(one_line(&error), "cannot start now: cannot write x: disk on fire");
    }
}
