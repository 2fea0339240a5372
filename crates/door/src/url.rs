//! Listener URLs: `any://127.0.0.1:7272?tls=required`, `chat+unix:///run/hubbub.sock`.
//!
//! **Invariant.** A [`Listener`] that exists makes sense: its scheme can be had at its place, and its options are
//! typed. What does not parse names the nearest word that would. Nothing here touches the network.

mod options;

use crate::Protocol;
pub use options::{Encoding, ListenerOptions, TlsMode, parse_duration};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

/// One address with the door, or the doors, behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Which door.
    pub scheme: Scheme,
    /// Whether TLS is spoken from the first byte on (`ircs://`).
    pub secure: bool,
    /// Where.
    pub place: Place,
    /// How.
    pub options: ListenerOptions,
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A name or address, and a port. `*` is every address of the machine; port 0 is any free one.
    Net {
        /// Without the brackets of IPv6.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// The word before `://`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Whatever is detected.
    Any,
    /// Text and JSON.
    Chat,
    /// IRC.
    Irc,
    /// HTTP.
    Http,
    /// SSH.
    Ssh,
    /// FTP.
    Ftp,
    /// MQTT.
    Mqtt,
    /// Bytes to all others.
    Relay,
    /// Bytes back, on TCP and UDP.
    Echo,
    /// Allow-listed host commands.
    Run,
    /// CoAP, on UDP.
    Coap,
    /// Datagrams of text, on UDP.
    Udp,
}

impl Scheme {
    const ALL: [Self; 12] = [
        Self::Any,
        Self::Chat,
        Self::Irc,
        Self::Http,
        Self::Ssh,
        Self::Ftp,
        Self::Mqtt,
        Self::Relay,
        Self::Echo,
        Self::Run,
        Self::Coap,
        Self::Udp,
    ];

    /// The word, which is also the name of the door.
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Chat => "chat",
            Self::Irc => "irc",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Ftp => "ftp",
            Self::Mqtt => "mqtt",
            Self::Relay => "relay",
            Self::Echo => "echo",
            Self::Run => "run",
            Self::Coap => "coap",
            Self::Udp => "udp",
        }
    }

    /// Whether it listens on a stream.
    pub fn is_stream(self) -> bool {
        !matches!(self, Self::Coap | Self::Udp)
    }

    /// Whether there is a twin with TLS from the first byte on. SSH brings its own encryption.
    fn has_twin(self) -> bool {
        !matches!(self, Self::Ssh | Self::Run | Self::Coap | Self::Udp)
    }

    /// What conns of such a listener speak, where detection does not say it.
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Chat => Protocol::Text,
            Self::Irc => Protocol::Irc,
            Self::Http => Protocol::Http1,
            Self::Ssh => Protocol::Ssh,
            Self::Mqtt => Protocol::Mqtt,
            Self::Any | Self::Ftp | Self::Relay | Self::Echo | Self::Run | Self::Coap | Self::Udp => {
                Protocol::Raw
            }
        }
    }

    /// The scheme, and whether it is the twin with TLS.
    fn parse(word: &str) -> Result<(Self, bool), UrlError> {
        let found = Self::ALL.iter().find_map(|scheme| match word.strip_prefix(scheme.word())? {
            "" => Some((*scheme, false)),
            "s" if scheme.has_twin() => Some((*scheme, true)),
            _ => None,
        });
        found.ok_or_else(|| UrlError::Scheme {
            given: word.to_owned(),
            nearest: nearest(word, &Self::words()),
        })
    }

    fn words() -> Vec<String> {
        let twins =
            Self::ALL.iter().filter(|scheme| scheme.has_twin()).map(|scheme| format!("{}s", scheme.word()));
        Self::ALL.iter().map(|scheme| scheme.word().to_owned()).chain(twins).collect()
    }
}

