//! What arrives in a view while its key is being agreed.

use super::{Act, Agreement, COLLECTOR, EARLY_BYTES, EARLY_EACH, Tools};
use crate::control::{Control, kind, read_proof};
use crate::keys::{CONFIRMATION_LEN, Epoch};
use crate::{Channel, Framed, Received, TAG_LEN};
use bytes::Bytes;
use cenacle_core::{MemberId, Service, Time};
use cenacle_plugin::{Error as ModuleError, Input, Random};

/// A message that belongs to an agreement.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    /// Who sent it, as the engine says.
    pub(crate) from: MemberId,
    /// How it travelled.
    pub(crate) way: Service,
    /// What it is.
    pub(crate) kind: u8,
    /// The rest.
    pub(crate) body: Bytes,
}

/// What is left of an agreement after its view's signal.
pub(crate) enum Late {
    /// All may hold the secret.
    Open,
    /// The run was given up before that was known.
    Over,
    /// All hold it.
    Confirmed(Epoch),
}

impl Agreement {
    /// A message of the view. What belongs to the module waits for [`Agreement::settle`]; what
    /// members say about the run is taken at its place.
    ///
    /// The epoch, when all members are known to hold its secret.
    pub(crate) fn take(
        &mut self,
        arrived: Arrived,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Option<Epoch> {
        match arrived.kind {
            kind::CONFIRMED | kind::CONTROL if arrived.way == Service::Agreed => {
                // Their place in the order counts: what came before them comes first.
                self.settle(tools, out);
                match arrived.kind {
                    kind::CONFIRMED => return self.take_confirmed(&arrived, out),
                    _ => self.take_control(&arrived, tools, out),
                }
            }
            kind::ENVELOPE | kind::FRAME | kind::CONFIRMATION => {
                self.arrived(arrived, tools.now, out);
            }
            _ => out.push(refused(&arrived, "it travels where nothing of its kind does")),
        }
        None
    }

    /// Sorts a message to its run.
    pub(super) fn arrived(&mut self, arrived: Arrived, now: Time, out: &mut Vec<Act>) {
        let tag = match arrived.kind {
            kind::CONFIRMATION => read_proof(&arrived.body).map(|(tag, _)| tag),
            kind::FRAME => frame_tag(&arrived.body),
            _ => Received::parse(&arrived.body).ok().map(|received| received.tag()),
        };
        match tag {
            None => out.push(refused(&arrived, "it is malformed")),
            Some(tag) if tag == self.current.context.tag() => match arrived.kind {
                kind::CONFIRMATION => self.confirmation(&arrived, now, out),
                _ => self.current.pending.push(arrived),
            },
            Some(tag) if tag == self.next_tag => self.keep(arrived, out),
            #[cfg(feature = "defects")]
            Some(_) if self.suite.defect == Some(crate::Defect::AcceptOtherRun) => {
                self.current.pending.push(arrived);
            }
            // Of a run that was aborted: its sender did not know that yet.
            Some(_) => {}
        }
    }

    /// Without the rule that a view is secure only once all are known to hold the secret.
    #[cfg(feature = "defects")]
    pub(crate) fn hasty(&mut self) -> Option<Epoch> {
        let hasty = self.suite.defect == Some(crate::Defect::SkipConfirmation);
        self.current.epoch.take_if(|_| hasty)
    }

    /// Keeps a message of the next run until this member knows of it, too.
    fn keep(&mut self, arrived: Arrived, out: &mut Vec<Act>) {
        let from_it = self.early.iter().filter(|other| other.from == arrived.from).count();
        let bytes = self.early_bytes.saturating_add(arrived.body.len());
        if from_it >= EARLY_EACH || bytes > EARLY_BYTES {
            return out.push(refused(&arrived, "too much of a run that has not begun here"));
        }
        self.early_bytes = bytes;
        self.early.push(arrived);
    }

    /// Opens what waits, all at once, and gives it to the module in order.
    pub(crate) fn settle(&mut self, tools: &mut Tools, out: &mut Vec<Act>) {
        // What the module answers may come back at once only through the engine: one pass is all.
        let pending = std::mem::take(&mut self.current.pending);
        if pending.is_empty() {
            return;
        }
        let envelopes: Vec<&[u8]> =
            pending.iter().filter(|a| a.kind == kind::ENVELOPE).map(|a| a.body.as_ref()).collect();
        let mut random = Random::new(&tools.entropy.draw());
        let opened = self.current.opener.open_batch(&envelopes, &mut random);
        #[cfg(feature = "defects")]
        let opened = self.opened_of_any_run(opened, &envelopes);
        let mut opened = opened.into_iter();
        for arrived in &pending {
            let fed = match arrived.kind {
                kind::FRAME => self.frame(arrived, tools, out),
                _ => match opened.next() {
                    Some(Ok(message)) => {
                        let (from, channel) = (message.from(), message.channel());
                        let body = message.body().to_vec();
                        self.message(arrived, from, channel, body, tools, out)
                    }
                    // A large one for another member.
                    Some(Err(crate::EnvelopeError::WrongRecipient { .. }))
                        if arrived.way == Service::Fifo =>
                    {
                        Ok(())
                    }
                    Some(Err(error)) => {
                        out.push(refused(arrived, &error.to_string()));
                        Ok(())
                    }
                    None => Ok(()),
                },
            };
            if let Err(error) = fed {
                self.failed(tools.now, &error, out);
            }
        }
    }

    #[cfg(feature = "defects")]
    fn opened_of_any_run<'a>(
        &mut self,
        opened: Vec<Result<crate::Verified<'a>, crate::EnvelopeError>>,
        envelopes: &[&'a [u8]],
    ) -> Vec<Result<crate::Verified<'a>, crate::EnvelopeError>> {
        let again = |(result, bytes): (Result<_, _>, &&'a [u8])| {
            result.or_else(|error| {
                self.past.iter_mut().find_map(|opener| opener.open(bytes).ok()).ok_or(error)
            })
        };
        opened.into_iter().zip(envelopes).map(again).collect()
    }

