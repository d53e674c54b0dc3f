//! Contexts differ when anything in them differs.

use crate::common::{member, random, signers};
use cenacle_plugin::Member;
use cenacle_secure::{EnvelopeError, KeyRing, MAX_CONTEXT_PART, Run, RunContext};
use std::collections::BTreeSet;

struct Parts {
    suite: String,
    group: Vec<u8>,
    view: Vec<u8>,
    members: Vec<Member>,
    charter: [u8; 32],
    number: u64,
}

impl Parts {
    fn new() -> Self {
        let signers = signers(3);
        let members = ["ab", "c", "d"]
            .iter()
            .zip(&signers)
            .map(|(name, signer)| member(name, *signer.public_key()))
            .collect();
        Self {
            suite: "suite".into(),
            group: b"group".to_vec(),
            view: b"view".to_vec(),
            members,
            charter: [1; 32],
            number: 1,
        }
    }

    fn context(&self) -> Result<RunContext, EnvelopeError> {
        let ring = KeyRing::new(&self.members)?;
        Run {
            suite: &self.suite,
            group: &self.group,
            view: &self.view,
            members: &ring,
            charter: &self.charter,
            number: self.number,
        }
        .context()
    }
}

#[test]
fn each_field_counts_and_no_boundary_moves() {
    let changes: &[fn(&mut Parts)] = &[
        |_| {},
        |parts| parts.suite = "suitf".into(),
        |parts| parts.group = b"groop".to_vec(),
        |parts| parts.view = b"viev".to_vec(),
        |parts| parts.charter[31] ^= 1,
        |parts| parts.number = 2,
        |parts| parts.number = 1 << 32,
        |parts| parts.members.swap(0, 1),
        |parts| parts.members.truncate(2),
        |parts| parts.members[0].id = member("aa", [0; 32]).id,
        |parts| parts.members[2].public_key = parts.members[1].public_key,
        // The same bytes in a row, cut elsewhere.
        |parts| (parts.suite, parts.group) = ("suiteg".into(), b"roup".to_vec()),
        |parts| (parts.suite, parts.group) = ("suit".into(), b"egroup".to_vec()),
        |parts| (parts.group, parts.view) = (b"grou".to_vec(), b"pview".to_vec()),
        |parts| (parts.group, parts.view) = (b"groupv".to_vec(), b"iew".to_vec()),
        |parts| (parts.suite, parts.view) = ("view".into(), b"suite".to_vec()),
    ];
    let mut bytes = BTreeSet::new();
    let mut tags = BTreeSet::new();
    for change in changes {
        let mut parts = Parts::new();
        change(&mut parts);
        let context = parts.context().unwrap();
        assert_eq!(context, parts.context().unwrap());
        bytes.insert(*context.as_bytes());
        tags.insert(context.tag());
    }
    assert_eq!(bytes.len(), changes.len());
    assert_eq!(tags.len(), changes.len());
}

/// The derivation as the documentation has it, built anew from plain bytes.
#[test]
fn the_derivation_is_the_documented_one() {
    fn string(parts: &[&[u8]]) -> Vec<u8> {
        parts.iter().flat_map(|part| [&(part.len() as u64).to_le_bytes(), *part].concat()).collect()
    }
    let parts = Parts::new();
    let list: Vec<&[u8]> = parts
        .members
        .iter()
        .flat_map(|member| [member.id.as_bytes(), member.public_key.as_slice()])
        .collect();
    let members = blake3::derive_key("cenacle key agreement members v1", &string(&list));
    let number = 1u64.to_be_bytes();
    let whole = string(&[b"suite", b"group", b"view", &members, &[1; 32], &number]);
    let context = parts.context().unwrap();
    assert_eq!(*context.as_bytes(), blake3::derive_key("cenacle key agreement v1", &whole));
    let tag = blake3::derive_key("cenacle key agreement run tag v1", context.as_bytes());
    assert_eq!(context.tag(), tag[..8]);
}

#[test]
fn parts_are_bounded() {
    let mut noise = vec![0; MAX_CONTEXT_PART + 1];
    random(9).fill(&mut noise);
    let refused = |change: &dyn Fn(&mut Parts), what: &'static str, got: usize| {
        let mut parts = Parts::new();
        change(&mut parts);
        assert_eq!(parts.context(), Err(EnvelopeError::BadPart { what, got }));
    };
    refused(&|parts| parts.suite.clear(), "suite's name", 0);
    refused(&|parts| parts.group.clear(), "group's name", 0);
    refused(&|parts| parts.view.clear(), "view's id", 0);
    refused(&|parts| parts.suite = "s".repeat(257), "suite's name", 257);
    refused(&|parts| parts.group = noise.clone(), "group's name", 257);
    refused(&|parts| parts.view = noise.clone(), "view's id", 257);
    let mut parts = Parts::new();
    parts.view = noise[1..].to_vec();
    assert!(parts.context().is_ok());
}
