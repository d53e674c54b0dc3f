//! The chat on a screen: a frame is a function of what the chat knows.

mod input;
pub(crate) mod layout;
mod messages;
mod side;
mod status;

use crate::clock::Clock;
use crate::log::Tone;
use crate::model::Chat;
use crate::people::HUES;
use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};

/// What frames look like besides what the chat knows.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) clock: Clock,
    /// False where the reader wants none (no-color.org); everything is said in words and shapes too.
    pub(crate) colours: bool,
}

/// Those that people can have: readable on dark and on light, and none of those of the
/// program's own lines.
const COLOURS: [Color; HUES] =
    [Color::Cyan, Color::Magenta, Color::Yellow, Color::LightBlue, Color::LightGreen];

impl Look {
    fn person(&self, hue: usize) -> Style {
        let hue = COLOURS.get(hue).copied().unwrap_or(Color::Reset);
        self.colour(hue).add_modifier(Modifier::BOLD)
    }

    fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new().add_modifier(Modifier::DIM),
            Tone::Key => self.colour(Color::Green),
            Tone::Bad => self.colour(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    fn colour(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }
}

/// Draws the chat.
pub(crate) fn draw(frame: &mut Frame<'_>, chat: &Chat, look: &Look) {
    let area = frame.area();
    let parts = layout::of((area.width, area.height));
    messages::draw(frame, parts.messages, chat, look);
    if let Some(side) = parts.side {
        side::draw(frame, side, chat, look);
    }
    status::draw(frame, parts.status, chat, look);
    input::draw(frame, parts.input, chat);
}

#[cfg(test)]
mod tests;
