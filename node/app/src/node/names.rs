//! The names that members go by: each says its own when it joins, and the group's record keeps them
//! for who comes later.

use bytes::Bytes;
use cenacle_core::{Candidate, MemberId, Part, Standing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most bytes of a name.
const MAX_NAME: usize = 64;
/// The most bytes of a record: a name that finds no room is left out, and its member goes by its
/// address. A record of the engine may have 64 KiB; the rest is for what else a group will remember.
const MAX_RECORD: usize = 30 << 10;
/// What a member and its name take in a record, besides the name.
const PLACE: usize = 84;

/// What a member says with its join; fields of later versions are passed over.
#[derive(Default, Serialize, Deserialize)]
struct Words {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What the group's table keeps.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    names: Vec<(MemberId, String)>,
}

/// A join cannot be read: whoever decides on it refuses it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Whether somebody can go by it: 1 to 64 bytes without control characters.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// What a member of this node says with its join.
pub(crate) fn words(name: Option<&str>) -> Bytes {
    match name {
        Some(name) => written(&Words { name: Some(name.to_owned()) }),
        None => Bytes::new(),
    }
}

/// The record with the candidate's name in it, and without those of members that have gone; none if
/// it stays as it is.
pub(crate) fn recorded(
    candidate: &Candidate<'_>,
    standing: &Standing<'_>,
) -> Result<Option<Bytes>, Unreadable> {
    let words: Words = match candidate.blob.is_empty() {
        true => Words::default(),
        false => read(candidate.blob).ok_or(Unreadable)?,
    };
    let Some(name) = words.name else { return Ok(None) };
    if !is_name(&name) {
        return Err(Unreadable);
    }
    let mut names = of_record(standing.record);
    names.retain(|member, _| standing.members.contains(member));
    names.insert(candidate.member, name);
    Ok(Some(record(names)))
}

/// All the names of the records of a group's parts.
pub(crate) fn merged(parts: &[Part<'_>]) -> Bytes {
    record(parts.iter().flat_map(|part| of_record(part.record)).collect())
}

/// The names in a record that some member wrote: what cannot be read has none.
pub(crate) fn of_record(record: &Bytes) -> BTreeMap<MemberId, String> {
    let record: Record = read(record).unwrap_or_default();
    record.names.into_iter().filter(|(_, name)| is_name(name)).collect()
}

fn record(names: BTreeMap<MemberId, String>) -> Bytes {
    let mut room = MAX_RECORD;
    let fits = |(_, name): &(MemberId, String)| match room.checked_sub(PLACE + name.len()) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    };
    written(&Record { names: names.into_iter().filter(fits).collect() })
}

fn read<T: serde::de::DeserializeOwned>(bytes: &Bytes) -> Option<T> {
    ciborium::de::from_reader_with_recursion_limit(bytes.as_ref(), 8).ok()
}

fn written<T: Serialize>(value: &T) -> Bytes {
    let mut bytes = Vec::new();
    // Into memory, of types that have a form: it does not fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle_core::NodeId;

    fn member(number: u32) -> MemberId {
        MemberId { node: NodeId { key: [0xab; 32], incarnation: u64::MAX }, local: number }
    }

    fn join(
        number: u32,
        blob: &Bytes,
        record: &Bytes,
        members: &[MemberId],
    ) -> Result<Option<Bytes>, Unreadable> {
        let (group, none) = ("ops".parse().unwrap(), Bytes::new());
        let candidate = Candidate {
            group: &group,
            member: member(number),
            charter: &none,
            blob,
            stamped_at: 0,
        };
        recorded(&candidate, &Standing { charter: &none, record, members })
    }

    #[test]
    fn names_are_kept_while_their_members_stay() {
        let none = Bytes::new();
        let first = join(1, &words(Some("Ada")), &none, &[]).unwrap().unwrap();
        let both = join(2, &words(Some("Grace")), &first, &[member(1)]).unwrap().unwrap();
        assert_eq!(of_record(&both).into_values().collect::<Vec<_>>(), ["Ada", "Grace"]);
        let later = join(3, &words(Some("Ada")), &both, &[member(2)]).unwrap().unwrap();
        let names: Vec<_> = of_record(&later).into_iter().collect();
        assert_eq!(names, [(member(2), "Grace".to_owned()), (member(3), "Ada".to_owned())]);
        assert_eq!(join(4, &words(None), &later, &[member(2)]), Ok(None), "nothing to say");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let none = Bytes::new();
        for name in ["", "two\nlines", "\u{1b}[2J", &"x".repeat(65)] {
            assert_eq!(join(1, &words(Some(name)), &none, &[]), Err(Unreadable), "{name:?}");
        }
        let garbage = Bytes::from_static(&[0xff; 40]);
        assert_eq!(join(1, &garbage, &none, &[]), Err(Unreadable));
        assert_eq!(join(1, &words(Some("Ada")), &garbage, &[]).map(|_| ()), Ok(()));
        assert!(of_record(&garbage).is_empty());
    }

    #[test]
    fn parts_that_merge_keep_their_names_and_a_record_has_an_end() {
        let one = record([(member(1), "Ada".to_owned())].into());
        let other = record([(member(2), "Grace".to_owned())].into());
        let parts = [&one, &other].map(|record| Part { record, members: Vec::new() });
        assert_eq!(of_record(&merged(&parts)).len(), 2);
        let many = (0..5_000).map(|number| (member(number), "x".repeat(64))).collect();
        let full = record(many);
        assert!(full.len() <= MAX_RECORD && of_record(&full).len() > 200, "{}", full.len());
    }
}
