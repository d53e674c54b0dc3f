//! Where things are on the screen, for any size of it.
//!
//! ```text
//!  ┌──────────────────────┬─────────┐
//!  │ messages             │ members │   the members where there is room for them
//!  ├──────────────────────┴─────────┤
//!  │ group, state, key              │   one row or two; none on the lowest screens
//!  │ > input                        │   always
//!  └────────────────────────────────┘
//! ```

use crate::model::Pane;
use ratatui::layout::Rect;

/// Below these the members are not shown beside the messages: `/who` tells them.
const SIDE_FROM: (u16, u16) = (64, 8);
/// The columns that the members take: a third, within these.
const SIDE: (u16, u16) = (22, 36);

/// The parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) messages: Rect,
    pub(crate) side: Option<Rect>,
    pub(crate) status: Rect,
    pub(crate) input: Rect,
}

/// The parts of a screen of that size.
pub(crate) fn of((columns, rows): (u16, u16)) -> Layout {
    let input_rows = rows.min(1);
    let status_rows = match rows {
        0..=2 => 0,
        3..=9 => 1,
        _ => 2,
    };
    let above = rows.saturating_sub(input_rows).saturating_sub(status_rows);
    let side_columns = match columns >= SIDE_FROM.0 && rows >= SIDE_FROM.1 {
        true => (columns / 3).clamp(SIDE.0, SIDE.1),
        false => 0,
    };
    let middle = columns.saturating_sub(side_columns);
    Layout {
        messages: Rect::new(0, 0, middle, above),
        side: (side_columns > 0).then(|| Rect::new(middle, 0, side_columns, above)),
        status: Rect::new(0, above, columns, status_rows),
        input: Rect::new(0, above.saturating_add(status_rows), columns, input_rows),
    }
}

/// The message pane as scrolling counts it: the last row tells what is below.
pub(crate) fn message_pane(size: (u16, u16)) -> Pane {
    let messages = of(size).messages;
    Pane {
        columns: usize::from(messages.width),
        rows: usize::from(messages.height).saturating_sub(1).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_screen_and_nothing_else() {
        for (columns, rows) in (0..200).flat_map(|columns| (0..40).map(move |rows| (columns, rows)))
        {
            let Layout { messages, side, status, input } = of((columns, rows));
            let side = side.unwrap_or_default();
            let sum = messages.area() + side.area() + status.area() + input.area();
            assert_eq!(sum, u32::from(columns) * u32::from(rows), "{columns} {rows}");
            assert!(input.bottom() == rows && status.right() == columns);
        }
    }
}
