//! The store that forgets: the same contract over plain collections, for tests and for `--data :memory:`.
//!
//! **Invariant.** A batch is checked as a whole before anything of it is applied, so that applying cannot fail.

use crate::{place, rules, words};
use hubbub_hub::store::{
    AccountRow, Append, BanRow, Batch, Findings, InviteRow, Loaded, MarkRow, MemberRow, Outcome, Reader,
    RoomRow, SearchPlan, Store, StoreError, StoreFault, TokenRow, Write,
};
use hubbub_model::{AccountId, Event, EventId, EventKind, RoomId, Text};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Txns that one `tidy` forgets at most.
const TIDIED_TXNS_MAX: usize = 50_000;

/// A store in memory. Clones share it: a clone that is loaded again counts as another start.
#[derive(Clone, Default)]
pub struct MemoryStore {
    // Written by the hub thread alone; readers hold it while they copy events out.
    state: Arc<RwLock<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets every commit from now on fail with this fault, or succeed again: for tests of what the hub does then.
    #[doc(hidden)]
    pub fn for_tests_fail(&self, fault: Option<StoreFault>) {
        self.write().fail = fault;
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let mut state = self.write();
        state.numbers.boot += 1;
        Ok(state.loaded())
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let mut state = self.write();
        if let Some(fault) = state.fail {
            return Err(StoreError::new(fault, "the store was told to fail"));
        }
        state.check(batch)?;
        Ok(batch.writes.iter().filter_map(|write| state.apply(batch.ts_ms, write)).collect())
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(self.clone()))
    }

    fn tidy(&mut self, now_ms: i64) -> Result<(), StoreError> {
        let state = &mut *self.write();
        let is_old = |(ts_ms, _): &mut (i64, Arc<str>)| *ts_ms < now_ms - rules::TXN_KEPT_MS;
        // A bounded part of them, because this is done at once; the rest next time.
        for _ in 0..TIDIED_TXNS_MAX {
            let Some((_, txn)) = state.txn_order.pop_front_if(is_old) else { break };
            state.txns.remove(&txn);
        }
        Ok(())
    }
}

impl Reader for MemoryStore {
    fn ascending(
        &mut self,
        room: RoomId,
        from: u64,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let state = self.read();
        let Some(log) = state.logs.get(&room) else { return Ok(Vec::new()) };
        let events = log.events.iter().skip(log.index_from(|e| e.seq < from)).take_while(|e| e.seq <= to);
        Ok(within(events, limit, bytes_max))
    }

    fn descending(
        &mut self,
        room: RoomId,
        to: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let state = self.read();
        let Some(log) = state.logs.get(&room) else { return Ok(Vec::new()) };
        let events = log.events.iter().take(log.index_from(|e| e.seq <= to)).rev();
        let mut found = within(events, limit, bytes_max);
        found.reverse();
        Ok(found)
    }

    fn first_from(&mut self, room: RoomId, id: EventId) -> Result<Option<u64>, StoreError> {
        let state = self.read();
        Ok(state.logs.get(&room).and_then(|log| log.events.get(log.index_from(|e| e.id < id))).map(|e| e.seq))
    }

    fn search(&mut self, plan: &SearchPlan, _: Findings) -> Result<Findings, StoreError> {
        let phrases = words::phrases(&plan.words);
        if phrases.is_empty() {
            return Ok(Findings::default());
        }
        let state = self.read();
        let rooms: BTreeSet<RoomId> = plan.rooms.iter().copied().collect();
        let mut hits: Vec<(RoomId, Event)> = Vec::new();
        for (room, log) in rooms.iter().filter_map(|room| Some((*room, state.logs.get(room)?))) {
            let found = log.texts().filter(|(event, text)| {
                rules::fits_time(plan, event.ts_ms)
                    && rules::fits_sender(plan, &event.sender)
                    && words::holds(&words::spaced(text), &phrases)
            });
            hits.extend(found.map(|(event, text)| (room, with_text(event, text))));
        }
        hits.sort_by_key(|(_, event)| std::cmp::Reverse(event.id));
        hits.truncate(plan.limit);
        Ok(Findings { hits, more: None })
    }
}

