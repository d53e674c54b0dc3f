//! The world of a run: nodes, network, what will happen; one step at a time.

use crate::{
    LeftOut,
    clock::Clock,
    door::Door,
    member::{Member, Standing},
    memory, naming,
    network::Network,
    node::Node,
    plan::Plan,
    queue::Queue,
    shared::{Counts, Happening, Shared, Traffic},
    spies::Spies,
    totals::Totals,
    trace::Trace,
};
use cenacle_core::{Input, NodeId};

/// The local time of the world's beginning: late in 2023, so that stamps look like stamps.
const EPOCH: u64 = 1_700_000_000_000_000;

/// A run in progress.
pub struct World {
    /// What was drawn.
    pub plan: Plan,
    /// Who lives at each place.
    pub nodes: Vec<Option<Node>>,
    /// What nodes share.
    pub shared: Shared,
    /// How many lives each place has had.
    lives: Vec<u64>,
    /// Figures of the dead.
    dead: Totals,
    /// Things that have happened.
    pub steps: u64,
    /// A second of the world's time, and the steps before it.
    second: (u64, u64),
}

impl World {
    /// A world where the plan will happen. Nothing has happened yet.
    pub fn new(plan: Plan) -> Self {
        let size = plan.joins.len();
        let mut queue = Queue::default();
        for (place, start) in plan.starts.iter().enumerate() {
            queue.push(*start, Happening::Start { place });
        }
        for (number, (time, _)) in plan.faults.iter().enumerate() {
            queue.push(*time, Happening::Fault(number));
        }
        if plan.churn > 0 {
            queue.push(plan.churn, Happening::Churn);
        }
        let names = (0..plan.habits.group_count()).map(naming::group).collect::<Vec<_>>();
        let shared = Shared {
            now: 0,
            queue,
            network: Network::new(size, plan.links, plan.random.fork(2 << 32)),
            trace: Trace::new(&names),
            random: plan.random.fork(3 << 32),
            alive: vec![None; size],
            traffic: Traffic::default(),
            counts: Counts::default(),
            costs: plan.costs,
            habits: plan.habits.clone(),
            problems: Vec::new(),
            latencies: None,
            door: Door::default(),
            spies: plan
                .has_keys
                .then(|| Spies::new(plan.preset, plan.defect, plan.random.fork(4 << 32))),
            defect: match plan.defect {
                Some(LeftOut::Secure(defect)) => Some(defect),
                _ => None,
            },
            healed: false,
            hangs: false,
        };
        let nodes = (0..size).map(|_| None).collect();
        let (lives, dead) = (vec![0; size], Totals::default());
        Self { plan, nodes, shared, lives, dead, steps: 0, second: (0, 0) }
    }

    /// Lets everything happen that is due until then; nothing more in a world that hangs.
    pub fn run_until(&mut self, time: u64) {
        while self.shared.queue.next_time().is_some_and(|next| next <= time) && !self.shared.hangs {
            self.step();
        }
        self.shared.now = self.shared.now.max(time);
    }

    /// So many things a second and node are more than any node should need: somebody wakes himself,
    /// or the others, without end.
    fn count_step(&mut self) {
        self.steps += 1;
        let second = self.shared.now / 1_000_000;
        if second != self.second.0 {
            self.second = (second, self.steps);
        }
        let nodes = self.nodes.len() as u64;
        let steps = self.steps - self.second.1;
        if steps > 200_000 * nodes + 20_000 * nodes * nodes {
            self.shared.hang(|| format!("{steps} things happened in one second"));
        }
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) {
        let Some((time, what)) = self.shared.queue.pop() else { return };
        self.shared.now = time;
        self.count_step();
        match what {
            Happening::Arrive { from, to, held, frame } => {
                // What waited in a cut comes through an open link, and not for ever.
                let open = self.shared.network.is_open(naming::place(from), naming::place(to));
                if (!held || open && !self.shared.healed)
                    && let Some((node, shared)) = self.node(to)
                {
                    node.arrive(from, frame, shared);
                }
            }
            Happening::Wake { place } => self.wake(place),
            Happening::Talk { node, local } => {
                if let Some((node, shared)) = self.node(node) {
                    node.talk(local, shared);
                }
            }
            Happening::Flushed { node, local, view } => {
                if let Some((node, shared)) = self.node(node) {
                    node.flush(local, view, shared);
                }
            }
            Happening::Hint { to, about, connected } => self.hint(to, about, connected),
            Happening::Start { place } => self.start(place),
            Happening::Churn => self.churn(),
            Happening::Fault(number) => {
                if let Some((_, fault)) = self.plan.faults.get(number).copied() {
                    self.inject(fault);
                }
            }
            Happening::Undo(undo) => self.undo(*undo),
        }
    }

