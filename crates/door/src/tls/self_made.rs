//! The certificate that the hub makes for itself: when it is due, and how its files are written.
//!
//! **Invariant.** A file is there whole or not at all; the key's is readable by its owner only from its first byte on. A
//! key that is there is used, never replaced.

use super::{TlsError, read};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::{
    CertificateError::{self, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYetContext},
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// Whether a client that trusts just this certificate would refuse it now, or soon, for its time or for one of the names.
/// What it would refuse in any case was signed by somebody else.
pub(super) fn is_due(certificate: &CertificateDer<'static>, names: &[String], now_ms: i64) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(certificate.clone()).is_err() {
        return false;
    }
    let provider = Arc::new(ring::default_provider());
    let Ok(client) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build() else {
        return false;
    };
    let now = since_1970(now_ms);
    certifiable(names).any(|(_, name)| {
        let shown = |at| client.verify_server_cert(certificate, &[], &name, &[], at).map(drop);
        [now, now + RENEWED_BEFORE].into_iter().map(UnixTime::since_unix_epoch).any(|at| {
            match refusal(shown(at)) {
                Some(
                    ExpiredContext { not_after: good_at, .. }
                    | NotValidYetContext { not_before: good_at, .. },
                ) => {
                    matches!(
                        refusal(shown(good_at)),
                        None | Some(NotValidForName | NotValidForNameContext { .. })
                    )
                }
                Some(NotValidForName | NotValidForNameContext { .. }) => true,
                _ => false,
            }
        })
    })
}

/// Why a certificate is refused.
fn refusal(verified: Result<(), rustls::Error>) -> Option<CertificateError> {
    match verified {
        Ok(()) => None,
        Err(rustls::Error::InvalidCertificate(why)) => Some(why),
        Err(_) => Some(CertificateError::ApplicationVerificationFailure),
    }
}

/// The names that a client could ask for.
fn certifiable(names: &[String]) -> impl Iterator<Item = (&String, ServerName<'_>)> {
    names.iter().filter_map(|name| Some((name, ServerName::try_from(name.as_str()).ok()?)))
}

fn since_1970(now_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms).unwrap_or_default())
}

/// Makes the certificate for the key that is there, or for a new one.
pub(super) fn make(
    dir: &Path,
    cert: &Path,
    key: &Path,
    names: &[String],
    now_ms: i64,
) -> Result<(), TlsError> {
    let names: Vec<String> = certifiable(names).map(|(name, _)| name.clone()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "hubbub");
    let since = since_1970(now_ms);
    params.not_before = date_time_ymd(1970, 1, 1) + since.saturating_sub(DAY);
    params.not_after = date_time_ymd(1970, 1, 1) + since + 3_652 * DAY;
    let known = if key.exists() { Some(known_key(key)?) } else { None };
    let pair = known.as_ref().map_or_else(KeyPair::generate, |known| KeyPair::from_pem(known))?;
    let made = params.self_signed(&pair)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| TlsError::Write { path: dir.to_owned(), source })?;
    if known.is_none() {
        write_whole(key, pair.serialize_pem().as_bytes(), 0o600)?;
    }
    write_whole(cert, made.pem().as_bytes(), 0o644)
}

fn known_key(key: &Path) -> Result<String, TlsError> {
    String::from_utf8(read(key)?).map_err(|_| TlsError::NoKey(key.to_owned()))
}

/// The file is there with all its bytes, or not at all.
fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let partial = path.with_extension("pem.new");
    let write = || {
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TlsSource,
        tls::tests::{NOW_MS, names, source},
    };
    use std::os::unix::fs::PermissionsExt;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn a_certificate_is_renewed_in_time_and_under_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let tls = source(dir.path());
        let shown = || (tls.fingerprint(), fs::read(dir.path().join("cert.pem")).unwrap());
        let (key, first) = shown();
        let end_ms = NOW_MS + 3_652 * DAY_MS;
        for still_good in [NOW_MS, NOW_MS - DAY_MS + 1_000, end_ms - 31 * DAY_MS] {
            assert!(!tls.renew(&names(), still_good).unwrap(), "{still_good}");
        }
        assert_eq!(shown().1, first);
        // Too near its end, behind it, and by a clock that was set back far.
        for due in [end_ms - 29 * DAY_MS, end_ms + 4_000 * DAY_MS, NOW_MS - 9_000 * DAY_MS] {
            let before = shown().1;
            assert!(tls.renew(&names(), due).unwrap(), "{due}");
            let (still, after) = shown();
            assert!(still == key && after != before, "a new certificate of the same key");
            assert!(!tls.renew(&names(), due).unwrap(), "once");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no partial file stays");
        assert_eq!(fs::metadata(dir.path().join("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_certificate_is_renewed_for_a_name_that_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let tls = source(dir.path());
        let key = tls.fingerprint();
        let with = |more: &[&str]| [names(), more.iter().map(|name| (*name).to_owned()).collect()].concat();
        assert!(tls.renew(&with(&["10.0.0.7"]), NOW_MS).unwrap());
        assert!(!tls.renew(&with(&["10.0.0.7"]), NOW_MS).unwrap());
        assert!(!tls.renew(&names(), NOW_MS).unwrap(), "one name too many does no harm");
        assert!(tls.renew(&with(&["hub.lab.example", "my_host"]), NOW_MS).unwrap());
        assert!(
            !tls.renew(&with(&["hub.lab.example", "no name", "a..b", ""]), NOW_MS).unwrap(),
            "what nobody could ask for"
        );
        assert_eq!(tls.fingerprint(), key);
        let before = fs::read(dir.path().join("cert.pem")).unwrap();
        let again = TlsSource::self_made(dir.path(), &with(&["fd00::7"]), NOW_MS).unwrap();
        assert_eq!(again.fingerprint(), key);
        assert_ne!(fs::read(dir.path().join("cert.pem")).unwrap(), before, "at the start too");
    }

    #[test]
    fn a_certificate_that_somebody_else_signed_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let issuer_key = KeyPair::generate().unwrap();
        let mut issuer = CertificateParams::new(Vec::new()).unwrap();
        issuer.distinguished_name.push(DnType::CommonName, "somebody");
        let issuer = rcgen::Issuer::new(issuer, issuer_key);
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "hub");
        let made = params.signed_by(&pair, &issuer).unwrap();
        fs::write(dir.path().join("cert.pem"), made.pem()).unwrap();
        fs::write(dir.path().join("key.pem"), pair.serialize_pem()).unwrap();
        let tls =
            TlsSource::self_made(dir.path(), &["another".to_owned()], NOW_MS + 99_999 * DAY_MS).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("cert.pem")).unwrap(), made.pem());
        assert!(!tls.renew(&["another".to_owned()], NOW_MS).unwrap());
    }
}
