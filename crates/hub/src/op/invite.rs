//! Invite links: making, listing and withdrawing them, and coming in with one.
//!
//! **Invariants.** A use is spent in the batch that lets somebody in, so that the count is exact, and a commit that fails
//! gives it back with all else. An invite is worth what its maker may do now, not what they could when they made it.

use super::Done;
use crate::{
    core::Core,
    expiry::Ending,
    hub::{Me, Origin},
    inbox::Outlet,
    logins::{hash_token, new_code},
    people::Pass,
    rules::{Act, Actor, authorize, authorize_invite, not_found, refuse},
    store::{InviteRow, Write},
};
use hubbub_model::{
    AccountStatus, Admits, InviteCard, Kind, Refusal, Reply, Role, RoomKind, RoomRef, SessionId, Text,
    Ticket, UserName,
};
use std::{net::IpAddr, sync::Arc};

impl Core {
    pub(super) fn invite_add(
        &mut self,
        actor: Actor<'_>,
        room: Option<&RoomRef>,
        admits: Admits,
        uses: u32,
        for_s: u64,
    ) -> Done {
        let room = room.map(|room| self.find_room(room)).transpose()?;
        let facts = room.map(|room| self.facts.rooms.get(&room).ok_or_else(not_found)).transpose()?;
        authorize_invite(actor, admits, facts, self.now_ms)?;
        if facts.is_some_and(|facts| facts.row.kind != RoomKind::Room) {
            return Err(refuse(Kind::Invalid, "a direct is between two: nobody else can be invited"));
        }
        self.fits_invite(uses, for_s)?;
        let by = actor.account.and_then(|account| self.facts.accounts.get(&account));
        let code = new_code()?;
        let for_ms = i64::try_from(for_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let card = InviteCard {
            id: self.next.invite,
            by: Text::ours(by.map_or_else(UserName::system, |row| row.card.name.clone()).as_str()),
            room: facts.map(|facts| facts.row.name.clone()),
            r#as: admits,
            uses,
            uses_left: uses,
            created_ms: self.now_ms,
            ends_ms: self.now_ms.saturating_add(for_ms),
        };
        tracing::info!(invite = card.id, by = %card.by, room = ?card.room, admits = ?admits, uses, for_s, "an invite was made");
        self.next.invite += 1;
        self.expiry.watch(card.ends_ms, Ending::Invite(card.id));
        let hash = hash_token(&code);
        self.write(Write::Invite(Box::new(InviteRow { card: card.clone(), by: actor.account, room, hash })));
        Ok(Some(Reply::Invite { code, card: Box::new(card) }))
    }

    fn fits_invite(&self, uses: u32, for_s: u64) -> Result<(), Refusal> {
        let (uses_max, s_max, max) =
            (self.limits.invite_uses_max, self.limits.invite_s_max, self.limits.invites_max);
        if !(1..=uses_max).contains(&uses) {
            return Err(refuse(Kind::Invalid, format_args!("an invite has 1 to {uses_max} uses")));
        }
        if !(1..=s_max).contains(&for_s) {
            return Err(refuse(Kind::Invalid, format_args!("an invite is good for 1 to {s_max} seconds")));
        }
        if self.facts.invites.len() >= max {
            let text = format_args!("the hub has at most {max} invites: withdraw one first");
            return Err(refuse(Kind::TooMany, text));
        }
        Ok(())
    }

    /// Those that the actor may withdraw, newest first.
    pub(super) fn invite_list(&self, actor: Actor<'_>) -> Reply {
        let rows = self.facts.invites.values();
        let rows = rows.filter(|row| row.card.ends_ms > self.now_ms && self.may_manage(actor, row).is_ok());
        let mut cards: Vec<InviteCard> = rows.map(|row| row.card.clone()).collect();
        cards.sort_by_key(|card| std::cmp::Reverse(card.id));
        cards.truncate(self.limits.list_rows_max);
        Reply::Invites(cards)
    }

    pub(super) fn invite_remove(&mut self, actor: Actor<'_>, id: u64) -> Done {
        let missing = || refuse(Kind::NotFound, "there is no such invite");
        let row = self.facts.invites.get(&id).ok_or_else(missing)?;
        self.may_manage(actor, row).map_err(|_| missing())?;
        tracing::info!(invite = id, by = ?actor.account, "an invite was withdrawn");
        let guests = self.people.invited_by(id);
        self.write(Write::RemoveInvite(id));
        self.cut(&guests, None);
        Ok(Some(Reply::Done))
    }

    fn may_manage(&self, actor: Actor<'_>, row: &InviteRow) -> Result<(), Refusal> {
        let room = row.room.map(|room| self.facts.rooms.get(&room).ok_or_else(not_found)).transpose()?;
        authorize_invite(actor, row.card.r#as, room, self.now_ms)
    }

    /// Somebody with an account enters the invite's room.
    pub(super) fn invite_take(&mut self, session: SessionId, ticket: Ticket, code: &str) -> Done {
        let here = self.here(session)?;
        let Some(account) = here.sender.account else {
            return Err(refuse(Kind::NotAllowed, "a guest comes in with an invite: log in anew with it"));
        };
        // Where the session comes from is not known any more: the budget is that of the name.
        let (name, outlet) = (here.sender.name.clone(), here.outlet.clone());
        self.logins.check(name.as_str(), None, self.now_ms)?;
        let row = self.invite_of(&hash_token(code));
        let row = row.inspect_err(|_| self.logins.failed(name.as_str(), None, self.now_ms))?;
        self.is_good(&row)?;
        let room = row.room.ok_or_else(|| refuse(Kind::Invalid, "you have an account already"))?;
        let facts = self.facts.rooms.get(&room).ok_or_else(not_found)?;
        if facts.members.get(&account).is_some_and(|member| !member.invited) {
            return Err(refuse(Kind::Taken, "you are a member of this room already"));
        }
        let actor = Actor { invited_to: Some(room), ..self.here(session)?.actor(Some(room)) };
        authorize(actor, Act::Enter, facts, self.now_ms)?;
        self.become_member(session, room)?;
        self.spend(row, &name);
        self.after_then(&outlet, ticket, move |core| {
            core.card(session, room).map(|card| Ok(Reply::Room(Box::new(card))))
        });
        Ok(None)
    }

    /// The invite of this code, if it can be taken. A code that is none counts as a failed login of the address.
    pub(super) fn good_invite(
        &mut self,
        hash: &[u8; 32],
        address: Option<IpAddr>,
    ) -> Result<InviteRow, Refusal> {
        self.logins.check("", address, self.now_ms)?;
        let row = self.invite_of(hash).inspect_err(|_| self.logins.failed("", address, self.now_ms))?;
        self.is_good(&row)?;
        Ok(row)
    }

    fn invite_of(&self, hash: &[u8; 32]) -> Result<InviteRow, Refusal> {
        self.facts.invite(hash).cloned().ok_or_else(no_good)
    }

    fn is_good(&self, row: &InviteRow) -> Result<(), Refusal> {
        if row.card.uses_left > 0 && self.stands(row) { Ok(()) } else { Err(no_good()) }
    }

    /// Whether it has not ended, and who made it could make it now.
    fn stands(&self, row: &InviteRow) -> bool {
        let may = || {
            let Some(by) = row.by else { return true };
            let maker = self.facts.accounts.get(&by).filter(|row| row.card.status == AccountStatus::Active);
            maker.is_some_and(|maker| {
                let actor = Actor {
                    role: maker.card.role,
                    account: Some(by),
                    fold: &maker.fold,
                    scopes: None,
                    invited_to: None,
                    attends: false,
                };
                self.may_manage(actor, row).is_ok()
            })
        };
        row.card.ends_ms > self.now_ms && may()
    }

    /// What an invite that let a guest in is worth to them still.
    pub(super) fn pass(&self, invite: u64) -> Option<Box<Pass>> {
        let row = self.facts.invites.get(&invite)?;
        let is_pass = row.card.r#as == Admits::Guest && self.stands(row);
        is_pass.then(|| Box::new(Pass { invite, room: row.room }))
    }

    /// Somebody takes an invite: a guest for as long as it lasts, or a new account. `password` is a hash by now.
    pub(super) fn begin_invited(
        &mut self,
        hash: &[u8; 32],
        name: &UserName,
        password: Option<String>,
        origin: &Origin,
        outlet: &Arc<Outlet>,
    ) -> Result<Me, Refusal> {
        let row = self.good_invite(hash, origin.address)?;
        self.may_come(&row, name)?;
        let me = match (row.card.r#as, password) {
            (Admits::Guest, None) => {
                let pass = Box::new(Pass { invite: row.card.id, room: row.room });
                self.begin_guest(Some(name.clone()), Some(pass), origin, outlet)?
            }
            (Admits::Member, Some(password)) => {
                self.begin_member(&row, name.clone(), password, origin, outlet)?
            }
            (Admits::Guest, Some(_)) => {
                return Err(refuse(Kind::Invalid, "this invite is for guests: send no password"));
            }
            (Admits::Member, None) => {
                return Err(refuse(Kind::Invalid, "this invite makes an account: send a password too"));
            }
        };
        self.spend(row, name);
        Ok(me)
    }

    /// Who is banned from the room comes in by no invite to it.
    fn may_come(&self, row: &InviteRow, name: &UserName) -> Result<(), Refusal> {
        let Some(room) = row.room else { return Ok(()) };
        let fold = name.folded();
        let actor = Actor {
            role: Role::Guest,
            account: None,
            fold: &fold,
            scopes: None,
            invited_to: Some(room),
            attends: false,
        };
        authorize(actor, Act::Enter, self.facts.rooms.get(&room).ok_or_else(not_found)?, self.now_ms)
    }

    fn begin_member(
        &mut self,
        row: &InviteRow,
        name: UserName,
        password: String,
        origin: &Origin,
        outlet: &Arc<Outlet>,
    ) -> Result<Me, Refusal> {
        if self.facts.account_named(name.as_str()).is_some() {
            return Err(refuse(Kind::Taken, "that name is taken: choose another"));
        }
        if let Some(guest) = self.people.guest_named(&name.folded()) {
            self.rename_out_of_the_way(guest, &name)?;
        }
        let account = self.new_account(name, Role::Member, Some(password));
        let id = account.card.id;
        self.write(Write::Account(Box::new(account)));
        let me = self.begin_account(id, None, origin, outlet)?;
        if let Some(room) = row.room {
            self.become_member(me.session, room)?;
        }
        Ok(me)
    }

    fn spend(&mut self, mut row: InviteRow, name: &UserName) {
        row.card.uses_left = row.card.uses_left.saturating_sub(1);
        tracing::info!(invite = row.card.id, name = %name, uses_left = row.card.uses_left, "an invite was taken");
        self.write(Write::Invite(Box::new(row)));
    }
}

/// One sentence for all that is wrong with it: whoever has no good code need not know more.
fn no_good() -> Refusal {
    refuse(Kind::NotFound, "this invite is not good: it is wrong, used up, ended or withdrawn")
}
