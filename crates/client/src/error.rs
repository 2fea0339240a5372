//! What can go wrong: with the conn ([`Fault`]), and with one request ([`ClientError`]).

use crate::{address::Address, pin::PinError};
use hubbub_model::{Kind, Text, TextError};
use hubbub_wire::native::Code;
use std::{io, sync::Arc, time::Duration};

/// The hub refused: what that means, and its sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// The meaning; a newer hub may have one that this version does not know.
    pub code: Code,
    /// The hub's sentence, in the language that the options asked for.
    pub text: Text,
}

impl Refused {
    /// The meaning, if this version knows it.
    pub fn kind(&self) -> Option<Kind> {
        self.code.kind()
    }

    /// Whether it may be another answer a moment later. A meaning that is not known is not waited for.
    pub(crate) fn is_passing(&self) -> bool {
        self.kind().is_some_and(is_passing)
    }
}

/// Why there is no conn.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The name leads to no address.
    #[error("cannot find the host {host}: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// None of the addresses took a conn.
    #[error("cannot reach {address}: {source}")]
    Reach {
        /// Where.
        address: Address,
        /// Why the last try failed.
        source: io::Error,
    },
    /// There was no conn, or no TLS on it, in time.
    #[error("{address} did not answer within {} s", within.as_secs())]
    TimedOut {
        /// Where.
        address: Address,
        /// The limit.
        within: Duration,
    },
    /// The host's name cannot be used with TLS.
    #[error("TLS needs the host's name or address, and {0:?} is none")]
    TlsName(String),
    /// TLS could not be agreed on.
    #[error("cannot speak TLS with {address}: {source}. Is that port meant for TLS?")]
    Tls {
        /// Where.
        address: Address,
        /// Why not.
        source: io::Error,
    },
    /// The hub is not the one that was known under this address, or that could not be found out.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// What answered is not a hub, or speaks another version.
    #[error("what answers there is not a hub: {0}")]
    NotAHub(&'static str),
    /// The login was refused.
    #[error("{0}")]
    Refused(Refused),
    /// A room cannot be opened again just now.
    #[error("a room could not be opened again: {0}")]
    NotNow(Refused),
    /// The hub sent what cannot be read.
    #[error("the hub sent what this version cannot read: {0}")]
    Unreadable(String),
    /// The conn broke.
    #[error("the conn broke: {0}")]
    Broken(io::Error),
    /// The hub closed the conn without a word.
    #[error("the hub closed the conn")]
    Ended,
    /// The hub closed the conn and said why.
    #[error("the hub closed the conn: {0}")]
    Bye(String),
    /// The hub did not answer.
    #[error("the hub has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// We left.
    #[error("this client has left")]
    Left,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl Fault {
    /// Whether another try would end the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(refused) => !refused.is_passing(),
            Self::Bye(reason) => matches!(reason.as_str(), "revoked" | "replaced"),
            Self::Pin(_) | Self::TlsName(_) | Self::Left => true,
            _ => false,
        }
    }
}

/// Why a request was not done, or is not known to be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The hub refused.
    #[error("{0}")]
    Refused(Refused),
    /// The request is longer than the hub takes. It was not sent.
    #[error("the request has {bytes} bytes, the hub takes {max}")]
    TooLarge {
        /// Of the request.
        bytes: usize,
        /// The hub's limit.
        max: usize,
    },
    /// The conn broke before the answer came, and the request is not one that may be sent twice.
    #[error("the conn broke before the hub answered: it is not known whether that was done")]
    Interrupted,
    /// The text cannot be sent.
    #[error("the message cannot be sent: {0}")]
    Text(#[from] TextError),
    /// `login` and `quit` are the client's own matter.
    #[error("this client logs in and out by itself")]
    NotARequest,
    /// The hub answered with another value than this request has.
    #[error("the hub answered with something else")]
    OddAnswer,
    /// The client is over; why.
    #[error("{0}")]
    Closed(Arc<Fault>),
}

impl ClientError {
    /// What the hub's refusal means, if it is one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Refused(refused) => refused.kind(),
            _ => None,
        }
    }
}

/// Whether a refusal of this kind may be another answer a moment later.
fn is_passing(kind: Kind) -> bool {
    matches!(kind, Kind::Busy | Kind::SlowDown | Kind::Internal | Kind::ReadOnly | Kind::TooMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_change_by_itself_is_final() {
        let refusal = |code| Fault::Refused(Refused { code, text: Text::ours("no") });
        let refused = |kind| refusal(Code::Known(kind)).is_final();
        assert!(refusal(Code::Other("too-loud".into())).is_final());
        assert!(refused(Kind::BadCredentials) && refused(Kind::NotAllowed) && refused(Kind::Banned));
        assert!(!refused(Kind::Busy) && !refused(Kind::SlowDown));
        assert!(Fault::Bye("revoked".into()).is_final() && !Fault::Bye("stopping".into()).is_final());
        assert!(!Fault::Ended.is_final());
    }
}
