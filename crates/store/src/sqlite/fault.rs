//! SQLite's errors as faults of a store, each with a sentence that says what to do.

use hubbub_hub::store::{StoreError, StoreFault};
use rusqlite::{Error, ErrorCode};
use std::path::Path;

/// The fault that an error of SQLite is, with what was being done: "write a batch".
pub(crate) fn fault(doing: &str, error: Error) -> StoreError {
    let fault = kind(&error);
    let text = format!("cannot {doing}: {error}. {}", advice(fault));
    StoreError { fault, text, source: Some(Box::new(error)) }
}

/// A row holds what this program never writes.
pub(crate) fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::new(StoreFault::Corrupt, format!("the store holds {what}. {}", advice(StoreFault::Corrupt)))
}

/// A file or directory could not be used.
pub(crate) fn file(doing: &str, path: &Path, error: std::io::Error) -> StoreError {
    let text = format!("cannot {doing} {}: {error}. {}", path.display(), advice(StoreFault::Open));
    StoreError { fault: StoreFault::Open, text, source: Some(Box::new(error)) }
}

fn kind(error: &Error) -> StoreFault {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreFault::Full,
            ErrorCode::SystemIoFailure => StoreFault::Io,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreFault::Corrupt,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                StoreFault::Locked
            }
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly => StoreFault::Open,
            ErrorCode::OutOfMemory | ErrorCode::NoLargeFileSupport => StoreFault::Io,
            _ => StoreFault::Ours,
        },
        // What is in a column is not what we put there.
        Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..) => StoreFault::Corrupt,
        Error::Utf8Error(..) => StoreFault::Corrupt,
        _ => StoreFault::Ours,
    }
}

fn advice(fault: StoreFault) -> &'static str {
    match fault {
        StoreFault::Full => "The disk is full: make room on it, then start hubbub again",
        StoreFault::Io => {
            "The disk or the system failed: look into the system's log, check the disk, then start hubbub again"
        }
        StoreFault::Corrupt => {
            "The store is damaged: run `hubbub doctor`, and restore the last backup if it says so"
        }
        StoreFault::Locked => {
            "Another process is writing to the store: stop the other hubbub, or whatever has hubbub.db open"
        }
        StoreFault::Open => {
            "Check that the data directory exists, and that this user may write to it and to hubbub.db"
        }
        StoreFault::Newer => "Update hubbub, or restore a backup",
        StoreFault::Ours => "This is a fault in hubbub: please report it",
    }
}
