//! Sessions begin and end; guests' names; ignoring.

use super::Done;
use crate::{
    core::Core,
    expiry::Ending,
    hub::{Me, Origin},
    inbox::{Control, Delivery, Outlet},
    logins::{Challenge, Checked, LoginStep},
    people::{Here, Identity, Pass, Person, TokenRights, sender},
    rules::refuse,
    signal::{CloseReason, Signal},
    store::{AccountRow, Write},
};
use hubbub_model::{
    AccountId, AccountStatus, Kind, Refusal, Reply, Role, RoomId, Sender, SenderKind, SessionId, Ticket,
    UserName,
};
use smallvec::SmallVec;
use std::sync::Arc;

/// Guest numbers are stored so many ahead, so that none is given twice after a crash.
const GUEST_NUMBERS_AHEAD: u64 = 64;
/// `NAME~2`, `NAME~3` … up to this.
const NAME_TRIES: u32 = 10_000;

impl Core {
    pub(crate) fn login(&mut self, step: LoginStep) {
        match step {
            LoginStep::Challenge { name, address, tell } => {
                let challenge =
                    self.logins.check(name.as_str(), address, self.now_ms).map(|()| self.challenge(&name));
                let _ = tell.send(challenge);
            }
            LoginStep::Peek { invite, address, tell } => {
                let card = self.good_invite(&invite, address).map(|row| row.card);
                // Told once what it rests on is committed.
                self.after_either(&Arc::new(Outlet::new()), Ticket::NONE, move |_, committed| {
                    let _ = tell.send(card.and_then(|card| committed.map(|()| card)));
                    None
                });
            }
            LoginStep::Failed { name, address } => {
                tracing::info!(name = %name, address = ?address, "login failed");
                self.logins.failed(name.as_str(), address, self.now_ms);
            }
            LoginStep::Begin { checked, origin, outlet, tell } => {
                let me = self.begin(checked, &origin, &outlet);
                let session = me.as_ref().ok().map(|me| me.session);
                // Told once the number of a guest is stored.
                self.after_either(&outlet.clone(), Ticket::NONE, move |core, committed| {
                    let begun = committed.is_ok();
                    let told = tell.send(me.and_then(|me| committed.map(|()| me)));
                    if let Some(session) = session.filter(|_| !begun || told.is_err()) {
                        core.logout(session);
                    }
                    None
                });
            }
        }
    }

    fn challenge(&self, name: &UserName) -> Challenge {
        let row =
            self.facts.account_named(name.as_str()).filter(|row| row.card.status == AccountStatus::Active);
        Challenge { account: row.map(|row| row.card.id), hash: row.and_then(|row| row.password.clone()) }
    }

    fn begin(&mut self, checked: Checked, origin: &Origin, outlet: &Arc<Outlet>) -> Result<Me, Refusal> {
        match checked {
            Checked::Guest(name) => self.begin_guest(name, None, origin, outlet),
            Checked::Invited(name, invite) => {
                let pass = self.pass(invite);
                self.begin_guest(Some(name), pass, origin, outlet)
            }
            Checked::Invite(hash, name, password) => {
                self.begin_invited(&hash, &name, password, origin, outlet)
            }
            Checked::Account(account) => self.begin_account(account, None, origin, outlet),
            Checked::Token(hash) => {
                let rights = self.token_rights(&hash, origin)?;
                self.begin_account(rights.0, Some(Box::new(rights.1)), origin, outlet)
            }
        }
    }

    fn token_rights(
        &mut self,
        hash: &[u8; 32],
        origin: &Origin,
    ) -> Result<(AccountId, TokenRights), Refusal> {
        self.logins.check("", origin.address, self.now_ms)?;
        let token = self
            .facts
            .token(hash)
            .filter(|t| t.card.expires_ms.is_none_or(|until| until > self.now_ms))
            .cloned();
        let Some(mut token) = token else {
            self.logins.failed("", origin.address, self.now_ms);
            return Err(refuse(Kind::BadCredentials, "the token is wrong, expired or revoked"));
        };
        let rights = TokenRights { token: token.card.id, scopes: token.card.scopes.clone() };
        if let Some(until_ms) = token.card.expires_ms {
            self.expiry.watch(until_ms, Ending::Token(token.card.id));
        }
        let account = token.account;
        // To the hour, so that a busy device does not write with each login.
        let hour = self.now_ms - self.now_ms.rem_euclid(3_600_000);
        if token.card.last_used_ms != Some(hour) && !self.is_read_only() {
            token.card.last_used_ms = Some(hour);
            self.write(Write::Token(Box::new(token)));
        }
        Ok((account, rights))
    }

