//! Senders that readers have met, shared by all of them, so that the events of one session share one value.
//!
//! **Invariant.** At most twice `KEPT_MAX` senders are kept. A sender's row never changes, so that a kept one is right.

use super::{code, fault::damaged, read::reading};
use hubbub_hub::store::StoreError;
use hubbub_model::{AccountId, Sender, SenderId, SessionId};
use rusqlite::{Connection, OptionalExtension};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// When the recent ones are so many, they become the old ones, and those are forgotten.
const KEPT_MAX: usize = 2048;

#[derive(Default)]
pub(crate) struct Senders {
    // Held only to look up or to insert, never while a row is read.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    recent: HashMap<i64, Arc<Sender>>,
    old: HashMap<i64, Arc<Sender>>,
}

impl Senders {
    /// The sender of a row, from memory or from the file.
    pub(crate) fn find(&self, db: &Connection, row: i64) -> Result<Arc<Sender>, StoreError> {
        if let Some(sender) = self.with(|kept| kept.find(row)) {
            return Ok(sender);
        }
        let sender = Arc::new(read(db, row)?);
        self.with(|kept| kept.keep(row, sender.clone()));
        Ok(sender)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    fn find(&mut self, row: i64) -> Option<Arc<Sender>> {
        if let Some(sender) = self.recent.get(&row) {
            return Some(sender.clone());
        }
        let sender = self.old.remove(&row)?;
        self.keep(row, sender.clone());
        Some(sender)
    }

    fn keep(&mut self, row: i64, sender: Arc<Sender>) {
        if self.recent.len() >= KEPT_MAX {
            self.old = std::mem::take(&mut self.recent);
        }
        self.recent.insert(row, sender);
    }
}

fn read(db: &Connection, row: i64) -> Result<Sender, StoreError> {
    let sql = "SELECT kind, account, number, name, session, via FROM sender WHERE id = ?";
    let columns = |row: &rusqlite::Row<'_>| {
        let (kind, name, via): (String, String, String) = (row.get(0)?, row.get(3)?, row.get(5)?);
        let (account, number, session): (Option<u32>, i64, i64) = (row.get(1)?, row.get(2)?, row.get(4)?);
        Ok((kind, account, number, name, session, via))
    };
    let found =
        db.prepare_cached(sql).and_then(|mut s| s.query_row([row], columns).optional()).map_err(reading)?;
    let (kind, account, number, name, session, via) =
        found.ok_or_else(|| damaged(format!("an event of sender {row}, who is not in it")))?;
    Ok(Sender {
        id: SenderId(row.cast_unsigned()),
        kind: code::from_word(&kind)?,
        account: account.map(AccountId),
        number: number.cast_unsigned(),
        name: code::user_name(&name)?,
        session: SessionId(session.cast_unsigned()),
        via: via.into(),
    })
}
