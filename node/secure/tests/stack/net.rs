//! A network in memory: what is sent arrives at once and in order, time passes when told.

use bytes::Bytes;
use cenacle_core::{
    Engine, Event as Plain, GroupName, Input, MemberId, NodeId, Outbox, Output as EngineOutput,
    SameCharter, Service, Settings, Time,
};
use cenacle_host::{Origin, Registry};
use cenacle_plugin::{Inline, ModuleSource, Options, Secret, Value};
use cenacle_secure::{
    Charter, Choice, Event, Output, Parts, Patience, SecureAdmission, SecureJoin, SecureView,
    Signer, Stack, StackError, Standing,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) struct Node {
    pub(crate) stack: Stack,
    pub(crate) id: NodeId,
    /// What its member was told, in order.
    pub(crate) told: Vec<Event>,
    pub(crate) alive: bool,
    /// Whether its application reads.
    pub(crate) reads: bool,
}

pub(crate) struct Net {
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: Time,
    pub(crate) modules: Arc<Registry>,
    /// Pairs that do not hear each other.
    pub(crate) cut: BTreeSet<(usize, usize)>,
    /// Every frame that was sent.
    pub(crate) wire: Vec<Bytes>,
    /// What nodes that are added ask for policies in place of their modules.
    pub(crate) bribed: Option<Arc<dyn ModuleSource>>,
    /// Changes frames on their way.
    pub(crate) tamper: Option<Box<dyn FnMut(usize, &Bytes) -> Option<Bytes>>>,
    by_id: BTreeMap<NodeId, usize>,
}

pub(crate) fn registry() -> Arc<Registry> {
    let registry = Registry::new();
    for module in cenacle_builtin::agreements() {
        registry.register_key_agreement(module, Origin::BuiltIn).unwrap();
    }
    for module in cenacle_builtin::ciphers() {
        registry.register_cipher(module, Origin::BuiltIn).unwrap();
    }
    for module in cenacle_builtin::policies() {
        registry.register_policy(module, Origin::BuiltIn).unwrap();
    }
    Arc::new(registry)
}

pub(crate) fn signer(number: usize) -> Arc<Signer> {
    Arc::new(Signer::new(&Secret::new([u8::try_from(number).unwrap() + 1; 32])))
}

/// A choice of a module with some options given.
pub(crate) fn choose(descriptor: &cenacle_plugin::Descriptor, given: &[(&str, Value)]) -> Choice {
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let options = Options::check(&descriptor.name, &descriptor.options, &given).unwrap();
    Choice::new(descriptor, &options)
}

impl Net {
    pub(crate) fn new(count: usize) -> Self {
        Self::with(count, registry())
    }

    /// Nodes that have these modules.
    pub(crate) fn with(count: usize, modules: Arc<Registry>) -> Self {
        let mut net = Self {
            nodes: Vec::new(),
            now: Time(1_700_000_000_000_000),
            modules,
            cut: BTreeSet::new(),
            wire: Vec::new(),
            bribed: None,
            tamper: None,
            by_id: BTreeMap::new(),
        };
        (0..count).for_each(|_| net.add(1));
        net.wait_for(count);
        net
    }

    fn wait_for(&mut self, count: usize) {
        for _ in 0..1_000 {
            let whole = |node: &Node| node.stack.engine().configuration().size() == count;
            if self.nodes.iter().filter(|node| node.alive).all(whole) {
                return;
            }
            self.pass(10_000);
        }
        panic!("the nodes did not come together");
    }

    /// A further node, of that incarnation.
    pub(crate) fn add(&mut self, incarnation: u64) {
        self.add_as(self.nodes.len(), incarnation);
    }

    /// A further node with the key of the node `whose`, such as one that has restarted.
    pub(crate) fn add_as(&mut self, whose: usize, incarnation: u64) {
        let number = self.nodes.len();
        let signer = signer(whose);
        let id = NodeId { key: *signer.public_key(), incarnation };
        let settings = Settings { seed: number as u64, ..Settings::new(id, "test") };
        let max_message = settings.max_message;
        let mut out = Outbox::new();
        let modules: Arc<dyn ModuleSource> = self.modules.clone();
        let asked = self.bribed.clone().unwrap_or_else(|| Arc::clone(&modules));
        let admission = Box::new(SecureAdmission::new("test", asked, SameCharter));
        let engine = Engine::new(settings, admission, self.now, &mut out).unwrap();
        let parts = Parts {
            node: id,
            modules,
            executor: Arc::new(Inline),
            signer,
            seed: Secret::new([0x80 + u8::try_from(number).unwrap(); 32]),
            patience: Patience::default(),
            max_message,
        };
        let stack = Stack::new(engine, parts);
        self.by_id.insert(id, number);
        self.nodes.push(Node { stack, id, told: Vec::new(), alive: true, reads: true });
        let out = out.into_iter().map(Output::Engine).collect();
        self.carry(number, out);
        for other in 0..number {
            let (a, b) = (self.nodes[number].id, self.nodes[other].id);
            self.input(number, Input::Connected { node: b });
            self.input(other, Input::Connected { node: a });
        }
    }