/// Why a text is not a listener.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No `://`, or nothing behind it.
    #[error("\"{0}\" is not a listener: write it as any://127.0.0.1:7272 or any+unix:///PATH")]
    Form(String),
    /// The scheme is not known.
    #[error("there is no listener called \"{given}\"{}", Nearest(nearest))]
    Scheme {
        /// As written.
        given: String,
        /// The known word that it looks like.
        nearest: Option<String>,
    },
    /// A port is missing or is not a number.
    #[error("\"{0}\" needs a port, such as 127.0.0.1:7272 or [::1]:7272; port 0 takes any free one")]
    Port(String),
    /// An address in brackets is not IPv6, or one without is.
    #[error("\"{0}\" is not a host: IPv6 is written in brackets, as [::1]")]
    Host(String),
    /// The door cannot be had there.
    #[error("{0}:// listens for datagrams and cannot be had on a Unix socket")]
    NotOnUnix(&'static str),
    /// The path of a Unix socket is not absolute.
    #[error("\"{0}\" is not an absolute path: write any+unix:///run/hubbub.sock")]
    Path(String),
    /// The option is not known.
    #[error("there is no listener option \"{given}\"{}", Nearest(nearest))]
    Option {
        /// As written.
        given: String,
        /// The known word that it looks like.
        nearest: Option<String>,
    },
    /// The option is known, its value is not.
    #[error("{key}={given} is not possible: {key} takes {wanted}{}", Nearest(nearest))]
    Value {
        /// The option.
        key: String,
        /// Its value as written.
        given: String,
        /// What it takes.
        wanted: String,
        /// The known word that it looks like.
        nearest: Option<String>,
    },
    /// Two things that exclude each other.
    #[error("{0}s:// speaks TLS from the first byte: tls=off contradicts it")]
    Contradiction(&'static str),
}

impl UrlError {
    fn value(key: &str, given: &str, wanted: &str) -> Self {
        Self::Value { key: key.to_owned(), given: given.to_owned(), wanted: wanted.to_owned(), nearest: None }
    }
}

/// The end of an error's sentence.
struct Nearest<'a>(&'a Option<String>);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, "; did you mean \"{word}\"?"),
            None => Ok(()),
        }
    }
}

impl Listener {
    /// Whether it listens for datagrams, be it beside a stream.
    pub fn is_datagram(&self) -> bool {
        let is_echo = self.scheme == Scheme::Echo && !self.secure && matches!(self.place, Place::Net { .. });
        is_echo || !self.scheme.is_stream()
    }
}

impl FromStr for Listener {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let form = || UrlError::Form(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (word, unix) = match scheme.strip_suffix("+unix") {
            Some(word) => (word, true),
            None => (scheme, false),
        };
        let (scheme, secure) = Scheme::parse(word)?;
        let place = if unix { Place::parse_unix(scheme, rest)? } else { Place::parse_net(rest, form)? };
        let mut options = ListenerOptions::of(&place);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            options.set(key, value)?;
        }
        if secure && options.tls == TlsMode::Off {
            return Err(UrlError::Contradiction(scheme.word()));
        }
        Ok(Self { scheme, secure, place, options })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.word())?;
        if self.secure {
            f.write_str("s")?;
        }
        match &self.place {
            Place::Net { host, port } if host.contains(':') => write!(f, "://[{host}]:{port}")?,
            Place::Net { host, port } => write!(f, "://{host}:{port}")?,
            Place::Unix(path) => write!(f, "+unix://{}", escape(&path.to_string_lossy()))?,
        }
        for (index, pair) in self.options.pairs(&self.place).iter().enumerate() {
            write!(f, "{}{pair}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl Place {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Net { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }

    fn parse_unix(scheme: Scheme, rest: &str) -> Result<Self, UrlError> {
        if !scheme.is_stream() {
            return Err(UrlError::NotOnUnix(scheme.word()));
        }
        let path =
            unescape(rest).filter(|path| path.len() > 1 && path.starts_with('/') && !path.contains('\0'));
        path.map(|path| Self::Unix(path.into())).ok_or_else(|| UrlError::Path(rest.to_owned()))
    }

    fn parse_net(rest: &str, form: impl Fn() -> UrlError) -> Result<Self, UrlError> {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Err(form());
        }
        let without_port = || UrlError::Port(rest.to_owned());
        let bad_host = || UrlError::Host(rest.to_owned());
        let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
            let (host, port) = inner.split_once(']').ok_or_else(bad_host)?;
            host.parse::<Ipv6Addr>().map_err(|_| bad_host())?;
            (host, port.strip_prefix(':').ok_or_else(without_port)?)
        } else {
            rest.rsplit_once(':').ok_or_else(without_port)?
        };
        let is_odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*'));
        if host.is_empty() || (!rest.starts_with('[') && host.contains(is_odd)) {
            return Err(bad_host());
        }
        Ok(Self::Net { host: host.to_owned(), port: port.parse().map_err(|_| without_port())? })
    }
}

