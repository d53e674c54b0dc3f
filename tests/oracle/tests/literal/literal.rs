//! The properties once more, for one VS group, as literally and as slowly as the paper words them:
//! pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use cenacle_oracle::Property;
use serde_json::Value;

type Name = String;

#[derive(Clone)]
struct Delivery {
    message: Name,
    /// Which of the receiver's installs it was in.
    install: Option<usize>,
    after_signal: bool,
    from: Name,
    service: Name,
}

#[derive(Clone)]
struct Install {
    view: Name,
    order: Vec<u64>,
    members: Vec<Name>,
    transitional: BTreeSet<Name>,
    previous: Option<usize>,
    signals: usize,
    next: Option<usize>,
}

#[derive(Clone, Default)]
struct Process {
    installs: Vec<Install>,
    deliveries: Vec<Delivery>,
    current: Option<usize>,
    left: bool,
    /// Sends and deliveries in order: what, and whether it was a send.
    events: Vec<(Name, bool)>,
    stray_signal: bool,
}

struct Send {
    sender: Name,
    install: Option<usize>,
    view: Option<Name>,
    reliable: bool,
    service: Name,
}

#[derive(Default)]
struct Trace {
    processes: BTreeMap<Name, Process>,
    sends: BTreeMap<Name, Send>,
    broken: BTreeSet<Property>,
}

type Check = fn(&Trace) -> bool;

/// What a trace breaks. FIFO counts as Causal: a sender's own messages precede one another.
pub(crate) fn judge(trace: &str) -> BTreeSet<Property> {
    let mut read = Trace::default();
    for line in trace.lines() {
        read.line(&serde_json::from_str(line).unwrap());
    }
    let checks: [(Property, Check); 12] = [
        (Property::LocalMonotonicity, Trace::monotonic),
        (Property::SendingViewDelivery, Trace::same_view),
        (Property::DeliveryIntegrity, Trace::integrity),
        (Property::NoDuplication, Trace::no_duplication),
        (Property::SelfDelivery, Trace::self_delivery),
        (Property::TransitionalSet, Trace::transitional_set),
        (Property::VirtualSynchrony, Trace::virtual_synchrony),
        (Property::Causal, Trace::causal),
        (Property::Agreed, Trace::agreed_order),
        (Property::Agreed, Trace::agreed_missing),
        (Property::Safe, Trace::safe),
        (Property::TransitionalSignal, Trace::signal),
    ];
    for (property, holds) in checks {
        if !holds(&read) {
            read.broken.insert(property);
        }
    }
    read.broken
}

fn text(line: &Value, field: &str) -> Option<Name> {
    line[field].as_str().map(str::to_owned)
}

