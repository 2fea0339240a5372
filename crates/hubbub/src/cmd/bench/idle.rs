//! Conns that are in the room and do nothing.

use super::{Common, Count, peer::Peer, per_second, progress, server::Usage};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::AsyncReadExt,
    task::JoinSet,
    time::{Instant, sleep},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Conns
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    conns: u32,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let (address, room) = (args.common.address(), args.common.room.as_str());
    let before = Usage::of(args.common.server_pid);
    let (here, gone) = (Count::default(), Count::default());
    let told = progress(&[("conns", &here), ("gone", &gone)]);
    let begin = Instant::now();
    let mut conns = JoinSet::new();
    let all = args.conns as usize;
    for from in (0..all).step_by(STEP) {
        for peer in Peer::come_in_all(&address, room, from, all.min(from + STEP)).await? {
            here.add(1);
            conns.spawn(stay(peer, gone.clone()));
        }
    }
    let coming = begin.elapsed();
    sleep(args.common.time()).await;
    drop(told);
    let usage = Usage::of(args.common.server_pid).zip(before);
    let per_conn =
        usage.map(|(now, before)| now.rss_bytes.saturating_sub(before.rss_bytes) / u64::from(args.conns));
    Ok(json!({
        "bench": "idle",
        "conns": here.now(),
        "gone": gone.now(),
        "conns_s": per_second(here.now(), coming),
        "rss_bytes_per_conn": per_conn,
        "server": usage.map(|(now, before)| now.since(before)),
    }))
}

/// Takes what little comes, so that the hub has no reason to close.
async fn stay(mut peer: Peer, gone: Count) {
    let mut buffer = [0; 512];
    while let Ok(n) = peer.read.read(&mut buffer).await
        && n > 0
    {
        // News of others may wait.
        sleep(CALM).await;
    }
    gone.add(1);
}

/// Conns between two looks at the count.
const STEP: usize = 500;
const CALM: Duration = Duration::from_millis(200);
