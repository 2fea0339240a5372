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
            eprintln!("hubbub: {}", words::Causes::of(&error).told());
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

/// The error and its causes in English, for the log and for programs.
fn one_line(error: &anyhow::Error) -> String {
    words::Causes::of(error).english()
}
