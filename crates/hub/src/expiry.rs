//! Tokens in use that will end: their sessions are cut when they do, on every door.
//!
//! **Invariant.** A token is here while a session that it let in may be live. There is no timer per session: the hub
//! thread looks at the soonest end before each batch, and wakes for it in ten seconds at most.

use crate::{core::Core, people::Person};
use hubbub_model::SessionId;
use std::collections::BTreeSet;

/// The ends to come, soonest first: milliseconds since 1970, and the token's number.
#[derive(Default)]
pub(crate) struct Expiry(BTreeSet<(i64, u64)>);

impl Expiry {
    /// A session was let in by this token.
    pub(crate) fn watch(&mut self, until_ms: i64, token: u64) {
        self.0.insert((until_ms, token));
    }

    /// When the soonest one ends.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.0.first().map(|(until_ms, _)| *until_ms)
    }

    /// Takes one that has ended by now.
    fn take(&mut self, now_ms: i64) -> Option<u64> {
        self.next_ms().filter(|until_ms| *until_ms <= now_ms)?;
        self.0.pop_first().map(|(_, token)| token)
    }
}

impl Core {
    /// Cuts the sessions whose token has ended. Comes before the batch's commands, so that none of theirs is done.
    pub(crate) fn expire(&mut self) {
        while let Some(token) = self.expiry.take(self.now_ms) {
            let sessions = self.sessions_by_token(token);
            self.cut(&sessions, None);
        }
    }

    /// Forgets the tokens by which nobody is here any more.
    pub(crate) fn tidy_expiry(&mut self) {
        let gone: Vec<(i64, u64)> = self
            .expiry
            .0
            .iter()
            .filter(|(_, token)| self.sessions_by_token(*token).is_empty())
            .copied()
            .collect();
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
