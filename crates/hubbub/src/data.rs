//! The data folder: what is where in it, and the lock that lets one hub at a time have it.
//!
//! **Invariant.** Whoever opens the store holds the [`Lock`]. The system drops the lock with the process, however that
//! ends; the file stays, and the process id in it is for messages only.

use anyhow::{Context, Result, bail};
use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A data folder, there or not.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held by the one hub, or the one command, that has the folder's store open.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Another process holds the lock.
#[derive(Debug)]
pub(crate) struct Taken {
    dir: PathBuf,
    /// Its process id, if it has written it already.
    pub(crate) pid: Option<u32>,
}

impl DataDir {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The store's main file.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("hubbub.db")
    }

    /// The folder of the self-made certificate.
    pub(crate) fn tls(&self) -> PathBuf {
        self.0.join("tls")
    }

    /// Where a running hub takes the operator's commands.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// The key that seals the cookies of guests: kept, so that they stay signed in over a restart.
    pub(crate) fn guest_key(&self) -> Result<[u8; 32]> {
        let path = self.0.join("guest.key");
        let cannot =
            || format!("cannot keep the key {}: check that this user owns the data folder", path.display());
        match fs::read(&path) {
            Ok(bytes) => {
                return bytes.try_into().ok().with_context(|| {
                    format!("{} is not a key of 32 bytes: remove it, and guests come in anew", path.display())
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(cannot),
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("the system gave no random bits")?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(cannot)?;
        file.write_all(&key).and_then(|()| file.sync_all()).with_context(cannot)?;
        Ok(key)
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Makes the folder, for its owner alone, unless it is there.
    pub(crate) fn create(&self) -> Result<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.with_context(|| {
            format!(
                "cannot make the data folder {}: choose one with --data that this user may write",
                self.0.display()
            )
        })
    }

    /// Whether others than its owner get into the folder.
    pub(crate) fn is_open_to_others(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    }

    /// Takes the lock, or says who has it.
    pub(crate) fn lock(&self) -> Result<Result<Lock, Taken>> {
        let path = self.lock_file();
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.with_context(|| {
            format!("cannot open {}: check that this user owns the data folder", path.display())
        })?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                writeln!(file, "{}", std::process::id())?;
                Ok(Ok(Lock(file)))
            }
            Err(TryLockError::WouldBlock) => Ok(Err(Taken { dir: self.0.clone(), pid: pid(&mut file) })),
            Err(TryLockError::Error(error)) => {
                let path = path.display();
                Err(error).with_context(|| {
                    format!("cannot lock {path}: keep the data on a disk that can lock files")
                })
            }
        }
    }

    /// Whether somebody has the lock. Nothing is made for that.
    pub(crate) fn is_locked(&self) -> bool {
        let file = File::open(self.lock_file());
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// As [`DataDir::lock`], for a hub: that another has it is an error.
    pub(crate) fn lock_for_hub(&self) -> Result<Lock> {
        match self.lock()? {
            Ok(lock) => Ok(lock),
            Err(taken) => bail!("{taken}: stop it, or choose another folder with --data"),
        }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a hub runs on {} already", self.dir.display())?;
        match self.pid {
            Some(pid) => write!(f, " (process {pid})"),
            None => Ok(()),
        }
    }
}

fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_has_one_holder() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = DataDir::new(temporary.path().join("a/b"));
        dir.create().unwrap();
        assert!(!dir.is_open_to_others());
        let lock = dir.lock_for_hub().unwrap();
        let told = dir.lock_for_hub().unwrap_err().to_string();
        let wanted = format!(
            "a hub runs on {} already (process {}): stop it,",
            dir.path().display(),
            std::process::id()
        );
        assert!(told.starts_with(&wanted), "{told}");
        drop(lock);
        assert!(dir.lock().unwrap().is_ok());
        assert_eq!(dir.guest_key().unwrap(), dir.guest_key().unwrap());
        let mode = fs::metadata(dir.path().join("guest.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
