//! The table: every group's semantics, charter, record and members by seniority. It is a function
//! of the ordered control entries and installations alone, the same at all nodes of a class.

use crate::{
    admission::{self, Admission, Candidate, Standing},
    configuration::Configuration,
    ids::{GroupName, MemberId, NodeId, Order, Position},
    input::Semantics,
    output::Refusal,
    settings::Settings,
    wire::control::{Table as WireTable, TableGroup, TableRow},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What a row counts besides its blob, and a group besides its bytes: about what they take, in memory
/// or in a frame.
const ROW: usize = 64;

/// One member of a group.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Row {
    pub(super) member: MemberId,
    /// Which of the member's lives: its node counts the joins of its members.
    pub(super) life: u64,
    pub(super) joined: Order,
    /// Its join's blob, until its first view.
    pub(super) blob: Bytes,
}

/// One group. It has members: the last one to leave takes it along.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Group {
    pub(super) semantics: Semantics,
    pub(super) charter: Bytes,
    pub(super) record: Bytes,
    pub(super) rows: Vec<Row>,
    /// What flush answers and views refer to (docs/protocol.md section 7).
    pub(super) round: Order,
}

impl Group {
    /// The bytes it counts in the budget of the table.
    fn weight(&self) -> usize {
        let rows: usize = self.rows.iter().map(|row| ROW + row.blob.len()).sum();
        ROW + self.charter.len() + self.record.len() + rows
    }

    pub(super) fn members(&self) -> Vec<MemberId> {
        self.rows.iter().map(|row| row.member).collect()
    }

    pub(super) fn has(&self, member: MemberId) -> bool {
        self.life(member).is_some()
    }

    /// Whether a member of this node is in.
    pub(super) fn is_at(&self, node: NodeId) -> bool {
        self.rows.iter().any(|row| row.member.node == node)
    }

    /// Which life of the member is in.
    pub(super) fn life(&self, member: MemberId) -> Option<u64> {
        self.rows.iter().find(|row| row.member == member).map(|row| row.life)
    }
}

/// A join at its place in the order.
pub(super) struct Joining {
    pub(super) group: GroupName,
    pub(super) member: MemberId,
    pub(super) life: u64,
    pub(super) semantics: Semantics,
    pub(super) charter: Bytes,
    pub(super) blob: Bytes,
    pub(super) stamped_at: u64,
}

/// All groups.
#[derive(Default)]
pub(super) struct Table {
    pub(super) groups: BTreeMap<GroupName, Group>,
    /// VS groups whose next view has not come yet.
    pub(super) pending: BTreeSet<GroupName>,
}

impl Table {
    /// The bytes that it counts in its budget (`Settings::budget`).
    pub(super) fn weight(&self) -> usize {
        self.groups.iter().map(|(name, group)| name.as_str().len() + group.weight()).sum()
    }

    pub(super) fn has(&self, group: &GroupName, member: MemberId) -> bool {
        self.groups.get(group).is_some_and(|g| g.has(member))
    }

    /// Whether this very life of the member is in.
    pub(super) fn lives(&self, group: &GroupName, member: MemberId, life: u64) -> bool {
        self.groups.get(group).is_some_and(|g| g.life(member) == Some(life))
    }

    /// Whether the member is in now and was not before; or why it may not.
    pub(super) fn join(
        &mut self,
        settings: &Settings,
        admission: &dyn Admission,
        join: &Joining,
        order: Order,
    ) -> Result<bool, Refusal> {
        if self.has(&join.group, join.member) {
            return Ok(false);
        }
        let standing = self.groups.get(&join.group);
        let full = (self.groups.len(), self.weight());
        let record = verdict(settings, admission, join, standing, full)?;
        let group = self.groups.entry(join.group.clone()).or_insert_with(|| Group {
            semantics: join.semantics,
            charter: join.charter.clone(),
            record: Bytes::new(),
            rows: Vec::new(),
            round: order,
        });
        if let Some(record) = record {
            group.record = record;
        }
        let Joining { member, life, .. } = *join;
        group.rows.push(Row { member, life, joined: order, blob: join.blob.clone() });
        self.change(&join.group, order);
        Ok(true)
    }

    /// Whether this life of the member was in until now.
    pub(super) fn leave(
        &mut self,
        group: &GroupName,
        member: MemberId,
        life: u64,
        order: Order,
    ) -> bool {
        let Some(standing) = self.groups.get_mut(group) else { return false };
        let before = standing.rows.len();
        standing.rows.retain(|row| row.member != member || row.life != life);
        if standing.rows.len() == before {
            return false;
        }
        self.change(group, order);
        true
    }

