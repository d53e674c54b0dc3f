//! The pane of the members.

use super::Look;
use crate::model::Chat;
use crate::people;
use crate::text;
use cenacle::MemberId;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, chat: &Chat, look: &Look) {
    // A bar and a space.
    let columns = usize::from(area.width).saturating_sub(2);
    let lines = lines(chat, look, columns, usize::from(area.height));
    let mut lines = lines.into_iter();
    for y in area.top()..area.bottom() {
        let mut line = Line::from(vec![Span::styled("│ ", dim())]);
        let Line { style, spans, .. } = lines.next().unwrap_or_default();
        line.spans.extend(spans.into_iter().map(|span| span.patch_style(style)));
        frame.buffer_mut().set_line(area.x, y, &line, area.width);
    }
}

fn lines(chat: &Chat, look: &Look, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let present = &chat.members.present;
    let heading = match present.len() {
        0 => "nobody here yet".to_owned(),
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(heading, bold)];
    lines.extend(present.iter().map(|member| present_line(chat, look, *member, columns)));
    lines.extend(chat.members.gone.iter().map(|(_, label)| gone_line(label, columns)));
    if lines.len() > rows {
        let hidden = lines.len().saturating_sub(rows).saturating_add(1);
        lines.truncate(rows.saturating_sub(1));
        lines.push(Line::styled(format!("… {hidden} more: /who"), dim()));
    }
    lines
}

/// A mark, the name, and the end of the peer id, which nobody can choose.
fn present_line(chat: &Chat, look: &Look, member: MemberId, columns: usize) -> Line<'static> {
    let own = chat.people.is_own(member);
    let short = people::short(member);
    let you = if own { " (you)" } else { "" };
    let name = format!("{}{you}", chat.people.name(member).unwrap_or("no name"));
    // Two marks and a space before the id.
    let room = columns.saturating_sub(text::width(&short)).saturating_sub(3);
    let name = text::cut(&name, room).into_owned();
    let gap = room.saturating_sub(text::width(&name)).saturating_add(1);
    Line::from(vec![
        Span::raw(if own { "› " } else { "• " }),
        Span::styled(name, look.person(chat.people.hue(member))),
        Span::raw(" ".repeat(gap)),
        Span::styled(short, dim()),
    ])
}

fn gone_line(label: &str, columns: usize) -> Line<'static> {
    let label = text::cut(label, columns.saturating_sub(8)).into_owned();
    Line::styled(format!("× {label} (gone)"), dim().add_modifier(Modifier::ITALIC))
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}
