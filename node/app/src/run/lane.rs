//! One group of a session: its events in, its commands out, in their order.

use super::output::Output;
use crate::failure::Failure;
use bytes::Bytes;
use cenacle::event::{Body, Label, Line, Manner};
use cenacle::{Error, Event, Group};
use cenacle_core::{GroupName, ViewId};
use futures::StreamExt;
use serde_json::Value;
use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

/// Something that waits for its turn in a group.
#[derive(Debug)]
pub(super) enum Job {
    Send { id: Option<Value>, body: Option<Bytes>, manner: Manner },
    FlushOk { id: Option<Value> },
    Leave { id: Option<Value> },
}

impl Job {
    /// What its answer repeats.
    pub(super) fn id(self) -> Option<Value> {
        match self {
            Self::Send { id, .. } | Self::FlushOk { id } | Self::Leave { id } => id,
        }
    }

    /// What it counts for while it waits.
    fn cost(&self) -> usize {
        let body = match self {
            Self::Send { body, .. } => body.as_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        body.saturating_add(size_of::<Self>())
    }
}

/// The most characters of a member's name that an error repeats.
const MAX_NAME: usize = 80;

/// What came of a command.
pub(super) type Outcome = (Option<Value>, Result<(), Error>);

/// A group.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: String,
    /// None while it is being joined.
    pub(super) group: Option<Group>,
    /// What waits, with what it counts for.
    jobs: VecDeque<(usize, Job)>,
    /// The sum of that.
    cost: usize,
    /// Commands to leave, answered when that has happened.
    leaving: Vec<Option<Value>>,
    /// Why the member was not let in, or put out.
    pub(super) refused: Option<String>,
    /// The view of the lines so far.
    view: Option<ViewId>,
    flush: Flush,
    /// Messages that were accepted and have no place yet.
    unplaced: u64,
    /// Those of them that were said before the answer to the flush request.
    owed: u64,
    /// A view that waits for the line of the flush before it.
    held: Option<Event>,
}

/// How an answer to a flush request stands. What was sent before it is told before it, and the next
/// view after it.
#[derive(Debug, Default)]
enum Flush {
    #[default]
    None,
    /// The engine has it, or will.
    Given,
    /// The engine has taken it, and has told all that came before.
    Taken(Option<Value>),
}

/// What looking at a lane's events brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    None,
    Some,
    Ended,
}

impl Lane {
    pub(super) fn new(name: String) -> Self {
        let (group, jobs, leaving) = (None, VecDeque::new(), Vec::new());
        let (flush, held) = (Flush::None, None);
        Self {
            name,
            group,
            jobs,
            cost: 0,
            leaving,
            refused: None,
            view: None,
            flush,
            unplaced: 0,
            owed: 0,
            held,
        }
    }

