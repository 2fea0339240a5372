//! How many conns there are: in all, from one address, and silent ones.
//!
//! **Invariant.** What a guard counted, its drop takes back; an address without conns takes no memory.
//! This file must not know what a conn does.

use crate::{Peer, counters::Refused};
use hubbub_model::Limits;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The counts of all listeners together.
#[derive(Debug)]
pub struct Admission {
    limits: Arc<Limits>,
    conns: AtomicUsize,
    silent: AtomicUsize,
    /// Held for one look-up only, never over a wait.
    addresses: Mutex<HashMap<Network, usize>>,
}

/// What counts as one address: IPv4, or the /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4(u32),
    V6(u64),
}

impl Network {
    /// `None` for peers on this machine, which are not counted by address.
    fn of(peer: &Peer) -> Option<Self> {
        match peer.ip()? {
            ip if ip.is_loopback() => None,
            IpAddr::V4(ip) => Some(Self::V4(ip.to_bits())),
            IpAddr::V6(ip) => Some(Self::V6((ip.to_bits() >> 64) as u64)),
        }
    }
}

impl Admission {
    /// Nobody is there yet.
    pub fn new(limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { limits, conns: 0.into(), silent: 0.into(), addresses: Mutex::default() })
    }

    /// Counts a conn of nobody in particular yet, and a silent one.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<(Admitted, Silent), Refused> {
        if !take_one(&self.conns, self.limits.conns_max) {
            return Err(Refused::TooManyConns);
        }
        let admitted = Admitted { admission: Arc::clone(self), network: None };
        if !take_one(&self.silent, self.limits.silent_conns_max) {
            return Err(Refused::TooManySilent);
        }
        Ok((admitted, Silent { admission: Arc::clone(self) }))
    }

    /// Conns at this moment.
    pub fn conns(&self) -> usize {
        self.conns.load(Relaxed)
    }

    /// Conns at this moment of which the protocol is not known.
    pub fn silent(&self) -> usize {
        self.silent.load(Relaxed)
    }

    fn take_address(&self, network: Network) -> bool {
        let mut addresses = self.addresses.lock();
        let count = addresses.entry(network).or_default();
        let free = *count < self.limits.conns_per_address_max;
        *count += usize::from(free);
        if *count == 0 {
            addresses.remove(&network);
        }
        free
    }

    fn leave_address(&self, network: Network) {
        let mut addresses = self.addresses.lock();
        if let Some(count) = addresses.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                addresses.remove(&network);
                shrink(&mut addresses);
            }
        }
    }
}

/// Counts a conn as long as it lives.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    network: Option<Network>,
}

impl Admitted {
    /// Counts the conn under its peer's address; not before it is known who the peer is.
    pub(crate) fn come_from(&mut self, peer: &Peer) -> Result<(), Refused> {
        let Some(network) = Network::of(peer) else { return Ok(()) };
        if !self.admission.take_address(network) {
            return Err(Refused::TooManyFromAddress);
        }
        self.network = Some(network);
        Ok(())
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.conns.fetch_sub(1, Relaxed);
        if let Some(network) = self.network {
            self.admission.leave_address(network);
        }
    }
}

/// Counts a conn as long as its protocol is not known.
#[derive(Debug)]
pub(crate) struct Silent {
    admission: Arc<Admission>,
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.admission.silent.fetch_sub(1, Relaxed);
    }
}

fn take_one(count: &AtomicUsize, max: usize) -> bool {
    count.fetch_update(Relaxed, Relaxed, |now| (now < max).then_some(now + 1)).is_ok()
}

/// A crowd that has left gives its memory back.
fn shrink(addresses: &mut HashMap<Network, usize>) {
    if addresses.capacity() > 1_024 && addresses.len() < addresses.capacity() / 8 {
        addresses.shrink_to(addresses.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(limits: Limits) -> Arc<Admission> {
        Admission::new(Arc::new(limits))
    }

    fn ip(text: &str) -> Peer {
        Peer::Ip(text.parse().unwrap())
    }

    #[test]
    fn the_hub_has_room_for_so_many() {
        let all = admission(Limits { conns_max: 2, ..Limits::default() });
        let first = all.admit().unwrap();
        let _second = all.admit().unwrap();
        assert_eq!(all.admit().unwrap_err(), Refused::TooManyConns);
        drop(first);
        assert!(all.admit().is_ok());
        assert_eq!((all.conns(), all.silent()), (1, 1));
    }

    #[test]
    fn silent_conns_have_a_limit_of_their_own() {
        let all = admission(Limits { silent_conns_max: 1, ..Limits::default() });
        let (_conn, silent) = all.admit().unwrap();
        assert_eq!(all.admit().unwrap_err(), Refused::TooManySilent);
        assert_eq!(all.conns(), 1, "a refused conn is not counted");
        drop(silent);
        assert!(all.admit().is_ok());
    }

    #[test]
    fn an_address_has_a_limit_and_loopback_has_none() {
        let all = admission(Limits { conns_per_address_max: 1, ..Limits::default() });
        let mut conns: Vec<_> = (0..9).map(|_| all.admit().unwrap().0).collect();
        let mut come = |peer: &str| conns.pop().map(|mut conn| (conn.come_from(&ip(peer)), conn)).unwrap();
        let (first, guard) = come("10.0.0.1:1");
        assert_eq!(first, Ok(()));
        assert_eq!(come("10.0.0.1:2").0, Err(Refused::TooManyFromAddress));
        assert_eq!(come("[::ffff:10.0.0.1]:2").0, Err(Refused::TooManyFromAddress));
        let (net, _net) = come("[2001:db8::1]:1");
        assert_eq!(net, Ok(()));
        assert_eq!(come("[2001:db8::ffff:2]:1").0, Err(Refused::TooManyFromAddress));
        let _one = come("127.0.0.1:1");
        assert_eq!(come("127.0.0.1:1").0, Ok(()));
        drop(guard);
        assert_eq!(come("10.0.0.1:3").0, Ok(()));
    }

    #[test]
    fn an_address_without_conns_takes_no_memory() {
        let all = admission(Limits::default());
        let (mut conn, _) = all.admit().unwrap();
        conn.come_from(&ip("10.0.0.1:1")).unwrap();
        assert_eq!(all.addresses.lock().len(), 1);
        drop(conn);
        assert!(all.addresses.lock().is_empty());
    }
}
