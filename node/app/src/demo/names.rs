//! What the story calls its people.

const NAMES: [&str; 12] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim",
    "leo",
];

/// The name of the member of that number.
pub(crate) fn name(number: u32) -> String {
    let known = usize::try_from(number).ok().and_then(|at| NAMES.get(at));
    known.map_or_else(|| format!("member {}", number.saturating_add(1)), |name| (*name).to_owned())
}

/// Some names; of many, the first few.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 {
        names.truncate(SHOWN);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_name() {
        assert_eq!(listed([]), "");
        assert_eq!(listed(["alice"]), "alice");
        let three = [0, 2, 12].map(name);
        assert_eq!(listed(three.iter().map(String::as_str)), "alice, carol and member 13");
        let many: Vec<String> = (0..10).map(name).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("heidi and 2 more"));
    }
}
