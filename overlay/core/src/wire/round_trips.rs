//! Random values of every kind of frame that is not data are read as they were written.
#![allow(clippy::cast_possible_truncation, reason = "small random numbers")]

use super::{
    Kind, MAX_COUNT,
    control::{
        Ask, Control, ControlEntry, Flushed, InstallView, Membership, Plan, Report, Table,
        TableGroup, TableRow,
    },
    header::{Header, control_frame, from_cbor, read_control, to_cbor},
    tests::Numbers,
    vectors::{self, Need, Promise},
};
use crate::{
    configuration::Peer,
    error::Drop,
    ids::{Ballot, ConfigurationTag, GroupName, MemberId, NodeId, Order, Position, ViewId},
    input::Semantics,
};

const ROUNDS: usize = 4_000;
const TAG: ConfigurationTag = ConfigurationTag(77);

impl Numbers {
    fn several<T>(&mut self, most: u64, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.next(most + 1)).map(|_| one(self)).collect()
    }

    fn small(&mut self) -> u16 {
        self.any() as u16
    }

    fn count(&mut self) -> u64 {
        self.any() & MAX_COUNT
    }

    fn node(&mut self) -> NodeId {
        let byte = self.next(256) as u8;
        NodeId { key: [byte; 32], incarnation: self.any() }
    }

    fn peer(&mut self) -> Peer {
        Peer { node: self.node(), priority: self.rank() }
    }

    fn ballot(&mut self) -> Ballot {
        Ballot { epoch: self.any(), proposer: self.node() }
    }

    fn order(&mut self) -> Order {
        Order { epoch: self.any(), position: Position::new(self.count() >> 1, self.small()) }
    }

    fn view(&mut self) -> ViewId {
        ViewId { order: self.order(), proposer: self.node() }
    }

    fn maybe<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Option<T> {
        (self.next(2) == 0).then(|| one(self))
    }

    fn group(&mut self) -> GroupName {
        let names = ["g", "a longer name", "Größe und Übergröße", "🦀🦀🦀", "\"quoted\\"];
        names[self.next(5) as usize].parse().unwrap()
    }

    fn semantics(&mut self) -> Semantics {
        [Semantics::Vs, Semantics::Evs][self.next(2) as usize]
    }

    fn counts(&mut self) -> Vec<u64> {
        self.several(40, Self::count)
    }

    fn ranks(&mut self) -> Vec<u16> {
        self.several(40, Self::small)
    }

    fn report(&mut self) -> Report {
        Report {
            configuration: self.ballot(),
            priority: self.rank(),
            base: self.ballot(),
            members: self.several(9, Self::node),
            complete: self.counts(),
            promises: self.counts(),
            stable: self.counts(),
        }
    }

    fn plan(&mut self) -> Plan {
        Plan {
            configuration: self.ballot(),
            survivors: self.ranks(),
            target: self.counts(),
            holders: self.ranks(),
            promises: self.counts(),
            stable: self.counts(),
        }
    }

    /// The kinds, one after the other.
    fn membership(&mut self, kind: usize) -> Option<Membership> {
        let (ballot, configuration, node) = (self.ballot(), self.ballot(), self.node());
        let leader = self.peer();
        Some(match kind {
            0 => Membership::WantInstall { ballot },
            1 => Membership::Beacon { configuration, leader, size: self.rank() },
            2 => Membership::Heard { configuration, leader },
            3 => Membership::Probe { nonce: self.any() },
            4 => Membership::ProbeReply {
                nonce: self.any(),
                epoch: self.any(),
                configuration,
                members: self.several(9, Self::peer),
            },
            5 => Membership::Propose { ballot, nodes: self.several(9, Self::node) },
            6 => Membership::Accept { ballot, report: self.report() },
            7 => Membership::Reject { ballot, promised: self.ballot() },
            8 => Membership::Recover { ballot, plan: self.plan() },
            9 => Membership::Recovered { ballot },
            10 => Membership::Install {
                ballot,
                members: self.several(9, Self::peer),
                classes: self.several(4, Self::ranks),
            },
            11 => Membership::Leaving,
            12 => Membership::Farewell,
            13 => Membership::Suspect { node },
            _ => return None,
        })
    }

    fn ask(&mut self, kind: usize) -> Option<Ask> {
        let (group, local, life) = (self.group(), self.rank(), self.any());
        Some(match kind {
            0 => Ask::Turn { last: self.any() },
            1 => Ask::Recall,
            2 => Ask::Subscribe { origin: self.small() },
            3 => {
                let (semantics, charter, blob) =
                    (self.semantics(), self.bytes(300), self.bytes(300));
                Ask::Join { group, local, life, semantics, charter, blob }
            }
            4 => Ask::Leave { group, local, life, end: self.any() },
            5 => Ask::Flushed(Flushed {
                group,
                round: self.order(),
                view: self.maybe(Self::view),
                locals: self.several(9, Self::rank),
                running: self.several(9, Self::node),
                end: self.any(),
                blobs: self.several(4, |n| (n.rank(), n.bytes(300))),
            }),
            6 => Ask::Renew { group, round: self.order() },
            7 => {
                let member = MemberId { node: self.node(), local };
                Ask::Expel { group, member, life, reason: self.group().to_string() }
            }
            _ => return None,
        })
    }

    fn row(&mut self) -> TableRow {
        TableRow {
            rank: self.small(),
            local: self.rank(),
            life: self.any(),
            joined: self.order(),
            blob: self.bytes(300),
        }
    }

    fn table_group(&mut self) -> TableGroup {
        TableGroup {
            group: self.group(),
            semantics: self.semantics(),
            charter: self.bytes(300),
            record: self.bytes(300),
            rows: self.several(4, Self::row),
        }
    }

    fn entry(&mut self, kind: usize) -> Option<ControlEntry> {
        let (rank, local, life, group) = (self.small(), self.rank(), self.any(), self.group());
        Some(match kind {
            0 => ControlEntry::Grant { rank, number: self.any() },
            1 => ControlEntry::Join {
                rank,
                local,
                life,
                group,
                semantics: self.semantics(),
                charter: self.bytes(300),
                blob: self.bytes(300),
                stamped_at: self.any(),
            },
            2 => {
                let expelled = self.maybe(|n| n.group().to_string());
                ControlEntry::Leave { rank, local, life, group, expelled }
            }
            3 => ControlEntry::Table(Table { groups: self.several(4, Self::table_group) }),
            4 => ControlEntry::InstallView(InstallView {
                group,
                round: self.order(),
                classes: self.several(4, |n| (n.maybe(Self::view), n.several(9, Self::rank))),
                blobs: self.several(4, |n| (n.rank(), n.bytes(300))),
            }),
            5 => ControlEntry::Renew { group, round: self.order() },
            _ => return None,
        })
    }
}

