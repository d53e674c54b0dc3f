//! `basic` and `binary`: one key, handed down a tree of channels.
//!
//! Source: paper 000, section 3. The leader chooses a fresh key and seals it for those below it in a
//! tree of channels; whoever has it seals it for those below. In `basic` the tree is a star, in
//! `binary` a binary tree over the members by seniority, read as a heap with the leader at its root.
//! So groups of any size have one, and a member needs `n - 1` or at most three channels.
//!
//! * **Round 1**: both ends of each channel that is missing show their shares: by unicast, but for
//!   the leader of a star, who shows it to all at once if several need it.
//! * **Then** the key goes down, a level a round.
//!
//! Departures: channels are set up by both ends at once and ahead of the key, because both know from
//! the view what is missing; the paper's handshake begins when the upper end has the key
//! (`set_up = "as-needed"`, `binary` only, does it so). The group secret is hashed from the key.
//! The paper renumbers the tree with the view as well: a departure moves members, and what moves may
//! miss its channel.
//!
//! # Costs
//!
//! `n` members after the change, `c` channels missing, `b` the most of them at one member (`b = c` in
//! `basic`; at most 3 in `binary`), `h` the depth of the tree: 1, or `log2 n` rounded down. Of a group
//! of one nothing. Exact:
//!
//! | | `basic` | paper 000 | `binary` | paper 000 |
//! |---|---|---|---|---|
//! | channels | `c` | at most n-1 | `c` | at most n-1 |
//! | sealed messages | n-1 | n-1 | n-1 | n-1 |
//! | signed unicasts | `c`, and 1 if c = 1 | 2 a channel | `2c` | 2 a channel |
//! | multicasts | 1 if c > 1 | 0 | 0 | 0 |
//! | rounds | 1, and 1 if c > 0 | | `h`, and 1 if one is missing at the root, on a longest path | |
//! | exponentiations, chain | `c` | n | `b` ≤ 3 | 3(log2(n+1) - 1) |
//! | exponentiations, all | `2c` | 2(n-1) | `2c` | 2(n-1) |
//! | signatures, chain | 1 if c > 0 | | `b` | |
//! | verifications, chain | `c` | | `b` | |
//! | acknowledgements | n-1 | n-1 | n-1 | n-1 |
//!
//! A leader that stays has its channels: a leave of another member is c = 0 in `basic`, a join c = 1; a
//! new leader has c = n-1. One that is missing costs `basic` one operation less than the paper's n
//! because both ends compute at the same time. With `as-needed` the chain of `binary` is the
//! paper's, to the unit, for full trees and an empty cache.

use super::super::encoded::{bad, read};
use super::super::{UNCONFIRMED, under_way};
use super::acks::Acks;
use super::channels::{Channels, all_work};
use super::layout::Layout;
use super::messages::Message;
use super::opening::{Epoch, Opening};
use super::seal::{Key, RECORD_LEN};
use super::waiting::Waiting;
use cenacle_dh::{Calculator, DhGroup};
use cenacle_plugin::{Action, Error, Outbox, Protocol, Random, ViewChange, Work};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How the key goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// From the leader to everybody.
    Star,
    /// From the leader to two members, and from each on to two.
    Binary {
        /// Whether all channels are set up at once, or each when the key has come to its upper end.
        ahead: bool,
    },
}

impl Shape {
    fn degree(self, size: u32) -> u32 {
        match self {
            Self::Star => size.saturating_sub(1).max(1),
            Self::Binary { .. } => 2,
        }
    }

    fn is_ahead(self) -> bool {
        !matches!(self, Self::Binary { ahead: false })
    }

    /// The domain of the group secret.
    pub(super) fn secret_domain(self) -> &'static str {
        match self {
            Self::Star => "cenacle basic group secret v1",
            Self::Binary { .. } => "cenacle binary group secret v1",
        }
    }
}

/// A member's side of a run.
#[derive(Clone)]
struct Run<G: DhGroup> {
    channels: Channels<G>,
    parent: Option<u32>,
    children: Vec<u32>,
    /// Children that have not been sent the key.
    unserved: BTreeSet<u32>,
    key: Option<Key>,
    /// Records that came before the channel that opens them.
    early: Waiting,
    acks: Acks,
}

/// The protocol.
#[derive(Clone)]
pub(super) struct Handout<G: DhGroup> {
    shape: Shape,
    calculator: Calculator<G>,
    opening: Opening,
    base: Option<Arc<Epoch<()>>>,
    run: Option<Run<G>>,
}

impl<G: DhGroup> Handout<G> {
    pub(super) fn new(shape: Shape, calculator: Calculator<G>, opening: Opening) -> Self {
        Self { shape, calculator, opening, base: None, run: None }
    }

    /// Channels that are needed from the start.
    fn begin(
        &mut self,
        run: &mut Run<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        run.channels.look_up(&run.children);
        if self.shape.is_ahead() {
            let peers: Vec<u32> = run.parent.iter().chain(&run.children).copied().collect();
            let at_once = self.shape == Shape::Star;
            run.channels.want(&peers, at_once, &mut self.calculator, random, out)?;
        }
        if run.parent.is_none() {
            self.arrived(run, random.secret(), random, out)?;
        }
        Ok(())
    }

