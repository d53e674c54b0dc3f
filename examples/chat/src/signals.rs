//! SIGINT, SIGTERM and SIGHUP: leave cleanly.

use crate::failure::Failure;
use crate::model::Happening;
use crate::screen;
use futures::channel::mpsc;
use std::io::Write;
use std::time::Duration;

/// A clean stop takes at most twice the engine's limit of five seconds, and a little more to tell
/// the others.
const LIMIT: Duration = Duration::from_secs(15);

/// Tells of the first signal; ends the process at the second, or when the first took too long.
pub(crate) fn watch() -> Result<mpsc::Receiver<Happening>, Failure> {
    let (mut sender, receiver) = mpsc::channel(1);
    let mut signals = 0_u32;
    ctrlc::set_handler(move || {
        signals = signals.saturating_add(1);
        if signals > 1 {
            give_up("a second signal");
        }
        // There is room for one.
        let _ = sender.try_send(Happening::Signal);
        give_up_in_time();
    })
    .map_err(|error| Failure::Failed(format!("signals cannot be awaited: {error}")))?;
    Ok(receiver)
}

/// Ends the process if it has not ended by itself within the limit.
pub(crate) fn give_up_in_time() {
    // Without the thread a signal still ends the process.
    let _ = std::thread::Builder::new().spawn(|| {
        std::thread::sleep(LIMIT);
        give_up("a clean stop takes too long");
    });
}

/// Ends the process at once.
pub(crate) fn give_up(why: &str) -> ! {
    screen::give_back();
    let _ = writeln!(std::io::stderr(), "chat: stopped at once: {why}");
    std::process::exit(1);
}
