//! Random traces of a VS group in which every property holds: members send and deliver as they may,
//! views split, merge, lose members and win new ones.
//!
//! The rules are those of the properties turned round: a message is delivered when all that it
//! causally follows is; agreed and safe ones in the order in which they were sent; and when a view
//! ends, those who go on together deliver all that one of them has, or that somebody may count on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub(crate) type Member = usize;

/// A small generator of random numbers (xorshift64*), so that a seed gives the same trace for ever.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % bound
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

struct Message {
    id: String,
    sender: Member,
    service: &'static str,
    past: BTreeSet<usize>,
}

impl Message {
    fn is_ordered(&self) -> bool {
        matches!(self.service, "agreed" | "safe")
    }

    fn is_safe(&self) -> bool {
        self.service == "safe"
    }
}

/// One view under way.
struct View {
    id: String,
    members: Vec<Member>,
    messages: Vec<Message>,
    delivered: BTreeMap<Member, BTreeSet<usize>>,
    /// Safe messages that somebody delivered before the signal, and all they follow.
    counted_on: BTreeSet<usize>,
}

pub(crate) struct Generator {
    pub(crate) random: Random,
    trace: String,
    sent: BTreeMap<Member, u32>,
    epoch: u32,
    next_member: Member,
}

/// A trace, one line an event.
pub(crate) fn generate(seed: u64) -> String {
    let mut generator = Generator {
        random: Random::new(seed),
        trace: String::new(),
        sent: BTreeMap::new(),
        epoch: 0,
        next_member: 4,
    };
    let mut views = vec![generator.install(&[vec![0], vec![1], vec![2], vec![3]])];
    for _ in 0..3 {
        let mut parts = Vec::new();
        for view in views {
            parts.extend(generator.live(view));
        }
        views = generator.regroup(parts);
    }
    for view in views {
        generator.live(view);
    }
    generator.trace
}

impl Generator {
    fn put(&mut self, member: Member, event: &str, rest: &str) {
        let comma = if rest.is_empty() { "" } else { "," };
        writeln!(
            self.trace,
            r#"{{"time_us":0,"member":"m{member}","group":"g","event":"{event}"{comma}{rest}}}"#
        )
        .unwrap();
    }

    /// Everybody's view is the union of these sets of members that come together.
    fn install(&mut self, parts: &[Vec<Member>]) -> View {
        self.epoch += 1;
        let names = |members: &[Member]| {
            members.iter().map(|member| format!("\"m{member}\"")).collect::<Vec<_>>().join(",")
        };
        let members = parts.concat();
        let id = format!("v{}", self.epoch);
        for part in parts {
            for member in part {
                let rest = format!(
                    r#""view":"{id}","order":[{},0],"members":[{}],"transitional":[{}]"#,
                    self.epoch,
                    names(&members),
                    names(part)
                );
                self.put(*member, "view", &rest);
            }
        }
        let delivered = members.iter().map(|member| (*member, BTreeSet::new())).collect();
        View { id, members, messages: Vec::new(), delivered, counted_on: BTreeSet::new() }
    }

    /// Runs a view to its end; returns who goes on together.
    fn live(&mut self, mut view: View) -> Vec<Vec<Member>> {
        for _ in 0..6 + self.random.below(12) {
            let member = self.random.pick(&view.members);
            match self.random.below(3) {
                0 => self.send(&mut view, member),
                _ => self.deliver_one(&mut view, member),
            }
        }
        let mut parts = vec![Vec::new(); 1 + self.random.below(2)];
        for member in view.members.clone() {
            match self.random.below(8) {
                0 => self.put(member, "crash", ""),
                1 => self.put(member, "leave", ""),
                _ => {
                    let number = self.random.below(parts.len());
                    parts[number].push(member);
                }
            }
        }
        parts.retain(|part| !part.is_empty());
        for part in &parts {
            self.end(&mut view, part);
        }
        parts
    }

