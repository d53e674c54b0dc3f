//! Everything that can happen, one thing after the other, and what is to be done about it.

use crate::clock;
use crate::model::{Effect, Happening};
use cenacle::{Error, Group, Node, Notice, Service};
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::task::{Context, Poll};

/// What has been asked of the node and is answered later.
enum Answer {
    Joined(Result<Group, Error>),
    Refreshed(Result<(), Error>),
}

/// The node and its group, the input, the signals.
pub(crate) struct Driver<'n> {
    node: &'n Node,
    name: String,
    group: Option<Group>,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Messages that the group has not been offered yet: one after the other, to keep their order.
    offers: VecDeque<(u64, String)>,
    offering: Option<BoxFuture<'static, (u64, Result<(), Error>)>>,
    input: mpsc::Receiver<Happening>,
    signals: mpsc::Receiver<Happening>,
    /// The node has stopped, and that has been told.
    stopped: bool,
}

impl<'n> Driver<'n> {
    pub(crate) fn new(
        (node, name): (&'n Node, String),
        input: mpsc::Receiver<Happening>,
        signals: mpsc::Receiver<Happening>,
    ) -> Self {
        let (answers, offers) = (FuturesUnordered::new(), VecDeque::new());
        let (group, offering, stopped) = (None, None, false);
        Self { node, name, group, answers, offers, offering, input, signals, stopped }
    }

    /// Nothing will come of the node any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Does it; an answer comes among what happens.
    pub(crate) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Join => {
                let joining = self.node.start_joining(&self.name);
                self.answers.push(Box::pin(async move { Answer::Joined(joining.await) }));
            }
            Effect::Offer { ticket, text } => self.offers.push_back((ticket, text)),
            Effect::Refresh => {
                if let Some(group) = &self.group {
                    let refreshed = group.refresh();
                    self.answers.push(Box::pin(async move { Answer::Refreshed(refreshed.await) }));
                }
            }
            Effect::Leave => {
                if let Some(group) = &self.group {
                    // A node that has stopped has left.
                    let _ = group.start_leaving();
                }
            }
            Effect::Quit => self.node.stopper().stop(),
            // The screen's.
            Effect::Redraw => {}
        }
    }

    /// What happens next, with its time; no input unless it is wanted.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        wants_input: bool,
    ) -> Poll<(u64, Happening)> {
        let now = clock::now_us();
        if let Poll::Ready(Some(signal)) = self.signals.poll_next_unpin(cx) {
            return Poll::Ready((now, signal));
        }
        if let Poll::Ready(Some(answer)) = self.answers.poll_next_unpin(cx) {
            return Poll::Ready((now, self.answered(answer)));
        }
        if let Some(found) = self.poll_group(cx) {
            return Poll::Ready(found);
        }
        if let Some(result) = self.poll_offer(cx) {
            return Poll::Ready((now, result));
        }
        if let Some(notice) = self.poll_notice(cx) {
            return Poll::Ready((now, notice));
        }
        if wants_input && let Poll::Ready(Some(input)) = self.input.poll_next_unpin(cx) {
            return Poll::Ready((now, input));
        }
        Poll::Pending
    }

    fn answered(&mut self, answer: Answer) -> Happening {
        match answer {
            Answer::Joined(Ok(group)) => {
                let member = group.member();
                self.group = Some(group);
                Happening::Joining(member)
            }
            Answer::Joined(Err(error)) => Happening::NotJoined(error),
            Answer::Refreshed(result) => Happening::Refreshed(result),
        }
    }

    fn poll_group(&mut self, cx: &mut Context<'_>) -> Option<(u64, Happening)> {
        let group = self.group.as_mut()?;
        match group.poll_next_unpin(cx) {
            Poll::Ready(Some(event)) => Some((group.time_us(), Happening::Group(Box::new(event)))),
            Poll::Ready(None) => {
                self.group = None;
                self.offers.clear();
                self.offering = None;
                None
            }
            Poll::Pending => None,
        }
    }

    fn poll_offer(&mut self, cx: &mut Context<'_>) -> Option<Happening> {
        if self.offering.is_none() {
            let sender = self.group.as_ref()?.sender();
            let (ticket, text) = self.offers.pop_front()?;
            let offer = async move { (ticket, sender.send(text, Service::Agreed).await) };
            self.offering = Some(Box::pin(offer));
        }
        match self.offering.as_mut()?.poll_unpin(cx) {
            Poll::Ready((ticket, result)) => {
                self.offering = None;
                Some(Happening::Offered { ticket, result })
            }
            Poll::Pending => None,
        }
    }

    fn poll_notice(&mut self, cx: &mut Context<'_>) -> Option<Happening> {
        while !self.stopped {
            match self.node.poll_notice(cx) {
                Poll::Ready(Some(Notice::Warning { detail, .. })) => {
                    return Some(Happening::Warning(detail));
                }
                Poll::Ready(Some(_)) => {}
                // Its groups end first.
                Poll::Ready(None) if self.group.is_none() => {
                    self.stopped = true;
                    return Some(Happening::Stopped);
                }
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
        None
    }
}
