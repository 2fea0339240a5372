//! `hubbub room`: the rooms of a hub.

use super::manage::{Which, print_done, print_json, print_pairs, print_table, seconds, word};
use crate::{
    control::{Answer, Keep, Request, RoomView, Rules},
    operator::Missing,
    words,
};
use anyhow::Result;
use clap::{ArgAction, Subcommand};
use hubbub_model::{Durability, RoomName, Text, Visibility, harmless};
use std::process::ExitCode;

/// Make, show, change and remove rooms, whether or not the hub runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hubbub room add lab --private --topic 'Who left the oven on?'
  hubbub room set lab --keep-days 90
  hubbub room set lab --moderated=no --public")]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a room
    Add {
        /// Its name
        name: RoomName,
        #[command(flatten)]
        rules: RuleArgs,
        /// Keep nothing: what is said is gone when the hub ends or forgets it
        #[arg(long)]
        ephemeral: bool,
    },
    /// Show all rooms
    List,
    /// Show one room
    Show {
        /// Its name
        name: RoomName,
    },
    /// Change a room
    #[command(arg_required_else_help = true)]
    Set {
        /// Its name
        name: RoomName,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Remove a room and all that was said in it
    Remove {
        /// Its name
        name: RoomName,
    },
}

#[derive(Debug, clap::Args)]
struct RuleArgs {
    /// Listed, and open to all
    #[arg(long, group = "visibility")]
    public: bool,
    /// Listed, and open to the invited
    #[arg(long, group = "visibility")]
    private: bool,
    /// Known to its members only
    #[arg(long, group = "visibility")]
    hidden: bool,
    /// What it is about
    #[arg(long, value_name = "TEXT", value_parser = text)]
    topic: Option<Text>,
    /// Only voices and operators speak
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = yes_no, action = ArgAction::Set)]
    moderated: Option<bool>,
    /// Nobody speaks
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_parser = yes_no, action = ArgAction::Set)]
    read_only: Option<bool>,
    /// Keep the last N events, or `all`
    #[arg(long, value_name = "N", value_parser = keep)]
    keep_events: Option<Keep>,
    /// Keep what is younger than N days, or `all`
    #[arg(long, value_name = "N", value_parser = keep_days)]
    keep_days: Option<Keep>,
}

impl RuleArgs {
    fn into_rules(self) -> Rules {
        let visibility = match self {
            Self { public: true, .. } => Some(Visibility::Public),
            Self { private: true, .. } => Some(Visibility::Private),
            Self { hidden: true, .. } => Some(Visibility::Hidden),
            _ => None,
        };
        Rules {
            visibility,
            durability: None,
            moderated: self.moderated,
            read_only: self.read_only,
            topic: self.topic,
            keep_events: self.keep_events,
            keep_s: self.keep_days,
        }
    }
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let missing = if matches!(args.act, Act::Add { .. }) { Missing::Make } else { Missing::Refuse };
    let done = done(&args.act);
    match args.which.ask(request(args.act), missing).await? {
        Answer::Rooms(rooms) if args.which.json => print_json(&rooms)?,
        Answer::Room(room) if args.which.json => print_json(&room)?,
        Answer::Rooms(rooms) => print_table(HEADS, &rooms.iter().map(row).collect::<Vec<_>>())?,
        Answer::Room(room) if done.is_empty() => show(&room)?,
        _ => print_done(args.which.json, &done)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn request(act: Act) -> Request {
    match act {
        Act::Add { name, rules, ephemeral } => {
            let durability = ephemeral.then_some(Durability::Ephemeral);
            Request::RoomAdd { name, rules: Rules { durability, ..rules.into_rules() } }
        }
        Act::List => Request::RoomList,
        Act::Show { name } => Request::RoomShow { name },
        Act::Set { name, rules } => Request::RoomSet { name, rules: rules.into_rules() },
        Act::Remove { name } => Request::RoomRemove { name },
    }
}

/// What is said when it is done; nothing where the answer is what was asked for.
fn done(act: &Act) -> String {
    match act {
        Act::Add { name, .. } => format!("room {name} is there now"),
        Act::Set { name, .. } => format!("room {name} is changed"),
        Act::Remove { name } => format!("room {name} is removed"),
        Act::List | Act::Show { .. } => String::new(),
    }
}

fn row(room: &RoomView) -> [String; 6] {
    let numbers = [room.members.to_string(), room.attendees.to_string(), room.head.to_string()];
    let [members, here, events] = numbers;
    [room.name.clone(), word(&room.visibility), members, here, events, harmless(&room.topic).into_owned()]
}

fn show(room: &RoomView) -> Result<()> {
    let yes = |on: bool| words::word(if on { "yes" } else { "no" }).to_owned();
    let all = || words::word("all").to_owned();
    print_pairs(&[
        ("name", room.name.clone()),
        ("number", room.id.to_string()),
        ("topic", harmless(&room.topic).into_owned()),
        ("visibility", word(&room.visibility)),
        ("durability", word(&room.durability)),
        ("moderated", yes(room.moderated)),
        ("read-only", yes(room.read_only)),
        ("keeps events", room.retention.events.map_or_else(all, |events| events.to_string())),
        ("keeps days", room.retention.age_s.map_or_else(all, |age_s| (age_s / DAY_S).to_string())),
        ("members", room.members.to_string()),
        ("here now", room.attendees.to_string()),
        ("first seq", room.first_seq.to_string()),
        ("last seq", room.head.to_string()),
    ])
}

fn text(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|error| error.to_string())
}

fn yes_no(word: &str) -> Result<bool, String> {
    match word {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

fn keep(word: &str) -> Result<Keep, String> {
    let wanted = || "write a number from 1 on, or all".to_owned();
    match word {
        "all" => Ok(Keep::All),
        number => number.parse().ok().filter(|most| *most > 0).map(Keep::AtMost).ok_or_else(wanted),
    }
}

fn keep_days(word: &str) -> Result<Keep, String> {
    if word == "all" {
        Ok(Keep::All)
    } else {
        seconds(&format!("{word}d"))
            .map(Keep::AtMost)
            .map_err(|_| "write a number of days, or all".to_owned())
    }
}

const DAY_S: u64 = 86_400;
const HEADS: [&str; 6] = ["NAME", "VISIBILITY", "MEMBERS", "HERE", "LAST SEQ", "TOPIC"];
