//! `tgdh`: Tree-Based Group Diffie-Hellman.
//!
//! Source: paper 001 (Table I, and its reference [38]); paper 004, reference [36]: Kim, Perrig,
//! Tsudik, "Tree-based Group Key Agreement" (2004). Members are the leaves of a binary tree. A
//! leaf's key is its member's share; a node's key is the Diffie-Hellman value of its children's
//! keys, hashed to an exponent; `g` to the power of a key is its *blinded* key, and all of these
//! but the root's are public. A member needs its own share and the blinded keys of the siblings on
//! its path to compute every key up to the root.
//!
//! One mechanism serves all changes:
//!
//! 1. Each class takes its departed members out of its tree: the sibling takes the parent's place,
//!    and the keys above are forgotten. One member of the class changes its share: under a
//!    leaver's sibling if anybody left, else where newcomers will be put.
//! 2. If several classes come together, that member multicasts its class's tree ([`Message::Tree`]),
//!    and all members put the same tree together from these ([`Tree::merge`]).
//! 3. For each missing blinded key one member is the sponsor ([`Tree::appoint`]); it climbs as far as it
//!    can and multicasts what it computed ([`Message::Update`]). Everybody climbs to the root.
//!
//! Departures from the sources: a sponsor multicasts the keys that changed, not the tree; a class
//! that joins the base computes its path before it multicasts, so that two classes still need two
//! rounds; the base computes it as far as it will still hold; the secret is hashed from the root's
//! element, which never becomes an exponent; a published key on one's own path is recomputed and
//! compared before the secret is installed.
//!
//! Costs: `h` is the height of the tree after the change. Two rounds, three messages, two
//! signatures, three verifications for a join and a merge; one of each for a leave; `3h`
//! exponentiations at most on the longest chain (a sponsor at full depth computes a key and a
//! blinded key for each of `h - 1` levels, then everybody up to `h` keys; the paper's `3h/2` is an
//! average). A build or a partition needs at most `h` rounds.

mod classes;
mod climb;
mod costs;
mod tree;

