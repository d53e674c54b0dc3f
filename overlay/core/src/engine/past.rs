//! What membership is told of the streams and tables.

use crate::{
    configuration::Configuration,
    membership::Past,
    settings::Settings,
    streams::{Stability, Streams},
    wire::control::Report,
};

/// A view on the machines below, at one moment.
pub(super) struct PastView<'a> {
    pub(super) settings: &'a Settings,
    pub(super) configuration: &'a Configuration,
    pub(super) streams: &'a Streams,
    pub(super) stability: &'a Stability,
    pub(super) base: crate::ids::Ballot,
    /// Instead of the complete vector (a defect: what was recovered is forgotten).
    pub(super) complete: Option<&'a Vec<u64>>,
}

impl Past for PastView<'_> {
    fn report(&self) -> Report {
        Report {
            configuration: self.configuration.id,
            priority: self.settings.priority,
            base: self.base,
            members: self.configuration.nodes().collect(),
            complete: self
                .complete
                .cloned()
                .unwrap_or_else(|| self.streams.vector(|s| s.complete())),
            promises: self.streams.vector(|s| s.promise()),
            stable: self.stability.stable().to_vec(),
        }
    }

    fn digest(&self) -> (Vec<u64>, Vec<u64>) {
        (self.streams.vector(|s| s.received()), self.streams.vector(|s| s.promise()))
    }
}
