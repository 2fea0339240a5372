//! Events and answers as lines of text.
//!
//! **Invariant.** A message is `NAME: TEXT`, byte for byte as the source documents show it. Lines of the hub's own
//! begin with `* `.

use crate::words::{tell, translate};
use hubbub_model::{Attendee, Event, EventKind, Language, MemberChange, Presence, Reply, RoomCard};
use hubbub_wire::text::{encode_line, encode_message};

/// Appends the event as its readers see it; nothing for what a reader of lines need not know.
pub(crate) fn event(event: &Event, direct: bool, language: Language, out: &mut Vec<u8>) {
    let name = event.sender.name.as_str();
    if let EventKind::Message { text, .. } = &event.kind {
        if direct {
            direct_message(name, text, out);
        } else {
            encode_message(name, text, out);
        }
    } else if let Some(line) = told(name, &event.kind, language) {
        encode_line(&format!("* {line}"), out);
    }
}

/// The hub's own line about what is no message.
fn told(name: &str, kind: &EventKind, language: Language) -> Option<String> {
    Some(match kind {
        EventKind::Edit { text, .. } => {
            tell(language, "{name} edited: {text}", &[("name", name), ("text", text)])
        }
        EventKind::Topic(topic) => {
            tell(language, "{name} set the topic: {topic}", &[("name", name), ("topic", topic)])
        }
        EventKind::Notice(text) => translate(language, text).into_owned(),
        EventKind::File { name: file, size } => {
            let parts = [("name", name), ("file", &**file), ("size", &size.to_string())];
            tell(language, "{name} shared {file} ({size} bytes)", &parts)
        }
        EventKind::Member(change) => return member(name, change, language),
        EventKind::Message { .. }
        | EventKind::Redaction { .. }
        | EventKind::Redacted
        | EventKind::Reaction { .. } => return None,
    })
}

/// Each line of it says that it was said in private.
fn direct_message(name: &str, text: &str, out: &mut Vec<u8>) {
    let mut lines = Vec::new();
    encode_message(name, text, &mut lines);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(b"[direct] ");
        out.extend_from_slice(line);
    }
}

fn member(by: &str, change: &MemberChange, language: Language) -> Option<String> {
    Some(match change {
        MemberChange::Kicked { name, reason } if reason.is_empty() => {
            tell(language, "{by} sent {name} out", &[("by", by), ("name", name.as_str())])
        }
        MemberChange::Kicked { name, reason } => {
            let parts = [("by", by), ("name", name.as_str()), ("reason", &**reason)];
            tell(language, "{by} sent {name} out: {reason}", &parts)
        }
        MemberChange::Banned { name, reason, .. } if reason.is_empty() => {
            tell(language, "{by} banned {name}", &[("by", by), ("name", name.as_str())])
        }
        MemberChange::Banned { name, reason, .. } => {
            let parts = [("by", by), ("name", name.as_str()), ("reason", &**reason)];
            tell(language, "{by} banned {name}: {reason}", &parts)
        }
        MemberChange::Standing { name, standing } => {
            let standing = format!("{standing:?}").to_lowercase();
            let parts = [("by", by), ("name", name.as_str()), ("why", &*standing)];
            tell(language, "{by} made {name} {why}", &parts)
        }
        MemberChange::Settings { what } => tell(language, "{by} set {what}", &[("by", by), ("what", what)]),
        MemberChange::Renamed { name } => {
            tell(language, "{by} renamed the room: {name}", &[("by", by), ("name", name.as_str())])
        }
        MemberChange::Joined
        | MemberChange::Left
        | MemberChange::Invited { .. }
        | MemberChange::Unbanned { .. } => return None,
    })
}

/// The lines that show an answer.
pub(crate) fn of(reply: &Reply, language: Language) -> Vec<String> {
    match reply {
        Reply::Rooms(cards) => cards.iter().map(|card| room(card, language)).collect(),
        Reply::Room(card) => vec![room(card, language)],
        Reply::Attendees(who, total) => {
            who.iter().map(|one| attendee(one, language)).chain([in_all(*total, language)]).collect()
        }
        Reply::Members(members, total) => members
            .iter()
            .map(|m| format!("* {} {}", m.name, presence(&m.presence, language)))
            .chain([in_all(*total, language)])
            .collect(),
        Reply::Whois { name, presence: how, account } => {
            let how = presence(how, Language::En);
            let parts = [("name", name.as_str()), ("why", &*how)];
            vec![own(&match account {
                Some(_) => tell(language, "{name}: account, {why}", &parts),
                None => tell(language, "{name}: guest, {why}", &parts),
            })]
        }
        Reply::History { events, .. } => shown(events.iter(), language),
        Reply::Found(hits) if hits.is_empty() => vec![own(&tell(language, "nothing found", &[]))],
        Reply::Found(hits) => hits
            .iter()
            .flat_map(|hit| {
                shown([&hit.event], language).into_iter().map(move |line| format!("[{}] {line}", hit.name))
            })
            .collect(),
        Reply::Named(name) => vec![own(&tell(language, "you are {name}", &[("name", name.as_str())]))],
        // The rest is not asked for here, or is silent.
        Reply::Done
        | Reply::Committed { .. }
        | Reply::Attached { .. }
        | Reply::Accounts(_)
        | Reply::Account(_)
        | Reply::Token { .. }
        | Reply::Tokens(_)
        | Reply::Invite { .. }
        | Reply::Invites(_)
        | Reply::People(..)
        | Reply::Hub(_)
        | Reply::Pong(_) => Vec::new(),
    }
}

fn shown<'a>(events: impl IntoIterator<Item = &'a Event>, language: Language) -> Vec<String> {
    let mut out = Vec::new();
    for one in events {
        event(one, false, language, &mut out);
    }
    String::from_utf8_lossy(&out).lines().map(str::to_owned).collect()
}

fn room(card: &RoomCard, language: Language) -> String {
    let (n, unread, topic) = (card.attendees.to_string(), card.unread.to_string(), topic(card));
    let parts = [("room", card.name.as_str()), ("n", &*n), ("unread", &*unread), ("topic", &*topic)];
    own(&match card.unread {
        0 => tell(language, "{room} ({n} here){topic}", &parts),
        _ => tell(language, "{room} ({n} here, {unread} unread){topic}", &parts),
    })
}

/// The topic as the end of a line.
pub(crate) fn topic(card: &RoomCard) -> String {
    if card.topic.is_empty() { String::new() } else { format!(" - {}", card.topic) }
}

fn attendee(one: &Attendee, language: Language) -> String {
    let mut name = one.name.to_string();
    if one.kind == hubbub_model::SenderKind::Guest {
        name = tell(language, "{name} [guest]", &[("name", &name)]);
    }
    if let Some(text) = &one.away {
        name = tell(language, "{name} (away {text})", &[("name", &name), ("text", text)]);
    }
    own(&name)
}

fn in_all(n: u32, language: Language) -> String {
    own(&tell(language, "{n} in all", &[("n", &n.to_string())]))
}

fn presence(presence: &Presence, language: Language) -> String {
    match presence {
        Presence::Here => tell(language, "here", &[]),
        Presence::Away { text } => tell(language, "away {text}", &[("text", text)]),
        Presence::Gone { .. } => tell(language, "gone", &[]),
    }
}

/// A line of the hub's own.
fn own(text: &str) -> String {
    format!("* {text}")
}
