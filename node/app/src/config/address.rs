//! Which addresses a node can listen on, and which it can dial.

use super::problem::shown;
use super::values::{self, Wrong};
use cenacle_net::{Multiaddr, Protocol};

const LISTEN: &str = "listen on /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1 (or ip6; \
                      0.0.0.0 stands for all of this machine's), or through a relay on \
                      /…/p2p/RELAY/p2p-circuit";
const DIAL: &str = "write /dns4/HOST/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1 (or dns, dns6, ip6), \
                    with /p2p/PEER behind it if you like";

/// An address to listen on.
pub(super) fn listen(text: &str) -> Result<Multiaddr, Wrong> {
    let address = values::address(text)?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    let bad = |problem: &str| Wrong::because(format!("{:?} {problem}", shown(text)), LISTEN);
    match parts.as_slice() {
        [transport @ .., Protocol::P2p(_), Protocol::P2pCircuit] if can_dial(transport) => {}
        [Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_), ..] => {
            return Err(bad("has a name where it takes an address of this machine"));
        }
        [Protocol::Ip4(_) | Protocol::Ip6(_), rest @ ..] if is_transport(rest) => {}
        _ => return Err(bad("is nothing that this version can listen on")),
    }
    Ok(address)
}

/// An address to dial.
pub(super) fn dial(text: &str) -> Result<Multiaddr, Wrong> {
    let address = values::address(text)?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    let bad = |problem: &str| Wrong::because(format!("{:?} {problem}", shown(text)), DIAL);
    let everywhere = |part: &Protocol<'_>| match part {
        Protocol::Ip4(address) => address.is_unspecified(),
        Protocol::Ip6(address) => address.is_unspecified(),
        _ => false,
    };
    if parts.iter().any(everywhere) {
        return Err(bad("is every machine and so none"));
    }
    if parts.iter().any(|part| matches!(part, Protocol::Tcp(0) | Protocol::Udp(0))) {
        return Err(bad("has no port"));
    }
    let transport = match parts.as_slice() {
        [Protocol::Dnsaddr(_)] | [Protocol::Dnsaddr(_), Protocol::P2p(_)] => return Ok(address),
        [relay @ .., Protocol::P2p(_), Protocol::P2pCircuit, Protocol::P2p(_)] => relay,
        [transport @ .., Protocol::P2p(_)] => transport,
        all => all,
    };
    if can_dial(transport) {
        Ok(address)
    } else {
        Err(bad("is nothing that this version can dial"))
    }
}

fn can_dial(parts: &[Protocol<'_>]) -> bool {
    match parts {
        [
            Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_),
            rest @ ..,
        ] => is_transport(rest),
        _ => false,
    }
}

fn is_transport(parts: &[Protocol<'_>]) -> bool {
    matches!(parts, [Protocol::Tcp(_)] | [Protocol::Udp(_), Protocol::QuicV1])
}
