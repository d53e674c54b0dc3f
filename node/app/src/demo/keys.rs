//! What a member derives from the secret that its instance installed, and messages under it.
//!
//! The labels are the demo's own: a node's epochs will have theirs.

use cenacle_plugin::{Cipher, CipherKey, Error, GroupSecret, Nonce, Secret};
use cenacle_secure::RunContext;
use zeroize::Zeroizing;

/// The keys of one epoch, as one member has them.
pub(crate) struct Keys {
    fingerprint: String,
    seal: Secret<32>,
}

/// A message as it travels.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) from: u32,
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Keys {
    /// The keys that follow from a run's secret; bound to the run, so that the same secret in
    /// another would give others.
    pub(crate) fn derive(secret: &GroupSecret, context: &RunContext) -> Self {
        let material = Zeroizing::new([*context.as_bytes(), *secret.expose()].concat());
        let epoch: Secret<32> = Secret::derive("cenacle demo epoch secret v1", &material);
        let shown: Secret<8> = Secret::derive("cenacle demo fingerprint v1", epoch.expose());
        let digits = shown.expose().iter().map(|byte| format!("{byte:02x}"));
        Self {
            fingerprint: digits.collect(),
            seal: Secret::derive("cenacle demo seal key v1", epoch.expose()),
        }
    }

    /// 16 hex digits that are the same at whoever has the same keys, and tell nothing about them.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals what `from` says as its message of that number, which it uses once.
    pub(crate) fn seal(
        &self,
        cipher: &dyn Cipher,
        from: u32,
        number: u64,
        text: &str,
    ) -> Result<Sealed, Error> {
        let mut bytes = text.as_bytes().to_vec();
        let key = self.of_sender(cipher, from)?;
        key.seal(Nonce::from_counter(number), &header(from, number), &mut bytes)?;
        Ok(Sealed { from, number, bytes })
    }

    /// What a sealed message says, if it was sealed under these keys and nobody changed it.
    pub(crate) fn open(&self, cipher: &dyn Cipher, message: &Sealed) -> Result<String, Error> {
        let mut bytes = message.bytes.clone();
        let key = self.of_sender(cipher, message.from)?;
        let header = header(message.from, message.number);
        key.open(Nonce::from_counter(message.number), &header, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Error::Malformed("no text".to_owned()))
    }

    /// Each sender has a key of its own, so that no two use a nonce under the same key.
    fn of_sender(&self, cipher: &dyn Cipher, from: u32) -> Result<Box<dyn CipherKey>, Error> {
        let from = from.to_be_bytes();
        let material = Zeroizing::new([self.seal.expose().as_slice(), &from].concat());
        cipher.key(&Secret::derive("cenacle demo sender key v1", &material))
    }
}

/// What is bound to a message without being sealed.
fn header(from: u32, number: u64) -> Vec<u8> {
    [b"cenacle demo message v1".as_slice(), &from.to_be_bytes(), &number.to_be_bytes()].concat()
}
