//! What the terminal sends, in the model's words.

use crate::model::{Happening, Press};
use futures::SinkExt;
use futures::channel::mpsc;
use ratatui::crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind,
};

/// So much may have come from the terminal and wait: a paste without brackets is a key a character.
const WAITING: usize = 1024;

/// Reads the terminal on a thread of its own, which ends with the process.
pub(crate) fn start() -> std::io::Result<mpsc::Receiver<Happening>> {
    let (mut sender, receiver) = mpsc::channel(WAITING);
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        // A terminal that is gone ends the input.
        while let Ok(event) = event::read() {
            let Some(happening) = happening(event) else { continue };
            if futures::executor::block_on(sender.send(happening)).is_err() {
                return;
            }
        }
        let _ = futures::executor::block_on(sender.send(Happening::Signal));
    })?;
    Ok(receiver)
}

fn happening(event: Event) -> Option<Happening> {
    let press = match event {
        Event::Resize(columns, rows) => return Some(Happening::Resized { columns, rows }),
        Event::Paste(text) => Press::Text(text),
        Event::Key(key) if key.kind != KeyEventKind::Release => press(key)?,
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Press::WheelUp,
            MouseEventKind::ScrollDown => Press::WheelDown,
            _ => return None,
        },
        _ => return None,
    };
    Some(Happening::Press(press))
}

fn press(key: KeyEvent) -> Option<Press> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        // AltGr is Control and Alt on some systems, and makes ordinary characters.
        KeyCode::Char(letter) if control && !alt => controlled(letter)?,
        KeyCode::Char('b') if alt && !control => Press::WordLeft,
        KeyCode::Char('f') if alt && !control => Press::WordRight,
        KeyCode::Char(letter) => Press::Text(letter.to_string()),
        KeyCode::Enter if alt => Press::Text("\n".to_owned()),
        KeyCode::Enter => Press::Enter,
        KeyCode::Left if control || alt => Press::WordLeft,
        KeyCode::Right if control || alt => Press::WordRight,
        KeyCode::Left => Press::Left,
        KeyCode::Right => Press::Right,
        KeyCode::Home if control => Press::Oldest,
        KeyCode::End if control => Press::Latest,
        KeyCode::Home => Press::Begin,
        KeyCode::End => Press::End,
        KeyCode::Up => Press::Older,
        KeyCode::Down => Press::Newer,
        KeyCode::PageUp => Press::PageUp,
        KeyCode::PageDown => Press::PageDown,
        KeyCode::Backspace if control || alt => Press::DeleteWord,
        KeyCode::Backspace => Press::DeleteBefore,
        KeyCode::Delete => Press::DeleteAfter,
        _ => return None,
    })
}

/// As shells have it.
fn controlled(letter: char) -> Option<Press> {
    Some(match letter.to_ascii_lowercase() {
        'a' => Press::Begin,
        'b' => Press::Left,
        'c' => Press::Interrupt,
        'd' => Press::EndOfInput,
        'e' => Press::End,
        'f' => Press::Right,
        'h' => Press::DeleteBefore,
        'j' => Press::Text("\n".to_owned()),
        'k' => Press::DeleteToEnd,
        'l' => Press::Redraw,
        'n' => Press::Newer,
        'p' => Press::Older,
        'u' => Press::DeleteToBegin,
        'w' => Press::DeleteWord,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Press> {
        match happening(Event::Key(KeyEvent::new(code, modifiers))) {
            Some(Happening::Press(press)) => Some(press),
            _ => None,
        }
    }

    #[test]
    fn keys_mean_what_they_mean_elsewhere() {
        let none = KeyModifiers::NONE;
        assert_eq!(pressed(KeyCode::Char('é'), none), Some(Press::Text("é".to_owned())));
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Press::Interrupt));
        let alt_gr = KeyModifiers::CONTROL | KeyModifiers::ALT;
        assert_eq!(pressed(KeyCode::Char('@'), alt_gr), Some(Press::Text("@".to_owned())));
        assert_eq!(pressed(KeyCode::F(5), none), None);
        let released = KeyEvent::new_with_kind(KeyCode::Enter, none, KeyEventKind::Release);
        assert!(happening(Event::Key(released)).is_none());
    }
}
