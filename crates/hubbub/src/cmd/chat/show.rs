//! What the hub says, as lines of text.
//!
//! **Invariant.** One line each, whatever is in it: all that others wrote is made harmless, and their line ends become
//! a sign. `HH:MM name: text` is said by people; a line that begins with `--` is not.

use crate::words::tell;
use hubbub_client::wire::{AttendeeValue, Ended, EventBody, EventValue, FromHub, RoomValue};
use hubbub_model::{MemberChange, Presence, SenderKind, Standing, harmless};
use jiff::{Timestamp, tz::TimeZone};

/// The event, `tag` naming its room where that is not clear.
pub(crate) fn event(value: &EventValue, tag: Option<&str>) -> String {
    let tag = tag.map(|tag| format!("[{}] ", one_line(tag))).unwrap_or_default();
    match &value.body {
        EventBody::Message { message, .. } => {
            let name = one_line(&value.sender_nickname);
            let time = time(value.ts);
            match action(message) {
                Some(done) => format!("{time} {tag}* {name} {}", one_line(done)),
                None => format!("{time} {tag}{name}: {}", one_line(message)),
            }
        }
        body => format!("-- {tag}{}", change(&one_line(&value.sender_nickname), body)),
    }
}

/// A notice of ours or of the hub.
pub(crate) fn notice(text: &str) -> String {
    format!("-- {}", one_line(text))
}

/// What is told but not kept; `None` for what people need not see. `label` is what people call a room, `tag` the same
/// where the room must be named.
pub(crate) fn signal(
    value: &FromHub,
    label: impl Fn(&str) -> String,
    tag: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let tag = match value {
        FromHub::Attend { room, .. } => tag(room).map(|tag| format!("[{tag}] ")),
        _ => None,
    };
    let told = match value {
        FromHub::Attend { who, on: true, .. } => tell("{name} is here", &[("name", &who.nickname)]),
        FromHub::Attend { who, .. } => tell("{name} has gone", &[("name", &who.nickname)]),
        FromHub::Renamed { who, was } => {
            tell("{was} is now {name}", &[("was", was), ("name", &who.nickname)])
        }
        FromHub::Closed { room, reason, .. } => closed(&label(room), *reason),
        FromHub::Invited { room, by } => {
            tell("{name} invites you to {room}: /join {room}", &[("name", by), ("room", room)])
        }
        FromHub::Announce { text } => text.to_string(),
        FromHub::Error { message, .. } => message.to_string(),
        FromHub::Unknown(value) => value.message()?.to_owned(),
        _ => return None,
    };
    Some(notice(&(tag.unwrap_or_default() + &told)))
}

/// The answer to something asked; no lines for what is told in another way.
pub(crate) fn answer(value: &FromHub) -> Vec<String> {
    match value {
        FromHub::Rooms { rooms } if rooms.is_empty() => vec![notice(&tell("there are no rooms", &[]))],
        FromHub::Rooms { rooms } => rooms.iter().map(room).collect(),
        FromHub::Room(room) => vec![topic(room)],
        FromHub::Who { who, total, .. } => vec![attendees(who, *total)],
        FromHub::Whois { nickname, account, presence } => {
            vec![whois(nickname, account.as_deref().map(|card| card.role.word()), presence)]
        }
        FromHub::History { events, .. } if events.is_empty() => {
            vec![notice(&tell("nothing was said yet", &[]))]
        }
        FromHub::History { events, .. } => events.iter().map(|value| event(value, None)).collect(),
        FromHub::Found { events } if events.is_empty() => vec![notice(&tell("nothing found", &[]))],
        FromHub::Found { events } => {
            let place =
                |value: &EventValue| value.with.as_deref().map_or_else(|| value.room.clone(), with_sign);
            events.iter().rev().map(|value| event(value, Some(&place(value)))).collect()
        }
        FromHub::Named { nickname } => vec![notice(&tell("you are now {name}", &[("name", nickname)]))],
        FromHub::Ok => vec![notice(&tell("done", &[]))],
        _ => Vec::new(),
    }
}

/// The text on one line, without anything that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    let lines = text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n").replace(['\n', '\r'], LINE_END);
    harmless(&lines).into_owned()
}

/// What `/me` sends: the text says so itself, and every client shows it as a deed.
pub(crate) fn as_action(text: &str) -> String {
    format!("{ACTION}{text}")
}

