//! What stands behind the `?` of a listener's URL: how its conns are treated.
//!
//! **Invariant.** Options are typed, and written back as they are read. Whatever is not said has a default.

use super::{Place, UrlError, nearest};
use hubbub_model::Language;
use ipnet::IpNet;
use std::{net::IpAddr, time::Duration};

/// How a listener treats its conns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerOptions {
    /// Whether guests are welcome. Unless said otherwise: on loopback and Unix sockets only.
    pub guests: bool,
    /// Whether TLS is spoken.
    pub tls: TlsMode,
    /// What encoding text is in.
    pub encoding: Encoding,
    /// Greet a conn with text after so much silence.
    pub greet: Option<Duration>,
    /// Proxies whose PROXY header is believed, and from whom one must come.
    pub proxy: Vec<IpNet>,
    /// Whether what is sent to text clients is paced for those that take each read as one message.
    pub paced: bool,
    /// How many past events a text client is shown when it comes.
    pub backlog: u32,
    /// The language of the hub's own lines, for clients that have not shown another one. Unless said: the hub's.
    pub language: Option<Language>,
    /// Whether numbers about the hub are shown to whoever asks (`/metrics`).
    pub metrics: bool,
}

impl ListenerOptions {
    /// The options of a listener about which nothing was said.
    pub fn of(place: &Place) -> Self {
        Self {
            guests: place.is_local(),
            tls: TlsMode::Optional,
            encoding: Encoding::Auto,
            greet: None,
            proxy: Vec::new(),
            paced: false,
            backlog: 0,
            language: None,
            metrics: false,
        }
    }

    /// Whether a PROXY header from this address is believed.
    pub fn trusts(&self, proxy: IpAddr) -> bool {
        let proxy = proxy.to_canonical();
        self.proxy.iter().any(|net| net.contains(&proxy))
    }

    /// Sets the option of this name.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), UrlError> {
        match key {
            "guests" => self.guests = one_of(key, value, &[("yes", true), ("no", false)])?,
            "paced" => self.paced = one_of(key, value, &[("yes", true), ("no", false)])?,
            "metrics" => self.metrics = one_of(key, value, &[("yes", true), ("no", false)])?,
            "tls" => self.tls = one_of(key, value, &TlsMode::WORDS)?,
            "lang" => self.language = Some(one_of(key, value, &Language::WORDS)?),
            "encoding" => self.encoding = one_of(key, value, &Encoding::WORDS)?,
            "greet" => self.greet = Some(greeting(value)?),
            "proxy" => self.proxy = networks(value)?,
            "backlog" => {
                self.backlog =
                    value.parse().map_err(|_| UrlError::value(key, value, "a number, such as 20"))?;
            }
            _ => {
                let nearest = nearest(key, &OPTIONS.map(str::to_owned));
                return Err(UrlError::Option { given: key.to_owned(), nearest });
            }
        }
        Ok(())
    }

    /// Those that differ from what is so anyway, as they are written.
    pub(super) fn pairs(&self, place: &Place) -> Vec<String> {
        let plain = Self::of(place);
        let yes = |on: bool| if on { "yes" } else { "no" };
        let mut pairs = Vec::new();
        let mut add = |differs: bool, key: &str, value: String| {
            if differs {
                pairs.push(format!("{key}={value}"));
            }
        };
        add(self.guests != plain.guests, "guests", yes(self.guests).to_owned());
        add(self.tls != plain.tls, "tls", word_of(self.tls, &TlsMode::WORDS).to_owned());
        add(self.encoding != plain.encoding, "encoding", word_of(self.encoding, &Encoding::WORDS).to_owned());
        add(self.language.is_some(), "lang", self.language.unwrap_or_default().code().to_owned());
        add(self.greet.is_some(), "greet", format!("{}ms", self.greet.unwrap_or_default().as_millis()));
        let proxies: Vec<String> = self.proxy.iter().map(ToString::to_string).collect();
        add(!proxies.is_empty(), "proxy", proxies.join(","));
        add(self.paced, "paced", yes(true).to_owned());
        add(self.backlog > 0, "backlog", self.backlog.to_string());
        add(self.metrics, "metrics", yes(true).to_owned());
        pairs
    }
}

