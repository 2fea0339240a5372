//! One-time codes: random, kept as hashes, for a short while, in memory.

use crate::{cookie::Who, reply::Problem};
use hubbub_model::Kind;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// Codes that sign another device in, with whose rights.
#[derive(Default)]
pub(crate) struct Codes(Mutex<HashMap<[u8; 32], Waiting>>);

struct Waiting {
    who: Who,
    until: Instant,
}

impl Codes {
    /// A new code for somebody.
    pub(super) fn give(&self, who: Who) -> Result<String, Problem> {
        let code = random()?;
        let now = Instant::now();
        let mut codes = self.0.lock();
        codes.retain(|_, waiting| waiting.until > now);
        if codes.len() >= CODES_MAX {
            return Err(Problem::new(Kind::Busy, "too many codes wait to be used: try again in two minutes"));
        }
        codes.insert(hash(&code), Waiting { who, until: now + CODE_MAX });
        Ok(code)
    }

    /// Whose the code is; it is worth nothing from now on.
    pub(super) fn take(&self, code: &str) -> Option<Who> {
        let waiting = self.0.lock().remove(&hash(code))?;
        (waiting.until > Instant::now()).then_some(waiting.who)
    }
}

/// 256 random bits, as a link can carry them.
pub(super) fn random() -> Result<String, Problem> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new(Kind::Internal, "the system gave no random bits"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// How long a code may be used.
pub(super) const CODE_MAX: Duration = Duration::from_secs(120);
const CODES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_code_is_good_once_and_for_a_while() {
        let codes = Codes::default();
        let ada = Who::Token("hub_1".into());
        let (first, second) = (codes.give(ada.clone()).unwrap(), codes.give(ada.clone()).unwrap());
        assert!(codes.take(&first) == Some(ada) && codes.take(&first).is_none());
        assert!(codes.take("other").is_none());
        tokio::time::advance(CODE_MAX).await;
        assert!(codes.take(&second).is_none());
        for _ in 0..CODES_MAX {
            codes.give(Who::Token("hub_2".into())).unwrap();
        }
        assert!(codes.give(Who::Token("hub_2".into())).is_err());
    }
}