    pub(crate) fn pass(&mut self, us: u64) {
        self.now = Time(self.now.0 + us);
        for number in 0..self.nodes.len() {
            self.input(number, Input::Tick);
        }
    }

    /// Lets so many seconds pass.
    pub(crate) fn seconds(&mut self, seconds: u64) {
        (0..seconds * 50).for_each(|_| self.pass(20_000));
    }

    pub(crate) fn input(&mut self, number: usize, input: Input) {
        self.try_input(number, input).unwrap();
    }

    pub(crate) fn try_input(&mut self, number: usize, input: Input) -> Result<(), StackError> {
        if !self.nodes[number].alive {
            return Ok(());
        }
        let mut out = Vec::new();
        let stack = &mut self.nodes[number].stack;
        let result = stack.handle(self.now, input, &mut out);
        stack.handle(self.now, Input::Drained, &mut out).unwrap();
        self.carry(number, out);
        result
    }

    fn carry(&mut self, from: usize, out: Vec<Output>) {
        let mut waiting = Vec::new();
        self.sort(from, out, &mut waiting);
        while !waiting.is_empty() {
            let frames: Vec<(usize, usize, Bytes)> = std::mem::take(&mut waiting);
            for number in 0..self.nodes.len() {
                let mut out = Vec::new();
                for (from, _, bytes) in frames.iter().filter(|(_, to, _)| *to == number) {
                    let pair = (*from.min(&number), *from.max(&number));
                    if self.cut.contains(&pair) || !self.nodes[number].alive {
                        continue;
                    }
                    let bytes = match &mut self.tamper {
                        Some(tamper) => match tamper(*from, bytes) {
                            Some(bytes) => bytes,
                            None => continue,
                        },
                        None => bytes.clone(),
                    };
                    let frame = Input::Frame { from: self.nodes[*from].id, bytes };
                    let _ = self.nodes[number].stack.handle(self.now, frame, &mut out);
                }
                if self.nodes[number].alive {
                    self.nodes[number].stack.handle(self.now, Input::Drained, &mut out).unwrap();
                }
                self.sort(number, out, &mut waiting);
            }
        }
    }

    fn sort(&mut self, from: usize, out: Vec<Output>, waiting: &mut Vec<(usize, usize, Bytes)>) {
        let mut read = 0;
        for output in out {
            match output {
                Output::Engine(EngineOutput::Send { to, frame }) => {
                    self.wire.push(frame.clone());
                    if let Some(to) = self.by_id.get(&to) {
                        waiting.push((from, *to, frame));
                    }
                }
                Output::Engine(
                    EngineOutput::Multicast { frame } | EngineOutput::Announce { frame },
                ) => {
                    self.wire.push(frame.clone());
                    let others = (0..self.nodes.len()).filter(|&to| to != from);
                    waiting.extend(others.map(|to| (from, to, frame.clone())));
                }
                Output::Event { event, .. } => {
                    read += event.weight();
                    self.nodes[from].told.push(event);
                }
                Output::Engine(_) => {}
            }
        }
        if read > 0 && self.nodes[from].reads {
            let mut out = Vec::new();
            let consumed = Input::Consumed { bytes: read };
            self.nodes[from].stack.handle(self.now, consumed, &mut out).unwrap();
            assert!(out.is_empty());
        }
    }

    // -- what applications do

    pub(crate) fn charter(&self, module: &str) -> Charter {
        self.charter_with(module, "chacha20poly1305", "open", &[])
    }

    pub(crate) fn charter_with(
        &self,
        module: &str,
        cipher: &str,
        policy: &str,
        policy_options: &[(&str, Value)],
    ) -> Charter {
        let module = self.modules.key_agreement(module).unwrap();
        let cipher = self.modules.cipher(cipher).unwrap();
        let policy = self.modules.policy(policy).unwrap();
        Charter::new(
            "ops",
            choose(module.descriptor(), &[]),
            choose(cipher.descriptor(), &[]),
            choose(policy.descriptor(), policy_options),
        )
    }

    pub(crate) fn join(&mut self, number: usize, charter: &Charter) {
        self.join_with(number, charter, false);
    }

    pub(crate) fn join_with(&mut self, number: usize, charter: &Charter, manual_flush: bool) {
        self.join_as(number, charter, manual_flush, "");
    }

