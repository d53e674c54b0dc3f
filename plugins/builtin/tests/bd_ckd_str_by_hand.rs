//! Instances of `bd`, `ckd` and `str` by themselves, given what an honest network never shows them:
//! messages that are well formed and yet wrong, and shares that only some have sent ahead.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_builtin::agreements;
use cenacle_plugin::network::Network;
use cenacle_plugin::{
    Action, Class, Error, Event, Family, GroupSecret, Input, KeyAgreement, Options, Order, Secret,
    Share, ViewChange,
};
use std::collections::VecDeque;
use std::sync::Arc;

struct Hands {
    instances: Vec<Box<dyn KeyAgreement>>,
    seed: u8,
}

impl Hands {
    fn new(name: &str, count: usize) -> Self {
        let module = agreements().into_iter().find(|module| module.descriptor().name == name);
        let module = module.expect("a module of that name");
        let options = Options::defaults(&module.descriptor().options);
        let new = |_| {
            let executor = Arc::new(cenacle_plugin::Inline);
            module.create(&options, executor).expect("an instance")
        };
        Self { instances: (0..count).map(new).collect(), seed: 0 }
    }

    fn give(&mut self, at: u32, input: Input) -> Result<Vec<Action>, Error> {
        self.seed = self.seed.wrapping_add(1);
        let random = Secret::new([self.seed; 32]);
        let mut out = Vec::new();
        let event = Event { time_us: 0, random, input };
        self.instances[at as usize].handle(&event, &mut out)?;
        if out.contains(&Action::Resume) {
            out.extend(self.give(at, Input::Resume)?);
        }
        Ok(out)
    }

    fn message(&mut self, at: u32, from: u32, body: &[u8]) -> Result<Vec<Action>, Error> {
        self.give(at, Input::Message { from, body: body.to_vec() })
    }

    /// Offers of all, of which those of the members that `bits` names travel with the change.
    fn shares(&mut self, count: u32, bits: u32) -> Vec<Share> {
        let mut shares = Vec::new();
        for member in 0..count {
            let out = self.give(member, Input::Offer).expect("an offer");
            let Some(Action::Offer(body)) = out.into_iter().next() else { panic!("no offer") };
            if bits >> member & 1 == 1 {
                shares.push(Share { member, body });
            }
        }
        shares
    }

    /// Runs a change to its end, message by message in the order of sending, and confirms it. Tells
    /// how many messages there were.
    fn agree(&mut self, change: &ViewChange) -> usize {
        let size = change.size();
        let mut secrets: Vec<Option<GroupSecret>> = (0..size).map(|_| None).collect();
        let mut queue = VecDeque::new();
        let mut messages = 0;
        let mut sort = |at: u32, out: Vec<Action>, queue: &mut VecDeque<_>| {
            for action in out {
                let (to, body) = match action {
                    Action::Unicast { to, body } => (to..to + 1, body),
                    Action::Multicast { body, .. } => (0..size, body),
                    Action::Install(secret) => {
                        assert!(secrets[at as usize].replace(secret).is_none());
                        continue;
                    }
                    _ => continue,
                };
                messages += 1;
                queue.extend(to.map(|to| (at, to, body.clone())));
            }
        };
        for (at, out) in (0..).zip(self.begin(change)) {
            sort(at, out.expect("a beginning"), &mut queue);
        }
        while let Some((from, to, body)) = queue.pop_front() {
            let out = self.message(to, from, &body).expect("an honest message");
            sort(to, out, &mut queue);
        }
        assert!(secrets[0].is_some() && secrets.iter().all(|secret| *secret == secrets[0]));
        (0..size).for_each(|at| drop(self.give(at, Input::Confirmed).expect("a confirmation")));
        messages
    }

    fn begin(&mut self, change: &ViewChange) -> Vec<Result<Vec<Action>, Error>> {
        (0..change.size())
            .map(|at| {
                self.give(at, Input::Change(Arc::new(change.seen_by(at).expect("a position"))))
            })
            .collect()
    }
}

fn afresh(count: u32) -> ViewChange {
    ViewChange::afresh(0, (0..count).map(Network::member).collect()).expect("a change")
}

