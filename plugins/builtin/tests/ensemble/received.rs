//! What arrives from a leader or a stranger that does not keep to the rules.

use crate::group::{MODULES, go, members, module, network, options, without};
use cenacle_plugin::network::{How, Network};
use cenacle_plugin::{Action, Error, Event, Executor, Inline, Input, KeyAgreement, Outbox, Secret};
use std::sync::Arc;

/// The events of the last run at a member, after an instance that has handled those before it.
fn last_run<'g>(network: &'g Network<'_>, number: u32) -> (Box<dyn KeyAgreement>, &'g [Event]) {
    let history = network.history_of(number);
    let begun = history.iter().rposition(|event| matches!(event.input, Input::Change(_)));
    let (before, run) = history.split_at(begun.expect("a run"));
    let mut instance = network.instance(number).expect("an instance");
    before.iter().for_each(|event| instance.handle(event, &mut Outbox::new()).expect("a replay"));
    (instance, run)
}

fn event(input: Input) -> Event {
    Event { time_us: 0, random: Secret::new([9; 32]), input }
}

fn installs(out: &Outbox) -> bool {
    out.iter().any(|action| matches!(action, Action::Install(_)))
}

/// What came without a signature and does not open blames nobody and keeps the true one in its
/// place, whether it comes before or after.
#[test]
fn forged_records_and_acknowledgements_do_no_harm() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 8);
        go(&mut network, &members(7));
        go(&mut network, &members(8));
        for number in 0..8 {
            let (mut instance, run) = last_run(&network, number);
            let mut out = Outbox::new();
            for given in run {
                for length in [0, 16, 17, 48, 49] {
                    for from in 0..8 {
                        let body = vec![0xa5; length];
                        let forged = event(Input::Sealed { from, body });
                        let refused = instance.handle(&forged, &mut Outbox::new());
                        let blamed = refused.as_ref().err().and_then(Error::culprit);
                        assert_eq!(blamed, None, "{name}: {refused:?}");
                    }
                }
                instance.handle(given, &mut out).expect("an honest event");
            }
            assert!(installs(&out), "{name}: member {number} has no secret");
        }
    }
}

/// A signed message that is not of the protocol, or not at its time, is its sender's fault.
#[test]
fn signed_messages_out_of_place_blame_their_sender() {
    for name in MODULES {
        let module = module(name);
        let mut network = network(module.as_ref(), 6);
        go(&mut network, &members(5));
        go(&mut network, &members(6));
        let all: Vec<Event> =
            (0..6).flat_map(|number| last_run(&network, number).1.to_vec()).collect();
        let mut refused = 0;
        for number in 0..6 {
            let (mut instance, run) = last_run(&network, number);
            instance.handle(&run[0], &mut Outbox::new()).expect("the change");
            for other in &all {
                let Input::Message { from, body } = &other.input else { continue };
                // Said by somebody else than by whom it was said.
                let from = (from + 1) % 6;
                let body = body.clone();
                let moved = event(Input::Message { from, body });
                if let Err(error) = instance.handle(&moved, &mut Outbox::new()) {
                    assert_eq!(error.culprit(), Some(from), "{name}: {error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "{name}");
    }
}

/// The leader's tree, with the bit that says that a key is new turned to old: who would be sealing
/// under what a leaver knows refuses it. Of eight the second left; new are the root and the key of
/// the first, third and fourth.
#[test]
fn a_tree_that_keeps_a_key_that_must_go_is_refused() {
    for name in ["dist", "wgl"] {
        let module = module(name);
        let mut network = network(module.as_ref(), 8);
        go(&mut network, &members(8));
        go(&mut network, &without(8, &[1]));
        for number in without(8, &[0, 1]) {
            let (mut instance, run) = last_run(&network, number);
            let tree = |event: &&Event| match &event.input {
                Input::Message { from: 0, body } => {
                    body.windows(4).any(|word| word == b"plan" || word == b"tree")
                }
                _ => false,
            };
            let sent = run.iter().find(tree).expect("a tree");
            let Input::Message { from, body } = &sent.input else { panic!("a message") };
            instance.handle(&run[0], &mut Outbox::new()).expect("the change");
            // Seven members; the root, 11: an inner node with a new key; the one left of it, 11.
            let at = body.windows(2).position(|word| word == [0, 7]).expect("a tree of seven");
            let mut forged = body.clone();
            assert_eq!(forged[at + 2] & 0b1111_0000, 0b1111_0000);
            forged[at + 2] &= 0b1110_1111;
            let forged = event(Input::Message { from: *from, body: forged });
            let answer = instance.handle(&forged, &mut Outbox::new());
            let refused = matches!(&answer, Err(Error::BadMessage { from: 0, why })
                if why.contains("keeps a key"));
            assert_eq!(refused, number < 4, "{name}, {number}: {answer:?}");
        }
    }
}

/// Keys are bound to the run's name: without one, or with the last one again, there is no run.
#[test]
fn a_run_needs_a_name_of_its_own() {
    for name in MODULES {
        let module = module(name);
        let executor: Arc<dyn Executor> = Arc::new(Inline);
        let mut instance =
            module.create(&options(module.as_ref(), &[]), executor).expect("an instance");
        let mut network = network(module.as_ref(), 3);
        network.change(&members(3), How::Continue).expect("a change");
        let change = network.present().expect("a run").as_ref().clone();
        let begin = event(Input::Change(Arc::new(change.clone())));
        instance.handle(&begin, &mut Outbox::new()).expect("a run with a name");
        let again = instance.handle(&begin, &mut Outbox::new());
        assert!(matches!(again, Err(Error::BadChange(_))), "{name}: {again:?}");
        let other = event(Input::Change(Arc::new(change.named([9; 32]))));
        instance.handle(&other, &mut Outbox::new()).expect("another name");
    }
}