    /// The key is here: pass it on, then acknowledge it.
    fn arrived(
        &mut self,
        run: &mut Run<G>,
        key: Key,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if !self.shape.is_ahead() {
            run.channels.want(&run.children, false, &mut self.calculator, random, out)?;
        }
        let sealing = run.channels.sealing().clone();
        let secret = sealing.group_secret(self.shape.secret_domain(), &key);
        run.key = Some(key);
        serve(run, out)?;
        run.acks.arrived(&sealing, secret, out)
    }

    /// The share of the member at the other end of a channel.
    fn share(
        &mut self,
        run: &mut Run<G>,
        from: u32,
        share: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let is_above = run.parent == Some(from);
        // The leader of a star shows its share to all at once, to those with a channel too.
        let for_others = self.shape == Shape::Star && is_above;
        let is_due = !run.channels.is_cached(from) && (is_above || run.children.contains(&from));
        if !is_due && !for_others {
            return Err(bad(from, "a share for a channel that nobody needs"));
        }
        let answers = is_due && is_above && !self.shape.is_ahead();
        run.channels.hear(from, share, answers, &mut self.calculator)?;
        if answers {
            run.channels.want(&[from], false, &mut self.calculator, random, out)?;
        }
        for record in run.early.take(from, run.channels.is_ready(from)) {
            // Nobody signed it: what does not open is nobody's message.
            if let Ok(key) = run.channels.open(from, &record) {
                self.arrived(run, key, random, out)?;
                break;
            }
        }
        serve(run, out)
    }
}

/// Sends the key to the children that have a channel.
fn serve<G: DhGroup>(run: &mut Run<G>, out: &mut Outbox) -> Result<(), Error> {
    let Some(key) = &run.key else { return Ok(()) };
    let ready: Vec<u32> =
        run.unserved.iter().copied().filter(|child| run.channels.is_ready(*child)).collect();
    for to in ready {
        out.push(Action::Sealed { to, body: run.channels.seal(to, key)? });
        run.unserved.remove(&to);
    }
    Ok(())
}

impl<G: DhGroup> Protocol for Handout<G> {
    fn change(
        &mut self,
        change: &Arc<ViewChange>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.run = None;
        let begun = self.opening.begin(change, self.base.as_ref())?;
        let size = change.size();
        let layout = Layout::new(begun.leader, size);
        let degree = self.shape.degree(size);
        let children = layout.children(change.me(), degree);
        let cached = self.opening.cached(begun.continued.as_ref());
        let mut run = Run {
            channels: Channels::new(begun.sealing, change, cached),
            parent: layout.parent(change.me(), degree),
            unserved: children.iter().copied().collect(),
            children,
            key: None,
            early: Waiting::default(),
            acks: Acks::new(layout, self.opening.degree(), change.me()),
        };
        self.begin(&mut run, random, out)?;
        self.run = Some(run);
        Ok(())
    }

    fn message(
        &mut self,
        from: u32,
        body: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        // One's own multicasts come back; what they say is known.
        if from != run.channels.me() {
            match read(from, body)? {
                Message::Share(share) => self.share(&mut run, from, &share, random, out)?,
                _ => return Err(bad(from, "it is not a message of this protocol")),
            }
        }
        self.run = Some(run);
        Ok(())
    }

    fn sealed(
        &mut self,
        from: u32,
        body: &[u8],
        random: &mut Random,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let mut run = under_way(&mut self.run)?;
        if body.len() != RECORD_LEN {
            let sealing = run.channels.sealing().clone();
            run.acks.heard(&sealing, from, body, out)?;
        } else if run.parent != Some(from) || run.key.is_some() {
            return Err(Error::DoesNotOpen);
        } else if run.channels.is_ready(from) {
            let key = run.channels.open(from, body)?;
            self.arrived(&mut run, key, random, out)?;
        } else {
            run.early.keep(from, body)?;
        }
        self.run = Some(run);
        Ok(())
    }

    fn confirmed(&mut self) -> Result<(), Error> {
        let run = self.run.take().filter(|run| run.acks.is_installed());
        let run = run.ok_or(UNCONFIRMED)?;
        self.base = Some(Arc::new(self.opening.epoch(&run.channels, ())));
        Ok(())
    }

    fn abort(&mut self) {
        self.run = None;
    }

    fn take_work(&mut self) -> Work {
        let channels = self.run.as_mut().map(|run| &mut run.channels);
        all_work(self.calculator.take_work(), channels)
    }

    #[cfg(feature = "conformance")]
    fn inspect(&self) -> Option<&dyn cenacle_plugin::conformance::Inspect> {
        Some(self)
    }
}

#[cfg(feature = "conformance")]
super::inspection::inspect!(Handout, |held| held.shape.secret_domain(), |held| {
    let cached = held.base.iter().flat_map(|base| base.channels.values());
    let run = held.run.iter();
    cached
        .flat_map(|channel| channel.keys())
        .chain(run.flat_map(|run| run.channels.fresh_keys().chain(&run.key)))
});
