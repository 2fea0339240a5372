//! The one cookie (RFC 6265), and what is in it: an account's token, or a guest's sealed name.
//!
//! **Invariant.** A cookie that was not made here is nobody's: a token is known to the hub or is not, a guest's name
//! carries a seal (HMAC-SHA-256) of this hub's own key. No script can read it, no other site can have it sent along
//! with a change.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use hubbub_hub::Credentials;
use hubbub_model::UserName;
use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};
use sha2::Sha256;

/// Whom a request comes from, as far as its credentials say. The hub decides whether they are good.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The secret of a token.
    Token(String),
    /// A guest: the name that it chose, the random id of its browser, and the invite that let it in.
    Guest(UserName, String, Option<u64>),
}

impl Who {
    /// What the hub is shown.
    pub(crate) fn credentials(&self) -> Credentials {
        match self {
            Self::Token(secret) => Credentials::Token(secret.clone()),
            Self::Guest(name, _, None) => Credentials::Guest(Some(name.clone())),
            Self::Guest(name, _, Some(invite)) => Credentials::Invited(name.clone(), *invite),
        }
    }
}

/// Seals and opens the cookies of guests.
#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // As HMAC itself does with a key shorter than its block (RFC 2104 section 2).
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    /// A guest's cookie.
    pub(crate) fn close(&self, name: &UserName, id: &str, invite: Option<u64>) -> String {
        let invite = invite.map_or(String::new(), |invite| format!(".{invite}"));
        let open = format!("{GUEST}{}.{id}{invite}", URL_SAFE_NO_PAD.encode(name.as_str()));
        let seal = self.0.clone().chain_update(&open).finalize().into_bytes();
        format!("{open}.{}", URL_SAFE_NO_PAD.encode(seal))
    }

    /// Who the value of a cookie is, if it can be anybody.
    pub(crate) fn open(&self, value: &str) -> Option<Who> {
        if value.starts_with(TOKEN) {
            return Some(Who::Token(value.to_owned()));
        }
        let (open, seal) = value.rsplit_once('.')?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        self.0.clone().chain_update(open).verify_slice(&seal).ok()?;
        let (name, rest) = open.strip_prefix(GUEST)?.split_once('.')?;
        let (id, invite) = match rest.split_once('.') {
            Some((id, invite)) => (id, Some(invite.parse().ok()?)),
            None => (rest, None),
        };
        let name = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
        Some(Who::Guest(UserName::parse(&name).ok()?, id.to_owned(), invite))
    }
}

/// The value of our cookie. Over TLS only the one that plain HTTP cannot have set counts.
pub(crate) fn value(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == self::name(secure)).map(|(_, value)| value)
}

/// A `Set-Cookie` for this value; `for_s` absent: until the browser ends.
pub(crate) fn set(value: &str, secure: bool, for_s: Option<u64>) -> Option<HeaderValue> {
    let name = name(secure);
    let age = for_s.map_or(String::new(), |s| format!("; Max-Age={s}"));
    let only_tls = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{only_tls}")).ok()
}

/// A `Set-Cookie` that takes it back.
pub(crate) fn forget(secure: bool) -> Option<HeaderValue> {
    set("", secure, Some(0))
}

/// The prefix binds the cookie to this host and to TLS (RFC 6265bis section 4.1.3.2).
fn name(secure: bool) -> &'static str {
    if secure { "__Host-hubbub" } else { "hubbub" }
}

/// With what the secrets of the hub's tokens begin.
const TOKEN: &str = "hub_";
const GUEST: &str = "guest.";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookie))])
    }

    #[test]
    fn a_guest_is_who_the_seal_says_and_nobody_else() {
        let (ours, theirs) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]));
        let zhang = UserName::parse("张三").unwrap();
        let cookie = ours.close(&zhang, "abc", None);
        assert!(ours.open(&cookie) == Some(Who::Guest(zhang.clone(), "abc".into(), None)));
        let invited = ours.close(&zhang, "abc", Some(17));
        assert!(ours.open(&invited) == Some(Who::Guest(zhang.clone(), "abc".into(), Some(17))));
        assert!(theirs.open(&cookie).is_none(), "another hub's");
        let other = URL_SAFE_NO_PAD.encode("eve");
        let name = URL_SAFE_NO_PAD.encode("张三");
        for forged in [
            cookie.replace(&name, &other),
            cookie.replace("abc", "abd"),
            cookie[..cookie.len() - 1].to_owned(),
            invited.replace(".17.", ".18."),
            cookie.replace("abc", "abc.17"),
            "guest.x.y.".into(),
            "guest..".into(),
            String::new(),
        ] {
            assert!(ours.open(&forged).is_none(), "{forged}");
        }
        assert!(ours.open("hub_1234") == Some(Who::Token("hub_1234".into())));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(value(&headers("a=b; hubbub=hub_1; c=d"), false), Some("hub_1"));
        assert_eq!(value(&headers("a=b; hubbub=hub_1"), true), None, "one that plain HTTP could have set");
        assert_eq!(value(&headers("__Host-hubbub=hub_2"), true), Some("hub_2"));
        assert_eq!(value(&headers("xhubbub=1;hubbubx=2; ;=;"), false), None);
    }

    #[test]
    fn no_script_and_no_other_site_gets_it() {
        let set = |secure| set("v", secure, Some(60)).unwrap().to_str().unwrap().to_owned();
        assert_eq!(set(false), "hubbub=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        assert_eq!(set(true), "__Host-hubbub=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }
}