fn action(text: &str) -> Option<&str> {
    text.strip_prefix(ACTION)
}

/// The time of the day, with the day unless it is today.
fn time(ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(ms) else { return "--:--".to_owned() };
    let zone = TimeZone::system();
    let (at, now) = (at.to_zoned(zone.clone()), Timestamp::now().to_zoned(zone));
    let format = if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(format).to_string()
}

fn change(name: &str, body: &EventBody) -> String {
    let name = ("name", name);
    let told = match body {
        EventBody::Edit { text, .. } => tell("{name} edited: {text}", &[name, ("text", text)]),
        EventBody::Redaction { reason, .. } => {
            tell("{name} removed a message {reason}", &[name, ("reason", &in_brackets(reason))])
        }
        EventBody::Redacted => tell("a message that was removed", &[]),
        EventBody::Reaction { sign, on: true, .. } => tell("{name} answered {sign}", &[name, ("sign", sign)]),
        EventBody::Reaction { sign, .. } => tell("{name} took {sign} back", &[name, ("sign", sign)]),
        EventBody::Topic { topic } if topic.is_empty() => tell("{name} took the topic away", &[name]),
        EventBody::Topic { topic } => tell("{name} set the topic: {topic}", &[name, ("topic", topic)]),
        EventBody::Member { change } => member(name, change),
        EventBody::File { name: file, size } => {
            tell("{name} put a file here: {file}, {size}", &[name, ("file", file), ("size", &bytes(*size))])
        }
        EventBody::Notice { text } => text.to_string(),
        EventBody::Message { message, .. } => message.to_string(),
        EventBody::Unknown(value) => match value.message() {
            Some(message) => format!("{}: {message}", name.1),
            None => tell("{name}: something of a newer hub ({kind})", &[name, ("kind", &value.kind)]),
        },
    };
    one_line(told.trim_end())
}

fn member(name: (&str, &str), change: &MemberChange) -> String {
    match change {
        MemberChange::Joined => tell("{name} became a member", &[name]),
        MemberChange::Left => tell("{name} is no longer a member", &[name]),
        MemberChange::Invited { name: who } => tell("{name} invited {who}", &[name, ("who", who.as_str())]),
        MemberChange::Kicked { name: who, reason } => tell(
            "{name} sent {who} out {reason}",
            &[name, ("who", who.as_str()), ("reason", &in_brackets(reason))],
        ),
        MemberChange::Banned { name: who, reason, .. } => tell(
            "{name} banned {who} {reason}",
            &[name, ("who", who.as_str()), ("reason", &in_brackets(reason))],
        ),
        MemberChange::Unbanned { name: who } => {
            tell("{name} lifted the ban of {who}", &[name, ("who", who.as_str())])
        }
        MemberChange::Standing { name: who, standing } => {
            tell("{name} made {who} {why}", &[name, ("who", who.as_str()), ("why", standing_word(*standing))])
        }
        MemberChange::Settings { what } => tell("{name} changed the room: {what}", &[name, ("what", what)]),
        MemberChange::Renamed { name: room } => {
            tell("{name} renamed the room to {room}", &[name, ("room", room.as_str())])
        }
    }
}

fn closed(room: &str, reason: Ended) -> String {
    let room = [("room", room)];
    match reason {
        Ended::Left => tell("you left {room}", &room),
        Ended::Kicked => tell("you were sent out of {room}", &room),
        Ended::Banned => tell("you are banned from {room}", &room),
        Ended::Deleted => tell("{room} was deleted", &room),
        Ended::Other => tell("you are no longer in {room}", &room),
    }
}

fn room(room: &RoomValue) -> String {
    let name = room.with.as_ref().map_or_else(|| room.room.clone(), |with| with_sign(with));
    let n = room.attendees.to_string();
    let told = tell("{room}  {n} here  {topic}", &[("room", &name), ("n", &n), ("topic", &room.topic)]);
    notice(told.trim_end())
}

fn topic(room: &RoomValue) -> String {
    notice(&match &*room.topic {
        "" => tell("{room} has no topic", &[("room", &room.room)]),
        topic => tell("topic of {room}: {topic}", &[("room", &room.room), ("topic", topic)]),
    })
}

