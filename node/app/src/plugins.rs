//! `cenacle plugins`: what there is to choose from.

use crate::args;
use crate::failure::Failure;
use crate::modules;
use crate::screen::{Screen, Style};
use crate::table::{Side, Table};
use cenacle_host::{Entry, Origin};
use cenacle_plugin::{Kind, OptionSpec, OptionType, Order, Properties, Value};
use serde::Serialize;
use std::io::Write;

/// Lists the modules of a node.
pub(crate) fn run(words: &args::Plugins, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let entries = modules::of_a_node()?.list();
    match words.json {
        true => write_lines(&entries, screen),
        false => write_table(&entries, screen),
    }
}

/// A line for scripts. The names of the fields are a contract.
#[derive(Serialize)]
struct Line<'a> {
    kind: Kind,
    name: &'a str,
    version: &'a str,
    origin: Origin,
    summary: &'a str,
    properties: serde_json::Value,
    options: Vec<OptionLine<'a>>,
}

#[derive(Serialize)]
struct OptionLine<'a> {
    name: &'a str,
    r#type: serde_json::Value,
    /// The type's bounds by name, or the words to choose from; null where there are none.
    bounds: serde_json::Value,
    /// Type and bounds in words.
    takes: String,
    default: &'a Value,
    help: &'a str,
}

fn write_lines(entries: &[Entry], screen: &mut Screen<'_>) -> Result<(), Failure> {
    for entry in entries {
        let descriptor = &entry.descriptor;
        let (_, properties) = tag_and_content(&descriptor.properties)?;
        let line = Line {
            kind: entry.kind,
            name: &descriptor.name,
            version: &descriptor.version,
            origin: entry.origin,
            summary: &descriptor.summary,
            properties,
            options: descriptor.options.iter().map(option_line).collect::<Result<_, _>>()?,
        };
        serde_json::to_writer(&mut *screen, &line).map_err(std::io::Error::from)?;
        writeln!(screen)?;
    }
    Ok(())
}

fn option_line(option: &OptionSpec) -> Result<OptionLine<'_>, Failure> {
    let (r#type, bounds) = tag_and_content(&option.kind)?;
    Ok(OptionLine {
        name: &option.name,
        r#type: r#type.into(),
        bounds,
        takes: option.kind.to_string(),
        default: &option.default,
        help: &option.help,
    })
}

/// A variant's name and what it holds.
fn tag_and_content(value: &impl Serialize) -> Result<(String, serde_json::Value), Failure> {
    let value = serde_json::to_value(value).map_err(std::io::Error::from)?;
    match value {
        serde_json::Value::Object(map) => {
            map.into_iter().next().ok_or_else(|| Failure::Failed("a variant without a name".into()))
        }
        serde_json::Value::String(name) => Ok((name, serde_json::Value::Null)),
        _ => Err(Failure::Failed("a variant without a name".into())),
    }
}

fn write_table(entries: &[Entry], screen: &mut Screen<'_>) -> Result<(), Failure> {
    for kind in [Kind::KeyAgreement, Kind::Cipher, Kind::Policy] {
        let heading = match kind {
            Kind::KeyAgreement => "Key agreement",
            Kind::Cipher => "Ciphers",
            Kind::Policy => "Policies",
        };
        writeln!(screen, "{}", screen.paint(Style::Heading, heading))?;
        let of_kind: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == kind).collect();
        let mut table = Table::new([
            ("name", Side::Left),
            ("version", Side::Left),
            ("origin", Side::Left),
            ("properties", Side::Left),
        ]);
        for entry in &of_kind {
            table.push(vec![
                entry.descriptor.name.clone(),
                entry.descriptor.version.clone(),
                entry.origin.to_string(),
                in_words(&entry.descriptor.properties),
            ]);
        }
        table.write(screen, "  ")?;
        writeln!(screen)?;
        for entry in of_kind {
            let text = format!("{}: {}", entry.descriptor.name, entry.descriptor.summary);
            screen.item("  ", "    ", &text)?;
            for option in &entry.descriptor.options {
                screen.item("      ", "        ", &option_in_words(option))?;
            }
        }
        writeln!(screen)?;
    }
    screen.paragraph("", "Which modules a group uses is chosen group by group, by these names.")?;
    Ok(())
}

fn option_in_words(option: &OptionSpec) -> String {
    let OptionSpec { name, help, kind, default } = option;
    let help = help.trim_end_matches('.');
    match kind {
        OptionType::Choice(words) => {
            format!("{name} = {default}: {help} (or: {})", others(words, default))
        }
        _ => format!("{name} = {default}: {help}; {kind}"),
    }
}

fn others(words: &[String], default: &Value) -> String {
    let other = |word: &&String| *default != Value::Text((*word).clone());
    words.iter().filter(other).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn in_words(properties: &Properties) -> String {
    let parts: Vec<String> = match properties {
        Properties::KeyAgreement {
            contributory,
            key_independence,
            perfect_forward_secrecy,
            needs_order,
            max_members,
        } => vec![
            if *contributory { "contributory" } else { "distributed by one member" }.into(),
            if *key_independence { "keys independent" } else { "keys NOT independent" }.into(),
            if *perfect_forward_secrecy { "forward secret" } else { "NOT forward secret" }.into(),
            match needs_order {
                Order::Fifo => "FIFO order".into(),
                Order::Agreed => "agreed order".into(),
            },
            format!("up to {max_members} members"),
        ],
        Properties::Cipher { confidential, key_len, overhead, max_messages } => vec![
            if *confidential { "secret" } else { "NOT secret: protects from change only" }.into(),
            format!("{}-bit keys", key_len.saturating_mul(8)),
            format!("adds {overhead} bytes"),
            match max_messages.is_power_of_two() {
                true => format!("up to 2^{} messages a key", max_messages.trailing_zeros()),
                false => format!("up to {max_messages} messages a key"),
            },
        ],
        Properties::Policy { admits_anyone } => {
            vec![if *admits_anyone { "admits anyone" } else { "admits by rule" }.into()]
        }
    };
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_option_has_a_name_and_bounds() {
        let types = [
            (OptionType::Bool, "bool", serde_json::Value::Null),
            (
                OptionType::Integer { min: 1, max: 9 },
                "integer",
                serde_json::json!({"min": 1, "max": 9}),
            ),
            (OptionType::Choice(vec!["a".into()]), "choice", serde_json::json!(["a"])),
        ];
        for (kind, name, bounds) in types {
            assert_eq!(tag_and_content(&kind).unwrap(), (name.to_owned(), bounds));
        }
    }

    #[test]
    fn what_a_module_lacks_stands_out() {
        let weak = Properties::KeyAgreement {
            contributory: false,
            key_independence: false,
            perfect_forward_secrecy: true,
            needs_order: Order::Agreed,
            max_members: 7,
        };
        assert_eq!(
            in_words(&weak),
            "distributed by one member, keys NOT independent, forward secret, agreed order, \
             up to 7 members"
        );
    }
}
