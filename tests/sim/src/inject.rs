//! Lets faults happen to a world, and takes them back.

use crate::{faults::Fault, member::Standing, shared::Happening, spies::Spies, world::World};
use cenacle_core::Input;

/// How a fault ends.
#[derive(Clone, Debug)]
pub enum Undo {
    /// Links are mended.
    Links(Vec<(usize, usize)>),
    /// Links are cut or mended in turn.
    Flap {
        /// Which.
        links: Vec<(usize, usize)>,
        /// They are cut now.
        cut: bool,
        /// From one change to the next.
        period: u64,
        /// How many changes are left.
        changes: u32,
    },
    /// A paused node goes on.
    Resume(cenacle_core::NodeId),
    /// No more loss than usual.
    Storm,
    /// Ways as long as usual.
    Stretch,
    /// A node is as fast as usual.
    Slow(cenacle_core::NodeId),
    /// An application reads again.
    Read(cenacle_core::NodeId),
}

impl World {
    /// Lets a fault happen now.
    pub fn inject(&mut self, fault: Fault) {
        self.shared.counts.faults += 1;
        match fault {
            Fault::Partition { sides, lasts } => {
                let links = self.sides(sides);
                self.cut(&links);
                self.later(lasts, Undo::Links(links));
            }
            Fault::Flapping { period, changes } => {
                let links = self.sides(2);
                self.cut(&links);
                self.later(period, Undo::Flap { links, cut: true, period, changes });
            }
            Fault::OneWay { all, lasts } => {
                let links = self.one_way(all);
                self.cut_for(links, lasts);
            }
            Fault::NonTransitive { lasts } => {
                let (a, b) = self.two_places();
                self.cut_for(vec![(a, b), (b, a)], lasts);
            }
            Fault::Crash { back } => self.end_of_some_node(back, true),
            Fault::Shutdown { back } => self.end_of_some_node(back, false),
            Fault::Pause { lasts } => self.pause(lasts),
            Fault::ClockJump { by } => self.jump(by),
            Fault::Burst { messages } => self.burst(messages),
            Fault::Storm { loss, lasts } => {
                self.shared.network.set_storm(loss);
                self.later(lasts, Undo::Storm);
            }
            Fault::Stretch { factor, lasts } => {
                self.shared.network.set_stretch(factor);
                self.later(lasts, Undo::Stretch);
            }
            Fault::Slow { factor, lasts } => {
                if let Some(node) = self.some_node() {
                    node.slowness = factor;
                    let id = node.id;
                    self.later(lasts, Undo::Slow(id));
                }
            }
            Fault::DoesNotRead { lasts } => {
                if let Some(node) = self.some_node() {
                    node.unread.get_or_insert(0);
                    let id = node.id;
                    self.later(lasts, Undo::Read(id));
                }
            }
        }
    }

