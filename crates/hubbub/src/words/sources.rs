//! Reads the sources: each sentence that they say to people must be in a table.

use super::PHRASES;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where sentences are said, and behind what. A literal counts where it stands in the brackets behind one of the words.
const SAID: &[(&str, &[&str])] = &[
    ("model/src", &["#[error("]),
    ("wire/src", &["#[error(", "Refusal::new("]),
    ("hub/src", &["refuse(", "Refusal::new("]),
    ("door/src/url.rs", &["#[error("]),
    ("door/src/listen.rs", &["#[error("]),
    ("door/src/tls.rs", &["#[error("]),
    ("door-chat/src", &["Refusal::new("]),
    ("client/src", &["#[error(", "NotAHub("]),
    ("hubbub/src", &["tell(", "bail!(", "anyhow!(", "context(", "Refusal::new(", "words::word("]),
    ("hubbub/src/cmd/doctor", &["Check::ok(", "Check::warn(", "Check::fail(", "format!(", "let advice = "]),
    ("hubbub/src/cmd/user.rs", &["format!("]),
    ("hubbub/src/cmd/room.rs", &["format!("]),
    ("hubbub/src/control", &["format!("]),
    ("hubbub/src/data.rs", &["format!("]),
    ("hubbub/src/operator.rs", &["format!("]),
    ("hubbub/src/serve/reload.rs", &["format!(", "context("]),
];

/// What is no sentence of its own: parts of others, and what programs read.
const PASSED_OVER: &[&str] = &[
    "{what}",
    "{text}",
    "not a value of the hub: {0}",
    "{source}: {}: {message}",
    // Their ends differ; each has a row of its own.
    "cannot listen on {address} (for {url}): {source}.{}",
    "{source}: there is no key \"{name}\"{}",
    "{source}: {} = {number} is not possible: it takes {least} to {most}",
    "{text}; it has ended",
    "{text}; it is not good before {since}",
    "{text}; it ends soon",
    "{text}, and will be made at the first start",
];

#[test]
fn what_the_sources_say_is_in_a_table() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (place, words) in SAID {
        for file in files(&crates.join(place)) {
            let source = fs::read_to_string(&file).unwrap();
            for sentence in said(product(&source), words) {
                seen += 1;
                if !is_known(&sentence) {
                    missing.push(format!("{}: {sentence:?}", file.display()));
                }
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(seen > 300, "the sources are read: {seen}");
    assert!(missing.is_empty(), "no row says this in Chinese: {missing:#?}");
}

/// A template with its parts unnamed, as sources and tables name them differently. A part at the end may be empty.
fn is_known(sentence: &str) -> bool {
    if PASSED_OVER.contains(&sentence) {
        return true;
    }
    let shape = shape(sentence);
    let shorter = shape.strip_suffix("{}").unwrap_or(&shape);
    PHRASES.rows().any(|(en, _)| {
        let row = self::shape(en);
        row == shape || row == shorter || row.strip_suffix("{}") == Some(shorter)
    })
}

fn shape(template: &str) -> String {
    let template = template.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut shape = String::new();
    let mut rest = &*template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let is_part = name.chars().all(|c| c.is_ascii_alphanumeric() || "_:?<>$.".contains(c));
        shape.push_str(before);
        shape.push_str(&if is_part { "{}".to_owned() } else { format!("{{{name}}}") });
        rest = behind;
    }
    (shape + rest).replace('\u{1}', "{").replace('\u{2}', "}")
}

/// The literals in the brackets behind each of the words, as far as they are sentences.
fn said(source: &str, words: &[&str]) -> Vec<String> {
    let mut sentences = Vec::new();
    for word in words {
        for (at, _) in source.match_indices(word) {
            let is_whole = !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if is_whole || word.starts_with('#') {
                sentences.extend(literals(&source[at + word.len()..]));
            }
        }
    }
    sentences.retain(|text| {
        let words = text.split(|c: char| !c.is_ascii_lowercase()).filter(|word| word.len() > 1).count();
        text.contains(' ') && words > 1
    });
    sentences
}

/// String literals up to the bracket that closes what is open, or to the end of the statement.
fn literals(source: &str) -> Vec<String> {
    let (mut found, mut depth) = (Vec::new(), 1);
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ';' if depth <= 1 => break,
            // A character, not a lifetime.
            '\'' if source[at + 1..].starts_with('\\') || source[at + 1..].chars().nth(1) == Some('\'') => {
                let end = source[at + 2..].find('\'').map_or(at, |end| at + 2 + end);
                while chars.next_if(|(next, _)| *next <= end).is_some() {}
            }
            '/' if source[at..].starts_with("//") => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '"' => {
                let mut text = String::new();
                while let Some((_, c)) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => match chars.next().map(|(_, c)| c) {
                            Some('\n') => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                            Some('n') => text.push('\n'),
                            Some(c) => text.push(c),
                            None => {}
                        },
                        c => text.push(c),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Without the tests at its end.
fn product(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && name != "tests"
            || name.ends_with(".rs") && name != "tests.rs" && name != "sources.rs"
    };
    entries.filter(is_source).flat_map(|path| files(&path)).collect()
}
