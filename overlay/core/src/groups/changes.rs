//! What control entries and configurations do to the tables, and what local members are told.

use super::{
    Below, Ghost, Groups, Todo,
    coordinator::Coordinator,
    table::{Joining, Refused, Table, merged},
};
use crate::{
    configuration::Configuration,
    defect::Defect,
    error::Drop,
    figures::{Figures, Rare},
    ids::{GroupName, MemberId, NodeId, Order, Position},
    input::Semantics,
    output::{Event, Outbox, Refusal},
    wire::control::{ControlEntry, Table as WireTable, TableGroup, TableRow},
};
use std::collections::BTreeMap;

/// Joins and leaves among the tables of a merge; more are ignored, alike at all, and asked again.
const MAX_DEFERRED: usize = 4096;

/// A join or leave at its place in the order.
pub(super) enum Change {
    Join(Joining),
    Leave { group: GroupName, member: MemberId, life: u64, expelled: Option<String> },
    Renew { group: GroupName, round: Order },
}

impl Change {
    /// Of its charter and blob.
    fn bytes(&self) -> usize {
        match self {
            Self::Join(join) => join.charter.len() + join.blob.len(),
            Self::Leave { .. } | Self::Renew { .. } => 0,
        }
    }
}

/// Tables on their way to being whole.
pub(super) struct Merging {
    classes: Vec<Vec<u16>>,
    /// By the first rank of their class.
    got: BTreeMap<u16, WireTable>,
    deferred: Vec<(Order, Change)>,
    /// Bytes of the charters and blobs of the deferred.
    bytes: usize,
}

impl Merging {
    /// Bytes of what waits for the tables to be whole.
    pub(super) fn bytes(&self) -> usize {
        let rows = |group: &TableGroup| {
            group.charter.len()
                + group.record.len()
                + group.rows.iter().map(|row| size_of::<TableRow>() + row.blob.len()).sum::<usize>()
        };
        self.bytes + self.got.values().flat_map(|table| &table.groups).map(rows).sum::<usize>()
    }
}

/// Where and how a change is applied.
#[derive(Clone, Copy)]
struct Place {
    order: Order,
    after_signal: bool,
    /// Views of EVS groups come later, all at once.
    quiet: bool,
}

impl Groups {
    /// See [`Groups::control`].
    pub(super) fn take_control(
        &mut self,
        below: &Below<'_>,
        origin: u16,
        order: Order,
        entry: ControlEntry,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        if let ControlEntry::Table(table) = entry {
            return self.take_table(below, origin, order, table, after_signal, figures, out, todo);
        }
        // Only the leader stamps the rest.
        if origin != 0 {
            return figures.dropped(Drop::Malformed);
        }
        if let ControlEntry::InstallView(view) = entry {
            return self.take_view(below, order, view, after_signal, figures, out, todo);
        }
        let Some(change) = change(below.configuration, entry) else {
            return figures.dropped(Drop::Malformed);
        };
        if let Some(merging) = &mut self.merging {
            let bytes = change.bytes();
            if merging.deferred.len() < MAX_DEFERRED
                && merging.bytes + bytes <= below.settings.budget()
            {
                merging.bytes += bytes;
                figures.saw(Rare::Deferred);
                merging.deferred.push((order, change));
            } else {
                self.forget_stamped(&change);
            }
            return;
        }
        let place = Place { order, after_signal, quiet: false };
        self.apply(below, place, change, figures, out, todo);
    }

    /// It may be asked for again.
    fn forget_stamped(&mut self, change: &Change) {
        match change {
            Change::Join(join) => self.coordinator.delivered(true, &join.group, join.member),
            Change::Leave { group, member, .. } => {
                self.coordinator.delivered(false, group, *member);
            }
            // Whole tables make new views anyway.
            Change::Renew { .. } => {}
        }
    }

    fn apply(
        &mut self,
        below: &Below<'_>,
        place: Place,
        change: Change,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let me = below.configuration.me();
        self.forget_stamped(&change);
        let (group, changed) = match change {
            Change::Join(join) => {
                let changed = self.apply_join(below, place.order, &join, out);
                (join.group, changed)
            }
            Change::Leave { group, member, life, expelled } => {
                let changed = self.table.leave(&group, member, life, place.order);
                if changed && member.node == me {
                    self.depart(&group, (member.local, life), expelled.map(put_out), out);
                }
                (group, changed)
            }
            Change::Renew { group, round } => {
                let changed = self.table.renew_group(&group, round, place.order);
                (group, changed)
            }
        };
        if !changed {
            return;
        }
        let Some(semantics) = self.table.groups.get(&group).map(|g| g.semantics) else {
            self.coordinator.view_delivered(&group);
            return self.locals.touch(&group);
        };
        self.locals.touch(&group);
        match semantics {
            Semantics::Vs => {
                if let Some(local) = self.locals.named_mut(&group) {
                    local.signal(self.leader, out);
                }
            }
            Semantics::Evs if !place.quiet => {
                let Place { order, after_signal, .. } = place;
                self.renew_evs(below, &group, order, after_signal, figures, out, todo);
            }
            Semantics::Evs => {}
        }
    }

