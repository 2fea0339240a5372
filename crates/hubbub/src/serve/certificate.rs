//! Which certificate the hub shows: the configured one, or a self-made one for all the names that it may be called by.

use crate::{config::Config, data::DataDir};
use anyhow::{Context, Result};
use hubbub_door::{Listener, Place, TlsSource};
use hubbub_hub::{Clock, WallClock};
use std::{
    net::{IpAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The certificate in use. A self-made one is made at the first start, and renewed at a later one where it must be.
pub(super) fn source(config: &Config, data: &DataDir) -> Result<TlsSource> {
    let tls = &config.settings.tls;
    let source = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => TlsSource::from_files(cert, key),
        _ => TlsSource::self_made(&data.tls(), &all(&names(config)), WallClock.now_ms()),
    };
    source.context("cannot speak TLS")
}

/// Keeps a self-made certificate good while the hub runs.
pub(super) struct Renewal {
    tls: Arc<TlsSource>,
    /// Those that do not change while the hub runs.
    names: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl Renewal {
    /// `None` where the configuration names a certificate: that is its owner's to renew.
    pub(super) fn of(config: &Config, tls: Arc<TlsSource>) -> Option<Self> {
        let own = config.settings.tls.cert.is_some();
        (!own).then(|| Self { tls, names: names(config), clock: Arc::new(WallClock) })
    }

    /// Looks once on each day of the clock, until told to stop.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut looked_on = self.today();
        while stop.run_until_cancelled(sleep(CLOCK_READ_EVERY)).await.is_some() {
            let today = self.today();
            if today != looked_on {
                looked_on = today;
                self.look().await;
            }
        }
    }

    fn today(&self) -> i64 {
        self.clock.now_ms().div_euclid(DAY_MS)
    }

    async fn look(&self) {
        let (tls, names, now_ms) = (Arc::clone(&self.tls), all(&self.names), self.clock.now_ms());
        match tokio::task::spawn_blocking(move || tls.renew(&names, now_ms)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => {
                tracing::info!("the certificate was renewed; its key, and so its fingerprint, is the same");
            }
            Ok(Err(error)) => {
                tracing::error!("the certificate is due for renewal and stays as it is: {error}");
            }
            Err(_) => tracing::error!("the renewal of the certificate failed"),
        }
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A machine that slept does not notice that a day has passed.
const CLOCK_READ_EVERY: Duration = Duration::from_secs(60 * 60);

/// Names and addresses by which a client on this machine or in its network may reach the hub, as far as they stay.
fn names(config: &Config) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    names.extend(config.settings.tls.names.iter().cloned());
    names.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
    names.extend(config.settings.listen.iter().filter_map(host));
    names
}

/// Those, and the addresses that this machine has now; each once.
fn all(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names.iter().cloned().chain(own_addresses().map(|address| address.to_string())) {
        if can_be_certified(&name) && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn host(listener: &Listener) -> Option<String> {
    match &listener.place {
        Place::Net { host, .. } => Some(host.clone()),
        Place::Unix(_) => None,
    }
}

/// An address that means something, or a name that DNS could carry.
fn can_be_certified(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(address) => !address.is_unspecified(),
        Err(_) => !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
    }
}

/// The addresses from which this machine would speak to others. Nothing is sent: connecting a datagram socket only
/// asks the system for a route. The other ends are of the ranges kept for documentation (RFC 5737, RFC 3849).
fn own_addresses() -> impl Iterator<Item = IpAddr> {
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")].into_iter().filter_map(
        |(any, elsewhere)| {
            let socket = UdpSocket::bind(any).ok()?;
            socket.connect(elsewhere).ok()?;
            socket.local_addr().ok().map(|address| address.ip())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Clone)]
    struct SetClock(Arc<AtomicI64>);

    impl Clock for SetClock {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        fn elapsed(&self) -> Duration {
            hubbub_hub::WallClock.elapsed()
        }

        fn until(&self, elapsed: Duration) -> hubbub_hub::Pause<'_> {
            Box::pin(async move { hubbub_hub::WallClock.until(elapsed).await })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_certificate_of_a_hub_that_runs_for_years_is_renewed_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let now = 1_800_000_000_000;
        let clock = SetClock(Arc::new(AtomicI64::new(now)));
        let names = vec!["localhost".to_owned()];
        let tls = Arc::new(TlsSource::self_made(dir.path(), &all(&names), now).unwrap());
        let key = tls.fingerprint();
        let on_disk = || std::fs::read(dir.path().join("cert.pem")).unwrap();
        let first = on_disk();
        let stop = CancellationToken::new();
        let renewal = Renewal { tls: Arc::clone(&tls), names, clock: Arc::new(clock.clone()) };
        let story = async {
            let years = |n: i64| clock.0.store(now + n * 365 * DAY_MS, Ordering::SeqCst);
            years(9);
            sleep(Duration::from_secs(3 * 60 * 60)).await;
            assert_eq!(on_disk(), first, "a year is left");
            years(10);
            sleep(Duration::from_secs(3 * 60 * 60)).await;
            let second = on_disk();
            assert!(second != first && tls.fingerprint() == key, "another certificate of the same key");
            sleep(Duration::from_secs(3 * 60 * 60)).await;
            assert_eq!(on_disk(), second, "once");
            stop.cancel();
        };
        tokio::join!(renewal.run(stop.clone()), story);
    }

    #[test]
    fn what_no_client_could_ask_for_is_not_certified() {
        for name in ["localhost", "hub.lab.example", "10.0.0.1", "fd00::1", "my_host"] {
            assert!(can_be_certified(name), "{name}");
        }
        for name in ["*", "0.0.0.0", "::", "", "张三", "a b"] {
            assert!(!can_be_certified(name), "{name}");
        }
    }
}
