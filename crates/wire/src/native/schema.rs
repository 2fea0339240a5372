//! The JSON Schema of the native protocol, made from the types that read and write it.
//!
//! **Invariant.** `docs/protocol.schema.json` equals this; a test holds them together.

use super::{request::Envelope, value::Received};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema (JSON Schema 2020-12) of what a client may send (`$defs/Envelope`) and of what the hub sends
/// (`$defs/Received`).
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let request = generator.subschema_for::<Envelope>();
    let answer = generator.subschema_for::<Received>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hubbub native protocol, version 1",
        "description": "Each value is either a request of a client or a value of the hub.",
        "anyOf": [request, answer],
        "$defs": generator.take_definitions(true),
    })
}
