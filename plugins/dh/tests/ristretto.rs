//! The vectors of RFC 9496, and a second implementation of ristretto255 written from its text.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use cenacle_dh::{DecodeError, DhGroup, Ristretto255};
use common::{encoding, unhex};
use num_bigint::BigUint;

/// RFC 9496, appendix A.1: the generator times 0 to 15.
const MULTIPLES: [&str; 16] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
    "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
    "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
    "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
    "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
    "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
    "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
    "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
    "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
    "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
    "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e",
];

/// RFC 9496, appendix A.2: encodings to refuse.
const INVALID: [&str; 29] = [
    // Non-canonical field encodings.
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    // Negative field elements.
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    // Non-square x^2.
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    // Negative x·y.
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    // S = -1, which makes y = 0.
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn multiples_of_the_generator() {
    let group = Ristretto255;
    let mut sum = group.identity();
    for (multiple, text) in (0u8..).zip(MULTIPLES) {
        assert_eq!(encoding(&group, &sum), unhex(text));
        assert_eq!(group.decode_with_identity(&unhex(text)), Ok(sum.clone()));
        if multiple > 0 {
            let mut bytes = [0; 32];
            bytes[0] = multiple;
            let scalar = group.scalar_from_bytes(&bytes).unwrap();
            assert_eq!(encoding(&group, &group.exp_base(&scalar)), unhex(text));
            assert_eq!(group.exp(&group.generator(), &scalar), sum);
            assert_eq!(group.decode(&unhex(text)), Ok(sum.clone()));
        }
        sum = group.product(&sum, &group.generator());
    }
}

#[test]
fn invalid_encodings_are_refused() {
    for text in INVALID {
        assert_eq!(Ristretto255.decode(&unhex(text)), Err(DecodeError::NotMember), "{text}");
        assert!(Ristretto255.decode_with_identity(&unhex(text)).is_err());
    }
    assert_eq!(Ristretto255.decode(&[0; 32]), Err(DecodeError::Identity));
    for length in [0, 31, 33, 64] {
        let wrong = DecodeError::Length { expected: 32, actual: length };
        assert_eq!(Ristretto255.decode(&vec![0; length]), Err(wrong));
    }
    // The highest bit is part of the encoding, not ignored.
    let mut bytes = unhex(MULTIPLES[2]);
    bytes[31] |= 0x80;
    assert_eq!(Ristretto255.decode(&bytes), Err(DecodeError::NotMember));
}

#[test]
fn scalars_are_canonical() {
    let order = (BigUint::from(1u8) << 252u8) + ORDER_LOW;
    let bytes = |number: &BigUint| {
        let mut bytes = number.to_bytes_le();
        bytes.resize(32, 0);
        bytes
    };
    let refused = Some(DecodeError::OutOfRange);
    assert_eq!(Ristretto255.scalar_from_bytes(&bytes(&order)).err(), refused);
    assert_eq!(Ristretto255.scalar_from_bytes(&bytes(&(&order + 1u8))).err(), refused);
    assert_eq!(Ristretto255.scalar_from_bytes(&[0xff; 32]).err(), refused);
    let last = Ristretto255.scalar_from_bytes(&bytes(&(&order - 1u8))).unwrap();
    let sum = Ristretto255.product(&Ristretto255.exp_base(&last), &Ristretto255.generator());
    assert!(Ristretto255.is_identity(&sum));
}

/// The order of the group is 2^252 plus this (RFC 9496, section 4.4).
const ORDER_LOW: u128 = 27_742_317_777_372_353_535_851_937_790_883_648_493;

/// Random exponents through plain integers: affine Edwards addition, double and add, and the
/// encoding of RFC 9496, section 4.3.2.
#[test]
fn exponentiation_agrees_with_plain_integers() {
    let group = Ristretto255;
    let field = Field::new();
    let mut random = common::random("integers");
    for _ in 0..12 {
        let (a, b) = (group.random_scalar(&mut random), group.random_scalar(&mut random));
        let number = |scalar: &_| BigUint::from_bytes_le(&group.scalar_bytes(scalar));
        let public = field.times(&field.generator(), &number(&a));
        let shared = field.times(&public, &number(&b));
        assert_eq!(encoding(&group, &group.exp_base(&a)), field.encode(&public));
        assert_eq!(encoding(&group, &group.exp(&group.exp_base(&a), &b)), field.encode(&shared));
        let order = (BigUint::from(1u8) << 252u8) + ORDER_LOW;
        assert_eq!(number(&group.multiply(&a, &b)), number(&a) * number(&b) % &order);
        assert_eq!(number(&a) * number(&group.invert(&a)) % &order, BigUint::from(1u8));
    }
}

/// A point of edwards25519, affine.
type Point = (BigUint, BigUint);

/// Integers modulo 2^255 - 19, and the constants of RFC 9496, section 4.1, computed.
struct Field {
    p: BigUint,
    d: BigUint,
    sqrt_m1: BigUint,
}

impl Field {
    fn new() -> Self {
        let p = (BigUint::from(1u8) << 255u8) - 19u8;
        let mut field = Self { p, d: BigUint::ZERO, sqrt_m1: BigUint::ZERO };
        field.d = field.negate(&(field.invert(&BigUint::from(121_666u32)) * 121_665u32));
        field.sqrt_m1 = BigUint::from(2u8).modpow(&((&field.p - 1u8) >> 2u8), &field.p);
        field.sqrt_m1 = field.absolute(&field.sqrt_m1);
        field
    }

    fn negate(&self, x: &BigUint) -> BigUint {
        (&self.p - x % &self.p) % &self.p
    }

    fn subtract(&self, x: &BigUint, y: &BigUint) -> BigUint {
        (x + self.negate(y)) % &self.p
    }

    fn multiply(&self, x: &BigUint, y: &BigUint) -> BigUint {
        x * y % &self.p
    }

    fn invert(&self, x: &BigUint) -> BigUint {
        x.modpow(&(&self.p - 2u8), &self.p)
    }

    /// An odd number is the negative one of a pair.
    fn absolute(&self, x: &BigUint) -> BigUint {
        if x.bit(0) { self.negate(x) } else { x.clone() }
    }

    /// The nonnegative root, if `x` is a square; p is 5 modulo 8.
    fn root(&self, x: &BigUint) -> Option<BigUint> {
        let candidate = x.modpow(&((&self.p + 3u8) >> 3u8), &self.p);
        [self.multiply(&candidate, &self.sqrt_m1), candidate]
            .into_iter()
            .find(|root| self.multiply(root, root) == x % &self.p)
            .map(|root| self.absolute(&root))
    }

    /// y = 4/5 and the nonnegative x to it (RFC 7748, section 4.1).
    fn generator(&self) -> Point {
        let y = self.multiply(&BigUint::from(4u8), &self.invert(&BigUint::from(5u8)));
        let square = self.multiply(&y, &y);
        let denominator = self.invert(&(self.multiply(&self.d, &square) + 1u8));
        let x = self.root(&self.multiply(&self.subtract(&square, &1u8.into()), &denominator));
        (x.unwrap(), y)
    }

    fn add(&self, (x1, y1): &Point, (x2, y2): &Point) -> Point {
        let both = self.multiply(&self.multiply(x1, x2), &self.multiply(y1, y2));
        let both = self.multiply(&self.d, &both);
        let x = self.multiply(&(x1 * y2 + y1 * x2), &self.invert(&(&both + 1u8)));
        let y =
            self.multiply(&(y1 * y2 + x1 * x2), &self.invert(&self.subtract(&1u8.into(), &both)));
        (x, y)
    }

    fn times(&self, point: &Point, times: &BigUint) -> Point {
        let mut sum = (BigUint::ZERO, BigUint::from(1u8));
        for bit in (0..times.bits()).rev() {
            sum = self.add(&sum, &sum);
            if times.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }

    /// RFC 9496, section 4.3.2, for z = 1 and t = x·y.
    fn encode(&self, (x, y): &Point) -> Vec<u8> {
        let one = BigUint::from(1u8);
        let t = self.multiply(x, y);
        let u1 = self.multiply(&(&one + y), &self.subtract(&one, y));
        let inverse_root = self.invert(&self.root(&self.multiply(&u1, &(&t * &t))).unwrap());
        let den1 = self.multiply(&inverse_root, &u1);
        let den2 = self.multiply(&inverse_root, &t);
        let z_inverse = self.multiply(&self.multiply(&den1, &den2), &t);
        let a_minus_d = self.negate(&(&one + &self.d));
        let enchanted = self.multiply(&den1, &self.invert(&self.root(&a_minus_d).unwrap()));
        let rotate = self.multiply(&t, &z_inverse).bit(0);
        let (x, y, denominator) = if rotate {
            (self.multiply(y, &self.sqrt_m1), self.multiply(x, &self.sqrt_m1), enchanted)
        } else {
            (x.clone(), y.clone(), den2)
        };
        let y = if self.multiply(&x, &z_inverse).bit(0) { self.negate(&y) } else { y };
        let s = self.absolute(&self.multiply(&denominator, &self.subtract(&one, &y)));
        let mut bytes = s.to_bytes_le();
        bytes.resize(32, 0);
        bytes
    }
}
