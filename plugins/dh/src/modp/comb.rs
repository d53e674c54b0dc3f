//! Powers of a fixed base from a table (Lim and Lee, "More Flexible Exponentiation with
//! Precomputation", CRYPTO '94).
//!
//! The exponent's bits are laid out in `TEETH` rows; a column of the layout picks the product of
//! the powers that its set bits stand for. `BLOCKS` tables let four columns share one squaring.
//! For 2048 bits that is 103 squarings and 410 products, against 2048 and 512 without a table.
//!
//! Each look-up reads the whole table: which entry was taken does not show in the time.

use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{Uint, Word};
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Five rows: a table of 32 entries (8 KiB for 2048 bits) is read from the first-level cache; with
/// more, reading it costs more than the products it saves.
const TEETH: u32 = 5;
const ENTRIES: usize = 1 << TEETH;
/// Four tables: with more, the squarings that are left no longer matter.
const BLOCKS: u32 = 4;

/// A table for raising one base.
pub struct Comb<M: ConstMontyParams<LIMBS>, const LIMBS: usize> {
    blocks: Vec<[ConstMontyForm<M, LIMBS>; ENTRIES]>,
}

impl<M: ConstMontyParams<LIMBS>, const LIMBS: usize> Comb<M, LIMBS> {
    /// Bits in a row of the layout.
    const ROW: u32 = Uint::<LIMBS>::BITS.div_ceil(TEETH);
    /// Columns of one block.
    const COLUMNS: u32 = Self::ROW.div_ceil(BLOCKS);

    /// Makes the table of `base`; as dear as one exponentiation.
    pub(super) fn new(base: &Uint<LIMBS>) -> Self {
        let mut blocks = vec![[ConstMontyForm::ONE; ENTRIES]; BLOCKS as usize];
        let mut tooth = ConstMontyForm::new(base);
        for row in 0..TEETH {
            let mut power = tooth;
            for block in &mut blocks {
                for entry in (0..ENTRIES).filter(|entry| entry >> row & 1 == 1) {
                    block[entry] = block[entry].mul(&power);
                }
                power = power.square_repeat_vartime(Self::COLUMNS);
            }
            tooth = tooth.square_repeat_vartime(Self::ROW);
        }
        Self { blocks }
    }

    /// The base to the power of `exponent`, constant-time.
    pub(super) fn pow(&self, exponent: &Uint<LIMBS>) -> ConstMontyForm<M, LIMBS> {
        let mut power = ConstMontyForm::ONE;
        for column in (0..Self::COLUMNS).rev() {
            power = power.square();
            for (block, table) in (0..BLOCKS).zip(&self.blocks) {
                let position = block * Self::COLUMNS + column;
                if position < Self::ROW {
                    power = power.mul(&select(table, Self::column(exponent, position)));
                }
            }
        }
        power
    }

    /// The bits of one column, the first row's lowest.
    fn column(exponent: &Uint<LIMBS>, position: u32) -> Word {
        let words = exponent.as_words();
        (0..TEETH).fold(0, |bits, row| {
            let at = row * Self::ROW + position;
            // Past the end of the exponent (the last row is shorter) there are zeros.
            let word = words.get((at / Word::BITS) as usize).copied().unwrap_or(0);
            bits | (word >> (at % Word::BITS) & 1) << row
        })
    }
}

fn select<M: ConstMontyParams<LIMBS>, const LIMBS: usize>(
    table: &[ConstMontyForm<M, LIMBS>; ENTRIES],
    wanted: Word,
) -> ConstMontyForm<M, LIMBS> {
    let mut taken = Uint::<LIMBS>::ZERO;
    for (index, entry) in (0..).zip(table) {
        let index: Word = index;
        taken.conditional_assign(entry.as_montgomery(), index.ct_eq(&wanted));
    }
    ConstMontyForm::from_montgomery(taken)
}