fn attendees(who: &[AttendeeValue], total: u32) -> String {
    let names: Vec<String> = who.iter().map(attendee).collect();
    let more = if names.len() < total as usize { ", …" } else { "" };
    notice(&tell("{n} here: {names}", &[("n", &total.to_string()), ("names", &(names.join(", ") + more))]))
}

/// `~` marks guests and `@` operators.
fn attendee(who: &AttendeeValue) -> String {
    let sign = match (who.kind, who.standing) {
        (_, Standing::Operator) => "@",
        (SenderKind::Guest, _) => "~",
        _ => "",
    };
    format!("{sign}{}", who.nickname)
}

fn whois(name: &str, role: Option<&str>, presence: &Presence) -> String {
    let (name, role) = (("name", name), role.map(|role| ("role", role)));
    notice(
        match (role, presence) {
            (None, Presence::Here) => tell("{name}, a guest: here", &[name]),
            (None, Presence::Away { text }) => {
                tell("{name}, a guest: away {text}", &[name, ("text", &in_brackets(text))])
            }
            (None, Presence::Gone { .. }) => tell("{name}, a guest: gone", &[name]),
            (Some(role), Presence::Here) => tell("{name}, {role}: here", &[name, role]),
            (Some(role), Presence::Away { text }) => {
                tell("{name}, {role}: away {text}", &[name, role, ("text", &in_brackets(text))])
            }
            (Some(role), Presence::Gone { .. }) => tell("{name}, {role}: gone", &[name, role]),
        }
        .trim_end(),
    )
}

/// How a direct is called.
pub(crate) fn with_sign(with: &str) -> String {
    if with.starts_with('@') { with.to_owned() } else { format!("@{with}") }
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "member",
        Standing::Voice => "voice",
        Standing::Operator => "operator",
    }
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("({text})") }
}

/// KB, MB and GB of 1,000, two figures.
fn bytes(n: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match units.into_iter().find(|(unit, _)| n >= *unit) {
        None => format!("{n} B"),
        Some((unit, word)) if n >= unit * 10 => format!("{} {word}", (n + unit / 2) / unit),
        Some((unit, word)) => format!("{}.{} {word}", n / unit, n % unit * 10 / unit),
    }
}

const ACTION: &str = "/me ";
/// Stands for a line end inside a message.
const LINE_END: &str = " ⏎ ";

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_model::{EventId, Text};

    fn value(body: EventBody) -> EventValue {
        EventValue {
            room: "lab".into(),
            with: None,
            seq: 1,
            id: EventId(1),
            ts: Timestamp::now().as_millisecond(),
            sender_id: 1,
            sender_nickname: "ada".into(),
            sender_kind: SenderKind::Guest,
            via: "nc".into(),
            session: 1,
            body,
        }
    }

    fn message(text: &str) -> EventValue {
        value(EventBody::Message { message: Text::ours(text), reply_to: None })
    }

    /// Without the time.
    fn shown(text: &str, tag: Option<&str>) -> String {
        event(&message(text), tag)[6..].to_owned()
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(shown("hello", None), "ada: hello");
        assert_eq!(shown("hello", Some("@bob")), "[@bob] ada: hello");
        assert_eq!(shown("one\r\ntwo\n", None), "ada: one ⏎ two");
        assert_eq!(shown(&as_action("waves"), None), "* ada waves");
        let line = event(&message("x"), None);
        assert!(line.as_bytes()[2] == b':' && line.as_bytes()[5] == b' ', "{line}");
    }

    #[test]
    fn what_others_wrote_commands_no_terminal() {
        assert_eq!(shown("\u{1b}[2Jgone\u{202e}", None), "ada: \u{fffd}[2Jgone\u{fffd}");
        assert_eq!(notice("a\u{7}\n12:00 ada: fake"), "-- a\u{fffd} ⏎ 12:00 ada: fake");
    }

    #[test]
    fn an_older_day_is_named() {
        let mut old = message("x");
        old.ts = 0;
        assert!(event(&old, None).starts_with("19"), "{}", event(&old, None));
    }

    #[test]
    fn sizes_have_two_figures() {
        for (n, want) in [(999, "999 B"), (1_050, "1.0 KB"), (1_800_000, "1.8 MB"), (64_600_000, "65 MB")] {
            assert_eq!(bytes(n), want);
        }
    }
}
