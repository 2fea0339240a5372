//! Search: words, filters, and the text that is shown.

use super::*;

pub(super) fn all<S: Subject>(subject: &mut S) {
    searches_words(subject);
    searches_within_filters(subject);
    finds_what_lies_behind_many_other_hits(subject);
    takes_any_query(subject);
    search_follows_edits_and_redactions(subject);
    a_hit_shows_the_text_of_the_last_edit(subject);
}

fn searches_words<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    scene.say(1, "今天天气不错，一起聊天吗？");
    scene.say(2, "Weather report: Café 延迟 42ms");
    scene.put(1, EventKind::File { name: Text::ours("weather-2024.csv"), size: 1 });
    scene.put(2, EventKind::Topic(Text::ours("weather of topics is not searched")));
    scene.say(1, "한국어 と ひらがな と 𠀀𠀁 Ｆｕｌｌ don't");
    for (words, found) in [
        ("聊天", &[(1, 1)][..]),
        ("聊", &[(1, 1)]),
        ("天", &[(1, 1)]),
        ("天聊", &[]),
        ("天气 聊天", &[(1, 1)]),
        ("延迟", &[(2, 1)]),
        ("迟42", &[(2, 1)]),
        ("wea", &[(1, 2), (2, 1)]),
        ("WEATHER rep", &[(2, 1)]),
        ("eather", &[]),
        ("cafe", &[(2, 1)]),
        ("CAFÉ", &[(2, 1)]),
        ("2024.csv", &[(1, 2)]),
        ("weather-2024", &[(1, 2)]),
        ("国", &[]),
        ("국", &[(1, 3)]),
        ("らが", &[(1, 3)]),
        ("𠀁", &[(1, 3)]),
        ("full", &[(1, 3)]),
        ("don't", &[(1, 3)]),
        ("nowhere", &[]),
        ("", &[]),
    ] {
        assert_eq!(scene.found(words), found, "{words}");
    }
    scene.reopen();
    assert_eq!(scene.found("聊天"), [(1, 1)]);
}

fn searches_within_filters<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let start = scene.now_ms;
    scene.write(vec![Write::Sender(guest(2, "Zoë"))]);
    for n in 0..200 {
        scene.sender = if n % 2 == 0 { guest(1, "Ada") } else { guest(2, "Zoë") };
        scene.say(1 + n % 3 % 2, "same word");
    }
    let base = plan("word");
    let all = scene.search(&SearchPlan { limit: 1000, ..base.clone() });
    assert_eq!(all.len(), 200);
    let times = |from: i64, to: i64| (Some(start + 1 + from), Some(start + 1 + to));
    let (since_ms, until_ms) = times(101, 104);
    // Message n is in room 1 + n % 3 % 2 and has the time of n + 1 behind the start.
    assert_eq!(scene.search(&SearchPlan { since_ms, until_ms, ..base.clone() }).len(), 4);
    assert_eq!(scene.search(&SearchPlan { limit: 3, ..base.clone() }), all[..3]);
    let mine = scene.search(&SearchPlan { sender_fold: Some("zoë".into()), limit: 1000, ..base.clone() });
    assert_eq!(mine.len(), 100);
    let one = scene.search(&SearchPlan {
        rooms: vec![RoomId(2), RoomId(2), RoomId(7)],
        limit: 1000,
        ..base.clone()
    });
    assert!(one.iter().all(|(room, _)| *room == 2) && one.len() == 67);
    assert_eq!(scene.search(&SearchPlan { rooms: vec![], ..base.clone() }), []);
    assert_eq!(scene.search(&SearchPlan { limit: 0, ..base.clone() }), []);
    assert_eq!(scene.search(&SearchPlan { sender_fold: Some("nobody".into()), ..base }), []);
}

/// More places than one step of any store looks at.
const FAR: usize = 12_000;

/// A filter that few fit, on a word that everybody says.
fn finds_what_lies_behind_many_other_hits<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    scene.write(vec![Write::Sender(guest(2, "Zoë"))]);
    let start = scene.now_ms;
    for room in [1, 2] {
        scene.sender = guest(2, "Zoë");
        scene.say(room, "same word");
        scene.sender = guest(1, "Ada");
        let appends: Vec<Append> = (0..FAR).map(|_| scene.append(room, message("same word"))).collect();
        scene.write(appends.into_iter().map(Write::Append).collect());
    }
    let base = plan("word");
    let hers = SearchPlan { sender_fold: Some("zoë".into()), ..base.clone() };
    assert_eq!(scene.search(&hers), [(2, 1), (1, 1)]);
    assert_eq!(scene.search(&SearchPlan { until_ms: Some(start + 1), ..base.clone() }), [(1, 1)]);
    let all = scene.search(&SearchPlan { limit: usize::MAX, ..base });
    assert_eq!(all.len(), 2 * FAR + 2);
    assert!(all.is_sorted_by_key(|(room, seq)| std::cmp::Reverse((*room, *seq))), "newest first, none twice");
    // One step is no more than a step where there is that much to look at.
    let first = scene.reader().search(&hers, Findings::default()).unwrap();
    assert!(first.more.is_none() || first.hits.is_empty());
}

