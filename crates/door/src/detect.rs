//! Which protocol do the first bytes of a conn speak? A prefix automaton, without I/O and without a clock.
//!
//! **Invariant.** The verdict is that of the *shortest* prefix that has one, so it does not depend on how the bytes
//! were cut into reads; and 512 bytes always have one. Bytes that start like an HTTP request are never text.
//! This file must not know which doors exist, nor which listener asks.

/// How many first bytes are looked at, at most.
pub const SNIFF_BYTES_MAX: usize = 512;

/// What a conn speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A TLS ClientHello (RFC 8446 section 4.1.2). What is inside is looked at again.
    Tls,
    /// A PROXY header, version 1: one line.
    ProxyV1,
    /// A PROXY header, version 2: binary.
    ProxyV2,
    /// HTTP/1.x (RFC 9112).
    Http1,
    /// HTTP/2 by prior knowledge or ALPN (RFC 9113 section 3.4).
    Http2,
    /// SSH (RFC 4253 section 4.2).
    Ssh,
    /// IRC (RFC 2812 and IRCv3).
    Irc,
    /// MQTT 3.1, 3.1.1 or 5.
    Mqtt,
    /// JSON values, one after the other.
    Json,
    /// Lines of text for people.
    Text,
    /// Text behind Telnet commands (RFC 854).
    Telnet,
    /// Not looked at: the listener belongs to one door. Detection never says this.
    Raw,
}

impl Protocol {
    /// All protocols, in the order of their discriminants.
    pub const ALL: [Self; 12] = [
        Self::Tls,
        Self::ProxyV1,
        Self::ProxyV2,
        Self::Http1,
        Self::Http2,
        Self::Ssh,
        Self::Irc,
        Self::Mqtt,
        Self::Json,
        Self::Text,
        Self::Telnet,
        Self::Raw,
    ];

    /// The word that logs and status show.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::ProxyV1 => "proxy-v1",
            Self::ProxyV2 => "proxy-v2",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Ssh => "ssh",
            Self::Irc => "irc",
            Self::Mqtt => "mqtt",
            Self::Json => "json",
            Self::Text => "text",
            Self::Telnet => "telnet",
            Self::Raw => "raw",
        }
    }
}

/// What no door of any hub speaks on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scanner {
    /// SOCKS 4 (`04 01`).
    Socks4,
    /// SOCKS 5 (RFC 1928).
    Socks5,
    /// Remote desktop (`03 00`).
    Rdp,
    /// Windows file sharing.
    Smb,
    /// SSL 2.
    Ssl2,
    /// PostgreSQL.
    Postgres,
    /// Other bytes that are not text.
    Binary,
}

impl Scanner {
    /// The word that logs show.
    pub fn word(self) -> &'static str {
        match self {
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
            Self::Rdp => "rdp",
            Self::Smb => "smb",
            Self::Ssl2 => "ssl2",
            Self::Postgres => "postgres",
            Self::Binary => "binary",
        }
    }
}

/// What the bytes so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They speak this.
    Is(Protocol),
    /// They do not tell yet.
    NeedMore,
    /// They speak what no door understands.
    Refuse(Scanner),
}

/// The verdict on the first bytes of a conn; all of them, from the first on.
pub fn detect(bytes: &[u8]) -> Verdict {
    Detector::default().look(bytes)
}

/// The verdict when the clock has run out, or the peer has said that nothing more follows.
///
/// Printable bytes are text, but a whole HTTP method is HTTP, and a whole `PASS` line is IRC: a password must not
/// become somebody's name.
pub fn after_deadline(bytes: &[u8]) -> Verdict {
    match Detector::default().walk(head(bytes)) {
        Verdict::NeedMore => undecided(head(bytes)),
        verdict => verdict,
    }
}

/// Whether there is nothing but line ends: somebody who pressed Enter to see who is there.
pub fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Remembers how far it has looked, so that a peer that sends single bytes costs no more than one that does not.
#[derive(Debug, Default)]
pub struct Detector {
    /// This many bytes have no verdict.
    looked: usize,
}

