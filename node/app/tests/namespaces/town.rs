//! Nodes in a network of namespaces.

use crate::company::{Company, Place, Process};
use cenacle_lab::Lab;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// What is asked of the failure detector here, so that tests do not wait for long.
const DETECTOR: &str = "heartbeat = \"100ms\"\nsuspect_after = \"500ms\"\n";

/// A network, and the company that lives in it.
pub(crate) struct Town {
    pub(crate) lab: Arc<Lab>,
    pub(crate) company: Company,
}

/// How the nodes speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    Tcp,
    Quic,
}

struct Homes(Arc<Lab>, Transport);

impl Place for Homes {
    fn listen(&self, name: &str) -> String {
        let address = self.0.address(number(name));
        match self.1 {
            Transport::Tcp => format!("/ip4/{address}/tcp/7101"),
            Transport::Quic => format!("/ip4/{address}/udp/7101/quic-v1"),
        }
    }

    fn command(&self, name: &str, program: &str) -> Command {
        self.0.command(number(name), program)
    }
}

fn number(name: &str) -> usize {
    name.trim_start_matches('n').parse().expect("a name like n3")
}

/// Whether there can be a network here. Where there must be one, it fails if not.
pub(crate) fn possible() -> bool {
    let Some(why) = cenacle_lab::missing() else { return true };
    assert!(
        std::env::var_os("NAMESPACES_REQUIRED").is_none(),
        "namespaces are required here: {why}"
    );
    // Not by `eprintln`, which tests that pass keep to themselves.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    false
}

impl Town {
    pub(crate) fn new(nodes: usize) -> Self {
        Self::with(Lab::new(nodes).unwrap(), Transport::Tcp)
    }

    pub(crate) fn delayed(nodes: usize, delay: Duration) -> Self {
        Self::with(Lab::delayed(nodes, delay).unwrap(), Transport::Tcp)
    }

    pub(crate) fn with(lab: Lab, transport: Transport) -> Self {
        let lab = Arc::new(lab);
        let mut company = Company::at(Box::new(Homes(Arc::clone(&lab), transport)));
        company.overlay = DETECTOR.to_owned();
        Self { lab, company }
    }

    /// Where a node listens, over TCP.
    pub(crate) fn address(&self, name: &str) -> String {
        Homes(Arc::clone(&self.lab), Transport::Tcp).listen(name)
    }

    /// All nodes, in one view.
    pub(crate) fn settle(&self) -> Vec<Process> {
        let nodes = self.company.start_several(self.lab.nodes());
        await_views(&nodes, nodes.len());
        nodes
    }

    /// Stops all, and judges.
    pub(crate) fn end(self, nodes: Vec<Process>) {
        nodes.into_iter().for_each(|node| self.company.stop(node));
        self.company.judge();
    }

    /// Starts a node again, or late; the others' addresses are told.
    pub(crate) fn start(&self, number: usize, others: &[Process]) -> Process {
        let known: Vec<String> = others.iter().take(2).map(Process::address).collect();
        self.company.start(&format!("n{number}"), &known)
    }
}

/// Waits until these are in one view of so many.
pub(crate) fn await_views<'p>(nodes: impl IntoIterator<Item = &'p Process>, members: usize) {
    let views: Vec<String> = nodes.into_iter().map(|node| node.await_view(members)).collect();
    // One of them may have gone on to the next meanwhile: then all will.
    if views.iter().any(|view| *view != views[0]) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Each says something, and each hears all of it.
pub(crate) fn talk(nodes: &mut [Process], word: &str) {
    let texts: Vec<String> = nodes.iter().map(|node| format!("{word} of {}", node.name)).collect();
    for (node, text) in nodes.iter_mut().zip(&texts) {
        node.send(text, "agreed");
    }
    for node in nodes.iter() {
        texts.iter().for_each(|text| _ = node.await_message(text));
    }
}
