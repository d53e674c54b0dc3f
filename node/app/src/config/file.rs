//! The configuration file as a layer: TOML, with the line and column of every value.
//!
//! Only keys that there are get through; the others are told at once, so that what the layers merge
//! has the shape of [`super::keys`].

use super::keys::{self, Shape};
use super::problem::{Place, Report, shown};
use cenacle_plugin::MAX_TABLE_DEPTH;
use config::{Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest file: ten thousand peer ids are half of it.
pub(super) const MAX_FILE: usize = 1 << 20;

/// The most of one repeated section; far more than a node can serve well.
const MAX_REPEATED: usize = 256;

/// The most bytes of a line before a place whose column is told.
const MAX_COUNTED: usize = 16 << 10;

/// Reads `text`. Where it is no TOML, that alone is told, and nothing is returned: what could be
/// made of the rest would only mislead.
pub(super) fn read(text: &str, name: &str, report: &mut Report) -> Option<Map<String, Value>> {
    let lines = Lines::new(text, name);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(File { lines, report }.document(table.get_ref()));
    }
    let mut last = None;
    for error in errors {
        let place = lines.place(error.span().map_or(0, |span| span.start));
        // One slip makes several errors in its line.
        let line = match &place {
            Place::File { line, .. } => *line,
            _ => None,
        };
        if last.replace(line) != Some(line) {
            report.wrong_at(
                place,
                None,
                format!("this is not TOML: {}", shown(error.message().trim())),
                "mend this line, such as by quotation marks around text (https://toml.io tells \
                 the form)",
            );
        }
    }
    None
}

struct File<'t, 'r> {
    lines: Lines<'t>,
    report: &'r mut Report,
}

impl File<'_, '_> {
    fn document(mut self, table: &DeTable<'_>) -> Map<String, Value> {
        let mut sections = Map::new();
        for (name, value) in table {
            let at = name.span().start;
            let name: &str = name.get_ref();
            if keys::SINGLE.contains(&name) {
                self.put(name, at, "a table");
                match value.get_ref().as_table() {
                    Some(table) => {
                        let section = self.section(name, name, table);
                        sections.insert(name.to_owned(), Value::new(None, section));
                    }
                    None => self.report.wrong(
                        name,
                        "this must be a table",
                        format!("write [{name}] on a line of its own, and its keys below"),
                    ),
                }
            } else if keys::REPEATED.contains(&name) {
                self.put(name, at, "a list");
                if let Some(list) = self.repeated(name, value) {
                    sections.insert(name.to_owned(), Value::new(None, list));
                }
            } else {
                self.unknown_section(name, at);
            }
        }
        sections
    }

    fn unknown_section(&mut self, name: &str, at: usize) {
        if self.report.only_counts() {
            return;
        }
        let all: Vec<&str> = keys::SINGLE.into_iter().chain(keys::REPEATED).collect();
        let shown = shown(name);
        let way_out = match keys::KEYS.iter().find(|key| key.name == name) {
            Some(key) => format!("it belongs below {}", keys::header(key.section)),
            None => cenacle_plugin::hint(&shown, &all, "there are"),
        };
        let place = self.lines.place(at);
        self.report.wrong_at(place, Some(shown), "there is no such section", way_out);
    }

