//! The values that check themselves: names, listeners, levels of the log.

use hubbub_door::{Listener, ListenerOptions, Place, Scheme};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tracing_subscriber::EnvFilter;

/// The name of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Name {
    fn default() -> Self {
        Self("hubbub".to_owned())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_name =
            (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.contains(char::is_control);
        is_name.then_some(Self(name)).ok_or_else(|| D::Error::custom("the name has 1 to 64 characters"))
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object each, for programs.
    Json,
}

/// Which log lines there are: `info`, or `info,hubbub_door=debug`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct LogLevel(String);

impl LogLevel {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What the log is filtered with.
    pub(crate) fn filter(&self) -> EnvFilter {
        // It was parsed when it was read; the fallback shows too much rather than nothing.
        EnvFilter::try_new(&self.0).unwrap_or_else(|_| EnvFilter::new("info"))
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A bare word that is no level would be taken for the name of a module, and nothing would be logged.
        let is_level = |part: &str| part.contains('=') || LEVELS.contains(&part.trim());
        let is_filter = text.split(',').all(is_level) && EnvFilter::try_new(&text).is_ok();
        is_filter.then_some(Self(text)).ok_or_else(|| D::Error::custom(LEVEL_WANTED))
    }
}

/// Listener URLs, as the `door` crate parses them.
pub(crate) mod listeners {
    use super::{Deserialize, Deserializer, Error, Listener};
    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(listeners: &[Listener], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(listeners.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Listener>, D::Error> {
        let urls = Vec::<String>::deserialize(deserializer)?;
        urls.iter().map(|url| url.trim().parse().map_err(D::Error::custom)).collect()
    }
}

/// This machine only, all that is detected.
pub(crate) fn default_listeners() -> Vec<Listener> {
    let place = Place::Net { host: "127.0.0.1".to_owned(), port: PORT };
    let options = ListenerOptions::of(&place);
    vec![Listener { scheme: Scheme::Any, secure: false, place, options }]
}

const PORT: u16 = 7272;
const NAME_CHARS_MAX: usize = 64;
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const LEVEL_WANTED: &str = "the level is one of off, error, warn, info, debug, trace, or a filter such as \"info,hubbub_door=debug\"";
