//! `hubbub completions` and `hubbub man`: what shells and readers of manuals need, made of the command line itself.

use super::manage::print;
use crate::cli;
use anyhow::{Context, Result};
use clap_complete::Shell;
use std::{fs, path::PathBuf, process::ExitCode};

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub completions bash > ~/.local/share/bash-completion/completions/hubbub
  hubbub completions fish > ~/.config/fish/completions/hubbub.fish")]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

/// Write the manual, one page for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hubbub man ~/.local/share/man/man1 && man hubbub-serve")]
pub(crate) struct ManArgs {
    /// Folder for the pages; made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "hubbub", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode> {
    let dir = args.dir.display();
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make the folder {dir}"))?;
    clap_mangen::generate_to(cli::command(), &args.dir)
        .with_context(|| format!("cannot write the pages to {dir}"))?;
    Ok(ExitCode::SUCCESS)
}
