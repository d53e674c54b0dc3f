//! The rows that say how one stands, and the numbers to compare.

use super::Look;
use crate::model::{Chat, Standing};
use crate::text;
use cenacle::State;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, chat: &Chat, look: &Look) {
    let columns = usize::from(area.width);
    let lines = match area.height {
        0 => return,
        1 => vec![first(chat, look, columns)],
        _ => vec![first(chat, look, columns), second(chat, columns)],
    };
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        frame.buffer_mut().set_line(area.x, y, line, area.width);
    }
}

fn first(chat: &Chat, look: &Look, columns: usize) -> Line<'static> {
    let members = chat.members.present.len();
    let group = text::cut(&chat.group, columns / 3).into_owned();
    let word = chat.standing.word();
    let meaning = chat.standing.meaning(members);
    let before = format!(" {group} ");
    let rest = columns.saturating_sub(text::width(&before));
    let word = text::cut(&format!(" {word} "), rest).into_owned();
    let rest = rest.saturating_sub(text::width(&word));
    let meaning = text::cut(&format!(" {meaning}"), rest).into_owned();
    let fill = " ".repeat(rest.saturating_sub(text::width(&meaning)));
    let bar = Style::new().add_modifier(Modifier::REVERSED);
    Line::from(vec![
        Span::styled(before, bar.add_modifier(Modifier::BOLD)),
        Span::styled(word, lamp(&chat.standing, look)),
        Span::styled(format!("{meaning}{fill}"), bar),
    ])
}

/// The word stands out by its colour, too.
fn lamp(standing: &Standing, look: &Look) -> Style {
    let colour = match standing {
        Standing::In(State::Secure) => Color::Green,
        Standing::In(State::Insecure) | Standing::Refused(_) | Standing::Stopped => Color::Red,
        _ => Color::Yellow,
    };
    look.colour(colour).add_modifier(Modifier::BOLD | Modifier::REVERSED)
}

fn second(chat: &Chat, columns: usize) -> Line<'static> {
    let key = chat.view.as_ref().filter(|view| view.key.is_some()).map(|view| view.key);
    let safety = chat.view.as_ref().and_then(|view| view.safety.as_ref());
    let shown = match (key, safety) {
        (Some(key), Some(safety)) => {
            // Half a safety number is no safety number.
            let both = format!(" key {key}   safety number {safety}");
            let short = format!(" safety {safety}");
            let asks = format!(" key {key}   /safety");
            let fitting = [both, short, asks].into_iter().find(|text| text::width(text) <= columns);
            fitting.unwrap_or_else(|| " /safety".to_owned())
        }
        _ => " no key yet".to_owned(),
    };
    let shown = match (&chat.standing, key) {
        (Standing::In(State::Insecure), None) => " no key, no encryption".to_owned(),
        _ => shown,
    };
    let dim = Style::new().add_modifier(Modifier::DIM);
    Line::styled(text::cut(&shown, columns).into_owned(), dim)
}
