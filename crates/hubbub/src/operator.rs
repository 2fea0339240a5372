//! The way of an operator's command: through the control socket where a hub runs on the data folder, else on the
//! folder's store itself, by a hub without doors in this process. Above this, nobody knows which.

use crate::{
    config::{Config, MEMORY},
    control::{self, Answer, Control, Request},
    data::{DataDir, Lock, Taken},
};
use anyhow::{Context, Result, bail};
use hubbub_hub::{Hub, HubThreads, store::Store};
use hubbub_store::SqliteStore;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Somebody who can carry out the operator's commands.
pub(crate) enum Operator {
    /// A running hub.
    Remote(Control),
    /// This process.
    Local(Box<LocalHub>),
}

/// A hub without doors.
pub(crate) struct LocalHub {
    hub: Hub,
    threads: HubThreads,
    /// Given back after the threads have ended.
    _lock: Lock,
}

/// What to do where there is no data folder yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

impl Operator {
    /// Finds the hub of this folder, or is it.
    pub(crate) async fn open(config: &Config, missing: Missing) -> Result<Self> {
        let data = &DataDir::new(&config.data);
        let path = data.path();
        if path.as_os_str() == MEMORY {
            bail!("{} is not a folder: give the one that the hub tells in its log", path.display());
        }
        if !path.exists() {
            match missing {
                Missing::Make => data.create()?,
                Missing::Refuse => {
                    bail!("there is no data folder {}: give the hub's with --data", path.display())
                }
            }
        }
        // Whoever holds the lock may be a hub that is starting or ending, or another command like this one: neither
        // can be asked to tell when it is done, so this looks again until one of both ways is open.
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let taken = match data.lock()? {
                Ok(lock) => return LocalHub::start(config, data, lock).map(|hub| Self::Local(Box::new(hub))),
                Err(taken) => taken,
            };
            if let Some(control) = control::connect(data).await? {
                return Ok(Self::Remote(control));
            }
            if Instant::now() > deadline {
                bail!(silent(&taken));
            }
            sleep(PAUSE).await;
        }
    }

    /// Carries out one command.
    pub(crate) async fn ask(&mut self, request: Request) -> Result<Answer> {
        let answer = match self {
            Self::Remote(control) => control.ask(&request).await?,
            Self::Local(local) => control::perform(&local.hub, request).await,
        };
        Ok(answer.or_refused()?)
    }

    /// Returns when all is on disk and the folder is free again.
    pub(crate) async fn close(self) -> Result<()> {
        match self {
            Self::Remote(_) => Ok(()),
            Self::Local(local) => local.stop().await,
        }
    }
}

impl LocalHub {
    fn start(config: &Config, data: &DataDir, lock: Lock) -> Result<Self> {
        let (hub, threads) = Hub::start(config.for_hub(), open_store(data)?)?;
        Ok(Self { hub, threads, _lock: lock })
    }

    async fn stop(self) -> Result<()> {
        self.hub.stop().await;
        tokio::task::spawn_blocking(move || self.threads.join()).await.context("the hub did not end well")
    }
}

/// The store of a folder whose lock the caller holds.
pub(crate) fn open_store(data: &DataDir) -> Result<Box<dyn Store>> {
    Ok(Box::new(SqliteStore::open(data.path())?))
}

fn silent(taken: &Taken) -> String {
    format!("{taken}, and does not take commands: wait until it has started, or look into its log")
}

const WAIT_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
