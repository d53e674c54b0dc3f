//! The pane of what was said.

use super::Look;
use crate::log::{self, Entry, Rows, Voice};
use crate::model::{Chat, Pane, Scroll, Standing};
use cenacle::State;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// So many of our messages that wait are shown; more are counted.
const MOST_WAITING: usize = 5;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, chat: &Chat, look: &Look) {
    let (columns, height) = (usize::from(area.width), usize::from(area.height));
    if columns == 0 || height == 0 {
        return;
    }
    let is_marked = chat.scroll != Scroll::End && height > 1;
    let rows = if is_marked { height.saturating_sub(1) } else { height };
    let lines = lines(chat, look, Pane { columns, rows });
    // Few lines stand at the bottom, where one looks.
    let above = rows.saturating_sub(lines.len());
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        let y = y.saturating_add(u16::try_from(above).unwrap_or(0));
        frame.buffer_mut().set_line(area.x, y, line, area.width);
    }
    if is_marked {
        let y = area.bottom().saturating_sub(1);
        frame.buffer_mut().set_line(area.x, y, &mark(chat, columns), area.width);
    }
}

/// The rows to show, the uppermost first.
fn lines(chat: &Chat, look: &Look, pane: Pane) -> Vec<Line<'static>> {
    // From the bottom up.
    let mut lines = Vec::new();
    if chat.scroll == Scroll::End {
        lines = waiting(chat, look, pane.columns);
        lines.reverse();
    }
    let Some((mut number, row)) = chat.scroll.bottom(&chat.log, pane) else {
        lines.truncate(pane.rows);
        lines.reverse();
        return lines;
    };
    let mut shown = row.saturating_add(1);
    while lines.len() < pane.rows {
        let Some(entry) = chat.log.at(number).filter(|entry| entry.number == number) else { break };
        let mut rows = entry_lines(entry, chat, look, pane.columns);
        rows.truncate(shown);
        lines.extend(rows.into_iter().rev());
        let Some(before) = number.checked_sub(1) else { break };
        (number, shown) = (before, usize::MAX);
    }
    lines.truncate(pane.rows);
    lines.reverse();
    lines
}

fn entry_lines(entry: &Entry, chat: &Chat, look: &Look, columns: usize) -> Vec<Line<'static>> {
    let (label, text) = match &entry.voice {
        Voice::Member { member, .. } => (look.person(chat.people.hue(*member)), Style::new()),
        Voice::Program(tone) => (look.tone(*tone), look.tone(*tone)),
    };
    assemble(entry.rows(columns), &look.clock.time(entry.time_us), label, text)
}

/// Our messages that have no place yet, below everything that has one.
fn waiting(chat: &Chat, look: &Look, columns: usize) -> Vec<Line<'static>> {
    let style = look.tone(log::Tone::Plain).add_modifier(Modifier::ITALIC);
    let label = match chat.standing {
        Standing::In(State::Secure | State::Insecure) => "on its way: ",
        Standing::In(State::Agreeing) => "waits for the key: ",
        _ => "waits: ",
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    for waiting in chat.outgoing.iter().take(MOST_WAITING) {
        let text = crate::text::message(waiting.text.as_bytes());
        lines.extend(assemble(log::rows(label, &text, columns), "…", style, style));
    }
    if let Some(more @ 1..) = chat.outgoing.iter().len().checked_sub(MOST_WAITING) {
        let text = format!("and {more} more wait");
        lines.extend(assemble(log::rows("", &text, columns), "…", style, style));
    }
    lines
}

fn assemble(rows: Rows, time: &str, label: Style, text: Style) -> Vec<Line<'static>> {
    let Rows { indent, label: name, texts } = rows;
    let mut before = vec![];
    if indent > 0 {
        let dim = Style::new().add_modifier(Modifier::DIM);
        before.push(Span::styled(format!("{time:>5} "), dim));
    }
    before.push(Span::styled(name, label));
    let rest = " ".repeat(indent);
    let mut lines = Vec::with_capacity(texts.len());
    for row in texts {
        let mut spans = std::mem::replace(&mut before, vec![Span::raw(rest.clone())]);
        spans.push(Span::styled(row, text));
        lines.push(Line::from(spans));
    }
    lines
}

/// What one does not see while reading further up.
fn mark(chat: &Chat, columns: usize) -> Line<'static> {
    let text = match chat.scroll.unread(&chat.log) {
        0 => "↓ more below; End: the latest".to_owned(),
        1 => "↓ 1 message below; End: the latest".to_owned(),
        count => format!("↓ {count} messages below; End: the latest"),
    };
    let text = crate::text::cut(&text, columns).into_owned();
    Line::styled(text, Style::new().add_modifier(Modifier::REVERSED))
}
