//! The layers of a configuration: what the file says, what the environment says, what the flags say. Each is a list
//! of keys with their raw values and where they stand; nothing is checked here but whether the key is known.

use super::{
    load::{Flags, Source},
    reference::{KEYS, Key, Kind, key},
};
use anyhow::{Result, anyhow};
use std::{
    ffi::OsString,
    ops::Range,
    path::{Path, PathBuf},
};
use toml::{Value, de::DeTable};

/// One key as a layer gives it.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// What a file's text says. Paths in it are meant from the file's folder.
pub(crate) fn of_file(path: &Path, text: &str) -> Result<Vec<Given>> {
    let place = |span: Option<Range<usize>>| Source::File(path.to_owned(), line(text, span));
    let refuse = |error: toml::de::Error| anyhow!("{}: {}", place(error.span()), error.message());
    let lines = DeTable::parse(text).map_err(refuse)?;
    let values: toml::Table = toml::from_str(text).map_err(refuse)?;
    let mut given = Vec::new();
    for (name, inner) in lines.get_ref() {
        let at = place(Some(name.span()));
        let name: &str = name.get_ref();
        let Some(value) = values.get(name) else { continue };
        match (value, inner.get_ref().as_table()) {
            (Value::Table(section), Some(section_lines)) if is_section(name) => {
                for (inner_name, _) in section_lines {
                    let at = place(Some(inner_name.span()));
                    let inner_name: &str = inner_name.get_ref();
                    let Some(value) = section.get(inner_name) else { continue };
                    given.push(from_file(&format!("{name}.{inner_name}"), value, at, path)?);
                }
            }
            _ if is_section(name) => {
                return Err(anyhow!("{at}: {name} is a section: write [{name}] on a line of its own"));
            }
            _ => given.push(from_file(name, value, at, path)?),
        }
    }
    Ok(given)
}

fn from_file(name: &str, value: &Value, source: Source, file: &Path) -> Result<Given> {
    let key =
        key(name).ok_or_else(|| anyhow!("{source}: there is no key \"{name}\"{}", Hint(nearest(name))))?;
    let value = match value {
        Value::String(text) if key.kind == Kind::Path => Value::String(beside(file, text)),
        other => other.clone(),
    };
    Ok(Given { key, value, source })
}

/// The path, from the file's folder on. `:memory:` is not a path.
fn beside(file: &Path, text: &str) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    if text == super::load::MEMORY {
        text.to_owned()
    } else {
        folder.join(text).to_string_lossy().into_owned()
    }
}

/// What the environment says, and the variables that look as if they were meant to say something.
pub(crate) fn of_env(vars: impl Iterator<Item = (OsString, OsString)>) -> (Vec<Given>, Vec<String>) {
    let (mut given, mut strays) = (Vec::new(), Vec::new());
    for (name, value) in vars {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if !name.starts_with(PREFIX) || value.is_empty() {
            continue;
        }
        match KEYS.iter().find(|key| key.variable() == name) {
            Some(key) => given.push(Given {
                key,
                value: from_text(key.kind, value),
                source: Source::Env(name.to_owned()),
            }),
            None => strays.extend(stray(name)),
        }
    }
    given.sort_by(|a, b| a.key.name.cmp(b.key.name));
    (given, strays)
}

/// Variables of the same prefix may belong to other programs; only one that nearly is a key of ours is told.
fn stray(name: &str) -> Option<String> {
    let near = KEYS.iter().map(Key::variable).find(|known| strsim::damerau_levenshtein(known, name) <= 2)?;
    Some(format!("the variable {name} means nothing; did you mean {near}?"))
}

/// What the flags say.
pub(crate) fn of_flags(flags: &Flags) -> Vec<Given> {
    let path = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
    let data = flags.data.as_ref().map(|data| ("data", path(data), "--data"));
    let urls = || Value::Array(flags.listen.iter().cloned().map(Value::String).collect());
    let listen = (!flags.listen.is_empty()).then(|| ("listen", urls(), "--listen"));
    let of = |(name, value, flag)| Some(Given { key: key(name)?, value, source: Source::Flag(flag) });
    data.into_iter().chain(listen).filter_map(of).collect()
}

/// A variable's text as a value of the key's kind. What does not fit stays text, and is refused later.
fn from_text(kind: Kind, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match kind {
        Kind::Number => text.trim().parse().map_or_else(|_| as_text(), Value::Integer),
        Kind::YesNo => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Value::Boolean(true),
            "false" | "no" | "off" | "0" => Value::Boolean(false),
            _ => as_text(),
        },
        Kind::List => Value::Array(split(text).into_iter().map(Value::String).collect()),
        Kind::Text | Kind::Path => as_text(),
    }
}

/// The parts between commas. A comma may also stand inside of a listener (`?proxy=10.0.0.0/8,::1`): where the list is
/// one of URLs, what has no `://` belongs to the part before it.
fn split(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match parts.last_mut().filter(|last| last.contains("://") && !part.contains("://")) {
            Some(last) => *last = format!("{last},{part}"),
            None => parts.push(part.to_owned()),
        }
    }
    parts
}

/// The known key that was probably meant: in the right section, or in another.
fn nearest(given: &str) -> Option<&'static str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    if let Some(key) = KEYS.iter().find(|key| last(key.name) == last(given)) {
        return Some(key.name);
    }
    let sections = SECTIONS.iter().copied();
    let names = KEYS.iter().map(|key| key.name).chain(sections.filter(|_| !given.contains('.')));
    let best = names.min_by_key(|name| strsim::damerau_levenshtein(name, given))?;
    let distance = strsim::damerau_levenshtein(best, given);
    (distance <= 1 + last(given).chars().count() / 3).then_some(best)
}

struct Hint(Option<&'static str>);

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(name) => write!(f, "; did you mean \"{name}\"?"),
            None => f.write_str("; docs/configuration.md lists all keys"),
        }
    }
}

fn is_section(name: &str) -> bool {
    SECTIONS.contains(&name)
}

fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.as_bytes().get(..span.start)).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

pub(crate) const SECTIONS: [&str; 4] = ["guests", "tls", "log", "limits"];
pub(crate) const PREFIX: &str = "HUBBUB_";
