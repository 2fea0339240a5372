//! Conns that come, open the room and go, over and over.

use super::{Common, Count, histogram::Histogram, peer::Peer, per_second, progress, server::Usage};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{Instant, timeout},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Conns at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    conns: u16,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let before = Usage::of(args.common.server_pid);
    let sessions = Count::default();
    let told = progress(&[("sessions", &sessions)]);
    let begin = Instant::now();
    let until = begin + args.common.time();
    let mut tasks = JoinSet::new();
    for n in 0..usize::from(args.conns) {
        tasks.spawn(come_and_go(args.common.clone(), n, until, sessions.clone()));
    }
    let mut ready = Histogram::default();
    while let Some(theirs) = tasks.join_next().await {
        ready.merge(&theirs??);
    }
    let time = begin.elapsed();
    drop(told);
    let usage = Usage::of(args.common.server_pid).zip(before).map(|(now, before)| now.since(before));
    Ok(json!({
        "bench": "churn",
        "conns": args.conns,
        "sessions": sessions.now(),
        "conns_s": per_second(sessions.now(), time),
        "ready_us": ready.report(),
        "server": usage,
    }))
}

async fn come_and_go(common: Common, n: usize, until: Instant, sessions: Count) -> Result<Histogram> {
    let (address, room) = (common.address(), common.room.as_str());
    let mut ready = Histogram::default();
    while Instant::now() < until {
        let begin = Instant::now();
        let mut peer = Peer::come_in(&address, room, n).await?;
        ready.record(begin.elapsed());
        peer.write.write_all(b"{\"type\":\"quit\"}\n").await?;
        let mut rest = [0; 1024];
        let gone = async { while peer.read.read(&mut rest).await.is_ok_and(|n| n > 0) {} };
        // A hub that does not close is left.
        let _ = timeout(FAREWELL_MAX, gone).await;
        sessions.add(1);
    }
    Ok(ready)
}

const FAREWELL_MAX: Duration = Duration::from_secs(5);
