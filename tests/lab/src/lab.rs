//! One network.

use crate::{
    Error,
    forwarder::Forwarder,
    shell::{run, run_all},
};
use std::{
    net::Ipv4Addr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// The most nodes: one address each in a network of 256.
const MAX_NODES: usize = 250;
/// What the names of all namespaces of labs begin with.
const PREFIX: &str = "cen";

/// Nodes in namespaces of their own. Dropping it removes them, and ends what runs in them.
#[derive(Debug)]
pub struct Lab {
    name: String,
    nodes: usize,
    forwarder: Option<Forwarder>,
}

/// What this machine lacks to have a lab, as a sentence with a way out; `None` if it lacks nothing.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make network namespaces: run this as root".to_owned());
    }
    for (tool, version, package) in
        [("ip", "ip -V", "iproute2"), ("iptables", "iptables --version", "iptables")]
    {
        if run(version).is_err() {
            return Some(format!("there is no `{tool}`: install the package {package}"));
        }
    }
    let probe = format!("{}probe", fresh_name());
    let made = run(&format!("ip netns add {probe}"));
    let _ = run(&format!("ip netns del {probe}"));
    made.err().map(|error| format!("{error}: is this a container without the right to?"))
}

impl Lab {
    /// So many nodes on one bridge, MTU 1500.
    ///
    /// # Errors
    /// [`missing`] has an answer, or a command failed.
    pub fn new(nodes: usize) -> Result<Self, Error> {
        let lab = Self::empty(nodes)?;
        let switch = lab.switch();
        run_all(&[
            format!("ip netns add {switch}"),
            format!("ip -n {switch} link set lo up"),
            format!("ip -n {switch} link add br0 type bridge mcast_snooping 0"),
            format!("ip -n {switch} link set br0 up"),
            format!("ip -n {switch} link add br1 type bridge mcast_snooping 0"),
            format!("ip -n {switch} link set br1 up"),
        ])?;
        for node in 0..nodes {
            let namespace = lab.namespace(node);
            run_all(&[
                format!("ip netns add {namespace}"),
                format!(
                    "ip -n {switch} link add p{node} type veth peer name eth0 netns {namespace}"
                ),
                format!("ip -n {switch} link set p{node} master br0 up"),
            ])?;
            lab.address_device(node)?;
        }
        Ok(lab)
    }

    /// So many nodes with a way of this length between any two, each direction: a forwarder in this
    /// process takes what they send and hands it on later, in order.
    ///
    /// # Errors
    /// As [`Lab::new`]; or a device could not be made.
    pub fn delayed(nodes: usize, delay: Duration) -> Result<Self, Error> {
        let mut lab = Self::empty(nodes)?;
        let namespaces: Vec<_> = (0..nodes).map(|node| lab.namespace(node)).collect();
        for namespace in &namespaces {
            run(&format!("ip netns add {namespace}"))?;
        }
        lab.forwarder = Some(Forwarder::new(&namespaces, delay)?);
        (0..nodes).try_for_each(|node| lab.address_device(node))?;
        Ok(lab)
    }

    fn empty(nodes: usize) -> Result<Self, Error> {
        if nodes == 0 || nodes > MAX_NODES {
            return Err(Error::Size { asked: nodes, max: MAX_NODES });
        }
        if let Some(what) = missing() {
            return Err(Error::Missing(what));
        }
        remove_orphans();
        Ok(Self { name: fresh_name(), nodes, forwarder: None })
    }

    fn address_device(&self, node: usize) -> Result<(), Error> {
        let (namespace, address) = (self.namespace(node), self.address(node));
        run_all(&[
            format!("ip -n {namespace} link set lo up"),
            format!("ip -n {namespace} addr add {address}/24 brd 10.77.0.255 dev eth0"),
            format!("ip -n {namespace} link set eth0 mtu 1500 up"),
            format!("ip -n {namespace} route add 224.0.0.0/4 dev eth0"),
        ])
    }

    /// How many nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The name of a node's namespace.
    pub fn namespace(&self, node: usize) -> String {
        format!("{}{node}", self.name)
    }

    fn switch(&self) -> String {
        format!("{}sw", self.name)
    }

