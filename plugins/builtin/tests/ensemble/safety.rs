//! "The leave protocol is safe since we discard all keys that the leaving member has known, and do
//! not use them to disseminate the new group key" (paper 002, section 4.1).

use crate::group::{MODULES, go, held, members, module, network, view, without};
use cenacle_plugin::network::{Dice, How, Network};
use std::collections::BTreeSet;

/// Every ciphertext of the last run.
fn ciphertexts(network: &Network<'_>) -> Vec<Vec<u8>> {
    let run = *network.present().and_then(|change| change.run()).expect("a run with a name");
    let anybody = *network.view().first().expect("a member");
    let view = view(network, anybody);
    network.overheard.iter().flat_map(|body| view.elements_of_run(&run, body)).collect()
}

/// Which of the ciphertexts some of the keys open, and how many of them: with each key that comes
/// out, on and on.
fn opened(network: &Network<'_>, keys: &[Vec<u8>], sent: &[Vec<u8>]) -> BTreeSet<usize> {
    let anybody = *network.view().first().expect("a member");
    let view = view(network, anybody);
    let (mut open, mut fresh, mut tried) = (BTreeSet::new(), keys.to_vec(), BTreeSet::new());
    while let Some(key) = fresh.pop() {
        if !tried.insert(key.clone()) {
            continue;
        }
        for (index, element) in sent.iter().enumerate() {
            for combined in view.combine(&key, element) {
                if combined.public == *element {
                    open.insert(index);
                    fresh.push(combined.next.to_vec());
                }
            }
        }
    }
    open
}

/// After a leave, no ciphertext opens with a key of the leaver; all of them open with those of the
/// members who stay, so that the walk would see it.
fn no_ciphertext_opens(network: &mut Network<'_>, name: &str, view: &[u32], gone: u32) {
    let known = held(network, gone);
    assert!(!known.is_empty(), "{name}: the leaver knew nothing");
    network.change(view, How::Continue).expect("a change");
    network.run().expect("a run");
    let sent = ciphertexts(network);
    let others: Vec<Vec<u8>> = view.iter().flat_map(|member| held(network, *member)).collect();
    let secret = network.confirm_at(|_| true).expect("a secret").secret;
    assert!(sent.is_empty() == (view.len() < 2), "{name}: {} ciphertexts", sent.len());
    assert_eq!(opened(network, &others, &sent).len(), sent.len(), "{name}: the walk misses some");
    let open = opened(network, &known, &sent);
    assert!(open.is_empty(), "{name}: {gone} opens {open:?} of {} ciphertexts", sent.len());
    // Nor is a key of the leaver the root.
    let any = sent.first().cloned().unwrap_or_else(|| vec![0; 80]);
    let inspector = crate::group::view(network, view[0]);
    let as_root = known.iter().flat_map(|key| inspector.combine(key, &any));
    assert!(as_root.into_iter().all(|combined| combined.secret != secret), "{name}: {gone}");
}

#[test]
fn a_leaver_opens_nothing_that_is_sent_after_it_left() {
    for name in MODULES {
        let module = module(name);
        for (size, gone) in (2..14).flat_map(|size| (0..size).map(move |gone| (size, gone))) {
            let mut network = network(module.as_ref(), size);
            go(&mut network, &members(size));
            no_ciphertext_opens(&mut network, name, &without(size, &[gone]), gone);
        }
    }
}

/// The same after a history of joins, merges and other leaves, with several who go at once.
#[test]
fn nor_after_whatever_came_before() {
    for name in MODULES {
        let module = module(name);
        for seed in 0..12 {
            let mut dice = Dice::new(seed);
            let mut network = network(module.as_ref(), 24);
            go(&mut network, &members(9));
            go(&mut network, &[20, 21, 22]);
            let mut present: Vec<u32> = members(9).into_iter().chain(20..23).collect();
            let mut next = 9;
            for _ in 0..6 {
                go(&mut network, &present);
                if dice.one_in(2) {
                    present.push(next);
                    next += 1;
                } else {
                    present.remove(dice.below(present.len()));
                }
            }
            go(&mut network, &present);
            let gone = *dice.pick(&present).expect("a member");
            let also = *dice.pick(&present).expect("a member");
            present.retain(|member| *member != gone && *member != also);
            no_ciphertext_opens(&mut network, name, &present, gone);
        }
    }
}

/// Whoever was in a view that was never confirmed, and is gone in the next, knows nothing of it.
#[test]
fn nor_does_one_who_saw_a_run_that_was_broken_off() {
    for name in MODULES {
        let module = module(name);
        for size in 2..9 {
            let mut network = network(module.as_ref(), size + 1);
            go(&mut network, &members(size));
            network.change(&members(size + 1), How::Continue).expect("a change");
            network.run().expect("a run");
            // The newcomer has all that the run gave it, and the run is not confirmed.
            no_ciphertext_opens(&mut network, name, &members(size), size);
        }
    }
}

/// A newcomer opens nothing that was sent before it came.
#[test]
fn a_newcomer_opens_nothing_that_was_sent_before() {
    for name in MODULES {
        let module = module(name);
        for size in 2..10 {
            let mut network = network(module.as_ref(), size + 1);
            let mut sent = Vec::new();
            for _ in 0..2 {
                go(&mut network, &members(size));
                sent.extend(ciphertexts(&network));
            }
            go(&mut network, &members(size + 1));
            let known = held(&network, size);
            assert!(opened(&network, &known, &sent).is_empty(), "{name}, {size}");
        }
    }
}
