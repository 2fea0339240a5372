//! `hubbub reload`: the running hub reads its configuration and its certificate again.

use super::manage::{Which, print, print_json};
use crate::{
    config::Config,
    control::{self, Answer, Request},
    data::DataDir,
    words::{tell, translate},
};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// Have the running hub read its configuration and certificate again, as SIGHUP does
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let data = DataDir::new(Config::load(&args.which.flags())?.data);
    let running = control::connect(&data).await?;
    let mut hub = running
        .with_context(|| format!("no hub runs on {}: give its folder with --data", data.path().display()))?;
    let Answer::Reloaded(reloaded) = hub.ask(&Request::Reload).await?.or_refused()? else {
        bail!("the hub gave an answer of another kind");
    };
    if args.which.json {
        print_json(&reloaded)?;
    } else {
        let applied = reloaded.applied.iter().map(|done| translate(done).into_owned());
        let kept = reloaded
            .needs_restart
            .iter()
            .map(|key| tell("{key} has changed: restart the hub for that", &[("key", key)]));
        let lines: Vec<String> = applied.chain(kept).collect();
        print(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(ExitCode::SUCCESS)
}
