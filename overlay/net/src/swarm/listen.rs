//! Whether an address can be listened on, before the transports do: theirs share a TCP port with any
//! other process of this user, and newcomers would meet one or the other by chance.

use libp2p::{Multiaddr, multiaddr::Protocol};
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
};

/// An error if somebody listens there already, or nobody can. It says nothing of other transports
/// than TCP, which do not share; nor of `::`, which may be free though IPv4's half of it is not; nor of
/// circuits, whose first part is the relay's address.
pub(super) fn is_free(address: &Multiaddr) -> io::Result<()> {
    if address.iter().any(|part| part == Protocol::P2pCircuit) {
        return Ok(());
    }
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
        Some(Protocol::Ip6(ip)) if !ip.is_unspecified() => IpAddr::V6(ip),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => {
            TcpListener::bind(SocketAddr::new(ip, port)).map(drop)
        }
        _ => Ok(()),
    }
}

/// What an error and those that led to it say; the outer ones of the transports are silent.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !text.is_empty() && said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    if said.is_empty() { format!("{error:?}") } else { said.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::PeerId;

    #[test]
    fn a_port_that_somebody_has_is_not_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = |port: u16| format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = is_free(&address(port)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        assert!(said(&refused).contains("in use"), "{}", said(&refused));
        drop(taken);
        assert!(is_free(&address(port)).is_ok() && is_free(&address(0)).is_ok());
        assert!(is_free(&"/ip4/192.0.2.1/tcp/1".parse().unwrap()).is_err(), "not ours");
        let relay = PeerId::random();
        let circuit = format!("/ip4/192.0.2.1/tcp/1/p2p/{relay}/p2p-circuit");
        assert!(is_free(&circuit.parse().unwrap()).is_ok());
        assert!(is_free(&"/ip4/127.0.0.1/udp/1/quic-v1".parse().unwrap()).is_ok());
    }

    #[test]
    fn an_error_says_what_the_inner_ones_say() {
        let inner = io::Error::new(io::ErrorKind::AddrInUse, "port is in use");
        let outer = libp2p::TransportError::Other(io::Error::other(inner));
        assert!(said(&outer).contains("port is in use"), "{}", said(&outer));
    }
}
