//! What an engine looks like inside, for logs and failed tests.

use super::Engine;
use std::fmt;

impl fmt::Debug for Engine {
    /// Streams as `rank: delivered/complete/received of known, promise`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.frozen { "frozen" } else { "operational" };
        write!(
            f,
            "{} in {} of {}, {state}",
            self.settings.node,
            self.configuration.id,
            self.streams.size()
        )?;
        write!(f, ", rank {}, {:?}", self.configuration.rank, self.order.turns)?;
        for (rank, stream) in self.streams.ranks() {
            let (delivered, complete) = (stream.delivered(), stream.complete());
            write!(f, "; {rank}: {delivered}/{complete}/{}", stream.received())?;
            if let Some((first, last)) = stream.gap() {
                write!(f, " lacks {first}..={last}")?;
            }
            write!(f, ", promise {}, next {:?}", stream.promise(), stream.next_clock())?;
        }
        let (bytes, whole) = (self.sender.bytes(), self.groups.is_whole());
        write!(f, "; {bytes} bytes wait, {} held, tables whole: {whole}", self.groups.held())?;
        write!(
            f,
            ", unstable {}, unread {}, {:?}",
            self.streams.unstable(),
            self.unread,
            self.announcer
        )?;
        write!(f, ", stable {:?}", self.stability.stable())
    }
}
