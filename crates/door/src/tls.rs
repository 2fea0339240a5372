//! TLS for all doors: the certificate, its fingerprint, the choice of protocol by ALPN, and the handshake.
//!
//! **Invariant.** There is always one whole configuration: a reload that fails leaves the old one in use. The key file
//! is readable by its owner only from its first byte on. A client that asks by ALPN for what no door speaks is told so
//! by the alert of RFC 7301 section 3.2; one that asks for nothing is not.

use crate::{
    Protocol,
    conn::{Plain, TlsFacts},
};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::Acceptor,
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
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
    fingerprint: String,
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

impl TlsSource {
    /// The self-made certificate in `dir` (`cert.pem` and `key.pem`), made now if it is not there: for `names`, which
    /// are host names and addresses, and for ten years from `now_ms`, in milliseconds since 1970.
    pub fn self_made(dir: &Path, names: &[String], now_ms: i64) -> Result<Self, TlsError> {
        let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        if !(cert.exists() && key.exists()) {
            make(dir, &cert, &key, names, now_ms)?;
        }
        Self::from_files(&cert, &key)
    }

    /// The certificate with its issuers in `cert`, its key in `key`; both PEM.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let loaded = ArcSwap::from_pointee(Loaded::read(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), loaded })
    }

    /// Reads the files again. Conns that are there keep what they have; after an error all stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.loaded.store(Arc::new(Loaded::read(&self.cert, &self.key)?));
        Ok(())
    }

    /// SHA-256 of the server's certificate, as `AB:CD:…`.
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
        let fingerprint = fingerprint(end);
        let secret =
            PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::NoKey(key.to_owned()))?;
        let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
        let plain = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(pair)?;
        Ok(Self { fingerprint, plain, by_alpn: Mutex::default() })
    }
}

/// SHA-256 of a certificate, as `AB:CD:…`.
pub fn fingerprint(certificate: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn make(dir: &Path, cert: &Path, key: &Path, names: &[String], now_ms: i64) -> Result<(), TlsError> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "hubbub");
    let since = Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
    params.not_before = date_time_ymd(1970, 1, 1) + since.saturating_sub(DAY);
    params.not_after = date_time_ymd(1970, 1, 1) + since + 3_652 * DAY;
    let pair = KeyPair::generate()?;
    let made = params.self_signed(&pair)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| TlsError::Write { path: dir.to_owned(), source })?;
    write_whole(key, pair.serialize_pem().as_bytes(), 0o600)?;
    write_whole(cert, made.pem().as_bytes(), 0o644)
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
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
    }

    fn source(dir: &Path) -> TlsSource {
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
        fs::remove_file(dir.path().join("cert.pem")).unwrap();
        source(dir.path());
        tls.reload().unwrap();
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
        fs::remove_file(dir.path().join("key.pem")).unwrap();
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
