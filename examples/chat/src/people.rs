//! Who is who: names are what people say of themselves, keys are who they are.

use crate::text;
use cenacle::{MemberId, PeerId};
use std::collections::{BTreeMap, BTreeSet};

/// So many digits of a peer id are shown, from its end: enough to tell people apart that did not
/// try to look alike, and `/who` shows all.
const SHOWN_DIGITS: usize = 6;
/// So many names are remembered; beyond, each is shown with its peer id.
const MOST_NAMES: usize = 10_000;

/// How many colours there are that nobody takes for one another.
pub(crate) const HUES: usize = 5;

/// The names that have been used in the group since we came.
#[derive(Debug, Default)]
pub(crate) struct People {
    own: Option<MemberId>,
    names: BTreeMap<MemberId, String>,
    /// Who has used what looks like this name.
    users: BTreeMap<String, BTreeSet<[u8; 32]>>,
    /// Which colour each has.
    hues: BTreeMap<[u8; 32], usize>,
}

impl People {
    /// This is us.
    pub(crate) fn set_own(&mut self, own: MemberId) {
        self.own = Some(own);
    }

    pub(crate) fn is_own(&self, member: MemberId) -> bool {
        self.own == Some(member)
    }

    /// Takes in what the members of a view go by. Names that a second person uses from now on are
    /// returned: they are shown with the peer id from here.
    pub(crate) fn learn(&mut self, names: &BTreeMap<MemberId, String>) -> Vec<String> {
        let mut doubled = BTreeSet::new();
        for (member, name) in names {
            let (clean, skeleton) = (text::name(name), skeleton(name));
            if self.users.len() < MOST_NAMES || self.users.contains_key(&skeleton) {
                let users = self.users.entry(skeleton).or_default();
                if users.len() < 2 && users.insert(member.node.key) && users.len() == 2 {
                    doubled.insert(clean.clone());
                }
            }
            self.names.insert(*member, clean);
        }
        doubled.into_iter().collect()
    }

    /// Forgets those who are in neither of two views.
    pub(crate) fn keep(&mut self, members: &BTreeSet<MemberId>) {
        self.names.retain(|member, _| members.contains(member));
    }

    /// Gives those who have no colour yet one that nobody else here has, while there are some; who
    /// has one keeps it.
    pub(crate) fn dress(&mut self, members: &[MemberId]) {
        for member in members {
            let key = member.node.key;
            if self.hues.len() >= MOST_NAMES || self.hues.contains_key(&key) {
                continue;
            }
            let of_key = hashed(&key);
            let taken: BTreeSet<usize> = members
                .iter()
                .filter_map(|other| self.hues.get(&other.node.key).copied())
                .collect();
            let free = (0..HUES).map(|step| of_key.wrapping_add(step) % HUES);
            let hue = free.into_iter().find(|hue| !taken.contains(hue)).unwrap_or(of_key);
            self.hues.insert(key, hue);
        }
    }

    /// The number of a member's colour.
    pub(crate) fn hue(&self, member: MemberId) -> usize {
        let key = member.node.key;
        self.hues.get(&key).copied().unwrap_or_else(|| hashed(&key))
    }

    /// How a member is called: by its name if nobody else uses it, with its peer id otherwise.
    pub(crate) fn label(&self, member: MemberId) -> String {
        let you = if self.is_own(member) { " (you)" } else { "" };
        let short = short(member);
        match self.names.get(&member) {
            Some(name) if self.is_alone_with(member, name) => format!("{name}{you}"),
            Some(name) => format!("{name} {short}{you}"),
            None => format!("{short}{you}"),
        }
    }

    /// The member's name, if it has said one.
    pub(crate) fn name(&self, member: MemberId) -> Option<&str> {
        self.names.get(&member).map(String::as_str)
    }

    fn is_alone_with(&self, member: MemberId, name: &str) -> bool {
        // Whoever calls himself as we mark ourselves wants to be taken for us.
        let forged = name.to_lowercase().contains("you)") || skeleton(name) == "you";
        let users = self.users.get(&skeleton(name));
        let alone = users.is_some_and(|users| users.len() == 1);
        // An earlier life of the same person, that the others have not missed yet.
        let lives = self.names.iter().filter(|(id, _)| id.node.key == member.node.key).count();
        alone && !forged && lives < 2
    }
}

