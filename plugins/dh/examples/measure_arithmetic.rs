//! Prints what the groups' operations cost on this machine, beside the libraries' bare
//! exponentiation: `cargo run --release -p cenacle-dh --example measure_arithmetic`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a program that measures time and prints it"
)]

use cenacle_dh::{DhGroup, GroupId, SafePrime, with_group};
use cenacle_dh::{Prime512, Prime1024, Prime2048, Prime3072};
use cenacle_plugin::{Random, Secret};
use crypto_bigint::Uint;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use curve25519_dalek::{RistrettoPoint, Scalar};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Exponentiations of one step, such as a key list for as many members.
const BATCH: u32 = 16;

/// The best of many short runs of each operation in turn, in microseconds: other work on the
/// machine only ever adds, and taking turns lets it add to all alike.
fn measure<const N: usize>(mut operations: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    let until = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < until {
        for (operation, best) in operations.iter_mut().zip(&mut best) {
            let start = Instant::now();
            operation();
            *best = best.min(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    best
}

fn bare<P: SafePrime<LIMBS>, const LIMBS: usize>(
    base: &[u8],
    exponent: &[u8],
) -> impl FnMut() + use<P, LIMBS> {
    let base = ConstMontyForm::<P::Field, LIMBS>::new(&Uint::from_be_slice(base));
    let exponent = Uint::<LIMBS>::from_be_slice(exponent);
    move || {
        black_box(black_box(base).pow(black_box(&exponent)));
    }
}

fn bare_for(id: GroupId, base: &[u8], exponent: &[u8]) -> Box<dyn FnMut()> {
    match id {
        GroupId::Ristretto255 => {
            let scalar = Scalar::from_bytes_mod_order(exponent.try_into().unwrap());
            let point = RistrettoPoint::mul_base(&scalar);
            Box::new(move || {
                black_box(black_box(&point) * black_box(&scalar));
            })
        }
        GroupId::Modp512 => Box::new(bare::<Prime512, { Prime512::LIMBS }>(base, exponent)),
        GroupId::Modp1024 => Box::new(bare::<Prime1024, { Prime1024::LIMBS }>(base, exponent)),
        GroupId::Modp2048 => Box::new(bare::<Prime2048, { Prime2048::LIMBS }>(base, exponent)),
        GroupId::Modp3072 => Box::new(bare::<Prime3072, { Prime3072::LIMBS }>(base, exponent)),
    }
}

fn row<G: DhGroup>(id: GroupId) {
    let group = G::default();
    let mut random = Random::new(&Secret::new([7; 32]));
    let (one, two) = (group.random_scalar(&mut random), group.random_scalar(&mut random));
    let element = group.exp_base(&one);
    let mut bytes = Vec::new();
    group.encode(&element, &mut bytes);
    let mut bare = bare_for(id, &bytes, &group.scalar_bytes(&two));
    let figures = measure([
        &mut bare,
        &mut || {
            let mut out = Vec::new();
            let base = group.decode(black_box(&bytes)).unwrap();
            group.encode(&group.exp(&base, black_box(&two)), &mut out);
            black_box(out);
        },
        &mut || {
            let mut out = Vec::new();
            let bases: Result<Vec<_>, _> = (0..BATCH).map(|_| group.decode(&bytes)).collect();
            group.exp_encoded(black_box(&bases.unwrap()), black_box(&two), &mut out);
            black_box(out);
        },
        &mut || drop(black_box(group.exp_base(black_box(&two)))),
        &mut || drop(black_box(group.decode(black_box(&bytes)))),
        &mut || {
            let mut out = Vec::new();
            group.encode(black_box(&element), &mut out);
            black_box(out);
        },
        &mut || drop(black_box(group.product(black_box(&element), &element))),
        &mut || drop(black_box(group.quotient(black_box(&element), &element))),
        &mut || drop(black_box(group.invert(black_box(&two)))),
        &mut || drop(black_box(group.hash_to_scalar("cenacle measurement v1", &element))),
    ]);
    let [bare, whole, batch, rest @ ..] = figures;
    let batch = batch / f64::from(BATCH);
    print!("{:13} {bare:9.1} {whole:9.1} {:6.3}", G::NAME, whole / bare);
    print!(" {batch:9.1} {:6.3}", batch / bare);
    rest.iter().for_each(|figure| print!(" {figure:9.2}"));
    println!();
}

fn main() {
    println!("microseconds; `whole` is decode + exp + encode of one element, `batch` the same,");
    println!("for each of {BATCH} elements that are encoded together");
    print!("{:13} {:>9} {:>9} {:>6} ", "group", "bare exp", "whole", "ratio");
    print!("{:>9} {:>6}", "batch", "ratio");
    for title in ["exp_base", "decode", "encode", "product", "quotient", "invert", "hash"] {
        print!(" {title:>9}");
    }
    println!();
    for id in GroupId::ALL {
        with_group!(id, G => row::<G>(id));
    }
}
