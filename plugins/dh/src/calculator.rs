//! Counted arithmetic: the one way through which modules exponentiate.

use crate::{DecodeError, DhGroup};
use cenacle_plugin::{Arithmetic, Executor, Job, Random, Secret, Work};
use std::num::NonZeroU32;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Handing a job to another thread costs a few microseconds. A variable-base exponentiation takes
/// 40 µs and more, so one of them is a job worth having.
const EXPONENTIATIONS_PER_JOB: usize = 1;
/// One with a fixed base takes 10 µs and more.
const FIXED_BASE_PER_JOB: usize = 2;
/// Encoding and validated decoding take 4 µs and more.
const CODINGS_PER_JOB: usize = 8;

/// What an exponentiation is for: which column of [`Work`] it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The protocol proper, which the papers count.
    Protocol,
    /// Blinding a fresh exponent of one's own.
    OwnShare,
    /// Recomputing what another member published, to compare it.
    Check,
}

/// A group with a count of the work done in it and the means to do it on several cores.
///
/// What is counted is exact: one for each exponentiation, whatever ran it. Decoding a base and
/// encoding a result are part of an exponentiation and counted nowhere.
#[derive(Clone)]
pub struct Calculator<G> {
    group: G,
    work: Work,
    executor: Arc<dyn Executor>,
}