    fn apply_join(
        &mut self,
        below: &Below<'_>,
        order: Order,
        join: &Joining,
        out: &mut Outbox,
    ) -> bool {
        let verdict = self.table.join(below.settings, &*self.admission, join, order);
        let changed = matches!(verdict, Ok(true));
        let MemberId { node, local } = join.member;
        let is_here = node == below.configuration.me();
        match verdict {
            Ok(true) if is_here => self.arrive(&join.group, (local, join.life)),
            Err(refusal) if is_here => {
                self.depart(&join.group, (local, join.life), Some(refusal), out);
            }
            _ => {}
        }
        changed
    }

    /// This node's member is in the table. If it has changed its mind, its leave is asked for, though
    /// another life of the member may want in: that one's join is stamped then.
    fn arrive(&mut self, name: &GroupName, (local, life): (u32, u64)) {
        let semantics = self.table.groups.get(name).map(|group| group.semantics);
        let slot = self.locals.slot(name);
        let group = slot.and_then(|slot| self.locals.get_mut(slot));
        let member = group.and_then(|g| g.members.get_mut(&local));
        let Some(member) = member.filter(|member| member.life == life) else {
            self.ghosts.insert((name.clone(), local), Ghost { life, asked: None });
            return;
        };
        member.joined = true;
        member.asked = None;
        if let (Some(slot), Some(semantics)) = (slot, semantics) {
            self.locals.set_semantics(slot, semantics);
        }
    }

    /// This node's member is out: it has left, or learns why it may not stay.
    pub(super) fn depart(
        &mut self,
        name: &GroupName,
        (local, life): (u32, u64),
        refusal: Option<Refusal>,
        out: &mut Outbox,
    ) {
        let key = (name.clone(), local);
        if self.ghosts.get(&key).is_some_and(|ghost| ghost.life == life) {
            self.ghosts.remove(&key);
            return;
        }
        let Some(group) = self.locals.named_mut(name) else { return };
        if group.members.get(&local).is_none_or(|member| member.life != life) {
            return;
        }
        let Some(member) = group.members.remove(&local) else { return };
        let bytes: usize = member.held.iter().map(super::local::Held::bytes).sum();
        self.held = self.held.saturating_sub(bytes);
        group.tell(local, refusal.map_or(Event::Left, Event::Refused), out);
        self.locals.touch(name);
    }

    fn take_table(
        &mut self,
        below: &Below<'_>,
        origin: u16,
        order: Order,
        table: WireTable,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let Some(merging) = &mut self.merging else { return figures.dropped(Drop::Malformed) };
        let expected = merging.classes.iter().any(|class| class.first() == Some(&origin));
        if !expected || merging.got.contains_key(&origin) {
            return figures.dropped(Drop::Malformed);
        }
        if after_signal {
            // Joins that the leader stamped before this may be missing, now that streams end with
            // gaps: whoever has them has another table. It is not whole here.
            return;
        }
        merging.got.insert(origin, table);
        if merging.got.len() < merging.classes.len() {
            return;
        }
        let Some(Merging { classes, mut got, deferred, .. }) = self.merging.take() else { return };
        let tables = classes.iter().filter_map(|class| {
            let table = class.first().and_then(|first| got.remove(first))?;
            Some((class.as_slice(), table))
        });
        let (settings, configuration) = (below.settings, below.configuration);
        let (whole, refused) = merged(settings, &*self.admission, configuration, tables.collect());
        let old = std::mem::replace(&mut self.table, whole);
        self.base = configuration.id;
        self.recount(configuration.me(), &old, &refused, out);
        let quiet = Place { order, after_signal, quiet: true };
        for (order, change) in deferred {
            self.apply(below, Place { order, ..quiet }, change, figures, out, todo);
        }
        self.renew(below, order, after_signal, figures, out, todo);
    }

    /// Members of this node that the new table does not have are told why; members that it has
    /// and that nobody wants any more are to leave.
    fn recount(&mut self, me: NodeId, old: &Table, refused: &Refused, out: &mut Outbox) {
        for slot in self.locals.all() {
            let Some(local) = self.locals.get(slot) else { continue };
            let name = local.group.clone();
            let joined = local.members.iter().filter(|(_, m)| m.joined);
            let joined: Vec<_> = joined.map(|(&local, m)| (local, m.life)).collect();
            for (local, life) in joined {
                let member = MemberId { node: me, local };
                if !self.table.lives(&name, member, life) {
                    let refusal = refused.get(&(name.clone(), member)).cloned();
                    let refusal = refusal.unwrap_or_else(|| self.lost(&name, old));
                    self.depart(&name, (local, life), Some(refusal), out);
                }
            }
        }
        let table = &self.table;
        self.ghosts.retain(|(group, local), ghost| {
            table.lives(group, MemberId { node: me, local: *local }, ghost.life)
        });
    }

