//! TLS for all doors: the certificate, its fingerprint, the choice of protocol by ALPN, and the handshake.
//!
//! **Invariant.** There is always one whole configuration: a reload that fails leaves the old one in use. The key file
//! is readable by its owner only from its first byte on. A client that asks by ALPN for what no door speaks is told so
//! by the alert of RFC 7301 section 3.2; one that asks for nothing is not. A self-made certificate is renewed under the
//! key that it has, so that whoever knows the key's fingerprint is not alarmed.

mod self_made;

use crate::{
    Protocol,
    conn::{Plain, TlsFacts},
};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{Acceptor, ParsedCertificate},
};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

/// Where the certificate comes from, and what is made of it.
#[derive(Debug)]
pub struct TlsSource {
    cert: PathBuf,
    key: PathBuf,
    loaded: ArcSwap<Loaded>,
}

/// One certificate in use.
#[derive(Debug)]
struct Loaded {
    /// Of the key.
    fingerprint: String,
    certificate: CertificateDer<'static>,
    plain: ServerConfig,
    /// One configuration for each set of protocols that a listener offers; there are few. Held for a look-up only.
    by_alpn: Mutex<Vec<(AlpnSet, Arc<ServerConfig>)>>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}. Check that it exists and that the hub's user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be made.
    #[error("cannot write {}: {source}. Check that the hub's user may write there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file has no certificate in it.
    #[error("{} holds no certificate: it must be PEM, with the server's certificate first and its issuers behind it", .0.display())]
    NoCertificate(PathBuf),
    /// A file has no key in it.
    #[error("{} holds no private key: it must be PEM, not encrypted", .0.display())]
    NoKey(PathBuf),
    /// They do not belong together, or are of a kind that is not supported.
    #[error("{} and {} cannot be used together: {source}. Give the key that the certificate was made for", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// The library could not make a certificate.
    #[error("cannot make a certificate for these names: {0}. Give one with a certificate and a key file")]
    Make(#[from] rcgen::Error),
}

/// What a reload found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The same certificate.
    Same,
    /// Another certificate of the same key.
    Renewed,
    /// Another key.
    NewKey,
}

impl TlsSource {
    /// The self-made certificate in `dir` (`cert.pem` and `key.pem`), made now if it is not there or must be
    /// [renewed](Self::renew): for `names`, which are host names and addresses, and for ten years from `now_ms`, in
    /// milliseconds since 1970.
    pub fn self_made(dir: &Path, names: &[String], now_ms: i64) -> Result<Self, TlsError> {
        let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        if !(cert.exists() && key.exists()) {
            self_made::make(dir, &cert, &key, names, now_ms)?;
        }
        let source = Self::from_files(&cert, &key)?;
        if let Err(error) = source.renew(names, now_ms) {
            tracing::warn!("the certificate is due for renewal and stays as it is: {error}");
        }
        Ok(source)
    }

    /// Makes a new certificate, under the same key, in place of a self-made one that ends within 30 days, is not good
    /// yet, or lacks one of the names; says whether it did. One that somebody else signed is left alone. Conns that are
    /// there keep what they have; after an error all stays as it was. Works with files: not for an async thread.
    pub fn renew(&self, names: &[String], now_ms: i64) -> Result<bool, TlsError> {
        let certificate = self.loaded.load().certificate.clone();
        if !self_made::is_due(&certificate, names, now_ms) {
            return Ok(false);
        }
        let dir = self.cert.parent().unwrap_or(Path::new("."));
        self_made::make(dir, &self.cert, &self.key, names, now_ms)?;
        self.reload()?;
        Ok(true)
    }

