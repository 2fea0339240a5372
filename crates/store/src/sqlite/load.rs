//! All rows but events, read at start.

use super::{
    code,
    fault::fault,
    write::{Counters, Heads, Log},
};
use hubbub_hub::store::{
    AccountRow, BanRow, InviteRow, Loaded, MarkRow, MemberRow, RoomRow, StoreError, TokenRow,
};
use hubbub_model::{AccountCard, AccountId, EventId, InviteCard, Retention, RoomId, TokenCard};
use rusqlite::{Connection, Row, TransactionBehavior, types::FromSql};
use std::collections::HashMap;

/// What the writer has to know before its first batch.
pub(crate) fn heads(db: &Connection) -> Result<Heads, StoreError> {
    let logs: HashMap<RoomId, Log> =
        all(db, "SELECT room, first_seq, head, countable, last_id FROM log", |row| {
            let last_id = EventId(u128::from_be_bytes(col(row, 4)?));
            Ok((
                RoomId(col(row, 0)?),
                Log { first_seq: int(row, 1)?, head: int(row, 2)?, countable: int(row, 3)?, last_id },
            ))
        })?;
    let kept = u128::from_be_bytes(counter(db, "last_id")?);
    let last_sender: i64 =
        db.query_row("SELECT coalesce(max(id), 0) FROM sender", [], |row| row.get(0)).map_err(loading)?;
    let counters = Counters {
        guest: number(db, "guest_number")?,
        next_sender: last_sender.cast_unsigned() + 1,
        next_account: counter(db, "next_account")?,
        next_room: counter(db, "next_room")?,
        next_token: number(db, "next_token")?,
        next_invite: number(db, "next_invite")?,
        last_id: logs.values().map(|log| log.last_id.0).fold(kept, u128::max),
    };
    Ok(Heads { logs, counters })
}

/// Counts this start, durably, and reads all rows.
pub(crate) fn load(db: &mut Connection, heads: &Heads) -> Result<Loaded, StoreError> {
    let start = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(loading)?;
    start.execute("UPDATE counter SET value = value + 1 WHERE name = 'boot'", []).map_err(loading)?;
    start.commit().map_err(loading)?;
    let Counters { guest, next_sender, next_account, next_room, next_token, next_invite, last_id } =
        heads.counters;
    Ok(Loaded {
        boot: number(db, "boot")?,
        next_sender,
        guest_number: guest,
        next_account,
        next_room,
        next_token,
        next_invite,
        last_id,
        accounts: accounts(db)?,
        rooms: rooms(db)?,
        members: members(db)?,
        bans: bans(db)?,
        tokens: tokens(db)?,
        invites: invites(db)?,
        marks: marks(db)?,
        mentions: all(db, "SELECT room, account, seq FROM mention ORDER BY room, account, seq", |row| {
            Ok((RoomId(col(row, 0)?), AccountId(col(row, 1)?), int(row, 2)?))
        })?,
        ignores: all(db, "SELECT account, fold FROM ignore ORDER BY account, fold", |row| {
            Ok((AccountId(col(row, 0)?), col(row, 1)?))
        })?,
        settings: all(db, "SELECT name, value FROM setting ORDER BY name", |row| {
            Ok((col(row, 0)?, col(row, 1)?))
        })?,
    })
}

fn accounts(db: &Connection) -> Result<Vec<AccountRow>, StoreError> {
    let columns = "id, name, nick, kind, role, status, created, last_seen, fold, password";
    all(db, &format!("SELECT {columns} FROM account ORDER BY id"), |row| {
        let card = AccountCard {
            id: AccountId(col(row, 0)?),
            name: code::user_name(&col::<String>(row, 1)?)?,
            nick: col(row, 2)?,
            kind: word(row, 3)?,
            role: word(row, 4)?,
            status: word(row, 5)?,
            created_ms: col(row, 6)?,
            last_seen_ms: col(row, 7)?,
        };
        Ok(AccountRow { card, fold: col(row, 8)?, password: col(row, 9)? })
    })
}

fn rooms(db: &Connection) -> Result<Vec<RoomRow>, StoreError> {
    let columns = "id, name, fold, kind, pair_a, pair_b, topic, visibility, durability, moderated, read_only, keep_events,
                   keep_age, epoch, created, first_seq, head, countable";
    all(db, &format!("SELECT {columns} FROM room JOIN log ON log.room = room.id ORDER BY id"), |row| {
        let (a, b): (Option<u32>, Option<u32>) = (col(row, 4)?, col(row, 5)?);
        let (events, age): (Option<i64>, Option<i64>) = (col(row, 11)?, col(row, 12)?);
        Ok(RoomRow {
            id: RoomId(col(row, 0)?),
            name: code::room_name(&col::<String>(row, 1)?)?,
            fold: col(row, 2)?,
            kind: word(row, 3)?,
            pair: a.zip(b).map(|(a, b)| (AccountId(a), AccountId(b))),
            topic: code::text(col(row, 6)?)?,
            visibility: word(row, 7)?,
            durability: word(row, 8)?,
            moderated: col(row, 9)?,
            read_only: col(row, 10)?,
            retention: Retention {
                events: events.map(i64::cast_unsigned),
                age_s: age.map(i64::cast_unsigned),
            },
            epoch: int(row, 13)?,
            created_ms: col(row, 14)?,
            first_seq: int(row, 15)?,
            head: int(row, 16)?,
            countable: int(row, 17)?,
        })
    })
}

