//! Views: an agreement begins with each of the engine's, and a secure one is made when it ends well.

use super::{Member, Present, State, Wish};
use crate::agreement::Agreement;
use crate::event::{Event, SecureView, Standing};
use crate::keys::Epoch;
use crate::names::module_member;
use crate::records::{Reader, Writer};
use crate::register::Register;
use crate::safety;
use crate::words::{Occasion, Primary, Words};
use cenacle_core::{MemberId, View, ViewId};
use cenacle_plugin::{Component, Input, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Member {
    /// The engine has installed a view: its members agree on a key.
    pub(super) fn view(&mut self, mut view: View, out: &mut Vec<Wish>) {
        view.record = Register::read(&view.record).above;
        self.together.retain(|member| view.transitional.contains(member));
        self.engine_view = Some(view.id);
        self.flights.forget_unicasts();
        self.forget_own_records();
        (self.early, self.early_bytes) = (Default::default(), 0);
        (self.late, self.ending) = (None, false);
        (self.rekeying, self.asks) = (false, false);
        let said = self.heard(&view, out);
        let mut acts = Vec::new();
        let before = self.ring.as_deref();
        let begun = Agreement::new(
            self.suite.clone(),
            &view,
            self.me,
            &said,
            before,
            &mut self.tools,
            &mut acts,
        );
        out.push(Wish::Tell(Event::Standing(Standing::Agreeing)));
        match begun {
            Ok(agreement) => {
                self.ring = Some(Arc::clone(agreement.ring()));
                self.primaries.learn(&said, &self.me);
                self.state = State::Agreeing(Box::new(agreement));
            }
            Err(error) => {
                // All members see the same view and fail alike: the next view may be better.
                self.state = State::Interrupted;
                self.warn("key_agreement", format!("no key can be agreed here: {error}"), out);
            }
        }
        self.carry_out(acts, out);
    }

    /// What the members of a view said before it. Everybody reads the same.
    fn heard(&self, view: &View, out: &mut Vec<Wish>) -> BTreeMap<MemberId, Words> {
        let mut previous: BTreeMap<MemberId, ViewId> = BTreeMap::new();
        for class in &view.classes {
            if let Some(id) = class.previous {
                previous.extend(class.members.iter().map(|member| (*member, id)));
            }
        }
        let mut said = BTreeMap::new();
        for (member, blob) in &view.blobs {
            let occasion = previous.get(member).map_or(Occasion::Join, |id| Occasion::Flush(*id));
            match Words::hear(blob, &self.group, member, occasion) {
                Ok(words) => drop(said.insert(*member, words)),
                Err(error) => self.warn("refused_message", format!("{member}: {error}"), out),
            }
        }
        said
    }

    /// All members hold the secret: the secure view is installed.
    pub(super) fn install(&mut self, epoch: Epoch, out: &mut Vec<Wish>) {
        let State::Agreeing(agreement) = std::mem::replace(&mut self.state, State::Interrupted)
        else {
            return;
        };
        let id = *epoch.id();
        if !self.enter(&agreement, epoch, out) {
            return;
        }
        // An instance that cannot keep what was confirmed does not build on it.
        self.base = self.confirm_instance(out).then_some(id);
        self.state = State::Secure;
        self.next_check = Some(self.tools.now + self.patience.rekey_check);
    }

    /// All hold the secret, and this member learns it when the view is ending: others had the view, so
    /// it has it too, with its signal. The instance was told to forget the run, and what this member
    /// said for the next view names the epoch before.
    pub(super) fn install_late(&mut self, epoch: Epoch, out: &mut Vec<Wish>) {
        let Some(agreement) = self.late.take() else { return };
        if self.enter(&agreement, epoch, out) && self.ending {
            self.end_present(out);
        }
    }

    /// The application gets the view; false if there is no key for it.
    fn enter(&mut self, agreement: &Agreement, epoch: Epoch, out: &mut Vec<Wish>) -> bool {
        let mut view = agreement.view().clone();
        let cipher = self.cipher.as_ref();
        let writer = Writer::new(&epoch, cipher, self.max_records, &self.me);
        let reader = Reader::new(&epoch, cipher, &view.members, self.me);
        let (Ok(writer), Ok(reader)) = (writer, reader) else {
            self.warn("cipher", "the cipher takes no key".to_owned(), out);
            return false;
        };
        view.transitional =
            view.members.iter().filter(|member| self.together.contains(member)).copied().collect();
        self.together = view.members.iter().copied().collect();
        let silent = self.silent_in(&view);
        let secure = SecureView {
            fingerprint: epoch.fingerprint(),
            safety: safety::digest(&view.members, &self.suite.charter),
            aborted: agreement.run(),
            view: view.clone(),
        };
        self.present = Some(Present {
            epoch,
            view,
            writer,
            reader,
            since: self.tools.now,
            sealed: 0,
            spent: false,
            silent: silent.clone(),
            signalled: false,
            asked: false,
        });
        self.queue.due_since = None;
        out.push(Wish::Tell(Event::Secure(Box::new(secure))));
        let standing = match silent {
            Some(detail) => Standing::ReadOnly { detail },
            None => Standing::Secure,
        };
        out.push(Wish::Tell(Event::Standing(standing)));
        true
    }

    /// Whether the instance can build on what was confirmed. The key is good even if it cannot; this
    /// member then comes to the next change without an epoch, as a newcomer.
    fn confirm_instance(&mut self, out: &mut Vec<Wish>) -> bool {
        let Err(error) = self.tools.feed(Input::Confirmed) else { return true };
        self.warn("key_agreement", format!("after the confirmation: {error}"), out);
        false
    }

    /// Why this member may not send in this view, if it may not.
    fn silent_in(&mut self, view: &View) -> Option<Arc<str>> {
        if let Some(component) = self.lacking() {
            let Component { present, last_primary } = component;
            let detail = format!(
                "{present} of the {last_primary} members of the last primary view are here: this \
                 part of the group may only read until more come back"
            );
            return Some(detail.into());
        }
        self.primaries.form(primary(view));
        match self.may(&self.me) {
            Verdict::Allow => None,
            Verdict::Refuse { detail, .. } => Some(detail.into()),
        }
    }

    /// What of the last primary views is not here in sufficient numbers.
    fn lacking(&self) -> Option<Component> {
        self.primaries.lacking(|component| self.policy.may_continue(component))
    }

    /// The present view, whose secret this member holds, may become primary at others.
    pub(super) fn attempted(&mut self, view: &View) {
        if self.lacking().is_none() {
            self.primaries.attempt(primary(view));
        }
    }

    fn may(&self, member: &MemberId) -> Verdict {
        match module_member(member) {
            Ok(member) => self.policy.may_send(&member),
            Err(error) => {
                Verdict::Refuse { reason: "member".to_owned(), detail: error.to_string() }
            }
        }
    }

    /// Whether what `member` says is heard.
    pub(super) fn may_say(&self, member: &MemberId) -> bool {
        matches!(self.may(member), Verdict::Allow)
    }
}

/// A view that this member is in, as a primary one.
fn primary(view: &View) -> Primary {
    let size = u32::try_from(view.members.len()).unwrap_or(u32::MAX);
    Primary { view: view.id, size, inside: true }
}
