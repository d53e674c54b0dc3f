//! From the leaf to the root: computing keys, publishing and checking their blinded forms.

use super::super::encoded::{Encoded, bad, cut, decode, encode};
use super::tree::{NodeId, Tree};
use super::{Filling, Message, NODE, PathKey, Run, SECRET, Stage, Tgdh, Update};
use cenacle_dh::{DhGroup, Purpose};
use cenacle_plugin::{Action, Error, Order, Outbox, to_cbor};

impl<G: DhGroup> Tgdh<G> {
    /// The element of the node above the one whose key is the last of `keys`; `None` as long as
    /// the sibling's blinded key is missing.
    pub(super) fn climb(
        &mut self,
        filling: &Filling,
        keys: &[PathKey<G>],
    ) -> Result<Option<G::Element>, Error> {
        let last = keys.last().ok_or(Error::Bug("a member without a share"))?;
        let sibling = filling.siblings.get(keys.len() - 1);
        let sibling = *sibling.ok_or(Error::Bug("a path without siblings"))?;
        let Some(blinded) = filling.tree.blinded(sibling) else { return Ok(None) };
        let base = decode(&self.calculator, filling.speaker(sibling), blinded)?;
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
        while keys.len() + 1 < filling.path.len() {
            let Some(element) = self.climb(filling, keys)? else { break };
            let key = self.calculator.hash_to_scalar(NODE, &element);
            let id = *filling.path.get(keys.len()).ok_or(Error::Bug("a path cut short"))?;
            if filling.tree.blinded(id).is_none() && filling.sponsor(id) == Some(me) {
                let element = self.calculator.exp_base(Purpose::Protocol, &key);
                filling.publish(id, &encode(&self.calculator, &element));
                unsent.push(id);
            } else if let Some(published) = filling.tree.blinded(id) {
                self.compare(filling.speaker(id), published, &key)?;
            }
            let blinded = filling.tree.blinded(id).map(Encoded::from);
            keys.push(PathKey { key, blinded });
        }
        let below_root = keys.len() + 1 == filling.path.len();
        let sibling = filling.siblings.last().and_then(|id| filling.tree.blinded(*id));
        let at_root = below_root && sibling.is_some();
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
        let root = if filling.path.len() > 1 {
            self.climb(filling, &run.keys)?
        } else {
            // Alone: the share may be known to others in its blinded form, its power is not.
            let leaf = run.keys.first().ok_or(Error::Bug("a member without a share"))?;
            let share = filling.tree.blinded(0).ok_or(Error::Bug("a share without form"))?;
            let base = decode(&self.calculator, run.change.me(), share)?;
            Some(self.calculator.exp(Purpose::Protocol, &base, &leaf.key))
        };
        let root = root.ok_or(Error::Bug("the root is out of reach"))?;
        out.push(Action::Install(self.calculator.hash_to_secret(SECRET, &root)));
        filling.installed = true;
        filling.resuming = false;
        Ok(())
    }

    /// A published key must be the one that this member computes.
    fn compare(&mut self, from: u32, published: &[u8], key: &G::Scalar) -> Result<(), Error> {
        let element = self.calculator.exp_base(Purpose::Check, key);
        if self.calculator.encode(&element) == *published {
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
            if filling.sponsor(id) != Some(from) {
                return Err(bad(from, "a key that is not its to publish"));
            }
            if id == 0 || filling.tree.blinded(id).is_some() {
                return Err(bad(from, "a key that nobody waits for"));
            }
            filling.publish(id, &blinded);
            let level = filling.path.iter().position(|on_path| *on_path == id);
            if let Some(known) = level.and_then(|level| run.keys.get_mut(level)) {
                self.compare(from, &blinded, &known.key)?;
                known.blinded = Some(blinded);
            }
        }
        Ok(())
    }
}

/// Multicasts the blinded keys of `nodes`, if there are any.
fn publish(tree: &Tree, nodes: Vec<NodeId>, out: &mut Outbox) -> Result<bool, Error> {
    if nodes.is_empty() {
        return Ok(false);
    }
    let keys = nodes.iter().filter_map(|id| tree.blinded(*id));
    let update = Update {
        blinded: keys.flatten().copied().collect(),
        nodes: nodes.iter().filter_map(|id| u32::try_from(*id).ok()).collect(),
    };
    let body = to_cbor(&Message::Update(update))?;
    out.push(Action::Multicast { order: Order::Fifo, body });
    Ok(true)
}
