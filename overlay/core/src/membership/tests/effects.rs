//! Whole lists of effects in the basic cases.

use super::{
    super::{Effect, Happening, Installation},
    net::Host,
    node,
};
use crate::{
    configuration::Peer,
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

fn peer(number: u8) -> Peer {
    Peer { node: node(number), priority: 0 }
}

fn ballot(epoch: u64, number: u8) -> Ballot {
    Ballot { epoch, proposer: node(number) }
}

fn after(milliseconds: u64) -> Time {
    START + Duration::from_millis(milliseconds)
}

/// A member of the configuration 5@1 of nodes 1 to `size`.
fn member(number: u8, size: u8) -> Host {
    let host = Host::new(Settings::new(node(number), "test"), START);
    host.with(ballot(5, 1), (1..=size).map(peer).collect(), START)
}

fn heartbeat(id: Ballot, size: usize, promises: usize) -> Heartbeat {
    let (tag, epoch) = (ConfigurationTag::new("test", id), id.epoch);
    Heartbeat { tag, epoch, received: vec![0; size], promises: vec![0; promises] }
}

fn report(host: &Host) -> Report {
    host.past.report.clone()
}

fn propose(epoch: u64, from: u8, nodes: &[u8]) -> Message {
    let nodes: Vec<NodeId> = nodes.iter().map(|&number| node(number)).collect();
    Message::Propose { ballot: ballot(epoch, from), nodes }
}

#[test]
fn a_node_alone_announces_itself_and_nothing_else() {
    let mut host = Host::new(Settings::new(node(1), "test"), START);
    assert_eq!(host.machine.deadline(), Some(START));
    let beacon = Message::Beacon { configuration: ballot(1, 1), leader: peer(1), size: 1 };
    assert_eq!(host.handle(START, Happening::Tick), [Effect::Announce(beacon)]);
    assert!(host.machine.is_operational());
    assert_eq!(host.machine.awaited(), None);
}

#[test]
fn heartbeats_go_to_all_from_the_leader_and_to_three_ranks_from_others() {
    let to = |host: &mut Host, promises| {
        let effects = host.handle(after(250), Happening::Tick);
        let mut nodes = Vec::new();
        for effect in effects {
            if let Effect::Heartbeat(listeners, sent) = effect {
                assert_eq!(sent, heartbeat(ballot(5, 1), 5, promises));
                nodes.extend(listeners.iter().map(|node| node.key[0]));
            }
        }
        nodes
    };
    assert_eq!(to(&mut member(1, 5), 5), [2, 3, 4, 5]);
    assert_eq!(to(&mut member(2, 5), 1), [1, 3]);
    assert_eq!(to(&mut member(5, 5), 1), [1, 2, 3]);
}

#[test]
fn a_follower_goes_from_proposal_to_installation() {
    let mut host = member(2, 3);
    host.past.report.complete = vec![4, 7, 2];
    let accept = Message::Accept { ballot: ballot(6, 1), report: report(&host) };
    let answer = Effect::Send(node(1), accept.clone());

    let proposal = Happening::Message(node(1), propose(6, 1, &[1, 2]));
    assert_eq!(host.handle(after(1), proposal), [Effect::Freeze, answer]);
    assert!(!host.machine.is_operational());
    assert_eq!(host.machine.awaited(), Some(ballot(6, 1)));
    // Repeated until there is a plan.
    assert_eq!(host.machine.deadline(), Some(after(61)));
    let repeated = host.handle(after(61), Happening::Tick);
    assert_eq!(repeated, [Effect::Send(node(1), accept)]);

    let plan = Plan {
        configuration: ballot(5, 1),
        survivors: vec![0, 1],
        target: vec![5, 7, 2],
        holders: vec![0, 1, 0],
        promises: vec![0; 3],
        stable: vec![0; 3],
    };
    let recover = Message::Recover { ballot: ballot(6, 1), plan: plan.clone() };
    let effects = host.handle(after(62), Happening::Message(node(1), recover));
    assert_eq!(effects, [Effect::Recover(plan.clone())]);
    let recovered = Effect::Send(node(1), Message::Recovered { ballot: ballot(6, 1) });
    assert_eq!(host.handle(after(63), Happening::Reached), [recovered]);

    let (members, classes) = (vec![peer(1), peer(2)], vec![vec![0, 1]]);
    let install = Message::Install { ballot: ballot(6, 1), members, classes };
    let effects = host.handle(after(64), Happening::Message(node(1), install));
    let (members, classes) = (vec![peer(1), peer(2)], vec![vec![0, 1]]);
    let installation = Installation { ballot: ballot(6, 1), members, classes, plan };
    assert_eq!(effects, [Effect::Install(installation)]);
    let mut host = host.with(ballot(6, 1), vec![peer(1), peer(2)], after(64));
    assert!(host.machine.is_operational());

    // Whoever missed it is told.
    let want = Happening::Message(node(1), Message::WantInstall { ballot: ballot(6, 1) });
    let (members, classes) = (vec![peer(1), peer(2)], vec![vec![0, 1]]);
    let install = Message::Install { ballot: ballot(6, 1), members, classes };
    assert_eq!(host.handle(after(65), want), [Effect::Send(node(1), install)]);
}

#[test]
fn a_proposer_joins_what_the_survivors_have() {
    let mut host = member(1, 3);
    host.past.report.complete = vec![5, 6, 3];
    host.past.report.promises = vec![9, 1, 4];
    host.handle(after(1), Happening::Closed(node(3)));
    let effects = host.handle(after(11), Happening::Tick);
    assert_eq!(
        effects,
        [Effect::Send(node(2), propose(6, 1, &[1, 2])), Effect::Freeze],
        "what it says to itself is not seen"
    );
    let report = Report { complete: vec![4, 7, 3], promises: vec![8, 5, 5], ..report(&host) };
    let report = Report { stable: vec![1, 0, 2], priority: 3, ..report };
    let accept = Message::Accept { ballot: ballot(6, 1), report };
    let plan = Plan {
        configuration: ballot(5, 1),
        survivors: vec![0, 1],
        target: vec![5, 7, 3],
        holders: vec![0, 1, 0],
        promises: vec![9, 5, 5],
        stable: vec![1, 0, 2],
    };
    let recover = Message::Recover { ballot: ballot(6, 1), plan: plan.clone() };
    assert_eq!(
        host.handle(after(12), Happening::Message(node(2), accept)),
        [Effect::Send(node(2), recover), Effect::Recover(plan.clone())]
    );
    assert_eq!(host.handle(after(12), Happening::Reached), []);
    // The priorities in the reports decide who leads.
    let members = vec![Peer { node: node(2), priority: 3 }, peer(1)];
    let (ballot, classes) = (ballot(6, 1), vec![vec![0, 1]]);
    let install = Message::Install { ballot, members: members.clone(), classes: classes.clone() };
    let recovered = Happening::Message(node(2), Message::Recovered { ballot });
    assert_eq!(
        host.handle(after(13), recovered),
        [
            Effect::Send(node(2), install),
            Effect::Install(Installation { ballot, members, classes, plan })
        ]
    );
}

#[test]
fn a_node_left_alone_installs_itself_at_once() {
    let mut host = member(1, 2);
    host.handle(after(1), Happening::Closed(node(2)));
    let effects = host.handle(after(11), Happening::Tick);
    let [Effect::Freeze, Effect::Recover(plan)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(plan.survivors, [0]);
    let effects = host.handle(after(11), Happening::Reached);
    let [Effect::Install(installation)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(installation.members, [peer(1)]);
    assert_eq!(installation.ballot, ballot(6, 1));
}

#[test]
fn a_leaver_goes_when_it_is_answered() {
    let mut host = member(3, 3);
    let leaving = |to| Effect::Send(node(to), Message::Leaving);
    assert_eq!(host.handle(after(1), Happening::Leave), [leaving(1), leaving(2)]);
    let farewell = Happening::Message(node(1), Message::Farewell);
    assert_eq!(host.handle(after(2), farewell), [Effect::Gone]);
    assert_eq!(host.machine.deadline(), None);
    let mut alone = Host::new(Settings::new(node(1), "test"), START);
    alone.handle(START, Happening::Tick);
    assert_eq!(alone.handle(after(1), Happening::Leave), [Effect::Gone]);
}
