//! The log: lines on standard error, as text for people or as JSON for programs.

use crate::config::{Log, LogFormat, LogLevel};
use anyhow::{Context, Result};
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// Changes the level of the running log.
pub(crate) struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    pub(crate) fn set(&self, level: &LogLevel) -> Result<()> {
        self.0.reload(level.filter()).context("cannot change the level of the log")
    }
}

/// Begins to log. Once in a process.
pub(crate) fn init(log: &Log) -> Result<Level> {
    let (filter, handle) = reload::Layer::new(log.level.filter());
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match log.format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()))
            .try_init(),
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
        }
    };
    begun.context("the log has begun already")?;
    Ok(Level(handle))
}
