//! What the hub knows for good: accounts, rooms, memberships, bans, tokens, invites, marks. All of it is stored.
//!
//! **Invariant.** Facts change only by `apply`ing a `Write`, the same value that the store commits. Each
//! application gives the writes that take it back, so that a failed commit leaves the facts as they were.

use crate::store::{AccountRow, BanRow, InviteRow, Loaded, MarkRow, MemberRow, RoomRow, TokenRow, Write};
use hubbub_model::{AccountId, RoomId, fold, irc_nick};
use rustc_hash::{FxHashMap, FxHashSet};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Maps by our own small numbers hash fast (nobody chooses the numbers); maps by names hash safely.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) accounts: FxHashMap<AccountId, AccountRow>,
    account_by_fold: HashMap<String, AccountId>,
    account_by_nick: HashMap<String, AccountId>,
    pub(crate) rooms: FxHashMap<RoomId, RoomFacts>,
    room_by_fold: HashMap<String, RoomId>,
    pub(crate) tokens: FxHashMap<u64, TokenRow>,
    token_by_hash: HashMap<[u8; 32], u64>,
    pub(crate) invites: FxHashMap<u64, InviteRow>,
    invite_by_hash: HashMap<[u8; 32], u64>,
    ignores: FxHashMap<AccountId, Arc<HashSet<String>>>,
    /// The rooms of whose `members` an account is one.
    rooms_by_member: FxHashMap<AccountId, FxHashSet<RoomId>>,
    settings: HashMap<String, String>,
}

/// One room's facts.
pub(crate) struct RoomFacts {
    pub(crate) row: RoomRow,
    pub(crate) members: FxHashMap<AccountId, MemberRow>,
    /// How many of `members` are members, not only invited.
    pub(crate) member_count: u32,
    pub(crate) bans: HashMap<String, BanRow>,
    pub(crate) marks: FxHashMap<AccountId, MarkRow>,
    /// Unread mentions, by account, ascending.
    pub(crate) mentions: FxHashMap<AccountId, Vec<u64>>,
}

impl Facts {
    pub(crate) fn load(loaded: &mut Loaded) -> Self {
        let mut facts = Self::default();
        let writes = (loaded.accounts.drain(..).map(|row| Write::Account(Box::new(row))))
            .chain(loaded.rooms.drain(..).map(|row| Write::Room(Box::new(row))))
            .chain(loaded.members.drain(..).map(Write::Member))
            .chain(loaded.bans.drain(..).map(Write::Ban))
            .chain(loaded.tokens.drain(..).map(|row| Write::Token(Box::new(row))))
            .chain(loaded.invites.drain(..).map(|row| Write::Invite(Box::new(row))))
            .chain(loaded.marks.drain(..).map(Write::Mark))
            .chain(loaded.ignores.drain(..).map(|(account, name)| Write::Ignore(account, name)))
            .chain(loaded.settings.drain(..).map(|(name, value)| Write::Setting(name, Some(value))));
        for write in writes {
            facts.apply(&write);
        }
        for (room, account, seq) in loaded.mentions.drain(..) {
            facts.mention(room, account, seq);
        }
        facts
    }

    pub(crate) fn account_named(&self, name: &str) -> Option<&AccountRow> {
        self.account_by_fold.get(&fold(name)).and_then(|id| self.accounts.get(id))
    }

    pub(crate) fn room_named(&self, name: &str) -> Option<RoomId> {
        self.room_by_fold.get(&fold(name)).copied()
    }

    pub(crate) fn token(&self, hash: &[u8; 32]) -> Option<&TokenRow> {
        self.token_by_hash.get(hash).and_then(|id| self.tokens.get(id))
    }

    pub(crate) fn invite(&self, hash: &[u8; 32]) -> Option<&InviteRow> {
        self.invite_by_hash.get(hash).and_then(|id| self.invites.get(id))
    }

    pub(crate) fn ignored_by(&self, account: AccountId) -> Option<Arc<HashSet<String>>> {
        self.ignores.get(&account).filter(|set| !set.is_empty()).cloned()
    }

    /// The rooms that the account belongs to.
    pub(crate) fn rooms_of(&self, account: AccountId) -> impl Iterator<Item = RoomId> {
        let belongs = move |room: &RoomId| {
            let member = self.rooms.get(room).and_then(|facts| facts.members.get(&account));
            member.is_some_and(|member| !member.invited)
        };
        self.rooms_by_member.get(&account).into_iter().flatten().copied().filter(belongs)
    }

