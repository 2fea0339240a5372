//! What will end by itself: tokens in use, whose sessions are cut when they do, on every door; and invites, which are
//! removed then, and send out the guests who came with them.
//!
//! **Invariant.** A token is here while a session that it let in may be live, an invite from its making on. There is no
//! timer per session: the hub thread looks at the soonest end before each batch, and wakes for it in ten seconds at most.

use crate::{
    core::Core,
    people::Person,
    store::{InviteRow, Write},
};
use hubbub_model::SessionId;
use std::collections::BTreeSet;

/// The ends to come, soonest first, in milliseconds since 1970.
#[derive(Default)]
pub(crate) struct Expiry(BTreeSet<(i64, Ending)>);

/// What ends, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Token(u64),
    Invite(u64),
}

impl Expiry {
    /// With the invites that are kept.
    pub(crate) fn of<'a>(invites: impl Iterator<Item = &'a InviteRow>) -> Self {
        Self(invites.map(|row| (row.card.ends_ms, Ending::Invite(row.card.id))).collect())
    }

    /// This will end.
    pub(crate) fn watch(&mut self, until_ms: i64, what: Ending) {
        self.0.insert((until_ms, what));
    }

    /// When the soonest one ends.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.0.first().map(|(until_ms, _)| *until_ms)
    }

    /// Takes one that has ended by now.
    fn take(&mut self, now_ms: i64) -> Option<Ending> {
        self.next_ms().filter(|until_ms| *until_ms <= now_ms)?;
        self.0.pop_first().map(|(_, what)| what)
    }
}

impl Core {
    /// Cuts the sessions whose token or invite has ended. Comes before the batch's commands, so that none of theirs is
    /// done.
    pub(crate) fn expire(&mut self) {
        while let Some(what) = self.expiry.take(self.now_ms) {
            let sessions = match what {
                Ending::Token(token) => self.sessions_by_token(token),
                Ending::Invite(invite) => {
                    // A store that has failed keeps the row, which is worth nothing any more.
                    if !self.is_read_only() && self.facts.invites.contains_key(&invite) {
                        tracing::info!(invite, "an invite has ended");
                        self.write(Write::RemoveInvite(invite));
                    }
                    self.people.invited_by(invite)
                }
            };
            self.cut(&sessions, None);
        }
    }

    /// Forgets the tokens by which nobody is here any more, and the invites that are gone.
    pub(crate) fn tidy_expiry(&mut self) {
        let is_over = |what: Ending| match what {
            Ending::Token(token) => self.sessions_by_token(token).is_empty(),
            Ending::Invite(invite) => !self.facts.invites.contains_key(&invite),
        };
        let gone: Vec<(i64, Ending)> =
            self.expiry.0.iter().filter(|(_, what)| is_over(*what)).copied().collect();
        for end in gone {
            self.expiry.0.remove(&end);
        }
    }

    /// The sessions that this token let in.
    pub(crate) fn sessions_by_token(&self, token: u64) -> Vec<SessionId> {
        let Some(row) = self.facts.tokens.get(&token) else { return Vec::new() };
        let sessions = self.people.sessions_of(Person::Account(row.account)).iter().copied();
        let by_it = |session: &SessionId| {
            self.people.get(*session).and_then(|here| here.rights.as_ref()).is_some_and(|r| r.token == token)
        };
        sessions.filter(by_it).collect()
    }
}
