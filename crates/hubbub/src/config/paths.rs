//! Where a hub looks for its configuration file and puts its data when nobody says.

use anyhow::{Context, Result};
use std::{
    env,
    path::{Path, PathBuf},
};

/// The platform's data folder for a hub.
pub(crate) fn data_folder() -> Result<PathBuf> {
    platform_folder("XDG_DATA_HOME", ".local/share")
        .context("there is no home folder to keep the data in: give a folder with --data, or set HOME")
}

/// The configuration files that are read when none is named: the first that exists.
pub(crate) fn usual_files() -> Vec<PathBuf> {
    let own = platform_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join(FILE));
    let of_all = Path::new("/etc/hubbub").join(FILE);
    own.into_iter().chain([of_all]).collect()
}

fn platform_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The XDG base directory specification says that a relative path is to be ignored.
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let folder = if cfg!(target_os = "macos") {
        home()?.join("Library/Application Support")
    } else {
        named.or_else(|| Some(home()?.join(below_home)))?
    };
    Some(folder.join("hubbub"))
}

const FILE: &str = "hubbub.toml";
