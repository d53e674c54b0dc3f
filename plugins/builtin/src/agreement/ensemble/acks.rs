//! Acknowledgements: a tree of members, leaves first, so that nobody hears from more than its
//! children (paper 000, section 3; paper 002, section 2).
//!
//! A member installs the key when it has it and all members below it in the tree have said that
//! they do; then it says so above. So the leader, at the root, installs only when all have the key,
//! and since no view is confirmed without the leader's value, none starts with a key that somebody
//! lacks. The paper's last step, the leader's *ProtoDone*, is that confirmation, which the secure
//! machine makes for every module.
//!
//! An acknowledgement proves, by an empty record under a key that follows from the group secret,
//! that its sender has the key; the paper sends it in the clear, where anybody may forge it. No
//! signature is made.

use super::layout::Layout;
use super::seal::{PROOF_LEN, Sealing};
use super::waiting::Waiting;
use cenacle_plugin::{Action, Error, GroupSecret, Outbox};
use std::collections::BTreeSet;

/// A member's side of the tree.
#[derive(Clone)]
pub(super) struct Acks {
    me: u32,
    parent: Option<u32>,
    /// Children that have not acknowledged.
    missing: BTreeSet<u32>,
    /// Proofs that came before the key.
    early: Waiting,
    secret: Option<GroupSecret>,
    installed: bool,
}

impl Acks {
    pub(super) fn new(layout: Layout, degree: u32, me: u32) -> Self {
        Self {
            me,
            parent: layout.parent(me, degree),
            missing: layout.children(me, degree).into_iter().collect(),
            early: Waiting::default(),
            secret: None,
            installed: false,
        }
    }

    /// Whether the key is installed here.
    pub(super) fn is_installed(&self) -> bool {
        self.installed
    }

    /// The key is here: its secret is `secret`.
    pub(super) fn arrived(
        &mut self,
        sealing: &Sealing,
        secret: GroupSecret,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        for from in self.missing.clone() {
            for proof in self.early.take(from, true) {
                if sealing.proves(&secret, from.into(), &proof)? {
                    self.missing.remove(&from);
                }
            }
        }
        self.secret = Some(secret);
        self.install(sealing, out)
    }

    /// The member at `from` seems to say that it, and all below it, have the key.
    pub(super) fn heard(
        &mut self,
        sealing: &Sealing,
        from: u32,
        proof: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        if proof.len() != PROOF_LEN || !self.missing.contains(&from) {
            return Err(Error::DoesNotOpen);
        }
        let Some(secret) = &self.secret else { return self.early.keep(from, proof) };
        if !sealing.proves(secret, from.into(), proof)? {
            return Err(Error::DoesNotOpen);
        }
        self.missing.remove(&from);
        self.install(sealing, out)
    }

    fn install(&mut self, sealing: &Sealing, out: &mut Outbox) -> Result<(), Error> {
        let Some(secret) = self.secret.as_ref().filter(|_| self.missing.is_empty()) else {
            return Ok(());
        };
        if let Some(to) = self.parent {
            let body = sealing.prove(secret, self.me.into())?;
            out.push(Action::Acknowledge { to, body });
        }
        out.push(Action::Install(secret.clone()));
        self.installed = true;
        Ok(())
    }
}
