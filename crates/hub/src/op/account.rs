//! Accounts and tokens: registering oneself, and managing those of others.

use super::Done;
use crate::{
    core::Core,
    logins::{hash_token, new_secret},
    people::{Identity, Person},
    rules::{Actor, HubAct, authorize_hub, refuse},
    store::{AccountRow, TokenRow, Write},
};
use hubbub_model::{
    AccountCard, AccountId, AccountStatus, Command, Kind, Refusal, Reply, Role, Scope, Sender, SenderKind,
    SessionId, Text, Ticket, TokenCard, UserName,
};
use std::sync::Arc;

impl Core {
    /// A guest becomes an account. `password` is a hash by now.
    pub(super) fn register(&mut self, session: SessionId, name: Option<UserName>, password: String) -> Done {
        let here = self.here(session)?;
        let name = name.unwrap_or_else(|| here.sender.name.clone());
        if here.sender.account.is_some() {
            return Err(refuse(Kind::Invalid, "you have an account already"));
        }
        if !self.registration {
            return Err(refuse(
                Kind::NotAllowed,
                "this hub takes no registrations: ask an admin for an account",
            ));
        }
        let taken = self.people.guest_named(&name.folded()).is_some_and(|guest| guest != session);
        if taken || self.facts.account_named(name.as_str()).is_some() {
            return Err(refuse(Kind::Taken, "that name is taken: choose another"));
        }
        let was = here.sender.clone();
        let row = self.new_account(name.clone(), Role::Member, Some(password));
        let account = row.card.id;
        let fold = row.fold.clone();
        self.write(Write::Account(Box::new(row)));
        let id = self.next_sender();
        let sender = Sender {
            id,
            kind: SenderKind::Account,
            account: Some(account),
            number: u64::from(account.0),
            name: name.clone(),
            ..(*was).clone()
        };
        let person = self.here(session)?.person();
        let fold = fold.into();
        self.identify(
            session,
            Identity { sender: Arc::new(sender), sender_stored: false, fold, role: Role::Member },
        );
        self.carry_directs(person, account);
        self.tell_renamed(session, &was.name);
        let outlet = self.here(session)?.outlet.clone();
        self.after_then(&outlet, Ticket::NONE, move |core| {
            core.became(session, &was);
            None
        });
        Ok(Some(Reply::Named(name)))
    }

    pub(super) fn new_account(&mut self, name: UserName, role: Role, password: Option<String>) -> AccountRow {
        let id = AccountId(self.next.account);
        self.next.account += 1;
        let kind = if role == Role::Device { SenderKind::Device } else { SenderKind::Account };
        let nick = self.facts.free_nick(&name);
        let fold = name.folded();
        let card = AccountCard {
            id,
            name,
            nick,
            kind,
            role,
            status: AccountStatus::Active,
            created_ms: self.now_ms,
            last_seen_ms: None,
        };
        AccountRow { card, fold, password }
    }

    /// Changes one's own password; `new` is a hash by now. The old one is checked on a thread that may take long.
    pub(super) fn password(&mut self, session: SessionId, ticket: Ticket, old: String, new: String) -> Done {
        let here = self.here(session)?;
        let account = here.sender.account.ok_or_else(|| refuse(Kind::Invalid, "a guest has no password"))?;
        let scopes = here.rights.as_ref().map(|rights| rights.scopes.as_slice());
        if scopes.is_some_and(|scopes| !scopes.contains(&Scope::Admin)) {
            return Err(refuse(Kind::NotAllowed, "log in with your password to change it"));
        }
        let name = here.sender.name.clone();
        self.logins.check(name.as_str(), None, self.now_ms)?;
        let outlet = here.outlet.clone();
        let hash = self.facts.accounts.get(&account).and_then(|row| row.password.clone());
        let challenge = crate::logins::Challenge { account: Some(account), hash };
        let Some(queue) = self.queue.upgrade() else { return Ok(None) };
        self.reads.run(move |_| {
            let right = challenge.verify(&old);
            let job = crate::hub::Submission::Admin(Box::new(move |core: &mut Core| {
                let reply = core.password_checked(session, account, &name, right, new);
                core.after_answer(&outlet, ticket, reply);
            }));
            // A hub that has stopped answers nobody.
            let _ = queue.blocking_send(job);
        });
        Ok(None)
    }

    fn password_checked(
        &mut self,
        session: SessionId,
        account: AccountId,
        name: &UserName,
        right: bool,
        new: String,
    ) -> Result<Reply, Refusal> {
        if !right {
            self.logins.failed(name.as_str(), None, self.now_ms);
            return Err(refuse(Kind::BadCredentials, "the old password is wrong"));
        }
        let row = self.facts.accounts.get(&account).cloned();
        let mut row = row.ok_or_else(|| refuse(Kind::NotFound, "the account is gone"))?;
        row.password = Some(new);
        self.write(Write::Account(Box::new(row)));
        let sessions = self.people.sessions_of(Person::Account(account)).to_vec();
        self.cut(&sessions, Some(session));
        Ok(Reply::Done)
    }