fn members(db: &Connection) -> Result<Vec<MemberRow>, StoreError> {
    all(db, "SELECT room, account, standing, invited FROM member ORDER BY room, account", |row| {
        let (room, account) = (RoomId(col(row, 0)?), AccountId(col(row, 1)?));
        Ok(MemberRow { room, account, standing: word(row, 2)?, invited: col(row, 3)? })
    })
}

fn bans(db: &Connection) -> Result<Vec<BanRow>, StoreError> {
    all(db, "SELECT room, fold, account, reason, by, until FROM ban ORDER BY room, fold", |row| {
        Ok(BanRow {
            room: RoomId(col(row, 0)?),
            fold: col(row, 1)?,
            account: col::<Option<u32>>(row, 2)?.map(AccountId),
            reason: code::text(col(row, 3)?)?,
            by: col(row, 4)?,
            until_ms: col(row, 5)?,
        })
    })
}

fn tokens(db: &Connection) -> Result<Vec<TokenRow>, StoreError> {
    let columns = "id, name, label, scopes, created, expires, last_used, account, hash";
    all(db, &format!("SELECT {columns} FROM token ORDER BY id"), |row| {
        let scopes: String = col(row, 3)?;
        let card = TokenCard {
            id: int(row, 0)?,
            account: code::user_name(&col::<String>(row, 1)?)?,
            label: code::text(col(row, 2)?)?,
            scopes: serde_json::from_str(&scopes).map_err(super::fault::damaged)?,
            created_ms: col(row, 4)?,
            expires_ms: col(row, 5)?,
            last_used_ms: col(row, 6)?,
        };
        Ok(TokenRow { card, account: AccountId(col(row, 7)?), hash: col(row, 8)? })
    })
}

fn invites(db: &Connection) -> Result<Vec<InviteRow>, StoreError> {
    let columns = "id, account, by, room, room_name, admits, uses, uses_left, created, ends, hash";
    all(db, &format!("SELECT {columns} FROM invite ORDER BY id"), |row| {
        let card = InviteCard {
            id: int(row, 0)?,
            by: code::text(col(row, 2)?)?,
            room: col::<Option<String>>(row, 4)?.map(|name| code::room_name(&name)).transpose()?,
            r#as: word(row, 5)?,
            uses: col(row, 6)?,
            uses_left: col(row, 7)?,
            created_ms: col(row, 8)?,
            ends_ms: col(row, 9)?,
        };
        let by = col::<Option<u32>>(row, 1)?.map(AccountId);
        Ok(InviteRow { card, by, room: col::<Option<u32>>(row, 3)?.map(RoomId), hash: col(row, 10)? })
    })
}

fn marks(db: &Connection) -> Result<Vec<MarkRow>, StoreError> {
    all(db, "SELECT room, account, seq, ordinal FROM mark ORDER BY room, account", |row| {
        let (room, account) = (RoomId(col(row, 0)?), AccountId(col(row, 1)?));
        Ok(MarkRow { room, account, seq: int(row, 2)?, ordinal: int(row, 3)? })
    })
}

/// What a statement finds, each row made a value.
fn all<T, C: FromIterator<T>>(
    db: &Connection,
    sql: &str,
    mut value: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<C, StoreError> {
    let mut statement = db.prepare(sql).map_err(loading)?;
    let mut rows = statement.query([]).map_err(loading)?;
    let next = || rows.next().map_err(loading).and_then(|row| row.map(&mut value).transpose()).transpose();
    std::iter::from_fn(next).collect()
}

fn counter<T: FromSql>(db: &Connection, name: &str) -> Result<T, StoreError> {
    db.query_row("SELECT value FROM counter WHERE name = ?", [name], |row| row.get(0)).map_err(loading)
}

fn number(db: &Connection, name: &str) -> Result<u64, StoreError> {
    Ok(counter::<i64>(db, name)?.cast_unsigned())
}

fn col<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    row.get(column).map_err(loading)
}

fn int(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    Ok(col::<i64>(row, column)?.cast_unsigned())
}

fn word<T: for<'de> serde::Deserialize<'de>>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    code::from_word(&col::<String>(row, column)?)
}

fn loading(error: rusqlite::Error) -> StoreError {
    fault("read hubbub.db", error)
}
