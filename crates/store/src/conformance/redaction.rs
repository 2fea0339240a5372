//! What is taken back leaves no text.

use super::*;

pub(super) fn all<S: Subject>(subject: &mut S) {
    blanks_what_is_redacted(subject);
    a_redaction_blanks_all_edits_too(subject);
}

fn blanks_what_is_redacted<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let secret = scene.say(1, "secret");
    scene.say(1, "plain");
    scene.say(2, "other");
    let mut before = scene.log(1);
    // One in a batch of its own, one in the batch of its target, and one of nothing.
    let slip = scene.append(1, EventKind::File { name: Text::ours("slip"), size: 3 });
    let redact = |target| EventKind::Redaction { target, reason: Text::ours("why") };
    let first = scene.append(1, redact(slip.id));
    let nothing = scene.append(1, redact(nth(500)));
    scene.write(vec![Write::Append(slip), Write::Append(first), Write::Append(nothing)]);
    scene.put(1, redact(secret));
    scene.reopen();
    let log = scene.log(1);
    before[0].kind = EventKind::Redacted;
    assert_eq!(log[..2], before[..], "all but kind and text stay");
    assert_eq!((&log[2].kind, log[2].ordinal), (&EventKind::Redacted, 3));
    assert_eq!(log[5].kind, redact(secret));
    assert_eq!(log.len(), 6);
}

fn a_redaction_blanks_all_edits_too<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (first, other) = (scene.say(1, "alpha"), scene.say(1, "omega"));
    scene.put(1, amending(first, "beta"));
    scene.put(1, amending(other, "psi"));
    let elsewhere = scene.put(2, amending(first, "not of this room"));
    // One edit more in the batch of the redaction.
    let (edit, redaction) = (scene.append(1, amending(first, "gamma")), scene.append(1, redacting(first)));
    scene.write(vec![Write::Append(edit), Write::Append(redaction)]);
    for reopened in [false, true] {
        let kinds: Vec<EventKind> = scene.log(1).into_iter().map(|event| event.kind).collect();
        let blank = EventKind::Redacted;
        let expected =
            [blank.clone(), message("omega"), blank.clone(), amending(other, "psi"), blank, redacting(first)];
        assert_eq!(kinds, expected, "reopened: {reopened}");
        for words in ["alpha", "beta", "gamma", "omega"] {
            assert_eq!(scene.found(words), [], "{words}");
        }
        assert_eq!(scene.found("psi"), [(1, 2)]);
        scene.reopen();
    }
    assert_eq!(scene.log(2)[0].kind, amending(first, "not of this room"), "{elsewhere:?}");
    // A trimmed message's edits are blanked as well; a trimmed edit is no more.
    scene.put(1, amending(other, "chi"));
    scene.write(vec![Write::Trim(RoomId(1), 5)]);
    scene.put(1, redacting(other));
    assert!(scene.log(1).iter().all(|event| !matches!(event.kind, EventKind::Edit { .. })));
}
