//! The data folder and the store in it.

use super::Check;
use crate::{config::MEMORY, control::Status, data::DataDir, words::Causes};
use hubbub_hub::store::{StoreError, StoreFault};
use hubbub_store::SqliteStore;
use std::{fs, os::unix::fs::MetadataExt, path::Path};

pub(super) fn checks(data: &DataDir) -> Vec<Check> {
    let path = data.path();
    if path.as_os_str() == MEMORY {
        return vec![Check::warn(
            "data folder",
            "there is none: nothing is kept",
            "give a folder with --data to keep what is said",
        )];
    }
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![missing(path), space(nearest(path))];
        }
        Err(error) => {
            let advice = "check that this user may enter it";
            return vec![Check::fail("data folder", format!("{}: {error}", path.display()), advice)];
        }
    };
    let (shown, mode) = (path.display(), meta.mode() & 0o777);
    let own = rustix::process::geteuid().as_raw();
    let state = if !meta.is_dir() {
        Check::fail("data folder", format!("{shown} is not a folder"), "choose another with --data")
    } else if meta.uid() != own && own != 0 {
        let text = format!("{shown} belongs to user {}, and this is user {own}", meta.uid());
        Check::fail("data folder", text, "run the hub as its owner, or choose another with --data")
    } else if mode & 0o077 != 0 {
        let text = format!("{shown} has the mode {mode:o}: others may enter it");
        Check::warn("data folder", text, format!("chmod 700 {shown}"))
    } else {
        Check::ok("data folder", format!("{shown}, mode {mode:o}, owned by user {}", meta.uid()))
    };
    vec![state, space(path)]
}

fn missing(path: &Path) -> Check {
    let parent = nearest(path);
    let text = format!("{} is not there", path.display());
    if rustix::fs::access(parent, rustix::fs::Access::WRITE_OK).is_ok() {
        Check::ok("data folder", format!("{text}, and will be made at the first start"))
    } else {
        Check::fail(
            "data folder",
            text,
            format!("this user may not make it in {}: choose another with --data", parent.display()),
        )
    }
}

/// The first folder on the way up that is there.
fn nearest(path: &Path) -> &Path {
    path.ancestors().skip(1).find(|above| above.exists()).unwrap_or(Path::new("."))
}

fn space(path: &Path) -> Check {
    let free = match rustix::fs::statvfs(path) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize) >> 20,
        Err(error) => {
            return Check::warn(
                "disk",
                format!("its free space is not known: {error}"),
                "look at it with df",
            );
        }
    };
    let text = format!("{free} MiB are free");
    match free {
        0..LEAST_MIB => Check::fail("disk", text, "make room: a hub whose disk is full takes no messages"),
        LEAST_MIB..LOW_MIB => Check::warn("disk", text, "make room soon"),
        _ => Check::ok("disk", text),
    }
}

/// Whether the store is sound. A running hub has it open, and would say so itself if it were not.
pub(super) fn store(data: &DataDir, status: Option<&Status>) -> Check {
    if status.is_some() {
        return Check::ok("store", "the running hub has it open");
    }
    if !data.store().exists() {
        return Check::ok("store", "there is none yet");
    }
    // Held while reading, so that no hub starts meanwhile.
    let _lock = match data.lock() {
        Ok(Ok(lock)) => lock,
        Ok(Err(taken)) => {
            return Check::warn("store", format!("not looked at: {taken}"), "run this again later");
        }
        Err(error) => {
            return Check::fail("store", Causes::of(&error), "run this as the user that the hub runs as");
        }
    };
    match SqliteStore::check(data.path(), false) {
        Ok(()) => Check::ok("store", format!("{} is sound", data.store().display())),
        Err(error) => Check::fail("store", found(&error), remedy(error.fault)),
    }
}

/// What is wrong, without the store's own advice, which may be to run this.
fn found(error: &StoreError) -> String {
    error.text.rsplit_once(". ").map_or(error.text.as_str(), |(what, _)| what).to_owned()
}

fn remedy(fault: StoreFault) -> &'static str {
    match fault {
        StoreFault::Full => "make room on the disk, then run this again",
        StoreFault::Io => "look into the system's log and check the disk",
        StoreFault::Corrupt => {
            "stop all that writes there, keep a copy of the whole folder, then put the last backup in its place"
        }
        StoreFault::Locked => "stop the other hubbub, or whatever has hubbub.db open",
        StoreFault::Open => "let this user read and write the data folder and hubbub.db",
        StoreFault::Newer => "update hubbub, or restore a backup",
        StoreFault::Ours => "report this fault of hubbub",
    }
}

const LEAST_MIB: u64 = 64;
const LOW_MIB: u64 = 1_024;