impl Detector {
    /// The verdict on all bytes so far. They must start with the bytes of the call before.
    pub fn look(&mut self, bytes: &[u8]) -> Verdict {
        match self.walk(head(bytes)) {
            Verdict::NeedMore if bytes.len() >= SNIFF_BYTES_MAX => undecided(head(bytes)),
            verdict => verdict,
        }
    }

    fn walk(&mut self, bytes: &[u8]) -> Verdict {
        while let Some(prefix) = bytes.get(..=self.looked) {
            let verdict = judge(prefix);
            if verdict != Verdict::NeedMore {
                return verdict;
            }
            self.looked += 1;
        }
        Verdict::NeedMore
    }
}

/// One protocol's answer to a prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    More,
    No,
}

/// Judges a prefix of which no shorter one has a verdict.
fn judge(seen: &[u8]) -> Verdict {
    match seen.first() {
        None => Verdict::NeedMore,
        Some(0x00) => zero(seen),
        Some(0x03) => pair(seen, 0..=0, Scanner::Rdp),
        Some(0x04) => pair(seen, 1..=2, Scanner::Socks4),
        Some(0x05) => pair(seen, 1..=32, Scanner::Socks5),
        Some(0x10) => mqtt(seen),
        Some(0x16) => tls(seen),
        Some(0x80) => Verdict::Refuse(Scanner::Ssl2),
        Some(0xff) => telnet(seen),
        Some(0xef) => marked(seen),
        Some(b'\r' | b'\n') => blank(seen),
        Some(_) => words(seen),
    }
}

/// Protocols that start with printable characters.
fn words(seen: &[u8]) -> Verdict {
    let answers = [
        (Protocol::Http1, http1(seen)),
        (Protocol::Http2, literal(seen, PREFACE)),
        (Protocol::Ssh, literal(seen, b"SSH-")),
        (Protocol::ProxyV1, literal(seen, b"PROXY ")),
        (Protocol::Json, json(seen)),
        (Protocol::Irc, irc(seen)),
    ];
    if let Some((protocol, _)) = answers.iter().find(|(_, answer)| *answer == Match::Yes) {
        return Verdict::Is(*protocol);
    }
    if answers.iter().any(|(_, answer)| *answer == Match::More) {
        return Verdict::NeedMore;
    }
    text(seen)
}

/// Nothing else is possible any more.
fn text(seen: &[u8]) -> Verdict {
    if seen.iter().all(|byte| is_textual(*byte)) {
        Verdict::Is(Protocol::Text)
    } else {
        Verdict::Refuse(Scanner::Binary)
    }
}

fn undecided(seen: &[u8]) -> Verdict {
    let line = without_blank_line(seen).unwrap_or(seen);
    if METHODS.contains(&line) || line.starts_with(b"PRI ") {
        return Verdict::Is(Protocol::Http1);
    }
    if line.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'p'))
        && first_line(line).is_some_and(is_pass)
    {
        return Verdict::Is(Protocol::Irc);
    }
    text(seen)
}

/// A leading byte order mark, then JSON or text.
fn marked(seen: &[u8]) -> Verdict {
    match literal(seen, BOM) {
        Match::More => Verdict::NeedMore,
        Match::No => text(seen),
        Match::Yes => match json(seen.strip_prefix(BOM).unwrap_or_default()) {
            Match::Yes => Verdict::Is(Protocol::Json),
            Match::More => Verdict::NeedMore,
            Match::No => text(seen),
        },
    }
}

/// One empty line before the first real one is skipped (RFC 9112 section 2.2); PROXY version 2 starts with two.
fn blank(seen: &[u8]) -> Verdict {
    match literal(seen, PROXY_V2) {
        Match::Yes => return Verdict::Is(Protocol::ProxyV2),
        Match::More => return Verdict::NeedMore,
        Match::No => {}
    }
    match without_blank_line(seen) {
        Some([]) => Verdict::NeedMore,
        Some(rest) if !is_blank(rest) => match rest.first() {
            Some(b'\r' | b'\n') | None => text(seen),
            Some(_) => words(rest),
        },
        _ => text(seen),
    }
}

