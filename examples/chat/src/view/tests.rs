//! What a person sees.

use super::*;
use crate::model::tests::Story;
use crate::model::{Happening, Press};
use crate::people;
use crate::people::tests::member;
use crate::text;
use cenacle::State;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

const COLOURED: bool = true;

fn drawn(story: &mut Story, columns: u16, rows: u16, colours: bool) -> Buffer {
    story.then(Happening::Resized { columns, rows });
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let look = Look { clock: Clock::utc(), colours };
    terminal.draw(|frame| draw(frame, &story.chat, &look)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as rows of text.
fn seen(story: &mut Story, columns: u16, rows: u16) -> Vec<String> {
    let buffer = drawn(story, columns, rows, COLOURED);
    let rows = buffer.content.chunks(usize::from(columns).max(1)).map(|cells| {
        let mut row = String::new();
        let mut covered = 0_usize;
        for cell in cells {
            if covered == 0 {
                row.push_str(cell.symbol());
            }
            covered = covered.max(text::width(cell.symbol())).saturating_sub(1);
        }
        row.trim_end().to_owned()
    });
    rows.collect()
}

fn talk() -> Story {
    let mut story = Story::new();
    story.state(State::Agreeing).view(0xa5, &[(1, "alice"), (2, "bob"), (3, "")]);
    story.state(State::Secure).says(2, 1, b"good morning").says(1, 1, "早上好 👋".as_bytes());
    story
}

#[test]
fn a_person_sees_who_is_there_and_how_it_stands() {
    let rows = seen(&mut talk(), 80, 14);
    let [first, second, third] = [1, 2, 3].map(|key| people::short(member(key)));
    assert_eq!(rows[0].split('│').nth(1), Some(" 3 members"));
    let side: Vec<&str> = rows[1..4].iter().filter_map(|row| row.split("│ ").nth(1)).collect();
    assert!(side[0].starts_with("› alice (you) ") && side[0].ends_with(&first), "{side:?}");
    assert!(side[1].starts_with("• bob ") && side[1].ends_with(&second), "{side:?}");
    assert!(side[2].starts_with("• no name") && side[2].ends_with(&third), "{side:?}");
    let said: Vec<&str> =
        rows.iter().filter_map(|row| row.split('│').next()).map(str::trim_end).collect();
    assert_eq!(said[9..11], ["13:00 bob: good morning", "13:00 alice (you): 早上好 👋"]);
    assert_eq!(rows[11].trim(), "ops  SECURE  only the 3 members can read this");
    assert_eq!(
        rows[12],
        " key a5a5a5a5a5a5a5a5   safety number 00003 67890 12345 67890 12345 67890"
    );
    assert_eq!(rows[13], "> write a message, or /help");
}

#[test]
fn who_has_gone_is_seen_for_a_while() {
    let mut story = talk();
    story.view(1, &[(1, "alice"), (3, "")]);
    let rows = seen(&mut story, 80, 14);
    assert!(rows[3].contains("× bob (gone)"), "{rows:#?}");
    story.view(2, &[(1, "alice")]);
    assert!(!seen(&mut story, 80, 14).concat().contains("bob (gone)"));
}

#[test]
fn colours_are_steady_and_not_needed() {
    let colour_of = |buffer: &Buffer, what: &str| {
        let cells = &buffer.content;
        let at = (0..cells.len()).find(|at| {
            what.chars().zip(&cells[*at..]).all(|(c, cell)| cell.symbol() == c.to_string())
        });
        cells[at.expect("it is there")].fg
    };
    let mut story = talk();
    let bob = colour_of(&drawn(&mut story, 80, 14, COLOURED), "bob: ");
    assert_ne!(bob, Color::Reset);
    story.says(2, 2, b"again");
    assert_eq!(colour_of(&drawn(&mut story, 80, 14, COLOURED), "bob: again"), bob);
    let plain = drawn(&mut story, 80, 14, false);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn what_waits_says_so() {
    let mut story = talk();
    story.state(State::Agreeing).types("and now").press(Press::Enter);
    let rows = seen(&mut story, 80, 14).join("\n");
    assert!(rows.contains("… waits for the key: and now"), "{rows}");
    assert!(rows.contains("NEW KEY  the members agree on a key; what you write waits"), "{rows}");
    story.state(State::Secure);
    assert!(seen(&mut story, 80, 14).join("\n").contains("on its way: and now"));
}

#[test]
fn who_reads_further_up_is_left_in_peace() {
    let mut story = talk();
    (2..60).for_each(|number| _ = story.says(2, number, format!("line {number}").as_bytes()));
    seen(&mut story, 60, 12);
    story.press(Press::PageUp);
    let before = seen(&mut story, 60, 12);
    story.says(2, 60, b"news").says(2, 61, b"more news");
    let rows = seen(&mut story, 60, 12);
    assert_eq!(rows[..8], before[..8]);
    assert!(rows[8].starts_with("↓ 9 messages below"), "{rows:#?}");
    story.press(Press::Begin);
    assert!(seen(&mut story, 60, 12)[0].contains("* joining ops"));
    story.press(Press::End);
    assert_eq!(seen(&mut story, 60, 12)[8], "13:00 bob: more news");
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let mut story = talk();
    let long = "x".repeat(100_000);
    let tower = format!("z{}", "\u{300}".repeat(1000));
    for (number, text) in (2..).zip([
        "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nalice (you): I agree",
        "\u{202e}txet desrever\u{202c}\u{feff}\u{200b}",
        long.as_str(),
        tower.as_str(),
    ]) {
        story.says(2, number, text.as_bytes());
    }
    story.says(2, 9, b"\xff\xfe\x00\x80");
    story.view(3, &[(1, "alice"), (2, "\u{1b}[31mroot\u{202e}: "), (4, "alice (you)")]);
    for (columns, rows) in [(80, 24), (20, 5), (200, 60)] {
        for press in [Press::End, Press::Begin, Press::PageDown, Press::PageDown] {
            story.press(press);
            let buffer = drawn(&mut story, columns, rows, COLOURED);
            for cell in &buffer.content {
                let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
                assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
                assert!(cell.symbol().chars().count() <= 17);
            }
        }
    }
    // A line that others forge stands behind its sender's column.
    let rows = seen(&mut story, 200, 60);
    let forged: Vec<&String> = rows.iter().filter(|row| row.contains("I agree")).collect();
    assert!(forged.iter().all(|row| row.starts_with("      alice")), "{forged:?}");
}

#[test]
fn every_size_of_the_screen_is_drawn() {
    let mut story = talk();
    story.types("日本語 and a long line that does not fit").types("\u{301}");
    for number in 2..30 {
        story.says(2, number, "wide 早上好 and long, long, long words\nand lines".as_bytes());
    }
    for press in [Press::Begin, Press::Oldest, Press::WheelDown, Press::Latest] {
        story.press(press);
        for (columns, rows) in (0..100).step_by(3).flat_map(|c| (0..30).map(move |r| (c, r))) {
            if columns > 0 && rows > 0 {
                drawn(&mut story, columns, rows, COLOURED);
            }
            story.then(Happening::Resized { columns, rows });
            story.press(Press::PageUp).press(Press::PageDown).press(Press::WheelUp);
        }
    }
}

#[test]
fn the_smallest_screen_has_what_is_needed() {
    let mut story = talk();
    story.types("hello");
    let rows = seen(&mut story, 20, 5);
    assert_eq!(rows[1..4], ["alice (you): 早上好", "👋", " ops  SECURE  only …"]);
    assert_eq!(rows[4], "> hello");
}
