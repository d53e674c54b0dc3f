//! Counting is exact, and how work is spread changes no result.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests; one uses threads")]

mod common;

use cenacle_dh::{Calculator, DecodeError, DhGroup, Modp512, Purpose, Ristretto255};
use cenacle_plugin::{Arithmetic, Executor, Inline, Job, Work};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Runs each job on a thread of its own, the last first, and counts the jobs.
#[derive(Default)]
struct Threads(AtomicUsize);

impl Executor for Threads {
    fn width(&self) -> usize {
        3
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        self.0.fetch_add(jobs.len(), Ordering::Relaxed);
        std::thread::scope(|scope| {
            for job in jobs.into_iter().rev() {
                scope.spawn(job);
            }
        });
    }
}

/// Breaks its contract: runs the first job of a batch only.
struct Forgetful;

impl Executor for Forgetful {
    fn width(&self) -> usize {
        4
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        jobs.into_iter().take(1).for_each(|job| job());
    }
}

/// Notes what is told to whoever measures; refuses one piece of arithmetic inside another.
#[derive(Default)]
struct Watching {
    under_way: Mutex<Option<Arithmetic>>,
    ended: Mutex<Vec<Arithmetic>>,
}

impl Watching {
    fn take(&self) -> Vec<Arithmetic> {
        assert_eq!(*self.under_way.lock().unwrap(), None);
        std::mem::take(&mut self.ended.lock().unwrap())
    }
}

impl Executor for Watching {
    fn width(&self) -> usize {
        1
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        Inline.run(jobs);
    }

    fn begins(&self, what: Arithmetic) {
        assert_eq!(self.under_way.lock().unwrap().replace(what), None, "one inside another");
    }

    fn ends(&self, what: Arithmetic) {
        assert_eq!(self.under_way.lock().unwrap().take(), Some(what));
        self.ended.lock().unwrap().push(what);
    }
}

#[test]
fn whoever_measures_is_told_what_is_computed() {
    use Arithmetic::{Exponentiation, Product};
    let watching = Arc::new(Watching::default());
    let mut calculator = Calculator::<Ristretto255>::new(watching.clone());
    let exponent = calculator.random_scalar(&mut common::random("watched"));
    calculator.invert(&exponent);
    assert_eq!(watching.take(), []);
    let share = calculator.exp_base(Purpose::OwnShare, &exponent);
    let power = calculator.exp(Purpose::Protocol, &share, &exponent);
    let bytes = calculator.encode(&power);
    calculator.decode(&bytes).unwrap();
    calculator.decode_many(&bytes).unwrap();
    calculator.hash_to_scalar("cenacle test one", &power);
    calculator.hash_to_secret("cenacle test two", &power);
    calculator.exp_many(Purpose::Check, std::slice::from_ref(&share), &exponent);
    calculator.exp_many_encoded(Purpose::Check, std::slice::from_ref(&share), &exponent);
    assert_eq!(watching.take(), [Exponentiation; 9]);
    calculator.product(&share, &power);
    calculator.quotient(&share, &power);
    calculator.exp_small(&share, 3);
    assert_eq!(watching.take(), [Product; 3]);
    everything::<Ristretto255>(watching.clone());
    assert!(watching.take().iter().all(|what| *what == Exponentiation));
}

/// Every operation on several values, for several numbers of them.
fn everything<G: DhGroup>(executor: Arc<dyn Executor>) -> Vec<Vec<u8>> {
    let mut calculator = Calculator::<G>::new(executor);
    let mut random = common::random("calculator");
    let mut results = Vec::new();
    for count in [0, 1, 2, 3, 7, 8, 30] {
        let exponents: Vec<_> = (0..count).map(|_| calculator.random_scalar(&mut random)).collect();
        let one = calculator.random_scalar(&mut random);
        let bases = calculator.exp_base_many(Purpose::OwnShare, &exponents);
        let powers = calculator.exp_many(Purpose::Protocol, &bases, &one);
        let encoded = calculator.exp_many_encoded(Purpose::Check, &bases, &one);
        assert_eq!(encoded, calculator.encode_many(&powers));
        let pairs: Vec<_> = powers.into_iter().zip(exponents).collect();
        let powers = calculator.exp_pairs(Purpose::Check, &pairs);
        let bytes = calculator.encode_many(&powers);
        assert_eq!(bytes.len(), count * G::ELEMENT_LEN);
        assert_eq!(calculator.decode_many(&bytes), Ok(powers));
        results.push(bytes);
        let count = u32::try_from(count).unwrap();
        let work =
            Work { exponentiations: count, own_share: count, checks: 2 * count, ..Work::default() };
        assert_eq!(calculator.take_work(), work);
    }
    results
}

