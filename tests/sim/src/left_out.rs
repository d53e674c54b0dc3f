//! Deliberate defects of every layer.

use cenacle_core::Defect;
use std::{fmt, str::FromStr};

/// A rule that is left out, to see a property break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeftOut {
    /// By engines.
    Engine(Defect),
    /// By secure machines.
    Secure(cenacle_secure::Defect),
    /// By key agreement modules.
    Module(ModuleDefect),
}

/// A rule that instances of key agreement modules leave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleDefect {
    /// A member contributes the same to every secret.
    ReuseShare,
    /// The secret after a leave follows from the one that the leaver knows.
    KeepLeaver,
}

impl LeftOut {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let modules = [ModuleDefect::ReuseShare, ModuleDefect::KeepLeaver];
        let secure = cenacle_secure::Defect::ALL.into_iter().map(Self::Secure);
        Defect::ALL.into_iter().map(Self::Engine).chain(secure).chain(modules.map(Self::Module))
    }
}

impl From<Defect> for LeftOut {
    fn from(defect: Defect) -> Self {
        Self::Engine(defect)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(defect) => write!(out, "{defect:?}"),
            Self::Secure(defect) => write!(out, "{defect:?}"),
            Self::Module(defect) => write!(out, "{defect:?}"),
        }
    }
}

impl FromStr for LeftOut {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        let found = Self::all().find(|defect| plain(&defect.to_string()) == plain(name));
        found.ok_or_else(|| {
            let names: Vec<String> = Self::all().map(|defect| defect.to_string()).collect();
            format!("there is no such defect; use one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!("no-promises".parse(), Ok(LeftOut::Engine(Defect::NoPromises)));
        assert_eq!("ReuseShare".parse(), Ok(LeftOut::Module(ModuleDefect::ReuseShare)));
        let error = "none".parse::<LeftOut>().unwrap_err();
        assert!(error.contains("TurnTaken") && error.contains("SkipConfirmation"), "{error}");
    }
}