    /// Ends a fault.
    pub fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Links(links) => self.mend(&links),
            Undo::Flap { links, cut, period, changes } => self.flap(links, cut, period, changes),
            Undo::Storm => self.shared.network.set_storm(0.0),
            Undo::Stretch => self.shared.network.set_stretch(1),
            Undo::Resume(id) => {
                if let Some((node, shared)) = self.node(id) {
                    node.paused = false;
                    node.wake_at(shared.now, shared);
                }
            }
            Undo::Slow(id) => {
                if let Some((node, _)) = self.node(id) {
                    node.slowness = 1;
                }
            }
            Undo::Read(id) => {
                if let Some((node, shared)) = self.node(id) {
                    node.read_on(shared);
                }
            }
        }
    }

    /// Everything is healed: links, nodes, applications. Who is dead stays dead.
    pub fn heal(&mut self) {
        self.shared.healed = true;
        let size = self.shared.network.size();
        let mended: Vec<_> = (0..size)
            .flat_map(|a| (0..size).map(move |b| (a, b)))
            .filter(|(a, b)| !self.shared.network.is_open(*a, *b))
            .collect();
        self.shared.network.heal();
        self.shared.spies.iter().for_each(Spies::heal);
        self.hint_connected(&mended);
        for node in self.nodes.iter_mut().flatten() {
            node.heal(&mut self.shared);
        }
    }

    fn later(&mut self, lasts: u64, undo: Undo) {
        let at = self.shared.now + lasts;
        self.shared.queue.push(at, Happening::Undo(Box::new(undo)));
    }

    fn cut_for(&mut self, links: Vec<(usize, usize)>, lasts: Option<u64>) {
        self.cut(&links);
        if let Some(lasts) = lasts {
            self.later(lasts, Undo::Links(links));
        }
    }

    /// Cuts links.
    pub fn cut(&mut self, links: &[(usize, usize)]) {
        for (from, to) in links {
            self.shared.network.cut(*from, *to);
        }
    }

    /// Mends links.
    pub fn mend(&mut self, links: &[(usize, usize)]) {
        for (from, to) in links {
            self.shared.network.mend(*from, *to);
        }
        self.hint_connected(links);
    }

    fn flap(&mut self, links: Vec<(usize, usize)>, cut: bool, period: u64, changes: u32) {
        if cut {
            self.mend(&links);
        } else if !self.shared.healed {
            self.cut(&links);
        }
        if !self.shared.healed && (changes > 1 || !cut) {
            let changes = changes.saturating_sub(1);
            self.later(period, Undo::Flap { links, cut: !cut, period, changes });
        }
    }

    /// All links between nodes of different sides, drawn at random.
    fn sides(&mut self, sides: usize) -> Vec<(usize, usize)> {
        let size = self.shared.network.size();
        let random = &mut self.shared.random;
        let mut side: Vec<usize> = (0..size).map(|_| random.index(sides)).collect();
        // No partition without two sides.
        if side.iter().all(|one| Some(one) == side.first())
            && let Some(first) = side.first_mut()
        {
            *first = (*first + 1) % sides;
        }
        let side = &side;
        let links = (0..size).flat_map(|a| (0..size).map(move |b| (a, b)));
        links.filter(|(a, b)| side.get(*a) != side.get(*b)).collect()
    }

    fn one_way(&mut self, all: bool) -> Vec<(usize, usize)> {
        let (a, b) = self.two_places();
        let outwards = self.shared.random.chance(0.5);
        let others: Vec<usize> = if all {
            (0..self.shared.network.size()).filter(|o| *o != a).collect()
        } else {
            vec![b]
        };
        others.into_iter().map(|o| if outwards { (a, o) } else { (o, a) }).collect()
    }

    fn two_places(&mut self) -> (usize, usize) {
        let size = self.shared.network.size();
        let a = self.shared.random.index(size);
        let b = self.shared.random.index(size.saturating_sub(1));
        (a, if b >= a { b + 1 } else { b }.min(size.saturating_sub(1)))
    }

    /// One of the live nodes; the leader of somebody half of the time, for that is where it hurts.
    fn some_place(&mut self) -> Option<usize> {
        let alive: Vec<usize> =
            (0..).zip(&self.nodes).filter(|(_, node)| node.is_some()).map(|(at, _)| at).collect();
        let place = alive.get(self.shared.random.index(alive.len())).copied()?;
        let node = self.nodes.get(place)?.as_ref()?;
        let leader = crate::naming::place(node.stack.engine().configuration().leader());
        let lives = self.nodes.get(leader).is_some_and(Option::is_some);
        Some(if lives && self.shared.random.chance(0.3) { leader } else { place })
    }

    fn some_node(&mut self) -> Option<&mut crate::node::Node> {
        let place = self.some_place()?;
        self.nodes.get_mut(place)?.as_mut()
    }

    fn end_of_some_node(&mut self, back: Option<u64>, crash: bool) {
        // Somebody stays.
        if self.shared.alive.iter().flatten().count() < 2 {
            return;
        }
        let Some(place) = self.some_place() else { return };
        if crash {
            self.crash(place);
        } else if let Some(Some(node)) = self.nodes.get_mut(place) {
            node.wishes.push(Input::Shutdown);
            node.wake_at(self.shared.now, &mut self.shared);
        }
        if let Some(back) = back {
            self.shared.queue.push(self.shared.now + back, Happening::Start { place });
        }
    }

    fn pause(&mut self, lasts: u64) {
        if let Some(node) = self.some_node() {
            node.paused = true;
            let id = node.id;
            self.later(lasts, Undo::Resume(id));
        }
    }

    fn jump(&mut self, by: u64) {
        let now = self.shared.now;
        let Some(place) = self.some_place() else { return };
        if let Some(Some(node)) = self.nodes.get_mut(place) {
            node.clock.jump(now, by);
            node.wake_at(now, &mut self.shared);
        }
    }

    fn burst(&mut self, messages: u64) {
        let Some(place) = self.some_place() else { return };
        let Some(Some(node)) = self.nodes.get_mut(place) else { return };
        let talkers: Vec<u32> = (0..)
            .zip(&node.members)
            .filter(|(_, member)| member.standing == Standing::Wanted)
            .map(|(local, _)| local)
            .collect();
        if let Some(local) = talkers.get(self.shared.random.index(talkers.len())) {
            node.say(*local, messages, &mut self.shared);
        }
    }
}