/// The event; a message with this text.
fn with_text(event: &Event, shown: &Text) -> Event {
    let mut event = event.clone();
    if let EventKind::Message { text, .. } = &mut event.kind {
        *text = shown.clone();
    }
    event
}

/// The first events, as many as both budgets allow, and one at least unless `limit` is 0.
fn within<'a>(events: impl Iterator<Item = &'a Event>, limit: usize, bytes_max: usize) -> Vec<Event> {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        let first = bytes == 0;
        // One more than the text, so that `first` is true once.
        bytes += event.kind.text_len() + 1;
        first || bytes <= bytes_max
    };
    events.take(limit).take_while(fits).cloned().collect()
}

#[derive(Default)]
struct State {
    fail: Option<StoreFault>,
    numbers: Numbers,
    accounts: BTreeMap<AccountId, AccountRow>,
    logs: BTreeMap<RoomId, Log>,
    members: BTreeMap<(RoomId, AccountId), MemberRow>,
    bans: BTreeMap<(RoomId, String), BanRow>,
    tokens: BTreeMap<u64, TokenRow>,
    invites: BTreeMap<u64, InviteRow>,
    marks: BTreeMap<(RoomId, AccountId), MarkRow>,
    mentions: BTreeSet<(RoomId, AccountId, u64)>,
    ignores: BTreeSet<(AccountId, String)>,
    settings: BTreeMap<String, String>,
    txns: HashMap<Arc<str>, First>,
    /// The keys of `txns` with their times, in the order in which they came.
    txn_order: VecDeque<(i64, Arc<str>)>,
}

struct Numbers {
    boot: u64,
    guest: u64,
    next_sender: u64,
    next_account: u32,
    next_room: u32,
    next_token: u64,
    next_invite: u64,
    last_id: u128,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            boot: 0,
            guest: 0,
            next_sender: 1,
            next_account: 1,
            next_room: 1,
            next_token: 1,
            next_invite: 1,
            last_id: 0,
        }
    }
}

/// What a txn did the first time.
#[derive(Clone, Copy)]
struct First {
    room: RoomId,
    seq: u64,
    id: EventId,
    ts_ms: i64,
}

/// A room's row, with its three counts kept true, and its events.
struct Log {
    row: RoomRow,
    last_id: EventId,
    events: VecDeque<Event>,
}

impl Log {
    /// How many events come before the first one for which `before` is false.
    fn index_from(&self, before: impl Fn(&Event) -> bool) -> usize {
        self.events.partition_point(before)
    }

    /// Makes tombstones of an event and of all its edits, as far as they are here.
    fn blank(&mut self, target: EventId) {
        // An edit comes behind what it changes.
        let index = self.index_from(|e| e.id < target);
        for event in self.events.range_mut(index..) {
            if event.id == target || edit_of(&event.kind).is_some_and(|(edited, _)| edited == target) {
                event.kind = EventKind::Redacted;
            }
        }
    }

    /// What search finds: each event with its text, a message with that of its last edit.
    fn texts(&self) -> impl Iterator<Item = (&Event, &Text)> {
        let edits: HashMap<EventId, &Text> = self.events.iter().filter_map(|e| edit_of(&e.kind)).collect();
        self.events.iter().filter_map(move |event| match &event.kind {
            EventKind::Edit { .. } => None,
            EventKind::Message { text, .. } => Some((event, edits.get(&event.id).copied().unwrap_or(text))),
            kind => kind.searchable().map(|text| (event, text)),
        })
    }
}

fn edit_of(kind: &EventKind) -> Option<(EventId, &Text)> {
    if let EventKind::Edit { target, text } = kind { Some((*target, text)) } else { None }
}

