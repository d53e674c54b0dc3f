//! Who may take part in the overlay.

use crate::{
    error::Error,
    hex,
    state::files::{self, Fresh},
};
use libp2p::PeerId;
use std::{collections::BTreeSet, fmt, path::Path, str::FromStr};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Who may take part. All nodes of an overlay use the same kind.
#[derive(Clone, Debug)]
pub enum Admission {
    /// Whoever proves that it knows the secret; it never travels.
    Psk(Psk),
    /// These peers.
    Allowlist(BTreeSet<PeerId>),
    /// Whoever can reach the port.
    Open,
}

/// The overlay's secret of 32 bytes: zeroised when dropped, compared in constant time, never shown.
#[derive(Clone)]
pub struct Psk(Zeroizing<[u8; 32]>);

impl Psk {
    /// From its bytes; `bytes` is zeroised.
    pub fn new(bytes: &mut [u8; 32]) -> Self {
        let psk = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        psk
    }

    /// A random one.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// Reads the file: 64 hexadecimal digits, mode 0600.
    ///
    /// # Errors
    /// A file that is not there, that others can read, or that holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        files::read_secret(path)?.parse().map_err(|_: Error| Error::Content {
            path: path.to_owned(),
            expected: "a pre-shared key of 64 hexadecimal digits",
            advice: "copy the file of another node of the overlay",
        })
    }

    /// Writes the file, mode 0600, unless there is one; tells whether it was written.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(&self, path: &Path) -> Result<bool, Error> {
        let mut text = Zeroizing::new(String::with_capacity(65));
        text.push_str(&self.to_hex());
        text.push('\n');
        Ok(files::write_new(path, text.as_bytes())? == Fresh::Written)
    }

    /// As 64 hexadecimal digits, the form of the file.
    pub fn to_hex(&self) -> Zeroizing<String> {
        hex::write(&self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Psk {
    type Err = Error;

    /// Reads 64 hexadecimal digits, with white space around.
    fn from_str(text: &str) -> Result<Self, Error> {
        hex::read(text.trim()).map(Self).ok_or(Error::Psk)
    }
}

impl PartialEq for Psk {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for Psk {}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}
