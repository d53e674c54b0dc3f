//! Group arithmetic for key agreement modules.
//!
//! ```text
//!   a module (TGDH, GDH, BD, …), generic over its group
//!        │  exp, exp_many, product, decode_many, …
//!        ▼
//!   Calculator<G>  ── counts every exponentiation into Work
//!        │            spreads independent ones over the host's Executor
//!        ▼
//!   trait DhGroup ─┬─ Ristretto255              RFC 9496
//!                  └─ Modp<P, LIMBS>            squares modulo a safe prime
//!                        ├─ Modp2048, Modp3072  RFC 3526, groups 14 and 15
//!                        └─ Modp1024, Modp512   benchmarks only
//! ```
//!
//! Two rules hold throughout:
//!
//! * **A secret exponent meets constant-time arithmetic only.** Fixed-base and variable-base
//!   exponentiation, products, inverses and reductions of [`DhGroup::Scalar`] take a time that
//!   depends on the group alone. What is variable in time says so in its name or first line and
//!   takes public values: validated decoding, and [`DhGroup::exp_small`] in its exponent.
//! * **An element in hand is a member of the prime-order group.** Elements come from decoding,
//!   which checks the encoding, the range and the subgroup, or from arithmetic on such elements.
//!   Scalars are never zero, so an exponentiation turns the identity out only if it was put in.
//!
//! A factory turns a configured name into a type once, and no call is dispatched after that:
//!
//! ```
//! use cenacle_dh::{DhGroup, GroupId, with_group};
//!
//! let id = GroupId::safe("modp-2048").expect("a group that nodes accept");
//! let length = with_group!(id, G => G::ELEMENT_LEN);
//! assert_eq!(length, 256);
//! assert!(GroupId::safe("modp-512").is_none(), "for benchmarks only");
//! ```

mod calculator;
mod error;
mod group;
mod hash;
mod modp;
mod ristretto;
mod select;

pub use calculator::{Calculator, Purpose};
pub use error::DecodeError;
pub use group::DhGroup;
pub use modp::{
    Comb, Modp, Modp512, Modp1024, Modp2048, Modp3072, ModpElement, ModpScalar, Prime512,
    Prime1024, Prime2048, Prime3072, SafePrime,
};
pub use ristretto::{Ristretto255, RistrettoElement, RistrettoScalar};
pub use select::{BENCH_GROUPS, GroupId, SAFE_GROUPS};
