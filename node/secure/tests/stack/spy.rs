//! An ex-member that keeps all its state, hears every byte of the wire, and knows the algorithms:
//! it tries every key that it ever had, and every key that its secrets would give in the later view,
//! on every record. The same attempt with the later view's own secret succeeds, so the attempt is a
//! good one.

use super::net::{Net, name, registry};
use bytes::Bytes;
use cenacle_core::{Service, ViewId};
use cenacle_host::{Origin, Registry};
use cenacle_plugin::{
    Action, Descriptor, Error, Event, Executor, GroupSecret, Input, KeyAgreement,
    KeyAgreementModule, Member, ModuleSource, Options, Outbox, ViewChange,
};
use cenacle_secure::{Epoch, KeyRing, Reader, Run, RunContext};
use std::sync::{Arc, Mutex};

type Runs = Arc<Mutex<Vec<(Arc<ViewChange>, Option<GroupSecret>)>>>;

/// A module that writes down what its instances were told to agree on, and on what they agreed.
struct Watched {
    inner: Arc<dyn KeyAgreementModule>,
    /// Of each instance.
    books: Arc<Mutex<Vec<Runs>>>,
}

impl KeyAgreementModule for Watched {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    fn create(
        &self,
        options: &Options,
        executor: Arc<dyn Executor>,
    ) -> Result<Box<dyn KeyAgreement>, Error> {
        let runs = Runs::default();
        self.books.lock().unwrap().push(Arc::clone(&runs));
        Ok(Box::new(Instance { inner: self.inner.create(options, executor)?, runs }))
    }
}

struct Instance {
    inner: Box<dyn KeyAgreement>,
    runs: Runs,
}

impl KeyAgreement for Instance {
    fn handle(&mut self, event: &Event, out: &mut Outbox) -> Result<(), Error> {
        let from = out.len();
        self.inner.handle(event, out)?;
        let mut runs = self.runs.lock().unwrap();
        if let Input::Change(change) = &event.input {
            runs.push((Arc::clone(change), None));
        }
        for action in &out[from..] {
            if let (Action::Install(secret), Some(run)) = (action, runs.last_mut()) {
                run.1 = Some(secret.clone());
            }
        }
        Ok(())
    }
}

fn watched(module: &str) -> (Arc<Registry>, Arc<Mutex<Vec<Runs>>>) {
    let (builtin, registry, books) = (registry(), Registry::new(), Arc::default());
    let watched =
        Watched { inner: builtin.key_agreement(module).unwrap(), books: Arc::clone(&books) };
    registry.register_key_agreement(Arc::new(watched), Origin::BuiltIn).unwrap();
    registry.register_cipher(builtin.cipher("chacha20poly1305").unwrap(), Origin::BuiltIn).unwrap();
    registry.register_policy(builtin.policy("open").unwrap(), Origin::BuiltIn).unwrap();
    (Arc::new(registry), books)
}

/// The view's name, as docs/secure.md has it.
fn view_bytes(view: &ViewId) -> Vec<u8> {
    [
        view.order.epoch.to_be_bytes().as_slice(),
        &view.order.position.as_u64().to_be_bytes(),
        &view.proposer.key,
        &view.proposer.incarnation.to_be_bytes(),
    ]
    .concat()
}

/// What is public of a run: its context, and the digest of what its members were told.
fn public(net: &Net, module: &str, view: &ViewId, change: &ViewChange) -> (RunContext, [u8; 32]) {
    let members: Vec<Member> = change.members().to_vec();
    let ring = KeyRing::new(&members).unwrap();
    let descriptor = net.modules.key_agreement(module).unwrap().descriptor().clone();
    let group = name();
    let run = Run {
        suite: &format!("{} {}", descriptor.name, descriptor.version),
        group: group.as_str().as_bytes(),
        view: &view_bytes(view),
        members: &ring,
        charter: &net.charter(module).hash(),
        number: 0,
    };
    // The change is hashed before it gets the run's name.
    let told = cenacle_plugin::to_cbor(&change.seen_by(0).unwrap()).unwrap();
    let mut told: ciborium::Value = cenacle_plugin::from_cbor(&told).unwrap();
    told.as_map_mut().unwrap().retain(|(key, _)| key.as_text() != Some("run"));
    let mut hasher = blake3::Hasher::new_derive_key("cenacle view change v1");
    hasher.update(&cenacle_plugin::to_cbor(&told).unwrap());
    (run.context().unwrap(), hasher.finalize().into())
}

/// How many texts an epoch's keys bring out of a wire, wherever in a frame a record may be and
/// whoever may have sent it, whether for all or for one.
fn brought_out(net: &Net, epoch: &Epoch, frames: &[Bytes]) -> usize {
    let cipher = net.modules.cipher("chacha20poly1305").unwrap();
    let descriptor = cipher.descriptor();
    let options = Options::defaults(&descriptor.options);
    let cipher = cipher.create(&options).unwrap();
    let members: Vec<_> = (0..net.nodes.len()).map(|number| net.member(number)).collect();
    let mut count = 0;
    for frame in frames {
        let ends = frame.windows(4).enumerate().filter(|(_, key_id)| *key_id == epoch.key_id());
        for end in ends.map(|(at, _)| at + 4 + 8 + 1).filter(|end| *end <= frame.len()) {
            for (begin, from) in (0..end - 13).flat_map(|b| members.iter().map(move |m| (b, m))) {
                for way in [Service::Agreed, Service::Unicast] {
                    let me = net.member(0);
                    let mut reader = Reader::new(epoch, cipher.as_ref(), &members, me).unwrap();
                    count += usize::from(reader.open(from, way, &frame.slice(begin..end)).is_ok());
                }
            }
        }
    }
    count
}

#[test]
fn an_ex_member_opens_nothing_of_later_views() {
    for module in ["tgdh", "gdh", "str", "bd", "ckd", "basic", "binary", "dist", "wgl"] {
        let (modules, books) = watched(module);
        let mut net = Net::with(4, modules);
        let charter = net.charter(module);
        (0..4).for_each(|number| net.join(number, &charter));
        net.agree(&[0, 1, 2, 3]);
        // The third has gone from the group; its node stays, and hears all.
        net.leave(2);
        net.seconds(1);
        net.agree(&[0, 1, 3]);
        let view = net.last_view(0).view.id;
        let from = net.wire.len();
        net.send(0, Service::Agreed, "what was said after it left");
        net.unicast(1, 0, "and for one alone");
        net.seconds(1);
        let frames = net.wire[from..].to_vec();
        let books = books.lock().unwrap();
        let last = books[0].lock().unwrap().last().unwrap().clone();
        let (context, digest) = public(&net, module, &view, &last.0);
        let own = Epoch::new(&context, &digest, &last.1.unwrap());
        assert_eq!(own.fingerprint(), net.last_view(0).fingerprint, "{module}");
        assert!(brought_out(&net, &own, &frames) >= 2, "{module}: a member reads it so");
        let held: Vec<GroupSecret> =
            books[2].lock().unwrap().iter().filter_map(|(_, secret)| secret.clone()).collect();
        assert!(!held.is_empty(), "{module}");
        for secret in held {
            let epoch = Epoch::new(&context, &digest, &secret);
            assert_eq!(brought_out(&net, &epoch, &frames), 0, "{module}");
        }
        assert!(!net.heard(2).iter().any(|text| text.contains("after") || text.contains("alone")));
    }
}
