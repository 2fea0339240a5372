//! Events and answers as lines of text.
//!
//! **Invariant.** A message is `NAME: TEXT`, byte for byte as the source documents show it. Lines of the hub's own
//! begin with `* `.

use crate::words::Words;
use hubbub_model::{Attendee, Event, EventKind, MemberChange, Presence, Reply, RoomCard};
use hubbub_wire::text::{Language, encode_line, encode_message};

/// Appends the event as its readers see it; nothing for what a reader of lines need not know.
pub(crate) fn event(event: &Event, direct: bool, out: &mut Vec<u8>) {
    let name = event.sender.name.as_str();
    match &event.kind {
        EventKind::Message { text, .. } => {
            if direct {
                direct_message(name, text, out);
            } else {
                encode_message(name, text, out);
            }
        }
        EventKind::Edit { text, .. } => encode_line(&format!("* {name} edited: {text}"), out),
        EventKind::Topic(topic) => encode_line(&format!("* {name} set the topic: {topic}"), out),
        EventKind::Notice(text) => encode_line(&format!("* {text}"), out),
        EventKind::File { name: file, size } => {
            encode_line(&format!("* {name} shared {file} ({size} bytes)"), out);
        }
        EventKind::Member(change) => {
            if let Some(line) = member(name, change) {
                encode_line(&line, out);
            }
        }
        EventKind::Redaction { .. } | EventKind::Redacted | EventKind::Reaction { .. } => {}
    }
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

fn member(by: &str, change: &MemberChange) -> Option<String> {
    match change {
        MemberChange::Kicked { name, reason } => Some(format!("* {by} sent {name} out{}", because(reason))),
        MemberChange::Banned { name, reason, .. } => Some(format!("* {by} banned {name}{}", because(reason))),
        MemberChange::Standing { name, standing } => {
            Some(format!("* {by} made {name} {}", format!("{standing:?}").to_lowercase()))
        }
        MemberChange::Settings { what } => Some(format!("* {by} set {what}")),
        MemberChange::Renamed { name } => Some(format!("* {by} renamed the room: {name}")),
        MemberChange::Joined
        | MemberChange::Left
        | MemberChange::Invited { .. }
        | MemberChange::Unbanned { .. } => None,
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// The lines that show an answer.
pub(crate) fn of(reply: &Reply, language: Language) -> Vec<String> {
    let words = Words::in_language(language);
    match reply {
        Reply::Rooms(cards) => cards.iter().map(|card| room(card, words)).collect(),
        Reply::Room(card) => vec![room(card, words)],
        Reply::Attendees(who, total) => {
            who.iter().map(|one| attendee(one, words)).chain([words.here(*total)]).collect()
        }
        Reply::Members(members, total) => members
            .iter()
            .map(|m| format!("* {} {}", m.name, presence(&m.presence, words)))
            .chain([words.here(*total)])
            .collect(),
        Reply::Whois { name, presence: how, account } => {
            let what = if account.is_some() { words.account } else { words.guest };
            vec![format!("* {name}: {what}, {}", presence(how, words))]
        }
        Reply::History { events, .. } => shown(events.iter()),
        Reply::Found(hits) if hits.is_empty() => vec![format!("* {}", words.nothing_found)],
        Reply::Found(hits) => hits
            .iter()
            .flat_map(|(room, e)| shown([e]).into_iter().map(move |line| format!("[{room}] {line}")))
            .collect(),
        Reply::Named(name) => vec![format!("* {} {name}", words.you_are)],
        // The rest is not asked for here, or is silent.
        Reply::Done
        | Reply::Committed { .. }
        | Reply::Attached { .. }
        | Reply::Accounts(_)
        | Reply::Account(_)
        | Reply::Token { .. }
        | Reply::Tokens(_)
        | Reply::Hub(_)
        | Reply::Pong(_) => Vec::new(),
    }
}

fn shown<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<String> {
    let mut out = Vec::new();
    for one in events {
        event(one, false, &mut out);
    }
    String::from_utf8_lossy(&out).lines().map(str::to_owned).collect()
}

fn room(card: &RoomCard, words: &Words) -> String {
    let unread = if card.unread > 0 { format!(", {} {}", card.unread, words.unread) } else { String::new() };
    let topic = if card.topic.is_empty() { String::new() } else { format!(" - {}", card.topic) };
    format!("* {} ({} {}{unread}){topic}", card.name, card.attendees, words.present)
}

fn attendee(one: &Attendee, words: &Words) -> String {
    let away = one.away.as_ref().map_or(String::new(), |text| format!(" ({} {text})", words.away));
    let guest = if one.kind == hubbub_model::SenderKind::Guest {
        format!(" [{}]", words.guest)
    } else {
        String::new()
    };
    format!("* {}{guest}{away}", one.name)
}

fn presence(presence: &Presence, words: &Words) -> String {
    match presence {
        Presence::Here => words.is_here.into(),
        Presence::Away { text } => format!("{} {text}", words.away),
        Presence::Gone { .. } => words.gone.into(),
    }
}
