//! How a message is wrapped on its way, and what time it is.

use crate::ViewChange;

/// Wraps messages as the layer above modules would, so that the network can tell the messages of
/// one run from those of another, and a benchmark can measure real signatures.
pub trait Carrier {
    /// A run begins; `change` is the view as its oldest member sees it.
    fn begin(&mut self, change: &ViewChange);

    /// Wraps what `from` sends, to the member at `to` or to all.
    fn seal(&mut self, from: u32, to: Option<u32>, body: &[u8]) -> Vec<u8>;

    /// Unwraps messages that wait at the member `at`, together. `None` for one that is not of the
    /// present run.
    fn open(&mut self, at: u32, sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>>;

    /// Wraps what `from` sends to `to` without a signature, for the module has sealed it.
    fn frame(&mut self, from: u32, to: u32, body: &[u8]) -> Vec<u8> {
        self.seal(from, Some(to), body)
    }

    /// Unwraps what came without a signature to the member `at`. `None` if it is not of the
    /// present run.
    fn unframe(&mut self, at: u32, framed: &[u8]) -> Option<Vec<u8>> {
        self.open(at, &[framed]).pop().flatten()
    }

    /// Nanoseconds on a clock of the carrier's; always 0 where nothing is measured.
    fn now_ns(&mut self) -> u64 {
        0
    }
}

/// Puts a run number before each message: enough to keep runs apart where nobody attacks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    run: u64,
}

impl Carrier for Plain {
    fn begin(&mut self, _: &ViewChange) {
        self.run += 1;
    }

    fn seal(&mut self, _: u32, _: Option<u32>, body: &[u8]) -> Vec<u8> {
        [&self.run.to_be_bytes(), body].concat()
    }

    fn open(&mut self, _: u32, sealed: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let open = |bytes: &&[u8]| {
            let body = bytes.strip_prefix(self.run.to_be_bytes().as_slice())?;
            Some(body.to_vec())
        };
        sealed.iter().map(open).collect()
    }
}
