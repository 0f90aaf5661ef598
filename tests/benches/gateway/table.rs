//! Figures of several rounds, and the one table they become: the least of the rounds beside their median, because what
//! else the machine does only ever adds.

use crate::server::Kind;
use std::fmt::Write;

/// One figure of one round.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// With its unit.
    pub what: &'static str,
    pub best: Best,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Best {
    Least,
    Most,
}

pub fn least(what: &'static str, value: f64) -> Reading {
    Reading { what, best: Best::Least, value }
}

pub fn most(what: &'static str, value: f64) -> Reading {
    Reading { what, best: Best::Most, value }
}

/// All rounds of one row, or why it failed.
pub struct Row {
    pub name: String,
    pub rounds: Vec<(Kind, Vec<Reading>)>,
    pub fault: Option<String>,
}

pub fn table(group: &str, rows: &[Row]) -> String {
    let mut text = format!("\n## {group}\n\n| row | figure | floor | median | postern | median | ratio |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for row in rows {
        // Those of both; a figure that one alone has stands beside a dash.
        let mut figures: Vec<Reading> = vec![];
        for reading in row.rounds.iter().flat_map(|(_, readings)| readings) {
            if !figures.iter().any(|figure| figure.what == reading.what) {
                figures.push(*reading);
            }
        }
        for figure in figures {
            let (floor, postern) = (values(row, Kind::Floor, figure), values(row, Kind::Postern, figure));
            let ratio = match (floor.first(), postern.first()) {
                (Some(floor), Some(postern)) => format!("{:.2}", postern / floor),
                _ => "–".to_owned(),
            };
            let cells = [&floor, &postern].map(|values| (shown(values.first()), shown(values.get(values.len() / 2))));
            let [(floor, floor_median), (postern, median)] = cells;
            let line = format!(
                "| {} | {} | {floor} | {floor_median} | {postern} | {median} | {ratio} |",
                row.name, figure.what
            );
            writeln!(text, "{line}").expect("a string takes all");
        }
        if let Some(fault) = &row.fault {
            writeln!(text, "| {} | **failed**: {fault} | | | | | |", row.name).expect("a string takes all");
        }
    }
    text
}

/// Of all rounds, the best first.
fn values(row: &Row, kind: Kind, figure: Reading) -> Vec<f64> {
    let rounds = row.rounds.iter().filter(|(of, _)| *of == kind).flat_map(|(_, readings)| readings);
    let mut values: Vec<f64> =
        rounds.filter(|reading| reading.what == figure.what).map(|reading| reading.value).collect();
    values.sort_by(f64::total_cmp);
    if figure.best == Best::Most {
        values.reverse();
    }
    values
}

fn shown(value: Option<&f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}