/// Values of all kinds, in turn.
fn each<T>(seed: u64, make: impl Fn(&mut Numbers, usize) -> Option<T>, check: impl Fn(T)) {
    let mut numbers = Numbers::new(seed);
    let kinds = (0..).take_while(|kind| make(&mut Numbers::new(0), *kind).is_some()).count();
    assert!(kinds > 2);
    for round in 0..ROUNDS {
        check(make(&mut numbers, round % kinds).unwrap());
    }
}

/// Written, read, and refused if anything lacks.
fn passes(control: &Control) {
    let frame = control_frame(5, control).unwrap();
    assert_eq!(Header::read(&frame).map(|h| (h.kind, h.tag)), Ok((Kind::Control, 5)));
    assert_eq!(read_control(&frame).as_ref(), Ok(control));
    let cut = &frame[..frame.len() - 1];
    assert_eq!(read_control(cut), Err(Drop::Malformed));
}

#[test]
fn what_membership_machines_say() {
    each(11, Numbers::membership, |message| passes(&Control::Membership(message)));
}

#[test]
fn what_is_asked_and_relayed() {
    let id = Numbers::new(1).ballot();
    each(12, Numbers::ask, |ask| passes(&Control::Ask(id, ask)));
    let mut numbers = Numbers::new(13);
    for _ in 0..ROUNDS {
        let (origin, to) = (numbers.node(), numbers.node());
        passes(&Control::Relay { origin, to, inner: numbers.bytes(2_000) });
    }
}

#[test]
fn what_is_ordered_for_all() {
    each(14, Numbers::entry, |entry| {
        let bytes = to_cbor(&entry).unwrap();
        assert_eq!(from_cbor(&bytes).as_ref(), Ok(&entry));
        assert_eq!(from_cbor::<ControlEntry>(&bytes[..bytes.len() - 1]), Err(Drop::Malformed));
    });
}

#[test]
fn vectors_of_counts_promises_and_needs() {
    let mut numbers = Numbers::new(15);
    for _ in 0..ROUNDS {
        let counts = numbers.several(200, Numbers::count);
        for kind in [Kind::Ack, Kind::Stable] {
            let frame = vectors::write_counts(kind, TAG, &counts);
            assert_eq!(Header::read(&frame).map(|header| header.kind), Ok(kind));
            assert_eq!(vectors::read_counts(&frame, counts.len()).as_ref(), Ok(&counts));
        }
        let promise = |n: &mut Numbers| Promise {
            rank: n.next(200) as u16,
            number: n.count(),
            clock: n.count(),
        };
        let promises = numbers.several(40, promise);
        let frame = vectors::write_promises(TAG, &promises);
        assert_eq!(vectors::read_promises(&frame, 200).as_ref(), Ok(&promises));
        let first = numbers.count().max(1);
        let last = first.max(numbers.count());
        let need = Need { origin: numbers.next(200) as u16, first, last };
        assert_eq!(vectors::read_need(&vectors::write_need(TAG, need), 200), Ok(need));
    }
}
