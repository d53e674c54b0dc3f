//! Draws a terminal's screen as SVG: what `tmux capture-pane -e -p` prints goes in, the picture comes
//! out. The same screen gives the same picture.
//!
//! ```sh
//! docs/pictures/draw        # plays the scene of the README's picture and draws it
//! ```

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A cell, in units of the picture.
const CELL: (f64, f64) = (8.4, 18.0);
/// Around the screen.
const MARGIN: f64 = 14.0;
/// Where letters stand in their cell.
const BASELINE: f64 = 13.5;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d8dbe2";
/// The sixteen colours of a terminal.
const COLOURS: [&str; 16] = [
    "#16181d", "#e5675f", "#7fbf6a", "#d9b35b", "#6a9fe0", "#c583d6", "#56b6c2", "#d8dbe2",
    "#5c6370", "#ef8880", "#98d182", "#ecc97a", "#8ab8f0", "#d79fe6", "#7fd0da", "#ffffff",
];

/// How a text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    colour: Option<usize>,
    ground: Option<usize>,
    bold: bool,
    dim: bool,
    italic: bool,
    reversed: bool,
}

/// A text of one style, and its column.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    column: usize,
    text: String,
    style: Style,
}

fn main() -> io::Result<()> {
    let mut screen = String::new();
    io::stdin().read_to_string(&mut screen)?;
    io::stdout().write_all(picture(&screen).as_bytes())
}

fn picture(screen: &str) -> String {
    let mut style = Style::default();
    let rows: Vec<Vec<Run>> = screen.lines().map(|line| runs(line, &mut style)).collect();
    let ends = rows.iter().flatten().map(|run| run.column.saturating_add(run.text.width()));
    let columns = ends.max().unwrap_or(0);
    let width = place(columns, CELL.0) + 2.0 * MARGIN;
    let height = place(rows.len(), CELL.1) + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         width=\"{width:.1}\" height=\"{height:.1}\" font-size=\"14\" font-family=\"ui-monospace, \
         'DejaVu Sans Mono', Menlo, Consolas, monospace\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, runs) in rows.iter().enumerate() {
        runs.iter().for_each(|run| draw(run, MARGIN + place(row, CELL.1), &mut svg));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(run: &Run, y: f64, svg: &mut String) {
    let Run { column, text, style } = run;
    let (x, wide) = (MARGIN + place(*column, CELL.0), place(text.width(), CELL.0));
    let (mut colour, mut ground) =
        (named(style.colour, FOREGROUND), named(style.ground, BACKGROUND));
    if style.reversed {
        std::mem::swap(&mut colour, &mut ground);
    }
    if ground != BACKGROUND {
        let height = CELL.1;
        // Into a string, which does not fail.
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{height}\" fill=\"{ground}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut more = String::new();
    for (is_so, attribute) in [
        (style.bold, " font-weight=\"bold\""),
        (style.dim, " opacity=\"0.65\""),
        (style.italic, " font-style=\"italic\""),
    ] {
        if is_so {
            more.push_str(attribute);
        }
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let y = y + BASELINE;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{colour}\"{more}>{text}</text>"
    );
}

fn named(colour: Option<usize>, otherwise: &'static str) -> &'static str {
    colour.and_then(|number| COLOURS.get(number)).copied().unwrap_or(otherwise)
}

/// So many cells, in units of the picture.
fn place(cells: usize, of: f64) -> f64 {
    f64::from(u32::try_from(cells).unwrap_or(u32::MAX)) * of
}

/// The texts of a line. A style holds until another comes, beyond the line too.
fn runs(line: &str, style: &mut Style) -> Vec<Run> {
    let (mut runs, mut column): (Vec<Run>, usize) = (Vec::new(), 0);
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let mut push = |text: &str, style: Style| {
        // Wide characters stand alone: fonts do not agree on how wide they are.
        for character in text.graphemes(true) {
            let wide = character.width();
            match runs.last_mut() {
                Some(run)
                    if run.style == style
                        && wide == 1
                        && run.text.width() == run.text.chars().count() =>
                {
                    run.text.push_str(character);
                }
                _ => runs.push(Run { column, text: character.to_owned(), style }),
            }
            column = column.saturating_add(wide);
        }
    };
    push(first, *style);
    for part in parts {
        let Some((codes, text)) = part.strip_prefix('[').and_then(|part| part.split_once('m'))
        else {
            continue;
        };
        apply(codes, style);
        push(text, *style);
    }
    runs
}

/// The codes of ECMA-48, 8.3.117, that a terminal of sixteen colours has.
fn apply(codes: &str, style: &mut Style) {
    let mut codes = codes.split(';').map(|code| code.parse().unwrap_or(0_usize));
    while let Some(code) = codes.next() {
        match code {
            // Of a palette: behind the kind of it comes the number.
            38 => style.colour = codes.nth(1),
            48 => style.ground = codes.nth(1),
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            3 => style.italic = true,
            7 => style.reversed = true,
            22 => (style.bold, style.dim) = (false, false),
            23 => style.italic = false,
            27 => style.reversed = false,
            30..=37 => style.colour = code.checked_sub(30),
            39 => style.colour = None,
            40..=47 => style.ground = code.checked_sub(40),
            49 => style.ground = None,
            90..=97 => style.colour = code.checked_sub(82),
            100..=107 => style.ground = code.checked_sub(92),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_that_is_kept_is_of_the_screen_that_is_kept() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures");
        let screen = std::fs::read_to_string(format!("{folder}/chat.ansi")).unwrap();
        let kept = std::fs::read_to_string(format!("{folder}/chat.svg")).unwrap();
        assert!(picture(&screen) == kept, "draw it again: docs/pictures/draw --again");
    }

    #[test]
    fn styles_hold_until_others_come() {
        let mut style = Style::default();
        let found = runs("a\u{1b}[1;32mb日c", &mut style);
        let texts: Vec<(usize, &str)> =
            found.iter().map(|run| (run.column, run.text.as_str())).collect();
        assert_eq!(texts, [(0, "a"), (1, "b"), (2, "日"), (4, "c")]);
        assert_eq!((style.bold, style.colour), (true, Some(2)));
        runs("\u{1b}[0;38;5;2m", &mut style);
        assert_eq!((style.dim, style.colour), (false, Some(2)));
        runs("\u{1b}[0m\u{1b}[97m<", &mut style);
        assert_eq!((style.bold, style.colour), (false, Some(15)));
        assert!(picture("<&").contains(">&lt;&amp;</text>"));
    }
}