use super::encoded::{Encoded, read};
use super::share::OwnShare;
use super::{MAX_MEMBERS, Spec, under_way};
use cenacle_dh::{Calculator, DhGroup, GroupId, with_group};
use cenacle_plugin::{
    Atomic, Error, Executor, KeyAgreement, MemberId, Outbox, Protocol, Random, ViewChange, Work,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tree::{NodeId, Packed, Tree};

pub(super) const SPEC: Spec = Spec {
    name: "tgdh",
    summary: "Tree-Based Group Diffie-Hellman: a balanced key tree; work grows with the logarithm \
              of the group",
    contributory: true,
    make,
    expected: costs::expected,
};

/// The domain under which a node's element becomes its key.
const NODE: &str = "cenacle tgdh node key v1";
/// The domain under which the group secret is derived from the root's element.
const SECRET: &str = "cenacle tgdh group secret v1";

fn make(id: GroupId, executor: Arc<dyn Executor>) -> Box<dyn KeyAgreement> {
    with_group!(id, G => {
        Box::new(Atomic::new(Tgdh::<G>::new(executor), MAX_MEMBERS as usize))
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Message {
    /// The tree of the sender's class.
    Tree(Packed),
    /// Keys that were missing.
    Update(Update),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    /// Numbers of the nodes, in pre-order of the whole tree.
    nodes: Vec<u32>,
    /// Their blinded keys.
    #[serde(with = "serde_bytes")]
    blinded: Vec<u8>,
}

/// A key on one's own path, and its blinded form where somebody has published it.
#[derive(Clone)]
struct PathKey<G: DhGroup> {
    key: G::Scalar,
    blinded: Option<Encoded>,
}

impl<G: DhGroup> From<OwnShare<G>> for PathKey<G> {
    fn from(share: OwnShare<G>) -> Self {
        Self { key: share.exponent, blinded: Some(share.blinded) }
    }
}

/// What a confirmed run left.
struct Base<G: DhGroup> {
    /// Members by the positions that the tree uses.
    names: Vec<MemberId>,
    tree: Arc<Tree>,
    /// From the leaf to below the root.
    keys: Vec<PathKey<G>>,
}

#[derive(Clone)]
enum Stage {
    /// Trees of other classes are missing; updates that overtook them wait.
    Gathering { trees: Vec<Option<Arc<Tree>>>, early: Vec<(u32, Update)> },
    /// The tree stands; keys are missing.
    Filling(Filling),
}

#[derive(Clone)]
struct Filling {
    /// Shared with the copy that an event is tried on, as long as neither changes it.
    tree: Arc<Tree>,
    /// Who publishes which blinded key.
    sponsors: Arc<Vec<Option<u32>>>,
    /// From this member's leaf to the root.
    path: Arc<[NodeId]>,
    /// The siblings of the nodes on the path.
    siblings: Arc<[NodeId]>,
    resuming: bool,
    installed: bool,
}

impl Filling {
    fn new(mut tree: Tree, refresher: Option<u32>, me: u32) -> Self {
        let sponsors = Arc::new(tree.appoint(refresher));
        let (path, siblings) = tree.path(me);
        let (path, siblings) = (path.into(), siblings.into());
        let tree = Arc::new(tree);
        Self { tree, sponsors, path, siblings, resuming: false, installed: false }
    }

    fn publish(&mut self, id: NodeId, blinded: &[u8]) {
        Arc::make_mut(&mut self.tree).publish(id, blinded);
    }

    fn sponsor(&self, id: NodeId) -> Option<u32> {
        self.sponsors.get(id).copied().flatten()
    }

    /// The member that answers for a blinded key: its sponsor, else the rightmost below.
    fn speaker(&self, id: NodeId) -> u32 {
        self.sponsor(id).unwrap_or_else(|| self.tree.rightmost(id))
    }

    /// Cuts off the keys that the tree no longer has: a key holds as long as its blinded form
    /// stands.
    fn keep_valid<G: DhGroup>(&self, keys: &mut Vec<PathKey<G>>) {
        let holds = |(key, id): &(&PathKey<G>, &NodeId)| {
            let stands = self.tree.blinded(**id);
            **id != 0 && stands.is_some() && key.blinded.as_deref() == stands
        };
        let valid = keys.iter().zip(self.path.iter()).skip(1).take_while(holds).count();
        keys.truncate(valid + 1);
    }
}

#[derive(Clone)]
struct Run<G: DhGroup> {
    change: Arc<ViewChange>,
    /// From the leaf up as far as known, the root's not among them.
    keys: Vec<PathKey<G>>,
    stage: Stage,
}

#[derive(Clone)]
struct Tgdh<G: DhGroup> {
    calculator: Calculator<G>,
    base: Option<Arc<Base<G>>>,
    offered: Option<OwnShare<G>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Tgdh<G> {
    fn new(executor: Arc<dyn Executor>) -> Self {
        Self { calculator: Calculator::new(executor), base: None, offered: None, run: None }
    }
}

impl<G: DhGroup> Protocol for Tgdh<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let offered = OwnShare::offered(self.offered.take(), change)?;
        let run = match change.classes() {
            [_] => self.continue_alone(change, random, out)?,
            _ => self.come_together(change, offered, random, out)?,
        };
        self.run = Some(run);
        Ok(())
    }

    fn message(
        &mut self,
        from: u32,
        body: &[u8],
        _: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        // One's own multicasts come back; what they say is known.
        if from != run.change.me() {
            match read(from, body)? {
                Message::Tree(packed) => {
                    self.tree(&mut run, from, &packed)?;
                    self.gathered(&mut run, out)?;
                }
                Message::Update(update) => {
                    self.update(&mut run, from, &update)?;
                    self.advance(&mut run, Vec::new(), out)?;
                }
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn resume(&mut self, out: &mut Outbox) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        if !matches!(&run.stage, Stage::Filling(filling) if filling.resuming) {
            return Err(Error::WrongCall("nothing to resume"));
        }
        self.install(&mut run, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        const EARLY: Error = Error::WrongCall("confirmed before the run was complete");
        let run = self.run.take().ok_or(EARLY)?;
        let Stage::Filling(filling) = run.stage else { return Err(EARLY) };
        if !filling.installed || !filling.tree.is_whole() {
            return Err(EARLY);
        }
        let names = run.change.members().iter().map(|member| member.id.clone()).collect();
        self.base = Some(Arc::new(Base { names, tree: filling.tree, keys: run.keys }));
        Ok(())
    }

    fn abort(&mut self) {
        self.run = None;
    }

    fn offer(&mut self, random: &mut Random, out: &mut Outbox) -> Result<(), Error> {
        self.offered = Some(OwnShare::offer(&mut self.calculator, random, out));
        Ok(())
    }

    fn take_work(&mut self) -> Work {
        self.calculator.take_work()
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn cenacle_plugin::conformance::Inspect> {
        Some(self)
    }
}

#[cfg(feature = "conformance")]
super::inspect::inspect!(Tgdh, SECRET, NODE, |held| {
    let base = held.base.iter().flat_map(|base| &base.keys);
    let path = base.chain(held.run.iter().flat_map(|run| &run.keys)).map(|known| &known.key);
    path.chain(held.offered.iter().map(|share| &share.exponent))
});
