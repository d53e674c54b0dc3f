//! The members of the story: instances in memory, their keys, and an eavesdropper on the wire.

use super::keys::{Keys, Sealed};
use super::request::Request;
use crate::envelopes::Shared;
use crate::failure::Failure;
use cenacle_plugin::network::{Carrier, How, Network, Outcome};
use cenacle_plugin::{Cipher, Error, Secret, ViewChange};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An envelope that passed over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) from: u32,
    /// One receiver, or all.
    pub(crate) to: Option<u32>,
    pub(crate) bytes: Vec<u8>,
}

/// All envelopes so far, run by run.
type Wire = Rc<RefCell<Vec<Vec<Heard>>>>;

/// Hands everything on and keeps a copy, as anybody on the way can.
struct Tap {
    envelopes: Shared,
    wire: Wire,
}

impl Carrier for Tap {
    fn begin(&mut self, change: &ViewChange) {
        self.wire.borrow_mut().push(Vec::new());
        self.envelopes.begin(change);
    }

    fn seal(&mut self, from: u32, to: Option<u32>, body: &[u8]) -> Vec<u8> {
        let bytes = self.envelopes.seal(from, to, body);
        if let Some(run) = self.wire.borrow_mut().last_mut() {
            run.push(Heard { from, to, bytes: bytes.clone() });
        }
        bytes
    }

    fn open(&mut self, at: u32, sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        self.envelopes.open(at, sealed)
    }

    fn frame(&mut self, from: u32, to: u32, body: &[u8]) -> Vec<u8> {
        self.envelopes.frame(from, to, body)
    }

    fn unframe(&mut self, at: u32, framed: &[u8]) -> Option<Vec<u8>> {
        self.envelopes.unframe(at, framed)
    }

    fn now_ns(&mut self) -> u64 {
        self.envelopes.now_ns()
    }
}

/// Members by number, and the keys that each derived last: one that left still has its old ones.
pub(crate) struct Company<'a> {
    network: Network<'a>,
    envelopes: Shared,
    wire: Wire,
    cipher: &'a dyn Cipher,
    keys: BTreeMap<u32, Keys>,
    sealed: u64,
}

impl<'a> Company<'a> {
    /// Members who know nothing of each other yet but their public keys.
    pub(crate) fn new(request: &'a Request) -> Result<Self, Failure> {
        let key_agreement = &request.key_agreement;
        let (module, options) = (key_agreement.module().as_ref(), key_agreement.options().clone());
        let envelopes =
            Shared::new(&key_agreement.descriptor().name, request.nodes, &Secret::new(random()?));
        let wire = Wire::default();
        let tap = Tap { envelopes: envelopes.clone(), wire: Rc::clone(&wire) };
        let mut network = Network::new(module, options, u64::from_be_bytes(random()?))
            .with_carrier(Box::new(tap));
        for number in 0..request.nodes {
            network.add(number).map_err(|failure| Failure::Failed(failure.to_string()))?;
        }
        let (cipher, keys) = (request.prepared.as_ref(), BTreeMap::new());
        Ok(Self { network, envelopes, wire, cipher, keys, sealed: 0 })
    }

    /// A run of key agreement among `members`; each derives its keys from what its own instance
    /// installed.
    pub(crate) fn agree(&mut self, members: &[u32], how: How) -> Result<Outcome, Failure> {
        let failed = |what: String| Failure::Failed(format!("key agreement failed: {what}"));
        let result =
            self.network.change(members, how).and_then(|()| self.network.complete_measured());
        let outcome = result.map_err(|failure| failed(failure.to_string()))?;
        let run = self.envelopes.borrow().run();
        let (context, _) = run.ok_or_else(|| failed("the run has no context".to_owned()))?;
        for &number in members {
            let secret = self.network.installed_at(number);
            let secret = secret.ok_or_else(|| failed(format!("{} has no secret", name(number))))?;
            self.keys.insert(number, Keys::derive(secret, &context));
        }
        Ok(outcome)
    }

    /// The fingerprint at the member of that number.
    pub(crate) fn fingerprint(&self, number: u32) -> &str {
        self.keys.get(&number).map_or("none", Keys::fingerprint)
    }

    /// Seals what a member says under the keys it has.
    pub(crate) fn say(&mut self, from: u32, text: &str) -> Result<Sealed, Failure> {
        self.sealed += 1;
        let keys = self.keys.get(&from).ok_or(Error::WrongCall("a member without keys"));
        keys.and_then(|keys| keys.seal(self.cipher, from, self.sealed, text))
            .map_err(|error| Failure::Failed(format!("{} cannot seal: {error}", name(from))))
    }

    /// What a member reads with the keys it has.
    pub(crate) fn read(&self, member: u32, message: &Sealed) -> Result<String, Error> {
        let keys = self.keys.get(&member).ok_or(Error::WrongCall("a member without keys"))?;
        keys.open(self.cipher, message)
    }

    /// Numbers of the members of the view, by position.
    pub(crate) fn view(&self) -> &[u32] {
        self.network.view()
    }

    /// The envelopes, to see what members' openers say of others.
    pub(crate) fn envelopes(&self) -> &Shared {
        &self.envelopes
    }

    /// The first envelope of the run before the last `back` ones, as an eavesdropper kept it.
    pub(crate) fn heard(&self, back: usize) -> Option<Heard> {
        self.wire.borrow().iter().rev().nth(back)?.first().cloned()
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::Failed(format!("the system gives no random bytes ({error}); try again later"))
    })?;
    Ok(bytes)
}

const NAMES: [&str; 12] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim",
    "leo",
];

/// What the story calls the member of that number.
pub(crate) fn name(number: u32) -> String {
    let known = usize::try_from(number).ok().and_then(|at| NAMES.get(at));
    known.map_or_else(|| format!("member {}", number.saturating_add(1)), |name| (*name).to_owned())
}

/// The names of some members; of many, the first few.
pub(crate) fn names(numbers: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = numbers.iter().take(SHOWN).map(|number| name(*number)).collect();
    match numbers.len().saturating_sub(SHOWN) {
        0 => {}
        more => names.push(format!("{more} more")),
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_name() {
        assert_eq!(names(&[]), "");
        assert_eq!(names(&[0]), "alice");
        assert_eq!(names(&[0, 2, 12]), "alice, carol and member 13");
        let all: Vec<u32> = (0..10).collect();
        assert!(names(&all).ends_with("heidi and 2 more"));
    }
}
