//! What a member is sent: elements are checked, and what can be recomputed is compared.

use super::group::{Group, members, module};
use cenacle_dh::{DhGroup, Ristretto255};
use cenacle_plugin::{Action, Error, Event, Input, KeyAgreement, Outbox};

/// The events of the last run at a member, after an instance that has handled those before it.
fn last_run<'g>(group: &'g Group<'_>, number: u32) -> (Box<dyn KeyAgreement>, &'g [Event]) {
    let history = group.network.history_of(number);
    let begun = history.iter().rposition(|event| matches!(event.input, Input::Change(_)));
    let (before, run) = history.split_at(begun.expect("a run"));
    let mut instance = group.network.instance(number).expect("an instance");
    before.iter().for_each(|event| instance.handle(event, &mut Outbox::new()).expect("a replay"));
    (instance, run)
}

fn body(event: &Event) -> Option<(u32, &Vec<u8>)> {
    match &event.input {
        Input::Message { from, body } => Some((*from, body)),
        _ => None,
    }
}

fn with_body(event: &Event, body: Vec<u8>) -> Event {
    let (from, _) = self::body(event).expect("a message");
    Event { input: Input::Message { from, body }, ..event.clone() }
}

/// The same message with another element in the place of `old`.
fn replaced(body: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = body.windows(old.len()).position(|window| window == old).expect("an element of it");
    [&body[..at], new, &body[at + old.len()..]].concat()
}

/// What is no element of the group, or the neutral one, leads to no secret: whoever computes with
/// it refuses it, and who has no use for it has the same secret as all.
fn takes_no_identity_and_nothing_invalid(name: &str) {
    let forgeries = [[0; 32], [0xff; 32]];
    let module = module(name);
    let mut group = Group::new(module.as_ref(), 7);
    group.go(&members(4));
    group.go(&[4, 5]);
    for view in [&[0, 1, 2, 3, 4, 5, 6][..], &[0, 2, 3, 4, 6]] {
        let secret = group.go(view).secret;
        let mut refused = 0;
        for (number, at, forgery) in forged(&group, &forgeries) {
            let (mut instance, run) = last_run(&group, number);
            let mut out = Outbox::new();
            let given = run.iter().enumerate().map(|(i, e)| if i == at { &forgery } else { e });
            let failed = given.map(|event| instance.handle(event, &mut out)).any(|r| r.is_err());
            refused += usize::from(failed);
            let wrong = |action: &Action| matches!(action, Action::Install(s) if *s != secret);
            assert!(!out.iter().any(wrong), "{name}: member {number} took {forgery:?}");
        }
        assert!(refused > 0, "{name}: nothing was refused");
    }
}

#[test]
fn tgdh_takes_no_identity_and_nothing_invalid() {
    takes_no_identity_and_nothing_invalid("tgdh");
}

#[test]
fn gdh_takes_no_identity_and_nothing_invalid() {
    takes_no_identity_and_nothing_invalid("gdh");
}

#[test]
fn str_takes_no_identity_and_nothing_invalid() {
    takes_no_identity_and_nothing_invalid("str");
}

#[test]
fn bd_takes_no_identity_and_nothing_invalid() {
    takes_no_identity_and_nothing_invalid("bd");
}

#[test]
fn ckd_takes_no_identity_and_nothing_invalid() {
    takes_no_identity_and_nothing_invalid("ckd");
}

/// Every element in every message that others sent to members in the last run, with each forgery
/// in its place: the member, the number of the event, the event.
fn forged(group: &Group<'_>, forgeries: &[[u8; 32]]) -> Vec<(u32, usize, Event)> {
    let mut all = Vec::new();
    for (me, &number) in (0..).zip(group.network.view()) {
        for (at, event) in last_run(group, number).1.iter().enumerate() {
            let Some((_, body)) = body(event).filter(|(from, _)| *from != me) else { continue };
            for element in group.view(number).elements(body) {
                let forge = |new: &[u8; 32]| with_body(event, replaced(body, &element, new));
                all.extend(forgeries.iter().map(|new| (number, at, forge(new))));
            }
        }
    }
    all
}

/// Another element of the group than any that was sent.
fn another() -> Vec<u8> {
    let mut bytes = Vec::new();
    Ristretto255.encode(&Ristretto255.generator(), &mut bytes);
    bytes
}

/// The message with its last element, which ends it, replaced.
fn ending_otherwise(body: &[u8]) -> Vec<u8> {
    [&body[..body.len() - 32], &another()].concat()
}

/// What the member was sent by another in the last run, in order.
fn sent_by(run: &[Event], from: u32) -> Vec<&Event> {
    run.iter().filter(|event| body(event).is_some_and(|(sender, _)| sender == from)).collect()
}

fn culprit(result: &Result<(), Error>) -> Option<u32> {
    result.as_ref().expect_err("a message that cannot be accepted").culprit()
}

/// A published key of one's own path is recomputed and compared, whether it comes after one has
/// computed it or before.
#[test]
fn tgdh_compares_every_blinded_key_on_its_path() {
    let module = module("tgdh");
    let mut group = Group::new(module.as_ref(), 4);
    group.go(&members(4));
    for late in [true, false] {
        // Member 0 publishes the key of the node above itself and member 1.
        let (mut instance, run) = last_run(&group, 1);
        let mut give = |event: &Event| instance.handle(event, &mut Outbox::new());
        let [tree, update] = sent_by(run, 0)[..] else { panic!("a tree and an update") };
        let wrong = with_body(update, ending_otherwise(body(update).expect("a message").1));
        give(&run[0]).expect("the change");
        give(tree).expect("a tree");
        if !late {
            give(&wrong).expect("nothing to compare it with");
        }
        give(sent_by(run, 2)[0]).expect("a tree");
        let last = give(sent_by(run, 3)[0]);
        let result = if late { last.and_then(|()| give(&wrong)) } else { last };
        assert_eq!(culprit(&result), Some(0), "late: {late}");
    }
}

/// The new controller's own entry is the final token that it showed to all.
#[test]
fn gdh_compares_the_controllers_entry_with_the_final_token() {
    let module = module("gdh");
    let mut group = Group::new(module.as_ref(), 3);
    group.go(&members(3));
    let (mut instance, run) = last_run(&group, 0);
    let mut give = |event: &Event| instance.handle(event, &mut Outbox::new());
    let [token, list] = sent_by(run, 2)[..] else { panic!("a token and a list") };
    give(&run[0]).expect("the change");
    give(token).expect("the final token");
    let wrong = with_body(list, ending_otherwise(body(list).expect("a message").1));
    assert_eq!(culprit(&give(&wrong)), Some(2));
    give(list).expect("the list");
}

/// A share that was made ahead serves one change, used or not.
#[test]
fn tgdh_uses_an_offered_share_once() {
    let module = module("tgdh");
    let mut group = Group::new(module.as_ref(), 2);
    group.network.offers = true;
    group.go(&[0, 1]);
    let (mut instance, run) = last_run(&group, 1);
    let mut give = |event: &Event| instance.handle(event, &mut Outbox::new());
    give(&run[0]).expect("the change");
    let again = give(&run[0]);
    assert!(matches!(again, Err(Error::BadChange(_))), "{again:?}");
}
