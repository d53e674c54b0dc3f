//! A member's side of a run: what it does once it knows the tree (rounds 3 to 6).

use super::super::acks::Acks;
use super::super::channels::Channels;
use super::super::graph::{Part, Path, Slot, is_whole};
use super::super::messages::Message;
use super::super::seal::{Key, RECORD_LEN, Use};
use super::super::tree::Tree;
use super::super::waiting::Waiting;
use super::{Reports, SECRET};
use crate::agreement::encoded::bad;
use cenacle_dh::DhGroup;
use cenacle_plugin::{Action, Error, Order, Outbox, to_cbor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a member does in the run once it knows the tree.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) tree: Tree,
    pub(super) slots: Arc<[Slot]>,
    pub(super) path: Path,
    /// Subleaders that are to be sent a key of this member's choice: whom, and which step's.
    pub(super) unserved: Vec<(u32, usize)>,
    /// The key that another subleader chooses: who, and which step's.
    pub(super) awaited: Option<(u32, usize)>,
    /// Records that this member has to make, by the step whose key is sealed; none once made.
    pub(super) to_wrap: Vec<usize>,
    /// At the leader: what others made.
    pub(super) wraps: BTreeMap<u32, Vec<u8>>,
    pub(super) bundled: bool,
    pub(super) bundle: Option<Vec<u8>>,
}

#[derive(Clone)]
pub(super) struct Run<G: DhGroup> {
    pub(super) channels: Channels<G>,
    pub(super) leader: u32,
    pub(super) part: Part,
    pub(super) reports: Reports,
    pub(super) plan: Option<Plan>,
    pub(super) early: Waiting,
    pub(super) acks: Acks,
    /// The keys at the end.
    pub(super) state: Option<Arc<(Tree, Vec<Key>)>>,
}

/// Whatever can be done now.
pub(super) fn go_on<G: DhGroup>(run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
    let Some(mut plan) = run.plan.take() else { return Ok(()) };
    serve(run, &mut plan, out)?;
    if let Some((from, at)) = plan.awaited {
        for record in run.early.take(from, run.channels.is_ready(from)) {
            // Nobody signed it: what does not open is nobody's message.
            if let Ok(key) = run.channels.open(from, &record) {
                plan.path.learn(at, key)?;
                plan.awaited = None;
                break;
            }
        }
    }
    wrap(run, &mut plan, out)?;
    bundle(run, &mut plan, out)?;
    run.plan = Some(plan);
    climb(run, out)
}

/// Round 4: sends the keys of one's choice over the channels that are ready.
fn serve<G: DhGroup>(run: &mut Run<G>, plan: &mut Plan, out: &mut Outbox) -> Result<(), Error> {
    let unserved = std::mem::take(&mut plan.unserved);
    for (to, at) in unserved {
        if run.channels.is_ready(to) {
            let body = run.channels.seal(to, plan.path.key(at)?)?;
            out.push(Action::Sealed { to, body });
        } else {
            plan.unserved.push((to, at));
        }
    }
    Ok(())
}

/// Round 5: once it has them all, a subleader sends the leader its new keys, each under the one
/// below.
fn wrap<G: DhGroup>(run: &Run<G>, plan: &mut Plan, out: &mut Outbox) -> Result<(), Error> {
    if plan.awaited.is_some() || plan.to_wrap.is_empty() {
        return Ok(());
    }
    let mut records = Vec::new();
    for at in std::mem::take(&mut plan.to_wrap) {
        let below = plan.path.key(at.checked_sub(1).ok_or(Error::Bug("nothing to seal under"))?)?;
        let record = run.channels.sealing().seal(Use::Node, below, 0, plan.path.key(at)?)?;
        records.extend(record);
    }
    if run.leader == run.channels.me() {
        plan.wraps.insert(run.leader, records);
    } else {
        let body = to_cbor(&Message::Wraps(records))?;
        out.push(Action::Unicast { to: run.leader, body });
    }
    Ok(())
}