/// Handshake record of any version, a sensible length, and a ClientHello in it (RFC 8446 section 5.1).
fn tls(seen: &[u8]) -> Verdict {
    let fits = |at: usize, test: fn(u8) -> bool| seen.get(at).is_none_or(|byte| test(*byte));
    let length = match seen {
        [_, _, _, high, low, ..] => Some(usize::from(*high) << 8 | usize::from(*low)),
        _ => None,
    };
    let possible = fits(1, |byte| byte == 3)
        && fits(2, |byte| byte <= 4)
        && length.is_none_or(|length| (4..=16_384).contains(&length))
        && fits(5, |byte| byte == 1);
    match (possible, seen.len()) {
        (false, _) => Verdict::Refuse(Scanner::Binary),
        (true, ..6) => Verdict::NeedMore,
        (true, _) => Verdict::Is(Protocol::Tls),
    }
}

/// CONNECT: its remaining length, the protocol's name, and any level, which is the door's to refuse
/// (MQTT 3.1.1 section 3.1.2.2).
fn mqtt(seen: &[u8]) -> Verdict {
    let mut remaining = 0usize;
    let mut rest = seen.get(1..).unwrap_or_default();
    for shift in [0, 7, 14, 21] {
        let Some((byte, after)) = rest.split_first() else { return Verdict::NeedMore };
        rest = after;
        remaining |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return mqtt_name(remaining, rest);
        }
    }
    Verdict::Refuse(Scanner::Binary)
}

fn mqtt_name(remaining: usize, rest: &[u8]) -> Verdict {
    if !(12..=MQTT_CONNECT_BYTES_MAX).contains(&remaining) {
        return Verdict::Refuse(Scanner::Binary);
    }
    for name in [b"\x00\x04MQTT".as_slice(), b"\x00\x06MQIsdp".as_slice()] {
        match literal(rest, name) {
            Match::Yes if rest.len() > name.len() => return Verdict::Is(Protocol::Mqtt),
            Match::Yes | Match::More => return Verdict::NeedMore,
            Match::No => {}
        }
    }
    Verdict::Refuse(Scanner::Binary)
}

/// IAC and any command of RFC 854 or RFC 855.
fn telnet(seen: &[u8]) -> Verdict {
    match seen.get(1) {
        None => Verdict::NeedMore,
        Some(0xf0..=0xfe) => Verdict::Is(Protocol::Telnet),
        Some(_) => Verdict::Refuse(Scanner::Binary),
    }
}

/// A length in four bytes, and what comes behind it.
fn zero(seen: &[u8]) -> Verdict {
    match seen.get(4..8) {
        None => Verdict::NeedMore,
        Some([0x04, 0xd2, 0x16, 0x2e..=0x30] | [0x00, 0x03, 0x00, _]) => Verdict::Refuse(Scanner::Postgres),
        Some([0xfd..=0xff, b'S', b'M', b'B']) => Verdict::Refuse(Scanner::Smb),
        Some(_) => Verdict::Refuse(Scanner::Binary),
    }
}

fn pair(seen: &[u8], second: std::ops::RangeInclusive<u8>, scanner: Scanner) -> Verdict {
    match seen.get(1) {
        None => Verdict::NeedMore,
        Some(byte) if second.contains(byte) => Verdict::Refuse(scanner),
        Some(_) => Verdict::Refuse(Scanner::Binary),
    }
}

/// A method and a space, or a method alone on its line: the web door answers that with 400.
fn http1(seen: &[u8]) -> Match {
    if seen.starts_with(b"PRI ") {
        return if literal(seen, PREFACE) == Match::No { Match::Yes } else { Match::No };
    }
    let mut answer = Match::No;
    for method in METHODS {
        match seen.strip_prefix(*method) {
            Some([b' ' | b'\r' | b'\n', ..]) => return Match::Yes,
            Some([]) => answer = Match::More,
            None if method.starts_with(seen) => answer = Match::More,
            Some(_) | None => {}
        }
    }
    answer
}

fn json(seen: &[u8]) -> Match {
    match seen.iter().find(|byte| !matches!(byte, b' ' | b'\t')) {
        None => Match::More,
        Some(b'{') => Match::Yes,
        Some(_) => Match::No,
    }
}

