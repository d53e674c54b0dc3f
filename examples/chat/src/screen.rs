//! The terminal as a screen: taken, drawn on, and given back as it was.

use crate::failure::Failure;
use crate::model::Chat;
use crate::view::{self, Look};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The whole terminal, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    look: Look,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn take(look: Look) -> Result<Self, Failure> {
        let failed =
            |error| Failure::Failed(format!("the terminal cannot be used ({error}): try --plain"));
        restore_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        let screen = Self::enter(look).map_err(failed);
        if screen.is_err() {
            give_back();
        }
        screen
    }

    fn enter(look: Look) -> io::Result<Self> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?, look })
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        self.terminal.size().map_or((80, 24), |size| (size.width, size.height))
    }

    pub(crate) fn show(&mut self, chat: &Chat) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(frame, chat, &self.look)).map(|_| ())
    }

    /// Forgets what should be on the screen.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once; from anywhere.
pub(crate) fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            DisableMouseCapture,
            LeaveAlternateScreen,
            ratatui::crossterm::cursor::Show
        );
        let _ = disable_raw_mode();
    }
}

/// A panic's message is for the ordinary screen. On another thread than the one that draws, a panic
/// would leave a program half alive on a screen that it does not have: it ends.
fn restore_on_panic() {
    let before = std::panic::take_hook();
    let drawing = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        before(panic);
        if std::thread::current().id() != drawing {
            std::process::exit(101);
        }
    }));
}
