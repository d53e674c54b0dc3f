//! The result as people read it: a table for each module, measured beside contract and paper.

use super::row::Row;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{Side, Table};
use cenacle_plugin::{Bound, Costs};
use std::io::Write;

/// Where a column is.
type Column = fn(&Costs) -> u32;

/// The columns that have a contract.
const COMPARED: [(&str, Column); 7] = [
    ("rounds", |costs| costs.rounds),
    ("msgs", |costs| costs.messages),
    ("uni", |costs| costs.unicasts),
    ("multi", |costs| costs.multicasts),
    ("exp", |costs| costs.exponentiations),
    ("sig", |costs| costs.signatures),
    ("verif", |costs| costs.verifications),
];

/// What the figures are.
pub(crate) fn begin(screen: &mut Screen<'_>) -> Result<(), Failure> {
    screen.paragraph(
        "",
        "A figure is what was measured. Behind it stands the module's contract where that is \
         another figure (≤: a bound), and in brackets the paper's where that differs; ! marks a \
         broken contract.",
    )?;
    screen.paragraph(
        "",
        "exp, sig, verif: longest chain of dependent work (share: making own shares, check: \
         checking others' values, prod: products); exp all: of all members together; conf: \
         messages that confirm the key; new, kept: secure channels set up, and needed and there; \
         acks: acknowledgements and their rounds, in no other count; critical, total: longest chain and all members' work, \
         without confirmation; other: share of the total that is no exponentiation, product or \
         signature; `cenacle bench keys --help` says more.",
    )?;
    writeln!(screen)?;
    Ok(())
}

/// The rows of one module.
pub(crate) fn module(screen: &mut Screen<'_>, rows: &[Row]) -> Result<(), Failure> {
    if let Some(Row { module, group, .. }) = rows.first() {
        let group = group.as_ref().map(|group| format!(", {group}")).unwrap_or_default();
        writeln!(screen, "{}", screen.paint(Style::Heading, &format!("{module}{group}")))?;
    }
    let keeps_channels = rows.iter().any(Row::keeps_channels);
    let right = |heading| (heading, Side::Right);
    let mut table = Table::new(
        [right("size"), ("event", Side::Left)]
            .into_iter()
            .chain(COMPARED.map(|(heading, _)| (heading, Side::Left)))
            .chain(["share", "check", "prod", "exp all", "conf", "bytes"].map(right))
            .chain(
                keeps_channels.then_some(["new", "kept", "acks"].map(right)).into_iter().flatten(),
            )
            .chain(["critical ms", "total ms", "other %", "runs"].map(right)),
    );
    for row in rows {
        table.push(cells(row, keeps_channels));
    }
    table.write(screen, "  ")?;
    for (difference, events) in differences(rows) {
        screen.item("  ", "    ", &format!("Note ({}): {difference}.", events.join(", ")))?;
    }
    for row in rows.iter().filter(|row| !row.broken.is_empty()) {
        let text = format!("broken: {} of {}: {}", row.event, row.size, row.broken.join("; "));
        writeln!(screen, "  {}", screen.paint(Style::Bad, &text))?;
    }
    if let Some(row) = rows.iter().max_by_key(|row| row.members_after) {
        let (stays, comes) = (row.view_setup_us, row.newcomer_setup_us);
        let (stays, comes) = (milliseconds(stays), milliseconds(comes));
        writeln!(
            screen,
            "  In no column: to prepare for the signatures of {} of {} takes {stays} ms at the oldest \
             member, {comes} at a newcomer.",
            row.event, row.members_after
        )?;
    }
    writeln!(screen)?;
    screen.flush()?;
    Ok(())
}

fn cells(row: &Row, keeps_channels: bool) -> Vec<String> {
    let mut cells = vec![row.size.to_string(), row.event.to_owned()];
    cells.extend(COMPARED.map(|(_, column)| compared(row, column)));
    cells.extend([
        row.own_share_exponentiations.to_string(),
        row.check_exponentiations.to_string(),
        row.products.to_string(),
        row.exponentiations_total.to_string(),
        row.confirmations.to_string(),
        row.bytes.to_string(),
    ]);
    if keeps_channels {
        let (acks, rounds) = (row.acknowledgements, row.acknowledgement_rounds);
        cells.extend([row.channels.to_string(), row.channels_cached.to_string()]);
        cells.push(format!("{acks} in {rounds}"));
    }
    cells.extend([
        milliseconds(row.time_critical_us),
        milliseconds(row.time_total_us),
        format!("{:.1}", row.other_percent),
        row.repetitions.to_string(),
    ]);
    cells
}