/// Round 6: the leader multicasts what all subleaders have made.
fn bundle<G: DhGroup>(run: &Run<G>, plan: &mut Plan, out: &mut Outbox) -> Result<(), Error> {
    let is_there = |slot: &Slot| plan.wraps.contains_key(&slot.maker());
    if run.leader != run.channels.me() || plan.bundled || !plan.slots.iter().all(is_there) {
        return Ok(());
    }
    let mut records: BTreeMap<u32, _> =
        plan.wraps.iter().map(|(from, made)| (*from, made.chunks_exact(RECORD_LEN))).collect();
    let mut bundle = Vec::with_capacity(plan.slots.len().saturating_mul(RECORD_LEN));
    for slot in plan.slots.iter() {
        let record = records.get_mut(&slot.maker()).and_then(Iterator::next);
        bundle.extend_from_slice(record.ok_or(Error::Bug("too few records"))?);
    }
    if !bundle.is_empty() {
        let body = to_cbor(&Message::Bundle(bundle.clone()))?;
        out.push(Action::Multicast { order: Order::Fifo, body });
    }
    plan.bundled = true;
    plan.bundle = Some(bundle);
    Ok(())
}

/// Opens the keys of one's path, once the bundle and the lowest new key are here.
fn climb<G: DhGroup>(run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
    let Some(mut plan) = run.plan.take() else { return Ok(()) };
    // Of two members, each has the only key without a bundle.
    if plan.slots.is_empty() {
        plan.bundle.get_or_insert_default();
    }
    let is_ready = run.state.is_none() && plan.awaited.is_none() && plan.unserved.is_empty();
    if let Some(bundle) = plan.bundle.as_ref().filter(|_| is_ready) {
        plan.path.climb(run.channels.sealing(), &plan.slots, run.leader, bundle)?;
        let keys = plan.path.known().ok_or(Error::Bug("a key is missing at the end"))?;
        let root = plan.path.root_key()?.clone();
        finish(run, plan.tree.clone(), keys, &root, out)?;
    }
    run.plan = Some(plan);
    Ok(())
}

/// All keys are here.
pub(super) fn finish<G: DhGroup>(
    run: &mut Run<G>,
    tree: Tree,
    keys: Vec<Key>,
    root: &Key,
    out: &mut Outbox,
) -> Result<(), Error> {
    let sealing = run.channels.sealing().clone();
    run.state = Some(Arc::new((tree, keys)));
    run.acks.arrived(&sealing, sealing.group_secret(SECRET, root), out)
}

/// A key that another subleader chose; perhaps before the tree that says so, or the channel.
pub(super) fn subkey<G: DhGroup>(
    run: &mut Run<G>,
    from: u32,
    body: &[u8],
    out: &mut Outbox,
) -> Result<(), Error> {
    match &mut run.plan {
        Some(plan) => match plan.awaited {
            Some((other, _)) if other != from => return Err(Error::DoesNotOpen),
            None => return Err(Error::DoesNotOpen),
            Some((_, at)) if run.channels.is_ready(from) => {
                plan.path.learn(at, run.channels.open(from, body)?)?;
                plan.awaited = None;
            }
            Some(_) => run.early.keep(from, body)?,
        },
        None if from == run.channels.me() => return Err(Error::DoesNotOpen),
        None => run.early.keep(from, body)?,
    }
    go_on(run, out)
}

/// The leader is sent a subleader's records.
pub(super) fn wrapped<G: DhGroup>(
    run: &mut Run<G>,
    from: u32,
    records: Vec<u8>,
    out: &mut Outbox,
) -> Result<(), Error> {
    let is_leader = run.leader == run.channels.me();
    let plan = run.plan.as_mut().filter(|_| is_leader);
    let plan = plan.ok_or(bad(from, "records that nobody waits for"))?;
    let due = plan.slots.iter().filter(|slot| slot.maker() == from).count();
    if due == 0 || plan.wraps.contains_key(&from) {
        return Err(bad(from, "records that nobody waits for"));
    }
    if records.len() != due.saturating_mul(RECORD_LEN) {
        return Err(bad(from, "it has not as many records as it must"));
    }
    plan.wraps.insert(from, records);
    go_on(run, out)
}

/// The leader's bundle.
pub(super) fn bundled<G: DhGroup>(
    run: &mut Run<G>,
    from: u32,
    records: Vec<u8>,
    out: &mut Outbox,
) -> Result<(), Error> {
    let plan = run.plan.as_mut().filter(|plan| from == run.leader && plan.bundle.is_none());
    let plan = plan.ok_or(bad(from, "a bundle that this member does not wait for"))?;
    if !is_whole(&records, &plan.slots) {
        return Err(bad(from, "it has not as many records as it must"));
    }
    plan.bundle = Some(records);
    climb(run, out)
}