    /// Whether a view change begins that no join or leave is the reason of.
    pub(super) fn renew_group(&mut self, name: &GroupName, round: Order, order: Order) -> bool {
        let standing = self.groups.get(name).filter(|group| group.semantics == Semantics::Vs);
        let rests =
            standing.is_some_and(|group| group.round == round) && !self.pending.contains(name);
        if rests {
            self.change(name, order);
        }
        rests
    }

    /// A new round of a group; a group without members goes.
    fn change(&mut self, name: &GroupName, round: Order) {
        let Some(group) = self.groups.get_mut(name) else { return };
        group.round = round;
        if group.rows.is_empty() {
            self.groups.remove(name);
            self.pending.remove(name);
        } else if group.semantics == Semantics::Vs {
            self.pending.insert(name.clone());
        }
    }

    /// All groups begin a new round, with the members that are present.
    pub(super) fn renew(&mut self, configuration: &Configuration, position: Position) {
        let round = Order { epoch: configuration.id.epoch, position };
        let names: Vec<_> = self.groups.keys().cloned().collect();
        for name in names {
            if let Some(group) = self.groups.get_mut(&name) {
                group.rows.retain(|row| configuration.rank_of(row.member.node).is_some());
            }
            self.change(&name, round);
        }
    }

    /// What a class tells of its own nodes.
    pub(super) fn to_wire(&self, configuration: &Configuration, class: &[u16]) -> WireTable {
        let row = |row: &Row| {
            let rank = configuration.rank_of(row.member.node).filter(|r| class.contains(r))?;
            let Row { member, life, joined, ref blob } = *row;
            Some(TableRow { rank, local: member.local, life, joined, blob: blob.clone() })
        };
        let groups = self.groups.iter().map(|(name, group)| TableGroup {
            group: name.clone(),
            semantics: group.semantics,
            charter: group.charter.clone(),
            record: group.record.clone(),
            rows: group.rows.iter().filter_map(row).collect(),
        });
        WireTable { groups: groups.filter(|g| !g.rows.is_empty()).collect() }
    }
}

/// Every reason against a join that all nodes see alike.
fn verdict(
    settings: &Settings,
    admission: &dyn Admission,
    join: &Joining,
    standing: Option<&Group>,
    (groups, weight): (usize, usize),
) -> Result<Option<Bytes>, Refusal> {
    let refused = |code: &str, detail: String| {
        Err(Refusal { code: code.into(), detail, charter: standing.map(|g| g.charter.clone()) })
    };
    if standing.is_some_and(|group| group.semantics != join.semantics) {
        return refused("semantics", "the group has other semantics: join with the group's".into());
    }
    if standing.is_none() && groups >= settings.max_groups {
        return refused("limit", format!("there are {groups} groups: wait until one goes"));
    }
    if standing.is_some_and(|group| group.rows.len() >= settings.max_members) {
        return refused("limit", "the group is full: wait until a member leaves".into());
    }
    if join.charter.len().max(join.blob.len()) > settings.max_blob {
        let max = settings.max_blob;
        return refused("limit", format!("charter and blob have {max} bytes at most"));
    }
    let (none, members) = (Bytes::new(), standing.map(Group::members).unwrap_or_default());
    let candidate = Candidate {
        group: &join.group,
        member: join.member,
        charter: &join.charter,
        blob: &join.blob,
        stamped_at: join.stamped_at,
    };
    // Whoever makes the group lays down its charter.
    let standing = Standing {
        charter: standing.map_or(&join.charter, |group| &group.charter),
        record: standing.map_or(&none, |group| &group.record),
        members: &members,
    };
    let record = admission.verdict(&candidate, &standing)?;
    let added = record.as_ref().map_or(0, Bytes::len);
    if added > settings.max_blob {
        let max = settings.max_blob;
        return refused("limit", format!("the group's record would have more than {max} bytes"));
    }
    let comes = 2 * ROW + join.group.as_str().len() + join.charter.len() + join.blob.len() + added;
    if weight.saturating_add(comes) > settings.budget() {
        return refused("limit", "the table of groups is full: wait until members leave".into());
    }
    Ok(record)
}

/// A group as one class of nodes holds it.
struct Part {
    semantics: Semantics,
    charter: Bytes,
    record: Bytes,
    rows: Vec<Row>,
}