    /// Accounts, tokens and invites, by an admin, the operator, or (tokens) oneself. Passwords are hashes by now.
    pub(super) fn manage(
        &mut self,
        role: Role,
        me: Option<AccountId>,
        scopes: Option<&[Scope]>,
        command: Command,
    ) -> Done {
        let actor = Actor { role, account: me, fold: "", scopes, invited_to: None, attends: false };
        match command {
            Command::AccountAdd { name, role, password } => self.account_add(actor, name, role, password),
            Command::AccountList => {
                authorize_hub(actor, HubAct::ListAccounts)?;
                let mut cards: Vec<AccountCard> =
                    self.facts.accounts.values().map(|row| row.card.clone()).collect();
                cards.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(Some(Reply::Accounts(cards)))
            }
            Command::AccountSet { name, role, status, password } => {
                self.account_set(actor, &name, role, status, password)
            }
            Command::AccountRemove { name } => self.account_remove(actor, &name),
            Command::TokenAdd { account, label, scopes, for_s } => {
                self.token_add(actor, account.as_ref(), label, scopes, for_s)
            }
            Command::TokenList { account } => self.token_list(actor, account.as_ref()),
            Command::TokenRemove { id } => self.token_remove(actor, id),
            Command::InviteAdd { room, admits, uses, for_s } => {
                self.invite_add(actor, room.as_ref(), admits, uses, for_s)
            }
            Command::InviteList => Ok(Some(self.invite_list(actor))),
            Command::InviteRemove { id } => self.invite_remove(actor, id),
            Command::Hub => Ok(Some(Reply::Hub(Box::new(self.hub_card())))),
            Command::SetHub { name, guests } => self.set_hub(actor, name, guests),
            _ => Err(refuse(Kind::Unsupported, "the operator cannot do that: log in")),
        }
    }

    fn account_add(
        &mut self,
        actor: Actor<'_>,
        name: UserName,
        role: Role,
        password: Option<String>,
    ) -> Done {
        authorize_hub(actor, HubAct::ManageAccount(role))?;
        if role == Role::Guest {
            return Err(refuse(
                Kind::Invalid,
                "a guest has no account: choose owner, admin, member or device",
            ));
        }
        if self.facts.account_named(name.as_str()).is_some() {
            return Err(refuse(Kind::Taken, format_args!("an account named {name} exists")));
        }
        if let Some(guest) = self.people.guest_named(&name.folded()) {
            self.rename_out_of_the_way(guest, &name)?;
        }
        let row = self.new_account(name, role, password);
        let card = row.card.clone();
        self.write(Write::Account(Box::new(row)));
        Ok(Some(Reply::Account(Box::new(card))))
    }

    /// A guest may not use a registered name.
    pub(super) fn rename_out_of_the_way(&mut self, guest: SessionId, name: &UserName) -> Result<(), Refusal> {
        let (free, fold) = self.free_name(name)?;
        let Some(was) = self.people.get(guest).map(|here| here.sender.clone()) else { return Ok(()) };
        let sender = Sender { id: self.next_sender(), name: free.clone(), ..(*was).clone() };
        self.rename_guest(guest, Arc::new(sender), fold);
        if let Some(outlet) = self.people.get(guest).map(|here| here.outlet.clone()) {
            outlet.push(crate::inbox::Control::Told(crate::inbox::Delivery::Reply(
                Ticket::NONE,
                Ok(Reply::Named(free)),
            )));
        }
        self.tell_renamed(guest, &was.name);
        Ok(())
    }

    fn account_set(
        &mut self,
        actor: Actor<'_>,
        name: &UserName,
        role: Option<Role>,
        status: Option<AccountStatus>,
        password: Option<String>,
    ) -> Done {
        let mut row = self.managed(actor, name)?;
        if let Some(role) = role {
            authorize_hub(actor, HubAct::ManageAccount(role))?;
            if role == Role::Guest || (role == Role::Device) != (row.card.role == Role::Device) {
                return Err(refuse(
                    Kind::Invalid,
                    "a person's account stays a person's, a device's a device's",
                ));
            }
            self.keep_an_owner(&row, Some(role))?;
            row.card.role = role;
        }
        if status == Some(AccountStatus::Disabled) {
            self.keep_an_owner(&row, None)?;
        }
        let cut = status == Some(AccountStatus::Disabled) || password.is_some() || role.is_some();
        row.card.status = status.unwrap_or(row.card.status);
        row.password = password.or(row.password);
        let card = row.card.clone();
        self.write(Write::Account(Box::new(row)));
        if cut {
            let sessions = self.people.sessions_of(Person::Account(card.id)).to_vec();
            self.cut(&sessions, None);
        }
        Ok(Some(Reply::Account(Box::new(card))))
    }