    /// The certificate with its issuers in `cert`, its key in `key`; both PEM.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let loaded = ArcSwap::from_pointee(Loaded::read(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), loaded })
    }

    /// Reads the files again and says what is new. Conns that are there keep what they have; after an error all stays
    /// as it was.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let new = Arc::new(Loaded::read(&self.cert, &self.key)?);
        let old = self.loaded.swap(Arc::clone(&new));
        Ok(if old.certificate == new.certificate {
            Reloaded::Same
        } else if old.fingerprint == new.fingerprint {
            Reloaded::Renewed
        } else {
            Reloaded::NewKey
        })
    }

    /// SHA-256 of the public key (of its SubjectPublicKeyInfo, RFC 7469 section 2.4), as `AB:CD:…`. A renewed
    /// certificate has the same.
    pub fn fingerprint(&self) -> String {
        self.loaded.load().fingerprint.clone()
    }

    /// The configuration that offers these protocols.
    pub(crate) fn config(&self, alpn: AlpnSet) -> Arc<ServerConfig> {
        let loaded = self.loaded.load();
        let mut by_alpn = loaded.by_alpn.lock();
        if let Some((_, config)) = by_alpn.iter().find(|(known, _)| *known == alpn) {
            return Arc::clone(config);
        }
        let mut config = loaded.plain.clone();
        config.alpn_protocols = alpn.names().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(config);
        by_alpn.push((alpn, Arc::clone(&config)));
        config
    }
}

impl Loaded {
    fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(cert)?)
            .filter_map(Result::ok)
            .map(CertificateDer::into_owned)
            .collect();
        let end = chain.first().ok_or_else(|| TlsError::NoCertificate(cert.to_owned()))?;
        let certificate = end.clone();
        let secret =
            PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::NoKey(key.to_owned()))?;
        let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
        let plain = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(pair)?;
        let fingerprint = fingerprint(&certificate).map_err(pair)?;
        Ok(Self { fingerprint, certificate, plain, by_alpn: Mutex::default() })
    }
}

/// SHA-256 of a certificate's public key, as `AB:CD:…`. See [`TlsSource::fingerprint`].
pub fn fingerprint(certificate: &CertificateDer<'_>) -> Result<String, rustls::Error> {
    let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    let hex: Vec<String> = Sha256::digest(&key).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(hex.join(":"))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// A set of protocols that a listener offers by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlpnSet(u8);

impl AlpnSet {
    /// Offers nothing, so that no request by ALPN is refused.
    pub(crate) const NONE: Self = Self(0);
    /// FTP with TLS from the first byte.
    pub(crate) const FTP: Self = Self(1 << 5);

    /// Those of these protocols that have a name (IANA's registry of ALPN protocol ids; `hubbub/1` is ours).
    pub(crate) fn of(protocols: impl IntoIterator<Item = Protocol>) -> Self {
        let bit = |protocol| NAMES.iter().position(|(known, _)| *known == protocol).map_or(0, |at| 1 << at);
        Self(
            protocols
                .into_iter()
                .filter(|protocol| *protocol != Protocol::Raw)
                .map(bit)
                .fold(0, |set, bit| set | bit),
        )
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(_, (_, name))| *name)
    }
}

/// What a name that both chose by ALPN means.
pub(crate) fn alpn_protocol(name: &str) -> Option<Protocol> {
    NAMES.iter().find(|(_, known)| *known == name).map(|(protocol, _)| *protocol)
}

/// The server's order of preference.
const NAMES: [(Protocol, &str); 6] = [
    (Protocol::Json, "hubbub/1"),
    (Protocol::Http2, "h2"),
    (Protocol::Http1, "http/1.1"),
    (Protocol::Irc, "irc"),
    (Protocol::Mqtt, "mqtt"),
    (Protocol::Raw, "ftp"),
];

/// Makes the handshake, within one deadline for all of it.
pub(crate) async fn handshake(
    plain: Plain,
    config: Arc<ServerConfig>,
) -> io::Result<(Box<TlsStream<Plain>>, Box<TlsFacts>)> {
    let made = timeout(HANDSHAKE_MAX, async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), plain).await?;
        let sni = start.client_hello().server_name().map(Into::into);
        let stream = start.into_stream(config).await?;
        io::Result::Ok((Box::new(stream), sni))
    });
    let (stream, sni) = made.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let facts = facts(&stream, sni);
    Ok((stream, Box::new(facts)))
}

