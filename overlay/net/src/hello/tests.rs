//! The handshake, played between two machines.

use super::*;
use crate::admission::Psk;
use std::collections::BTreeSet;

fn entry(admission: &Admission, overlay: &str) -> Entry {
    Entry::new(admission, overlay)
}

fn psk(byte: u8) -> Admission {
    Admission::Psk(Psk::new(&mut [byte; 32]))
}

fn ours(role: Role, incarnation: u64) -> Ours {
    let (key, peer_key) = match role {
        Role::Initiator => ([1; 32], [2; 32]),
        Role::Responder => ([2; 32], [1; 32]),
    };
    Ours {
        role,
        key,
        peer_key,
        nonce: [u8::try_from(incarnation).unwrap(); 32],
        incarnation,
        instance: [9; 16],
        record: vec![5; 10],
    }
}

/// Plays a handshake to its end; all messages, and what each side came to.
struct Played {
    messages: Vec<Vec<u8>>,
    initiator: Option<Result<Introduced, Refused>>,
    responder: Option<Result<Introduced, Refused>>,
}

fn play(
    initiator: &Entry,
    responder: &Entry,
    mut touch: impl FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> Played {
    let (mut a, first) = Handshake::new(initiator, ours(Role::Initiator, 7));
    let (mut b, none) = Handshake::new(responder, ours(Role::Responder, 8));
    assert!(none.is_none());
    let mut played = Played { messages: Vec::new(), initiator: None, responder: None };
    let (mut next, mut to_b) = (first, true);
    while let Some(message) = next.take() {
        played.messages.push(message.clone());
        let message = touch(played.messages.len() - 1, message);
        let side = if to_b { &mut b } else { &mut a };
        let step = side.receive(&message, |_| Ok(()));
        let outcome = if to_b { &mut played.responder } else { &mut played.initiator };
        match step {
            Ok(Step::Send(message)) => next = Some(message),
            Ok(Step::Done(last, introduced)) => {
                *outcome = Some(Ok(introduced));
                next = last;
            }
            Err(refused) => {
                *outcome = Some(Err(refused));
                if message.first() != Some(&255) {
                    next = Some(refusal(refused));
                }
            }
        }
        to_b = !to_b;
    }
    played
}

fn untouched(_: usize, message: Vec<u8>) -> Vec<u8> {
    message
}

#[test]
fn those_who_belong_together_learn_who_the_other_is() {
    let list = Admission::Allowlist(BTreeSet::new());
    for admission in [psk(3), list, Admission::Open] {
        let entry = entry(&admission, "lab");
        let played = play(&entry, &entry, untouched);
        let (a, b) = (played.initiator.unwrap().unwrap(), played.responder.unwrap().unwrap());
        assert_eq!((a.incarnation, b.incarnation), (8, 7));
        assert_eq!((a.version, b.version), (1, 1));
        assert_eq!((a.record.len(), b.instance), (10, [9; 16]));
        assert_eq!(played.messages.len(), 6);
    }
}

#[test]
fn another_secret_learns_nothing_but_versions_and_a_nonce() {
    let (right, wrong) = (entry(&psk(3), "lab"), entry(&psk(4), "lab"));
    // A stranger who dials: a greeting and a refusal are all it gets.
    let played = play(&wrong, &right, untouched);
    assert_eq!(played.responder, Some(Err(Refused::Admission)));
    assert_eq!(played.initiator, Some(Err(Refused::Admission)));
    assert_eq!(played.messages.len(), 4);
    assert_eq!(played.messages[1].len(), 1 + 8 + 3 + 32 + 32);
    assert_eq!(played.messages[1][12..44], [0; 32], "no tag of the overlay");
    assert_eq!(played.messages[3].len(), 2);
    // A stranger who is dialled: the proof alone, which is worth nothing without the secret.
    let (mut honest, first) = Handshake::new(&right, ours(Role::Initiator, 7));
    let (mut stranger, _) = Handshake::new(&wrong, ours(Role::Responder, 8));
    let Ok(Step::Send(greeting)) = stranger.receive(&first.unwrap(), |_| Ok(())) else { panic!() };
    let Ok(Step::Send(proof)) = honest.receive(&greeting, |_| Ok(())) else { panic!() };
    assert_eq!(proof.len(), 33);
    assert_eq!(stranger.receive(&proof, |_| Ok(())), Err(Refused::Admission));
    // It goes on all the same, with an introduction of its own making.
    let forged = stranger.introduction(None);
    assert_eq!(honest.receive(&forged, |_| panic!("judged")), Err(Refused::Admission));
}

#[test]
fn overlays_and_kinds_of_admission_do_not_mix() {
    let list = Admission::Allowlist(BTreeSet::new());
    let kinds = [psk(3), list, Admission::Open];
    for (i, a) in kinds.iter().enumerate() {
        for (j, b) in kinds.iter().enumerate() {
            let (same, other) = (entry(a, "lab"), entry(b, "lab"));
            let played = play(&same, &other, untouched);
            let met = played.responder.unwrap().is_ok();
            assert_eq!(met, i == j, "{a:?} with {b:?}");
        }
        let expected = if i == 0 { Refused::Admission } else { Refused::Overlay };
        let played = play(&entry(a, "lab"), &entry(a, "bal"), untouched);
        assert_eq!(played.responder, Some(Err(expected)));
    }
}

#[test]
fn a_message_that_was_touched_is_noticed() {
    let entry = entry(&psk(3), "lab");
    let whole = play(&entry, &entry, untouched);
    for turn in 0..whole.messages.len() {
        for at in 0..whole.messages[turn].len() {
            let played = play(&entry, &entry, |n, mut message| {
                if n == turn {
                    message[at] ^= 1;
                }
                message
            });
            let both = (played.initiator, played.responder);
            // What is not under a MAC: the instance and record, which is signed, of introductions.
            let free =
                matches!(turn, 3 | 4) && (9..25).contains(&at) || matches!(turn, 3 | 4) && at >= 57;
            let fine = matches!(both, (Some(Ok(_)), Some(Ok(_))));
            assert!(!fine || free, "message {turn}, byte {at}");
        }
    }
}

#[test]
fn replays_prove_nothing() {
    let entry = entry(&psk(3), "lab");
    let heard = play(&entry, &entry, untouched);
    // The same responder with another nonce.
    let (mut again, _) = Handshake::new(&entry, ours(Role::Responder, 9));
    assert!(again.receive(&heard.messages[0], |_| Ok(())).is_ok());
    assert_eq!(again.receive(&heard.messages[2], |_| Ok(())), Err(Refused::Admission));
    // One's own proof sent back.
    let (mut mirror, first) = Handshake::new(&entry, ours(Role::Initiator, 9));
    let Ok(Step::Send(proof)) = mirror.receive(&first.unwrap(), |_| Ok(())) else { panic!() };
    assert_eq!(mirror.receive(&proof, |_| Ok(())), Err(Refused::Malformed));
}

#[test]
fn versions_are_negotiated_or_refused_by_name() {
    let entry = entry(&psk(3), "lab");
    let greet = |lowest, highest| {
        let greeting = Message::Greeting(Greeting {
            versions: (lowest, highest),
            kind: 2,
            tag: [0; 32],
            nonce: [0; 32],
        });
        let (mut side, _) = Handshake::new(&entry, ours(Role::Responder, 8));
        let mut bytes = greeting.encode();
        // A later version's greeting may say more.
        bytes.push(77);
        side.receive(&bytes, |_| Ok(())).map(|_| side.version)
    };
    assert_eq!(greet(1, 1), Ok(1));
    assert_eq!(greet(1, 2), Ok(1), "the next version speaks this one too");
    assert_eq!(greet(0, 1), Ok(1), "this version speaks to the one before");
    let refused = greet(2, 3).unwrap_err();
    assert_eq!(refused, Refused::Version { lowest: 2, highest: 3 });
    assert!(refused.to_string().contains("versions 2 to 3"), "{refused}");
}

#[test]
fn who_is_judged_unfit_is_refused_by_both_roles() {
    let entry = entry(&psk(3), "lab");
    let heard = play(&entry, &entry, untouched);
    let (mut side, _) = Handshake::new(&entry, ours(Role::Responder, 8));
    for message in [&heard.messages[0], &heard.messages[2]] {
        assert!(side.receive(message, |_| panic!("too early")).is_ok());
    }
    let judge = |theirs: &Introduced| {
        assert_eq!(theirs.incarnation, 7);
        Err(Refused::Superseded)
    };
    assert_eq!(side.receive(&heard.messages[4], judge), Err(Refused::Superseded));
}

#[test]
fn garbage_never_panics() {
    let entry = entry(&psk(3), "lab");
    let mut random = 1_u64;
    for _ in 0..20_000 {
        let (mut side, _) = Handshake::new(&entry, ours(Role::Responder, 8));
        let message: Vec<u8> = (0..random % 120)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                (random >> 56).to_le_bytes()[0]
            })
            .collect();
        random = random.wrapping_add(1);
        assert!(side.receive(&message, |_| Ok(())).is_err());
    }
}
