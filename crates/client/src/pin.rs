//! Trust on first use: a hub's key is remembered when it is first seen, and must be the same ever after.
//!
//! **Invariant.** Whoever answers must own the key of the certificate that it shows (the signatures of the handshake
//! are checked), and that key must be the one in the file. Names, dates and issuers are not looked at: a hub makes its
//! own certificate, and renews it under the same key. The file has one hub a line, `host:port sha256:AB:CD:…`, with the
//! fingerprint of the key (of its SubjectPublicKeyInfo, RFC 7469 section 2.4), or of one certificate as a whole, which
//! then must not be renewed; `#` begins a remark.

use crate::address::Address;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A hub's key that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// `host:port`.
    pub hub: String,
    /// SHA-256 of the public key, as `AB:CD:…`.
    pub fingerprint: String,
    /// The file that keeps it.
    pub file: PathBuf,
}

/// Why a hub is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The key is another one than before.
    #[error(
        "the key of {hub} has changed, so nothing was sent. Known so far: sha256:{known}, shown now: \
         sha256:{shown}. Either the hub was given a new key, or somebody stands between you and the hub: ask \
         whoever runs it for its fingerprint. If it is the one shown now, remove line {line} of {} and connect again",
        file.display()
    )]
    Changed {
        /// `host:port`.
        hub: String,
        /// The fingerprint in the file.
        known: String,
        /// The fingerprint of the key that was shown.
        shown: String,
        /// The file.
        file: PathBuf,
        /// The line in it, counted from 1.
        line: usize,
    },
    /// The caller named no file.
    #[error("TLS needs a file of known hubs, and none was named")]
    NoFile,
    /// The file cannot be used.
    #[error("cannot use the file of known hubs {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What the file says about one hub.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    fingerprint: String,
    line: usize,
}

/// One handshake's trust: made before it, asked after it.
#[derive(Debug)]
pub(crate) struct Trust {
    hub: String,
    file: PathBuf,
    verifier: Arc<PinVerifier>,
}

impl Trust {
    /// Looks the hub up in the file. Reads a small file.
    pub(crate) fn look_up(address: &Address, file: &Path) -> Result<Self, PinError> {
        let hub = address.key();
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(PinError::File { file: file.to_owned(), source }),
        };
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let verifier = PinVerifier { known: find(&text, &hub), shown: OnceLock::new(), algorithms };
        Ok(Self { hub, file: file.to_owned(), verifier: Arc::new(verifier) })
    }

    /// The configuration of a handshake under this trust.
    pub(crate) fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let verifier: Arc<PinVerifier> = Arc::clone(&self.verifier);
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    /// Why the handshake failed, if it was for the certificate.
    pub(crate) fn refusal(&self) -> Option<PinError> {
        let (known, shown) = (self.verifier.known.as_ref()?, self.verifier.shown.get()?);
        (!known.is_of(shown)).then(|| PinError::Changed {
            hub: self.hub.clone(),
            known: known.fingerprint.clone(),
            shown: shown.key.clone(),
            file: self.file.clone(),
            line: known.line,
        })
    }

    /// The handshake succeeded: remembers a key that was new. Writes a small file.
    pub(crate) fn remember(&self) -> Result<Option<Pinned>, PinError> {
        let (None, Some(shown)) = (&self.verifier.known, self.verifier.shown.get()) else { return Ok(None) };
        append(&self.file, &format!("{} {SHA256}{}\n", self.hub, shown.key))
            .map_err(|source| PinError::File { file: self.file.clone(), source })?;
        Ok(Some(Pinned { hub: self.hub.clone(), fingerprint: shown.key.clone(), file: self.file.clone() }))
    }
}

/// The protocol's name in the handshake, so that a port with many doors need not guess.
const ALPN: &[u8] = b"hubbub/1";
const SHA256: &str = "sha256:";