    pub(super) fn push(&mut self, job: Job) {
        let cost = job.cost();
        self.cost = self.cost.saturating_add(cost);
        self.jobs.push_back((cost, job));
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What the engine has said to the answer to a flush request: the command's id if it has taken it.
    pub(super) fn flushed(&mut self, taken: Option<Option<Value>>) {
        self.flush = taken.map_or(Flush::None, Flush::Taken);
    }

    /// Writes the events at hand.
    pub(super) fn poll_events(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut Output<'_, '_>,
    ) -> Result<Events, Failure> {
        let mut found = Events::None;
        while !output.is_full() {
            match self.poll_event(cx) {
                Poll::Ready(Some(event)) => {
                    match &event {
                        Event::View(view) => {
                            self.write_flush(output)?;
                            self.view = Some(view.id);
                        }
                        Event::Sent(_) | Event::NotSent { .. } => {
                            self.unplaced = self.unplaced.saturating_sub(1);
                            self.owed = self.owed.saturating_sub(1);
                        }
                        _ => {}
                    }
                    found = Events::Some;
                    self.write(event, output)?;
                }
                Poll::Ready(None) => {
                    self.write_flush(output)?;
                    return Ok(Events::Ended);
                }
                Poll::Pending => {
                    // What was said before it and has no place yet has its line before it, too.
                    if self.owed == 0 {
                        self.write_flush(output)?;
                    }
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The next event; no view while it is not known what came of a flush.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some(group) = &mut self.group else { return Poll::Pending };
        if self.held.is_none() {
            match ready!(group.poll_next_unpin(cx)) {
                Some(event @ Event::View(_)) => self.held = Some(event),
                other => return Poll::Ready(other),
            }
        }
        // The answer wakes this task.
        if matches!(self.flush, Flush::Given) {
            Poll::Pending
        } else {
            Poll::Ready(self.held.take())
        }
    }

    fn write(&mut self, event: Event, output: &mut Output<'_, '_>) -> Result<(), Failure> {
        let Some(group) = &self.group else { return Ok(()) };
        if let Event::Refused(refusal) = &event {
            self.refused = Some(refusal.detail.clone());
        }
        let mut line = Line {
            time_us: group.time_us(),
            member: Label::Member(group.member()),
            group: Some(group.name().clone()),
            body: Body::of(group.member(), event),
        };
        output.line(&mut line)?;
        if self.refused.is_some() && group.has_been_in_view() {
            // It was in and is put out: for those who read the lines it has left.
            output.line(&mut Line { body: Body::Leave, ..line })?;
        }
        Ok(())
    }

    /// Writes that a flush was answered, if it was and has not been told.
    fn write_flush(&mut self, output: &mut Output<'_, '_>) -> Result<(), Failure> {
        let (Some(group), Flush::Taken(id)) = (&self.group, &mut self.flush) else { return Ok(()) };
        let body = Body::FlushOk { view: self.view.map(Label::View) };
        let done = id.take().map(|id| Body::Done { id });
        for body in std::iter::once(body).chain(done) {
            let (member, group) = (Label::Member(group.member()), Some(group.name().clone()));
            output.line(&mut Line { time_us: output.now_us(), member, group, body })?;
        }
        self.flush = Flush::None;
        Ok(())
    }

    /// Does the next job, if that is possible; says what came of it where that is known.
    pub(super) fn poll_job(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let (Some(group), Some((_, job))) = (&self.group, self.jobs.front_mut()) else {
            return Poll::Pending;
        };
        if !self.leaving.is_empty() {
            // Behind its leave nothing is done: who asked learns it now.
            let gone = Error::Gone { group: group.name().clone() };
            return Poll::Ready(Step::Done((self.take(), Err(gone))));
        }
        let result = match job {
            Job::Send { body, manner: Manner::Multicast(service), .. } => {
                group.poll_send(cx, body, *service)
            }
            Job::Send { body, manner: Manner::Unicast(to), .. } => unicast(group, cx, to, body),
            Job::Send { .. } => Poll::Ready(Ok(())),
            // One after the other.
            Job::FlushOk { .. } if !matches!(self.flush, Flush::None) => Poll::Pending,
            Job::FlushOk { .. } => {
                self.flush = Flush::Given;
                self.owed = self.unplaced;
                let answer = group.flush_ok();
                return Poll::Ready(Step::FlushOk(self.take(), Box::pin(answer)));
            }
            Job::Leave { .. } => {
                let result = group.start_leaving();
                let id = self.take();
                return Poll::Ready(match result {
                    Ok(()) => {
                        self.leaving.push(id);
                        Step::Moved
                    }
                    Err(error) => Step::Done((id, Err(error))),
                });
            }
        };
        match result {
            // What is to be read comes first; it is at hand, or about to be.
            Poll::Ready(Err(Error::Backlog { .. })) | Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.unplaced += u64::from(result.is_ok());
                Poll::Ready(Step::Done((self.take(), result)))
            }
        }
    }

    fn take(&mut self) -> Option<Value> {
        let (cost, job) = self.jobs.pop_front()?;
        self.cost = self.cost.saturating_sub(cost);
        job.id()
    }

    /// What its commands are told when the group has ended.
    pub(super) fn end(self) -> Vec<Outcome> {
        let gone = |name: &str| match name.parse::<GroupName>() {
            Ok(group) => Error::Gone { group },
            Err(error) => error.into(),
        };
        let left = self.leaving.into_iter().map(|id| (id, Ok(())));
        let rest = self.jobs.into_iter().map(|(_, job)| (job.id(), Err(gone(&self.name))));
        left.chain(rest).collect()
    }
}

/// What a job came to.
pub(super) enum Step {
    /// It is under way.
    Moved,
    /// It is done, or refused.
    Done(Outcome),
    /// The engine answers later.
    FlushOk(Option<Value>, futures::future::BoxFuture<'static, Result<(), Error>>),
}

fn unicast(
    group: &Group,
    cx: &mut Context<'_>,
    to: &str,
    body: &mut Option<Bytes>,
) -> Poll<Result<(), Error>> {
    // Before the first view nobody is known; it wakes who waits for the group's events.
    let Some(view) = group.view() else { return Poll::Pending };
    match view.members.iter().copied().find(|member| member.to_string() == to) {
        Some(member) => group.poll_unicast(cx, member, body),
        None => Poll::Ready(Err(Error::NoSuchMember {
            group: group.name().clone(),
            member: to.chars().take(MAX_NAME).flat_map(char::escape_debug).collect(),
        })),
    }
}