    fn repeated(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<Value>> {
        let list = value.get_ref().as_array();
        let tables: Option<Vec<_>> = list.and_then(|list| {
            list.iter().map(|item| Some((item.span().start, item.get_ref().as_table()?))).collect()
        });
        let Some(tables) = tables else {
            self.report.wrong(
                name,
                "this must be a list of tables",
                format!("write [[{name}]], in two brackets, on a line of its own before each"),
            );
            return None;
        };
        if tables.len() > MAX_REPEATED {
            self.report.wrong(
                name,
                format!("there are {} of them", tables.len()),
                format!("one node takes up to {MAX_REPEATED}: let other nodes take the others"),
            );
            return None;
        }
        let read = |(index, (at, table)): (usize, (usize, &DeTable<'_>))| {
            let path = format!("{name}[{index}]");
            self.put(&path, at, "a table");
            Value::new(None, self.section(name, &path, table))
        };
        Some(tables.into_iter().enumerate().map(read).collect())
    }

    fn section(&mut self, section: &str, path: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut known = Map::new();
        for (name, value) in table {
            let at = name.span().start;
            let name: &str = name.get_ref();
            let Some(key) = keys::find(section, name) else {
                if self.report.only_counts() {
                    continue;
                }
                let shown = shown(name);
                let hint = keys::hint(section, &shown);
                let place = self.lines.place(at);
                let key = Some(format!("{path}.{shown}"));
                self.report.wrong_at(place, key, "there is no such key", hint);
                continue;
            };
            let path = format!("{path}.{name}");
            // A table written with its header has no place but its name's.
            let value = match (key.shape, value.get_ref().as_table()) {
                (Shape::Table, Some(options)) => {
                    self.put(&path, at, "a table");
                    self.options(&path, options).into()
                }
                (Shape::Table, None) => {
                    self.put(&path, at, "");
                    let way_out = format!("it takes {}", key.form);
                    self.report.wrong(&path, "this must be a table", way_out);
                    continue;
                }
                _ => self.value(&path, value),
            };
            known.insert(name.to_owned(), Value::new(None, value));
        }
        known
    }

    /// The options of a group's modules: tables by the module's kind; which options there are, the
    /// modules say.
    fn options(&mut self, path: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut kinds = Map::new();
        for (kind, value) in table {
            let at = kind.span().start;
            let kind: &str = kind.get_ref();
            let shown = shown(kind);
            let path = format!("{path}.{shown}");
            self.put(&path, at, "a table");
            let options = match (keys::MODULES.contains(&kind), value.get_ref().as_table()) {
                (true, Some(options)) => options,
                (true, None) => {
                    let header = format!("write [group.options.{kind}], and the options below");
                    self.report.wrong(&path, "this must be a table", header);
                    continue;
                }
                (false, _) => {
                    let hint = cenacle_plugin::hint(&shown, &keys::MODULES, "there are");
                    self.report.wrong(&path, "no module is chosen by this name", hint);
                    continue;
                }
            };
            let mut given = Map::new();
            for (name, value) in options {
                let at = format!("{path}.{}", crate::config::problem::shown(name.get_ref()));
                let value = self.option(&at, value, MAX_TABLE_DEPTH);
                given.insert(name.get_ref().clone().into_owned(), Value::new(None, value));
            }
            kinds.insert(kind.to_owned(), Value::new(None, given));
        }
        kinds
    }

    /// The value of an option: one of a key, or a list of tables with such values, so many levels of
    /// them and one more, which the module's bounds refuse.
    fn option(&mut self, path: &str, value: &Spanned<DeValue<'_>>, levels: usize) -> ValueKind {
        let list = value.get_ref().as_array();
        let Some(list) = list.filter(|list| list.iter().any(|item| item.get_ref().is_table()))
        else {
            return self.value(path, value);
        };
        self.put(path, value.span().start, "a list");
        let mut items = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(table) = item.get_ref().as_table() else {
                items.push(Value::new(None, self.value(&path, item)));
                continue;
            };
            self.put(&path, item.span().start, "a table");
            let mut given = Map::new();
            for (name, value) in table {
                let at = format!("{path}.{}", shown(name.get_ref()));
                let value = match levels.checked_sub(1) {
                    Some(levels) => self.option(&at, value, levels),
                    None => self.value(&at, value),
                };
                given.insert(name.get_ref().clone().into_owned(), Value::new(None, value));
            }
            items.push(Value::new(None, given));
        }
        ValueKind::Array(items)
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> ValueKind {
        let span = value.span();
        match value.get_ref() {
            DeValue::Array(list) => {
                self.put(path, span.start, "a list");
                let items = list.iter().enumerate().map(|(index, item)| {
                    Value::new(None, self.value(&format!("{path}[{index}]"), item))
                });
                ValueKind::Array(items.collect())
            }
            DeValue::Table(_) => {
                self.put(path, span.start, "a table");
                ValueKind::Nil
            }
            other => {
                let written = self.lines.text.get(span.clone()).unwrap_or_default();
                self.put(path, span.start, written);
                scalar(other)
            }
        }
    }

    fn put(&mut self, path: &str, at: usize, written: &str) {
        self.report.put(path.to_owned(), self.lines.place(at), written);
    }
}

/// A value that is no list and no table. What no key takes is `Nil`: the reader of the key says what
/// it wants instead.
pub(super) fn scalar(value: &DeValue<'_>) -> ValueKind {
    match value {
        DeValue::String(text) => ValueKind::String(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(ValueKind::Nil, ValueKind::I64),
        DeValue::Boolean(yes) => ValueKind::Boolean(*yes),
        DeValue::Array(list) => list
            .iter()
            .map(|item| Value::new(None, scalar(item.get_ref())))
            .collect::<Vec<_>>()
            .into(),
        _ => ValueKind::Nil,
    }
}

/// Where the lines of a text begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    name: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, name: &'t str) -> Self {
        let after = |(at, _): (usize, &str)| at.saturating_add(1);
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(after)).collect();
        Self { text, name, starts }
    }

    /// The place of the byte `at`.
    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied();
        let before = self.text.get(start.unwrap_or(0)..at);
        // In a line that nobody reads, nobody looks for a column, and counting would take long.
        let before = before.filter(|before| before.len() <= MAX_COUNTED);
        let column = before.map(|before| before.chars().count().saturating_add(1));
        Place::File { file: self.name.to_owned(), line: Some(line), column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let lines = Lines::new("ä = 1\n\nb = 2\r\nc", "f");
        let place = |at| lines.place(at).to_string();
        assert_eq!(place(0), "f:1:1");
        assert_eq!(place("ä ".len()), "f:1:3");
        assert_eq!(place("ä = 1\n\n".len()), "f:3:1");
        assert_eq!(place("ä = 1\n\nb = 2\r\n".len()), "f:4:1");
        assert_eq!(place(9999), "f:4");
    }
}
