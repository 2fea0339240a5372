//! Whether each listener could be bound now, or is this hub's own already.

use super::Check;
use crate::control::Status;
use hubbub_door::{Listener, Place};
use std::{
    io,
    net::{TcpListener, ToSocketAddrs, UdpSocket},
    path::Path,
};

pub(super) fn check(listener: &Listener, status: Option<&Status>) -> Check {
    let url = listener.to_string();
    // The running hub may have been started with other listeners than these.
    if status.is_some_and(|status| status.configured.contains(&url)) {
        return Check::ok("listener", format!("{url} is the running hub's"));
    }
    let bound = match &listener.place {
        Place::Net { host, port } => bind(listener, if host == "*" { "0.0.0.0" } else { host }, *port),
        Place::Unix(path) => free(path),
    };
    match bound {
        Ok(()) => Check::ok("listener", format!("{url} can be had")),
        Err(error) => Check::fail("listener", format!("{url}: {error}"), advice(&error)),
    }
}

fn bind(listener: &Listener, host: &str, port: u16) -> io::Result<()> {
    for address in (host, port).to_socket_addrs()? {
        if listener.scheme.is_stream() {
            TcpListener::bind(address)?;
        }
        if listener.is_datagram() {
            UdpSocket::bind(address)?;
        }
    }
    Ok(())
}

fn free(path: &Path) -> io::Result<()> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(_) if path.exists() => Err(io::Error::other("there is a file that is not a socket")),
        Err(_) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?)
        }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has it: stop that, or choose another address with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not have it: choose a port above 1023, or a folder of its own"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: choose another with --listen",
        _ => "choose another address with --listen",
    }
}
