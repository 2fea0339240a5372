//! `hubbub doctor`: what is in force, where it comes from, and what is wrong with it. It changes nothing.
//!
//! To add a check: a function in the file of what it looks at, its line in `examine`.

mod certificate;
mod der;
mod folder;
mod listeners;

use super::manage::{print, print_json};
use crate::{
    config::{Config, Flags},
    control::{self, Answer, Request, Status},
    data::DataDir,
    serve::descriptors_wanted,
    words::{self, Causes},
};
use anyhow::Result;
use hubbub_model::Language;
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use std::{fmt::Write, process::ExitCode};

/// Show the configuration in force, and check what a hub needs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Everything that was found.
#[derive(Serialize)]
struct Report {
    /// Key, value, and where it comes from.
    configuration: Vec<(&'static str, String, String)>,
    checks: Vec<Check>,
}

/// How one thing is.
#[derive(Debug, Serialize)]
struct Check {
    verdict: Verdict,
    subject: &'static str,
    #[serde(serialize_with = "english")]
    text: Causes,
    /// What to do, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Check {
    fn ok(subject: &'static str, text: impl Into<Causes>) -> Self {
        Self { verdict: Verdict::Ok, subject, text: text.into(), advice: None }
    }

    fn warn(subject: &'static str, text: impl Into<Causes>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, subject, text: text.into(), advice: Some(advice.into()) }
    }

    fn fail(subject: &'static str, text: impl Into<Causes>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, subject, text: text.into(), advice: Some(advice.into()) }
    }
}

fn english<S: serde::Serializer>(text: &Causes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text.english())
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let report = match Config::load(&args.flags) {
        Ok(config) => examine(&config).await?,
        Err(error) => {
            let advice = "correct it; docs/configuration.md lists all keys";
            Report {
                configuration: Vec::new(),
                checks: vec![Check::fail("configuration", Causes::of(&error), advice)],
            }
        }
    };
    if args.json {
        print_json(&report)?;
    } else {
        print(&shown(&report))?;
    }
    let failed = report.checks.iter().any(|check| check.verdict == Verdict::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn examine(config: &Config) -> Result<Report> {
    let configuration = config
        .effective()?
        .into_iter()
        .map(|(key, value, source)| (key, value, source.to_string()))
        .collect();
    let data = DataDir::new(&config.data);
    let mut checks = configured(config);
    checks.extend(folder::checks(&data));
    let (hub, status) = running(&data).await;
    checks.push(hub);
    checks.push(folder::store(&data, status.as_ref()));
    checks.extend(config.settings.listen.iter().map(|url| listeners::check(url, status.as_ref())));
    checks.push(certificate::check(&config.settings.tls, &data));
    checks.push(descriptors(config.settings.limits.conns_max));
    Ok(Report { configuration, checks })
}

fn configured(config: &Config) -> Vec<Check> {
    let text = match &config.file {
        Some(file) => format!("read from {}", file.display()),
        None => "there is no file, which is fine".to_owned(),
    };
    let strays = config.strays.iter().map(|stray| Check::warn("configuration", stray, "rename or remove it"));
    [Check::ok("configuration", text)].into_iter().chain(strays).collect()
}

/// Whether a hub runs on the folder, and what it says of itself.
async fn running(data: &DataDir) -> (Check, Option<Status>) {
    let status = match control::connect(data).await {
        Ok(Some(mut hub)) => hub.ask(&Request::Status).await,
        Ok(None) if data.is_locked() => {
            let advice = "wait until it has started, or look into its log";
            return (Check::warn("hub", "one has the folder's lock and takes no commands", advice), None);
        }
        Ok(None) => return (Check::ok("hub", "none runs on this folder"), None),
        Err(error) => Err(error),
    };
    match status {
        Ok(Answer::Status(status)) => {
            let Status { name, version, pid, conns, .. } = &status;
            (
                Check::ok("hub", format!("{name} {version} runs as process {pid} with {conns} conns")),
                Some(status),
            )
        }
        Ok(_) => (
            Check::fail("hub", "it gives answers of another kind", "use the hubbub command that it runs"),
            None,
        ),
        Err(error) => {
            // The first is that this user may not reach it, the other that what answers is not as expected.
            let is_out_of_reach = error.root_cause().is::<std::io::Error>();
            let advice = if is_out_of_reach {
                "run this as the user that the hub runs as"
            } else {
                "use the hubbub command that the hub runs, and look into the hub's log"
            };
            (Check::fail("hub", Causes::of(&error), advice), None)
        }
    }
}

/// The hub raises its limit as far as it may, so the hard one counts.
fn descriptors(conns_max: usize) -> Check {
    match getrlimit(Resource::Nofile).maximum {
        Some(files) if files < descriptors_wanted(conns_max) => Check::warn(
            "open files",
            format!("the system allows {files}, fewer than limits.conns_max = {conns_max}"),
            "raise it (LimitNOFILE= in systemd, ulimit -Hn in a shell), or lower limits.conns_max",
        ),
        files => {
            let files = files.map_or_else(|| "any number".to_owned(), |files| files.to_string());
            Check::ok(
                "open files",
                format!("the system allows {files}, enough for limits.conns_max = {conns_max}"),
            )
        }
    }
}

fn shown(report: &Report) -> String {
    let width = |column: fn(&(&'static str, String, String)) -> usize| {
        report.configuration.iter().map(column).max().unwrap_or_default()
    };
    let (key_width, value_width) =
        (width(|row| row.0.len()), width(|row| row.1.chars().count()).min(VALUE_COLUMNS_MAX));
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (key, value, source) in &report.configuration {
        let (value, source) = (words::translate(value), words::translate(source));
        let _ = writeln!(text, "{key:key_width$}  {value:value_width$}  {source}");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for Check { verdict, subject, text: found, advice } in &report.checks {
        let verdict = words::word(match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        });
        let (subject, found) = (words::word(subject), found.told());
        let colon = match words::tongue() {
            Language::En => ": ",
            Language::Zh => "：",
        };
        let advice = advice.as_ref().map(|advice| format!("{colon}{}", words::translate(advice)));
        let advice = advice.unwrap_or_default();
        let _ = writeln!(text, "{verdict:4}  {subject}{colon}{found}{advice}");
    }
    text
}

const VALUE_COLUMNS_MAX: usize = 40;
