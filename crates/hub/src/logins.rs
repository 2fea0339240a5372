//! Logins: passwords, tokens, and the budget of failures that all doors share.

use crate::{
    hub::{Me, Origin},
    inbox::Outlet,
    rules::refuse,
};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use hubbub_model::{AccountId, InviteCard, Kind, Refusal, UserName};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, net::IpAddr, sync::Arc};
use tokio::sync::oneshot;

/// What the hub thread does about a login.
pub(crate) enum LoginStep {
    /// A password is to be checked: against which hash?
    Challenge { name: UserName, address: Option<IpAddr>, tell: oneshot::Sender<Result<Challenge, Refusal>> },
    /// What does this code let one do?
    Peek { invite: [u8; 32], address: Option<IpAddr>, tell: oneshot::Sender<Result<InviteCard, Refusal>> },
    /// The password was wrong.
    Failed { name: UserName, address: Option<IpAddr> },
    /// The credentials are right so far: begin the session.
    Begin {
        checked: Checked,
        origin: Origin,
        outlet: Arc<Outlet>,
        tell: oneshot::Sender<Result<Me, Refusal>>,
    },
}

/// Credentials after the heavy part of the check.
pub(crate) enum Checked {
    Guest(Option<UserName>),
    /// A guest whom this invite has let in before.
    Invited(UserName, u64),
    /// An invite's hash, a name, and the password's hash where an account is to be made.
    Invite([u8; 32], UserName, Option<String>),
    Account(AccountId),
    Token([u8; 32]),
}

/// A hash to check a password against. Unknown names get one too, so that they take as long as known ones.
pub(crate) struct Challenge {
    pub(crate) account: Option<AccountId>,
    pub(crate) hash: Option<String>,
}

impl Challenge {
    pub(crate) fn verify(&self, password: &str) -> bool {
        let hash = self.hash.as_deref().unwrap_or(NOBODY);
        let known = argon2::password_hash::phc::PasswordHash::new(hash);
        let right = known.is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok());
        right && self.hash.is_some()
    }
}

/// The hash of no password, with our own parameters.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm8$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE";

/// Shortest and longest password, in bytes.
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Argon2id with 19 MiB, two passes, one lane (OWASP's floor).
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

pub(crate) fn hash_password(password: &str) -> Result<String, Refusal> {
    if !PASSWORD_BYTES.contains(&password.len()) {
        return Err(refuse(Kind::Invalid, "a password has 8 to 1024 bytes"));
    }
    let hash = hasher().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|_| refuse(Kind::Internal, "the password could not be hashed"))
}

/// A new secret: 256 random bits after a prefix that says what it is.
pub(crate) fn new_secret() -> Result<String, Refusal> {
    random::<32>("hub_")
}

/// A new code of an invite: 160 random bits, short enough for a small QR code.
pub(crate) fn new_code() -> Result<String, Refusal> {
    random::<20>("")
}

fn random<const BYTES: usize>(prefix: &str) -> Result<String, Refusal> {
    let mut bytes = [0u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| refuse(Kind::Internal, "the system gave no random bits"))?;
    Ok(bytes.iter().fold(prefix.to_owned(), |secret, byte| secret + &format!("{byte:02x}")))
}

pub(crate) fn hash_token(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Failed logins of all doors, per address and per account, within a quarter of an hour.
pub(crate) struct Logins {
    max: u32,
    failures: HashMap<Key, (i64, u32)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Name(String),
}

const WINDOW_MS: i64 = 15 * 60 * 1000;
/// Keys remembered at once; older ones go first.
const KEYS_MAX: usize = 10_000;

impl Logins {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, failures: HashMap::new() }
    }

    /// Refuses when too many have failed of late.
    pub(crate) fn check(&self, name: &str, address: Option<IpAddr>, now_ms: i64) -> Result<(), Refusal> {
        let spent = |key: &Key| {
            self.failures.get(key).is_some_and(|(since, n)| now_ms - since < WINDOW_MS && *n >= self.max)
        };
        if keys(name, address).iter().flatten().any(spent) {
            return Err(refuse(Kind::SlowDown, "too many failed logins: wait 15 minutes"));
        }
        Ok(())
    }

    /// One more has failed.
    pub(crate) fn failed(&mut self, name: &str, address: Option<IpAddr>, now_ms: i64) {
        if self.failures.len() >= KEYS_MAX {
            self.failures.retain(|_, (since, _)| now_ms - *since < WINDOW_MS);
            if self.failures.len() >= KEYS_MAX {
                self.failures.clear();
            }
        }
        for key in keys(name, address).into_iter().flatten() {
            let entry = self.failures.entry(key).or_insert((now_ms, 0));
            if now_ms - entry.0 >= WINDOW_MS {
                *entry = (now_ms, 0);
            }
            entry.1 += 1;
        }
    }
}

/// Loopback is not counted by address: all local users share it. IPv6 counts by /64.
fn keys(name: &str, address: Option<IpAddr>) -> [Option<Key>; 2] {
    let address = address.map(|a| a.to_canonical()).filter(|a| !a.is_loopback()).map(|a| match a {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    });
    // A token names nobody before it is known to be good.
    let name = (!name.is_empty()).then(|| Key::Name(hubbub_model::fold(name)));
    [address.map(Key::Address), name]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = hash_password("correct horse").unwrap();
        let challenge = |hash| Challenge { account: None, hash };
        assert!(challenge(Some(hash.clone())).verify("correct horse"));
        assert!(!challenge(Some(hash)).verify("wrong horse"));
        assert!(!challenge(None).verify("anything"), "an unknown name takes the same work and fails");
        assert!(hash_password("short").is_err());
    }

    #[test]
    fn the_hash_of_nobody_is_a_real_hash() {
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn failures_of_all_doors_count_together() {
        let mut logins = Logins::new(3);
        let from = |n: u8| Some(IpAddr::from([203, 0, 113, n]));
        for n in 0..3 {
            assert!(logins.check("Ada", from(9), 0).is_ok());
            logins.failed("ADA", from(n), 0);
        }
        assert!(logins.check("ada", from(9), 0).is_err(), "per account, whatever the address");
        assert!(logins.check("bob", from(9), 0).is_ok());
        assert!(logins.check("ada", from(9), WINDOW_MS).is_ok(), "after the window");
        for name in ["a", "b", "c"] {
            logins.failed(name, "2001:db8::1".parse().ok(), 0);
        }
        assert!(logins.check("new", "2001:db8::ffff".parse().ok(), 0).is_err(), "one /64 is one address");
    }
}
