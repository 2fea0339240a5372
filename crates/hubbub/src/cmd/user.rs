//! `hubbub user`: the accounts of a hub.

use super::{
    manage::{Which, print_done, print_json, print_pairs, print_table, when, when_or, word},
    password,
};
use crate::{
    control::{Answer, Request},
    operator::Missing,
};
use anyhow::{Result, bail};
use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use hubbub_model::{AccountCard, AccountStatus, Role, UserName};
use std::process::ExitCode;

/// Make, show, change and remove accounts, whether or not the hub runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub user add ada --role owner
  pass show hub/ben | hubbub user add ben --password-stdin
  hubbub user add oven --role device && hubbub token add oven --scope write
  hubbub user set ben --disable")]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an account; asks for its password at a terminal
    Add {
        /// Its name
        name: UserName,
        /// What it may do: owner, admin, member, or device for a machine
        #[arg(long, default_value = "member", value_parser = roles())]
        role: Role,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Show all accounts
    List,
    /// Show one account
    Show {
        /// Its name
        name: UserName,
    },
    /// Change an account; its sessions end
    #[command(group = clap::ArgGroup::new("change").args(["role", "disable", "enable", "password_stdin", "password"]).required(true).multiple(true))]
    Set {
        /// Its name
        name: UserName,
        /// What it may do: owner, admin, member
        #[arg(long, value_parser = roles())]
        role: Option<Role>,
        /// Switch the account off
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Switch it on again
        #[arg(long)]
        enable: bool,
        /// Read a new password from the first line of standard input
        #[arg(long, conflicts_with = "password")]
        password_stdin: bool,
        /// Ask for a new password at the terminal
        #[arg(long)]
        password: bool,
    },
    /// Remove an account; what it said stays
    Remove {
        /// Its name
        name: UserName,
    },
}

#[derive(Debug, clap::Args)]
struct PasswordFrom {
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// No password: only tokens let it in, as with devices
    #[arg(long, conflicts_with = "password_stdin")]
    no_password: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let missing = if matches!(args.act, Act::Add { .. }) { Missing::Make } else { Missing::Refuse };
    let done = done(&args.act);
    let request = request(args.act).await?;
    match args.which.ask(request, missing).await? {
        Answer::Users(cards) if args.which.json => print_json(&cards)?,
        Answer::User(card) if args.which.json => print_json(&card)?,
        Answer::Users(cards) => print_table(HEADS, &cards.iter().map(row).collect::<Vec<_>>())?,
        Answer::User(card) if done.is_empty() => show(&card)?,
        _ => print_done(args.which.json, &done)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn request(act: Act) -> Result<Request> {
    Ok(match act {
        Act::Add { name, role, password } => {
            let password = new_password(role, &password).await?;
            Request::UserAdd { name, role, password }
        }
        Act::List => Request::UserList,
        Act::Show { name } => Request::UserShow { name },
        Act::Set { name, role, disable, enable, password_stdin, password } => {
            let status = match (disable, enable) {
                (true, _) => Some(AccountStatus::Disabled),
                (_, true) => Some(AccountStatus::Active),
                _ => None,
            };
            let password = match (password_stdin, password) {
                (true, _) => Some(password::from_stdin()?),
                (_, true) => Some(typed().await?),
                _ => None,
            };
            Request::UserSet { name, role, status, password }
        }
        Act::Remove { name } => Request::UserRemove { name },
    })
}

async fn new_password(role: Role, from: &PasswordFrom) -> Result<Option<String>> {
    match from {
        PasswordFrom { password_stdin: true, .. } => password::from_stdin().map(Some),
        PasswordFrom { no_password: true, .. } => Ok(None),
        _ if role == Role::Device => Ok(None),
        _ => typed().await.map(Some),
    }
}

async fn typed() -> Result<String> {
    match password::from_terminal().await? {
        Some(password) => Ok(password),
        None => bail!(
            "there is no terminal to ask for a password: use --password-stdin, or --no-password for tokens only"
        ),
    }
}

/// What is said when it is done; nothing where the answer is what was asked for.
fn done(act: &Act) -> String {
    match act {
        Act::Add { name, role, .. } => format!("{name} is here now, as {}", role.word()),
        Act::Set { name, .. } => format!("{name} is changed"),
        Act::Remove { name } => format!("{name} is removed; what was said stays"),
        Act::List | Act::Show { .. } => String::new(),
    }
}

fn row(card: &AccountCard) -> [String; 5] {
    let status = word(&card.status);
    [
        card.name.to_string(),
        card.role.word().to_owned(),
        status,
        when(card.created_ms),
        when_or(card.last_seen_ms, "never"),
    ]
}

fn show(card: &AccountCard) -> Result<()> {
    print_pairs(&[
        ("name", card.name.to_string()),
        ("number", card.id.to_string()),
        ("irc nick", card.nick.clone()),
        ("kind", word(&card.kind)),
        ("role", card.role.word().to_owned()),
        ("status", word(&card.status)),
        ("made", when(card.created_ms)),
        ("last seen", when_or(card.last_seen_ms, "never")),
    ])
}

fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(ROLES.map(Role::word))
        .map(|word| ROLES.into_iter().find(|role| role.word() == word).unwrap_or_default())
}

const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Member, Role::Device];
const HEADS: [&str; 5] = ["NAME", "ROLE", "STATUS", "MADE", "LAST SEEN"];