    /// Shows evidence with its join.
    pub(crate) fn join_as(
        &mut self,
        number: usize,
        charter: &Charter,
        manual_flush: bool,
        evidence: &str,
    ) {
        let join = SecureJoin {
            local: 0,
            charter: charter.clone(),
            evidence: Bytes::copy_from_slice(evidence.as_bytes()),
            above: Bytes::new(),
            manual_flush,
        };
        self.join_whole(number, join);
    }

    pub(crate) fn join_whole(&mut self, number: usize, join: SecureJoin) {
        let mut out = Vec::new();
        self.nodes[number].stack.join(self.now, join, &mut out).unwrap();
        self.carry(number, out);
        self.input(number, Input::Drained);
    }

    pub(crate) fn send(&mut self, number: usize, service: Service, body: &str) {
        let (group, body) = (name(), Bytes::copy_from_slice(body.as_bytes()));
        self.input(number, Input::Send { group, local: 0, service, body });
    }

    pub(crate) fn unicast(&mut self, number: usize, to: usize, body: &str) {
        let (to, body) = (self.member(to), Bytes::copy_from_slice(body.as_bytes()));
        self.input(number, Input::Unicast { group: name(), local: 0, to, body });
    }

    pub(crate) fn leave(&mut self, number: usize) {
        self.input(number, Input::Leave { group: name(), local: 0 });
    }

    pub(crate) fn refresh(&mut self, number: usize) {
        let mut out = Vec::new();
        self.nodes[number].stack.refresh(self.now, &name(), 0, &mut out).unwrap();
        self.carry(number, out);
        self.input(number, Input::Drained);
    }

    pub(crate) fn kill(&mut self, number: usize) {
        self.nodes[number].alive = false;
        let node = self.nodes[number].id;
        for other in 0..self.nodes.len() {
            self.input(other, Input::Closed { node });
        }
    }

    /// Cuts the nodes into those parts; one part heals all.
    pub(crate) fn part(&mut self, parts: &[&[usize]]) {
        self.cut.clear();
        for (index, one) in parts.iter().enumerate() {
            for other in &parts[index + 1..] {
                for &a in *one {
                    self.cut.extend(other.iter().map(|&b| (a.min(b), a.max(b))));
                }
            }
        }
    }

    // -- what they were told

    pub(crate) fn member(&self, number: usize) -> MemberId {
        MemberId { node: self.nodes[number].id, local: 0 }
    }

    /// The secure views of a node.
    pub(crate) fn views(&self, number: usize) -> Vec<&SecureView> {
        let mut views = Vec::new();
        for event in &self.nodes[number].told {
            if let Event::Secure(view) = event {
                views.push(view.as_ref());
            }
        }
        views
    }

    pub(crate) fn last_view(&self, number: usize) -> &SecureView {
        self.views(number).last().copied().unwrap_or_else(|| {
            panic!("node {number} has no secure view; it was told {:?}", self.nodes[number].told)
        })
    }

    /// All texts that a node heard.
    pub(crate) fn heard(&self, number: usize) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Plain(Plain::Message { body, .. }) => {
                Some(String::from_utf8(body.to_vec()).unwrap())
            }
            _ => None,
        };
        self.nodes[number].told.iter().filter_map(text).collect()
    }

    pub(crate) fn warnings(&self, number: usize) -> Vec<String> {
        let warning = |event: &Event| match event {
            Event::Warning { reason, detail } => Some(format!("{reason}: {detail}")),
            _ => None,
        };
        self.nodes[number].told.iter().filter_map(warning).collect()
    }

    pub(crate) fn forget(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.told.clear());
        self.wire.clear();
    }

    /// The nodes share one secure view of exactly these members; its key has never been there.
    pub(crate) fn agree(&self, numbers: &[usize]) -> [u8; 8] {
        let first = self.last_view(numbers[0]);
        let members: BTreeSet<_> = numbers.iter().map(|&number| self.member(number)).collect();
        assert_eq!(first.view.members.iter().copied().collect::<BTreeSet<_>>(), members);
        for &number in numbers {
            let view = self.last_view(number);
            assert_eq!(view.view.id, first.view.id, "node {number}");
            assert_eq!(view.fingerprint, first.fingerprint, "node {number}");
            assert_eq!(view.safety, first.safety);
            let last = self.nodes[number].told.iter().rev().find_map(|event| match event {
                Event::Standing(standing) => Some(standing),
                _ => None,
            });
            assert_eq!(last, Some(&Standing::Secure), "node {number}");
            let mut keys: Vec<_> = self.views(number).iter().map(|v| v.fingerprint).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all, "a key came back at node {number}");
        }
        first.fingerprint
    }
}

pub(crate) fn name() -> GroupName {
    "ops".parse().unwrap()
}
