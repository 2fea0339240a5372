//! `hubbub token`: secrets that let programs and devices in without a password.

use super::manage::{Which, print, print_done, print_json, print_table, seconds, when, when_or, word};
use crate::{
    control::{Answer, Request},
    operator::Missing,
    words::tell,
};
use anyhow::Result;
use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use hubbub_model::{Scope, Text, TokenCard, UserName, harmless};
use std::process::ExitCode;

/// Make, show and revoke tokens, whether or not the hub runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub token add oven --label 'oven in room 3' --scope write > oven.token
  hubbub token list oven
  hubbub token remove 7")]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token for an account; its secret is printed this once
    Add {
        /// Whose token
        name: UserName,
        /// What it is for
        #[arg(long, default_value = "", hide_default_value = true, value_parser = label)]
        label: Text,
        /// What it allows, with commas between
        #[arg(long, value_delimiter = ',', default_value = "read,write", value_parser = scopes())]
        scope: Vec<Scope>,
        /// When it ends, such as 12h, 30d or 8w; never unless given
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        expires: Option<u64>,
    },
    /// Show the tokens of an account, or of all
    List {
        /// Whose tokens
        name: Option<UserName>,
    },
    /// Revoke a token; its sessions end on every door
    Remove {
        /// Its number, as `list` shows it
        id: u64,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let json = args.which.json;
    let request = match args.act {
        Act::Add { name, label, scope, expires } => {
            Request::TokenAdd { account: name, label, scopes: scope, for_s: expires }
        }
        Act::List { name } => Request::TokenList { account: name },
        Act::Remove { id } => Request::TokenRemove { id },
    };
    match args.which.ask(request, Missing::Refuse).await? {
        Answer::Token(new) if json => print_json(&new)?,
        Answer::Token(new) => {
            // The secret stands alone on standard output, so that it can go into a file.
            let (id, name) = (new.token.id.to_string(), new.token.account.to_string());
            let parts = [("id", &*id), ("name", &*name)];
            eprintln!("{}", tell("token {id} of {name}; its secret is shown this once:", &parts));
            print(&format!("{}\n", new.secret))?;
        }
        Answer::Tokens(cards) if json => print_json(&cards)?,
        Answer::Tokens(cards) => print_table(HEADS, &cards.iter().map(row).collect::<Vec<_>>())?,
        _ => print_done(json, "the token is revoked")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn row(card: &TokenCard) -> [String; 7] {
    [
        card.id.to_string(),
        card.account.to_string(),
        card.scopes.iter().map(word).collect::<Vec<_>>().join(","),
        when(card.created_ms),
        when_or(card.expires_ms, "never"),
        when_or(card.last_used_ms, "never"),
        harmless(&card.label).into_owned(),
    ]
}

fn label(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|error| error.to_string())
}

fn scopes() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(SCOPES.map(|(word, _)| word)).map(|given| {
        SCOPES.into_iter().find(|(word, _)| *word == given).map_or(Scope::Read, |(_, scope)| scope)
    })
}

const SCOPES: [(&str, Scope); 4] =
    [("read", Scope::Read), ("write", Scope::Write), ("files", Scope::Files), ("admin", Scope::Admin)];
const HEADS: [&str; 7] = ["ID", "ACCOUNT", "SCOPES", "MADE", "ENDS", "LAST USED", "LABEL"];
