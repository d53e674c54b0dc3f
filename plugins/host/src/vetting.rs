//! Whether a module's description can be trusted to be used and shown.

use cenacle_plugin::{Descriptor, KEY_LEN, Kind, MAX_MEMBERS, Properties};

/// The most options of a module: a bound on what is shown and checked.
const MAX_OPTIONS: usize = 64;

/// The most bytes of a sentence for people.
const MAX_SENTENCE: usize = 400;

/// The most bytes that a cipher may add to a message; the ciphers known to us add 16 to 64.
const MAX_OVERHEAD: u32 = 256;

/// Words that stand for "no module" where a module is named.
const RESERVED: [&str; 1] = ["none"];

/// Whether a module with this description may be registered as `kind`; says what is against it.
pub(crate) fn check(descriptor: &Descriptor, kind: Kind) -> Result<(), String> {
    descriptor.check()?;
    let name = &descriptor.name;
    if descriptor.kind() != kind {
        return Err(format!("{name:?} describes itself as a {} module", descriptor.kind()));
    }
    if RESERVED.contains(&name.as_str()) {
        return Err(format!("{name:?} is a reserved word"));
    }
    if descriptor.options.len() > MAX_OPTIONS {
        return Err(format!("{name:?} has more than {MAX_OPTIONS} options"));
    }
    // Shown on terminals, where a control character is a command.
    let sentences = descriptor.options.iter().map(|option| &option.help);
    for text in sentences.chain([&descriptor.summary, &descriptor.version]) {
        if text.is_empty() || text.len() > MAX_SENTENCE || text.chars().any(char::is_control) {
            return Err(format!(
                "{name:?} has a summary, version or help that is empty, is longer than \
                 {MAX_SENTENCE} bytes or has control characters"
            ));
        }
    }
    check_properties(&descriptor.properties).map_err(|why| format!("{name:?} {why}"))
}

fn check_properties(properties: &Properties) -> Result<(), String> {
    match properties {
        Properties::KeyAgreement { max_members, .. } => {
            if *max_members == 0 || *max_members as usize > MAX_MEMBERS {
                return Err(format!(
                    "takes {max_members} members; 1 to {MAX_MEMBERS} are possible"
                ));
            }
        }
        Properties::Cipher { key_len, overhead, max_messages, .. } => {
            if *key_len == 0 || *key_len as usize > KEY_LEN {
                return Err(format!("has keys of {key_len} bytes; 1 to {KEY_LEN} are possible"));
            }
            if *overhead > MAX_OVERHEAD {
                return Err(format!(
                    "adds {overhead} bytes to a message, more than {MAX_OVERHEAD}"
                ));
            }
            if *max_messages == 0 {
                return Err("seals no message at all".to_owned());
            }
        }
        Properties::Policy { .. } => {}
    }
    Ok(())
}