fn bodies(actions: &[Action]) -> Vec<Vec<u8>> {
    let body = |action: &Action| match action {
        Action::Multicast { body, order: Order::Fifo } | Action::Unicast { body, .. } => {
            Some(body.clone())
        }
        _ => None,
    };
    actions.iter().filter_map(body).collect()
}

fn sent(result: &Result<Vec<Action>, Error>) -> Vec<Vec<u8>> {
    bodies(result.as_ref().expect("an answer"))
}

/// The same message with `element` as its last element: they are the last 32 bytes.
fn ending_in(body: &[u8], element: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    let at = body.len() - element.len();
    body[at..].copy_from_slice(element);
    body
}

/// The generator of ristretto255 (RFC 9496, A.1): an element like any other.
fn generator() -> Vec<u8> {
    let hex = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
    (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect()
}

const IDENTITY: [u8; 32] = [0; 32];

fn culprit(result: &Result<Vec<Action>, Error>) -> Option<u32> {
    match result {
        Err(error @ Error::BadMessage { .. }) => error.culprit(),
        other => panic!("a bad message had this answer: {other:?}"),
    }
}

#[test]
fn bd_refuses_shares_and_quotients_that_are_no_good() {
    let mut hands = Hands::new("bd", 4);
    let shares: Vec<Vec<u8>> = hands.begin(&afresh(4)).iter().flat_map(sent).collect();
    let quotient = |hands: &mut Hands, at: u32| -> Vec<u8> {
        let (before, behind) = ((at + 3) % 4, (at + 1) % 4);
        hands.message(at, before, &shares[before as usize]).expect("a share");
        bodies(&hands.message(at, behind, &shares[behind as usize]).expect("a share")).remove(0)
    };
    let quotients: Vec<Vec<u8>> = (1..4).map(|at| quotient(&mut hands, at)).collect();
    // An X before its sender's share; a neighbour's share that is the identity; the same share on
    // both sides.
    assert_eq!(culprit(&hands.message(0, 1, &quotients[0])), Some(1));
    assert_eq!(culprit(&hands.message(0, 1, &ending_in(&shares[1], &IDENTITY))), Some(1));
    hands.message(0, 1, &shares[1]).expect("a share");
    assert_eq!(culprit(&hands.message(0, 1, &shares[1])), Some(1));
    assert_eq!(culprit(&hands.message(0, 3, &shares[1])), Some(1));
    hands.message(0, 3, &shares[3]).expect("a share");
    hands.message(0, 2, &shares[2]).expect("a share");
    assert_eq!(culprit(&hands.message(0, 1, &ending_in(&quotients[0], &IDENTITY))), Some(1));
    hands.message(0, 1, &quotients[0]).expect("an X");
    assert_eq!(culprit(&hands.message(0, 1, &quotients[0])), Some(1));
    hands.message(0, 2, &quotients[1]).expect("an X");
    // The product of all X is not one: somebody's is wrong, and nobody is named.
    let wrong = hands.message(0, 3, &ending_in(&quotients[2], &generator()));
    let error = wrong.expect_err("a wrong product");
    assert_eq!((error.family(), error.culprit()), (Family::BadInput, None));
    let out = hands.message(0, 3, &quotients[2]).expect("an X");
    assert!(matches!(out.first(), Some(Action::Install(_))));
}

#[test]
fn bd_between_two_members_takes_no_x_but_the_identity() {
    let mut hands = Hands::new("bd", 2);
    let shares: Vec<Vec<u8>> = hands.begin(&afresh(2)).iter().flat_map(sent).collect();
    let quotient = bodies(&hands.message(1, 0, &shares[0]).expect("a share")).remove(0);
    assert!(quotient.ends_with(&IDENTITY));
    hands.message(0, 1, &shares[1]).expect("a share");
    assert_eq!(culprit(&hands.message(0, 1, &ending_in(&quotient, &generator()))), Some(1));
    let out = hands.message(0, 1, &quotient).expect("an X");
    assert!(matches!(out.first(), Some(Action::Install(_))));
}

#[test]
fn ckd_listens_to_the_controller_and_answers_once() {
    let mut hands = Hands::new("ckd", 3);
    let hello = hands.begin(&afresh(3)).iter().flat_map(sent).next().expect("a question");
    assert_eq!(culprit(&hands.message(1, 2, &hello)), Some(2));
    assert_eq!(culprit(&hands.message(1, 0, &ending_in(&hello, &IDENTITY))), Some(0));
    let answers: Vec<Vec<u8>> = (1..3)
        .map(|at| bodies(&hands.message(at, 0, &hello).expect("an answer")).remove(0))
        .collect();
    assert_eq!(culprit(&hands.message(1, 0, &hello)), Some(0));
    assert_eq!(culprit(&hands.message(2, 1, &answers[0])), Some(1));
    hands.message(0, 1, &answers[0]).expect("a share");
    assert_eq!(culprit(&hands.message(0, 1, &answers[0])), Some(1));
    let keys = bodies(&hands.message(0, 2, &answers[1]).expect("the keys")).remove(0);
    assert_eq!(culprit(&hands.message(1, 2, &keys)), Some(2));
    assert_eq!(culprit(&hands.message(2, 0, &ending_in(&keys, &IDENTITY))), Some(0));
    for at in 1..3 {
        let out = hands.message(at, 0, &keys).expect("the secret");
        assert!(matches!(out.first(), Some(Action::Install(_))));
        assert_eq!(culprit(&hands.message(at, 0, &keys)), Some(0));
    }
}

#[test]
fn str_compares_every_blinded_key_on_its_path() {
    let mut hands = Hands::new("str", 4);
    let classes: Vec<Vec<u8>> = hands.begin(&afresh(4)).iter().flat_map(sent).collect();
    let mut keys = Vec::new();
    for at in 0..4 {
        for from in (0..4).filter(|from| *from != at) {
            let out = hands.message(at, from, &classes[from as usize]).expect("a class");
            keys.extend(bodies(&out));
            assert_eq!(culprit(&hands.message(at, from, &classes[from as usize])), Some(from));
        }
    }
    let [keys] = keys.as_slice() else { panic!("one member shows keys") };
    // The last key is that of level 3: two members compute it, the one on top starts from it.
    let wrong = ending_in(keys, &generator());
    for at in 1..3 {
        assert_eq!(culprit(&hands.message(at, 0, &wrong)), Some(0));
    }
    for at in 1..4 {
        let other = at % 3 + 1;
        assert_eq!(culprit(&hands.message(at, other, keys)), Some(other));
        let out = hands.message(at, 0, keys).expect("the secret");
        assert!(matches!(out.first(), Some(Action::Install(_))));
        assert_eq!(culprit(&hands.message(at, 0, keys)), Some(0));
    }
}

#[test]
fn str_keeps_keys_that_come_before_a_class() {
    let mut hands = Hands::new("str", 4);
    let classes: Vec<Vec<u8>> = hands.begin(&afresh(4)).iter().flat_map(sent).collect();
    let mut keys = Vec::new();
    for from in 1..4 {
        keys.extend(bodies(&hands.message(0, from, &classes[from as usize]).expect("a class")));
    }
    assert_eq!(culprit(&hands.message(1, 0, &keys[0])), Some(0), "not before the base");
    hands.message(1, 0, &classes[0]).expect("the base");
    assert!(hands.message(1, 0, &keys[0]).expect("the keys").is_empty());
    hands.message(1, 2, &classes[2]).expect("a class");
    let out = hands.message(1, 3, &classes[3]).expect("a class");
    assert!(matches!(out.first(), Some(Action::Install(_))));
}

#[test]
fn str_compares_what_a_sponsor_tells_of_its_own_class() {
    let class = |members: Vec<u32>| Class { members, left: Vec::new() };
    let view = |numbers: &[u32]| numbers.iter().copied().map(Network::member).collect();
    let (mut hands, mut others) = (Hands::new("str", 2), Hands::new("str", 2));
    hands.agree(&ViewChange::afresh(0, view(&[0, 1])).expect("a change"));
    others.agree(&ViewChange::afresh(0, view(&[2, 3])).expect("a change"));
    hands.instances.append(&mut others.instances);
    let classes = vec![class(vec![0, 1]), class(vec![2, 3])];
    let change = ViewChange::new(0, view(&[0, 1, 2, 3]), classes).expect("a change");
    let told: Vec<Vec<Vec<u8>>> = hands.begin(&change).iter().map(sent).collect();
    // The base's top and the other class's bottom tell; the last share is that of member 3.
    let [[], [base], [other], []] = [0, 1, 2, 3].map(|at: usize| told[at].as_slice()) else {
        panic!("other members tell of their classes: {told:?}");
    };
    assert_eq!(culprit(&hands.message(3, 2, &ending_in(other, &generator()))), Some(2));
    assert_eq!(culprit(&hands.message(3, 2, base)), Some(2));
    assert_eq!(culprit(&hands.message(0, 2, base)), Some(2));
    hands.message(3, 2, other).expect("a class");
    hands.message(3, 1, base).expect("the base");
    assert_eq!(culprit(&hands.message(3, 0, base)), Some(0));
    hands.agree(&change);
}

#[test]
fn a_share_serves_one_change() {
    for name in ["bd", "ckd", "str"] {
        let mut hands = Hands::new(name, 2);
        let offer =
            |hands: &mut Hands| match hands.give(1, Input::Offer).expect("an offer").remove(0) {
                Action::Offer(body) => body,
                other => panic!("{other:?} is no offer"),
            };
        let with = |body: Vec<u8>| {
            let change = afresh(2).seen_by(1).expect("a position");
            let change = change.with_shares(vec![Share { member: 1, body }]).expect("a share");
            Input::Change(Arc::new(change))
        };
        let (first, second) = (offer(&mut hands), offer(&mut hands));
        let is_bad = |result| matches!(result, Err(Error::BadChange(_)));
        assert!(is_bad(hands.give(1, with(first))), "{name}: an offer replaces an earlier one");
        hands.give(1, with(second.clone())).expect("the change");
        assert!(is_bad(hands.give(1, with(second))), "{name}: it was used");
        // A change without the share gives it up as well.
        let third = offer(&mut hands);
        let without = afresh(2).seen_by(1).expect("a position");
        hands.give(1, Input::Change(Arc::new(without))).expect("the change");
        assert!(is_bad(hands.give(1, with(third))), "{name}: it was given up");
    }
}

/// Any members' shares may travel with a change; those of others are then sent as ever.
#[test]
fn some_shares_travel_ahead_and_others_do_not() {
    for name in ["bd", "ckd", "str"] {
        for bits in 0..32 {
            let mut hands = Hands::new(name, 5);
            let shares = hands.shares(4, bits & 15);
            let ahead = shares.len();
            let messages = hands.agree(&afresh(4).with_shares(shares).expect("shares"));
            // Those with a share ahead send one message less: to ckd and str the base's counts not.
            let others = 4 - ahead - usize::from(name != "bd" && bits & 1 == 0);
            let rest = match name {
                "bd" => 4,
                _ if others == 0 => 1,
                _ => 2,
            };
            assert_eq!(messages, others + rest, "{name}, {bits:05b}");
            // One comes while the class of the others goes on, the second by seniority gone.
            hands.instances.remove(1);
            let members = [0, 2, 3, 4].map(Network::member).to_vec();
            let left = vec![Network::member(1).id];
            let base = Class { members: vec![0, 1, 2], left };
            let classes = vec![base, Class { members: vec![3], left: Vec::new() }];
            let change = ViewChange::new(0, members, classes).expect("a change");
            let shares = hands.shares(4, bits >> 1);
            hands.agree(&change.with_shares(shares).expect("shares"));
        }
    }
}

#[test]
fn a_foreign_share_that_is_no_element_names_its_sender() {
    // Each case: the module, and a member that computes with the share of member 1.
    for (name, at) in [("bd", 0), ("ckd", 0), ("str", 0)] {
        for body in [vec![], vec![1; 31], vec![0xff; 32], IDENTITY.to_vec()] {
            let mut hands = Hands::new(name, 2);
            let share = Share { member: 1, body };
            let change = afresh(2).with_shares(vec![share]).expect("a share");
            let result = hands.give(at, Input::Change(Arc::new(change)));
            assert_eq!(culprit(&result), Some(1), "{name}");
        }
    }
}
