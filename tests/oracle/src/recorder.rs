//! Takes lines into the history, one at a time.

use crate::history::{
    End, Group, History, Install, Member, Message, Oddity, Period, Process, Stay, View, scope,
};
use crate::line::{self, Event, Line, Semantics, Service};
use crate::options::Options;
use crate::streams::small;
use crate::table::{Full, GroupId, MessageId, PeriodId, ProcessId, StayId, ViewId};

/// Why a well-formed line cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// More rows of one kind than can be numbered.
    TooMany,
    /// A join says other semantics than its group has.
    Semantics { group: String, known: Semantics },
}

impl From<Full> for Fault {
    fn from(_: Full) -> Self {
        Self::TooMany
    }
}

impl History {
    pub(crate) fn record(&mut self, line: &Line<'_>, options: &Options) -> Result<(), Fault> {
        let member = self.members.get(0, &line.member, Member::default)?;
        let Some(name) = &line.group else {
            if matches!(line.event, Event::Crash) {
                self.members[member].crashed = true;
            }
            return Ok(());
        };
        let told = options.semantics.get(&**name).copied();
        let group = self.groups.get(0, name, || Group { semantics: told })?;
        let process = self.process(group, &line.member)?;
        match &line.event {
            Event::Join { semantics } => return self.join(process, *semantics),
            Event::Leave => self.leave(process),
            Event::Crash => self.processes[process].crashed = true,
            Event::Send { message, view, service, to } => {
                let to = to.as_deref().map(|name| self.process(group, name)).transpose()?;
                let message = self.message(group, message, process, *service)?;
                self.send(process, message, view.as_deref(), *service, to);
            }
            Event::Message { message, view, service, from } => {
                let sender = self.process(group, from)?;
                let message = self.message(group, message, sender, *service)?;
                self.deliver(process, message, view, *service, sender);
            }
            Event::View(view) => self.install(process, view)?,
            Event::Transitional { view } => self.signal(process, view)?,
            Event::FlushRequest => self.processes[process].flushing = true,
            Event::Refused => self.processes[process].refused = true,
            Event::Other => {}
        }
        Ok(())
    }

    fn process(&mut self, group: GroupId, name: &str) -> Result<ProcessId, Full> {
        self.processes.get(scope(group), name, || Process {
            group,
            joined: false,
            left: false,
            crashed: false,
            refused: false,
            flushing: false,
            current: None,
            installs: Vec::new(),
            stays: Vec::new(),
            sends: Vec::new(),
            strays: Vec::new(),
        })
    }

    fn message(
        &mut self,
        group: GroupId,
        name: &str,
        sender: ProcessId,
        service: Service,
    ) -> Result<MessageId, Full> {
        self.messages.get(scope(group), name, || Message {
            sender,
            service,
            to: None,
            sent: false,
            period: None,
            view: None,
            stay: None,
            position: 0,
            stream: None,
            index: 0,
        })
    }

    fn join(&mut self, process: ProcessId, told: Option<Semantics>) -> Result<(), Fault> {
        let group = self.processes[process].group;
        let known = *self.groups[group].semantics.get_or_insert(told.unwrap_or_default());
        if told.is_some_and(|told| told != known) {
            return Err(Fault::Semantics { group: self.groups.name(group).to_owned(), known });
        }
        let row = &mut self.processes[process];
        row.joined = true;
        if row.current.is_none() {
            row.refused = false;
        }
        Ok(())
    }

    fn leave(&mut self, process: ProcessId) {
        let row = &mut self.processes[process];
        (row.joined, row.left) = (false, true);
        if let Some(stay) = row.current.take() {
            self.stays[stay].end = End::Left;
        }
    }

    fn install(&mut self, process: ProcessId, line: &line::View<'_>) -> Result<(), Full> {
        let group = self.processes[process].group;
        let members = self.processes_of(group, &line.members)?;
        let transitional = self.processes_of(group, &line.transitional)?;
        let transitional = self.sets.get(transitional)?;
        let period = self.period(group, line)?;
        let names_itself = members.contains(&process);
        let current = self.processes[process].current;
        let previous = current.and_then(|_| self.processes[process].installs.last().copied());
        let (view, differs) = self.view(group, period, line, members)?;
        let vs = self.semantics(group) == Semantics::Vs;
        let same = current.filter(|stay| !vs && self.stays[*stay].period == period);
        let begins = same.is_none();
        let stay = match same {
            Some(stay) => stay,
            None => self.stay(process, period)?,
        };
        let install = self.installs.push(Install {
            process,
            view,
            previous,
            transitional,
            stay,
            begins,
            names_itself,
            other_key: self.views[view].key.as_deref() != line.key.as_deref(),
        })?;
        if let Some(before) = current.filter(|_| begins) {
            self.stays[before].end = End::Next(install);
        }
        let row = &mut self.stays[stay];
        row.views.push((position(row), install));
        self.views[view].installs.push(install);
        if let Some(what) = differs {
            self.oddities.push(Oddity::ViewDiffers { install, what });
        }
        let row = &mut self.processes[process];
        row.installs.push(install);
        row.current = Some(stay);
        (row.joined, row.refused, row.flushing) = (true, false, false);
        Ok(())
    }

