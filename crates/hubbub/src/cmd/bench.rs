//! `hubbub bench`: load for a hub, over the native protocol, and what came of it.
//!
//! **Invariant.** Lean: sockets of its own, bytes made beforehand, lines counted and not parsed, so that the hub is the
//! slower end. One line of JSON on standard output; progress once a second on standard error. No text of a message
//! means anything to anyone: use a room of its own.

mod churn;
mod fanout;
mod histogram;
mod idle;
mod latency;
mod peer;
mod server;

use anyhow::Result;
use clap::Subcommand;
use hubbub_client::Address;
use hubbub_model::RoomName;
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::interval};

/// Measure a hub under load
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The room must be open to guests; what is said there is noise. On the hub's own machine both share the processors.

Examples:
  hubbub bench fanout --readers 100 --seconds 10
  hubbub bench latency --rate 2000 --server-pid $(pidof hubbub)
  hubbub bench idle --conns 10000 --server-pid $(pidof hubbub)")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Writers send as fast as the hub acknowledges; every reader gets everything
    Fanout(fanout::Args),
    /// Writers send at a fixed rate; how long each message takes to each reader
    Latency(latency::Args),
    /// Conns that do nothing: what each costs the hub
    Idle(idle::Args),
    /// Come in, open a room, leave, over and over
    Churn(churn::Args),
}

/// What every measurement needs.
#[derive(Clone, Debug, clap::Args)]
struct Common {
    /// The hub, without TLS
    #[arg(long, value_name = "URL", env = "HUBBUB_URL", hide_env_values = true)]
    url: Option<Address>,
    /// The room
    #[arg(long, default_value = "lobby")]
    room: RoomName,
    /// How long to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// The hub's process on this machine, for its memory and its processor time
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
}

impl Common {
    fn address(&self) -> Address {
        self.url.clone().unwrap_or_default()
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Measures, and prints the result.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    peer::raise_descriptors();
    let result = match args.what {
        What::Fanout(args) => Box::pin(fanout::run(args)).await?,
        What::Latency(args) => Box::pin(latency::run(args)).await?,
        What::Idle(args) => Box::pin(idle::run(args)).await?,
        What::Churn(args) => Box::pin(churn::run(args)).await?,
    };
    super::chat::print_line(&result.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// A count that many tasks add to.
#[derive(Clone, Debug, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells once a second how far the counts have come. Ends when it is dropped.
fn progress(counts: &[(&'static str, &Count)]) -> JoinSet<()> {
    let counts: Vec<(&'static str, Count)> =
        counts.iter().map(|(name, count)| (*name, (*count).clone())).collect();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut seconds = interval(Duration::from_secs(1));
        let mut before = vec![0; counts.len()];
        seconds.tick().await;
        loop {
            seconds.tick().await;
            let now: Vec<u64> = counts.iter().map(|(_, count)| count.now()).collect();
            let told = counts
                .iter()
                .zip(now.iter().zip(&before))
                .map(|((name, _), (now, was))| format!("{name} {now} (+{})", now - was));
            eprintln!("{}", told.collect::<Vec<_>>().join("  "));
            before = now;
        }
    });
    tasks
}

/// So many a second, rounded.
fn per_second(n: u64, time: Duration) -> u64 {
    (n as f64 / time.as_secs_f64().max(f64::EPSILON)) as u64
}