    fn message(
        &mut self,
        arrived: &Arrived,
        from: u32,
        channel: Channel,
        body: Vec<u8>,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Result<(), ModuleError> {
        let right_way = match channel {
            Channel::Fifo => arrived.way == Service::Fifo,
            Channel::Agreed => arrived.way == Service::Agreed,
            Channel::Unicast => matches!(arrived.way, Service::Unicast | Service::Fifo),
        };
        if !right_way || self.members.get(from as usize) != Some(&arrived.from) {
            out.push(refused(arrived, "it was signed for another way, or came through another"));
            return Ok(());
        }
        if self.current.complained {
            return Ok(());
        }
        self.feed(Input::Message { from, body }, tools, out)
    }

    /// Nothing in it is proven but by the module, so nobody is blamed for it, nor is the run.
    fn frame(
        &mut self,
        arrived: &Arrived,
        tools: &mut Tools,
        out: &mut Vec<Act>,
    ) -> Result<(), ModuleError> {
        let framed = Framed::read(&self.current.context, &self.ring, self.me, &arrived.body);
        let (from, body) = match framed {
            Ok(framed) => (framed.claimed_sender(), framed.body().to_vec()),
            Err(crate::EnvelopeError::WrongRecipient { .. }) if arrived.way == Service::Fifo => {
                return Ok(());
            }
            Err(error) => {
                out.push(refused(arrived, &error.to_string()));
                return Ok(());
            }
        };
        if self.members.get(from as usize) != Some(&arrived.from) {
            out.push(refused(arrived, "it names another sender"));
            return Ok(());
        }
        if self.current.complained {
            return Ok(());
        }
        match self.feed(Input::Sealed { from, body }, tools, out) {
            Err(error @ (ModuleError::DoesNotOpen | ModuleError::BadMessage { .. })) => {
                out.push(refused(arrived, &error.to_string()));
                Ok(())
            }
            fed => fed,
        }
    }

    fn confirmation(&mut self, arrived: &Arrived, now: Time, out: &mut Vec<Act>) {
        let from = self.position(&arrived.from);
        let proof = read_proof(&arrived.body).map(|(_, proof)| proof);
        let (Some(from), Some(proof)) = (from, proof) else { return };
        if self.me == COLLECTOR && arrived.way == Service::Unicast {
            self.take_confirmation(from, &proof, now, out);
        }
    }

    /// All members hold the secret, says the collector, and only who holds it can say so.
    fn take_confirmed(&mut self, arrived: &Arrived, out: &mut Vec<Act>) -> Option<Epoch> {
        let (tag, proof) = read_proof(&arrived.body)?;
        if tag != self.current.context.tag() {
            // Of a run that was aborted before.
            return None;
        }
        let holds = self.current.epoch.as_ref().is_some_and(|epoch| is_seal(epoch, &proof));
        if !holds || self.position(&arrived.from) != Some(COLLECTOR) {
            out.push(refused(arrived, "it does not prove that all members hold the secret"));
            return None;
        }
        self.current.epoch.take()
    }

    /// After the view's signal: only what decides on the run for all counts still.
    pub(crate) fn take_late(&mut self, arrived: &Arrived) -> Late {
        if arrived.way != Service::Agreed {
            return Late::Open;
        }
        match arrived.kind {
            kind::CONFIRMED => match self.take_confirmed(arrived, &mut Vec::new()) {
                Some(epoch) => Late::Confirmed(epoch),
                None => Late::Open,
            },
            kind::CONTROL => match self.control_of(arrived) {
                Ok((_, Some(Control::Abort(abort)))) if abort.run == self.current.number => {
                    Late::Over
                }
                _ => Late::Open,
            },
            _ => Late::Open,
        }
    }

    /// Who said it, and what it says if that can be understood.
    fn control_of(&mut self, arrived: &Arrived) -> Result<(u32, Option<Control>), String> {
        match self.control_in.open(&arrived.body) {
            Ok(message) if self.members.get(message.from() as usize) == Some(&arrived.from) => {
                Ok((message.from(), Control::read(message.body())))
            }
            Ok(_) => Err("it names another sender".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether this member has the present run's secret, and has said so.
    pub(crate) fn holds_secret(&self) -> bool {
        self.current.epoch.is_some()
    }

    fn take_control(&mut self, arrived: &Arrived, tools: &mut Tools, out: &mut Vec<Act>) {
        let (from, control) = match self.control_of(arrived) {
            Ok(said) => said,
            Err(why) => return out.push(refused(arrived, &why)),
        };
        match control {
            None => out.push(refused(arrived, "it is malformed")),
            Some(Control::Here { run }) if run == self.current.number => {
                self.current.present.insert(from);
            }
            Some(Control::Abort(abort)) if abort.run == self.current.number => {
                if from != self.me {
                    let (run, reason) = (abort.run, abort.reason);
                    let detail = format!("run {run}: {} gives up: {reason}", arrived.from);
                    out.push(Act::Warn("key_agreement", detail));
                }
                self.restart(abort.cause, tools, out);
            }
            // Of a run that is over.
            Some(_) => {}
        }
    }

    fn position(&self, member: &MemberId) -> Option<u32> {
        let position = self.members.iter().position(|other| other == member)?;
        u32::try_from(position).ok()
    }
}

fn is_seal(epoch: &Epoch, proof: &[u8; CONFIRMATION_LEN]) -> bool {
    epoch.confirms(u32::MAX, proof)
}

/// Where a frame names its run: behind its version.
fn frame_tag(frame: &[u8]) -> Option<[u8; TAG_LEN]> {
    frame.get(1..)?.first_chunk().copied()
}

fn refused(arrived: &Arrived, why: &str) -> Act {
    Act::Warn("refused_message", format!("a message of {} was refused: {why}", arrived.from))
}