    pub(super) fn begin_guest(
        &mut self,
        name: Option<UserName>,
        pass: Option<Box<Pass>>,
        origin: &Origin,
        outlet: &Arc<Outlet>,
    ) -> Result<Me, Refusal> {
        if pass.is_none() && (!origin.guests || !self.welcomes_guests()) {
            return Err(refuse(Kind::NotAllowed, "guests are not welcome here: log in with an account"));
        }
        let number = self.next_guest();
        let asked = match name {
            Some(name) => name,
            None => UserName::parse(&format!("guest-{number}")).map_err(|e| refuse(Kind::Internal, e))?,
        };
        self.replace_client(&asked, origin);
        let (name, fold) = self.free_name(&asked)?;
        let renamed = name != asked;
        let here =
            self.new_session(SenderKind::Guest, None, number, name, fold, Role::Guest, None, origin, outlet);
        Ok(self.arrive(Here { pass, ..here }, renamed))
    }

    pub(super) fn begin_account(
        &mut self,
        account: AccountId,
        rights: Option<Box<TokenRights>>,
        origin: &Origin,
        outlet: &Arc<Outlet>,
    ) -> Result<Me, Refusal> {
        let row = self.facts.accounts.get(&account).filter(|row| row.card.status == AccountStatus::Active);
        let row = row.ok_or_else(|| refuse(Kind::BadCredentials, "the account is switched off"))?.clone();
        let AccountRow { card, fold, .. } = row;
        let number = u64::from(account.0);
        let here = self.new_session(
            card.kind,
            Some(account),
            number,
            card.name,
            fold,
            card.role,
            rights,
            origin,
            outlet,
        );
        if let Some(ignored) = self.facts.ignored_by(account) {
            self.tell(outlet, Control::Ignores(Some(ignored)));
        }
        Ok(self.arrive(here, false))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one property of the new session")]
    fn new_session(
        &mut self,
        kind: SenderKind,
        account: Option<AccountId>,
        number: u64,
        name: UserName,
        fold: String,
        role: Role,
        rights: Option<Box<TokenRights>>,
        origin: &Origin,
        outlet: &Arc<Outlet>,
    ) -> Here {
        let id = self.next_sender();
        // A session that spoke has a stored sender of this number or a later one, so no number comes twice in a log.
        let session = SessionId(id.0);
        Here {
            sender: Arc::new(sender(id, kind, account, number, name, origin, session)),
            sender_stored: false,
            fold: fold.into(),
            role,
            rights,
            pass: None,
            outlet: outlet.clone(),
            open: SmallVec::new(),
            away: None,
            watches: false,
            client: origin.client.as_ref().map(|client| client.as_str().into()),
        }
    }

    fn arrive(&mut self, here: Here, renamed: bool) -> Me {
        let me = here.me(renamed);
        let (person, who) = (here.person(), here.who());
        let was = (!self.people.sessions_of(person).is_empty()).then(|| self.presence(person));
        self.people.add(here);
        match was {
            Some(was) => self.tell_if_changed(person, &who, &was),
            None => self.came(person, &who),
        }
        me
    }

    fn next_guest(&mut self) -> u64 {
        self.next.guest += 1;
        if self.next.guest >= self.next.guest_stored && !self.is_read_only() {
            self.next.guest_stored = self.next.guest + GUEST_NUMBERS_AHEAD;
            self.write(Write::GuestNumber(self.next.guest_stored));
        }
        self.next.guest
    }

    /// The same client logs in again while its old conn is not known to be dead: the old session makes room.
    fn replace_client(&mut self, name: &UserName, origin: &Origin) {
        let Some(client) = &origin.client else { return };
        let Some(old) = self.people.guest_named(&name.folded()) else { return };
        let same = self.people.get(old).filter(|here| here.client.as_deref() == Some(client.as_str()));
        if let Some(here) = same {
            here.outlet.close(CloseReason::Replaced);
            self.logout(old);
        }
    }

    /// The name, or `NAME~2` … where it is taken or registered.
    pub(super) fn free_name(&self, asked: &UserName) -> Result<(UserName, String), Refusal> {
        let free = |name: UserName| {
            let fold = name.folded();
            let taken = self.facts.account_named(&fold).is_some() || self.people.guest_named(&fold).is_some();
            (!taken).then_some((name, fold))
        };
        free(asked.clone())
            .or_else(|| (2..NAME_TRIES).find_map(|n| free(asked.numbered(n))))
            .ok_or_else(|| refuse(Kind::Taken, "that name is taken, with every number: choose another"))
    }

    /// The session is over.
    pub(crate) fn logout(&mut self, session: SessionId) {
        let Some(person) = self.people.get(session).map(Here::person) else { return };
        let was = self.presence(person);
        let Some(here) = self.people.remove(session) else { return };
        let who = here.who();
        let open: SmallVec<[RoomId; 1]> = here.open.iter().map(|(room, _)| *room).collect();
        self.leave_all(session, &open, &who);
        if !self.people.sessions_of(person).is_empty() {
            return self.tell_if_changed(person, &who, &was);
        }
        if let Person::Account(id) = person
            && !self.is_read_only()
            && let Some(mut row) = self.facts.accounts.get(&id).cloned()
        {
            row.card.last_seen_ms = Some(self.now_ms);
            self.write(Write::Account(Box::new(row)));
        }
        self.forget_transient(person);
        self.went(person, who, was, open);
    }

    /// Ends the sessions of somebody: their account or token is good no longer.
    pub(crate) fn cut(&mut self, sessions: &[SessionId], but: Option<SessionId>) {
        for session in sessions.iter().filter(|s| Some(**s) != but) {
            if let Some(here) = self.people.get(*session) {
                here.outlet.close(CloseReason::Revoked);
                self.logout(*session);
            }
        }
    }

    pub(super) fn nick(&mut self, session: SessionId, asked: UserName) -> Done {
        let here = self.here(session)?;
        if here.sender.account.is_some() {
            return Err(refuse(Kind::NotAllowed, "an account keeps its name: ask an admin to change it"));
        }
        if *here.fold == asked.folded() && here.sender.name == asked {
            return Ok(Some(Reply::Named(asked)));
        }
        let was = here.sender.clone();
        let own_case = *here.fold == asked.folded();
        if !own_case
            && (self.facts.account_named(asked.as_str()).is_some()
                || self.people.guest_named(&asked.folded()).is_some())
        {
            return Err(refuse(Kind::Taken, "that name is taken: choose another"));
        }
        let id = self.next_sender();
        let renamed = Arc::new(Sender { id, name: asked.clone(), ..(*was).clone() });
        self.rename_guest(session, renamed, asked.folded());
        self.tell_renamed(session, &was.name);
        Ok(Some(Reply::Named(asked)))
    }

    /// The guest has another name from now on, which the caller knows to be free.
    pub(super) fn rename_guest(&mut self, session: SessionId, sender: Arc<Sender>, fold: String) {
        let identity = Identity { sender, sender_stored: false, fold: fold.into(), role: Role::Guest };
        self.identify(session, identity);
    }

    /// The others in small rooms hear of a new name, or that a guest has an account now, once that is committed.
    pub(super) fn tell_renamed(&mut self, session: SessionId, was: &UserName) {
        let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) else { return };
        let was = was.clone();
        self.after_then(&outlet, Ticket::NONE, move |core| {
            core.tell_renamed_now(session, &was);
            None
        });
    }

