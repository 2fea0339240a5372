//! The documents say what the code does: the schema, and the page for people.

use super::*;

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.schema.json");
    let made = schema();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(kept == made, "run this test with UPDATE=1 and commit docs/protocol.schema.json");
}

fn words(schema: &Value, pointer: &str, keyword: &str) -> Vec<String> {
    let variants = schema.pointer(pointer).and_then(Value::as_array).unwrap();
    let word = |v: &Value| v.pointer(keyword).and_then(Value::as_str).map(str::to_owned);
    variants.iter().filter_map(word).collect()
}

#[test]
fn the_lists_of_types_are_whole() {
    let schema = schema();
    let types = words(&schema, "/$defs/Envelope/oneOf", "/properties/type/const");
    assert_eq!(types, Request::TYPES);
    let mut types = words(&schema, "/$defs/Received/anyOf", "/properties/type/const");
    types.extend(words(&schema, "/$defs/EventValue/anyOf", "/properties/type/const"));
    assert_eq!(types, FromHub::TYPES);
}

/// The page for people: every line of its JSON blocks is a good value, and no type or error is left out.
#[test]
fn the_page_shows_every_value_and_only_good_ones() {
    let page = include_str!("../../../../../docs/protocol.md");
    let mut seen = std::collections::BTreeSet::new();
    for block in page.split("```json\n").skip(1) {
        for line in block.split("```").next().unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let is_request = parse_request(line.as_bytes()).is_ok();
            let is_answer =
                parse_from_hub(line.as_bytes()).is_ok_and(|r| !matches!(r.value, FromHub::Unknown(_)));
            assert!(is_request || is_answer, "{line}");
            let tree: Value = serde_json::from_str(line).unwrap();
            seen.insert((is_request, tree["type"].as_str().unwrap_or("error").to_owned()));
            seen.insert((!is_answer, tree["type"].as_str().unwrap_or("error").to_owned()));
        }
    }
    for kind in Request::TYPES {
        assert!(seen.contains(&(true, (*kind).into())), "no example of the request {kind}");
    }
    for kind in FromHub::TYPES {
        assert!(seen.contains(&(false, (*kind).into())), "no example of the value {kind}");
    }
    let codes = words(&schema(), "/$defs/Kind/oneOf", "/const");
    assert_eq!(codes.len(), 15);
    for code in codes {
        assert!(page.contains(&format!("| `{code}` |")), "the error {code} is not explained");
    }
}
