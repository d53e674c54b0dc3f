//! A running node with its input and output: one loop that waits for everything at once.
//!
//! In each round: events at hand are written; then what waits in the groups moves; then, when there
//! is nothing to write, the next command is read.

use super::input::{Input, LONGEST_LINE, Taken};
use super::lane::{Events, Job, Lane, Outcome, Step};
use super::output::Output;
use crate::failure::Failure;
use bytes::Bytes;
use cenacle::event::{Body, Command, Label, Line, Manner, Request, StatusBody};
use cenacle::{Error, Group, GroupOptions, Node, Notice, Service, Status};
use cenacle_core::{GroupName, Semantics};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use std::task::{Context, Poll};
use std::time::Duration;

/// Commands that wait, in bytes: above this, the input is not read. As much as the longest line.
const MOST_WAITING: usize = LONGEST_LINE;

/// What has been asked of the node and is answered later.
enum Answer {
    Joined {
        id: Option<Value>,
        name: String,
        result: Result<Group, Error>,
    },
    Status {
        id: Option<Value>,
        result: Box<Result<Status, Error>>,
    },
    Flushed {
        id: Option<Value>,
        name: String,
        result: Result<(), Error>,
    },
    /// The engine has told what came before it took the answer to a flush request.
    Settled {
        id: Option<Value>,
        name: String,
    },
    Refreshed {
        id: Option<Value>,
        name: String,
        result: Result<(), Error>,
    },
}

/// What the input's lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands as JSON.
    Commands,
    /// Messages for this group.
    Messages(String),
}

/// How long the first line waits for the addresses to listen on.
const LISTEN: Duration = Duration::from_secs(2);

/// A node, its input and its output.
pub(super) struct Session<'a, 's> {
    node: &'a Node,
    /// How many addresses it was told to listen on.
    listen: usize,
    input: Input,
    kind: Kind,
    output: Output<'a, 's>,
    lanes: Vec<Lane>,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// The input has ended, or the only group.
    ending: bool,
    /// The node has been told to stop.
    told: bool,
    /// The node has stopped.
    stopped: bool,
    /// Why the member of a command for one group is not in it.
    refused: Option<String>,
}

impl<'a, 's> Session<'a, 's> {
    pub(super) fn new(
        (node, listen): (&'a Node, usize),
        input: Input,
        kind: Kind,
        output: Output<'a, 's>,
    ) -> Self {
        let (lanes, answers) = (Vec::new(), FuturesUnordered::new());
        let (ending, told, stopped, refused) = (false, false, false, None);
        Self { node, listen, input, kind, output, lanes, answers, ending, told, stopped, refused }
    }

    /// Runs until the node has stopped and all is written.
    pub(super) async fn run(mut self, groups: &[GroupName]) -> Result<(), Failure> {
        self.start().await?;
        for group in groups {
            self.join(None, group.as_str().to_owned());
        }
        while !std::future::poll_fn(|cx| self.poll_round(cx)).await? {
            self.output.flush()?;
        }
        self.output.flush()?;
        match self.refused.take().filter(|_| !matches!(self.kind, Kind::Commands)) {
            Some(why) => Err(Failure::Failed(why)),
            None => Ok(()),
        }
    }

    /// Tells where the node listens, once it does.
    async fn start(&mut self) -> Result<(), Failure> {
        let mut listens = 0;
        let mut early = Vec::new();
        let all = async {
            while listens < self.listen {
                match std::future::poll_fn(|cx| self.node.poll_notice(cx)).await {
                    Some(Notice::Listening { .. }) => listens += 1,
                    Some(Notice::Warning { reason, detail }) => early.push((reason, detail)),
                    Some(_) => {}
                    None => return,
                }
            }
        };
        // An address that does not come is told by a warning of the network's.
        let _ = async_std::future::timeout(LISTEN, all).await;
        let listening = match self.node.status().await {
            Ok(status) => status.network.listening,
            Err(_) => Vec::new(),
        };
        let addresses = listening.iter().map(ToString::to_string).collect();
        let peer = self.node.peer_id().to_string();
        self.tell(Body::Start { peer, addresses })?;
        early.into_iter().try_for_each(|(reason, detail)| self.warn(&reason, detail))
    }

    /// True when all is over; false when something was done.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Failure>> {
        self.poll_write(cx)?;
        if !self.output.is_empty() {
            return Poll::Ready(Ok(false));
        }
        if self.stopped && self.lanes.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if self.poll_jobs(cx)? || self.poll_input(cx)? || self.poll_end() {
            return Poll::Ready(Ok(false));
        }
        Poll::Pending
    }

