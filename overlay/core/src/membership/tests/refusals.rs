//! What is refused, and what no message may do.

use super::{
    super::{Effect, Happening, MAX_EPOCH, plans::MAX_NUMBER},
    net::{Host, Net},
    node,
};
use crate::{
    configuration::Peer,
    error::Drop,
    figures::Rare,
    ids::{Ballot, ConfigurationTag, NodeId},
    settings::Settings,
    time::Time,
    wire::{
        control::{Membership as Message, Plan, Report},
        heartbeat::Heartbeat,
    },
};
use std::time::Duration;

const START: Time = Time(1_000_000);
const ID: Ballot = Ballot { epoch: 5, proposer: NodeId { key: [1; 32], incarnation: 1 } };

fn peer(number: u8) -> Peer {
    Peer { node: node(number), priority: 0 }
}

fn ballot(epoch: u64, number: u8) -> Ballot {
    Ballot { epoch, proposer: node(number) }
}

fn member(number: u8) -> Host {
    let host = Host::new(Settings::new(node(number), "test"), START);
    host.with(ID, (1..=4).map(peer).collect(), START)
}

fn propose(epoch: u64, from: u8, nodes: &[u8]) -> Happening {
    let nodes = nodes.iter().map(|&number| node(number)).collect();
    Happening::Message(node(from), Message::Propose { ballot: ballot(epoch, from), nodes })
}

fn heartbeat(id: Ballot, received: Vec<u64>, promises: Vec<u64>) -> Heartbeat {
    let tag = ConfigurationTag::new("test", id);
    Heartbeat { tag, epoch: id.epoch, received, promises }
}

fn rejection(to: u8, refused: Ballot, promised: Ballot) -> [Effect; 1] {
    [Effect::Send(node(to), Message::Reject { ballot: refused, promised })]
}

#[test]
fn a_lower_ballot_is_told_of_the_higher_one() {
    let mut host = member(4);
    host.handle(START, propose(8, 2, &[2, 3, 4]));
    let effects = host.handle(START, propose(7, 3, &[3, 4]));
    assert_eq!(effects, rejection(3, ballot(7, 3), ballot(8, 2)));
    assert_eq!(host.figures.drops(Drop::Stale), 1);
}

#[test]
fn an_epoch_that_is_installed_is_not_followed_whoever_proposes() {
    let mut host = member(4);
    let effects = host.handle(START, propose(5, 3, &[3, 4]));
    assert_eq!(effects, rejection(3, ballot(5, 3), ballot(6, 3)));
}

#[test]
fn while_the_leader_is_heard_nobody_is_taken_from_it() {
    let mut host = member(4);
    host.handle(START, Happening::Heartbeat(node(1), heartbeat(ID, vec![0; 4], vec![0; 4])));
    let effects = host.handle(START, propose(7, 2, &[2, 3, 4]));
    assert_eq!(effects, rejection(2, ballot(7, 2), ID));
    assert_eq!(host.figures.rare(Rare::LeaderAlive), 1);
    // With the leader in it, or when the leader has been silent, the proposal is followed.
    let later = START + Duration::from_millis(376);
    host.handle(later, propose(7, 2, &[2, 3, 4]));
    assert_eq!(host.machine.awaited(), Some(ballot(7, 2)));
    host.handle(later, propose(8, 3, &[1, 3, 4]));
    assert_eq!(host.machine.awaited(), Some(ballot(8, 3)));
}

#[test]
fn a_stranger_must_have_been_heard_both_ways() {
    let mut host = member(4);
    let effects = host.handle(START, propose(7, 9, &[1, 4, 9]));
    assert_eq!(effects, rejection(9, ballot(7, 9), ID));
    assert_eq!(host.figures.drops(Drop::Stranger), 1);
    host.handle(START, Happening::Message(node(9), Message::Probe { nonce: 1 }));
    host.handle(START, propose(7, 9, &[1, 4, 9]));
    assert_eq!(host.machine.awaited(), Some(ballot(7, 9)));
}

#[test]
fn malformed_proposals_and_plans_are_dropped() {
    let mut host = member(4);
    host.settings.max_nodes = 4;
    let wrong = [
        propose(7, 2, &[2, 3]),
        propose(7, 2, &[3, 4]),
        propose(7, 2, &[2, 4, 4]),
        propose(7, 2, &[1, 2, 3, 4, 5]),
        propose(MAX_EPOCH, 2, &[2, 4]),
        propose(u64::MAX, 2, &[2, 4]),
    ];
    let count = wrong.len() as u64;
    for happening in wrong {
        assert_eq!(host.handle(START, happening), []);
    }
    assert_eq!(host.figures.drops(Drop::Malformed), count);
    host.handle(START, propose(7, 2, &[2, 4]));
    let good = Plan {
        configuration: ID,
        survivors: vec![1, 3],
        target: vec![0; 4],
        holders: vec![1; 4],
        promises: vec![0; 4],
        stable: vec![0; 4],
    };
    let wrong = [
        Plan { configuration: ballot(4, 1), ..good.clone() },
        Plan { survivors: vec![3, 1], ..good.clone() },
        Plan { survivors: vec![1, 9], ..good.clone() },
        Plan { survivors: vec![0, 1], ..good.clone() },
        Plan { target: vec![0; 3], ..good.clone() },
        Plan { holders: vec![0; 4], ..good.clone() },
        Plan { stable: vec![], ..good.clone() },
        Plan { target: vec![u64::MAX; 4], ..good.clone() },
        Plan { promises: vec![0, 0, 0, MAX_NUMBER + 1], ..good.clone() },
    ];
    for plan in wrong {
        let message = Message::Recover { ballot: ballot(7, 2), plan };
        assert_eq!(host.handle(START, Happening::Message(node(2), message)), []);
    }
    let message = Message::Recover { ballot: ballot(7, 2), plan: good.clone() };
    let effects = host.handle(START, Happening::Message(node(2), message));
    assert_eq!(effects, [Effect::Recover(good)]);
}

