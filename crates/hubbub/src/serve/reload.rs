//! The running hub as its operator sees it: its status, and how it takes a new configuration.

use super::tell_service_manager;
use crate::{
    config::{Config, Flags, LogLevel},
    control::{Answer, Refused, Reloaded, Status},
    log::Level,
};
use anyhow::{Context, Result};
use hubbub_door::{Admission, Listeners, TlsSource};
use hubbub_hub::Hub;
use hubbub_model::{Kind, Text};
use sd_notify::NotifyState;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What the operator's commands act on.
pub(crate) struct Operation {
    pub(crate) hub: Hub,
    /// As the hub was started.
    started: Config,
    flags: Flags,
    tls: Arc<TlsSource>,
    listening: Vec<String>,
    admission: Arc<Admission>,
    /// Held while a reload runs, so that two do not mix.
    log: Mutex<RunningLog>,
}

/// How the hub was started.
pub(super) struct Started {
    pub(super) config: Config,
    /// With which the configuration is read again.
    pub(super) flags: Flags,
    /// The running log's.
    pub(super) level: Level,
}

struct RunningLog {
    level: LogLevel,
    handle: Level,
}

impl Operation {
    pub(super) fn new(hub: Hub, started: Started, tls: Arc<TlsSource>, listeners: &Listeners) -> Self {
        let Started { config, flags, level } = started;
        let listening = listeners.addresses().iter().map(ToString::to_string).collect();
        let log = Mutex::new(RunningLog { level: config.settings.log.level.clone(), handle: level });
        Self { hub, started: config, flags, tls, listening, admission: listeners.admission(), log }
    }

    pub(super) fn fingerprint(&self) -> String {
        self.tls.fingerprint()
    }

    pub(crate) fn status(&self) -> Status {
        let settings = &self.started.settings;
        Status {
            name: settings.name.as_str().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            configured: settings.listen.iter().map(ToString::to_string).collect(),
            listening: self.listening.clone(),
            conns: self.admission.conns(),
            fingerprint: self.tls.fingerprint(),
        }
    }

    /// Takes what can be taken without a restart, or nothing where something is wrong.
    pub(crate) async fn reload(&self) -> Answer {
        let mut log = self.log.lock().await;
        if let Some(since) = now() {
            tell_service_manager(&[NotifyState::Reloading, since]);
        }
        let answer = match self.take(&mut log) {
            Ok(reloaded) => {
                tracing::info!(applied = ?reloaded.applied, "reloaded");
                for key in &reloaded.needs_restart {
                    tracing::warn!("{key} has changed: restart the hub for that");
                }
                Answer::Reloaded(reloaded)
            }
            Err(error) => {
                let text = crate::one_line(&error);
                tracing::error!("not reloaded, all stays as it was: {text}");
                Answer::Refused(Refused { kind: Kind::Invalid, text: Text::ours(text) })
            }
        };
        tell_service_manager(&[NotifyState::Ready]);
        answer
    }

    fn take(&self, log: &mut RunningLog) -> Result<Reloaded> {
        let config = Config::load(&self.flags)?;
        let needs_restart = config.changed(&self.started)?.into_iter().filter(|key| *key != "log.level");
        let needs_restart = needs_restart.map(str::to_owned).collect();
        let mut applied = vec![self.take_certificate()?];
        let level = config.settings.log.level;
        if level != log.level {
            log.handle.set(&level)?;
            applied.push(format!("log.level is {} now", level.as_str()));
            log.level = level;
        }
        Ok(Reloaded { applied, needs_restart })
    }

    fn take_certificate(&self) -> Result<String> {
        let found = self.tls.reload().context("the certificate stays as it was")?;
        Ok(match found {
            hubbub_door::Reloaded::Same => "the certificate is the same".to_owned(),
            hubbub_door::Reloaded::Renewed => "the certificate is a new one of the same key".to_owned(),
            hubbub_door::Reloaded::NewKey => {
                format!("the certificate is a new one, sha256 {}", self.tls.fingerprint())
            }
        })
    }
}

/// The time that systemd wants to see with a reload.
fn now() -> Option<NotifyState<'static>> {
    NotifyState::monotonic_usec_now().ok()
}
