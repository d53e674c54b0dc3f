//! The node's Ed25519 key and its file.

use crate::{
    error::Error,
    hex,
    state::files::{self, Fresh},
};
use libp2p::{PeerId, identity};
use std::{fmt, path::Path};
use zeroize::{Zeroize, Zeroizing};

/// What an identity file begins with; the key follows as 64 hexadecimal digits.
const HEADER: &str = "cenacle-identity-v1 ed25519 ";

/// A node's Ed25519 key. Its file has mode 0600, is written atomically and never overwritten; the
/// key is zeroised when dropped and never shown.
#[derive(Clone)]
pub struct Identity(identity::Keypair);

impl Identity {
    /// A random one.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| Error::Random)?;
        Self::from_seed(seed)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A file that is not there, that others can read, or that holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = files::read_secret(path)?;
        let foreign = || Error::Content {
            path: path.to_owned(),
            expected: "an identity of this program",
            advice: "name another file, or move it away and a new identity is made",
        };
        let digits = text.trim_end().strip_prefix(HEADER).ok_or_else(foreign)?;
        Self::from_seed(hex::read(digits).ok_or_else(foreign)?)
    }

    /// Reads the file, or makes an identity and writes it if there is none.
    ///
    /// # Errors
    /// As [`Identity::load`], and a file that cannot be written.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        if !path.try_exists().unwrap_or(true) {
            let identity = Self::generate()?;
            if identity.create(path)? {
                return Ok(identity);
            }
        }
        Self::load(path)
    }

    /// Writes the file, mode 0600, unless there is one; tells whether it was written.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(&self, path: &Path) -> Result<bool, Error> {
        let mut seed = self.seed()?;
        let digits = hex::write(&seed);
        seed.zeroize();
        let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + 65));
        for part in [HEADER, &digits, "\n"] {
            text.push_str(part);
        }
        Ok(files::write_new(path, text.as_bytes())? == Fresh::Written)
    }

    fn seed(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let pair = self.0.clone().try_into_ed25519();
        let pair = pair.map_err(|_| Error::Settings("an identity is an Ed25519 key"))?;
        let secret = pair.secret();
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(secret.as_ref());
        Ok(seed)
    }

    fn from_seed(mut seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        identity::Keypair::ed25519_from_bytes(&mut seed[..])
            .map(Self)
            .map_err(|_| Error::Settings("an identity is an Ed25519 key"))
    }

    /// The public key, the `key` of the node's [`cenacle_core::NodeId`].
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public().try_into_ed25519().map(|key| key.to_bytes()).unwrap_or_default()
    }

    /// The public key as libp2p spells it (`12D3KooW…`).
    pub fn peer_id(&self) -> PeerId {
        self.0.public().to_peer_id()
    }

    /// Signs bytes. Callers separate their domains: no two uses sign the same bytes.
    ///
    /// # Errors
    /// None with an Ed25519 key.
    pub fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], Error> {
        let signed = self.0.sign(bytes).ok().and_then(|signature| signature.try_into().ok());
        signed.ok_or(Error::Settings("an identity is an Ed25519 key"))
    }

    /// Gives the secret seed away, for another signer of the same node; zeroised when dropped.
    ///
    /// # Errors
    /// None with an Ed25519 key.
    pub fn secret_seed(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        self.seed()
    }

    pub(crate) fn keypair(&self) -> &identity::Keypair {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer_id())
    }
}