    /// The address of a node.
    pub fn address(&self, node: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, u8::try_from(node + 1).unwrap_or(u8::MAX))
    }

    /// A program that will run at a node.
    pub fn command(&self, node: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(node)]).arg(program);
        command
    }

    /// Nothing of `from` reaches `to` any more; the other way is another matter.
    ///
    /// # Errors
    /// The command failed.
    pub fn cut(&self, from: usize, to: usize) -> Result<(), Error> {
        self.rule(to, &format!("-I INPUT -s {} -j DROP", self.address(from)))
    }

    /// Takes one such cut back.
    ///
    /// # Errors
    /// The command failed: there was none.
    pub fn mend(&self, from: usize, to: usize) -> Result<(), Error> {
        self.rule(to, &format!("-D INPUT -s {} -j DROP", self.address(from)))
    }

    /// Nothing passes between sides. Nodes of no side are left alone.
    ///
    /// # Errors
    /// A command failed.
    pub fn split(&self, sides: &[&[usize]]) -> Result<(), Error> {
        for (number, side) in sides.iter().enumerate() {
            for other in sides.iter().skip(number + 1) {
                for (&one, &another) in side.iter().flat_map(|a| other.iter().map(move |b| (a, b)))
                {
                    self.cut(one, another)?;
                    self.cut(another, one)?;
                }
            }
        }
        Ok(())
    }

    /// So large a share of what arrives anywhere is lost, at random.
    ///
    /// # Errors
    /// A command failed.
    pub fn lose(&self, share: f64) -> Result<(), Error> {
        let statistic = format!("-m statistic --mode random --probability {share:.4}");
        (0..self.nodes)
            .try_for_each(|node| self.rule(node, &format!("-I INPUT -i eth0 {statistic} -j DROP")))
    }

    /// Ends all cuts and losses.
    ///
    /// # Errors
    /// A command failed.
    pub fn heal(&self) -> Result<(), Error> {
        (0..self.nodes).try_for_each(|node| self.rule(node, "-F INPUT"))
    }

    /// Moves these nodes to another bridge: they hear each other, and nobody else. Quicker than
    /// [`Lab::split`], for those who measure.
    ///
    /// # Errors
    /// A command failed: with a forwarder there is no bridge.
    pub fn part(&self, nodes: &[usize]) -> Result<(), Error> {
        nodes.iter().try_for_each(|&node| self.attach(node, "br1"))
    }

    /// Moves all nodes to one bridge again.
    ///
    /// # Errors
    /// A command failed.
    pub fn unite(&self) -> Result<(), Error> {
        (0..self.nodes).try_for_each(|node| self.attach(node, "br0"))
    }

    fn attach(&self, node: usize, bridge: &str) -> Result<(), Error> {
        run(&format!("ip -n {} link set p{node} master {bridge}", self.switch())).map(drop)
    }

    fn rule(&self, node: usize, rule: &str) -> Result<(), Error> {
        run(&format!("ip netns exec {} iptables -w {rule}", self.namespace(node))).map(drop)
    }

    /// Pulls a node's cable (`true`), or plugs it in: its device sees no carrier.
    ///
    /// # Errors
    /// The command failed: with a forwarder there is no cable.
    pub fn pull(&self, node: usize, out: bool) -> Result<(), Error> {
        let state = if out { "down" } else { "up" };
        run(&format!("ip -n {} link set p{node} {state}", self.switch())).map(drop)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.forwarder.take());
        let nodes = (0..self.nodes).map(|node| self.namespace(node));
        for namespace in nodes.chain([self.switch()]) {
            remove(&namespace);
        }
    }
}

/// A beginning of names that no other lab of this machine has; it tells whose lab it is.
fn fresh_name() -> String {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}x{number}n", std::process::id())
}

/// Removes a namespace and ends what runs in it: it would live on otherwise.
fn remove(namespace: &str) {
    // Not there, if making it failed.
    for process in run(&format!("ip netns pids {namespace}")).unwrap_or_default().lines() {
        let _ = run(&format!("kill -9 {process}"));
    }
    let _ = run(&format!("ip netns del {namespace}"));
}

/// Removes what labs of processes that were killed have left.
fn remove_orphans() {
    for line in run("ip netns list").unwrap_or_default().lines() {
        let name = line.split_ascii_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('x'));
        if let Some((process, _)) = owner
            && process.parse::<u32>().is_ok()
            && !Path::new("/proc").join(process).exists()
        {
            remove(name);
        }
    }
}
