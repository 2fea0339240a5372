//! Leaves out what a Telnet client puts between its lines (RFC 854). Nothing is answered: a client that gets no
//! answer stays a plain terminal.
//!
//! **Invariant.** Holds one byte of state, whatever is sent.

/// Where the filter stands between two reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Telnet {
    /// In the text.
    #[default]
    Data,
    /// Behind IAC.
    Command,
    /// Behind WILL, WONT, DO or DONT: an option follows.
    Choice,
    /// In a subnegotiation.
    Sub,
    /// Behind IAC in a subnegotiation.
    SubCommand,
}

impl Telnet {
    /// Whether these bytes pass as they are.
    pub(super) fn passes(self, bytes: &[u8]) -> bool {
        self == Self::Data && memchr::memchr(IAC, bytes).is_none()
    }

    /// The bytes without Telnet's.
    pub(super) fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().copied().filter(|b| self.keeps(*b)).collect()
    }

    /// RFC 854 "Telnet command structure"; RFC 855 for subnegotiation.
    fn keeps(&mut self, b: u8) -> bool {
        let (next, keep) = match (*self, b) {
            (Self::Data, IAC) => (Self::Command, false),
            (Self::Data, _) => (Self::Data, true),
            // An IAC of the text itself comes twice.
            (Self::Command, IAC) => (Self::Data, true),
            (Self::Command, SB) => (Self::Sub, false),
            (Self::Command, WILL..=DONT) => (Self::Choice, false),
            (Self::Command | Self::Choice, _) => (Self::Data, false),
            (Self::Sub, IAC) => (Self::SubCommand, false),
            (Self::SubCommand, SE) => (Self::Data, false),
            (Self::Sub | Self::SubCommand, _) => (Self::Sub, false),
        };
        *self = next;
        keep
    }
}

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const WILL: u8 = 251;
const DONT: u8 = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_left_out_however_they_are_split() {
        let input = b"a\xff\xfb\x18b\xff\xf1c\xff\xfa\x18\x00xterm\xff\xf0d\xff\xffe";
        for at in 0..=input.len() {
            let mut telnet = Telnet::default();
            let mut out = telnet.filter(&input[..at]);
            out.extend(telnet.filter(&input[at..]));
            assert_eq!(out, b"abcd\xffe", "cut at {at}");
        }
        assert!(Telnet::default().passes(b"plain"));
        assert!(!Telnet::Sub.passes(b"plain"));
    }
}
