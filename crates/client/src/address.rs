//! Where a hub is: `hubbub://host:port`, `hubbubs://` with TLS, `unix:///path`, or just a host.
//!
//! **Invariant.** An [`Address`] that exists can be dialled: it has a host and a port, or an absolute path.

use std::{
    fmt,
    net::Ipv6Addr,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The port where none is given.
pub const DEFAULT_PORT: u16 = 7272;

/// Where a hub is, and whether TLS is spoken with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Where.
    pub place: Place,
    /// Whether TLS is spoken from the first byte on. There is no falling back from it.
    pub tls: bool,
}

/// The far end of a conn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A host and its port.
    Net {
        /// A name or an address; IPv6 without its brackets.
        host: String,
        /// The TCP port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why a text is no address of a hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The word before `://` is none that we know.
    #[error(
        "{0:?} is no way to reach a hub: use hubbub://, hubbubs:// (TLS), chat://, chats:// or unix:///PATH"
    )]
    Scheme(String),
    /// There is no host.
    #[error("the address names no host: write HOST:PORT, such as localhost:{DEFAULT_PORT}")]
    NoHost,
    /// The host cannot be one.
    #[error("{0:?} is no host: write HOST:PORT, or [IPV6]:PORT")]
    Host(String),
    /// The port cannot be one.
    #[error("{0:?} is no port: it is a number from 1 to 65535")]
    Port(String),
    /// A Unix socket needs an absolute path.
    #[error("{0:?} is no path of a socket: write unix:///PATH with three slashes")]
    Path(String),
}

impl Default for Address {
    /// `127.0.0.1:7272`, without TLS.
    fn default() -> Self {
        Self { place: Place::Net { host: "127.0.0.1".into(), port: DEFAULT_PORT }, tls: false }
    }
}

impl Address {
    /// A Unix socket.
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self { place: Place::Unix(path.as_ref().to_owned()), tls: false }
    }

    /// `host:port` in lower case, as the file of known hubs has it; the path of a Unix socket.
    pub(crate) fn key(&self) -> String {
        self.place.to_string().to_lowercase()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(s: &str) -> Result<Self, AddressError> {
        let s = s.trim();
        let Some((scheme, rest)) = s.split_once("://") else { return net(s, false) };
        match &*scheme.to_ascii_lowercase() {
            "hubbub" | "chat" | "any" => net(rest, false),
            "hubbubs" | "chats" | "anys" => net(rest, true),
            "unix" | "hubbub+unix" | "chat+unix" | "any+unix" => unix(rest),
            _ => Err(AddressError::Scheme(scheme.into())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
            net if self.tls => write!(f, "hubbubs://{net}"),
            net => write!(f, "hubbub://{net}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Net { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

fn unix(path: &str) -> Result<Address, AddressError> {
    if path.len() > 1 && path.starts_with('/') {
        Ok(Address::unix(path))
    } else {
        Err(AddressError::Path(path.into()))
    }
}

fn net(rest: &str, tls: bool) -> Result<Address, AddressError> {
    let (host, port) = host_and_port(rest.strip_suffix('/').unwrap_or(rest))?;
    let port = match port {
        None => DEFAULT_PORT,
        Some(digits) => parse_port(digits)?,
    };
    Ok(Address { place: Place::Net { host: host.into(), port }, tls })
}

fn host_and_port(rest: &str) -> Result<(&str, Option<&str>), AddressError> {
    let bad = || AddressError::Host(rest.into());
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']').ok_or_else(bad)?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(bad)?) };
        return if is_ipv6(host) { Ok((host, port)) } else { Err(bad()) };
    }
    if is_ipv6(rest) {
        return Ok((rest, None));
    }
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let in_no_host = |c: char| c.is_whitespace() || c.is_control() || "/?#@[]\\".contains(c);
    if host.contains(in_no_host) { Err(bad()) } else { Ok((host, port)) }
}

/// An address of IPv6, with or without a zone (`fe80::1%eth0`).
fn is_ipv6(host: &str) -> bool {
    host.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn parse_port(digits: &str) -> Result<u16, AddressError> {
    digits.parse().ok().filter(|port| *port > 0).ok_or_else(|| AddressError::Port(digits.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(s: &str) -> String {
        s.parse::<Address>().unwrap().to_string()
    }

    #[test]
    fn an_address_is_a_url_or_just_a_host() {
        let cases = [
            ("hubbub://lab.example:9000", "hubbub://lab.example:9000"),
            ("hubbub://lab.example/", "hubbub://lab.example:7272"),
            ("hubbubs://lab.example", "hubbubs://lab.example:7272"),
            ("chat://10.0.0.1:1", "hubbub://10.0.0.1:1"),
            ("CHATS://lab", "hubbubs://lab:7272"),
            ("any://127.0.0.1:7272", "hubbub://127.0.0.1:7272"),
            ("unix:///run/hubbub.sock", "unix:///run/hubbub.sock"),
            ("any+unix:///run/a b", "unix:///run/a b"),
            ("localhost", "hubbub://localhost:7272"),
            ("localhost:80", "hubbub://localhost:80"),
            ("实验室.example", "hubbub://实验室.example:7272"),
            ("[::1]:7272", "hubbub://[::1]:7272"),
            ("[fe80::1%eth0]", "hubbub://[fe80::1%eth0]:7272"),
            ("::1", "hubbub://[::1]:7272"),
            (" lab ", "hubbub://lab:7272"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), want, "{text:?}");
        }
        assert_eq!(Address::default().to_string(), "hubbub://127.0.0.1:7272");
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        let error = |s: &str| s.parse::<Address>().unwrap_err();
        assert_eq!(error("http://lab"), AddressError::Scheme("http".into()));
        assert_eq!(error(""), AddressError::NoHost);
        assert_eq!(error("hubbub://:1"), AddressError::NoHost);
        assert_eq!(error("lab:0"), AddressError::Port("0".into()));
        assert_eq!(error("lab:chat"), AddressError::Port("chat".into()));
        assert_eq!(error("lab/room"), AddressError::Host("lab/room".into()));
        assert_eq!(error("[lab]:1"), AddressError::Host("[lab]:1".into()));
        assert_eq!(error("[::1]7272"), AddressError::Host("[::1]7272".into()));
        assert_eq!(error("unix://run"), AddressError::Path("run".into()));
    }

    #[test]
    fn a_hub_is_known_by_host_and_port() {
        assert_eq!("hubbubs://LAB.example".parse::<Address>().unwrap().key(), "lab.example:7272");
        assert_eq!("hubbubs://[::1]:1".parse::<Address>().unwrap().key(), "[::1]:1");
    }
}
