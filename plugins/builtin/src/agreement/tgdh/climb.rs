//! From the leaf to the root: computing keys, publishing and checking their blinded forms.

use super::super::encoded::{Encoded, bad, cut, decode, encode};
use super::keytree::{KeyTree, NodeId};
use super::{Message, NODE, PathKey, Run, SECRET, Stage, Tgdh, Update};
use cenacle_dh::{DhGroup, Purpose};
use cenacle_plugin::{Action, Error, Order, Outbox, to_cbor};
use std::sync::Arc;

impl<G: DhGroup> Tgdh<G> {
    /// The element of the node above `below`, whose key is the last of `keys`; `None` as long as
    /// the sibling's blinded key is missing.
    pub(super) fn climb(
        &mut self,
        tree: &KeyTree,
        below: NodeId,
        keys: &[PathKey<G>],
    ) -> Result<Option<G::Element>, Error> {
        let sibling = tree.sibling(below).and_then(|id| tree.get(id));
        let sibling = sibling.ok_or(Error::Bug("a path without siblings"))?;
        let (Some(blinded), Some(last)) = (&sibling.blinded, keys.last()) else { return Ok(None) };
        let base = decode(&self.calculator, sibling.speaker(), blinded)?;
        Ok(Some(self.calculator.exp(Purpose::Protocol, &base, &last.key)))
    }

    /// Climbs as far as the known keys lead and publishes what this member is the sponsor of.
    pub(super) fn advance(
        &mut self,
        run: &mut Run<G>,
        mut unsent: Vec<NodeId>,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let (me, keys) = (run.change.me(), &mut run.keys);
        let Stage::Filling(filling) = &mut run.stage else { return Ok(()) };
        let mut at_root = false;
        while let Some(&below) = filling.path.get(keys.len() - 1) {
            let Some(&id) = filling.path.get(keys.len()) else { break };
            if id == 0 {
                let sibling = filling.tree.sibling(below).and_then(|id| filling.tree.get(id));
                at_root = sibling.is_some_and(|node| node.blinded.is_some());
                break;
            }
            let Some(element) = self.climb(&filling.tree, below, keys)? else { break };
            let key = self.calculator.hash_to_scalar(NODE, &element);
            let node = filling.tree.get_mut(id).ok_or(Error::Bug("a path off the tree"))?;
            let blinded = match (&node.blinded, node.sponsor == Some(me)) {
                (None, true) => {
                    let element = self.calculator.exp_base(Purpose::Protocol, &key);
                    unsent.push(id);
                    node.blinded = Some(encode(&self.calculator, &element));
                    node.blinded.clone()
                }
                (None, false) => None,
                (Some(published), _) => {
                    self.compare(node.speaker(), published, &key)?;
                    node.blinded.clone()
                }
            };
            keys.push(PathKey { key, blinded });
        }
        let sent = publish(&filling.tree, unsent, out)?;
        if filling.installed || filling.resuming || !at_root {
            return Ok(());
        }
        // What others wait for leaves before this member computes its own secret.
        if sent {
            filling.resuming = true;
            out.push(Action::Resume);
            return Ok(());
        }
        self.install(run, out)
    }

    /// The root's element gives the secret.
    pub(super) fn install(&mut self, run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
        let Stage::Filling(filling) = &mut run.stage else {
            return Err(Error::Bug("a secret without a tree"));
        };
        let root = match filling.path.len().checked_sub(2).and_then(|at| filling.path.get(at)) {
            Some(below) => self.climb(&filling.tree, *below, &run.keys)?,
            None => {
                // Alone: the share may be known to others in its blinded form, its power is not.
                let leaf = run.keys.first().ok_or(Error::Bug("a member without a share"))?;
                let share = leaf.blinded.as_ref().ok_or(Error::Bug("a share without form"))?;
                let base = decode(&self.calculator, run.change.me(), share)?;
                Some(self.calculator.exp(Purpose::Protocol, &base, &leaf.key))
            }
        };
        let root = root.ok_or(Error::Bug("the root is out of reach"))?;
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &root)));
        filling.installed = true;
        filling.resuming = false;
        Ok(())
    }

    /// A published key must be the one that this member computes.
    fn compare(&mut self, from: u32, published: &Encoded, key: &G::Scalar) -> Result<(), Error> {
        let element = self.calculator.exp_base(Purpose::Check, key);
        if self.calculator.encode(&element) == **published {
            Ok(())
        } else {
            Err(bad(from, "a blinded key that is not that of its node"))
        }
    }

    /// Keys that were missing came.
    pub(super) fn update(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        update: &Update,
    ) -> Result<(), Error> {
        let filling = match &mut run.stage {
            Stage::Filling(filling) => filling,
            Stage::Gathering { early, .. } => {
                // Each key has one sponsor, and each message holds at least one key.
                let limit = run.change.members().len() * 2;
                if early.len() >= limit || update.nodes.is_empty() || update.nodes.len() > limit {
                    return Err(bad(from, "more updates than the tree has keys"));
                }
                let known = |(_, other): &(u32, Update)| {
                    other.nodes.iter().any(|id| update.nodes.contains(id))
                };
                if early.iter().any(known) {
                    return Err(bad(from, "a second update of the same keys"));
                }
                early.push((from, update.clone()));
                return Ok(());
            }
        };
        if update.nodes.is_empty() || update.nodes.len() > filling.tree.len() {
            return Err(bad(from, "an update of no keys, or of too many"));
        }
        let blinded = cut::<G>(from, &update.blinded, update.nodes.len())?;
        for (id, blinded) in update.nodes.iter().map(|id| *id as usize).zip(blinded) {
            let node = filling.tree.get_mut(id).filter(|node| node.sponsor == Some(from));
            let node = node.ok_or(bad(from, "a key that is not its to publish"))?;
            if id == 0 || node.blinded.is_some() {
                return Err(bad(from, "a key that nobody waits for"));
            }
            node.blinded = Some(Arc::clone(&blinded));
            let level = filling.path.iter().position(|on_path| *on_path == id);
            if let Some(known) = level.and_then(|level| run.keys.get_mut(level)) {
                known.blinded = Some(Arc::clone(&blinded));
                let key = known.key.clone();
                self.compare(from, &blinded, &key)?;
            }
        }
        Ok(())
    }
}

/// Multicasts the blinded keys of `nodes`, if there are any.
fn publish(tree: &KeyTree, nodes: Vec<NodeId>, out: &mut Outbox) -> Result<bool, Error> {
    if nodes.is_empty() {
        return Ok(false);
    }
    let keys = nodes.iter().filter_map(|id| tree.get(*id)?.blinded.as_deref());
    let update = Update {
        blinded: keys.flatten().copied().collect(),
        nodes: nodes.iter().filter_map(|id| u32::try_from(*id).ok()).collect(),
    };
    let body = to_cbor(&Message::Update(update))?;
    out.push(Action::Multicast { order: Order::Fifo, body });
    Ok(true)
}
