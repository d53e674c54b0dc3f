//! The safe primes, all of one family: p = 2^n - 2^(n-64) - 1 + 2^64 · (⌊2^(n-130) π⌋ + k) with
//! the smallest k that makes p a safe prime (RFC 2412, appendix E). The digits of π leave nobody
//! room to hide a trapdoor, and the 64 low ones make p ≡ 7 (mod 8). The tests derive each prime
//! from the formula and prove it.

use super::Comb;
use crypto_bigint::modular::{ConstMontyParams, FixedMontyParams};
use crypto_bigint::{NonZero, Odd, U512, U1024, U2048, U3072, Uint};
use std::fmt::Debug;
use std::sync::OnceLock;

/// A prime p = 2q + 1 with q prime and p ≡ 7 (mod 8), that fills `LIMBS` machine words.
///
/// Whoever implements this vouches for those properties; nothing checks them at run time.
pub trait SafePrime<const LIMBS: usize>:
    Copy + Debug + Default + Eq + Send + Sync + 'static
{
    /// Arithmetic modulo p, for elements.
    type Field: ConstMontyParams<LIMBS>;
    /// Arithmetic modulo q, for exponents.
    type Order: ConstMontyParams<LIMBS>;
    /// The group's name.
    const NAME: &'static str;
    /// Two: a square modulo p because p ≡ 7 (mod 8), hence of order q.
    const GENERATOR: Uint<LIMBS> = Uint::from_u8(2);
    /// q - 1, the number of nonzero exponents.
    const EXPONENTS: NonZero<Uint<LIMBS>>;
    /// The table of powers of the generator, made at the first use.
    fn comb() -> &'static Comb<Self::Field, LIMBS>;
}

/// (p - 1) / 2. Evaluated by the compiler, which would stop at an even result.
const fn half<const LIMBS: usize>(prime: &Odd<Uint<LIMBS>>) -> Odd<Uint<LIMBS>> {
    prime.as_ref().shr_vartime(1).to_odd().expect_copied("p is 3 modulo 4")
}

/// q - 1. Evaluated by the compiler, which would stop at zero.
const fn less_one<const LIMBS: usize>(order: &Odd<Uint<LIMBS>>) -> NonZero<Uint<LIMBS>> {
    order.as_ref().wrapping_sub(&Uint::ONE).to_nz().expect_copied("q is not 1")
}

macro_rules! safe_prime {
    ($prime:ident, $order:ident, $uint:ty, $name:literal, $doc:literal, $hex:expr) => {
        crypto_bigint::const_monty_params!($prime, $uint, $hex, $doc);

        /// Half of the prime, the order of the group.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $order;

        impl ConstMontyParams<{ <$uint>::LIMBS }> for $order {
            const LIMBS: usize = <$uint>::LIMBS;
            const PARAMS: FixedMontyParams<{ <$uint>::LIMBS }> =
                FixedMontyParams::new_vartime(half($prime::PARAMS.modulus()));
        }

        impl SafePrime<{ <$uint>::LIMBS }> for $prime {
            type Field = Self;
            type Order = $order;
            const NAME: &'static str = $name;
            const EXPONENTS: NonZero<$uint> = less_one($order::PARAMS.modulus());
            fn comb() -> &'static Comb<Self, { <$uint>::LIMBS }> {
                static COMB: OnceLock<Comb<$prime, { <$uint>::LIMBS }>> = OnceLock::new();
                COMB.get_or_init(|| Comb::new(&Self::GENERATOR))
            }
        }
    };
}

safe_prime!(
    Prime512,
    Order512,
    U512,
    "modp-512",
    "The 512-bit prime of the family, k = 131. No standard lists it.",
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
        "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A439DFFFFFFFFFFFFFFFF",
    )
);

safe_prime!(
    Prime1024,
    Order1024,
    U1024,
    "modp-1024",
    "The prime of RFC 2409, section 6.2 (second Oakley group), k = 129093.",
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
        "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
        "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    )
);

safe_prime!(
    Prime2048,
    Order2048,
    U2048,
    "modp-2048",
    "The prime of RFC 3526, section 3 (group 14), k = 124476.",
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
        "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
        "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05",
        "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB",
        "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718",
        "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    )
);

safe_prime!(
    Prime3072,
    Order3072,
    U3072,
    "modp-3072",
    "The prime of RFC 3526, section 4 (group 15), k = 1690314.",
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
        "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
        "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05",
        "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB",
        "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718",
        "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33",
        "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864",
        "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2",
        "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    )
);
