//! The project's chores: `cargo xtask test` is the test command, `cargo xtask tidy` its quickest part.
//!
//! This file only reads the command line. What is checked lives in `steps`, `tidy` and `arrows`.

mod arrows;
mod browser;
mod cargo;
mod clients;
mod fuzz;
mod steps;
mod tidy;

use anyhow::{Result, bail};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<()> {
    match words {
        [] | ["help" | "--help" | "-h"] => print(HELP),
        ["test", rest @ ..] => match TestArgs::parse(rest)? {
            TestArgs::Help => print(TEST_HELP),
            TestArgs::List => print(&steps::list()),
            TestArgs::Run(plan) => steps::run(&plan),
        },
        ["tidy"] => {
            tidy::check()?;
            print("tidy: nothing to complain about\n")
        }
        ["tidy", "--help" | "-h"] => print(HELP),
        [other, ..] => bail!("unknown command `{other}`; `cargo xtask --help` lists the commands"),
    }
}

fn print(text: &str) -> Result<()> {
    print!("{text}");
    Ok(())
}

/// What `cargo xtask test` was asked for.
#[derive(Debug, PartialEq)]
enum TestArgs {
    Help,
    List,
    Run(steps::Plan),
}

impl TestArgs {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut plan = steps::Plan::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--help" | "-h" => return Ok(Self::Help),
                "--list" => return Ok(Self::List),
                "--no-fuzz" => plan.no_fuzz = true,
                "--only" => match words.next() {
                    Some(names) => plan.only = steps::named(names)?,
                    None => bail!("--only needs the names of steps; `cargo xtask test --list` shows them"),
                },
                other => bail!("unknown argument `{other}`; see `cargo xtask test --help`"),
            }
        }
        Ok(Self::Run(plan))
    }
}

const HELP: &str = "\
The project's chores.

Usage: cargo xtask COMMAND

Commands:
  test   every check of the project, in order, up to the first failure
  tidy   the quick checks of the sources: crate arrows, file sizes, file headings, refused words

Examples:
  cargo xtask test            all that a change must pass
  cargo xtask test --help     steps, and how to run some of them
  cargo xtask tidy            a second's look before a commit
";

const TEST_HELP: &str = "\
Runs every check of the project, in order, up to the first failure.

The first step installs (with apt-get) the client programs that the tests drive, where they are missing; the step
`web` takes three packages from npm, for tests alone.

Usage: cargo xtask test [--only STEP[,STEP]...] [--no-fuzz] [--list]

Options:
  --only STEP[,STEP]  run these steps alone, in their usual order
  --no-fuzz           leave out the fuzz step, and say so
  --list              show the steps

Examples:
  cargo xtask test                           everything
  cargo xtask test --no-fuzz                 everything but the fuzz step
  cargo xtask test --only fmt,clippy,tidy    what an editor would complain about
  cargo xtask test --only release,black-box  build the hub, then drive it with real clients
  cargo xtask test --only release,web        build the hub, then drive it with a browser
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_without_arguments_runs_every_step() {
        assert_eq!(TestArgs::parse(&[]).unwrap(), TestArgs::Run(steps::Plan::default()));
    }

    #[test]
    fn only_names_steps_with_commas() {
        let TestArgs::Run(plan) = TestArgs::parse(&["--only", "fmt,tidy"]).unwrap() else {
            panic!("expected a plan");
        };
        assert_eq!(plan.only, ["fmt", "tidy"]);
    }

    #[test]
    fn what_is_not_known_is_an_error_and_never_ignored() {
        for words in [&["--only"][..], &["--only", "fmt,nonsense"], &["--fast"]] {
            assert!(TestArgs::parse(words).is_err(), "{words:?}");
        }
        assert!(dispatch(&["tset"]).is_err());
    }
}
