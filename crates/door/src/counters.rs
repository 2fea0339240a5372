//! What happened to conns before a door had them, as numbers.
//!
//! **Invariant.** Numbers only grow. No conn's bytes or names are kept here.

use crate::Protocol;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a conn did not get to a door, or did not end well there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// `Limits::conns_max`.
    TooManyConns,
    /// `Limits::conns_per_address_max`.
    TooManyFromAddress,
    /// `Limits::silent_conns_max`.
    TooManySilent,
    /// `Limits::silence_s` without a byte.
    Silence,
    /// The peer left before it said what it speaks.
    Gone,
    /// Bytes that no door speaks.
    Scanner,
    /// A PROXY header from an address that the listener does not trust.
    UntrustedProxy,
    /// No PROXY header, or a broken one, from an address that must send one.
    BadProxy,
    /// Plain bytes where only TLS is spoken.
    TlsRequired,
    /// TLS where there is none.
    NoTls,
    /// The TLS handshake failed.
    Handshake,
    /// No door speaks the protocol.
    NoDoor,
    /// The hub stopped.
    Stopped,
    /// Our own fault: the task panicked.
    Panic,
}

impl Refused {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [Self; 14] = [
        Self::TooManyConns,
        Self::TooManyFromAddress,
        Self::TooManySilent,
        Self::Silence,
        Self::Gone,
        Self::Scanner,
        Self::UntrustedProxy,
        Self::BadProxy,
        Self::TlsRequired,
        Self::NoTls,
        Self::Handshake,
        Self::NoDoor,
        Self::Stopped,
        Self::Panic,
    ];

    /// The word that logs and status show.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooManyConns => "too-many-conns",
            Self::TooManyFromAddress => "too-many-from-address",
            Self::TooManySilent => "too-many-silent",
            Self::Silence => "silence",
            Self::Gone => "gone",
            Self::Scanner => "scanner",
            Self::UntrustedProxy => "untrusted-proxy",
            Self::BadProxy => "bad-proxy",
            Self::TlsRequired => "tls-required",
            Self::NoTls => "no-tls",
            Self::Handshake => "handshake",
            Self::NoDoor => "no-door",
            Self::Stopped => "stopped",
            Self::Panic => "panic",
        }
    }
}

/// The numbers of all listeners together.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
    detected: [AtomicU64; Protocol::ALL.len()],
}

impl Counters {
    /// Sockets accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Conns refused for this reason.
    pub fn refused(&self, reason: Refused) -> u64 {
        self.refused.get(reason as usize).map_or(0, |count| count.load(Relaxed))
    }

    /// Conns that were found to speak this.
    pub fn detected(&self, protocol: Protocol) -> u64 {
        self.detected.get(protocol as usize).map_or(0, |count| count.load(Relaxed))
    }

    pub(crate) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_refused(&self, reason: Refused) {
        if let Some(count) = self.refused.get(reason as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn count_detected(&self, protocol: Protocol) {
        if let Some(count) = self.detected.get(protocol as usize) {
            count.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_number() {
        let counters = Counters::default();
        for (index, reason) in Refused::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            counters.count_refused(reason);
            assert_eq!(counters.refused(reason), 1, "{}", reason.word());
        }
    }
}
