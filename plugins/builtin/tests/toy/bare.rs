//! The toy without `Atomic` around it: what that does for protocols is done here, but for one flaw.

use super::{Flaw, MAX_MEMBERS, Toy};
use cenacle_plugin::conformance::Inspect;
use cenacle_plugin::{Action, Error, Event, Input, KeyAgreement, Order, Outbox, Protocol, Random};

pub(super) struct Bare(pub(super) Toy);

impl Bare {
    fn apply(toy: &mut Toy, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        let mut random = Random::new(&event.random);
        let members = toy.run.as_ref().map(|run| run.change.size());
        match &event.input {
            Input::Change(change) => {
                let got = change.members().len();
                if got > MAX_MEMBERS as usize && toy.flaw != Flaw::TakesAnySize {
                    return Err(Error::TooManyMembers { got, max: MAX_MEMBERS as usize });
                }
                toy.change(change, &mut random, out)
            }
            Input::Message { from, body } => {
                if members.is_some_and(|members| *from >= members) {
                    match toy.flaw {
                        Flaw::HearsStrangers => return Ok(()),
                        Flaw::PanicsOnStrangers => panic!("who is {from}?"),
                        _ => return Err(Error::UnknownSender { from: *from }),
                    }
                }
                toy.message(*from, body, &mut random, out)
            }
            Input::Sealed { from, body } => toy.sealed(*from, body, &mut random, out),
            Input::Resume => toy.resume(out),
            Input::Confirmed => toy.confirmed(),
            Input::Abort => {
                toy.abort();
                Ok(())
            }
            Input::Offer => toy.offer(&mut random, out),
        }
    }
}

impl KeyAgreement for Bare {
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        let mut next = self.0.clone();
        let mut staged = Outbox::new();
        let result = Self::apply(&mut next, event, &mut staged);
        if result.is_ok() || self.0.flaw == Flaw::HalfDone {
            staged.push(Action::Count(next.take_work()));
            self.0 = next;
        }
        if result.is_ok() {
            out.append(&mut staged);
        } else if self.0.flaw == Flaw::TalksWhileRefusing {
            out.push(Action::Multicast { order: Order::Fifo, body: vec![0] });
        }
        result
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(&self.0)
    }
}
