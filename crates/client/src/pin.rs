//! Trust on first use: a hub's certificate is remembered when it is first seen, and must be the same ever after.
//!
//! **Invariant.** Whoever answers must own the key of the certificate that it shows (the signatures of the handshake
//! are checked), and the certificate must be the one in the file. Names, dates and issuers are not looked at: a
//! hub makes its own certificate. The file has one hub a line, `host:port sha256:AB:CD:…`; `#` begins a remark.

use crate::address::Address;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A certificate that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// `host:port`.
    pub hub: String,
    /// SHA-256 of the certificate, as `AB:CD:…`.
    pub fingerprint: String,
    /// The file that keeps it.
    pub file: PathBuf,
}

/// Why a hub is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The certificate is another one than before.
    #[error(
        "the certificate of {hub} has changed, so nothing was sent. Known so far: sha256:{known}, shown now: \
         sha256:{shown}. Either the hub was given a new certificate, or somebody stands between you and the hub: ask \
         whoever runs it for its fingerprint. If it is the one shown now, remove line {line} of {} and connect again",
        file.display()
    )]
    Changed {
        /// `host:port`.
        hub: String,
        /// The fingerprint in the file.
        known: String,
        /// The fingerprint of the certificate that was shown.
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
        (!known.fingerprint.eq_ignore_ascii_case(shown)).then(|| PinError::Changed {
            hub: self.hub.clone(),
            known: known.fingerprint.clone(),
            shown: shown.clone(),
            file: self.file.clone(),
            line: known.line,
        })
    }

    /// The handshake succeeded: remembers a certificate that was new. Writes a small file.
    pub(crate) fn remember(&self) -> Result<Option<Pinned>, PinError> {
        let (None, Some(shown)) = (&self.verifier.known, self.verifier.shown.get()) else { return Ok(None) };
        append(&self.file, &format!("{} {SHA256}{shown}\n", self.hub))
            .map_err(|source| PinError::File { file: self.file.clone(), source })?;
        Ok(Some(Pinned { hub: self.hub.clone(), fingerprint: shown.clone(), file: self.file.clone() }))
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

/// SHA-256 of a certificate, as `AB:CD:…`.
fn fingerprint(certificate: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}

#[derive(Debug)]
struct PinVerifier {
    known: Option<Entry>,
    shown: OnceLock<String>,
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
        let shown = self.shown.get_or_init(|| fingerprint(end_entity));
        match &self.known {
            Some(known) if !known.fingerprint.eq_ignore_ascii_case(shown) => {
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
    fn a_changed_certificate_is_explained() {
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
