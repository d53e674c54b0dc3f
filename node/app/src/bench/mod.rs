//! `cenacle bench`: measurements.

#[cfg(target_os = "linux")]
mod company;
#[cfg(target_os = "linux")]
mod idle;
mod keys;
#[cfg(target_os = "linux")]
mod multicast;
mod rekey_study;
#[cfg(target_os = "linux")]
mod views;

#[cfg(target_os = "linux")]
pub(crate) use company::member;
#[cfg(target_os = "linux")]
pub(crate) use idle::idle;
pub(crate) use keys::keys;
#[cfg(target_os = "linux")]
pub(crate) use multicast::multicast;
pub(crate) use rekey_study::rekey_study;
#[cfg(target_os = "linux")]
pub(crate) use views::views;

/// Where the members of a benchmark are to be.
#[cfg(target_os = "linux")]
fn place(words: &crate::args::Place) -> Result<company::Place, crate::failure::Failure> {
    use crate::failure::{Failure, number};
    let choice = |flag: &str, word: &str, of: [&str; 2]| {
        let at = of.iter().position(|known| *known == word);
        at.ok_or_else(|| {
            Failure::Usage(format!("{flag} takes {} or {}, not {word:?}", of[0], of[1]))
        })
    };
    let suspect_after = words.suspect_after_ms.as_deref();
    Ok(company::Place {
        veth: choice("--network", &words.network, ["loopback", "veth"])? == 1,
        quic: choice("--transport", &words.transport, ["tcp", "quic"])? == 1,
        dissemination: match company::dissemination(&words.dissemination) {
            Some(_) => words.dissemination.clone(),
            None => {
                let word = &words.dissemination;
                let why = format!("--dissemination takes auto, direct or gossip, not {word:?}");
                return Err(Failure::Usage(why));
            }
        },
        suspect_after_ms: suspect_after
            .map(|text| number("--suspect-after-ms", text, 30, 60_000).map(u64::from))
            .transpose()?,
        modules: modules(words)?,
        groups: 1,
    })
}

/// The modules of the group, if it has keys.
#[cfg(target_os = "linux")]
fn modules(
    words: &crate::args::Place,
) -> Result<Option<(String, String)>, crate::failure::Failure> {
    use crate::modules::{of_a_node, refused};
    use cenacle_host::{EncryptionSelector, KeyAgreementSelector};
    if words.module == "none" {
        return Ok(None);
    }
    let registry = of_a_node()?;
    let none = std::collections::BTreeMap::new();
    let agreements = KeyAgreementSelector::new(std::sync::Arc::clone(&registry));
    agreements.select(&words.module, &none).map_err(refused)?;
    EncryptionSelector::new(registry).select(&words.cipher, &none).map_err(refused)?;
    Ok(Some((words.module.clone(), words.cipher.clone())))
}
