//! Writes traces: one JSON object a line, as people, scripts and the oracle read them.
//!
//! Bodies of messages are left out (`bytes` says how long they are): the simulator checks them
//! itself, see `workload`.

use crate::sinks::Sinks;
use cenacle_core::{MemberId, NodeId, Order, Semantics, Service, View, ViewId};
use cenacle_oracle::{Oracle, Report};
use std::{
    fmt::Write as _,
    fs::File,
    io,
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
    thread::JoinHandle,
};

/// So many bytes of lines go to the sinks at a time.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait for the sinks.
const WAITING: usize = 8;

/// Makes lines, and hands them to a file, an oracle, memory: on another thread once there are many,
/// since an oracle takes a fifth of the time of a run.
#[derive(Default)]
pub struct Trace {
    /// Lines that have not gone to the sinks.
    line: String,
    /// Here, unless they are on their thread.
    sinks: Sinks,
    thread: Option<(SyncSender<String>, JoinHandle<Sinks>)>,
    /// Names of nodes: by place and life.
    names: Vec<Vec<String>>,
    /// Names of groups, as they stand in JSON.
    groups: Vec<String>,
}

impl Trace {
    /// A trace that goes nowhere; only its digest is kept.
    pub fn new(groups: &[String]) -> Self {
        let groups = groups.iter().map(|name| escaped(name)).collect();
        Self { groups, ..Self::default() }
    }

    /// Writes to a file, too.
    pub fn to_file(&mut self, path: &Path) -> io::Result<()> {
        self.sinks.add_file(File::create(path)?);
        Ok(())
    }

    /// Tells an oracle, too.
    pub fn to_oracle(&mut self, oracle: Oracle) {
        self.sinks.add_oracle(oracle);
    }

    /// Keeps the text, too.
    pub fn to_memory(&mut self) {
        self.sinks.add_memory();
    }

    /// What was kept, once the trace is finished.
    pub fn text(&self) -> &str {
        self.sinks.text()
    }

    /// How many lines, and a number that differs where traces differ, once the trace is finished.
    pub fn digest(&self) -> (u64, u64) {
        self.sinks.digest()
    }

    /// Ends the trace. The verdict, if there is an oracle; or why the trace could not be written or
    /// read.
    pub fn finish(&mut self) -> Result<Option<Report>, String> {
        if let Some((blocks, thread)) = self.thread.take() {
            drop(blocks);
            self.sinks = thread.join().map_err(|_| "the oracle's thread panicked".to_owned())?;
        }
        self.sinks.take(&std::mem::take(&mut self.line));
        self.sinks.finish()
    }

    /// A node has come up.
    pub fn start(&mut self, time: u64, node: NodeId) {
        self.begin(time);
        self.line.push_str("\"member\":\"");
        self.node(node);
        self.line.push_str("\",\"event\":\"start\",\"peer\":\"");
        self.node(node);
        self.line.push_str("\",\"addresses\":[]");
        self.end();
    }

    /// A member of a dead node.
    pub fn crash(&mut self, time: u64, member: MemberId) {
        self.begin(time);
        self.line.push_str("\"member\":\"");
        self.member(member);
        self.line.push_str("\",\"event\":\"crash\"");
        self.end();
    }

    /// A member wants in.
    pub fn join(&mut self, time: u64, group: usize, member: MemberId, semantics: Semantics) {
        self.head(time, group, member, "join");
        self.line.push_str(match semantics {
            Semantics::Vs => ",\"semantics\":\"vs\"",
            Semantics::Evs => ",\"semantics\":\"evs\"",
        });
        self.end();
    }

    /// A member is out, as it wished.
    pub fn leave(&mut self, time: u64, group: usize, member: MemberId) {
        self.head(time, group, member, "leave");
        self.end();
    }

    /// A message has entered its sender's stream.
    pub fn send(&mut self, time: u64, group: usize, member: MemberId, sent: &Sent) {
        self.head(time, group, member, "send");
        self.message_id(member, sent.number);
        self.line.push_str(",\"view\":");
        match sent.view {
            Some(view) => {
                self.line.push('"');
                self.view_id(view);
                self.line.push('"');
            }
            None => self.line.push_str("null"),
        }
        self.service(sent.service);
        if let Some(to) = sent.to {
            self.line.push_str(",\"to\":\"");
            self.member(to);
            self.line.push('"');
        }
        self.end();
    }

    /// A message is delivered.
    pub fn message(&mut self, time: u64, group: usize, member: MemberId, received: &Received) {
        self.head(time, group, member, "message");
        self.message_id(received.from, received.number);
        self.view_field(received.view);
        self.line.push_str(",\"from\":\"");
        self.member(received.from);
        self.line.push('"');
        self.service(received.service);
        if let Some(order) = received.order {
            self.order(order);
        }
        self.line.push_str(",\"bytes\":");
        self.number(received.bytes as u64);
        self.end();
    }

    /// A view is installed.
    pub fn view(
        &mut self,
        time: u64,
        group: usize,
        member: MemberId,
        view: &View,
        key: Option<[u8; 8]>,
    ) {
        self.head(time, group, member, "view");
        self.view_field(view.id);
        self.order(view.id.order);
        self.line.push_str(",\"configuration\":\"");
        self.number(view.configuration.epoch);
        self.line.push('@');
        self.node(view.configuration.proposer);
        self.line.push_str("\",\"members\":");
        self.members(&view.members);
        self.line.push_str(",\"transitional\":");
        self.members(&view.transitional);
        if let Some(key) = key {
            let _ = write!(self.line, ",\"key\":\"{:016x}\"", u64::from_be_bytes(key));
        }
        self.end();
    }