impl State {
    fn loaded(&self) -> Loaded {
        Loaded {
            boot: self.numbers.boot,
            next_sender: self.numbers.next_sender,
            guest_number: self.numbers.guest,
            next_account: self.numbers.next_account,
            next_room: self.numbers.next_room,
            next_token: self.numbers.next_token,
            next_invite: self.numbers.next_invite,
            last_id: self.numbers.last_id,
            accounts: self.accounts.values().cloned().collect(),
            rooms: self.logs.values().map(|log| log.row.clone()).collect(),
            members: self.members.values().cloned().collect(),
            bans: self.bans.values().cloned().collect(),
            tokens: self.tokens.values().cloned().collect(),
            invites: self.invites.values().cloned().collect(),
            marks: self.marks.values().copied().collect(),
            mentions: self.mentions.iter().copied().collect(),
            ignores: self.ignores.iter().cloned().collect(),
            settings: self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }

    /// Refuses a batch that no store could write.
    fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut next_sender = self.numbers.next_sender;
        // What the batch has done to logs so far: last id and head, or gone.
        let mut logs: HashMap<RoomId, Option<(EventId, u64)>> = HashMap::new();
        let mut txns: HashSet<&str> = HashSet::new();
        for write in &batch.writes {
            match write {
                Write::Sender(sender) => next_sender = next_sender.max(sender.id.0 + 1),
                Write::Room(row) => {
                    place::check_room(row.id)?;
                    let old = self.logs.get(&row.id).map(|log| (log.last_id, log.row.head));
                    let log = logs.entry(row.id).or_insert(old);
                    *log = log.or(Some((EventId(0), row.head)));
                }
                Write::RemoveRoom(room) => drop(logs.insert(*room, None)),
                Write::Append(append) => {
                    let known = append
                        .txn
                        .as_deref()
                        .is_some_and(|txn| self.txns.contains_key(txn) || !txns.insert(txn));
                    let old = || self.logs.get(&append.room).map(|log| (log.last_id, log.row.head));
                    let log = logs.entry(append.room).or_insert_with(old);
                    let (last, head) = log.as_mut().ok_or_else(|| rules::unknown_room(append.room))?;
                    if !known {
                        rules::check_append(append, *last, next_sender)?;
                        (*last, *head) = (append.id, place::next_seq(append.room, *head)?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn apply(&mut self, ts_ms: i64, write: &Write) -> Option<Outcome> {
        match write {
            Write::Append(append) => return self.append(ts_ms, append),
            Write::Sender(sender) => self.numbers.next_sender = self.numbers.next_sender.max(sender.id.0 + 1),
            Write::Account(row) => {
                self.numbers.next_account = self.numbers.next_account.max(row.card.id.0 + 1);
                self.accounts.insert(row.card.id, (**row).clone());
            }
            Write::RemoveAccount(account) => self.remove_account(*account),
            Write::Room(row) => self.put_room(row),
            Write::RemoveRoom(room) => self.remove_room(*room),
            Write::Member(row) => drop(self.members.insert((row.room, row.account), row.clone())),
            Write::RemoveMember(room, account) => {
                self.members.remove(&(*room, *account));
                self.marks.remove(&(*room, *account));
                self.mentions.retain(|(r, a, _)| (r, a) != (room, account));
            }
            Write::Ban(row) => drop(self.bans.insert((row.room, row.fold.clone()), row.clone())),
            Write::RemoveBan(room, fold) => drop(self.bans.remove(&(*room, fold.clone()))),
            Write::Token(row) => {
                self.numbers.next_token = self.numbers.next_token.max(row.card.id + 1);
                self.tokens.insert(row.card.id, (**row).clone());
            }
            Write::RemoveToken(id) => drop(self.tokens.remove(id)),
            Write::Invite(row) => {
                self.numbers.next_invite = self.numbers.next_invite.max(row.card.id + 1);
                self.invites.insert(row.card.id, (**row).clone());
            }
            Write::RemoveInvite(id) => drop(self.invites.remove(id)),
            Write::Mark(row) => {
                self.marks.insert((row.room, row.account), *row);
                self.mentions.retain(|&(r, a, seq)| (r, a) != (row.room, row.account) || seq > row.seq);
            }
            Write::Ignore(account, fold) => drop(self.ignores.insert((*account, fold.clone()))),
            Write::RemoveIgnore(account, fold) => drop(self.ignores.remove(&(*account, fold.clone()))),
            Write::Trim(room, seq) => self.trim(*room, *seq),
            Write::GuestNumber(number) => self.numbers.guest = self.numbers.guest.max(*number),
            Write::Setting(name, Some(value)) => drop(self.settings.insert(name.clone(), value.clone())),
            Write::Setting(name, None) => drop(self.settings.remove(name)),
        }
        None
    }

    fn append(&mut self, ts_ms: i64, append: &Append) -> Option<Outcome> {
        if let Some(first) = append.txn.as_ref().and_then(|txn| self.txns.get(txn)) {
            let First { room, seq, id, ts_ms } = *first;
            return Some(Outcome::Repeated { room, seq, id, ts_ms });
        }
        // The check has found the log.
        let log = self.logs.get_mut(&append.room)?;
        if let EventKind::Redaction { target, .. } = &append.kind {
            log.blank(*target);
        }
        let row = &mut log.row;
        row.head += 1;
        row.countable += u64::from(append.kind.is_countable());
        let (seq, ordinal) = (row.head, row.countable);
        let (id, sender, kind) = (append.id, append.sender.clone(), append.kind.clone());
        log.events.push_back(Event { seq, ordinal, id, ts_ms, sender, kind });
        log.last_id = id;
        self.numbers.last_id = self.numbers.last_id.max(id.0);
        self.mentions.extend(append.mentions.iter().map(|account| (append.room, *account, seq)));
        if let Some(txn) = &append.txn {
            self.txns.insert(txn.clone(), First { room: append.room, seq, id, ts_ms });
            self.txn_order.push_back((ts_ms, txn.clone()));
        }
        Some(Outcome::Appended { seq, ordinal })
    }

    fn put_room(&mut self, row: &RoomRow) {
        self.numbers.next_room = self.numbers.next_room.max(row.id.0 + 1);
        let new = || Log { row: row.clone(), last_id: EventId(0), events: VecDeque::new() };
        let log = self.logs.entry(row.id).or_insert_with(new);
        let old = &log.row;
        log.row =
            RoomRow { first_seq: old.first_seq, head: old.head, countable: old.countable, ..row.clone() };
    }

    fn trim(&mut self, room: RoomId, seq: u64) {
        let Some(log) = self.logs.get_mut(&room) else { return };
        log.row.first_seq = log.row.first_seq.max(seq.min(log.row.head + 1));
        let gone = log.index_from(|e| e.seq < seq);
        log.events.drain(..gone);
        let first = log.row.first_seq;
        self.mentions.retain(|&(r, _, at)| r != room || at >= first);
    }

    fn remove_room(&mut self, room: RoomId) {
        self.logs.remove(&room);
        self.members.retain(|(r, _), _| *r != room);
        self.bans.retain(|(r, _), _| *r != room);
        self.invites.retain(|_, row| row.room != Some(room));
        self.marks.retain(|(r, _), _| *r != room);
        self.mentions.retain(|(r, _, _)| *r != room);
    }

    fn remove_account(&mut self, account: AccountId) {
        self.accounts.remove(&account);
        self.tokens.retain(|_, row| row.account != account);
        self.invites.retain(|_, row| row.by != Some(account));
        self.members.retain(|(_, a), _| *a != account);
        self.marks.retain(|(_, a), _| *a != account);
        self.mentions.retain(|(_, a, _)| *a != account);
        self.ignores.retain(|(a, _)| *a != account);
    }
}
