//! The address book: every peer of the overlay that was ever met, and where. Pure, but for its file
//! being CBOR; the state folder keeps it.

use crate::record::{MAX_ADDRESS, Record};
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// The form of the file.
const VERSION: u32 = 1;

/// Peers and their addresses.
#[derive(Debug)]
pub(crate) struct Book {
    peers: BTreeMap<PeerId, Entry>,
    max_peers: usize,
    max_addresses: usize,
    changed: bool,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    addresses: Vec<Place>,
    record: Option<Record>,
    /// Unix seconds of the last connection; 0 for none: what anybody may say of a peer that nobody has
    /// met gives way to those who were.
    seen: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    address: Multiaddr,
    /// Unix seconds of the last success, 0 for none.
    reached: u64,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    overlay: ByteBuf,
    peers: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    peer: ByteBuf,
    seen: u64,
    addresses: Vec<(ByteBuf, u64)>,
}

impl Book {
    pub(crate) fn new(max_peers: usize, max_addresses: usize) -> Self {
        let peers = BTreeMap::new();
        Self { peers, max_peers: max_peers.max(1), max_addresses, changed: false }
    }

    /// Reads the file of this overlay; none if it is not one. Another overlay's is left alone.
    pub(crate) fn read(&mut self, bytes: &[u8], overlay: &[u8; 32]) -> Option<()> {
        let file: File = ciborium::from_reader(bytes).ok()?;
        if file.version != VERSION {
            return None;
        }
        if file.overlay.as_slice() != overlay {
            return Some(());
        }
        for row in file.peers.into_iter().take(self.max_peers) {
            let peer = PeerId::from_bytes(&row.peer).ok()?;
            let entry = self.peers.entry(peer).or_default();
            entry.seen = row.seen;
            for (address, reached) in row.addresses.into_iter().take(self.max_addresses) {
                let address = Multiaddr::try_from(address.into_vec()).ok()?;
                entry.addresses.push(Place { address, reached });
            }
        }
        Some(())
    }

    /// The file, if something has changed since the last one.
    pub(crate) fn write(&mut self, overlay: &[u8; 32]) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let row = |(peer, entry): (&PeerId, &Entry)| Row {
            peer: ByteBuf::from(peer.to_bytes()),
            seen: entry.seen,
            addresses: entry
                .addresses
                .iter()
                .map(|place| (ByteBuf::from(place.address.to_vec()), place.reached))
                .collect(),
        };
        let file = File {
            version: VERSION,
            overlay: ByteBuf::from(overlay.to_vec()),
            peers: self.peers.iter().map(row).collect(),
        };
        let mut bytes = Vec::new();
        ciborium::into_writer(&file, &mut bytes).ok()?;
        Some(bytes)
    }

    /// A verified record; whether it says anything new.
    pub(crate) fn learn(&mut self, peer: PeerId, record: &Record) -> bool {
        let max = self.max_addresses;
        let entry = self.peers.entry(peer).or_default();
        if entry.record.as_ref().is_some_and(|known| !record.replaces(known)) {
            return false;
        }
        // What was reached before may be reached again (a public address the peer does not know of),
        // but what the peer says comes in first.
        let old = std::mem::take(&mut entry.addresses);
        for address in &record.addresses {
            let reached = old.iter().find(|place| place.address == *address);
            let reached = reached.map_or(0, |place| place.reached);
            entry.addresses.push(Place { address: address.clone(), reached });
        }
        for place in old.into_iter().filter(|place| place.reached > 0) {
            if entry.addresses.len() < max
                && entry.addresses.iter().all(|p| p.address != place.address)
            {
                entry.addresses.push(place);
            }
        }
        entry.addresses.truncate(max);
        entry.record = Some(record.clone());
        self.changed = true;
        self.shrink();
        true
    }

    /// An address that somebody says is this peer's.
    pub(crate) fn hint(&mut self, peer: PeerId, address: &Multiaddr) {
        let address = bare(address);
        let max = self.max_addresses;
        let entry = self.peers.entry(peer).or_default();
        let known = entry.addresses.iter().any(|place| place.address == address);
        if !known && entry.addresses.len() < max && address.len() <= MAX_ADDRESS {
            entry.addresses.push(Place { address, reached: 0 });
            self.changed = true;
        }
        self.shrink();
    }

    /// There is a connection to this peer, by dialling `address` if it is known.
    pub(crate) fn met(&mut self, peer: PeerId, dialled: Option<&Multiaddr>, now: u64) {
        if let Some(address) = dialled {
            self.hint(peer, address);
        }
        let entry = self.peers.entry(peer).or_default();
        entry.seen = now.max(1);
        if let Some(address) = dialled.map(bare) {
            let place = entry.addresses.iter_mut().find(|place| place.address == address);
            place.into_iter().for_each(|place| place.reached = now);
        }
        self.changed = true;
        self.shrink();
    }

    /// Where to dial a peer: last reached first, then circuits and loopback last, as the peer lists
    /// them.
    pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let Some(entry) = self.peers.get(peer) else { return Vec::new() };
        let mut places: Vec<_> = entry.addresses.iter().collect();
        places.sort_by_key(|place| (std::cmp::Reverse(place.reached), remoteness(&place.address)));
        places.into_iter().map(|place| place.address.clone()).collect()
    }

    /// All peers, those seen last first.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> = self.peers.iter().collect();
        peers.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.seen));
        peers.into_iter().map(|(peer, _)| *peer).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there is an entry of this peer.
    pub(crate) fn knows(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// Forgets who was not seen for longest, those never met first.
    fn shrink(&mut self) {
        while self.peers.len() > self.max_peers {
            let oldest = self.peers.iter().min_by_key(|(_, entry)| entry.seen);
            let Some(oldest) = oldest.map(|(peer, _)| *peer) else { return };
            self.peers.remove(&oldest);
        }
    }
}