/// The colour that a person has where nobody is in the way.
fn hashed(key: &[u8; 32]) -> usize {
    key.iter().fold(0, |sum, byte| (sum * 31 + usize::from(*byte)) % HUES)
}

/// What is left of a name for a careless eye.
fn skeleton(name: &str) -> String {
    let letters: String = name.chars().filter(|point| point.is_alphanumeric()).collect();
    if letters.is_empty() { name.to_owned() } else { letters.to_lowercase() }
}

/// The member's peer id, as `cenacle id` prints it.
pub(crate) fn peer_id(member: MemberId) -> String {
    // An Ed25519 key in libp2p's encoding, behind the mark of a hash that is the thing itself.
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend(member.node.key);
    PeerId::from_bytes(&bytes).map_or_else(|_| member.to_string(), |peer| peer.to_string())
}

/// The end of the peer id.
pub(crate) fn short(member: MemberId) -> String {
    let peer = peer_id(member);
    let from = peer.len().saturating_sub(SHOWN_DIGITS);
    format!("…{}", peer.get(from..).unwrap_or(&peer))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cenacle::NodeId;

    pub(crate) fn member(key: u8) -> MemberId {
        MemberId { node: NodeId { key: [key; 32], incarnation: 1 }, local: 0 }
    }

    fn learnt(names: &[(u8, &str)]) -> (People, Vec<String>) {
        let mut people = People::default();
        people.set_own(member(1));
        let names = names.iter().map(|(key, name)| (member(*key), (*name).to_owned())).collect();
        let doubled = people.learn(&names);
        (people, doubled)
    }

    #[test]
    fn two_of_one_name_are_told_apart() {
        let (people, doubled) = learnt(&[(1, "alice"), (2, "bob"), (3, "B.o.b")]);
        assert_eq!(people.label(member(1)), "alice (you)");
        assert_eq!(doubled, ["B.o.b"]);
        let (second, third) = (people.label(member(2)), people.label(member(3)));
        assert!(second.starts_with("bob …") && third.starts_with("B.o.b …"), "{second} {third}");
        assert_ne!(short(member(2)), short(member(3)));
    }

    #[test]
    fn whoever_used_a_name_first_is_remembered() {
        let (mut people, _) = learnt(&[(1, "alice"), (2, "bob")]);
        people.keep(&BTreeSet::from([member(1)]));
        let doubled = people.learn(&BTreeMap::from([(member(3), "bob".to_owned())]));
        assert_eq!(doubled, ["bob"]);
        assert!(people.label(member(3)).starts_with("bob …"));
    }

    #[test]
    fn nobody_passes_for_us() {
        for name in ["alice (you)", "You", "x (YOU)"] {
            let (people, _) = learnt(&[(2, name)]);
            assert!(people.label(member(2)).contains('…'), "{name}");
        }
    }

    #[test]
    fn colours_differ_while_there_are_some_and_stay() {
        let mut people = People::default();
        let all: Vec<MemberId> = (1..=9).map(member).collect();
        people.dress(&all[..3]);
        let first: Vec<usize> = all.iter().map(|member| people.hue(*member)).take(3).collect();
        people.dress(&all);
        let hues: BTreeSet<usize> = all[..HUES].iter().map(|member| people.hue(*member)).collect();
        assert_eq!(hues.len(), HUES);
        let again: Vec<usize> = all.iter().map(|member| people.hue(*member)).take(3).collect();
        assert_eq!(first, again);
        assert!(all.iter().all(|member| people.hue(*member) < HUES));
    }

    #[test]
    fn peer_ids_are_those_of_libp2p() {
        let peer = peer_id(member(7));
        assert!(peer.starts_with("12D3KooW") && peer.len() == 52, "{peer}");
        assert!(peer.ends_with(&short(member(7))[3..]));
    }
}
