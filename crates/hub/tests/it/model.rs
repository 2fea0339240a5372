//! I2 against a plain model: whatever readers do and however small the rings are, each sees exactly its slice of the
//! log, once and in order, or an explicit gap.

use hubbub_hub::EndReason;
use hubbub_model::{Command, Durability, EventKind, Limits, RoomSettings, Start};
use hubbub_testkit::{Person, Seen, TestHub, text, user};
use proptest::prelude::*;

const READERS: usize = 3;

/// One step of a story.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody says so many things in one breath.
    Say { who: usize, n: u8 },
    /// A reader opens the room so many events back; all of them if it is more.
    Open { who: usize, back: u8 },
    /// It closes the room.
    Close { who: usize },
    /// It is sent out.
    Kick { who: usize },
    /// It ignores the speaker, or does so no longer.
    Ignore { who: usize, on: bool },
    /// It takes what has come.
    Read { who: usize, n: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..READERS;
    prop_oneof![
        // Number READERS is the operator.
        6 => (0..=READERS, 1..6u8).prop_map(|(who, n)| Step::Say { who, n }),
        3 => (who.clone(), 0..30u8).prop_map(|(who, back)| Step::Open { who, back }),
        1 => who.clone().prop_map(|who| Step::Close { who }),
        1 => who.clone().prop_map(|who| Step::Kick { who }),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::Ignore { who, on }),
        3 => (who, 1..20u8).prop_map(|(who, n)| Step::Read { who, n }),
    ]
}

/// What the model knows of a reader.
struct Reader {
    person: Person,
    own: bool,
    cursor: Option<Cursor>,
    /// Whether it ignores the operator.
    ignores: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// The next place that has not been seen, told of or rightly passed over.
    next: u64,
    /// This place and those behind it are not for the reader. The end is still to be seen, with its reason.
    end: u64,
    reason: Option<EndReason>,
    /// Whether the operator was ignored throughout, never, or from time to time.
    ignored: Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ignored {
    Never,
    Throughout,
    Sometimes,
}

/// The log as the model has it: who spoke each place, from seq 1.
#[derive(Default)]
struct Model {
    log: Vec<(usize, String)>,
    ephemeral: bool,
}

impl Model {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// Walks the cursor over places that do not apply to the reader, up to the one that was seen.
    fn see(&self, reader: usize, own: bool, cursor: &mut Cursor, seq: u64, words: &str) {
        assert!(seq >= cursor.next, "reader {reader} saw {seq} again; it was at {}", cursor.next);
        assert!(seq < cursor.end, "reader {reader} saw {seq}, which lies behind its end {} (I6)", cursor.end);
        self.skip(reader, own, cursor, seq);
        let (who, said) = &self.log[seq as usize - 1];
        assert!(own || *who != reader, "reader {reader} saw its own {seq}");
        assert!(
            cursor.ignored != Ignored::Throughout || *who != READERS,
            "reader {reader} saw {seq} of one it ignores"
        );
        assert_eq!(said, words, "place {seq}");
        cursor.next = seq + 1;
    }

