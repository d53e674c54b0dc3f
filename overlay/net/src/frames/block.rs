//! Cuts frames out of the blocks that a stream is read in. Frames are slices of the block; only one
//! that crosses a block's end is copied.

use super::codec::{HEADER, Kind, OPENING, parse};
use bytes::{Buf, Bytes, BytesMut};

/// The smallest block: a quiet stream holds this much, and a frame kept for long pins it.
const SMALLEST: usize = 4 << 10;
/// The largest: several writes of the other side.
const LARGEST: usize = 128 << 10;

/// A rest of a block too small to read to, if moving what is in front of it costs no more.
const SCRAP: usize = 1 << 10;

/// What cannot go on: the stream is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLarge;

/// What has come on a stream, and has not been cut yet.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Received bytes up to `filled`, behind them room.
    block: BytesMut,
    filled: usize,
    /// The size of the next block: doubles when one was filled by a single read.
    size: usize,
    max_frame: usize,
    /// The writer's incarnation, once it is here.
    opening: Option<u64>,
}

impl Blocks {
    pub(crate) fn new(max_frame: usize) -> Self {
        Self { block: BytesMut::new(), filled: 0, size: SMALLEST, max_frame, opening: None }
    }

    /// Where to read to; never empty.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let room = self.block.len() - self.filled;
        if room == 0 || room < SCRAP && self.filled < SCRAP {
            self.grow();
        }
        self.block.get_mut(self.filled..).unwrap_or_default()
    }

    /// A new block, with what has not been cut at its beginning. A frame that is announced but not
    /// here yet gets no more than twice what has come of it: the length is the peer's word.
    fn grow(&mut self) {
        let rest = self.filled;
        let needed = match self.pending() {
            Some(length) => length.saturating_add(HEADER),
            None => 0,
        };
        let size = self.size.max(needed.min(rest.saturating_mul(2))).max(rest + SMALLEST);
        let mut block = BytesMut::zeroed(size);
        if let Some(start) = block.get_mut(..rest) {
            start.copy_from_slice(self.block.get(..rest).unwrap_or_default());
        }
        self.block = block;
    }

    /// The length of the frame at the front, if its header is here.
    fn pending(&self) -> Option<usize> {
        let header = self.block.get(..self.filled)?.first_chunk::<HEADER>()?;
        Some(parse(*header).1)
    }

    /// So many bytes were read into [`Blocks::room`].
    pub(crate) fn read(&mut self, count: usize) {
        let room = self.block.len() - self.filled;
        if count >= room {
            self.size = (self.size * 2).min(LARGEST);
        } else if count < room / 8 && room > SMALLEST {
            self.size = (self.size / 2).max(SMALLEST);
        }
        self.filled = self.block.len().min(self.filled + count);
    }

    /// The writer's incarnation, once it has come.
    pub(crate) fn opening(&mut self) -> Option<u64> {
        if self.opening.is_none() && self.filled >= OPENING {
            self.opening = Some(self.block.get_u64_le());
            self.filled -= OPENING;
        }
        self.opening
    }

    /// The next whole frame. To be asked only after [`Blocks::opening`] has answered.
    pub(crate) fn next(&mut self) -> Result<Option<(Option<Kind>, Bytes)>, TooLarge> {
        let Some(header) = self.block.get(..self.filled).and_then(|b| b.first_chunk::<HEADER>())
        else {
            return Ok(None);
        };
        let (kind, length) = parse(*header);
        if length > self.max_frame {
            return Err(TooLarge);
        }
        if self.filled - HEADER < length {
            return Ok(None);
        }
        self.block.advance(HEADER);
        self.filled -= HEADER + length;
        Ok(Some((kind, self.block.split_to(length).freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::header;
    use super::*;

    /// Feeds a stream in pieces and gives back what was cut.
    fn cut(stream: &[u8], pieces: &[usize], max: usize) -> Result<Vec<Bytes>, TooLarge> {
        let mut blocks = Blocks::new(max);
        let (mut rest, mut frames, mut turn) = (stream, Vec::new(), 0);
        loop {
            if blocks.opening().is_some() {
                while let Some((kind, frame)) = blocks.next()? {
                    assert_eq!(kind, Some(Kind::Engine));
                    frames.push(frame);
                }
            }
            if rest.is_empty() {
                return Ok(frames);
            }
            let room = blocks.room();
            let count = pieces[turn % pieces.len()].min(room.len()).min(rest.len());
            room[..count].copy_from_slice(&rest[..count]);
            blocks.read(count);
            rest = &rest[count..];
            turn += 1;
        }
    }

    fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut out = 5_u64.to_le_bytes().to_vec();
        for frame in frames {
            out.extend(header(Kind::Engine, frame.len()).unwrap());
            out.extend(frame);
        }
        out
    }

    #[test]
    fn frames_of_all_sizes_survive_all_cuts() {
        let sizes = [0, 1, 3, 4, 100, 4091, 4092, 4096, 0, 70_000, 5, 300_000, 2];
        let frames: Vec<Vec<u8>> = (0_u8..)
            .zip(sizes)
            .map(|(i, size)| (0..size).map(|at| i.wrapping_add(at.to_le_bytes()[0])).collect())
            .collect();
        let stream = stream(&frames);
        for pieces in [&[1][..], &[7, 4096], &[65_536], &[3, 1 << 20], &[4100, 1]] {
            let cut = cut(&stream, pieces, 300_000).unwrap();
            assert_eq!(cut, frames, "in pieces of {pieces:?}");
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_at_its_header() {
        let mut bytes = stream(&[]);
        bytes.extend(header(Kind::Engine, 1001).unwrap());
        assert_eq!(cut(&bytes, &[12], 1000), Err(TooLarge));
        assert_eq!(cut(&bytes, &[12], 1001), Ok(Vec::new()));
    }

    #[test]
    fn a_long_frame_that_is_only_announced_takes_little_memory() {
        let mut blocks = Blocks::new(1 << 20);
        let mut bytes = stream(&[]);
        bytes.extend(header(Kind::Engine, 1 << 20).unwrap());
        bytes.extend([1; 20_000]);
        for byte in bytes {
            blocks.room()[0] = byte;
            blocks.read(1);
            let _ = blocks.opening();
        }
        assert!(blocks.block.len() <= 40_000, "{}", blocks.block.len());
    }
}