/// A whole first line of the shape that a client begins with. A lone `PASS` waits for the line behind it, because
/// other protocols have that word too.
fn irc(seen: &[u8]) -> Match {
    let mut rest = seen;
    loop {
        let Some((line, after)) = split_line(rest) else { return irc_partial(rest) };
        if !is_irc(line) {
            return Match::No;
        }
        if !is_pass(line) {
            return Match::Yes;
        }
        rest = after;
    }
}

/// A line without its end yet.
fn irc_partial(seen: &[u8]) -> Match {
    if matches!(seen.first(), None | Some(b':' | b'@')) {
        return Match::More;
    }
    let word = seen.split(|byte| *byte == b' ').next().unwrap_or_default();
    let fits = |command: &&str| {
        if word.len() == seen.len() { is_start_of(word, command) } else { is_command(word, command) }
    };
    if IRC_COMMANDS.iter().any(fits) { Match::More } else { Match::No }
}

fn is_irc(line: &[u8]) -> bool {
    let (command, arguments) = irc_parts(line);
    let count = arguments.len();
    let first = arguments.first().copied().unwrap_or_default();
    match IRC_COMMANDS.iter().find(|known| is_command(command, known)) {
        Some(&"CAP") => {
            ["LS", "LIST", "REQ", "END"].iter().any(|verb| first.eq_ignore_ascii_case(verb.as_bytes()))
        }
        Some(&"NICK") => (1..=2).contains(&count),
        Some(&("USER" | "WEBIRC")) => count >= 4,
        Some(&("PASS" | "AUTHENTICATE")) => count == 1,
        Some(_) | None => false,
    }
}

fn is_pass(line: &[u8]) -> bool {
    is_irc(line) && is_command(irc_parts(line).0, "PASS")
}

/// The command and its parameters (RFC 2812 section 2.3.1), with tags and source skipped.
fn irc_parts(line: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let mut rest = line;
    for mark in [b'@', b':'] {
        if rest.first() == Some(&mark) {
            rest = split_space(rest).1;
        }
    }
    let (command, mut rest) = split_space(rest);
    let mut arguments = Vec::new();
    while let Some(first) = rest.first() {
        if *first == b':' {
            arguments.push(rest.get(1..).unwrap_or_default());
            break;
        }
        let (argument, after) = split_space(rest);
        arguments.push(argument);
        rest = after;
    }
    (command, arguments)
}

/// Up to the first space, and what follows the run of spaces.
fn split_space(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
    (word, rest.trim_ascii_start())
}

/// Clients write commands in capitals, people who type them in small letters; `Nick Cave` is a person.
fn is_command(word: &[u8], command: &str) -> bool {
    word.len() == command.len() && is_start_of(word, command)
}

fn is_start_of(word: &[u8], command: &str) -> bool {
    let command = command.as_bytes();
    command.starts_with(word)
        || (word.iter().all(u8::is_ascii_lowercase)
            && command.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    split_line(bytes).map(|(line, _)| line)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = bytes.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), bytes.get(end + 1..)?))
}

fn without_blank_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))
}

fn literal(seen: &[u8], wanted: &[u8]) -> Match {
    if seen.starts_with(wanted) {
        Match::Yes
    } else if wanted.starts_with(seen) {
        Match::More
    } else {
        Match::No
    }
}

/// Printable ASCII, the blanks that people type, and what UTF-8 and GBK are made of.
fn is_textual(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n' | 0x20..=0x7e | 0x80..=0xfe)
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..SNIFF_BYTES_MAX).unwrap_or(bytes)
}

const BOM: &[u8] = b"\xef\xbb\xbf";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PROXY_V2: &[u8] = b"\r\n\r\n\x00\r\nQUIT\n";
const IRC_COMMANDS: &[&str] = &["CAP", "NICK", "USER", "PASS", "WEBIRC", "AUTHENTICATE"];
/// Methods of HTTP (RFC 9110 section 9.1, RFC 5789) and WebDAV (RFC 4918), in capitals only: they have a case.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
];
/// Six fields of 64 KiB and the properties fit; a CONNECT that claims more is not one.
const MQTT_CONNECT_BYTES_MAX: usize = 512 * 1024;

#[cfg(test)]
mod tests;
