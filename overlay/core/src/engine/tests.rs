//! What the engine keeps of a configuration that is not installed yet.

use super::*;
use crate::{
    SameCharter,
    ids::{Ballot, Channel, ConfigurationTag},
    input::Service,
    wire::{
        control::{Control, Membership as Message},
        data::Builder,
        header::control_frame,
    },
};

const NOW: Time = Time(1_000_000);

fn node(number: u8) -> NodeId {
    NodeId { key: [number; 32], incarnation: 1 }
}

/// Node 1 alone, following a ballot of node 2 for the two of them.
fn follower() -> (Engine, Ballot) {
    let settings = Settings::new(node(1), "test");
    let engine = Engine::new(settings, Box::new(SameCharter), NOW, &mut Outbox::new());
    let mut engine = engine.unwrap();
    let ballot = Ballot { epoch: 5, proposer: node(2) };
    let nodes = vec![node(1), node(2)];
    for message in [Message::Probe { nonce: 1 }, Message::Propose { ballot, nodes }] {
        let frame = control_frame(engine.overlay, &Control::Membership(message)).unwrap();
        give(&mut engine, 2, frame).unwrap();
    }
    assert!(!engine.is_operational(), "the ballot is followed");
    (engine, ballot)
}

fn give(engine: &mut Engine, from: u8, bytes: Bytes) -> Result<(), Error> {
    engine.handle(NOW, Input::Frame { from: node(from), bytes }, &mut Outbox::new())
}

#[test]
fn a_plan_is_given_up_with_its_ballot() {
    let (mut engine, ballot) = follower();
    let promises = vec![0];
    let plan = Plan {
        configuration: engine.configuration.id,
        survivors: vec![0],
        target: vec![5],
        holders: vec![0],
        promises,
        stable: vec![5],
    };
    let control = |message| control_frame(tag(), &Control::Membership(message)).unwrap();
    give(&mut engine, 2, control(Message::Recover { ballot, plan })).unwrap();
    assert!(engine.plan.is_some(), "its target is not reached");
    let ballot = Ballot { epoch: 6, ..ballot };
    let nodes = vec![node(1), node(2)];
    give(&mut engine, 2, control(Message::Propose { ballot, nodes })).unwrap();
    // What arrives now would reach the old target, and make more stable here than was reported.
    assert!(engine.plan.is_none());
}

fn tag() -> u64 {
    Settings::new(node(1), "test").overlay_tag()
}

/// A frame of rank 1 in the configuration that the ballot would install.
fn early(ballot: Ballot) -> Bytes {
    let mut builder = Builder::new();
    builder.message((Channel(0), 0, 1), Service::Fifo, &[7; 10_000]);
    builder.finish(ConfigurationTag::new("test", ballot), 1, 1, (0, 0), &[]).bytes
}

#[test]
fn early_frames_are_taken_from_the_ballots_nodes_alone() {
    let (mut engine, ballot) = follower();
    let before = engine.memory().held;
    let reason = Drop::Stranger;
    let refused = Err(Error::Dropped { from: node(3), reason });
    assert_eq!(give(&mut engine, 3, early(ballot)), refused);
    assert_eq!((engine.memory().held, engine.figures().drops(reason)), (before, 1));
    let other = Ballot { epoch: 6, ..ballot };
    let reason = Drop::OtherConfiguration;
    let refused = Err(Error::Dropped { from: node(2), reason });
    assert_eq!(give(&mut engine, 2, early(other)), refused);
    assert_eq!(give(&mut engine, 2, early(ballot)), Ok(()));
    assert!(engine.memory().held >= before + 10_000);
}

#[test]
fn nodes_with_other_limits_are_another_overlay() {
    let mut theirs = Settings::new(node(2), "test");
    let beacon = |settings: &Settings| {
        let probe = Control::Membership(Message::Probe { nonce: 1 });
        control_frame(settings.overlay_tag(), &probe).unwrap()
    };
    let settings = Settings::new(node(1), "test");
    let engine = Engine::new(settings, Box::new(SameCharter), NOW, &mut Outbox::new());
    let mut engine = engine.unwrap();
    assert_eq!(give(&mut engine, 2, beacon(&theirs)), Ok(()));
    theirs.max_message /= 2;
    let refused = Err(Error::Dropped { from: node(2), reason: Drop::Overlay });
    assert_eq!(give(&mut engine, 2, beacon(&theirs)), refused);
}

#[test]
fn early_frames_have_a_limit() {
    let (mut engine, ballot) = follower();
    let before = engine.memory().held;
    let frame = early(ballot);
    let fit = MAX_EARLY / frame.len();
    for _ in 0..fit {
        assert_eq!(give(&mut engine, 2, frame.clone()), Ok(()));
    }
    let refused = Err(Error::Dropped { from: node(2), reason: Drop::Limit });
    assert_eq!(give(&mut engine, 2, frame.clone()), refused);
    assert_eq!(engine.memory().held, before + fit * frame.len());
}
