//! # 10. Causal Delivery (paper 004, section 3.1)
//!
//! "If message m causally precedes message m' and both are sent in the same
//! view, then any process that delivers m' delivers m before m'."
//!
//! m causally precedes m' if the sender of m' sent or delivered m before it sent m', or by a chain
//! of such steps. The paper makes no difference between services, so all reliable multicasts take
//! part: `fifo` messages too, as otherwise the past of a `causal` message could hide behind a `fifo`
//! one. `unreliable` and `unicast` messages are no steps of a chain: they carry no past. There is no
//! exception for what was lost with a departed process: whoever cannot have m does not deliver m'.
//!
//! How it is judged without comparing all pairs: what a sender delivered before a send is, per
//! stream, a prefix; a send's *needs* are the streams whose prefix has grown since the sender's
//! send before it. A receiver of m' must have come as far in these streams. The steps of a chain are
//! judged one by one, as the receiver delivers what stands between, and earlier messages of the same
//! sender are left to FIFO; together that is the whole past.
//!
//! A process that came late (see `streams`) is not owed what was sent before; but what it delivers
//! all the same it delivers in order.

use super::Case;
use crate::history::{History, Stay};
use crate::report::{Findings, Property};
use crate::streams::Stream;
use crate::table::{MessageId, PeriodId, StayId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    for (id, period) in case.history.periods.iter() {
        let needs = Needs::of(case, id);
        for stay in &period.stays {
            Receiver::new(case, &case.history.stays[*stay], id).judge(case, &needs, findings);
        }
    }
}

/// The receiver must have delivered this many messages of this stream.
#[derive(Clone, Copy)]
struct Need {
    stream: u32,
    length: u32,
}

/// The needs of all messages of a period.
struct Needs {
    rows: Vec<Need>,
    /// Per stream, where the needs of each of its messages end; those of the first begin at `begin`.
    streams: Vec<(usize, Vec<usize>)>,
}

impl Needs {
    fn of(case: &Case<'_>, period: PeriodId) -> Self {
        let streams = case.streams.of(period);
        let mut needs = Self { rows: Vec::new(), streams: Vec::new() };
        for stream in streams {
            let begin = needs.rows.len();
            let mut ends = Vec::new();
            if stream.to.is_none() && streams.len() > 1 {
                ends.reserve(stream.messages.len());
                let mut past = Past::new(case, period, stream);
                for message in &stream.messages {
                    past.advance_to(case, *message);
                    needs.rows.append(&mut past.grown());
                    ends.push(needs.rows.len());
                }
            }
            needs.streams.push((begin, ends));
        }
        needs
    }