    fn send(&mut self, view: &mut View, member: Member) {
        let number = self.sent.entry(member).or_default();
        *number += 1;
        let id = format!("m{member}#{number}");
        let service = self.random.pick(&["fifo", "causal", "agreed", "agreed", "safe"]);
        let rest = format!(r#""message":"{id}","view":"{}","service":"{service}""#, view.id);
        self.put(member, "send", &rest);
        let mut past = view.delivered[&member].clone();
        past.extend((0..view.messages.len()).filter(|m| view.messages[*m].sender == member));
        let all: Vec<_> = past.iter().flat_map(|m| view.messages[*m].past.clone()).collect();
        past.extend(all);
        view.messages.push(Message { id, sender: member, service, past });
    }

    fn deliver_one(&mut self, view: &mut View, member: Member) {
        let has = &view.delivered[&member];
        let may = |number: usize, message: &Message| {
            let earlier = |m: &usize| view.messages[*m].is_ordered() && !has.contains(m);
            !has.contains(&number)
                && message.past.is_subset(has)
                && !(message.is_ordered() && (0..number).any(|m| earlier(&m)))
        };
        let all = view.messages.iter().enumerate();
        let may: Vec<usize> = all.filter(|(n, m)| may(*n, m)).map(|(n, _)| n).collect();
        if may.is_empty() {
            return;
        }
        let number = self.random.pick(&may);
        if view.messages[number].is_safe() {
            view.counted_on.insert(number);
            view.counted_on.extend(view.messages[number].past.clone());
            // What stands before it in the agreed order comes with it.
            for earlier in (0..number).filter(|m| view.messages[*m].is_ordered()) {
                view.counted_on.insert(earlier);
                view.counted_on.extend(view.messages[earlier].past.clone());
            }
        }
        self.deliver(view, member, number);
    }

    fn deliver(&mut self, view: &mut View, member: Member, number: usize) {
        let Message { id, sender, service, .. } = &view.messages[number];
        let rest = format!(
            r#""message":"{id}","view":"{}","from":"m{sender}","service":"{service}""#,
            view.id
        );
        self.put(member, "message", &rest);
        view.delivered.get_mut(&member).unwrap().insert(number);
    }

    /// The signal, and what those who go on together deliver after it.
    fn end(&mut self, view: &mut View, part: &[Member]) {
        let mut all = view.counted_on.clone();
        for member in part {
            all.extend(view.delivered[member].clone());
        }
        all.extend((0..view.messages.len()).filter(|m| part.contains(&view.messages[*m].sender)));
        let past: Vec<_> = all.iter().flat_map(|m| view.messages[*m].past.clone()).collect();
        all.extend(past);
        // Safe messages that one of them delivered before the signal, all do.
        let mut before = BTreeSet::new();
        for number in &view.counted_on {
            before.insert(*number);
            before.extend(view.messages[*number].past.clone());
        }
        for member in part {
            for number in before.clone() {
                if !view.delivered[member].contains(&number) {
                    self.deliver(view, *member, number);
                }
            }
            self.put(*member, "transitional", &format!(r#""view":"{}""#, view.id));
            for number in all.clone() {
                if !view.delivered[member].contains(&number) {
                    self.deliver(view, *member, number);
                }
            }
        }
    }

    /// Parts come together in new views, perhaps with somebody new.
    fn regroup(&mut self, mut parts: Vec<Vec<Member>>) -> Vec<View> {
        if parts.len() < 3 || self.random.below(3) == 0 {
            parts.push(vec![self.next_member]);
            self.next_member += 1;
        }
        let cut = 1 + self.random.below(parts.len());
        let (first, second) = parts.split_at(cut);
        let groups = [first.to_vec(), second.to_vec()];
        let groups = groups.into_iter().filter(|parts| !parts.is_empty());
        groups.collect::<Vec<_>>().iter().map(|parts| self.install(parts)).collect()
    }
}