    /// Why a member did not survive a merge.
    fn lost(&self, name: &GroupName, old: &Table) -> Refusal {
        let (old, new) = (old.groups.get(name), self.table.groups.get(name));
        let (code, detail) = match (old, new) {
            (Some(old), Some(new)) if old.semantics != new.semantics => {
                ("semantics", "the larger part of the group has other semantics: join with them")
            }
            (Some(old), Some(new)) if old.charter != new.charter => {
                ("charter", "the larger part of the group has another charter: join with it")
            }
            _ => ("limit", "the merged groups are too many or too large: join later"),
        };
        let charter = new.map(|group| group.charter.clone());
        Refusal { code: code.into(), detail: detail.into(), charter }
    }

    /// The tables are whole: every group begins a new round, every EVS group has a new view.
    fn renew(
        &mut self,
        below: &Below<'_>,
        order: Order,
        after_signal: bool,
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        self.table.renew(below.configuration, order.position);
        for slot in self.locals.all() {
            self.locals.busy.insert(slot);
            let Some(local) = self.locals.get_mut(slot) else { continue };
            match self.table.groups.get(&local.group).map(|group| group.semantics) {
                Some(Semantics::Vs) => local.signal(self.leader, out),
                Some(Semantics::Evs) | None => {}
            }
        }
        let groups = self.table.groups.iter();
        let evs: Vec<_> = groups
            .filter(|(_, group)| group.semantics == Semantics::Evs)
            .map(|(name, _)| name.clone())
            .collect();
        for name in evs {
            self.renew_evs(below, &name, order, after_signal, figures, out, todo);
        }
    }

    /// See [`Groups::install`].
    pub(super) fn take_installation(
        &mut self,
        below: &Below<'_>,
        classes: &[Vec<u16>],
        figures: &mut Figures,
        out: &mut Outbox,
        todo: &mut Vec<Todo>,
    ) {
        let configuration = below.configuration;
        self.leader = configuration.leader();
        self.coordinator = Coordinator::default();
        if self.merging.take().is_some() {
            figures.saw(Rare::TablesCutShort);
        }
        self.cut_running(below);
        let several = classes.len() > 1 && !below.settings.lacks(Defect::NoTables);
        if !several {
            self.base = configuration.id;
            let order = Order { epoch: configuration.id.epoch, position: Position::INSTALLATION };
            return self.renew(below, order, false, figures, out, todo);
        }
        if let Some(class) = classes.iter().find(|c| c.first() == Some(&configuration.rank)) {
            let table = self.table.to_wire(configuration, class);
            todo.push(Todo::Stamp(ControlEntry::Table(table)));
        }
        let (classes, got) = (classes.to_vec(), BTreeMap::new());
        self.merging = Some(Merging { classes, got, deferred: Vec::new(), bytes: 0 });
    }

    /// The survivors went together to the end of the old configuration; only now is it over.
    fn cut_running(&mut self, below: &Below<'_>) {
        let survivors = self.survivors.take();
        for slot in self.locals.all() {
            self.locals.busy.insert(slot);
            let Some(local) = self.locals.get_mut(slot) else { continue };
            local.answered = None;
            local.heard_outside.clear();
            local.members.values_mut().for_each(|member| member.asked = None);
            if let Some(view) = &mut local.view {
                view.moved_on(survivors.as_deref(), below.configuration);
            }
        }
        self.ghosts.values_mut().for_each(|ghost| ghost.asked = None);
        let (locals, configuration) = (&self.locals, below.configuration);
        self.unicasts.forget(|channel, node| {
            let view = locals.of_channel(channel).and_then(|local| local.view.as_ref());
            configuration.rank_of(node).is_none() || !view.is_some_and(|view| view.runs(node))
        });
        self.unicasts.repeat(below.now);
    }
}

/// A join or leave by name; `None` if it is neither, or of a rank that nobody has.
fn change(configuration: &Configuration, entry: ControlEntry) -> Option<Change> {
    match entry {
        ControlEntry::Join { rank, local, life, group, semantics, charter, blob, stamped_at } => {
            let member = MemberId { node: configuration.node(rank)?, local };
            let join = Joining { group, member, life, semantics, charter, blob, stamped_at };
            Some(Change::Join(join))
        }
        ControlEntry::Leave { rank, local, life, group, expelled } => {
            let member = MemberId { node: configuration.node(rank)?, local };
            Some(Change::Leave { group, member, life, expelled })
        }
        ControlEntry::Renew { group, round } => Some(Change::Renew { group, round }),
        ControlEntry::Grant { .. } | ControlEntry::Table(_) | ControlEntry::InstallView(_) => None,
    }
}

fn put_out(code: String) -> Refusal {
    let detail = "the leader has put this member out of the group".into();
    Refusal { code, detail, charter: None }
}