    fn account_remove(&mut self, actor: Actor<'_>, name: &UserName) -> Done {
        let row = self.managed(actor, name)?;
        self.keep_an_owner(&row, None)?;
        let sessions = self.people.sessions_of(Person::Account(row.card.id)).to_vec();
        self.cut(&sessions, None);
        self.write(Write::RemoveAccount(row.card.id));
        Ok(Some(Reply::Done))
    }

    /// The last owner cannot be removed, switched off or made less.
    fn keep_an_owner(&self, row: &AccountRow, role: Option<Role>) -> Result<(), Refusal> {
        let owners = self
            .facts
            .accounts
            .values()
            .filter(|r| r.card.role == Role::Owner && r.card.status == AccountStatus::Active)
            .count();
        if row.card.role == Role::Owner && role != Some(Role::Owner) && owners <= 1 {
            return Err(refuse(Kind::NotAllowed, "this is the last owner: make another one first"));
        }
        Ok(())
    }

    fn managed(&self, actor: Actor<'_>, name: &UserName) -> Result<AccountRow, Refusal> {
        authorize_hub(actor, HubAct::ListAccounts)?;
        let row = self.facts.account_named(name.as_str());
        let row =
            row.ok_or_else(|| refuse(Kind::NotFound, format_args!("there is no account named {name}")))?;
        authorize_hub(actor, HubAct::ManageAccount(row.card.role))?;
        Ok(row.clone())
    }

    /// The account whose tokens are meant: the named one, else one's own.
    fn token_owner(
        &self,
        actor: Actor<'_>,
        name: Option<&UserName>,
    ) -> Result<(AccountId, UserName), Refusal> {
        let row = match (name, actor.account) {
            (Some(name), _) => self.facts.account_named(name.as_str()),
            (None, Some(me)) => self.facts.accounts.get(&me),
            (None, None) => return Err(refuse(Kind::Invalid, "say whose token is meant")),
        };
        let row = row.ok_or_else(|| refuse(Kind::NotFound, "there is no account of that name"))?;
        authorize_hub(actor, HubAct::ManageTokens(row.card.id))?;
        if actor.account != Some(row.card.id) {
            authorize_hub(actor, HubAct::ManageAccount(row.card.role))?;
        }
        Ok((row.card.id, row.card.name.clone()))
    }

    fn token_add(
        &mut self,
        actor: Actor<'_>,
        name: Option<&UserName>,
        label: Text,
        scopes: Vec<Scope>,
        for_s: Option<u64>,
    ) -> Done {
        let (account, owner) = self.token_owner(actor, name)?;
        self.fits_note(&label)?;
        if scopes.is_empty() {
            return Err(refuse(Kind::Invalid, "a token needs a scope: read, write, files or admin"));
        }
        if actor.account == Some(account)
            && let Some(own) = actor.scopes
            && !scopes.iter().all(|scope| own.contains(scope))
        {
            return Err(refuse(Kind::NotAllowed, "a token makes no token that may do more than itself"));
        }
        let secret = new_secret()?;
        let expires_ms = for_s
            .map(|s| self.now_ms.saturating_add(i64::try_from(s.saturating_mul(1000)).unwrap_or(i64::MAX)));
        let card = TokenCard {
            id: self.next.token,
            account: owner,
            label,
            scopes,
            created_ms: self.now_ms,
            expires_ms,
            last_used_ms: None,
        };
        self.next.token += 1;
        self.write(Write::Token(Box::new(TokenRow {
            card: card.clone(),
            account,
            hash: hash_token(&secret),
        })));
        Ok(Some(Reply::Token { secret, card: Box::new(card) }))
    }

    fn token_list(&self, actor: Actor<'_>, name: Option<&UserName>) -> Done {
        if name.is_none() && actor.account.is_none() {
            authorize_hub(actor, HubAct::ListAccounts)?;
            let mut cards: Vec<TokenCard> = self.facts.tokens.values().map(|t| t.card.clone()).collect();
            cards.sort_by_key(|card| card.id);
            return Ok(Some(Reply::Tokens(cards)));
        }
        let (account, _) = self.token_owner(actor, name)?;
        let mut cards: Vec<TokenCard> =
            self.facts.tokens.values().filter(|t| t.account == account).map(|t| t.card.clone()).collect();
        cards.sort_by_key(|card| card.id);
        Ok(Some(Reply::Tokens(cards)))
    }

    fn token_remove(&mut self, actor: Actor<'_>, id: u64) -> Done {
        let missing = || refuse(Kind::NotFound, "there is no such token");
        let token = self.facts.tokens.get(&id).ok_or_else(missing)?;
        let account = token.account;
        authorize_hub(actor, HubAct::ManageTokens(account)).map_err(|_| missing())?;
        if actor.account != Some(account)
            && let Some(owner) = self.facts.accounts.get(&account)
        {
            authorize_hub(actor, HubAct::ManageAccount(owner.card.role))?;
        }
        let sessions = self.sessions_by_token(id);
        self.write(Write::RemoveToken(id));
        self.cut(&sessions, None);
        Ok(Some(Reply::Done))
    }
}