#[test]
fn malformed_reports_are_as_good_as_silence() {
    let mut host = member(1);
    host.handle(START, Happening::Closed(node(4)));
    host.handle(START + Duration::from_millis(10), Happening::Tick);
    let good = host.past.report.clone();
    let wrong = [
        Report { complete: vec![0; 3], ..good.clone() },
        Report { stable: vec![0; 5], ..good.clone() },
        Report { promises: vec![], ..good.clone() },
        Report { members: vec![node(1); 4], ..good.clone() },
        Report { members: vec![node(2), node(1), node(3), node(4)], ..good.clone() },
        Report { configuration: ballot(6, 1), ..good.clone() },
        Report { base: ballot(6, 1), ..good.clone() },
        Report { complete: vec![0, 0, 0, MAX_NUMBER + 1], ..good.clone() },
        Report { promises: vec![0, 0, 0, MAX_NUMBER + 1], ..good.clone() },
        Report { stable: vec![0, 0, 0, MAX_NUMBER + 1], ..good.clone() },
    ];
    let count = wrong.len() as u64;
    for report in wrong {
        let message = Message::Accept { ballot: ballot(6, 1), report };
        let now = START + Duration::from_millis(11);
        assert_eq!(host.handle(now, Happening::Message(node(2), message)), []);
    }
    assert_eq!(host.figures.drops(Drop::Malformed), count);
    let most = Report { promises: vec![MAX_NUMBER; 4], ..good };
    let message = Message::Accept { ballot: ballot(6, 1), report: most };
    host.handle(START + Duration::from_millis(11), Happening::Message(node(2), message));
    assert_eq!(host.figures.drops(Drop::Malformed), count, "the largest promise is one");
}

/// Any message, from anyone, in any state.
#[test]
fn no_message_breaks_the_machine() {
    for seed in 0..30 {
        let mut net = Net::new(4, seed);
        net.run(1500);
        for _ in 0..400 {
            let (from, to) = (node(net.draw_node(6)), node(net.draw_node(4)));
            if from != to {
                let happening = any_message(&mut net, from);
                let host = net.hosts.get_mut(&to).unwrap();
                // Not carried out: claims of an installation would be, since peers are trusted.
                host.handle(net.now, happening);
            }
        }
    }
}

fn any_message(net: &mut Net, from: NodeId) -> Happening {
    let number = net.draw_node(6);
    let epochs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, MAX_EPOCH - 1, MAX_EPOCH, u64::MAX];
    let epoch = epochs[usize::from(net.draw_node(13)) - 1];
    let (ballot, leader) = (ballot(epoch, number), peer(number));
    let size = net.draw_node(6) - 1;
    let members: Vec<Peer> = (1..=size).map(peer).collect();
    let nodes: Vec<NodeId> = members.iter().map(|peer| peer.node).collect();
    let numbers = vec![net.draw(3); usize::from(size)];
    let ranks: Vec<u16> = (0..u16::from(size)).collect();
    let message = match net.draw(15) {
        0 => return Happening::Heartbeat(from, heartbeat(ballot, numbers.clone(), numbers)),
        1 => Message::Beacon { configuration: ballot, leader, size: u32::MAX },
        2 => Message::Heard { configuration: ballot, leader },
        3 => Message::Probe { nonce: net.draw(5) },
        4 => Message::ProbeReply { nonce: net.draw(5), epoch, configuration: ballot, members },
        5 => Message::Propose { ballot, nodes },
        6 => {
            let report = Report {
                configuration: ballot,
                priority: 0,
                base: ballot,
                members: nodes,
                complete: numbers.clone(),
                promises: numbers.clone(),
                stable: numbers,
            };
            Message::Accept { ballot, report }
        }
        7 => Message::Reject { ballot, promised: ballot },
        8 => {
            let plan = Plan {
                configuration: ballot,
                survivors: ranks.clone(),
                target: numbers.clone(),
                holders: ranks,
                promises: numbers.clone(),
                stable: numbers,
            };
            Message::Recover { ballot, plan }
        }
        9 => Message::Recovered { ballot },
        10 => Message::Install { ballot, members, classes: vec![ranks] },
        11 => Message::WantInstall { ballot },
        12 => Message::Leaving,
        13 => Message::Farewell,
        _ => Message::Suspect { node: node(number) },
    };
    Happening::Message(from, message)
}
