//! # 12. Safe Delivery (paper 004, section 3.1)
//!
//! "1) Safe delivery maintains all agreed delivery guarantees." Safe messages are judged with the
//! agreed ones there.
//!
//! "2) If process p delivers a safe message m in view v before the transitional signal, then every
//! process q of view v delivers m unless it crashes." Every member of the view that p had is judged
//! if it has gone on to a later view, whether or not it installed v, or if it is alive at the end of
//! a settled run.
//!
//! "If process p delivers a safe message m in view v after the transitional signal, then every
//! process q that belongs to p's transitional set delivers m after the transitional signal unless it
//! crashes." Those who moved together with p, that is, installed the same next view, delivered the
//! same safe messages after the signal. Who belongs to p's transitional set and went on to another
//! view delivers m too, but perhaps before the signal: it may have learnt from others, whom p did
//! not meet again, that m was safe.
//!
//! In EVS groups the signal is that of the configuration.

use super::Case;
use crate::history::{End, History, Stay};
use crate::line::Service;
use crate::report::{Findings, Property};
use crate::streams::Company;
use crate::table::{Marks, MessageId, PeriodId, ProcessId, StayId, ViewId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let mut marks = Marks::new(case.history.messages.len());
    for period in case.history.periods.ids() {
        let promises = promises(case.history, period, &mut marks);
        if !promises.is_empty() {
            judge_members(case, findings, period, &promises, &mut marks);
        }
    }
    let mut second = Marks::new(case.history.messages.len());
    for company in case.companies.iter().filter(|company| company.next.is_some()) {
        judge_company(case, findings, company, (&mut marks, &mut second));
        judge_absent(case, findings, company, (&mut marks, &mut second));
    }
}

/// A view, and the safe messages that somebody delivered there before the signal.
struct Promise {
    view: ViewId,
    messages: Vec<(MessageId, ProcessId)>,
}

fn promises(history: &History, period: PeriodId, marks: &mut Marks<MessageId>) -> Vec<Promise> {
    let mut parts = Vec::new();
    for stay in &history.periods[period].stays {
        let stay = &history.stays[*stay];
        let signal = stay.before_signal();
        for part in history.parts(stay) {
            let end = signal.saturating_sub(part.begin).min(part.deliveries.len());
            parts.push((part.view, stay.process, &part.deliveries[..end]));
        }
    }
    parts.sort_by_key(|(view, ..)| *view);
    let mut promises = Vec::new();
    for parts in parts.chunk_by(|one, other| one.0 == other.0) {
        marks.clear();
        let mut messages = Vec::new();
        for (_, process, deliveries) in parts {
            let safe = deliveries
                .iter()
                .filter(|id| history.messages[**id].service == Service::Safe && marks.insert(**id));
            messages.extend(safe.map(|id| (*id, *process)));
        }
        if !messages.is_empty() {
            promises.push(Promise { view: parts[0].0, messages });
        }
    }
    promises
}

/// What was delivered before the signal, every member of the view delivers.
fn judge_members(
    case: &Case<'_>,
    findings: &mut Findings,
    period: PeriodId,
    promises: &[Promise],
    marks: &mut Marks<MessageId>,
) {
    let history = case.history;
    let members = |promise: &Promise| history.views[promise.view].members.clone();
    let mut owed: Vec<(ProcessId, &Promise)> = promises
        .iter()
        .flat_map(|promise| members(promise).into_iter().map(move |member| (member, promise)))
        .collect();
    owed.sort_by_key(|(member, _)| *member);
    let mut stays: Vec<(ProcessId, StayId)> = history.periods[period]
        .stays
        .iter()
        .map(|stay| (history.stays[*stay].process, *stay))
        .collect();
    stays.sort_unstable();
    for owed in owed.chunk_by(|one, other| one.0 == other.0) {
        let member = owed[0].0;
        let begin = stays.partition_point(|(process, _)| *process < member);
        let own = stays[begin..].iter().take_while(|(process, _)| *process == member);
        let own: Vec<&Stay> = own.map(|(_, stay)| &history.stays[*stay]).collect();
        marks.clear();
        for message in own.iter().flat_map(|stay| &stay.deliveries) {
            marks.insert(*message);
        }
        for (_, promise) in owed {
            if is_judged(case, member, &own, promise.view) {
                judge_member(case, findings, member, promise, marks);
            }
        }
    }
}

