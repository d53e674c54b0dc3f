//! What the engine tells a member of a secure group.

use super::{MAX_EARLY, Member, Outgoing, Sealed, State, Wish};
use crate::agreement::{Arrived, Late};
use crate::control::kind;
use crate::event::Event;
use crate::keys::Epoch;
use crate::records::{Opened, RecordError, key_id_of};
use bytes::Bytes;
use cenacle_core::{Event as Plain, MemberId, Order, Service, Time};

impl Member {
    /// Takes an event of the engine.
    pub(crate) fn engine(&mut self, now: Time, event: Plain, out: &mut Vec<Wish>) {
        self.tools.now = now;
        match event {
            Plain::Sent { view, service, to, .. } => self.placed(view, service, to, out),
            Plain::Message { from, service, order, body, .. } => {
                self.message(from, service, order, body, out);
            }
            Plain::Transitional { .. } => self.signal(out),
            Plain::FlushRequest { .. } => self.flush_request(out),
            Plain::View(view) => self.view(*view, out),
            end @ (Plain::Left | Plain::Refused(_)) => out.push(Wish::Tell(Event::Plain(end))),
        }
    }

    fn message(
        &mut self,
        from: MemberId,
        way: Service,
        order: Option<Order>,
        mut body: Bytes,
        out: &mut Vec<Wish>,
    ) {
        match body.last().copied() {
            None => self.warn("refused_message", format!("an empty message of {from}"), out),
            Some(kind::RECORD) => self.record(Sealed { from, way, order, body }, out),
            Some(kind) => {
                body.truncate(body.len().saturating_sub(1));
                self.of_agreement(Arrived { from, way, kind, body }, out);
            }
        }
    }

    fn of_agreement(&mut self, arrived: Arrived, out: &mut Vec<Wish>) {
        // After a run is confirmed, or the view's signal, what is left of it means nothing.
        let State::Agreeing(agreement) = &mut self.state else {
            return self.of_late_agreement(&arrived, out);
        };
        let mut acts = Vec::new();
        let confirmed = agreement.take(arrived, &mut self.tools, &mut acts);
        self.carry_out(acts, out);
        if let Some(epoch) = confirmed {
            self.confirmed(epoch, out);
        }
    }

    /// The signal came before the word that all hold the secret, which may come still.
    fn of_late_agreement(&mut self, arrived: &Arrived, out: &mut Vec<Wish>) {
        let Some(late) = &mut self.late else { return };
        match late.take_late(arrived) {
            Late::Open => {}
            Late::Over => self.late = None,
            Late::Confirmed(epoch) => {
                self.install_late(epoch, out);
                self.open_early(out);
            }
        }
    }

    /// A run is confirmed: the view is secure, and what came early can be opened.
    pub(super) fn confirmed(&mut self, epoch: Epoch, out: &mut Vec<Wish>) {
        self.install(epoch, out);
        self.open_early(out);
    }

    fn open_early(&mut self, out: &mut Vec<Wish>) {
        self.early_bytes = 0;
        for sealed in std::mem::take(&mut self.early) {
            self.record(sealed, out);
        }
    }

    fn record(&mut self, sealed: Sealed, out: &mut Vec<Wish>) {
        // Somebody knows of the key already: what it sends outside its stream may come first.
        if matches!(self.state, State::Agreeing(_)) || self.late.is_some() {
            return self.keep_early(sealed, out);
        }
        let Some(view) = self.present.as_ref().map(|present| present.view.id) else { return };
        if self.engine_view != Some(view) {
            // Sealed in the secure view, and kept by its sender's engine for a later one, of which
            // this member knows no key yet: its sender says it again.
            return;
        }
        let Sealed { from, way, order, body } = sealed;
        if from == self.me
            && let Some((first, messages)) = self.own_record(&body)
        {
            for (number, message) in (first..).zip(messages) {
                let Outgoing { service, body, .. } = message;
                let event = Plain::Message { from, number, view, service, order, body };
                out.push(Wish::Tell(Event::Plain(event)));
            }
            return;
        }
        let Some(present) = &mut self.present else { return };
        match present.reader.open(&from, way, &body) {
            Ok(Opened { service, first, messages }) => {
                present.sealed += body.len() as u64;
                if !self.may_say(&from) {
                    let detail = format!("{from} may not send in {}: it is not heard", self.group);
                    return self.warn("not_allowed", detail, out);
                }
                for (number, body) in (first..).zip(messages) {
                    let event = Plain::Message { from, number, view, service, order, body };
                    out.push(Wish::Tell(Event::Plain(event)));
                }
            }
            // Of a view that this member has not installed, or sealed before it began: its sender
            // says it again where it matters.
            Err(RecordError::OtherKey { .. }) => {}
            Err(error) => self.warn("refused_message", error.to_string(), out),
        }
    }

    fn keep_early(&mut self, sealed: Sealed, out: &mut Vec<Wish>) {
        let old = self.present.as_ref().map(|present| present.epoch.key_id());
        if old.is_some() && key_id_of(&sealed.body) == old {
            return;
        }
        let bytes = self.early_bytes.saturating_add(sealed.body.len() + size_of::<Sealed>());
        if bytes > MAX_EARLY {
            let detail = format!("a message of {} came too long before the key", sealed.from);
            return self.warn("dropped", detail, out);
        }
        self.early_bytes = bytes;
        self.early.push_back(sealed);
    }

    /// The view's one signal.
    fn signal(&mut self, out: &mut Vec<Wish>) {
        self.ending = true;
        self.interrupt();
        self.end_present(out);
    }

    /// The agreement ends with its view. Where this member said that it holds the secret, all may be
    /// known to hold it already, at members that this one does not meet again: then the view was
    /// installed, and this member installs it when it learns so.
    fn interrupt(&mut self) {
        if !matches!(self.state, State::Agreeing(_)) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Interrupted);
        if let State::Agreeing(agreement) = state
            && agreement.holds_secret()
        {
            self.attempted(agreement.view());
            self.late = Some(agreement);
        } else {
            (self.early, self.early_bytes) = (Default::default(), 0);
        }
        self.abort_run();
    }

    pub(super) fn end_present(&mut self, out: &mut Vec<Wish>) {
        if let Some(present) = &mut self.present
            && !std::mem::replace(&mut present.signalled, true)
        {
            let view = present.view.id;
            out.push(Wish::Tell(Event::Plain(Plain::Transitional { view })));
        }
    }

    /// The instance forgets the run; what it confirmed last stays.
    fn abort_run(&mut self) {
        // An instance that cannot even forget is told of the next change all the same.
        let _ = self.tools.feed(cenacle_plugin::Input::Abort);
    }

    fn flush_request(&mut self, out: &mut Vec<Wish>) {
        match &self.state {
            State::Secure => {
                let Some(present) = &mut self.present else { return };
                present.asked = true;
                let view = present.view.id;
                out.push(Wish::Tell(Event::Plain(Plain::FlushRequest { view })));
                if !self.manual_flush || self.leaving.is_some() {
                    self.flush_ok();
                }
            }
            // The application is not asked for what it knows nothing of.
            State::Agreeing(_) | State::Interrupted | State::Joining => {
                self.interrupt();
                self.flush(out);
            }
            State::Flushed => {}
        }
    }

    pub(super) fn warn(&self, reason: &'static str, detail: String, out: &mut Vec<Wish>) {
        out.push(Wish::Tell(Event::Warning { reason, detail }));
    }
}