/// Without the peer id at its end: the book has it.
pub(crate) fn bare(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if let Some(last) = address.pop()
        && !matches!(last, Protocol::P2p(_))
    {
        address.push(last);
    }
    address
}

/// The peer id at the end of an address.
pub(crate) fn peer_in(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last()? {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    }
}

fn remoteness(address: &Multiaddr) -> u8 {
    let circuit = address.iter().any(|part| part == Protocol::P2pCircuit);
    let loopback = match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    };
    u8::from(loopback) + 2 * u8::from(circuit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64, addresses: &[&str]) -> Record {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Record { key: [1; 32], incarnation: 1, sequence, addresses }
    }

    #[test]
    fn what_was_reached_comes_first_and_survives_the_file() {
        let mut book = Book::new(8, 4);
        let peer = PeerId::random();
        let (a, b) = ("/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1");
        assert!(book.learn(peer, &record(1, &[a, b])));
        assert!(!book.learn(peer, &record(1, &[a])), "the same record says nothing new");
        assert_eq!(book.addresses(&peer), [b.parse().unwrap(), a.parse().unwrap()]);
        let dialled: Multiaddr = format!("{a}/p2p/{peer}").parse().unwrap();
        book.met(peer, Some(&dialled), 20);
        assert_eq!(book.addresses(&peer), [a.parse().unwrap(), b.parse().unwrap()]);
        let bytes = book.write(&[3; 32]).unwrap();
        assert!(book.write(&[3; 32]).is_none(), "nothing has changed");
        let mut again = Book::new(8, 4);
        again.read(&bytes, &[3; 32]).unwrap();
        assert_eq!(again.addresses(&peer), book.addresses(&peer));
        let mut other = Book::new(8, 4);
        other.read(&bytes, &[4; 32]).unwrap();
        assert_eq!(other.len(), 0, "another overlay's");
        for at in 0..bytes.len() {
            assert!(Book::new(8, 4).read(&bytes[..at], &[3; 32]).is_none(), "torn at {at}");
        }
    }

    #[test]
    fn the_longest_unseen_is_forgotten() {
        let mut book = Book::new(3, 2);
        let peers: Vec<_> = (0..5).map(|_| PeerId::random()).collect();
        for (now, peer) in (1..).zip(&peers) {
            book.met(*peer, Some(&"/ip4/1.2.3.4/tcp/5".parse().unwrap()), now);
        }
        assert_eq!(book.peers(), [peers[4], peers[3], peers[2]]);
    }

    #[test]
    fn what_strangers_say_drives_nobody_out_who_was_met() {
        let mut book = Book::new(8, 2);
        let met: Vec<_> = (0..4).map(|_| PeerId::random()).collect();
        let address: Multiaddr = "/ip4/1.2.3.4/tcp/5".parse().unwrap();
        met.iter().for_each(|peer| book.met(*peer, Some(&address), 7));
        for number in 0..100 {
            book.hint(PeerId::random(), &address);
            book.learn(PeerId::random(), &record(number, &["/ip4/1.2.3.4/tcp/6"]));
        }
        assert_eq!(book.len(), 8);
        assert!(met.iter().all(|peer| book.knows(peer)));
    }

    #[test]
    fn a_peer_has_so_many_addresses_and_no_more() {
        let mut book = Book::new(3, 2);
        let peer = PeerId::random();
        for port in 1..9 {
            book.hint(peer, &format!("/ip4/1.2.3.4/tcp/{port}").parse().unwrap());
        }
        assert_eq!(book.addresses(&peer).len(), 2);
    }
}