    /// A node, if this life of it goes on.
    pub(crate) fn node(&mut self, id: NodeId) -> Option<(&mut Node, &mut Shared)> {
        let node = self.nodes.get_mut(naming::place(id))?.as_mut()?;
        (node.id == id).then_some((node, &mut self.shared))
    }

    fn wake(&mut self, place: usize) {
        let Some(Some(node)) = self.nodes.get_mut(place) else { return };
        node.wake(&mut self.shared);
        if node.stopped {
            self.crash(place);
        }
    }

    /// A node comes up, with its members; after faults have ended nobody does.
    pub fn start(&mut self, place: usize) {
        if self.shared.healed {
            return;
        }
        if let Some(Some(node)) = self.nodes.get(place) {
            if node.stopping || !node.wishes.is_empty() {
                let again = self.shared.now + 100_000;
                self.shared.queue.push(again, Happening::Start { place });
            }
            return;
        }
        let Some(life) = self.lives.get_mut(place) else { return };
        *life += 1;
        let (id, signer) = self.plan.identity(place, *life);
        let skew = self.shared.random.below(2 * self.plan.skew + 1);
        let rate = 1_000_000 + skew - self.plan.skew;
        let local = EPOCH + self.shared.now + self.shared.random.below(1_000_000);
        let clock = Clock::new(self.shared.now, local, rate);
        let settings = self.plan.settings_of(id);
        match Node::new(settings, signer, place, clock, &mut self.shared) {
            Ok(mut node) => {
                if let Some(alive) = self.shared.alive.get_mut(place) {
                    *alive = Some(id);
                }
                self.populate(&mut node);
                if let Some(slot) = self.nodes.get_mut(place) {
                    *slot = Some(node);
                }
                self.hint_started(id);
            }
            Err(error) => self.shared.problem(|| format!("{id} does not come up: {error}")),
        }
    }

    /// The members of a node that comes up want in.
    fn populate(&mut self, node: &mut Node) {
        for group in self.plan.joins.get(node.place).into_iter().flatten() {
            node.join(*group, &mut self.shared);
        }
        if self.plan.churn > 0 && self.shared.random.chance(0.2) {
            let group = self.shared.random.index(self.shared.habits.group_count());
            node.add_outsider(group, &mut self.shared);
        }
    }

    /// A node dies, or has stopped, with all that waits for it.
    pub fn crash(&mut self, place: usize) {
        let known = self.shared.alive.get(place).copied().flatten();
        self.end(place);
        let Some(id) = known.filter(|_| self.plan.hints) else { return };
        for to in self.shared.alive.clone().into_iter().flatten() {
            let (here, there) = (place, naming::place(to));
            if self.shared.network.is_open(here, there) && self.shared.random.chance(0.8) {
                let at = self.shared.now + self.shared.random.between(500, 50_000);
                let hint = Happening::Hint { to, about: id, connected: false };
                self.shared.queue.push(at, hint);
            }
        }
    }

    /// A node is no more. Members that have not left have crashed.
    fn end(&mut self, place: usize) {
        let Some(node) = self.nodes.get_mut(place).and_then(Option::take) else { return };
        if let Some(alive) = self.shared.alive.get_mut(place) {
            *alive = None;
        }
        let inside = |member: &&Member| member.standing != Standing::Gone;
        for member in node.members.iter().filter(inside) {
            self.shared.trace.crash(self.shared.now, member.id);
        }
        self.dead.add(node.stack.engine());
    }