fn names(line: &Value, field: &str) -> Vec<Name> {
    line[field].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

impl Trace {
    fn line(&mut self, line: &Value) {
        let member = text(line, "member").unwrap();
        let process = self.processes.entry(member.clone()).or_default();
        let current = process.current;
        let view = current.map(|at| process.installs[at].view.clone());
        match line["event"].as_str().unwrap() {
            "view" => {
                let members = names(line, "members");
                if !members.contains(&member) {
                    self.broken.insert(Property::SelfInclusion);
                }
                let at = process.installs.len();
                if let Some(current) = current {
                    process.installs[current].next = Some(at);
                }
                process.installs.push(Install {
                    view: text(line, "view").unwrap(),
                    order: line["order"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(Value::as_u64)
                        .collect(),
                    members,
                    transitional: names(line, "transitional").into_iter().collect(),
                    previous: current,
                    signals: 0,
                    next: None,
                });
                process.current = Some(at);
            }
            "transitional" => {
                process.stray_signal |= view.is_none() || view != text(line, "view");
                if let Some(at) = current {
                    process.installs[at].signals += 1;
                }
            }
            "leave" => (process.current, process.left) = (None, true),
            "send" => {
                let message = text(line, "message").unwrap();
                if self.sends.contains_key(&message) {
                    self.broken.insert(Property::NoDuplication);
                    return;
                }
                if view != text(line, "view") || view.is_none() {
                    self.broken.insert(Property::SendingViewDelivery);
                }
                process.events.push((message.clone(), true));
                let service = text(line, "service").unwrap();
                let reliable = !matches!(&*service, "unreliable" | "unicast");
                let send = Send { sender: member, install: current, view, reliable, service };
                self.sends.insert(message, send);
            }
            "message" => {
                let message = text(line, "message").unwrap();
                if view != text(line, "view") && view.is_some() {
                    self.broken.insert(Property::SendingViewDelivery);
                }
                if current.is_some() {
                    process.events.push((message.clone(), false));
                }
                let after_signal = current.is_some_and(|at| process.installs[at].signals > 0);
                let (from, service) = (text(line, "from").unwrap(), text(line, "service").unwrap());
                let install = current;
                process.deliveries.push(Delivery { message, install, after_signal, from, service });
            }
            _ => {}
        }
    }

    fn delivered(&self, process: &Name, message: &Name) -> bool {
        self.processes[process].deliveries.iter().any(|d| d.message == *message)
    }

    /// Every process, with what it delivered in the view with this name.
    fn in_view(&self, process: &Name, view: &Name) -> Vec<Delivery> {
        let row = &self.processes[process];
        let here = |d: &&Delivery| d.install.is_some_and(|at| row.installs[at].view == *view);
        row.deliveries.iter().filter(here).cloned().collect()
    }

    fn install_of(&self, process: &Name, view: &Name) -> Option<&Install> {
        self.processes.get(process)?.installs.iter().find(|install| install.view == *view)
    }

    fn views(&self) -> BTreeSet<Name> {
        let all = self.processes.values().flat_map(|row| &row.installs);
        all.map(|install| install.view.clone()).collect()
    }

    /// Of one that nobody sent, the first that delivered it tells.
    fn is(&self, message: &Name, services: &[&str]) -> bool {
        let all = || self.processes.values().flat_map(|row| &row.deliveries);
        let claimed = || all().find(|d| d.message == *message).map(|d| &d.service);
        let service = self.sends.get(message).map(|send| &send.service).or_else(claimed);
        service.is_some_and(|service| services.contains(&&**service))
    }

    fn previous_view(&self, process: &Name, install: &Install) -> Option<&Name> {
        install.previous.map(|at| &self.processes[process].installs[at].view)
    }

    fn monotonic(&self) -> bool {
        let all: Vec<&Install> = self.processes.values().flat_map(|row| &row.installs).collect();
        let same = |a: &Install, b: &Install| a.members == b.members && a.order == b.order;
        self.processes.values().all(|row| row.installs.windows(2).all(|w| w[0].order < w[1].order))
            && all.iter().all(|a| all.iter().all(|b| a.view != b.view || same(a, b)))
    }

    fn same_view(&self) -> bool {
        self.processes.values().all(|row| {
            row.deliveries.iter().all(|d| match (d.install, self.sends.get(&d.message)) {
                (Some(at), Some(send)) => send.view.as_ref() == Some(&row.installs[at].view),
                _ => true,
            })
        })
    }

    fn integrity(&self) -> bool {
        let all = || self.processes.values().flat_map(|row| &row.deliveries);
        let fits = |d: &Delivery| {
            let send = self.sends.get(&d.message);
            d.install.is_some()
                && send.is_some_and(|send| send.sender == d.from && send.service == d.service)
        };
        if !all().all(fits) {
            return false;
        }
        // Go round until nobody gets any further.
        let mut at: BTreeMap<&Name, usize> = BTreeMap::new();
        let mut sent = BTreeSet::new();
        loop {
            let mut moved = false;
            for (name, row) in &self.processes {
                let at = at.entry(name).or_default();
                while let Some((message, send)) = row.events.get(*at) {
                    if !send && !sent.contains(message) {
                        break;
                    }
                    sent.insert(message);
                    (*at, moved) = (*at + 1, true);
                }
            }
            if !moved {
                return self.processes.iter().all(|(name, row)| at[name] == row.events.len());
            }
        }
    }

    fn no_duplication(&self) -> bool {
        self.processes.values().all(|row| {
            let messages: BTreeSet<_> = row.deliveries.iter().map(|d| &d.message).collect();
            messages.len() == row.deliveries.len()
        })
    }

    fn self_delivery(&self) -> bool {
        self.sends.iter().all(|(message, send)| {
            let row = &self.processes[&send.sender];
            let went_on = send.install.is_some_and(|at| row.installs[at].next.is_some());
            !went_on || !send.reliable || self.delivered(&send.sender, message)
        })
    }

    fn transitional_set(&self) -> bool {
        self.processes.iter().all(|(name, row)| {
            row.installs.iter().all(|install| {
                let others = install.transitional.iter().filter(|other| *other != name);
                install.transitional.contains(name)
                    && others.into_iter().all(|other| {
                        let Some(second) = self.install_of(other, &install.view) else {
                            return install.members.contains(other);
                        };
                        let before = self.previous_view(name, install);
                        before.is_some()
                            && before == self.previous_view(other, second)
                            && install.transitional == second.transitional
                    })
            })
        })
    }

    /// All pairs that move together, with the view that they leave.
    fn pairs(&self) -> Vec<(&Name, &Name, &Name)> {
        let mut pairs = Vec::new();
        for (name, row) in &self.processes {
            for install in &row.installs {
                let Some(before) = self.previous_view(name, install) else { continue };
                for other in &install.transitional {
                    let second = self.install_of(other, &install.view);
                    let from = second.and_then(|second| self.previous_view(other, second));
                    if from == Some(before) {
                        pairs.push((name, other, before));
                    }
                }
            }
        }
        pairs
    }

    fn virtual_synchrony(&self) -> bool {
        let set = |process, view| {
            let all = self.in_view(process, view).into_iter().map(|d| d.message);
            all.filter(|m| self.sends.get(m).is_none_or(|send| send.reliable))
                .collect::<BTreeSet<_>>()
        };
        self.pairs().into_iter().all(|(p, q, view)| set(p, view) == set(q, view))
    }

    /// Messages that causally precede each message and were sent in the same view.
    fn past(&self) -> BTreeMap<Name, BTreeSet<Name>> {
        let mut past: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for (name, row) in &self.processes {
            let mut before = BTreeSet::new();
            for (message, send) in &row.events {
                // Its own count from their sends on, whatever Delivery Integrity says about them.
                let counts = |sent: &Send| sent.reliable && (*send || sent.sender != *name);
                if self.sends.get(message).is_some_and(counts) {
                    if *send {
                        past.insert(message.clone(), before.clone());
                    }
                    before.insert(message.clone());
                }
            }
        }
        loop {
            let mut grown = false;
            let old = past.clone();
            for set in past.values_mut() {
                let more: Vec<Name> = set.iter().flat_map(|m| old[m].clone()).collect();
                for message in more {
                    grown |= set.insert(message);
                }
            }
            if !grown {
                return past;
            }
        }
    }

    fn causal(&self) -> bool {
        let past = self.past();
        self.processes.values().all(|row| {
            let inside = |d: &&Delivery| d.install.is_some();
            let inside: Vec<&Delivery> = row.deliveries.iter().filter(inside).collect();
            let place = |m: &Name| inside.iter().position(|d| d.message == *m);
            inside.iter().all(|d| {
                let Some(before) = past.get(&d.message) else { return true };
                before.iter().all(|earlier| {
                    earlier == &d.message
                        || self.sends[earlier].view != self.sends[&d.message].view
                        || place(earlier).is_some_and(|at| Some(at) < place(&d.message))
                })
            })
        })
    }

    /// Agreed and safe messages; the first delivery of each counts.
    fn ordered(&self, process: &Process) -> Vec<Name> {
        let mut seen = BTreeSet::new();
        let inside = process.deliveries.iter().filter(|d| d.install.is_some());
        let all = inside.map(|d| d.message.clone());
        let ordered = all.filter(|message| self.is(message, &["agreed", "safe"]));
        ordered.filter(|message| seen.insert(message.clone())).collect()
    }

    /// Pair by pair, and then in rings.
    fn agreed_order(&self) -> bool {
        let mut after: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for row in self.processes.values() {
            let ordered = self.ordered(row);
            for (place, message) in ordered.iter().enumerate() {
                let later = ordered[place + 1..].iter().filter(|later| *later != message).cloned();
                after.entry(message.clone()).or_default().extend(later);
            }
        }
        loop {
            let mut grown = false;
            let old = after.clone();
            for set in after.values_mut() {
                let more: Vec<Name> = set.iter().flat_map(|m| old[m].clone()).collect();
                for message in more {
                    grown |= set.insert(message);
                }
            }
            if !grown {
                return after.iter().all(|(message, later)| !later.contains(message));
            }
        }
    }

    fn agreed_missing(&self) -> bool {
        let ordered = |process: &Name, view: &Name| {
            let (mut all, mut seen) = (self.in_view(process, view), BTreeSet::new());
            all.retain(|d| self.is(&d.message, &["agreed", "safe"]));
            all.retain(|d| seen.insert(d.message.clone()));
            all
        };
        self.views().iter().all(|view| {
            self.processes.keys().all(|p| {
                let theirs = ordered(p, view);
                self.processes.iter().all(|(q, row)| {
                    let own = ordered(q, view);
                    let next = self.install_of(q, view).and_then(|install| install.next);
                    let set = next.map(|at| &row.installs[at].transitional);
                    theirs.iter().enumerate().all(|(place, m)| {
                        let later = &theirs[place + 1..];
                        let last =
                            own.iter().filter(|d| later.iter().any(|l| l.message == d.message));
                        own.iter().any(|d| d.message == m.message)
                            || last.into_iter().all(|d| {
                                let sender =
                                    self.sends.get(&m.message).map_or(&m.from, |s| &s.sender);
                                d.after_signal && !set.is_some_and(|set| set.contains(sender))
                            })
                    })
                })
            })
        })
    }

    fn safe(&self) -> bool {
        let safe = |process: &Name, view: &Name, after: bool| {
            let all = self.in_view(process, view).into_iter();
            let all =
                all.filter(move |d| d.after_signal == after && self.is(&d.message, &["safe"]));
            all.map(|d| d.message).collect::<BTreeSet<Name>>()
        };
        let owes = |q: &Name, v: &Install| match self.install_of(q, &v.view) {
            Some(install) => install.next.is_some(),
            None => self.processes.get(q).is_some_and(|row| {
                !row.left && row.installs.iter().any(|later| later.order > v.order)
            }),
        };
        let before = self.processes.iter().all(|(p, row)| {
            row.installs.iter().all(|v| {
                let promised = safe(p, &v.view, false);
                v.members
                    .iter()
                    .filter(|q| owes(q, v))
                    .all(|q| promised.iter().all(|m| self.delivered(q, m)))
            })
        });
        // Who is in p's transitional set and went on, but not to the same view.
        let elsewhere = self.processes.iter().all(|(p, row)| {
            row.installs.iter().all(|next| {
                let Some(v) = next.previous.map(|at| &row.installs[at]) else { return true };
                let promised = safe(p, &v.view, true);
                let went_on = |q: &&Name| {
                    let install = self.install_of(q, &v.view);
                    self.install_of(q, &next.view).is_none()
                        && install.is_some_and(|install| install.next.is_some())
                };
                let others = next.transitional.iter().filter(went_on);
                others.into_iter().all(|q| promised.iter().all(|m| self.delivered(q, m)))
            })
        });
        before
            && elsewhere
            && self.pairs().into_iter().all(|(p, q, v)| safe(p, v, true) == safe(q, v, true))
    }

    fn signal(&self) -> bool {
        self.processes.values().all(|row| {
            let fits = |i: &Install| i.signals == 1 || i.signals == 0 && i.next.is_none();
            !row.stray_signal && row.installs.iter().all(fits)
        })
    }
}
