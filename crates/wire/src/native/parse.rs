//! Reading values of the native protocol, on both sides.
//!
//! **Invariant.** A problem names the member that is at fault, and carries the request's mark where one could
//! be read, so that the answer finds its request. What is sent most (`say`, `broadcast`, messages) is read into
//! flat values in one pass; everything else goes through a tree.

use super::{
    request::{Envelope, Request},
    rid::Rid,
    value::{EventBody, EventValue, FromHub, Received, own_way},
};
use hubbub_model::{EventId, Kind, Refusal, SenderKind, Text};
use serde::{Deserialize, de};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

/// A request could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ParseProblem {
    /// The request's mark, where one could be read.
    pub rid: Option<Rid>,
    /// What is wrong with it.
    pub what: Problem,
}

/// What is wrong with a request, in a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes are no JSON value.
    #[error("this is not valid JSON: {0}")]
    NotJson(String),
    /// The value is not an object.
    #[error("a request is a JSON object such as {{\"type\":\"ping\"}}")]
    NotAnObject,
    /// The object does not say what it is.
    #[error("the member \"type\" is missing; it says what is asked, such as \"say\" or \"join\"")]
    NoType,
    /// The member `type` is not a string.
    #[error("the member \"type\" must be a string")]
    BadType,
    /// There is no such request.
    #[error("there is no request of the type {0:?}")]
    UnknownType(String),
    /// A needed member is missing.
    #[error("the request {request:?} needs the member {member:?}")]
    Missing {
        /// The request's type.
        request: &'static str,
        /// The member's name.
        member: String,
    },
    /// A member has a value that it cannot have.
    #[error("the member {member:?} of the request {request:?} is wrong: {why}")]
    Member {
        /// The request's type.
        request: &'static str,
        /// The member's name.
        member: String,
        /// What it must be.
        why: String,
    },
    /// The request is wrong in another way.
    #[error("the request {request:?} is wrong: {why}")]
    Other {
        /// The request's type.
        request: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl Problem {
    /// What the problem means.
    pub fn kind(&self) -> Kind {
        match self {
            Self::UnknownType(_) => Kind::Unsupported,
            _ => Kind::Invalid,
        }
    }
}

impl ParseProblem {
    /// The problem as the refusal that the peer is sent.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.what.kind(), &self.what)
    }
}

/// Reads one request: exactly one JSON object, with white space around it at most.
pub fn parse_request(value: &[u8]) -> Result<Envelope, ParseProblem> {
    match parse_spoken(value) {
        Some(envelope) => Ok(envelope),
        None => parse_any(value),
    }
}

/// The members of what is said most, borrowed where they can be.
#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(default)]
    rid: Option<Rid>,
    #[serde(default)]
    room: Option<String>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    message: Option<Text>,
    #[serde(default)]
    reply_to: Option<EventId>,
    #[serde(default)]
    txn: Option<String>,
}

/// The word of `type` where it is the first member, as nearly everybody writes it.
fn leading_type(value: &[u8]) -> Option<&[u8]> {
    let name = value.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    let colon = name.strip_prefix(b"\"type\"")?.trim_ascii_start();
    let word = colon.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    word.get(..memchr::memchr(b'"', word)?)
}

/// `say` and `broadcast` in one pass. `None`: something else, or wrong; the slow way finds out what.
fn parse_spoken(value: &[u8]) -> Option<Envelope> {
    if !matches!(leading_type(value), Some(b"say" | b"broadcast")) {
        return None;
    }
    let Spoken { kind, rid, room, text, message, reply_to, txn } = serde_json::from_slice(value).ok()?;
    let request = match &*kind.0 {
        "say" => Request::Say { room, text: text?, reply_to, txn },
        "broadcast" => Request::Broadcast { message: message?, room },
        _ => return None,
    };
    Some(Envelope { rid, request })
}

fn parse_any(value: &[u8]) -> Result<Envelope, ParseProblem> {
    let wrong = |rid: Option<Rid>, what| ParseProblem { rid, what };
    let tree: Value =
        serde_json::from_slice(value).map_err(|e| wrong(None, Problem::NotJson(e.to_string())))?;
    let Value::Object(members) = tree else { return Err(wrong(None, Problem::NotAnObject)) };
    let rid = members.get("rid").and_then(|rid| Rid::deserialize(rid).ok());
    let request = match request_type(&members) {
        Ok(request) => request,
        Err(what) => return Err(wrong(rid, what)),
    };
    let tree = Value::Object(members);
    match Envelope::deserialize(&tree) {
        Ok(envelope) => Ok(envelope),
        Err(e) => Err(wrong(rid, explain(request, &tree, &e.to_string()))),
    }
}

fn request_type(members: &Map<String, Value>) -> Result<&'static str, Problem> {
    let kind = members.get("type").ok_or(Problem::NoType)?.as_str().ok_or(Problem::BadType)?;
    let known = Request::TYPES.iter().find(|known| **known == kind);
    known.copied().ok_or_else(|| Problem::UnknownType(kind.chars().take(TYPE_SHOWN_CHARS).collect()))
}

