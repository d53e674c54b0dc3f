//! The row that one writes in.

use crate::model::Chat;
use crate::text;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

/// Before the input, where there is room for it.
const PROMPT: &str = "> ";
/// Below so many columns there is none.
const NARROW: u16 = 12;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, chat: &Chat) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    let dim = Style::new().add_modifier(Modifier::DIM);
    if chat.ending {
        let text = text::cut("leaving the group …", usize::from(area.width)).into_owned();
        frame.buffer_mut().set_line(area.x, area.y, &Line::styled(text, dim), area.width);
        return;
    }
    let prompt = if area.width < NARROW { "" } else { PROMPT };
    let begin = u16::try_from(prompt.len()).unwrap_or(0);
    let columns = area.width.saturating_sub(begin);
    let (shown, column) = chat.input.shown(usize::from(columns));
    frame.buffer_mut().set_line(area.x, area.y, &Line::raw(format!("{prompt}{shown}")), area.width);
    if chat.input.is_empty() {
        let hint = text::cut("write a message, or /help", usize::from(columns)).into_owned();
        let x = area.x.saturating_add(begin);
        frame.buffer_mut().set_line(x, area.y, &Line::styled(hint, dim), columns);
    }
    let x = area.x.saturating_add(begin).saturating_add(u16::try_from(column).unwrap_or(0));
    frame.set_cursor_position(Position::new(x.min(area.right().saturating_sub(1)), area.y));
}