    /// Figures of all nodes, the dead included.
    pub fn totals(&self) -> Totals {
        let mut totals = self.dead.clone();
        for node in self.nodes.iter().flatten() {
            totals.add(node.stack.engine());
        }
        totals
    }

    /// Notes engines that hold more than they may.
    pub fn check_memory(&mut self) {
        for node in self.nodes.iter().flatten() {
            let (percent, excess) = memory::fullness(node.stack.engine());
            self.shared.counts.fullest = self.shared.counts.fullest.max(percent);
            if let Some(excess) = excess {
                self.shared.problem(|| format!("{}: {excess}", node.id));
            }
        }
    }

    /// Notes engines that hold messages though everything is at rest: nobody needs them any more.
    pub fn check_rest(&mut self) {
        let members: usize = self.nodes.iter().flatten().map(|node| node.members.len()).sum();
        for node in self.nodes.iter().flatten() {
            if let Some(left) = memory::left_over(node.stack.engine(), members) {
                self.shared.problem(|| format!("{}: {left}", node.id));
            }
        }
    }

    /// Somebody joins or leaves, and again after a while.
    fn churn(&mut self) {
        if self.shared.healed {
            return;
        }
        let again = self.shared.now + self.shared.random.waiting(self.plan.churn);
        self.shared.queue.push(again, Happening::Churn);
        let alive: Vec<usize> =
            self.shared.alive.iter().flatten().map(|n| naming::place(*n)).collect();
        let Some(place) = alive.get(self.shared.random.index(alive.len())).copied() else { return };
        let Some(Some(node)) = self.nodes.get_mut(place) else { return };
        let inside: Vec<u32> = (0..)
            .zip(&node.members)
            .filter(|(_, member)| member.standing == Standing::Wanted)
            .map(|(local, _)| local)
            .collect();
        let wanted = self.plan.joins.get(place).map_or(0, Vec::len);
        if inside.len() > wanted || !inside.is_empty() && self.shared.random.chance(0.5) {
            if let Some(local) = inside.get(self.shared.random.index(inside.len())) {
                node.leave(*local, &mut self.shared);
            }
        } else if !node.stopping {
            let group = self.shared.random.index(self.shared.habits.group_count());
            node.join(group, &mut self.shared);
        }
    }

    fn hint(&mut self, to: NodeId, about: NodeId, connected: bool) {
        let there = naming::place(about);
        let alive = self.shared.alive.get(there).copied().flatten() == Some(about);
        let here = naming::place(to);
        let (out, back) =
            (self.shared.network.is_open(here, there), self.shared.network.is_open(there, here));
        // A redial into a cut is not refused; one to a node that lives succeeds.
        let holds = if connected { alive && out && back } else { !alive && out };
        if holds && let Some((node, shared)) = self.node(to) {
            let hint = if connected {
                Input::Connected { node: about }
            } else {
                Input::Closed { node: about }
            };
            node.wishes.push(hint);
            node.wake_at(shared.now, shared);
        }
    }

    fn hint_started(&mut self, id: NodeId) {
        let here = naming::place(id);
        let links: Vec<_> = (0..self.shared.network.size())
            .filter(|there| *there != here)
            .flat_map(|there| [(here, there), (there, here)])
            .collect();
        self.hint_connected(&links);
    }

    /// Tells nodes whose links are open (again) of each other, where transports do that.
    pub(crate) fn hint_connected(&mut self, links: &[(usize, usize)]) {
        if !self.plan.hints {
            return;
        }
        for (from, to) in links {
            let living = |place: &usize| self.shared.alive.get(*place).copied().flatten();
            if let (Some(to), Some(about)) = (living(from), living(to)) {
                let at = self.shared.now + self.shared.random.between(200, 20_000);
                self.shared.queue.push(at, Happening::Hint { to, about, connected: true });
            }
        }
    }
}
