//! Keys: the input line and the scrolling.

use super::{Chat, Effect, Pane, Scroll};
use crate::input;
use crate::log::Tone;
use crate::view::layout;

/// What was done at the keyboard or with the mouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    Text(String),
    Enter,
    Left,
    Right,
    WordLeft,
    WordRight,
    Begin,
    End,
    Older,
    Newer,
    DeleteBefore,
    DeleteAfter,
    DeleteWord,
    DeleteToBegin,
    DeleteToEnd,
    PageUp,
    PageDown,
    WheelUp,
    WheelDown,
    /// To the oldest line, and to the latest.
    Oldest,
    Latest,
    /// End of input where the line is empty, deletion elsewhere.
    EndOfInput,
    Interrupt,
    Redraw,
}

/// So many rows go by with a notch of the mouse wheel.
const NOTCH: usize = 3;

impl Chat {
    pub(super) fn press(&mut self, press: Press, effects: &mut Vec<Effect>) {
        let empty = self.input.is_empty();
        match press {
            Press::Text(text) => self.insert(&text),
            Press::Enter => self.enter(effects),
            Press::Left => self.input.left(),
            Press::Right => self.input.right(),
            Press::WordLeft => self.input.word_left(),
            Press::WordRight => self.input.word_right(),
            Press::Begin if empty => self.scroll = Scroll::begin(&self.log, self.pane()),
            Press::End if empty => self.scroll = Scroll::End,
            Press::Begin => self.input.begin(),
            Press::End => self.input.end(),
            Press::Older => self.input.older(),
            Press::Newer => self.input.newer(),
            Press::DeleteBefore => self.input.delete_before(),
            Press::DeleteAfter => self.input.delete_after(),
            Press::DeleteWord => self.input.delete_word(),
            Press::DeleteToBegin => self.input.delete_to_begin(),
            Press::DeleteToEnd => self.input.delete_to_end(),
            Press::PageUp => self.scroll_up(self.page()),
            Press::PageDown => self.scroll_down(self.page()),
            Press::WheelUp => self.scroll_up(NOTCH),
            Press::WheelDown => self.scroll_down(NOTCH),
            Press::Oldest => self.scroll = Scroll::begin(&self.log, self.pane()),
            Press::Latest => self.scroll = Scroll::End,
            Press::EndOfInput if empty => self.quit(effects),
            Press::EndOfInput => self.input.delete_after(),
            Press::Interrupt => self.quit(effects),
            Press::Redraw => effects.push(Effect::Redraw),
        }
    }

    fn insert(&mut self, text: &str) {
        if !self.input.insert(text) {
            let most = input::LONGEST;
            self.tell(Tone::Bad, format!("that is too long: a line has at most {most} bytes"));
        }
    }

    fn enter(&mut self, effects: &mut Vec<Effect>) {
        let line = self.input.take();
        if !line.is_empty() {
            // Whoever writes wants to see what comes of it.
            self.scroll = Scroll::End;
        }
        self.written(&line, effects);
    }

    fn scroll_up(&mut self, rows: usize) {
        self.scroll = self.scroll.up(&self.log, self.pane(), rows);
    }

    fn scroll_down(&mut self, rows: usize) {
        self.scroll = self.scroll.down(&self.log, self.pane(), rows);
    }

    /// A page, less a row by which one finds one's place again.
    fn page(&self) -> usize {
        self.pane().rows.saturating_sub(1).max(1)
    }

    fn pane(&self) -> Pane {
        layout::message_pane(self.size)
    }
}
