//! Unread counts and mentions against a plain model: whatever is said, read, joined, left and trimmed, a card counts
//! exactly what is kept behind the reader's mark.

use hubbub_model::{Command, Durability, Kind, Limits, Retention, Role, RoomSettings, Scope};
use hubbub_store::MemoryStore;
use hubbub_testkit::{Login, Person, TestClock, TestHub, user};
use proptest::prelude::*;

const READERS: usize = 2;

/// One step of a story.
#[derive(Clone, Debug)]
enum Step {
    /// The operator says so many things in one breath, each with or without a mention of reader 0.
    Say { n: u8, mention: bool },
    /// The operator says so many things and a reader joins, in one batch of the hub.
    JoinBehind { who: usize, n: u8 },
    /// A reader reads up to so many places behind the head.
    Read { who: usize, back: u8 },
    /// A reader leaves.
    Leave { who: usize },
    /// All but so many events are dropped.
    Trim { keep: u8 },
    /// The hub stops and starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..READERS;
    prop_oneof![
        5 => (1..5u8, any::<bool>()).prop_map(|(n, mention)| Step::Say { n, mention }),
        2 => (who.clone(), 0..4u8).prop_map(|(who, n)| Step::JoinBehind { who, n }),
        2 => (who.clone(), 0..9u8).prop_map(|(who, back)| Step::Read { who, back }),
        1 => who.prop_map(|who| Step::Leave { who }),
        2 => (0..9u8).prop_map(|keep| Step::Trim { keep }),
        1 => Just(Step::Restart),
    ]
}

/// An event as the model knows it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    countable: bool,
    mention: bool,
}

#[derive(Default)]
struct Model {
    /// From seq 1 on.
    log: Vec<Entry>,
    first: u64,
    /// The last place that a member has read.
    marks: [Option<u64>; READERS],
}

impl Model {
    fn put(&mut self, countable: bool, mention: bool) {
        self.log.push(Entry { countable, mention });
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// What reader `who` has not read: countable events, and mentions.
    fn unread(&self, who: usize) -> (u64, u64) {
        let Some(mark) = self.marks[who] else { return (0, 0) };
        let kept = (1..).zip(&self.log).filter(|(seq, _)| *seq > mark && *seq >= self.first);
        kept.fold((0, 0), |(unread, mentions), (_, entry)| {
            (unread + u64::from(entry.countable), mentions + u64::from(entry.mention && who == 0))
        })
    }
}

struct Scene {
    hub: TestHub,
    op: Person,
    readers: Vec<Person>,
}

impl Scene {
    async fn new(store: &MemoryStore, clock: &TestClock, ephemeral: bool, fresh: bool) -> Self {
        let limits = Limits { commit_pace_us: 0, ring_events_max: 4, ..Limits::default() };
        let limits = if ephemeral { Limits { ring_events_max: 1_000, ..limits } } else { limits };
        let hub = TestHub::start(store.clone(), limits, clock.clone());
        let op = enter(&hub, "op").await;
        let mut scene = Self { hub, op, readers: Vec::new() };
        if fresh {
            let durability = Some(if ephemeral { Durability::Ephemeral } else { Durability::Strict });
            scene.op.create("lab", RoomSettings { durability, ..Default::default() }).await;
        } else {
            scene.op.join("lab").await;
        }
        for who in 0..READERS {
            let reader = enter(&scene.hub, &format!("r{who}")).await;
            scene.readers.push(reader);
        }
        scene
    }
}

/// A session of the account, which an earlier start of the hub may have made.
async fn enter(hub: &TestHub, name: &str) -> Person {
    let add = Command::AccountAdd { name: user(name), role: Role::Member, password: None };
    let made = hub.hub().operate(add).await;
    assert!(made.is_ok() || made.is_err_and(|refusal| refusal.kind == Kind::Taken));
    let (_, secret) = hub.token(name, &[Scope::Read, Scope::Write], None).await;
    hub.enter(Login::token(secret)).await
}

async fn story(steps: Vec<Step>, ephemeral: bool) {
    let (store, clock) = (MemoryStore::new(), TestClock::default());
    let mut scene = Scene::new(&store, &clock, ephemeral, true).await;
    let mut model = Model { first: 1, ..Model::default() };
    model.put(false, false);
    for step in steps {
        match step {
            Step::Say { n, mention } => {
                let words = if mention { "@r0 hi" } else { "hi" };
                let commands: Vec<Command> = (0..n).map(|_| scene.op.saying("lab", words)).collect();
                for ticket in scene.op.submit_all(commands).await {
                    assert!(scene.op.reply(ticket).await.is_ok());
                    model.put(true, mention && !ephemeral && model.marks[0].is_some());
                }
            }
            Step::JoinBehind { who, n } => {
                let commands: Vec<Command> = (0..n).map(|_| scene.op.saying("lab", "wait for me")).collect();
                let tickets = scene.op.submit_all(commands).await;
                let joined = scene.readers[who].join("lab").await;
                for ticket in tickets {
                    assert!(scene.op.reply(ticket).await.is_ok());
                    model.put(true, false);
                }
                if model.marks[who].is_none() {
                    model.put(false, false);
                    model.marks[who] = Some(model.head());
                }
                assert_eq!(joined.card.unread, model.unread(who).0, "as told when it opened");
            }
            Step::Read { who, back } => {
                let seq = model.head().saturating_sub(u64::from(back));
                let Some(mark) = model.marks[who].as_mut() else { continue };
                *mark = seq.max(*mark);
                let room = scene.readers[who].room("lab");
                scene.readers[who].does(Command::MarkRead { room, seq }).await;
            }
            Step::Leave { who } => {
                if model.marks[who].take().is_some() {
                    let room = scene.readers[who].room("lab");
                    scene.readers[who].does(Command::Leave { room }).await;
                    model.put(false, false);
                }
            }
            Step::Trim { keep } => {
                let settings = |events| RoomSettings {
                    retention: Some(Retention { events, age_s: None }),
                    ..Default::default()
                };
                for events in [Some(u64::from(keep)), None] {
                    let room = scene.op.room("lab");
                    scene.op.does(Command::Set { room, settings: settings(events) }).await;
                    if events.is_some() {
                        // What was there when it was set.
                        model.first = model.first.max((model.head() + 1).saturating_sub(u64::from(keep)));
                    }
                    model.put(false, false);
                }
            }
            Step::Restart if ephemeral => {}
            Step::Restart => {
                drop(scene);
                scene = Scene::new(&store, &clock, ephemeral, false).await;
            }
        }
        for who in 0..READERS {
            let card = scene.readers[who].card("lab").await;
            assert_eq!((card.unread, card.mentions), model.unread(who), "reader {who} of {:?}", model.log);
            assert_eq!(card.first_seq, model.first);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_card_counts_what_is_kept_and_not_read(
        steps in prop::collection::vec(step(), 1..40),
        ephemeral in prop_oneof![3 => Just(false), 1 => Just(true)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(story(steps, ephemeral));
    }
}
