//! SIGINT and SIGTERM: leave cleanly, even if nobody reads the output.

use crate::failure::Failure;
use cenacle::Stopper;
use std::io::Write;
use std::time::Duration;

/// A clean stop takes at most twice the engine's limit of five seconds, and a little more to tell
/// the others. Who stands in a write to a reader that stopped does not end by itself.
const LIMIT: Duration = Duration::from_secs(15);

/// Stops the node at the first signal, and the process at the second or when the first took too
/// long.
pub(super) fn watch(stopper: Stopper) -> Result<(), Failure> {
    let mut signals = 0_u32;
    ctrlc::set_handler(move || {
        signals = signals.saturating_add(1);
        if signals > 1 {
            give_up("a second signal");
        }
        stopper.stop();
        // Without the thread a second signal still ends the process.
        let _ = std::thread::Builder::new().spawn(|| {
            std::thread::sleep(LIMIT);
            give_up("a clean stop takes too long: is the output being read?");
        });
    })
    .map_err(|error| Failure::Failed(format!("signals cannot be awaited: {error}")))
}

fn give_up(why: &str) {
    let _ = writeln!(std::io::stderr(), "cenacle: stopped at once: {why}");
    std::process::exit(1);
}
