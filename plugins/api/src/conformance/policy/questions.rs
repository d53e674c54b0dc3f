//! What policies are asked: the ordinary, the extreme, and whatever lies beside a value of the
//! options.

use super::Question;
use crate::{
    Claim, Component, JoinRequest, KeyUse, MAX_EVIDENCE, MAX_MEMBER_ID, Member, MemberId, Options,
    Random, Secret, TOKEN_LEN, Used, Value,
};
use std::collections::BTreeSet;

/// How many strangers ask to join.
const STRANGERS: u64 = 24;

pub(super) struct Questions {
    /// The strangers' first.
    pub(super) requests: Vec<JoinRequest>,
    pub(super) usages: Vec<KeyUse>,
    pub(super) components: Vec<Component>,
    /// The figures that usages are made of, growing.
    figures: Vec<u64>,
}

impl Questions {
    pub(super) fn new(
        options: &Options,
        mut requests: Vec<JoinRequest>,
        more: &[JoinRequest],
    ) -> Self {
        requests.extend_from_slice(more);
        let figures = figures(options);
        let usages = usages(&figures);
        Self { requests, usages, components: components(), figures }
    }

    /// All, with those about what parts claim of members.
    pub(super) fn all(&self, claims: &[Claim]) -> Vec<Question> {
        let joins = self.requests.iter().cloned();
        joins
            .clone()
            .map(Question::Admit)
            .chain(joins.clone().map(Question::Uses))
            .chain(claims.iter().cloned().map(Question::MayStay))
            .chain(claims.iter().cloned().map(Question::Proven))
            .chain(joins.map(Question::MaySend))
            .chain(self.usages.iter().copied().map(Question::Rekey))
            .chain(self.components.iter().copied().map(Question::MayContinue))
            .chain([Question::History])
            .collect()
    }

    /// `usage` with one of its figures the next larger.
    pub(super) fn next_usages(&self, usage: &KeyUse) -> Vec<KeyUse> {
        let next = |figure: u64| {
            let index = self.figures.partition_point(|other| *other <= figure);
            self.figures.get(index).copied().unwrap_or(u64::MAX)
        };
        vec![
            KeyUse { age_ms: next(usage.age_ms), ..*usage },
            KeyUse { sealed_bytes: next(usage.sealed_bytes), ..*usage },
            KeyUse { sealed_messages: next(usage.sealed_messages), ..*usage },
        ]
    }
}

/// Joins of members that nobody can have heard of, with evidence that proves nothing, at all times.
pub(super) fn strangers() -> Vec<JoinRequest> {
    let mut random = Random::new(&Secret::derive("cenacle policy suite strangers v1", b""));
    let mut public_key = || {
        let mut key = [0; 32];
        random.fill(&mut key);
        key
    };
    let evidence = [vec![], vec![0], vec![0xff; MAX_EVIDENCE], b"{}".to_vec(), vec![0xa0; 100]];
    let times = [0, 1, 1_700_000_000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
    let names = [vec![1], vec![0; MAX_MEMBER_ID], vec![0xff; MAX_MEMBER_ID], b"a\n\"\0".to_vec()];
    let combined = evidence.iter().cycle().zip(times.iter().cycle()).zip(names.iter().cycle());
    (0..STRANGERS)
        .zip(combined)
        .filter_map(|(number, ((evidence, time_s), name))| {
            let public_key = match number {
                0 => [0; 32],
                1 => [0xff; 32],
                _ => public_key(),
            };
            let member = Member { id: MemberId::new(name).ok()?, public_key };
            // Groups in which nothing, something and something of the stranger's own has been used.
            let by = if number % 3 == 1 { public_key } else { [7; 32] };
            let used = Used { token: [number.to_le_bytes()[0]; TOKEN_LEN], by, present: false };
            Some(JoinRequest {
                overlay: if number % 2 == 0 { "lab" } else { "" }.to_owned(),
                group: if number % 3 == 0 { "\u{e9}\0\n" } else { "" }.to_owned(),
                member,
                evidence: evidence.clone(),
                time_s: *time_s,
                used: if number % 3 == 0 { Vec::new() } else { vec![used] },
            })
        })
        .collect()
}

/// Small and huge figures, and those beside each number and duration among the options.
fn figures(options: &Options) -> Vec<u64> {
    let numbers = options.iter().filter_map(|(name, value)| match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Text(_) => u64::try_from(options.duration(name)?.as_millis()).ok(),
        _ => None,
    });
    let round = [0, 1, 1 << 10, 1 << 20, 1 << 32, 1 << 45, 1 << 63, u64::MAX];
    let beside = |n: u64| [n.saturating_sub(1), n, n.saturating_add(1)];
    numbers.flat_map(beside).chain(round).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every combination of figures while they are few; else each figure in each place, with the other
/// places at their ends.
fn usages(figures: &[u64]) -> Vec<KeyUse> {
    const FEW: usize = 24;
    let usage =
        |age_ms, sealed_bytes, sealed_messages| KeyUse { age_ms, sealed_bytes, sealed_messages };
    let pairs = |figures: &[u64]| -> Vec<(u64, u64)> {
        figures.iter().flat_map(|one| figures.iter().map(|two| (*one, *two))).collect()
    };
    if figures.len() <= FEW {
        let pairs = pairs(figures);
        let all = |one: u64| pairs.iter().map(move |(two, three)| usage(one, *two, *three));
        return figures.iter().copied().flat_map(all).collect();
    }
    let ends = pairs(&[0, u64::MAX]);
    let places = |n: u64| {
        ends.iter().flat_map(move |(a, b)| [usage(n, *a, *b), usage(*a, n, *b), usage(*a, *b, n)])
    };
    figures.iter().copied().flat_map(places).collect()
}

/// All small components, contradictory ones among them, and large ones about their halves.
fn components() -> Vec<Component> {
    let small = (0..=16).flat_map(|last| (0..=18).map(move |present| (last, present)));
    let large = [1 << 12, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX].into_iter().flat_map(
        |last: u32| {
            let half = last / 2;
            [0, 1, half - 1, half, half + 1, last - 1, last, u32::MAX].map(|p| (last, p))
        },
    );
    small.chain(large).map(|(last_primary, present)| Component { last_primary, present }).collect()
}
