//! The data folder with the hub that lives in it: opened before anything else, closed after everything else.

use crate::{
    config::{Config, MEMORY},
    control::{self, Answer, Request},
    data::{DataDir, Lock},
    operator::open_store,
};
use anyhow::{Context, Result};
use hubbub_hub::{Hub, HubThreads};
use hubbub_store::MemoryStore;
use std::path::Path;
use tempfile::TempDir;

/// A hub on its folder.
pub(super) struct Home {
    pub(super) hub: Hub,
    pub(super) threads: HubThreads,
    pub(super) lock: Lock,
    pub(super) data: Folder,
    /// The folder of a hub that keeps nothing: for its certificate and its control socket.
    pub(super) temporary: Option<TempDir>,
}

/// The folder, and whether one finds it without being told.
pub(super) struct Folder {
    dir: DataDir,
    is_default: bool,
}

impl std::ops::Deref for Folder {
    type Target = DataDir;

    fn deref(&self) -> &DataDir {
        &self.dir
    }
}

impl Home {
    /// Makes the folder, takes its lock, opens its store and starts the hub.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let forgets = config.data.as_os_str() == MEMORY;
        let temporary = forgets.then(temporary_folder).transpose()?;
        let path = temporary.as_ref().map_or(config.data.as_path(), TempDir::path);
        let data = Folder { dir: DataDir::new(path), is_default: config.is_default("data") };
        data.create()?;
        if data.is_open_to_others() {
            let (folder, advice) = (path.display(), "take their rights away with chmod 700");
            tracing::warn!(%folder, "other users may enter the data folder: {advice}");
        }
        let lock = data.lock_for_hub()?;
        let store = if forgets { Box::new(MemoryStore::new()) } else { open_store(&data)? };
        let (hub, threads) = Hub::start(config.for_hub(), store)?;
        if forgets {
            tracing::info!(folder = %path.display(), "nothing is kept; commands find this hub with --data and this folder");
        }
        Ok(Self { hub, threads, lock, data, temporary })
    }

    /// Whether nobody can manage the hub yet.
    pub(super) async fn has_no_account(&self) -> Result<bool> {
        match control::perform(&self.hub, Request::UserList).await.or_refused()? {
            Answer::Users(users) => Ok(users.is_empty()),
            _ => Ok(false),
        }
    }

    /// What a command line needs to find this folder.
    pub(super) fn data_flag(&self) -> String {
        if self.data.is_default { String::new() } else { format!(" --data {}", quoted(self.data.path())) }
    }
}

fn temporary_folder() -> Result<TempDir> {
    tempfile::Builder::new().prefix("hubbub-").tempdir().context("cannot make a temporary folder")
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+=:,@".contains(c));
    if is_plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_can_be_pasted_into_a_shell() {
        assert_eq!(quoted(Path::new("/srv/hub-1")), "/srv/hub-1");
        assert_eq!(quoted(Path::new("/srv/my hub's")), r"'/srv/my hub'\''s'");
    }
}