fn find(text: &str, hub: &str) -> Option<Entry> {
    text.lines().enumerate().find_map(|(at, line)| {
        let mut words = line.split_whitespace();
        let is_it = words.next().is_some_and(|word| !word.starts_with('#') && word.eq_ignore_ascii_case(hub));
        let fingerprint = words.next().and_then(|word| word.strip_prefix(SHA256)).filter(|_| is_it)?;
        Some(Entry { fingerprint: fingerprint.to_ascii_uppercase(), line: at + 1 })
    })
}

/// One write, so that two clients that meet new hubs at once do not mix their lines.
fn append(file: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let ends_open = fs::read(file).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
    let line = if ends_open { format!("\n{line}") } else { line.to_owned() };
    fs::OpenOptions::new().append(true).create(true).open(file)?.write_all(line.as_bytes())
}

/// SHA-256, as `AB:CD:…`.
fn fingerprint(bytes: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}

/// The fingerprints of what a hub showed.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    key: String,
    certificate: String,
}

impl Shown {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self { key: fingerprint(&key), certificate: fingerprint(certificate) })
    }
}

impl Entry {
    fn is_of(&self, shown: &Shown) -> bool {
        [&shown.key, &shown.certificate].into_iter().any(|one| self.fingerprint.eq_ignore_ascii_case(one))
    }
}

#[derive(Debug)]
struct PinVerifier {
    known: Option<Entry>,
    shown: OnceLock<Shown>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Shown::of(end_entity)?;
        let shown = self.shown.get_or_init(|| shown);
        match &self.known {
            Some(known) if !known.is_of(shown) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_line_by_line() {
        let text = "# mine\n\nlab:1 sha256:aa:bb remark\n#lab:2 sha256:CC\nLAB:3   sha256:DD\nlab:4 md5:EE\n";
        let entry = |fingerprint: &str, line| Some(Entry { fingerprint: fingerprint.into(), line });
        assert_eq!(find(text, "lab:1"), entry("AA:BB", 3));
        assert_eq!(find(text, "lab:2"), None, "a remark");
        assert_eq!(find(text, "lab:3"), entry("DD", 5));
        assert_eq!(find(text, "lab:4"), None, "another kind of fingerprint");
    }

    #[test]
    fn a_line_is_added_to_a_file_that_may_not_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a/b/known_hubs");
        append(&file, "lab:1 sha256:AA\n").unwrap();
        fs::write(&file, "lab:1 sha256:AA").unwrap();
        append(&file, "lab:2 sha256:BB\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "lab:1 sha256:AA\nlab:2 sha256:BB\n");
    }

    #[test]
    fn the_key_is_known_whatever_certificate_it_has() {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = |names: &[&str], key: &rcgen::KeyPair| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(key).unwrap();
            Shown::of(certificate.der()).unwrap()
        };
        let (first, renewed) = (made(&["lab"], &key), made(&["lab", "10.0.0.7"], &key));
        let another = made(&["lab"], &rcgen::KeyPair::generate().unwrap());
        let entry = |fingerprint: &str| Entry { fingerprint: fingerprint.to_lowercase(), line: 1 };
        assert_ne!(first.certificate, renewed.certificate);
        assert!(entry(&first.key).is_of(&first) && entry(&first.key).is_of(&renewed));
        assert!(!entry(&first.key).is_of(&another));
        assert!(entry(&first.certificate).is_of(&first), "one certificate can be pinned too");
        assert!(!entry(&first.certificate).is_of(&renewed));
        assert!(Shown::of(&CertificateDer::from(b"no certificate".to_vec())).is_err());
    }

    #[test]
    fn a_changed_key_is_explained() {
        let error = PinError::Changed {
            hub: "lab:7272".into(),
            known: "AA".into(),
            shown: "BB".into(),
            file: "/home/ada/known_hubs".into(),
            line: 3,
        };
        let text = error.to_string();
        for part in ["lab:7272", "sha256:AA", "sha256:BB", "remove line 3 of /home/ada/known_hubs"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
