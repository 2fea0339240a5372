//! PROXY headers, versions 1 and 2: a proxy's word about whose conn this is.
//!
//! **Invariant.** Pure: whether the proxy may be believed is decided before. A header has at most 536 bytes, follows
//! the public description of the PROXY protocol (sections 2.1 and 2.2), and is never guessed at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is read.
pub(crate) const HEADER_BYTES_MAX: usize = 536;

/// What the bytes so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// They are a header of so many bytes; whose conn it is, unless the proxy speaks for itself.
    Is(usize, Option<SocketAddr>),
    /// They may become one.
    NeedMore,
    /// They are none.
    Broken,
}

/// Reads a header from the first bytes of a conn.
pub(crate) fn parse(bytes: &[u8]) -> Header {
    let header = if starts_like(bytes, SIGNATURE) {
        version_2(bytes)
    } else if starts_like(bytes, b"PROXY ") {
        version_1(bytes)
    } else {
        Header::Broken
    };
    match header {
        Header::NeedMore if bytes.len() >= HEADER_BYTES_MAX => Header::Broken,
        header => header,
    }
}

fn starts_like(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.iter().zip(wanted).all(|(byte, wanted)| byte == wanted)
}

fn version_1(bytes: &[u8]) -> Header {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return if bytes.len() < LINE_BYTES_MAX { Header::NeedMore } else { Header::Broken };
    };
    let line = bytes
        .get(..end)
        .and_then(|line| line.strip_suffix(b"\r"))
        .and_then(|line| std::str::from_utf8(line).ok());
    match line {
        Some(line) if end < LINE_BYTES_MAX => match line_source(line) {
            Some(source) => Header::Is(end + 1, source),
            None => Header::Broken,
        },
        _ => Header::Broken,
    }
}

/// `PROXY TCP4 SOURCE DESTINATION PORT PORT`; the outer `None` is a broken line.
fn line_source(line: &str) -> Option<Option<SocketAddr>> {
    let mut words = line.split(' ');
    let (_, family) = (words.next()?, words.next()?);
    let is_right = match family {
        "UNKNOWN" => return Some(None),
        "TCP4" => IpAddr::is_ipv4,
        "TCP6" => IpAddr::is_ipv6,
        _ => return None,
    };
    let (source, destination): (IpAddr, IpAddr) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (port, _): (u16, u16) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (is_right(&source) && is_right(&destination) && words.next().is_none())
        .then(|| Some(SocketAddr::new(source, port)))
}

fn version_2(bytes: &[u8]) -> Header {
    let Some(&[command, family, high, low]) = bytes.get(12..16) else { return Header::NeedMore };
    let length = usize::from(high) << 8 | usize::from(low);
    let end = 16 + length;
    if end > HEADER_BYTES_MAX {
        return Header::Broken;
    }
    let Some(body) = bytes.get(16..end) else { return Header::NeedMore };
    match (command, family) {
        (0x20, _) | (0x21, 0x00) => Header::Is(end, None),
        (0x21, 0x11) => match body {
            [a, b, c, d, _, _, _, _, high, low, _, _, ..] => {
                Header::Is(end, Some(address(Ipv4Addr::new(*a, *b, *c, *d), *high, *low)))
            }
            _ => Header::Broken,
        },
        (0x21, 0x21) => match (body.first_chunk::<16>(), body.get(32..36)) {
            (Some(source), Some([high, low, _, _])) => {
                Header::Is(end, Some(address(Ipv6Addr::from(*source), *high, *low)))
            }
            _ => Header::Broken,
        },
        _ => Header::Broken,
    }
}

fn address(ip: impl Into<IpAddr>, high: u8, low: u8) -> SocketAddr {
    SocketAddr::new(ip.into(), u16::from_be_bytes([high, low]))
}

const SIGNATURE: &[u8] = b"\r\n\r\n\x00\r\nQUIT\n";
/// The longest line of version 1, with its end.
const LINE_BYTES_MAX: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    #[test]
    fn headers() {
        let four = "192.0.2.7:4711".parse().ok();
        let six = "[2001:db8::7]:4711".parse().ok();
        let v4_body = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        let v6_source: [u8; 16] = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets();
        let v6_body = [v6_source.as_slice(), &[0; 16], &[0x12, 0x67, 0, 80], b"tlv"].concat();
        for (case, bytes, header) in [
            ("version 1, IPv4", b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n".to_vec(), Header::Is(39, four)),
            ("version 1, IPv6", b"PROXY TCP6 2001:db8::7 ::1 4711 80\r\n".to_vec(), Header::Is(36, six)),
            ("version 1, unknown", b"PROXY UNKNOWN whatever\r\n".to_vec(), Header::Is(24, None)),
            (
                "version 1, wrong family",
                b"PROXY TCP6 192.0.2.7 10.0.0.1 4711 80\r\n".to_vec(),
                Header::Broken,
            ),
            (
                "version 1, a word too many",
                b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80 1\r\n".to_vec(),
                Header::Broken,
            ),
            (
                "version 1, without return",
                b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n".to_vec(),
                Header::Broken,
            ),
            ("version 1, too long", [b"PROXY ".as_slice(), &[b'1'; 101]].concat(), Header::Broken),
            ("version 2, IPv4", v2(0x21, 0x11, &v4_body), Header::Is(28, four)),
            ("version 2, IPv6 and more", v2(0x21, 0x21, &v6_body), Header::Is(55, six)),
            ("version 2, local", v2(0x20, 0x00, b""), Header::Is(16, None)),
            ("version 2, too short", v2(0x21, 0x11, &[1, 2, 3]), Header::Broken),
            ("version 2, other version", v2(0x31, 0x11, &v4_body), Header::Broken),
            ("version 2, too long", v2(0x21, 0x11, &[0; 521]), Header::Broken),
            ("a request", b"GET / HTTP/1.1\r\n".to_vec(), Header::Broken),
        ] {
            assert_eq!(parse(&bytes), header, "{case}");
            if let Header::Is(length, _) = header {
                for cut in 0..length {
                    assert_eq!(parse(&bytes[..cut]), Header::NeedMore, "{case}, cut at {cut}");
                }
                assert_eq!(parse(&[bytes, b"more".to_vec()].concat()), header, "{case}, with more behind it");
            }
        }
    }
}
