//! The configuration: its types, and how a hub comes to its effective one.
//!
//! Each key can be given by a flag, an environment variable or the file, in this order of precedence; what nobody
//! gives has its default. [`Config`] remembers where each key came from, for `hubbub doctor` and for error messages.
//!
//! **Invariant.** A [`Settings`] that exists has been checked. No other crate sees it: each is given its own part.
//! To add a key: the field here, its row in `reference::KEYS`; file, variable, example and documents follow from that.

mod layers;
mod load;
mod paths;
mod reference;
mod values;

pub(crate) use load::{Config, Flags, MEMORY};
pub(crate) use paths::data_folder;
pub(crate) use values::{LogFormat, LogLevel, Name};

use hubbub_door::Listener;
use hubbub_model::{Language, Limits};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// All that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// What the hub calls itself.
    pub(crate) name: Name,
    /// Of the hub's own lines, at listeners that say nothing else.
    pub(crate) language: Language,
    /// The data folder as given; [`Config::data`] is the one in use.
    pub(crate) data: Option<PathBuf>,
    /// Where the hub listens.
    #[serde(with = "values::listeners")]
    pub(crate) listen: Vec<Listener>,
    pub(crate) guests: Guests,
    pub(crate) tls: Tls,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
}

/// What guests may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Guests {
    /// Whether they may make accounts for themselves.
    pub(crate) registration: bool,
}

/// The certificate: one's own, or a self-made one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// Comes with `key`, or not at all.
    pub(crate) cert: Option<PathBuf>,
    /// Comes with `cert`, or not at all.
    pub(crate) key: Option<PathBuf>,
    /// More names for the self-made certificate.
    pub(crate) names: Vec<String>,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: Name::default(),
            language: Language::default(),
            data: None,
            listen: values::default_listeners(),
            guests: Guests::default(),
            tls: Tls::default(),
            log: Log::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Guests {
    fn default() -> Self {
        Self { registration: true }
    }
}
