//! An outsider who hears every byte, knows every public key and the run, and has a signing key, but
//! none of the group's.

use super::checks::Reason;
use super::company::{Company, Heard, name, random};
use crate::failure::Failure;
use cenacle_plugin::{Member, MemberId, Order, Secret};
use cenacle_secure::{Destination, EnvelopeError, KeyRing, Opener, RunContext, Sealer, Signer};
use std::sync::Arc;

/// An attempt to be taken for a member, and how the member that it was tried on answers.
pub(crate) struct Attempt {
    /// What was tried, as the story tells it.
    pub(crate) what: String,
    /// Why it should be refused; `None` for the true message, tried once to show that the member
    /// does listen.
    pub(crate) refusal: Option<Reason>,
    /// What the member's opener said.
    pub(crate) answer: Result<(), EnvelopeError>,
}

/// Everything that an outsider can try on a member of the present run, in order.
pub(crate) fn attempts(company: &Company<'_>) -> Result<Vec<Attempt>, Failure> {
    let nothing = || Failure::Failed("nothing was heard on the wire in the last run".to_owned());
    let (context, ring) = company.envelopes().borrow().run().ok_or_else(nothing)?;
    // A module that seals what it sends may have had nothing to sign in a run.
    let true_one = company.heard(0);
    let old = company.heard(1).ok_or_else(nothing)?;
    let from = true_one.as_ref().map_or(0, |heard| heard.from);
    let victim = true_one.as_ref().and_then(|heard| heard.to).unwrap_or(u32::from(from == 0));
    let sender = company.view().get(from as usize).map_or_else(String::new, |n| name(*n));
    let members = u32::try_from(ring.size()).unwrap_or(u32::MAX);
    let mut tries = vec![
        (
            format!("signs a message of her own as {sender}"),
            Reason::BadSignature,
            forged(context, from, members)?,
        ),
        (
            "signs as a member that is not in the view".to_owned(),
            Reason::Stranger,
            forged(context, members, members + 1)?,
        ),
        ("sends an envelope from before the change again".to_owned(), Reason::OtherRun, old.bytes),
    ];
    if let Some(mut changed) = true_one.as_ref().map(|heard| heard.bytes.clone()) {
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        let what = format!("changes one bit of a message that {sender} sent");
        tries.push((what, Reason::BadSignature, changed));
    }
    let defect = |error| Failure::Failed(format!("no opener for the run: {error}"));
    let mut opener = Opener::new(context, ring, victim).map_err(defect)?;
    let mut open = |bytes: &[u8]| opener.open(bytes).map(|_| ());
    let mut attempts = Vec::new();
    for (what, refusal, bytes) in tries {
        attempts.push(Attempt { what, refusal: Some(refusal), answer: open(&bytes) });
    }
    let Some(Heard { bytes, .. }) = true_one else { return Ok(attempts) };
    let what = format!("passes {sender}'s own envelope on unchanged");
    attempts.push(Attempt { what, refusal: None, answer: open(&bytes) });
    let what = "passes it on a second time".to_owned();
    attempts.push(Attempt { what, refusal: Some(Reason::Repeated), answer: open(&bytes) });
    Ok(attempts)
}

/// An envelope of the run that names the member at position `from` as its sender, under a key that
/// is not that member's.
fn forged(context: RunContext, from: u32, members: u32) -> Result<Vec<u8>, Failure> {
    let defect = |error: EnvelopeError| Failure::Failed(format!("mallory's tools: {error}"));
    let signer = Arc::new(Signer::new(&Secret::new(random()?)));
    let nobody = |number: u32| {
        let id = MemberId::new(&number.to_be_bytes()).ok();
        id.map(|id| Member { id, public_key: *signer.public_key() })
    };
    let liars: Vec<Member> = (0..members).filter_map(nobody).collect();
    let ring = Arc::new(KeyRing::new(&liars).map_err(defect)?);
    let mut sealer = Sealer::new(context, ring, from, signer).map_err(defect)?;
    sealer.seal(Destination::All(Order::Fifo), b"let me in").map_err(defect)
}
