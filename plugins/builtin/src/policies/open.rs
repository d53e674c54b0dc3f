//! `open`: whoever the overlay admits may join and send.

use super::rules::{self, Membership, Ruled};
use cenacle_plugin::{
    Descriptor, Error, JoinRequest, Member, Options, Policy, PolicyModule, Properties, Verdict,
};

/// The module `open`.
pub(super) struct Open {
    descriptor: Descriptor,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            descriptor: Descriptor {
                name: "open".to_owned(),
                version: "1".to_owned(),
                summary: "Whoever the overlay admits may join and send".to_owned(),
                properties: Properties::Policy { admits_anyone: true },
                options: rules::options(),
            },
        }
    }
}

impl PolicyModule for Open {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        Ok(Box::new(Ruled::new(Anyone, options)?))
    }
}

struct Anyone;

impl Membership for Anyone {
    fn admit(&self, _request: &JoinRequest) -> Verdict {
        Verdict::Allow
    }

    fn may_send(&self, _member: &Member) -> Verdict {
        Verdict::Allow
    }
}