fn takes_any_query<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    scene.say(1, "near and or not 👍 quote\" star*");
    for (words, hit) in [
        ("\"", false),
        ("*", false),
        ("AND", true),
        ("OR NOT", true),
        ("NEAR(", true),
        ("near/2 and", false),
        ("👍", false),
        ("quote\"", true),
        ("star*", true),
        ("body:near", false),
        ("^near", true),
        ("{}[]()-+:;,.<>~|\\", false),
        ("'; DROP TABLE words; --", false),
        ("near \u{301}\u{200d}", true),
        ("a\u{0}b", false),
    ] {
        let found = scene.found(words);
        // Marks without a letter are a word to some stores and none to others.
        assert!(found.is_empty() != hit || words.contains('\u{301}'), "{words:?} found {found:?}");
    }
    let long = format!("{} {}", "near ".repeat(1000), "天".repeat(5000));
    scene.found(&long);
}

fn search_follows_edits_and_redactions<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (first, second) = (scene.say(1, "alpha"), scene.say(1, "beta 聊天"));
    let notice = scene.put(1, EventKind::Notice(Text::ours("beta notice")));
    let edit = |target, text| EventKind::Edit { target, text: Text::ours(text) };
    let redact = |target| EventKind::Redaction { target, reason: Text::ours("beta is no reason") };
    assert_eq!(scene.found("beta"), [(1, 3), (1, 2)]);
    let changed = scene.put(1, edit(first, "gamma 聊天"));
    assert_eq!(
        (scene.found("alpha"), scene.found("gamma"), scene.found("聊天")),
        (vec![], vec![(1, 1)], vec![(1, 2), (1, 1)])
    );
    scene.put(1, redact(second));
    scene.put(1, redact(notice));
    assert_eq!((scene.found("beta"), scene.found("聊天")), (vec![], vec![(1, 1)]));
    scene.put(1, edit(second, "delta"));
    assert_eq!(scene.found("delta"), [], "what was taken back stays so");
    scene.put(1, redact(changed));
    assert_eq!((scene.found("gamma"), scene.found("alpha")), (vec![], vec![(1, 1)]));
    // All at once, so that the search sees only the end of it.
    let third = scene.append(1, message("epsilon"));
    let id = third.id;
    let (kind_a, kind_b) = (edit(id, "zeta"), redact(id));
    let (a, b) = (scene.append(1, kind_a), scene.append(1, kind_b));
    scene.write([third, a, b].map(Write::Append).into());
    assert_eq!((scene.found("epsilon"), scene.found("zeta")), (vec![], vec![]));
    scene.reopen();
    assert_eq!(scene.found("alpha"), [(1, 1)]);
}

fn a_hit_shows_the_text_of_the_last_edit<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let first = scene.put(1, EventKind::Message { text: Text::ours("alpha one"), reply_to: Some(nth(900)) });
    let second = scene.put(1, amending(first, "alpha two"));
    let third = scene.put(1, amending(first, "alpha three"));
    assert_eq!(scene.shown("alpha"), ["alpha three"]);
    assert_eq!((scene.shown("two"), scene.shown("one")), (vec![], vec![]));
    scene.subject.settle(scene.store.as_ref().unwrap());
    let hit = search_all(scene.reader().as_mut(), &plan("three")).unwrap().remove(0).1;
    assert_eq!((hit.id, hit.seq, hit.ordinal), (first, 1, 1), "it is the message, with other words");
    assert!(matches!(hit.kind, EventKind::Message { reply_to: Some(_), .. }));
    // Taken back one by one, from the last.
    scene.put(1, redacting(third));
    assert_eq!((scene.shown("alpha"), scene.shown("three")), (vec!["alpha two".to_owned()], vec![]));
    scene.reopen();
    assert_eq!(scene.shown("two"), ["alpha two"]);
    let fourth = scene.put(1, amending(first, "alpha four"));
    scene.put(1, redacting(second));
    assert_eq!(scene.shown("alpha"), ["alpha four"], "one below the last changes nothing");
    scene.put(1, redacting(fourth));
    assert_eq!(scene.shown("alpha"), ["alpha one"]);
    scene.put(1, redacting(first));
    assert_eq!(scene.shown("alpha"), [""; 0]);
}
