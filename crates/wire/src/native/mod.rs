//! The native protocol: JSON values, a superset of the source documents' messages.
//!
//! **Invariant.** Pure: bytes in, values out. It knows no socket, no session and no hub. The contract is
//! `docs/protocol.md`; `docs/protocol.schema.json` is made from these types and held equal by a test.
//!
//! - `request` what a client may send, `parse` how it is read, `command` what it asks of the hub
//! - `value` what the hub sends, `encode` how it is written, `compat` the source documents' own messages
//! - `schema` the JSON Schema of both directions

mod command;
mod compat;
mod encode;
mod escape;
mod parse;
mod request;
mod rid;
mod schema;
#[cfg(test)]
mod tests;
mod value;

pub use command::{log_word, room_word};
pub use compat::{
    COMPAT_VALUE_BYTES_MAX, compat_arrival, compat_departure, compat_error, compat_message, compat_notice,
    compat_welcome,
};
pub use encode::{
    Sent, encode_answer, encode_event, encode_refusal, encode_reply, encode_request, encode_sent,
    encode_value, encode_welcome,
};
pub use escape::escape_into;
pub use parse::{NotFromHub, ParseProblem, Problem, parse_from_hub, parse_request};
pub use request::{At, Envelope, Login, Open, Request, Resume, Settings, start};
pub use rid::{RID_BYTES_MAX, Rid, Secret};
pub use schema::schema;
pub use value::{
    AttendeeValue, Bounds, Code, Ended, EventBody, EventValue, Failed, FromHub, Joined, MemberValue, Person,
    PersonValue, Received, RoomValue, Succeeded, Unknown, Welcome,
};