/// Finds the member at fault: it is the one without which the complaint is another one, or none.
fn explain(request: &'static str, tree: &Value, why: &str) -> Problem {
    if let Some(member) = why.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Problem::Missing { request, member: member.into() };
    }
    let names = tree.as_object().into_iter().flat_map(Map::keys).filter(|name| *name != "type");
    let guilty = names.take(MEMBERS_TRIED).find(|name| complaint_without(tree, name).as_deref() != Some(why));
    let why = why.to_owned();
    match guilty {
        Some(member) => Problem::Member { request, member: member.clone(), why },
        None => Problem::Other { request, why },
    }
}

fn complaint_without(tree: &Value, name: &str) -> Option<String> {
    let members = tree.as_object()?.iter().filter(|(n, _)| *n != name);
    let rest: Map<String, Value> = members.map(|(n, v)| (n.clone(), v.clone())).collect();
    Envelope::deserialize(&Value::Object(rest)).err().map(|e| e.to_string())
}

/// A value of the hub could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a value of the hub: {0}")]
pub struct NotFromHub(#[from] serde_json::Error);

/// Reads one value of the hub. What this version does not know (a type, or a known type with other members) is
/// `FromHub::Unknown`; an event among that is an event still, with `EventBody::Unknown`. Only what the client's own places
/// and answers rest on must be whole.
pub fn parse_from_hub(value: &[u8]) -> Result<Received, NotFromHub> {
    if let Some(event) = parse_heard(value) {
        return Ok(event);
    }
    let mut tree: Value = serde_json::from_slice(value)?;
    name_type(&mut tree);
    let received = Received::deserialize(&tree)?;
    match &received.value {
        FromHub::Unknown(value) if MUST_BE_WHOLE.contains(&value.kind.as_str()) => {
            let text = format!("the value {:?} is not whole", value.kind);
            Err(<serde_json::Error as de::Error>::custom(text).into())
        }
        _ => Ok(received),
    }
}

/// What the hub says before a login with `"v":1` names no type: an error is known by its `status`.
fn name_type(tree: &mut Value) {
    if let Value::Object(members) = tree
        && !members.contains_key("type")
        && members.get("status").and_then(Value::as_str) == Some("error")
    {
        members.insert("type".into(), "error".into());
    }
}

impl FromHub {
    /// All values that `type` may have.
    pub const TYPES: &'static [&'static str] = &[
        "welcome",
        "error",
        "ok",
        "sent",
        "joined",
        "rooms",
        "room",
        "who",
        "members",
        "people",
        "whois",
        "history",
        "found",
        "accounts",
        "account",
        "token",
        "tokens",
        "invite_link",
        "invite_links",
        "pong",
        "named",
        "presence",
        "attend",
        "attendees",
        "renamed",
        "typing",
        "gap",
        "closed",
        "unread",
        "invited",
        "announce",
        "bye",
        "message",
        "edit",
        "redaction",
        "redacted",
        "reaction",
        "member",
        "topic",
        "notice",
        "file",
    ];
}

/// The members of a message, in one pass.
#[derive(Deserialize)]
struct Heard<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    room: String,
    seq: u64,
    id: EventId,
    ts: i64,
    sender_id: u64,
    sender_nickname: String,
    #[serde(default)]
    sender_kind: Option<SenderKind>,
    #[serde(default = "own_way")]
    via: String,
    session: u64,
    message: Text,
    #[serde(default)]
    reply_to: Option<EventId>,
}

fn parse_heard(value: &[u8]) -> Option<Received> {
    if leading_type(value) != Some(b"message") {
        return None;
    }
    let h: Heard<'_> = serde_json::from_slice(value).ok().filter(|h: &Heard<'_>| h.kind.0 == "message")?;
    let event = EventValue {
        room: h.room,
        with: None,
        seq: h.seq,
        id: h.id,
        ts: h.ts,
        sender_id: h.sender_id,
        sender_nickname: h.sender_nickname,
        sender_kind: h.sender_kind.unwrap_or(SenderKind::Account),
        via: h.via,
        session: h.session,
        body: EventBody::Message { message: h.message, reply_to: h.reply_to },
    };
    Some(Received { rid: None, value: FromHub::Event(Box::new(event)) })
}

/// A string that is borrowed where it holds no escape.
struct Word<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_str(WordVisitor)
    }
}

struct WordVisitor;

impl<'de> de::Visitor<'de> for WordVisitor {
    type Value = Word<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, s: &'de str) -> Result<Word<'de>, E> {
        Ok(Word(s.into()))
    }

    fn visit_str<E: de::Error>(self, s: &str) -> Result<Word<'de>, E> {
        Ok(Word(s.to_owned().into()))
    }
}

/// What the client's own places and answers rest on.
const MUST_BE_WHOLE: &[&str] = &["welcome", "error", "sent", "joined", "gap", "closed", "named", "bye"];
/// How much of an unknown type an answer repeats.
const TYPE_SHOWN_CHARS: usize = 32;
/// How many members are tried in the search for the one at fault; bounds the work that a bad request makes.
const MEMBERS_TRIED: usize = 16;
