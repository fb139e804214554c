//! What `tegula tune` prints: a line for each record.

use anyhow::Result;
use tegula_compiler::tune::{Record, Records};

use crate::report;

/// Prints records as a table, to stdout.
pub fn print(records: &Records) -> Result<()> {
    report::print_text(&table(&records.list))
}

fn table(records: &[Record]) -> String {
    let mut rows =
        vec![["spec", "device", "candidates", "best us", "default us", "factor", "of ceiling", "best schedule"].map(str::to_owned)];
    rows.extend(records.iter().map(row));
    let widths: Vec<usize> = (0..8).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            // Numbers are aligned on the right.
            line += &if (2..7).contains(&column) { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn row(record: &Record) -> [String; 8] {
    let ceiling = if record.operations > 0 {
        format!("{:.2} TFLOP/s", record.operations as f64 / record.microseconds / 1e6)
    } else {
        format!("{:.1} %", 100.0 * record.fraction_of_stream)
    };
    [
        record.spec.clone(),
        record.device.clone(),
        record.candidates.to_string(),
        format!("{:.1}", record.microseconds),
        format!("{:.1}", record.default_microseconds),
        format!("{:.2}", record.default_microseconds / record.microseconds),
        ceiling,
        record.schedule.clone(),
    ]
}