    fn tell_renamed_now(&mut self, session: SessionId, was: &UserName) {
        let Some(here) = self.people.get(session) else { return };
        let who = here.who();
        let mut others: Vec<SessionId> = Vec::new();
        for live in here.open.iter().filter_map(|(room, _)| self.live.get(room)) {
            if live.attendees.len() <= self.limits.arrivals_shown_max {
                others.extend(live.told().filter(|s| *s != session));
            }
        }
        others.sort_unstable();
        others.dedup();
        for here in others.iter().filter_map(|s| self.people.get(*s)) {
            let signal = Signal::Renamed { who: who.clone(), was: was.clone() };
            here.outlet.signal(signal, self.limits.control_queue_max);
        }
    }

    pub(super) fn ignore(&mut self, session: SessionId, who: &UserName, on: bool) -> Done {
        let account = self.here(session)?.sender.account;
        let account =
            account.ok_or_else(|| refuse(Kind::NotAllowed, "guests cannot ignore: register first"))?;
        let fold = who.folded();
        if *self.here(session)?.fold == *fold {
            return Err(refuse(Kind::Invalid, "you cannot ignore yourself"));
        }
        self.write(if on { Write::Ignore(account, fold) } else { Write::RemoveIgnore(account, fold) });
        let ignored = self.facts.ignored_by(account);
        for session in self.people.sessions_of(Person::Account(account)).to_vec() {
            if let Some(outlet) = self.people.get(session).map(|here| here.outlet.clone()) {
                self.tell(&outlet, Control::Ignores(ignored.clone()));
            }
        }
        Ok(Some(Reply::Done))
    }

    /// Tells every session something from the hub.
    pub(crate) fn tell_all(&mut self, text: &str) {
        for outlet in self.people.outlets() {
            let notice = Signal::Notice(hubbub_model::Text::ours(text));
            self.tell(&outlet, Control::Told(Delivery::Signal(notice)));
        }
    }
}