    /// Gathers everything that is to be written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.poll_lanes(cx)?;
        while let Poll::Ready(Some(answer)) = self.answers.poll_next_unpin(cx) {
            self.answered(answer)?;
            // It may be what a group's lines have waited for.
            self.poll_lanes(cx)?;
        }
        self.poll_notices(cx)
    }

    fn poll_lanes(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let mut at = 0;
        while let Some(lane) = self.lanes.get_mut(at) {
            match lane.poll_events(cx, &mut self.output)? {
                Events::Ended => {
                    let lane = self.lanes.remove(at);
                    self.ended(lane)?;
                }
                Events::None | Events::Some => at += 1,
            }
        }
        Ok(())
    }

    fn poll_notices(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        while !self.stopped && !self.output.is_full() {
            match self.node.poll_notice(cx) {
                Poll::Ready(Some(Notice::Warning { reason, detail })) => {
                    self.tell(Body::Warning { reason, detail })?;
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => {
                    self.stopped = true;
                    // Groups that never came to be have no events that would end them.
                    self.lanes.retain(|lane| lane.group.is_some());
                }
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn ended(&mut self, lane: Lane) -> Result<(), Failure> {
        if matches!(&self.kind, Kind::Messages(_)) {
            self.ending = true;
            self.refused = lane.refused.clone();
        }
        let name = lane.name.clone();
        for (id, result) in lane.end() {
            self.outcome(id, &name, result)?;
        }
        Ok(())
    }

    /// Moves what waits in the groups; true if something did.
    fn poll_jobs(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let mut moved = false;
        let mut outcomes: Vec<(String, Outcome)> = Vec::new();
        for lane in &mut self.lanes {
            while let Poll::Ready(step) = lane.poll_job(cx) {
                moved = true;
                match step {
                    Step::Moved => {}
                    Step::Done(outcome) => outcomes.push((lane.name.clone(), outcome)),
                    Step::FlushOk(id, answer) => {
                        let name = lane.name.clone();
                        self.answers.push(Box::pin(async move {
                            Answer::Flushed { id, name, result: answer.await }
                        }));
                    }
                }
            }
        }
        for (name, (id, result)) in outcomes {
            self.outcome(id, &name, result)?;
        }
        Ok(moved)
    }

    /// Reads the next command; true if there was one.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let waiting: usize = self.lanes.iter().map(Lane::cost).sum();
        if self.ending || self.stopped || waiting >= MOST_WAITING {
            return Ok(false);
        }
        let Poll::Ready(taken) = self.input.poll_next(cx) else { return Ok(false) };
        match taken {
            Taken::Line(line) => self.take_line(line)?,
            Taken::TooLong => self.warn(
                "line_too_long",
                format!("a line has at most {LONGEST_LINE} bytes; this one was passed over"),
            )?,
            Taken::NotUtf8 => {
                self.warn("bad_line", "a line is UTF-8; this one was passed over".to_owned())?;
            }
            Taken::End(why) => {
                if let Some(why) = why {
                    self.warn("input", format!("the input cannot be read: {why}"))?;
                }
                self.ending = true;
            }
        }
        Ok(true)
    }

    /// Tells the node to stop when the input has ended and everything asked for is done.
    fn poll_end(&mut self) -> bool {
        let idle = self.answers.is_empty() && self.lanes.iter().all(Lane::is_idle);
        if self.ending && idle && !self.told {
            self.node.stopper().stop();
            self.told = true;
            return true;
        }
        false
    }

    fn take_line(&mut self, line: String) -> Result<(), Failure> {
        if let Kind::Messages(name) = &self.kind {
            let name = name.clone();
            let (body, manner) = (Bytes::from(line), Manner::Multicast(Service::Agreed));
            return self.job(&name, Job::Send { id: None, body: Some(body), manner });
        }
        if line.trim().is_empty() {
            return Ok(());
        }
        match Command::parse(&line) {
            Ok(command) => self.command(command),
            Err(bad) => self.warn("bad_line", bad.to_string()),
        }
    }

    fn command(&mut self, command: Command) -> Result<(), Failure> {
        let id = command.id;
        match command.request {
            Request::Send { group, body, manner } => {
                self.job(&group, Job::Send { id, body: Some(body), manner })
            }
            Request::FlushOk(group) => self.job(&group, Job::FlushOk { id }),
            Request::Leave(group) => self.job(&group, Job::Leave { id }),
            Request::Join(group) if self.lanes.iter().any(|lane| lane.name == group) => {
                self.refuse(id, Some(&group), "joined", "this node has joined the group already")
            }
            Request::Join(group) => {
                self.join(id, group);
                Ok(())
            }
            Request::Refresh(group) => self.refresh(id, group),
            Request::Status => {
                let status = self.node.start_status();
                let answer = async move { Answer::Status { id, result: Box::new(status.await) } };
                self.answers.push(Box::pin(answer));
                Ok(())
            }
            _ => self.refuse(id, None, "unknown", "this version does not know the command"),
        }
    }

    /// Puts a job behind the others of its group.
    fn job(&mut self, name: &str, job: Job) -> Result<(), Failure> {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.name == name) {
            lane.push(job);
            return Ok(());
        }
        let id = job.id();
        let detail = format!("join the group {name:?} first");
        self.refuse(id, Some(name), "not_joined", &detail)
    }

    fn refresh(&mut self, id: Option<Value>, name: String) -> Result<(), Failure> {
        let lane = self.lanes.iter().find(|lane| lane.name == name);
        let Some(group) = lane.and_then(|lane| lane.group.as_ref()) else {
            let detail = format!("join the group {name:?} first");
            return self.refuse(id, Some(&name), "not_joined", &detail);
        };
        let refreshed = group.refresh();
        let answer = async move { Answer::Refreshed { id, name, result: refreshed.await } };
        self.answers.push(Box::pin(answer));
        Ok(())
    }

    fn join(&mut self, id: Option<Value>, name: String) {
        let joining = self.node.start_joining(&name);
        self.lanes.push(Lane::new(name.clone()));
        let answer = async move { Answer::Joined { id, name, result: joining.await } };
        self.answers.push(Box::pin(answer));
    }

    fn answered(&mut self, answer: Answer) -> Result<(), Failure> {
        match answer {
            Answer::Joined { id, name, result: Ok(group) } => {
                let semantics = self.semantics(&name);
                self.tell_of(&group, Body::Join { semantics })?;
                if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.name == name) {
                    lane.group = Some(group);
                }
                self.outcome(id, &name, Ok(()))
            }
            Answer::Joined { id, name, result: Err(error) } => {
                self.outcome(id, &name, Err(error))?;
                if let Some(at) = self.lanes.iter().position(|lane| lane.name == name) {
                    let lane = self.lanes.remove(at);
                    self.ended(lane)?;
                }
                Ok(())
            }
            Answer::Status { id, result } => {
                if let Ok(status) = &*result {
                    self.tell(Body::Status(Box::new(StatusBody::from(status))))?;
                }
                self.outcome(id, "", result.map(drop))
            }
            Answer::Refreshed { id, name, result } => self.outcome(id, &name, result),
            Answer::Flushed { id, name, result: Ok(()) } => {
                // The engine answers in the middle of its turn and tells events at the end: what is
                // asked now is answered after that.
                let status = self.node.start_status();
                self.answers.push(Box::pin(async move {
                    // A node that has stopped has told everything.
                    let _ = status.await;
                    Answer::Settled { id, name }
                }));
                Ok(())
            }
            Answer::Flushed { id, name, result } => {
                if let Some(lane) = self.lane(&name) {
                    lane.flushed(None);
                }
                self.outcome(id, &name, result)
            }
            Answer::Settled { id, name } => match self.lane(&name) {
                Some(lane) => {
                    lane.flushed(Some(id));
                    Ok(())
                }
                None => self.outcome(id, &name, Ok(())),
            },
        }
    }

    fn lane(&mut self, name: &str) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.name == name)
    }

    fn semantics(&self, name: &str) -> Semantics {
        let found = self.node.groups().find(|options| options.name().as_str() == name);
        found.map_or(Semantics::Vs, GroupOptions::promises)
    }

    /// Tells what came of a command.
    fn outcome(
        &mut self,
        id: Option<Value>,
        name: &str,
        result: Result<(), Error>,
    ) -> Result<(), Failure> {
        match (id, result) {
            (None, Ok(())) => Ok(()),
            (Some(id), Ok(())) => self.tell_about(name, Body::Done { id }),
            (id, Err(error)) => self.refuse(id, Some(name), error.code(), &error.to_string()),
        }
    }

    fn refuse(
        &mut self,
        id: Option<Value>,
        name: Option<&str>,
        reason: &str,
        detail: &str,
    ) -> Result<(), Failure> {
        let (reason, detail) = (reason.to_owned(), detail.to_owned());
        self.tell_about(name.unwrap_or_default(), Body::Refused { reason, detail, id })
    }

    fn warn(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.tell(Body::Warning { reason: reason.to_owned(), detail })
    }

    /// A line of the member in the group of that name, or else of the node about the group.
    fn tell_about(&mut self, name: &str, body: Body) -> Result<(), Failure> {
        let lane = self.lanes.iter().find(|lane| lane.name == name);
        match (lane.and_then(|lane| lane.group.as_ref()), &body) {
            // A refusal in a member's own lines would say that the member was refused.
            (Some(group), Body::Done { .. }) => {
                let mut line = line_of(self.output.now_us(), group, body);
                self.output.line(&mut line)
            }
            // What no group can be called is none.
            _ => self.tell_as_node(name.parse().ok(), body),
        }
    }

    fn tell_of(&mut self, group: &Group, body: Body) -> Result<(), Failure> {
        self.output.line(&mut line_of(self.output.now_us(), group, body))
    }

    fn tell(&mut self, body: Body) -> Result<(), Failure> {
        self.tell_as_node(None, body)
    }

    fn tell_as_node(&mut self, group: Option<GroupName>, body: Body) -> Result<(), Failure> {
        let (time_us, member) = (self.output.now_us(), Label::Node(self.node.id()));
        self.output.line(&mut Line { time_us, member, group, body })
    }
}

fn line_of(time_us: u64, group: &Group, body: Body) -> Line {
    Line { time_us, member: Label::Member(group.member()), group: Some(group.name().clone()), body }
}
