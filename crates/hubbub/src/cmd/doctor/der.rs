//! What of a certificate people want to know: its names, its beginning and its end (RFC 5280 section 4.1). Nothing is
//! verified here; that is the TLS library's part. What is not understood gives `None`.

use jiff::civil::DateTime;
use std::net::IpAddr;

/// What people want to know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) names: Vec<String>,
    /// Milliseconds since 1970.
    pub(super) since_ms: i64,
    /// Milliseconds since 1970.
    pub(super) until_ms: i64,
}

/// Reads a certificate.
pub(super) fn facts(certificate: &[u8]) -> Option<Facts> {
    let mut outer = Elements(certificate).of(SEQUENCE)?;
    let mut fields = outer.of(SEQUENCE)?;
    // version [0] is there in all but the oldest; then serialNumber, signature, issuer, validity.
    fields.of(VERSION);
    fields.of(INTEGER)?;
    fields.of(SEQUENCE)?;
    fields.of(SEQUENCE)?;
    let mut validity = fields.of(SEQUENCE)?;
    let (since_ms, until_ms) = (time_ms(validity.next()?)?, time_ms(validity.next()?)?);
    let names =
        fields.find(|(tag, _)| *tag == EXTENSIONS).and_then(|(_, list)| names(list)).unwrap_or_default();
    Some(Facts { names, since_ms, until_ms })
}

/// The names of the extension subjectAltName (section 4.2.1.6).
fn names(extensions: &[u8]) -> Option<Vec<String>> {
    let list = Elements(extensions).of(SEQUENCE)?;
    let mut found = list.filter_map(|(_, extension)| {
        let mut parts = Elements(extension);
        let (_, id) = parts.next()?;
        // An optional flag may lie between: the value is the last part.
        let (_, value) = parts.last()?;
        (id == SUBJECT_ALT_NAME).then_some(value)
    });
    let names = Elements(found.next()?).of(SEQUENCE)?;
    Some(names.filter_map(|(tag, name)| shown(tag, name)).collect())
}

fn shown(tag: u8, name: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(String::from_utf8_lossy(name).escape_debug().to_string()),
        IP_ADDRESS => {
            let v4 = <[u8; 4]>::try_from(name).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(name).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    }
}

/// `UTCTime` or `GeneralizedTime`, as section 4.1.2.5 limits both: to seconds, in Greenwich time.
fn time_ms((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Two digits of the year: from 50 on they mean 19xx.
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some(time.in_tz("UTC").ok()?.timestamp().as_millisecond())
}

/// The elements of a DER value one after the other: tag and content. Ends where the bytes make no sense.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The inside of the next element, if it has this tag; else nothing is taken.
    fn of(&mut self, tag: u8) -> Option<Self> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.next().map(|(_, inside)| Self(inside))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let (bytes, rest) =
                rest.split_at_checked(usize::from(*first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        };
        let (inside, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, inside))
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_time_are_read() {
        assert_eq!(time_ms((UTC_TIME, b"270115080000Z")), Some(1_800_000_000_000));
        assert_eq!(time_ms((GENERALIZED_TIME, b"20270115080000Z")), Some(1_800_000_000_000));
        assert_eq!(time_ms((UTC_TIME, b"700101000000Z")), Some(0));
        assert_eq!(time_ms((UTC_TIME, b"27")), None);
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_facts() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x02\x30\x00",
            b"\x30\x80\x00\x00",
            &[0xff; 64],
        ] {
            assert_eq!(facts(bytes), None, "{bytes:?}");
        }
    }
}