fn compared(row: &Row, column: Column) -> String {
    let measured = column(&row.costs);
    let mut cell = measured.to_string();
    if let (Some(expected), Some(bound)) = (&row.expected, row.bound) {
        let contract = column(expected);
        cell.push_str(&match bound {
            _ if contract == measured => String::new(),
            Bound::Exactly => format!(" !{contract}"),
            Bound::AtMost if measured > contract => format!(" !≤{contract}"),
            Bound::AtMost => format!(" ≤{contract}"),
        });
    }
    match row.paper.as_ref().map(column) {
        Some(paper) if paper != measured => cell.push_str(&format!(" ({paper})")),
        _ => {}
    }
    cell
}

/// Each reason for a difference, with the events that it is told for.
fn differences(rows: &[Row]) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut told: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for row in rows {
        let Some(difference) = row.difference else { continue };
        match told.iter_mut().find(|(other, _)| *other == difference) {
            Some((_, events)) if events.contains(&row.event) => {}
            Some((_, events)) => events.push(row.event),
            None => told.push((difference, vec![row.event])),
        }
    }
    told
}

fn milliseconds(us: u64) -> String {
    format!("{}.{:02}", us / 1000, us % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(event: &'static str, measured: u32, bound: Bound, expected: u32, paper: u32) -> Row {
        let costs = |rounds| Costs { rounds, ..Costs::default() };
        Row {
            module: "m".to_owned(),
            group: None,
            size: 2,
            event,
            members_after: 3,
            costs: costs(measured),
            bytes: 0,
            exponentiations_total: 0,
            own_share_exponentiations: 0,
            own_share_exponentiations_total: 0,
            check_exponentiations: 0,
            check_exponentiations_total: 0,
            products: 0,
            products_total: 0,
            confirmations: 3,
            channels: 0,
            channels_cached: 0,
            sealed: 0,
            acknowledgements: 0,
            acknowledgement_rounds: 0,
            acknowledgement_bytes: 0,
            expected: Some(costs(expected)),
            bound: Some(bound),
            paper: Some(costs(paper)),
            difference: Some("a reason"),
            broken: Vec::new(),
            time_critical_us: 12_345,
            time_total_us: 7,
            view_setup_us: 0,
            newcomer_setup_us: 0,
            repetitions: 1,
            exponentiations_us: 0,
            products_us: 0,
            signatures_us: 0,
            other_us: 0,
            other_percent: 6.25,
        }
    }

    #[test]
    fn a_cell_tells_contract_and_paper_where_they_differ() {
        let cell = |measured, bound, expected, paper| {
            compared(&row("join", measured, bound, expected, paper), |costs| costs.rounds)
        };
        assert_eq!(cell(4, Bound::Exactly, 4, 4), "4");
        assert_eq!(cell(4, Bound::Exactly, 4, 6), "4 (6)");
        assert_eq!(cell(4, Bound::AtMost, 9, 4), "4 ≤9");
        assert_eq!(cell(4, Bound::AtMost, 9, 6), "4 ≤9 (6)");
        assert_eq!(cell(4, Bound::Exactly, 3, 3), "4 !3 (3)");
        assert_eq!(cell(4, Bound::AtMost, 3, 4), "4 !≤3");
    }

    #[test]
    fn a_reason_is_told_once_with_its_events() {
        let rows = ["join", "leave", "join"].map(|event| row(event, 1, Bound::Exactly, 1, 1));
        assert_eq!(differences(&rows), [("a reason", vec!["join", "leave"])]);
    }

    #[test]
    fn broken_rows_are_named_below_the_table() {
        let mut broken = row("join", 2, Bound::Exactly, 1, 1);
        broken.broken = vec!["rounds 2, not 1".to_owned()];
        let mut out = Vec::new();
        module(&mut Screen::new(&mut out, false), &[broken]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("2 !1 (1)") && text.contains("broken: join of 2: rounds 2, not 1"));
        assert!(text.contains("12.34") && text.contains("0.00"));
    }
}
