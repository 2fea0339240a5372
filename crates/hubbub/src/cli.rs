//! The command line: which commands there are, and how they are told apart. What each does is in `cmd` and `serve`.

mod spoken;

use crate::{cmd, serve, words};
use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use hubbub_model::Language;
use std::process::ExitCode;

/// One hub, many doors: a self-hosted place to talk, share files and watch machines
#[derive(Debug, Parser)]
#[command(name = "hubbub", version, after_help = EXAMPLES, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Chat(cmd::chat::Args),
    Say(cmd::say::Args),
    Tail(cmd::tail::Args),
    User(cmd::user::Args),
    Room(cmd::room::Args),
    Token(cmd::token::Args),
    Reload(cmd::reload::Args),
    Doctor(cmd::doctor::Args),
    Bench(cmd::bench::Args),
    Completions(cmd::shell::CompletionsArgs),
    Man(cmd::shell::ManArgs),
}

/// Reads the command line. Help, the version and errors are printed here.
pub(crate) fn parse() -> Result<Command, ExitCode> {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map(|cli| cli.command).map_err(|error| tell(&error))
}

/// The command line as `clap` knows it, in the reader's language.
pub(crate) fn command() -> clap::Command {
    match words::tongue() {
        Language::En => Cli::command(),
        Language::Zh => spoken::in_chinese(Cli::command()),
    }
}

/// Carries out the command.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => Box::pin(serve::run(args)).await,
        Command::Chat(args) => Box::pin(cmd::chat::run(args)).await,
        Command::Say(args) => Box::pin(cmd::say::run(args)).await,
        Command::Tail(args) => Box::pin(cmd::tail::run(args)).await,
        Command::User(args) => Box::pin(cmd::user::run(args)).await,
        Command::Room(args) => Box::pin(cmd::room::run(args)).await,
        Command::Token(args) => Box::pin(cmd::token::run(args)).await,
        Command::Reload(args) => Box::pin(cmd::reload::run(args)).await,
        Command::Doctor(args) => Box::pin(cmd::doctor::run(args)).await,
        Command::Bench(args) => Box::pin(cmd::bench::run(args)).await,
        Command::Completions(args) => cmd::shell::completions(&args),
        Command::Man(args) => cmd::shell::man(&args),
    }
}

/// Help and the version are answers; the rest is a mistake, told as all mistakes are.
fn tell(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody reads it any more, which is no failure of ours.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            let text = match words::tongue() {
                Language::En => {
                    error.render().to_string().trim_start_matches("error: ").trim_end().to_owned()
                }
                Language::Zh => spoken::complaint(error),
            };
            eprintln!("hubbub: {text}");
            ExitCode::from(USAGE)
        }
    }
}

const USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  hubbub serve                                   a hub for this machine, on port 7272
  hubbub user add ada --role owner               make yourself its owner
  hubbub chat                                    talk, from a terminal
  nc 127.0.0.1 7272                              talk, with nothing but nc
  hubbub serve --listen 'any://0.0.0.0:7272?guests=yes'
                                                 a hub for the network, guests welcome

Exit codes: 0 done, 1 refused or failed, 2 usage. hubbub COMMAND --help tells more.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