/// The known word that differs least from `given`, if it looks like it at all.
fn nearest(given: &str, known: &[String]) -> Option<String> {
    let given = given.to_lowercase();
    let close = |word: &String| (distance(&given, word), word.len());
    let best = known.iter().min_by_key(|word| close(word))?;
    (distance(&given, best) <= 1 + best.len() / 3).then(|| best.clone())
}

/// Insertions, deletions and replacements between two words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.windows(2).zip(b.chars()) {
            let [diagonal, up] = above else { continue };
            left = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn escape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '%' | '?' | '#' | ' ' => out.push_str(&format!("%{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            out.push(*byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Listener {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn error(text: &str) -> String {
        text.parse::<Listener>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_what_is_shown() {
        for text in [
            "any://127.0.0.1:7272",
            "anys://0.0.0.0:0",
            "chat://[::1]:7272",
            "chats://*:7272?guests=yes",
            "irc://hub.example:6667?tls=required&encoding=gbk",
            "ircs://localhost:6697",
            "http://[::]:80?guests=yes&proxy=10.0.0.0/8,fd00::/8",
            "https://10.0.0.1:443?metrics=yes",
            "ssh://10.0.0.1:22",
            "ftp://127.0.0.1:2121",
            "ftps://127.0.0.1:990",
            "mqtts://127.0.0.1:8883",
            "relay://127.0.0.1:9000?guests=no",
            "relays://127.0.0.1:9000",
            "echo://127.0.0.1:7",
            "echos://127.0.0.1:7",
            "run://127.0.0.1:9001",
            "coap://127.0.0.1:5683",
            "udp://127.0.0.1:7273",
            "any+unix:///run/hubbub.sock?guests=no",
            "chat+unix:///tmp/a%20b%3F.sock",
            "chat://127.0.0.1:1?encoding=utf8&greet=1500ms&paced=yes&backlog=20",
        ] {
            assert_eq!(url(text).to_string(), text);
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        for (text, wanted) in [
            ("127.0.0.1:1", "write it as any://"),
            ("any://", "write it as any://"),
            ("http2://127.0.0.1:1", "did you mean \"http\"?"),
            ("cht://127.0.0.1:1", "did you mean \"chat\"?"),
            ("sshs://127.0.0.1:1", "did you mean \"ssh\"?"),
            ("qqqqqqqq://127.0.0.1:1", "no listener called \"qqqqqqqq\""),
            ("any://127.0.0.1", "needs a port"),
            ("any://127.0.0.1:70000", "needs a port"),
            ("any://::1:7272", "in brackets"),
            ("any://[::1:7272", "in brackets"),
            ("any://[nonsense]:7272", "in brackets"),
            ("any://:7272", "in brackets"),
            ("any://a b:7272", "in brackets"),
            ("coap+unix:///a", "datagrams"),
            ("any+unix://a", "absolute"),
            ("any+unix:///%zz", "absolute"),
            ("any://127.0.0.1:1?guest=yes", "did you mean \"guests\"?"),
            ("any://127.0.0.1:1?tls=require", "did you mean \"required\"?"),
            ("any://127.0.0.1:1?greet=soon", "1.5s"),
            ("any://127.0.0.1:1?greet=2h", "1.5s"),
            ("any://127.0.0.1:1?proxy=10.0.0.0/40", "10.0.0.0/8"),
            ("any://127.0.0.1:1?backlog=all", "a number"),
            ("anys://127.0.0.1:1?tls=off", "contradicts"),
        ] {
            assert!(error(text).contains(wanted), "{text}: {}", error(text));
        }
        assert!(!error("qqqqqqqq://127.0.0.1:1").contains("did you mean"));
    }
}
