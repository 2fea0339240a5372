//! What a search costs where many hits lie before the one that is wanted.

use crate::support::{LAB, append, batch, message, room, sender};
use hubbub_hub::store::{Findings, SearchPlan, Store, Write};
use hubbub_model::{Sender, SenderId, UserName};
use hubbub_store::SqliteStore;
use std::{sync::Arc, time::Instant};

/// Messages that have the word; `SEARCH_EVENTS` says another number: this is also the benchmark.
const EVENTS: u128 = 60_000;

#[test]
fn an_old_hit_behind_many_others_is_found_step_by_step() {
    let events = std::env::var("SEARCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(EVENTS);
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path()).unwrap();
    let zoe = Sender { id: SenderId(2), name: UserName::parse("Zoë").unwrap(), ..(*sender()).clone() };
    let zoe = Arc::new(zoe);
    let rows = vec![Write::Sender(sender()), Write::Sender(zoe.clone()), Write::Room(Box::new(room()))];
    store.commit(&batch(rows)).unwrap();
    let mut hers = append(1, message("the first word 一句话"));
    hers.sender = zoe;
    store.commit(&batch(vec![Write::Append(hers)])).unwrap();
    for from in (2..events).step_by(10_000) {
        let says = |id| Write::Append(append(id, message(format!("the word number {id}, 又一句话"))));
        store.commit(&batch((from..from + 10_000).map(says).collect())).unwrap();
    }
    store.flush_search();
    let mut reader = store.reader().unwrap();
    for words in ["word", "话", "the wor", "一句话"] {
        let plan = SearchPlan {
            words: words.into(),
            rooms: vec![LAB],
            sender_fold: Some("zoë".into()),
            limit: 20,
            ..SearchPlan::default()
        };
        let (mut steps, mut longest, start) = (0, std::time::Duration::ZERO, Instant::now());
        let mut findings = Findings::default();
        loop {
            let began = Instant::now();
            findings = reader.search(&plan, findings).unwrap();
            longest = longest.max(began.elapsed());
            steps += 1;
            if findings.more.is_none() {
                break;
            }
        }
        println!("{words}: {steps} steps, {longest:?} at most, {:?} in all", start.elapsed());
        assert_eq!(findings.hits.len(), 1, "{words}");
        assert!(steps > 10, "{words}: {steps} steps");
    }
}
