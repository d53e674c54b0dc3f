//! The top machine: it routes, and nothing else.

use crate::{
    Admission, Configuration, Error, Figures, Input, Outbox, Peer, Settings, Time, ids::Ballot,
};

/// The engine of one node.
pub struct Engine {
    settings: Settings,
    configuration: Configuration,
    figures: Figures,
}

impl Engine {
    /// A node that is alone: its own configuration is installed at once and told in `out`.
    pub fn new(
        settings: Settings,
        admission: Box<dyn Admission>,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Self, Error> {
        settings.check()?;
        let me = settings.node;
        let id = Ballot { epoch: 1, proposer: me };
        let members = vec![Peer { node: me, priority: settings.priority }];
        let configuration = Configuration::new(&settings.overlay, id, members, me);
        let _ = (admission, now, out);
        Ok(Self { settings, configuration, figures: Figures::default() })
    }

    /// Takes one input. After an error the state and `out` are as they were.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) -> Result<(), Error> {
        let _ = (now, input, out, &self.settings);
        Ok(())
    }

    /// When to call with [`Input::Tick`] at the latest.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// The installed configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Counters since the start.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}
