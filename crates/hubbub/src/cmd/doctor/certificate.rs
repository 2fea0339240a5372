//! The certificate that the hub shows, or would show.

use super::{Check, der};
use crate::{cmd::manage::when, config::Tls, data::DataDir};
use hubbub_door::fingerprint;
use hubbub_hub::{Clock, WallClock};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::path::{Path, PathBuf};

pub(super) fn check(tls: &Tls, data: &DataDir) -> Check {
    let own = tls.cert.clone().zip(tls.key.clone());
    let is_own = own.is_some();
    let (cert, key) = own.unwrap_or_else(|| (data.tls().join("cert.pem"), data.tls().join("key.pem")));
    if !is_own && !cert.exists() {
        return Check::ok("certificate", "none yet: one is made at the first start");
    }
    let usable = hubbub_door::TlsSource::from_files(&cert, &key);
    if let Err(error) = usable {
        let advice = if is_own {
            "give files that the hub can use as tls.cert and tls.key: it does not start before that"
        } else {
            "remove DATA/tls to have a new one made: the hub does not start before that"
        };
        return Check::fail("certificate", error.to_string(), advice);
    }
    match facts(&cert) {
        Some((facts, fingerprint)) => judge(&cert, &facts, &fingerprint, WallClock.now_ms(), is_own),
        None => Check::warn(
            "certificate",
            format!("{} is of an unusual form", cert.display()),
            "look at its dates with openssl x509 -dates",
        ),
    }
}

fn facts(cert: &PathBuf) -> Option<(der::Facts, String)> {
    let der = CertificateDer::from_pem_file(cert).ok()?;
    Some((der::facts(&der)?, fingerprint(&der).ok()?))
}

fn judge(cert: &Path, facts: &der::Facts, fingerprint: &str, now_ms: i64, is_own: bool) -> Check {
    let names = if facts.names.is_empty() { "no name".to_owned() } else { facts.names.join(", ") };
    let (since, until) = (when(facts.since_ms), when(facts.until_ms));
    let text = format!("{} is for {names}, good until {until}, sha256 {fingerprint}", cert.display());
    let renew = if is_own {
        "renew it, then `hubbub reload`"
    } else {
        "remove DATA/tls and restart the hub to have a new one"
    };
    if facts.until_ms <= now_ms {
        Check::fail("certificate", format!("{text}; it has ended"), renew)
    } else if facts.since_ms > now_ms {
        Check::fail(
            "certificate",
            format!("{text}; it is not good before {since}"),
            "set this machine's clock",
        )
    } else if facts.until_ms - now_ms < SOON_MS {
        Check::warn("certificate", format!("{text}; it ends soon"), renew)
    } else {
        Check::ok("certificate", text)
    }
}

const SOON_MS: i64 = 14 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::Verdict;

    const NOW_MS: i64 = 1_800_000_000_000;
    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_certificate_is_judged_by_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let source = hubbub_door::TlsSource::self_made(dir.path(), &names, NOW_MS).unwrap();
        let cert = dir.path().join("cert.pem");
        let (facts, fingerprint) = facts(&cert).unwrap();
        assert_eq!(facts.names, names);
        assert_eq!(fingerprint, source.fingerprint());
        let verdict = |now_ms| judge(&cert, &facts, &fingerprint, now_ms, false).verdict;
        assert_eq!(verdict(NOW_MS), Verdict::Ok);
        assert_eq!(verdict(NOW_MS - 2 * DAY_MS), Verdict::Fail);
        assert_eq!(verdict(NOW_MS + 3_645 * DAY_MS), Verdict::Warn);
        assert_eq!(verdict(NOW_MS + 3_653 * DAY_MS), Verdict::Fail);
    }
}