    /// A setting of the hub.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// A nick for IRC that no other account has: the name's own form, or that with a number.
    pub(crate) fn free_nick(&self, name: &hubbub_model::UserName) -> String {
        let nick = irc_nick(name);
        let free = |nick: &String| !self.account_by_nick.contains_key(&fold(nick));
        if free(&nick) {
            return nick;
        }
        (2u32..).map(|n| format!("{nick}{n}")).find(free).unwrap_or(nick)
    }

    /// An unread mention; told by the commit, which gave the place.
    pub(crate) fn mention(&mut self, room: RoomId, account: AccountId, seq: u64) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.mentions.entry(account).or_default().push(seq);
        }
    }

    /// Mentions below this place are no longer kept.
    pub(crate) fn forget_mentions(&mut self, room: RoomId, first: u64) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.mentions.retain(|_, seqs| {
                seqs.retain(|seq| *seq >= first);
                !seqs.is_empty()
            });
        }
    }

    /// Makes the write true here. Returns the writes that take it back, in order.
    pub(crate) fn apply(&mut self, write: &Write) -> Vec<Write> {
        match write {
            Write::Account(row) => self.put_account(row),
            Write::RemoveAccount(id) => self.remove_account(*id),
            Write::Room(row) => self.put_room(row),
            Write::RemoveRoom(id) => self.remove_room(*id),
            Write::Member(row) => self.put_member(row),
            Write::RemoveMember(room, account) => self.remove_member(*room, *account),
            Write::Ban(row) => self.put_ban(row),
            Write::RemoveBan(room, name) => {
                let ban = self.rooms.get_mut(room).and_then(|r| r.bans.remove(name));
                ban.into_iter().map(Write::Ban).collect()
            }
            Write::Token(row) => self.put_token(row),
            Write::RemoveToken(id) => self.remove_token(*id),
            Write::Invite(row) => self.put_invite(row),
            Write::RemoveInvite(id) => self.remove_invite(*id),
            Write::Mark(row) => self.put_mark(row),
            Write::Ignore(account, name) => {
                let new = Arc::make_mut(self.ignores.entry(*account).or_default()).insert(name.clone());
                new.then(|| Write::RemoveIgnore(*account, name.clone())).into_iter().collect()
            }
            Write::RemoveIgnore(account, name) => {
                let old = self.ignores.get_mut(account).is_some_and(|set| Arc::make_mut(set).remove(name));
                old.then(|| Write::Ignore(*account, name.clone())).into_iter().collect()
            }
            Write::Setting(name, value) => {
                let old = match value {
                    Some(value) => self.settings.insert(name.clone(), value.clone()),
                    None => self.settings.remove(name),
                };
                vec![Write::Setting(name.clone(), old)]
            }
            // These live with the logs, not here.
            Write::Sender(_) | Write::Append(_) | Write::Trim(..) | Write::GuestNumber(_) => Vec::new(),
        }
    }

    fn put_account(&mut self, row: &AccountRow) -> Vec<Write> {
        let old = self.accounts.insert(row.card.id, row.clone());
        if let Some(old) = &old {
            self.account_by_fold.remove(&old.fold);
            self.account_by_nick.remove(&fold(&old.card.nick));
        }
        self.account_by_fold.insert(row.fold.clone(), row.card.id);
        self.account_by_nick.insert(fold(&row.card.nick), row.card.id);
        vec![old.map_or(Write::RemoveAccount(row.card.id), |old| Write::Account(Box::new(old)))]
    }

    fn remove_account(&mut self, id: AccountId) -> Vec<Write> {
        let Some(row) = self.accounts.remove(&id) else { return Vec::new() };
        self.account_by_fold.remove(&row.fold);
        self.account_by_nick.remove(&fold(&row.card.nick));
        let mut back = vec![Write::Account(Box::new(row))];
        let rooms = self.rooms_by_member.get(&id).cloned().unwrap_or_default();
        for room in rooms {
            back.extend(self.remove_member(room, id));
        }
        let tokens: Vec<u64> = self.tokens.values().filter(|t| t.account == id).map(|t| t.card.id).collect();
        for token in tokens {
            back.extend(self.remove_token(token));
        }
        back.extend(self.remove_invites(|row| row.by == Some(id)));
        if let Some(names) = self.ignores.remove(&id) {
            back.extend(names.iter().map(|name| Write::Ignore(id, name.clone())));
        }
        back
    }

    fn put_room(&mut self, row: &RoomRow) -> Vec<Write> {
        if let Some(room) = self.rooms.get_mut(&row.id) {
            let old = std::mem::replace(&mut room.row, row.clone());
            self.room_by_fold.remove(&old.fold);
            self.room_by_fold.insert(row.fold.clone(), row.id);
            return vec![Write::Room(Box::new(old))];
        }
        self.room_by_fold.insert(row.fold.clone(), row.id);
        self.rooms.insert(row.id, RoomFacts::new(row.clone()));
        vec![Write::RemoveRoom(row.id)]
    }

    fn remove_room(&mut self, id: RoomId) -> Vec<Write> {
        let Some(room) = self.rooms.remove(&id) else { return Vec::new() };
        self.room_by_fold.remove(&room.row.fold);
        for account in room.members.keys() {
            forget_room(&mut self.rooms_by_member, *account, id);
        }
        let mut back = vec![Write::Room(Box::new(room.row))];
        back.extend(room.members.into_values().map(Write::Member));
        back.extend(room.bans.into_values().map(Write::Ban));
        back.extend(room.marks.into_values().map(Write::Mark));
        back.extend(self.remove_invites(|row| row.room == Some(id)));
        back
    }

    fn put_member(&mut self, row: &MemberRow) -> Vec<Write> {
        let Some(room) = self.rooms.get_mut(&row.room) else { return Vec::new() };
        let old = room.members.insert(row.account, row.clone());
        self.rooms_by_member.entry(row.account).or_default().insert(row.room);
        room.member_count += u32::from(!row.invited);
        room.member_count -= u32::from(old.as_ref().is_some_and(|old| !old.invited));
        vec![old.map_or(Write::RemoveMember(row.room, row.account), Write::Member)]
    }

    fn remove_member(&mut self, room: RoomId, account: AccountId) -> Vec<Write> {
        forget_room(&mut self.rooms_by_member, account, room);
        let Some(room) = self.rooms.get_mut(&room) else { return Vec::new() };
        let member = room.members.remove(&account);
        room.member_count -= u32::from(member.as_ref().is_some_and(|m| !m.invited));
        let mark = room.marks.remove(&account).map(Write::Mark);
        room.mentions.remove(&account);
        member.map(Write::Member).into_iter().chain(mark).collect()
    }

    fn put_ban(&mut self, row: &BanRow) -> Vec<Write> {
        let Some(room) = self.rooms.get_mut(&row.room) else { return Vec::new() };
        let old = room.bans.insert(row.fold.clone(), row.clone());
        vec![old.map_or(Write::RemoveBan(row.room, row.fold.clone()), Write::Ban)]
    }

    fn put_token(&mut self, row: &TokenRow) -> Vec<Write> {
        self.token_by_hash.insert(row.hash, row.card.id);
        let old = self.tokens.insert(row.card.id, row.clone());
        vec![old.map_or(Write::RemoveToken(row.card.id), |old| Write::Token(Box::new(old)))]
    }

    fn remove_token(&mut self, id: u64) -> Vec<Write> {
        let row = self.tokens.remove(&id);
        if let Some(row) = &row {
            self.token_by_hash.remove(&row.hash);
        }
        row.into_iter().map(|row| Write::Token(Box::new(row))).collect()
    }

    fn put_invite(&mut self, row: &InviteRow) -> Vec<Write> {
        self.invite_by_hash.insert(row.hash, row.card.id);
        let old = self.invites.insert(row.card.id, row.clone());
        vec![old.map_or(Write::RemoveInvite(row.card.id), |old| Write::Invite(Box::new(old)))]
    }

    fn remove_invite(&mut self, id: u64) -> Vec<Write> {
        let row = self.invites.remove(&id);
        if let Some(row) = &row {
            self.invite_by_hash.remove(&row.hash);
        }
        row.into_iter().map(|row| Write::Invite(Box::new(row))).collect()
    }

    fn remove_invites(&mut self, which: impl Fn(&InviteRow) -> bool) -> Vec<Write> {
        let gone: Vec<u64> = self.invites.values().filter(|row| which(row)).map(|row| row.card.id).collect();
        gone.into_iter().flat_map(|id| self.remove_invite(id)).collect()
    }

    fn put_mark(&mut self, row: &MarkRow) -> Vec<Write> {
        let Some(room) = self.rooms.get_mut(&row.room) else { return Vec::new() };
        if let Some(mentions) = room.mentions.get_mut(&row.account) {
            mentions.retain(|seq| *seq > row.seq);
        }
        room.marks.insert(row.account, *row).into_iter().map(Write::Mark).collect()
    }
}

fn forget_room(rooms: &mut FxHashMap<AccountId, FxHashSet<RoomId>>, account: AccountId, room: RoomId) {
    if let Some(of) = rooms.get_mut(&account) {
        of.remove(&room);
        if of.is_empty() {
            rooms.remove(&account);
        }
    }
}

impl RoomFacts {
    fn new(row: RoomRow) -> Self {
        Self {
            row,
            members: FxHashMap::default(),
            member_count: 0,
            bans: HashMap::new(),
            marks: FxHashMap::default(),
            mentions: FxHashMap::default(),
        }
    }
}