fn facts(stream: &TlsStream<Plain>, sni: Option<Box<str>>) -> TlsFacts {
    let (_, session) = stream.get_ref();
    TlsFacts {
        version: session.protocol_version().and_then(|version| version.as_str()).unwrap_or("unknown"),
        cipher: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown"),
        sni,
        alpn: session.alpn_protocol().and_then(|name| std::str::from_utf8(name).ok()).map(Into::into),
    }
}

const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rcgen::KeyPair;
    use std::os::unix::fs::PermissionsExt;

    pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

    pub(crate) fn names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
    }

    pub(crate) fn source(dir: &Path) -> TlsSource {
        TlsSource::self_made(dir, &names(), NOW_MS).unwrap()
    }

    #[test]
    fn the_certificate_is_made_once_and_its_key_is_secret() {
        let dir = tempfile::tempdir().unwrap();
        let tls = dir.path().join("tls");
        let first = source(&tls).fingerprint();
        assert_eq!(first.len(), 32 * 3 - 1);
        assert_eq!(source(&tls).fingerprint(), first);
        assert_eq!(fs::metadata(tls.join("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&tls).unwrap().count(), 2, "no partial file stays");
    }

    #[test]
    fn a_reload_takes_the_new_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let tls = source(dir.path());
        let (old, old_config) = (tls.fingerprint(), tls.config(AlpnSet::NONE));
        assert_eq!(tls.reload().unwrap(), Reloaded::Same);
        fs::remove_file(dir.path().join("cert.pem")).unwrap();
        source(dir.path());
        assert_eq!(
            (tls.reload().unwrap(), tls.fingerprint()),
            (Reloaded::Renewed, old.clone()),
            "the key stays"
        );
        fs::remove_file(dir.path().join("cert.pem")).unwrap();
        fs::remove_file(dir.path().join("key.pem")).unwrap();
        source(dir.path());
        assert_eq!(tls.reload().unwrap(), Reloaded::NewKey);
        assert_ne!(tls.fingerprint(), old);
        assert!(!Arc::ptr_eq(&tls.config(AlpnSet::NONE), &old_config));
    }

    #[test]
    fn errors_name_the_file_and_keep_the_old_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let tls = source(dir.path());
        let old = tls.fingerprint();
        fs::write(dir.path().join("cert.pem"), "nothing").unwrap();
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains("cert.pem") && error.contains("PEM"), "{error}");
        assert_eq!(tls.fingerprint(), old);
        fs::remove_file(dir.path().join("cert.pem")).unwrap();
        source(dir.path());
        fs::write(dir.path().join("key.pem"), "nothing").unwrap();
        assert!(tls.reload().unwrap_err().to_string().contains("key.pem holds no private key"));
        fs::write(dir.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains("cannot be used together"), "{error}");
        fs::remove_file(dir.path().join("key.pem")).unwrap();
        assert!(tls.reload().unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn a_configuration_offers_what_the_doors_speak() {
        let dir = tempfile::tempdir().unwrap();
        let tls = source(dir.path());
        let set = AlpnSet::of([Protocol::Text, Protocol::Irc, Protocol::Json, Protocol::Raw]);
        let config = tls.config(set);
        assert_eq!(config.alpn_protocols, [b"hubbub/1".to_vec(), b"irc".to_vec()]);
        assert!(Arc::ptr_eq(&tls.config(set), &config), "it is made once");
        assert_eq!(tls.config(AlpnSet::FTP).alpn_protocols, [b"ftp".to_vec()]);
        assert_eq!(alpn_protocol("h2"), Some(Protocol::Http2));
    }
}