    fn processes_of(
        &mut self,
        group: GroupId,
        names: &[line::Text<'_>],
    ) -> Result<Vec<ProcessId>, Full> {
        names.iter().map(|name| self.process(group, name)).collect()
    }

    /// A view of a VS group is a period of its own; those of an EVS group share one as long as the
    /// configuration does not change.
    fn period(&mut self, group: GroupId, line: &line::View<'_>) -> Result<PeriodId, Full> {
        let semantics = *self.groups[group].semantics.get_or_insert_default();
        let name = match (semantics, &line.configuration) {
            (Semantics::Evs, Some(configuration)) => configuration,
            _ => &line.view,
        };
        self.periods.get(scope(group), name, || Period {
            group,
            views: Vec::new(),
            stays: Vec::new(),
        })
    }

    fn view(
        &mut self,
        group: GroupId,
        period: PeriodId,
        line: &line::View<'_>,
        members: Vec<ProcessId>,
    ) -> Result<(ViewId, Option<&'static str>), Full> {
        if let Some(view) = self.views.find(scope(group), &line.view) {
            let row = &self.views[view];
            let differs = if row.order != line.order {
                Some("order")
            } else if *row.members != *members {
                Some("list of members")
            } else if row.period != period {
                Some("configuration")
            } else {
                None
            };
            return Ok((view, differs));
        }
        let view = self.views.get(scope(group), &line.view, || View {
            period,
            order: line.order,
            members: members.into(),
            installs: Vec::new(),
            key: line.key.as_deref().map(Into::into),
        })?;
        self.periods[period].views.push(view);
        Ok((view, None))
    }

    fn stay(&mut self, process: ProcessId, period: PeriodId) -> Result<StayId, Full> {
        let stay = self.stays.push(Stay {
            process,
            period,
            deliveries: Vec::new(),
            views: Vec::new(),
            signals: Vec::new(),
            end: End::Open,
            late: None,
        })?;
        self.processes[process].stays.push(stay);
        self.periods[period].stays.push(stay);
        Ok(stay)
    }

    fn signal(&mut self, process: ProcessId, label: &str) -> Result<(), Full> {
        let current = self.current_view(process);
        if current.is_none_or(|view| self.views.name(view) != label) {
            self.oddities.push(Oddity::SignalLabel { process, label: label.into() });
        }
        if let Some(stay) = self.processes[process].current {
            let row = &mut self.stays[stay];
            row.signals.push(position(row));
        }
        Ok(())
    }

    fn current_view(&self, process: ProcessId) -> Option<ViewId> {
        let row = &self.processes[process];
        let last = row.installs.last().filter(|_| row.current.is_some());
        last.map(|install| self.installs[*install].view)
    }

    fn send(
        &mut self,
        process: ProcessId,
        message: MessageId,
        label: Option<&str>,
        service: Service,
        to: Option<ProcessId>,
    ) {
        if self.messages[message].sent {
            self.oddities.push(Oddity::SentTwice { message, process });
            return;
        }
        let view = self.current_view(process);
        let agrees = match (label, view) {
            (Some(label), Some(view)) => self.views.name(view) == label,
            (None, _) | (Some(_), None) => false,
        };
        if !agrees {
            let label = label.map(Into::into);
            self.oddities.push(Oddity::SendLabel { message, process, label });
        }
        let stay = self.processes[process].current;
        let stays = || small(self.processes[process].stays.len());
        let position = stay.map_or_else(stays, |stay| position(&self.stays[stay]));
        let period = stay.map(|stay| self.stays[stay].period);
        let row = &mut self.messages[message];
        let (sender, claimed) = (row.sender, row.service);
        (row.sender, row.service, row.to, row.sent) = (process, service, to, true);
        (row.period, row.view, row.stay, row.position) = (period, view, stay, position);
        self.processes[process].sends.push(message);
        // A delivery may have been read before, and have claimed something else.
        if sender != process {
            let claimed = self.processes.name(sender).into();
            self.oddities.push(Oddity::SenderDiffers { message, process, claimed });
        }
        if claimed != service {
            self.oddities.push(Oddity::ServiceDiffers { message, process, claimed });
        }
    }

    fn deliver(
        &mut self,
        process: ProcessId,
        message: MessageId,
        label: &str,
        service: Service,
        from: ProcessId,
    ) {
        let row = &self.messages[message];
        if row.sender != from {
            let claimed = self.processes.name(from).into();
            self.oddities.push(Oddity::SenderDiffers { message, process, claimed });
        }
        if self.messages[message].service != service {
            self.oddities.push(Oddity::ServiceDiffers { message, process, claimed: service });
        }
        let Some(stay) = self.processes[process].current else {
            self.processes[process].strays.push(message);
            return;
        };
        if self.current_view(process).is_none_or(|view| self.views.name(view) != label) {
            self.oddities.push(Oddity::DeliveryLabel { message, process, label: label.into() });
        }
        self.stays[stay].deliveries.push(message);
    }
}

/// After how many deliveries we are.
fn position(stay: &Stay) -> u32 {
    small(stay.deliveries.len())
}