#[test]
fn every_executor_gives_the_same_results() {
    fn check<G: DhGroup>() {
        let inline = everything::<G>(Arc::new(Inline));
        let threads = Arc::new(Threads::default());
        assert_eq!(everything::<G>(threads.clone()), inline);
        assert!(threads.0.load(Ordering::Relaxed) > 0, "some work was spread");
        assert_eq!(everything::<G>(Arc::new(Forgetful)), inline, "a lost job is made good");
    }
    check::<Ristretto255>();
    check::<Modp512>();
}

#[test]
fn each_purpose_has_its_column() {
    let mut calculator = Calculator::<Ristretto255>::new(Arc::new(Inline));
    let mut random = common::random("columns");
    let exponent = calculator.random_scalar(&mut random);
    let share = calculator.exp_base(Purpose::OwnShare, &exponent);
    assert_eq!(*calculator.work(), Work { own_share: 1, ..Work::default() });
    let power = calculator.exp(Purpose::Protocol, &share, &exponent);
    calculator.exp(Purpose::Protocol, &share, &exponent);
    calculator.exp_base(Purpose::Check, &exponent);
    let product = calculator.product(&share, &power);
    assert_eq!(calculator.quotient(&product, &power), share);
    let square = calculator.product(&share, &share);
    assert_eq!(calculator.exp_small(&share, 2), square);

    // What is not an exponentiation or a product is not counted.
    let inverse = calculator.invert(&exponent);
    let one = calculator.multiply(&exponent, &inverse);
    assert_eq!(calculator.group().exp(&share, &one), share);
    calculator.decode(&calculator.encode(&share)).unwrap();
    calculator.hash_to_scalar("cenacle test one", &share);

    let expected =
        Work { exponentiations: 2, own_share: 1, checks: 1, products: 4, ..Work::default() };
    assert_eq!(calculator.take_work(), expected);
    assert_eq!(calculator.take_work(), Work::default());
}

#[test]
fn one_bad_encoding_refuses_the_whole() {
    fn check(executor: Arc<dyn Executor>) {
        let mut calculator = Calculator::<Ristretto255>::new(executor);
        let mut random = common::random("bad");
        let exponents: Vec<_> = (0..40).map(|_| calculator.random_scalar(&mut random)).collect();
        let bytes = {
            let elements = calculator.exp_base_many(Purpose::OwnShare, &exponents);
            calculator.encode_many(&elements)
        };
        let with = |index: usize, encoding: [u8; 32]| {
            let mut bytes = bytes.clone();
            bytes[index * 32..][..32].copy_from_slice(&encoding);
            bytes
        };
        assert_eq!(calculator.decode_many(&with(25, [0xff; 32])), Err(DecodeError::NotMember));
        let identity = with(39, [0; 32]);
        assert_eq!(calculator.decode_many(&identity), Err(DecodeError::Identity));
        assert_eq!(calculator.decode_many_with_identity(&identity).unwrap().len(), 40);
        let length = DecodeError::Length { expected: 32, actual: bytes.len() - 1 };
        assert_eq!(calculator.decode_many(&bytes[1..]), Err(length));
        assert_eq!(calculator.decode_many(&[]), Ok(vec![]));
    }
    check(Arc::new(Inline));
    check(Arc::new(Threads::default()));
}