/// Members whom the layer above did not let stay, and why.
pub(super) type Refused = BTreeMap<(GroupName, MemberId), Refusal>;

/// The tables of classes of ranks as one table, and who is out of it for the layer above; rounds are
/// the caller's to set. `tables` are in the classes' order, each authoritative for the nodes of its
/// own class.
pub(super) fn merged(
    settings: &Settings,
    admission: &dyn Admission,
    configuration: &Configuration,
    tables: Vec<(&[u16], WireTable)>,
) -> (Table, Refused) {
    let mut parts: BTreeMap<GroupName, Vec<Part>> = BTreeMap::new();
    let classes = tables.len();
    for (class, table) in tables {
        let nodes: BTreeSet<_> = class.iter().filter_map(|&r| configuration.node(r)).collect();
        let mut seen = BTreeSet::new();
        for group in table.groups {
            // A class has one opinion of a group.
            if seen.insert(group.group.clone()) {
                let (name, part) = part(configuration, &nodes, group);
                parts.entry(name).or_default().push(part);
            }
        }
    }
    let (mut table, mut weight, mut refused) = (Table::default(), 0, Refused::new());
    for (name, parts) in parts {
        if table.groups.len() >= settings.max_groups {
            break;
        }
        let parts = parts.into_iter().filter(|part| !part.rows.is_empty()).collect();
        if let Some(group) = joined(settings, admission, &name, (classes, parts), &mut refused) {
            let more = name.as_str().len() + group.weight();
            if weight + more <= settings.budget() {
                weight += more;
                table.groups.insert(name, group);
            }
        }
    }
    (table, refused)
}

/// A class's group, without rows that the class may not speak of.
fn part(
    configuration: &Configuration,
    nodes: &BTreeSet<NodeId>,
    group: TableGroup,
) -> (GroupName, Part) {
    let mut seen = BTreeSet::new();
    let mut row = |row: TableRow| {
        let node = configuration.node(row.rank).filter(|node| nodes.contains(node))?;
        let member = MemberId { node, local: row.local };
        let TableRow { life, joined, blob, .. } = row;
        seen.insert(member).then_some(Row { member, life, joined, blob })
    };
    let rows = group.rows.into_iter().filter_map(&mut row).collect();
    let TableGroup { semantics, charter, record, .. } = group;
    (group.group, Part { semantics, charter, record, rows })
}

/// One group out of the classes': the charter of the largest stands, the others' members are out.
fn joined(
    settings: &Settings,
    admission: &dyn Admission,
    name: &GroupName,
    (classes, mut parts): (usize, Vec<Part>),
    refused: &mut Refused,
) -> Option<Group> {
    let size = |part: &Part| std::cmp::Reverse(part.rows.len());
    let standing = parts
        .iter()
        .min_by_key(|part| (size(part), *blake3::hash(&part.charter).as_bytes(), part.semantics))?;
    let (semantics, charter) = (standing.semantics, standing.charter.clone());
    parts.retain(|part| part.semantics == semantics && part.charter == charter);
    parts.sort_by_key(|part| (size(part), part.rows.first().map(|row| row.member)));
    let (record, out) = match classes {
        // Nobody meets anybody.
        0 | 1 => {
            (parts.first().map(|part| part.record.clone()).unwrap_or_default(), BTreeMap::new())
        }
        _ => record(settings, admission, (name, &charter), &parts),
    };
    let mut rows: Vec<_> = parts.into_iter().flat_map(|part| part.rows).collect();
    rows.retain(|row| !out.contains_key(&row.member));
    refused.extend(out.into_iter().map(|(member, why)| ((name.clone(), member), why)));
    rows.truncate(settings.max_members);
    if rows.is_empty() {
        return None;
    }
    Some(Group { semantics, charter, record, rows, round: Order::default() })
}

/// The record of a group out of its parts', and who may not stay.
fn record(
    settings: &Settings,
    admission: &dyn Admission,
    (name, charter): (&GroupName, &Bytes),
    parts: &[Part],
) -> (Bytes, BTreeMap<MemberId, Refusal>) {
    let first = parts.first().map(|part| part.record.clone()).unwrap_or_default();
    let told: Vec<_> = parts
        .iter()
        .map(|part| admission::Part {
            record: &part.record,
            members: part.rows.iter().map(|row| row.member).collect(),
        })
        .collect();
    let merged = admission.merge(name, charter, &told);
    let record = Some(merged.record).filter(|record| record.len() <= settings.max_blob);
    (record.unwrap_or(first), merged.refused.into_iter().collect())
}