    /// All places up to this one, exclusive, must be such as do not apply.
    fn skip(&self, reader: usize, own: bool, cursor: &mut Cursor, to: u64) {
        for seq in cursor.next..to {
            let who = self.log[seq as usize - 1].0;
            let applies = (own || who != reader) && (who != READERS || cursor.ignored == Ignored::Never);
            assert!(!applies, "reader {reader} was not told of {seq} by {who}; own={own}, {cursor:?}");
        }
        cursor.next = cursor.next.max(to);
    }
}

fn words_of(event: &hubbub_model::Event) -> String {
    match &event.kind {
        EventKind::Message { text, .. } => text.to_string(),
        EventKind::Member(change) => {
            format!("{change:?}").split([' ', '{']).next().unwrap_or_default().to_owned()
        }
        other => format!("{other:?}"),
    }
}

async fn story(steps: Vec<Step>, ring_events_max: usize, ring_bytes: usize, ephemeral: bool) {
    let limits =
        Limits { ring_events_max, rings_bytes_max: ring_bytes, commit_pace_us: 0, ..Limits::default() };
    let hub = TestHub::with_limits(limits);
    let mut op = hub.account("op").await;
    let durability = Some(if ephemeral { Durability::Ephemeral } else { Durability::Strict });
    op.create("lab", RoomSettings { durability, ..Default::default() }).await;
    let epoch = op.card("lab").await.epoch;
    let mut model = Model { ephemeral, ..Model::default() };
    model.log.push((READERS, "Joined".into()));
    let mut readers = Vec::new();
    for i in 0..READERS {
        let mut person = hub.account(&format!("r{i}")).await;
        let own = i % 2 == 0;
        person.inbox.see_own_events(own);
        readers.push(Reader { person, own, cursor: None, ignores: false });
    }
    let mut members = [false; READERS];
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Say { who, n: count } => {
                let speaks = who == READERS || members[who];
                let person = if who == READERS { &mut op } else { &mut readers[who].person };
                let words: Vec<String> = (0..count).map(|i| format!("{n}.{i} by {who}")).collect();
                let commands = words.iter().map(|words| person.saying("lab", words)).collect();
                for (ticket, words) in person.submit_all(commands).await.into_iter().zip(words) {
                    match person.reply(ticket).await {
                        Ok(_) => {
                            assert!(speaks);
                            model.log.push((who, words));
                        }
                        Err(refusal) => assert!(!speaks, "refused: {refusal}"),
                    }
                }
            }
            Step::Open { who, back } => {
                let reader = &mut readers[who];
                if reader.cursor.is_some_and(|cursor| cursor.reason.is_none()) {
                    continue;
                }
                while reader.cursor.is_some() {
                    // It comes back only when it has seen how its last visit ended.
                    take(&model, who, reader, true).await;
                }
                if !members[who] {
                    members[who] = true;
                    model.log.push((who, "Joined".into()));
                }
                let after = model.head().saturating_sub(u64::from(back));
                let joined = reader.person.join_from("lab", Start::After { epoch, seq: after }).await;
                assert_eq!(joined.card.head, model.head());
                assert!(joined.missing == 0 || ephemeral);
                assert_eq!(joined.next, after + 1 + joined.missing);
                let ignored = if reader.ignores { Ignored::Throughout } else { Ignored::Never };
                reader.cursor = Some(Cursor { next: joined.next, end: u64::MAX, reason: None, ignored });
            }
            Step::Close { who } => {
                let reader = &mut readers[who];
                let Some(cursor) = reader.cursor.as_mut().filter(|cursor| cursor.reason.is_none()) else {
                    continue;
                };
                reader.person.does(Command::Detach { room: reader.person.room("lab") }).await;
                (cursor.end, cursor.reason) = (model.head() + 1, Some(EndReason::Left));
            }
            Step::Kick { who } => {
                if !members[who] {
                    continue;
                }
                let kick =
                    Command::Kick { room: op.room("lab"), who: user(&format!("r{who}")), reason: text("") };
                op.does(kick).await;
                model.log.push((READERS, "Kicked".into()));
                members[who] = false;
                if let Some(cursor) = readers[who].cursor.as_mut().filter(|cursor| cursor.reason.is_none()) {
                    (cursor.end, cursor.reason) = (model.head() + 1, Some(EndReason::Kicked));
                }
            }
            Step::Ignore { who, on } => {
                let reader = &mut readers[who];
                reader.person.does(Command::Ignore { who: user("op"), on }).await;
                if reader.ignores != on {
                    reader.ignores = on;
                    // From here on it depends on when the reader reads.
                    reader.cursor.iter_mut().for_each(|cursor| cursor.ignored = Ignored::Sometimes);
                }
            }
            Step::Read { who, n } => {
                for _ in 0..n {
                    if !take(&model, who, &mut readers[who], false).await {
                        break;
                    }
                }
            }
        }
    }
    // In the end each has everything: a last word by somebody whom nobody ignores.
    let mut last = hub.account("last").await;
    last.join("lab").await;
    model.log.push((READERS + 1, "Joined".into()));
    last.say("lab", "the end").await;
    model.log.push((READERS + 1, "the end".into()));
    for (who, reader) in readers.iter_mut().enumerate() {
        while take(&model, who, reader, true).await {}
    }
    assert!(model.ephemeral || model.head() > 2);
}

/// Takes one thing and holds it against the model. False: nothing is due, or it is not here yet and not waited for.
async fn take(model: &Model, who: usize, reader: &mut Reader, wait: bool) -> bool {
    let Some(cursor) = reader.cursor.as_mut().filter(|c| c.reason.is_some() || c.next <= model.head()) else {
        return false;
    };
    let seen = if wait {
        reader.person.next_in_log().await
    } else {
        tokio::select! { biased; seen = reader.person.next_in_log() => seen, () = tokio::task::yield_now() => return false }
    };
    match seen {
        Seen::Event(_, event) => model.see(who, reader.own, cursor, event.seq, &words_of(&event)),
        Seen::Gap(_, from, to) => {
            assert!(model.ephemeral, "a gap {from}..={to} in a log that keeps all");
            assert!(
                from >= cursor.next && to >= from && to < cursor.end,
                "a gap {from}..={to} for {cursor:?}"
            );
            model.skip(who, reader.own, cursor, from);
            cursor.next = to + 1;
        }
        Seen::Ended(_, reason) => {
            assert_eq!(Some(reason), cursor.reason);
            let end = cursor.end;
            model.skip(who, reader.own, cursor, end);
            reader.cursor = None;
        }
        other => reader.person.fail(&format!("{other:?}")),
    }
    true
}

/// A few stories with every run; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 64;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_reader_sees_exactly_its_slice(
        steps in prop::collection::vec(step(), 1..60),
        ring_events in prop_oneof![Just(1usize), 2..8usize, Just(1_000)],
        ring_bytes in prop_oneof![Just(2_000usize), Just(1 << 20)],
        ephemeral in prop_oneof![3 => Just(false), 1 => Just(true)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(story(steps, ring_events, ring_bytes, ephemeral));
    }
}
