//! What the commands that manage a hub have in common: which hub, how to ask it, how to show its answers.

use crate::{
    config::{Config, Flags},
    control::{Answer, Request},
    operator::{Missing, Operator},
    words,
};
use anyhow::{Context, Result};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::PathBuf,
};
use unicode_width::UnicodeWidthStr;

/// Which hub, and how to answer.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// The hub's data folder
    #[arg(long, value_name = "DIR", global = true, help_heading = WHICH)]
    pub(crate) data: Option<PathBuf>,
    /// The hub's configuration file
    #[arg(long, value_name = "FILE", global = true, help_heading = WHICH)]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true, help_heading = WHICH)]
    pub(crate) json: bool,
}

impl Which {
    pub(crate) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data: self.data.clone(), listen: Vec::new() }
    }

    /// Asks the hub that runs on the folder, or the folder itself.
    pub(crate) async fn ask(&self, request: Request, missing: Missing) -> Result<Answer> {
        let config = Config::load(&self.flags())?;
        let mut operator = Operator::open(&config, missing).await?;
        let answer = operator.ask(request).await;
        operator.close().await?;
        answer
    }
}

/// Prints one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// That it was done: for people a sentence, for programs `{"done":true}`.
pub(crate) fn print_done(json: bool, sentence: &str) -> Result<()> {
    if json {
        print_json(&serde_json::json!({ "done": true }))
    } else {
        print(&format!("{}\n", words::translate(sentence)))
    }
}

/// Prints a table; nothing where there are no rows.
pub(crate) fn print_table<const N: usize>(heads: [&'static str; N], rows: &[[String; N]]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let heads = heads.map(|head| words::word(head).to_owned());
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or_default()
    });
    let line = |row: &[String; N]| {
        let cells =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    print(&[&heads].into_iter().chain(rows).map(line).collect::<String>())
}

/// Prints names and values, one pair on a line.
pub(crate) fn print_pairs(pairs: &[(&'static str, String)]) -> Result<()> {
    let width = pairs.iter().map(|(name, _)| words::word(name).width()).max().unwrap_or_default();
    let line = |(name, value): &(&'static str, String)| {
        let name = words::word(name);
        format!("{name}{}  {value}\n", " ".repeat(width - name.width()))
    };
    print(&pairs.iter().map(line).collect::<String>())
}

/// To standard output. A reader that has had enough, as `head` has, is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the answer")
        }
        _ => Ok(()),
    }
}

/// A time as the reader's clock has it.
pub(crate) fn when(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// A time that may be missing.
pub(crate) fn when_or(ms: Option<i64>, otherwise: &'static str) -> String {
    ms.map_or_else(|| words::word(otherwise).to_owned(), when)
}

/// Any value of the model as the word that programs read.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "?".to_owned(),
    }
}

/// A span of time, such as `30d`, in seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let parse = || {
        let (number, unit) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
        let (_, unit_s) = UNITS_S.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*unit_s).filter(|s| (1..=SECONDS_MAX).contains(s))
    };
    parse().ok_or_else(|| "write a time such as 12h, 30d or 8w".to_owned())
}

const WHICH: &str = "Hub and answer";
const UNITS_S: [(&str, u64); 6] =
    [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 7 * 86_400), ("y", 365 * 86_400)];
const SECONDS_MAX: u64 = 1_000 * 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_a_number_and_a_unit() {
        assert_eq!(seconds("30d"), Ok(2_592_000));
        assert_eq!(seconds("8w"), Ok(4_838_400));
        for text in ["", "30", "d", "0d", "1.5h", "-1d", "30 days", "99999999999999999999d", "9999y"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