/// Whether TLS is spoken by a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Only TLS.
    Required,
    /// Whoever begins with it gets it.
    Optional,
    /// No TLS.
    Off,
}

impl TlsMode {
    const WORDS: [(&'static str, Self); 3] =
        [("required", Self::Required), ("optional", Self::Optional), ("off", Self::Off)];
}

/// What encoding the text of a listener is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, until a client shows that it speaks GBK.
    Auto,
    /// UTF-8 only.
    Utf8,
    /// GBK only.
    Gbk,
}

impl Encoding {
    const WORDS: [(&'static str, Self); 3] = [("auto", Self::Auto), ("utf8", Self::Utf8), ("gbk", Self::Gbk)];
}

fn one_of<T: Copy>(key: &str, value: &str, known: &[(&str, T)]) -> Result<T, UrlError> {
    if let Some((_, found)) = known.iter().find(|(word, _)| *word == value) {
        return Ok(*found);
    }
    let words: Vec<String> = known.iter().map(|(word, _)| (*word).to_owned()).collect();
    Err(UrlError::Value {
        key: key.to_owned(),
        given: value.to_owned(),
        wanted: words.join(", "),
        nearest: nearest(value, &words),
    })
}

fn word_of<T: Copy + PartialEq>(value: T, known: &[(&'static str, T)]) -> &'static str {
    known.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

fn greeting(value: &str) -> Result<Duration, UrlError> {
    parse_duration(value)
        .filter(|greet| (Duration::from_millis(10)..=Duration::from_secs(60)).contains(greet))
        .ok_or_else(|| UrlError::value("greet", value, "a time from 10ms to 1m, such as 1.5s"))
}

fn networks(value: &str) -> Result<Vec<IpNet>, UrlError> {
    let parse =
        |text: &str| text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    value
        .split(',')
        .map(|text| {
            parse(text).ok_or_else(|| UrlError::value("proxy", value, "networks, such as 10.0.0.0/8,::1"))
        })
        .collect()
}

/// `1.5s`, `500ms`, `2m`, `1h`; whole milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let (whole, digits): (u64, u64) = (whole.parse().ok()?, part.parse().ok()?);
    let scale = 10u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part_ms = digits.checked_mul(unit_ms)? / scale;
    Some(Duration::from_millis(whole.checked_mul(unit_ms)?.checked_add(part_ms)?))
}

const OPTIONS: [&str; 9] =
    ["guests", "tls", "encoding", "greet", "proxy", "paced", "backlog", "lang", "metrics"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;

    fn url(text: &str) -> Listener {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn options_are_typed() {
        let options =
            url("any://0.0.0.0:1?guests=yes&tls=off&greet=1.5s&proxy=10.0.0.0/8,192.0.2.1&paced=yes").options;
        assert!(options.guests && options.paced);
        assert_eq!(options.tls, TlsMode::Off);
        assert_eq!(options.greet, Some(Duration::from_millis(1_500)));
        assert!(options.trusts("10.1.2.3".parse().unwrap()));
        assert!(options.trusts("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!options.trusts("192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn guests_are_welcome_on_this_machine_only() {
        for (text, welcome) in [
            ("any://127.0.0.1:1", true),
            ("any://127.8.0.1:1", true),
            ("any://[::1]:1", true),
            ("any://localhost:1", true),
            ("any+unix:///a", true),
            ("any://0.0.0.0:1", false),
            ("any://*:1", false),
            ("any://hub.example:1", false),
        ] {
            assert_eq!(url(text).options.guests, welcome, "{text}");
        }
    }

    #[test]
    fn durations() {
        let ms = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("1.5s"), Some(1_500));
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!(ms("2m"), Some(120_000));
        assert_eq!(ms("1h"), Some(3_600_000));
        for bad in [
            "",
            "5",
            "s",
            "1.s",
            ".5s",
            "1.2.3s",
            "-1s",
            "1d",
            "99999999999999999999s",
            "1.00000000000000000000001s",
        ] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }
}
