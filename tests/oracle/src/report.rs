//! What the oracle found.

use std::fmt;

/// What a run owes. The thirteen of paper 004, section 3.1, and the check that a run settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// 1.
    SelfInclusion,
    /// 2.
    LocalMonotonicity,
    /// 3; in EVS groups, delivery in one and the same configuration.
    SendingViewDelivery,
    /// 4.
    DeliveryIntegrity,
    /// 5.
    NoDuplication,
    /// 6.
    SelfDelivery,
    /// 7.
    TransitionalSet,
    /// 8.
    VirtualSynchrony,
    /// 9.
    Fifo,
    /// 10.
    Causal,
    /// 11.
    Agreed,
    /// 12.
    Safe,
    /// 13.
    TransitionalSignal,
    /// Not in the paper's list, but its purpose: a secure view has one key, and no two have the same.
    Key,
    /// Not in the paper: at the end of a settled run everybody is in one view.
    Settled,
}

impl Property {
    /// All of them, in the paper's order.
    pub const ALL: [Self; 15] = [
        Self::SelfInclusion,
        Self::LocalMonotonicity,
        Self::SendingViewDelivery,
        Self::DeliveryIntegrity,
        Self::NoDuplication,
        Self::SelfDelivery,
        Self::TransitionalSet,
        Self::VirtualSynchrony,
        Self::Fifo,
        Self::Causal,
        Self::Agreed,
        Self::Safe,
        Self::TransitionalSignal,
        Self::Key,
        Self::Settled,
    ];

    /// The paper's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelfInclusion => "Self Inclusion",
            Self::LocalMonotonicity => "Local Monotonicity",
            Self::SendingViewDelivery => "Sending View Delivery",
            Self::DeliveryIntegrity => "Delivery Integrity",
            Self::NoDuplication => "No Duplication",
            Self::SelfDelivery => "Self Delivery",
            Self::TransitionalSet => "Transitional Set",
            Self::VirtualSynchrony => "Virtual Synchrony",
            Self::Fifo => "FIFO Delivery",
            Self::Causal => "Causal Delivery",
            Self::Agreed => "Agreed Delivery",
            Self::Safe => "Safe Delivery",
            Self::TransitionalSignal => "Transitional Signal",
            Self::Key => "One Key a View",
            Self::Settled => "Settled",
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// One place where a property does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What does not hold.
    pub property: Property,
    /// In which group.
    pub group: String,
    /// Who, which messages, which views.
    pub explanation: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (group {}): {}", self.property, self.group, self.explanation)
    }
}

/// The verdict on a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Lines read.
    pub events: u64,
    /// Different members with lines of their own.
    pub members: usize,
    /// Different views.
    pub views: usize,
    /// Different messages.
    pub messages: usize,
    /// Messages delivered, summed over all members.
    pub deliveries: u64,
    /// The first violations of each property, in the paper's order.
    pub violations: Vec<Violation>,
    /// How many there are, those included that are not explained.
    pub total: u64,
    counts: [u64; Property::ALL.len()],
}

impl Report {
    /// Every property holds.
    pub fn holds(&self) -> bool {
        self.total == 0
    }

    /// The properties that do not hold, in the paper's order.
    pub fn broken(&self) -> Vec<Property> {
        Property::ALL.into_iter().filter(|property| self.count(*property) > 0).collect()
    }

    /// How often a property does not hold. One violation may stand for several messages that were
    /// missed together.
    pub fn count(&self, property: Property) -> u64 {
        self.counts[property as usize]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            writeln!(out, "{violation}")?;
        }
        for property in self.broken() {
            writeln!(out, "{property}: {} violations", self.count(property))?;
        }
        write!(
            out,
            "{} events of {} members, {} views, {} messages, {} deliveries: ",
            self.events, self.members, self.views, self.messages, self.deliveries
        )?;
        match self.total {
            0 => out.write_str("every property holds"),
            1 => out.write_str("1 violation"),
            total => write!(out, "{total} violations"),
        }
    }
}

/// Enough for a dozen names of the usual length; a guess.
const LONGEST_EXPLANATION: usize = 2_000;

/// Collects violations while the properties are judged.
#[derive(Debug)]
pub(crate) struct Findings {
    explained: u64,
    counts: [u64; Property::ALL.len()],
    violations: Vec<Violation>,
}

impl Findings {
    pub(crate) fn new(explained: usize) -> Self {
        let explained = u64::try_from(explained).unwrap_or(u64::MAX);
        Self { explained, counts: [0; Property::ALL.len()], violations: Vec::new() }
    }

    /// Counts a violation, and explains it unless enough of its kind are explained.
    pub(crate) fn add(
        &mut self,
        property: Property,
        group: &str,
        explanation: impl FnOnce() -> String,
    ) {
        let count = &mut self.counts[property as usize];
        *count += 1;
        if *count <= self.explained {
            // Names may be of any length.
            let cut = |text: &str| text.chars().take(LONGEST_EXPLANATION).collect();
            let (group, explanation) = (cut(group), cut(&explanation()));
            self.violations.push(Violation { property, group, explanation });
        }
    }

    pub(crate) fn into_report(mut self, sizes: Sizes) -> Report {
        self.violations.sort_by_key(|violation| violation.property);
        Report {
            events: sizes.events,
            members: sizes.members,
            views: sizes.views,
            messages: sizes.messages,
            deliveries: sizes.deliveries,
            violations: self.violations,
            total: self.counts.iter().sum(),
            counts: self.counts,
        }
    }
}

/// How much was judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub events: u64,
    pub members: usize,
    pub views: usize,
    pub messages: usize,
    pub deliveries: u64,
}