    /// The needs of a stream's messages from one place up to another, which included.
    fn between(&self, stream: u32, from: u32, to: u32) -> &[Need] {
        let (begin, ends) = &self.streams[stream as usize];
        let begin = match from.checked_sub(1) {
            Some(before) => ends.get(before as usize),
            None => Some(begin),
        };
        match (begin, ends.get(to as usize)) {
            (Some(begin), Some(end)) => self.rows.get(*begin..*end).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// What a sender has delivered, as it goes through its stays in a period.
struct Past<'a> {
    stays: Vec<StayId>,
    /// Its own stream, which is not counted.
    own: &'a Stream,
    at: (usize, usize),
    lengths: Vec<u32>,
    grown: Vec<u32>,
    is_grown: Vec<bool>,
}

impl<'a> Past<'a> {
    fn new(case: &Case<'_>, period: PeriodId, own: &'a Stream) -> Self {
        // The stays of a process in one period stand together, even if it came back.
        let stays = &case.history.processes[own.sender].stays;
        let first = own.messages.iter().find_map(|message| case.history.messages[*message].stay);
        let first = first.and_then(|first| stays.binary_search(&first).ok()).unwrap_or(0);
        let here = |stay: &StayId| case.history.stays[*stay].period == period;
        let begin = stays[..first].iter().rposition(|stay| !here(stay)).map_or(0, |at| at + 1);
        let stays = stays[begin..].iter().copied().take_while(here).collect();
        let streams = case.streams.of(period).len();
        let (lengths, is_grown) = (vec![0; streams], vec![false; streams]);
        Self { stays, own, at: (0, 0), lengths, grown: Vec::new(), is_grown }
    }

    /// Goes on to where the message was sent.
    fn advance_to(&mut self, case: &Case<'_>, message: MessageId) {
        let send = &case.history.messages[message];
        let Some(target) = send.stay.and_then(|stay| self.stays.binary_search(&stay).ok()) else {
            return;
        };
        while self.at.0 < target {
            self.take(case, self.at.0, usize::MAX);
            self.at = (self.at.0 + 1, 0);
        }
        if self.at.0 == target {
            self.take(case, target, send.position as usize);
        }
    }

    fn take(&mut self, case: &Case<'_>, stay: usize, end: usize) {
        let stay = &case.history.stays[self.stays[stay]];
        let end = end.min(stay.deliveries.len());
        for id in stay.deliveries.get(self.at.1..end).unwrap_or_default() {
            let message = &case.history.messages[*id];
            let Some(stream) = counted(case.history, stay, *id) else { continue };
            if message.sender == self.own.sender {
                continue;
            }
            let place = stream as usize;
            if message.index + 1 > self.lengths[place] {
                self.lengths[place] = message.index + 1;
                if !std::mem::replace(&mut self.is_grown[place], true) {
                    self.grown.push(stream);
                }
            }
        }
        self.at.1 = end;
    }

    fn grown(&mut self) -> Vec<Need> {
        let grown = std::mem::take(&mut self.grown);
        let need = |stream: u32| {
            self.is_grown[stream as usize] = false;
            Need { stream, length: self.lengths[stream as usize] }
        };
        grown.into_iter().map(need).collect()
    }
}

/// The stream of a delivery that takes part in causality.
fn counted(history: &History, stay: &Stay, message: MessageId) -> Option<u32> {
    let row = &history.messages[message];
    let counts = row.service.is_reliable_multicast() && row.period == Some(stay.period);
    row.stream.filter(|_| counts)
}

/// How far a receiver has come in each stream.
struct Receiver<'a> {
    stay: &'a Stay,
    streams: &'a [Stream],
    lengths: Vec<u32>,
    /// Of one that came late: what it is owed.
    first_due: Vec<u32>,
    /// Of one that came late: what it passed over in streams of which it has nothing yet, and so
    /// may not deliver any more.
    passed: Vec<u32>,
}

impl<'a> Receiver<'a> {
    fn new(case: &Case<'a>, stay: &'a Stay, period: PeriodId) -> Self {
        let streams = case.streams.of(period);
        let first_due = case.streams.first_due(case.history, stay);
        let passed = vec![0; first_due.len()];
        Self { stay, streams, lengths: vec![0; streams.len()], first_due, passed }
    }

    fn judge(&mut self, case: &Case<'_>, needs: &Needs, findings: &mut Findings) {
        for id in &self.stay.deliveries {
            let Some(stream) = counted(case.history, self.stay, *id) else { continue };
            let index = case.history.messages[*id].index;
            let place = stream as usize;
            let before = self.lengths[place];
            if before == 0 && self.passed.get(place).is_some_and(|passed| *passed > index) {
                self.report(case, findings, stream, index, None);
            }
            let unmet = needs.between(stream, before, index).iter().copied().find(|need| {
                let has = self.lengths[need.stream as usize];
                has < need.length && !self.is_excused(*need, has)
            });
            if let Some(need) = unmet {
                self.report(case, findings, need.stream, need.length - 1, Some(*id));
            }
            self.lengths[place] = before.max(index + 1);
        }
    }

    /// One that came late need not have what it was not owed, but then must not deliver it later.
    fn is_excused(&mut self, need: Need, has: u32) -> bool {
        let place = need.stream as usize;
        let excused = has == 0 && self.first_due.get(place).is_some_and(|due| *due >= need.length);
        if excused {
            self.passed[place] = need.length.max(self.passed[place]);
        }
        excused
    }

    fn report(
        &self,
        case: &Case<'_>,
        findings: &mut Findings,
        stream: u32,
        index: u32,
        effect: Option<MessageId>,
    ) {
        case.add(findings, Property::Causal, self.stay.process, || {
            let process = case.process(self.stay.process);
            let view = case.last_view(self.stay);
            let cause = self.streams[stream as usize].messages[index as usize];
            let cause = case.message(cause);
            match effect {
                Some(effect) => format!(
                    "{process} delivered {} in view {view}, and had not delivered {cause}, which \
                     its sender had delivered before",
                    case.message(effect),
                ),
                None => format!(
                    "{process} delivered {cause} in view {view} after a message that it causally \
                     precedes"
                ),
            }
        });
    }
}