impl<G: DhGroup> Calculator<G> {
    /// A calculator with nothing counted.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self { group: G::default(), work: Work::default(), executor }
    }

    /// The group, for what is neither counted nor spread.
    pub fn group(&self) -> G {
        self.group
    }

    /// What was done since the last [`take_work`](Self::take_work).
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// What was done since the last call of this, and starts from nothing.
    pub fn take_work(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }

    /// The generator to the power of `exponent`.
    pub fn exp_base(&mut self, purpose: Purpose, exponent: &G::Scalar) -> G::Element {
        self.count(purpose, 1);
        self.exponentiating(|group| group.exp_base(exponent))
    }

    /// `base` to the power of `exponent`.
    pub fn exp(&mut self, purpose: Purpose, base: &G::Element, exponent: &G::Scalar) -> G::Element {
        self.count(purpose, 1);
        self.exponentiating(|group| group.exp(base, exponent))
    }

    /// Each of `bases` to the power of one `exponent`, in order.
    pub fn exp_many(
        &mut self,
        purpose: Purpose,
        bases: &[G::Element],
        exponent: &G::Scalar,
    ) -> Vec<G::Element> {
        self.count(purpose, bases.len());
        self.spread(bases, EXPONENTIATIONS_PER_JOB, |base| self.group.exp(base, exponent))
    }

    /// The concatenated encodings of what [`exp_many`](Self::exp_many) returns, for what is sent
    /// and not used any further: in ristretto255 a tenth cheaper.
    pub fn exp_many_encoded(
        &mut self,
        purpose: Purpose,
        bases: &[G::Element],
        exponent: &G::Scalar,
    ) -> Vec<u8> {
        self.count(purpose, bases.len());
        let share = bases.len().div_ceil(self.executor.width().max(1)).max(1);
        let shares: Vec<&[G::Element]> = bases.chunks(share).collect();
        let encodings = self.spread(&shares, EXPONENTIATIONS_PER_JOB, |bases| {
            let mut bytes = Vec::with_capacity(bases.len() * G::ELEMENT_LEN);
            self.group.exp_encoded(bases, exponent, &mut bytes);
            bytes
        });
        encodings.concat()
    }

    /// The generator to the power of each of `exponents`, in order.
    pub fn exp_base_many(&mut self, purpose: Purpose, exponents: &[G::Scalar]) -> Vec<G::Element> {
        self.count(purpose, exponents.len());
        self.spread(exponents, FIXED_BASE_PER_JOB, |exponent| self.group.exp_base(exponent))
    }

    /// Each base to the power of the exponent beside it, in order.
    pub fn exp_pairs(
        &mut self,
        purpose: Purpose,
        pairs: &[(G::Element, G::Scalar)],
    ) -> Vec<G::Element> {
        self.count(purpose, pairs.len());
        self.spread(pairs, EXPONENTIATIONS_PER_JOB, |(base, exponent)| {
            self.group.exp(base, exponent)
        })
    }

    /// `left` times `right`; one product.
    pub fn product(&mut self, left: &G::Element, right: &G::Element) -> G::Element {
        self.multiplying(|group| group.product(left, right))
    }

    /// `left` divided by `right`; one product.
    pub fn quotient(&mut self, left: &G::Element, right: &G::Element) -> G::Element {
        self.multiplying(|group| group.quotient(left, right))
    }

    /// `base` to the power of a small public `exponent`, such as a number of members; one product,
    /// as [`Work::products`] defines it. Variable time in the exponent.
    pub fn exp_small(&mut self, base: &G::Element, exponent: u32) -> G::Element {
        self.multiplying(|group| group.exp_small(base, exponent))
    }

    /// Decodes one element; see [`DhGroup::decode`].
    ///
    /// # Errors
    ///
    /// Those of [`DhGroup::decode`].
    pub fn decode(&self, bytes: &[u8]) -> Result<G::Element, DecodeError> {
        self.exponentiating(|group| group.decode(bytes))
    }

    /// Decodes one element that may be the identity; see [`DhGroup::decode_with_identity`].
    ///
    /// # Errors
    ///
    /// Those of [`DhGroup::decode_with_identity`].
    pub fn decode_with_identity(&self, bytes: &[u8]) -> Result<G::Element, DecodeError> {
        self.exponentiating(|group| group.decode_with_identity(bytes))
    }

    /// Decodes a concatenation of elements, none of them the identity.
    ///
    /// The number of elements is whatever the bytes hold: the caller checks it against what its
    /// protocol expects, before it pays for the decoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] if the bytes are not a whole number of encodings, else the error of
    /// the first element that is refused.
    pub fn decode_many(&self, bytes: &[u8]) -> Result<Vec<G::Element>, DecodeError> {
        self.decode_each(bytes, |encoding| self.group.decode(encoding))
    }

    /// Decodes a concatenation of elements, any of which may be the identity.
    ///
    /// # Errors
    ///
    /// As [`decode_many`](Self::decode_many).
    pub fn decode_many_with_identity(&self, bytes: &[u8]) -> Result<Vec<G::Element>, DecodeError> {
        self.decode_each(bytes, |encoding| self.group.decode_with_identity(encoding))
    }

    /// The encoding of one element.
    pub fn encode(&self, element: &G::Element) -> Vec<u8> {
        self.exponentiating(|group| encoding(group, element))
    }

    /// The concatenated encodings of `elements`.
    pub fn encode_many(&self, elements: &[G::Element]) -> Vec<u8> {
        self.spread(elements, CODINGS_PER_JOB, |element| encoding(self.group, element)).concat()
    }

    /// A uniform exponent; see [`DhGroup::random_scalar`].
    pub fn random_scalar(&self, random: &mut Random) -> G::Scalar {
        self.group.random_scalar(random)
    }

    /// An exponent from an element; see [`DhGroup::hash_to_scalar`].
    pub fn hash_to_scalar(&self, domain: &str, element: &G::Element) -> G::Scalar {
        self.exponentiating(|group| group.hash_to_scalar(domain, element))
    }

    /// A key from an element; see [`DhGroup::hash_to_secret`].
    pub fn hash_to_secret(&self, domain: &str, element: &G::Element) -> Secret<32> {
        self.exponentiating(|group| group.hash_to_secret(domain, element))
    }

    /// The exponent that `bytes` encode; see [`DhGroup::scalar_from_bytes`].
    ///
    /// # Errors
    ///
    /// Those of [`DhGroup::scalar_from_bytes`].
    pub fn scalar_from_bytes(&self, bytes: &[u8]) -> Result<G::Scalar, DecodeError> {
        self.group.scalar_from_bytes(bytes)
    }

    /// The bytes of an exponent; see [`DhGroup::scalar_bytes`].
    pub fn scalar_bytes(&self, scalar: &G::Scalar) -> Zeroizing<Vec<u8>> {
        self.group.scalar_bytes(scalar)
    }

    /// A small exponent; see [`DhGroup::scalar_from_u32`].
    pub fn scalar_from_u32(&self, value: NonZeroU32) -> G::Scalar {
        self.group.scalar_from_u32(value)
    }

    /// The inverse of an exponent; see [`DhGroup::invert`].
    pub fn invert(&self, scalar: &G::Scalar) -> G::Scalar {
        self.group.invert(scalar)
    }

    /// The product of two exponents; see [`DhGroup::multiply`].
    pub fn multiply(&self, left: &G::Scalar, right: &G::Scalar) -> G::Scalar {
        self.group.multiply(left, right)
    }

    fn count(&mut self, purpose: Purpose, times: usize) {
        let column = match purpose {
            Purpose::Protocol => &mut self.work.exponentiations,
            Purpose::OwnShare => &mut self.work.own_share,
            Purpose::Check => &mut self.work.checks,
        };
        *column = column.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// Does what belongs to exponentiations, and says so to whoever measures.
    fn exponentiating<T>(&self, operation: impl FnOnce(G) -> T) -> T {
        self.executor.begins(Arithmetic::Exponentiation);
        let result = operation(self.group);
        self.executor.ends(Arithmetic::Exponentiation);
        result
    }

    /// Does and counts one product.
    fn multiplying(&mut self, operation: impl FnOnce(G) -> G::Element) -> G::Element {
        self.work.products = self.work.products.saturating_add(1);
        self.executor.begins(Arithmetic::Product);
        let result = operation(self.group);
        self.executor.ends(Arithmetic::Product);
        result
    }

    fn decode_each(
        &self,
        bytes: &[u8],
        decode: impl Fn(&[u8]) -> Result<G::Element, DecodeError> + Sync,
    ) -> Result<Vec<G::Element>, DecodeError> {
        let encodings = bytes.chunks_exact(G::ELEMENT_LEN);
        if !encodings.remainder().is_empty() {
            return Err(DecodeError::Length { expected: G::ELEMENT_LEN, actual: bytes.len() });
        }
        let encodings: Vec<&[u8]> = encodings.collect();
        self.spread(&encodings, CODINGS_PER_JOB, |encoding| decode(encoding)).into_iter().collect()
    }

    /// `operation` on each of `inputs`, in order, in as many jobs as the executor can run at once,
    /// but with at least `per_job` inputs each.
    fn spread<I: Sync, O: Send>(
        &self,
        inputs: &[I],
        per_job: usize,
        operation: impl Fn(&I) -> O + Sync,
    ) -> Vec<O> {
        self.exponentiating(|_| self.in_jobs(inputs, per_job, operation))
    }

    fn in_jobs<I: Sync, O: Send>(
        &self,
        inputs: &[I],
        per_job: usize,
        operation: impl Fn(&I) -> O + Sync,
    ) -> Vec<O> {
        let jobs = self.executor.width().min(inputs.len() / per_job);
        if jobs < 2 {
            return inputs.iter().map(operation).collect();
        }
        let share = inputs.len().div_ceil(jobs);
        let mut outputs: Vec<Option<O>> = inputs.iter().map(|_| None).collect();
        let operation = &operation;
        let batch = inputs.chunks(share).zip(outputs.chunks_mut(share)).map(|(inputs, outputs)| {
            Box::new(move || {
                for (input, output) in inputs.iter().zip(outputs) {
                    *output = Some(operation(input));
                }
            }) as Job<'_>
        });
        self.executor.run(batch.collect());
        // An executor that lost a job must not turn a key into a default value: what is missing is
        // computed here.
        let missing = |(output, input): (Option<O>, &I)| output.unwrap_or_else(|| operation(input));
        outputs.into_iter().zip(inputs).map(missing).collect()
    }
}

fn encoding<G: DhGroup>(group: G, element: &G::Element) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(G::ELEMENT_LEN);
    group.encode(element, &mut bytes);
    bytes
}

impl<G: DhGroup> std::fmt::Debug for Calculator<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calculator")
            .field("group", &G::NAME)
            .field("work", &self.work)
            .field("width", &self.executor.width())
            .finish()
    }
}