    /// An event that has nothing but a view: `transitional`, `flush_request`, `flush_ok`.
    pub fn of_view(
        &mut self,
        time: u64,
        group: usize,
        member: MemberId,
        event: &str,
        view: Option<ViewId>,
    ) {
        self.head(time, group, member, event);
        if let Some(view) = view {
            self.view_field(view);
        }
        self.end();
    }

    /// A member is not in the group.
    pub fn refused(&mut self, time: u64, group: usize, member: MemberId, code: &str, detail: &str) {
        self.head(time, group, member, "refused");
        self.reason(code, detail);
        self.end();
    }

    /// Something for the operator of a node.
    pub fn warning(&mut self, time: u64, node: NodeId, reason: &str, detail: &str) {
        self.begin(time);
        self.line.push_str("\"member\":\"");
        self.node(node);
        self.line.push_str("\",\"event\":\"warning\"");
        self.reason(reason, detail);
        self.end();
    }

    fn reason(&mut self, reason: &str, detail: &str) {
        self.line.push_str(",\"reason\":");
        self.line.push_str(&escaped(reason));
        self.line.push_str(",\"detail\":");
        self.line.push_str(&escaped(detail));
    }

    fn begin(&mut self, time: u64) {
        self.line.push_str("{\"time_us\":");
        self.number(time);
        self.line.push(',');
    }

    fn head(&mut self, time: u64, group: usize, member: MemberId, event: &str) {
        self.begin(time);
        self.line.push_str("\"member\":\"");
        self.member(member);
        self.line.push_str("\",\"group\":");
        match self.groups.get(group) {
            Some(name) => self.line.push_str(name),
            None => self.line.push_str("\"\""),
        }
        self.line.push_str(",\"event\":\"");
        self.line.push_str(event);
        self.line.push('"');
    }

    fn end(&mut self) {
        self.line.push_str("}\n");
        if self.line.len() >= BLOCK {
            self.hand_on();
        }
    }

    /// Gives what there is to the sinks on their thread.
    fn hand_on(&mut self) {
        let block = std::mem::replace(&mut self.line, String::with_capacity(BLOCK + BLOCK / 8));
        let (blocks, _) = self.thread.get_or_insert_with(|| {
            let (sender, blocks) = sync_channel::<String>(WAITING);
            let mut sinks = std::mem::take(&mut self.sinks);
            let thread = std::thread::spawn(move || {
                blocks.iter().for_each(|block| sinks.take(&block));
                sinks
            });
            (sender, thread)
        });
        // Nobody takes it only if that thread has panicked, which `finish` tells.
        let _ = blocks.send(block);
    }

    fn view_field(&mut self, view: ViewId) {
        self.line.push_str(",\"view\":\"");
        self.view_id(view);
        self.line.push('"');
    }

    fn view_id(&mut self, view: ViewId) {
        self.number(view.order.epoch);
        self.line.push('.');
        self.number(view.order.position.as_u64());
        self.line.push('@');
        self.node(view.proposer);
    }

    fn order(&mut self, order: Order) {
        self.line.push_str(",\"order\":[");
        self.number(order.epoch);
        self.line.push(',');
        self.number(order.position.as_u64());
        self.line.push(']');
    }

    fn message_id(&mut self, sender: MemberId, number: u64) {
        self.line.push_str(",\"message\":\"");
        self.member(sender);
        self.line.push('#');
        self.number(number);
        self.line.push('"');
    }

    fn service(&mut self, service: Service) {
        self.line.push_str(",\"service\":\"");
        self.line.push_str(service.as_str());
        self.line.push('"');
    }

    fn members(&mut self, members: &[MemberId]) {
        self.line.push('[');
        for (at, member) in members.iter().enumerate() {
            self.line.push_str(if at == 0 { "\"" } else { ",\"" });
            self.member(*member);
            self.line.push('"');
        }
        self.line.push(']');
    }

    fn member(&mut self, member: MemberId) {
        self.node(member.node);
        self.line.push('/');
        self.number(u64::from(member.local));
    }

    /// The node's name, made once: its `Display`.
    fn node(&mut self, node: NodeId) {
        let place = crate::naming::place(node);
        let life = usize::try_from(node.incarnation).unwrap_or(usize::MAX).min(1 << 16);
        if self.names.len() <= place {
            self.names.resize_with(place + 1, Vec::new);
        }
        let Some(lives) = self.names.get_mut(place) else { return };
        if lives.len() <= life {
            lives.resize_with(life + 1, String::new);
        }
        let Some(name) = lives.get_mut(life) else { return };
        if name.is_empty() {
            *name = node.to_string();
        }
        self.line.push_str(name);
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [0_u8; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            used += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        let text = digits.get(digits.len() - used..).unwrap_or_default();
        self.line.push_str(str::from_utf8(text).unwrap_or_default());
    }
}

/// What a `send` line says.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Counts its sender's messages.
    pub number: u64,
    /// The view it belongs to.
    pub view: Option<ViewId>,
    /// How it travels.
    pub service: Service,
    /// The addressee of a unicast.
    pub to: Option<MemberId>,
}

/// What a `message` line says.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Its sender.
    pub from: MemberId,
    /// Its sender's number.
    pub number: u64,
    /// The receiver's view.
    pub view: ViewId,
    /// How it travelled.
    pub service: Service,
    /// Its place.
    pub order: Option<Order>,
    /// Its length.
    pub bytes: usize,
}

/// A JSON string.
fn escaped(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if u32::from(control) < 0x20 => {
                json.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