fn is_judged(case: &Case<'_>, member: ProcessId, own: &[&Stay], view: ViewId) -> bool {
    let history = case.history;
    if let Some(last) = own.last() {
        let left = own.iter().any(|stay| stay.end == End::Left);
        return !left && history.is_judged(last, case.settled);
    }
    let row = &history.processes[member];
    let order = history.views[view].order;
    let later = |install| history.views[history.installs[install].view].order > order;
    let alive = row.joined && !row.crashed && !row.refused;
    !row.left && (row.installs.iter().copied().any(later) || case.settled && alive)
}

fn judge_member(
    case: &Case<'_>,
    findings: &mut Findings,
    member: ProcessId,
    promise: &Promise,
    marks: &Marks<MessageId>,
) {
    let missing = |(id, _): &&(MessageId, ProcessId)| {
        !marks.contains(*id) && !case.history.delivered(member, *id)
    };
    let Some((message, process)) = promise.messages.iter().find(missing) else { return };
    case.add(findings, Property::Safe, member, || {
        format!(
            "{} delivered the safe message {} in view {} before the signal, but {}, a member of \
             that view, never did",
            case.process(*process),
            case.message(*message),
            case.view(promise.view),
            case.process(member),
        )
    });
}

/// What was delivered after the signal, all who moved together deliver after it.
fn judge_company(
    case: &Case<'_>,
    findings: &mut Findings,
    company: &Company,
    (first, second): (&mut Marks<MessageId>, &mut Marks<MessageId>),
) {
    let mut stays = company.stays.iter().map(|stay| &case.history.stays[*stay]);
    let Some(reference) = stays.next() else { return };
    let expected = after_signal(case, company, reference, first);
    for stay in stays {
        let found = after_signal(case, company, stay, second);
        let more = found.iter().find(|id| !first.contains(**id)).map(|id| (*id, stay, reference));
        let less = expected.iter().find(|id| !second.contains(**id));
        for (message, has, lacks) in more.into_iter().chain(less.map(|id| (*id, reference, stay))) {
            case.add(findings, Property::Safe, lacks.process, || {
                format!(
                    "{} delivered the safe message {} in view {} after the signal, but {}, which \
                     moved on together with it, did not",
                    case.process(has.process),
                    case.message(message),
                    case.last_view(has),
                    case.process(lacks.process),
                )
            });
        }
    }
}

/// What was delivered after the signal, those deliver who were to come along and did not.
fn judge_absent(
    case: &Case<'_>,
    findings: &mut Findings,
    company: &Company,
    (first, second): (&mut Marks<MessageId>, &mut Marks<MessageId>),
) {
    let history = case.history;
    let Some(reference) = company.stays.first().map(|stay| &history.stays[*stay]) else { return };
    if company.absent.is_empty() {
        return;
    }
    let promised = after_signal(case, company, reference, first);
    for member in &company.absent {
        let stays = history.processes[*member].stays.iter().map(|stay| &history.stays[*stay]);
        let own: Vec<&Stay> = stays.filter(|stay| stay.period == reference.period).collect();
        let left = own.iter().any(|stay| stay.end == End::Left);
        let late = own.iter().any(|stay| stay.late.is_some());
        let judged = own.last().is_some_and(|last| history.is_judged(last, case.settled));
        if left || late || !judged {
            continue;
        }
        second.clear();
        for message in own.iter().flat_map(|stay| &stay.deliveries) {
            second.insert(*message);
        }
        let lacks = |id: &&MessageId| !second.contains(**id) && !history.delivered(*member, **id);
        let Some(message) = promised.iter().find(lacks) else { continue };
        case.add(findings, Property::Safe, *member, || {
            format!(
                "{} delivered the safe message {} in view {} after the signal, but {}, which is in \
                 its transitional set, never did",
                case.process(reference.process),
                case.message(*message),
                case.last_view(reference),
                case.process(*member),
            )
        });
    }
}

/// The safe messages that a stay delivered after the signal; they are marked too.
fn after_signal(
    case: &Case<'_>,
    company: &Company,
    stay: &Stay,
    marks: &mut Marks<MessageId>,
) -> Vec<MessageId> {
    marks.clear();
    let signal = stay.before_signal();
    let mut found = Vec::new();
    for part in case.history.parts(stay) {
        for (place, message) in (part.begin..).zip(part.deliveries) {
            let safe = case.history.messages[*message].service == Service::Safe;
            if place >= signal
                && safe
                && company.counts(case.history, &part, *message)
                && marks.insert(*message)
            {
                found.push(*message);
            }
        }
    }
    found
}
