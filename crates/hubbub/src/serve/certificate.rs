//! Which certificate the hub shows: the configured one, or a self-made one for all the names that it may be called by.

use crate::{config::Config, data::DataDir};
use anyhow::{Context, Result};
use hubbub_door::{Listener, Place, TlsSource};
use hubbub_hub::{Clock, WallClock};
use std::net::{IpAddr, UdpSocket};

/// The certificate in use. A self-made one is made at the first start.
pub(super) fn source(config: &Config, data: &DataDir) -> Result<TlsSource> {
    let tls = &config.settings.tls;
    let source = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => TlsSource::from_files(cert, key),
        _ => TlsSource::self_made(&data.tls(), &names(config), WallClock.now_ms()),
    };
    source.context("cannot speak TLS")
}

/// Names and addresses by which a client on this machine or in its network may reach the hub.
fn names(config: &Config) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    names.extend(config.settings.tls.names.iter().cloned());
    names.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
    names.extend(config.settings.listen.iter().filter_map(host));
    names.extend(own_addresses().map(|address| address.to_string()));
    let mut seen = Vec::new();
    names.retain(|name| {
        let is_new = can_be_certified(name) && !seen.contains(name);
        seen.push(name.clone());
        is_new
    });
    names
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
