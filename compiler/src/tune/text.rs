//! How records are written: text with a few lines a record, which is small and shows in a diff what
//! was measured again.
//!
//! ```text
//! gpu NVIDIA H200
//! matmul q4f16 n=4096 k=4096 plain residual one
//!   class=subgroups+f16 source=b157a5c39ee9c009 bytes=9449472 operations=0 stream=0.2724 candidates=96
//!   7.519 matmul/vec_staged LANES=256 TEAM=128 QUADS=1 WORDS=2
//!   7.829 matmul/vec TEAM=128 QUADS=2 WORDS=2 F16=1
//!   also matmul/vec TEAM TEAMS QUADS WORDS F16: 256 1 1 1 1 = 7.66, 256 1 2 2 1 = 7.805
//! ```
//!
//! The first line names a device for all records behind it, `cpu` where it is a processor. A record
//! begins with its spec. Its other lines are indented: facts, then microseconds of the best
//! schedule, of the default, and of others that came close, by the values of their tunables.

use super::record::{Record, Records};
use crate::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;
use tegula_plan::Requires;

/// Indentation of all lines of a record but the first.
const INDENT: &str = "  ";

impl Record {
    /// The record as text, to follow `last` in a file.
    #[must_use]
    pub fn to_text(&self, last: Option<&Record>) -> String {
        let mut out = String::new();
        if last.is_none_or(|last| (&last.device, last.software) != (&self.device, self.software)) {
            let kind = if self.software { "cpu" } else { "gpu" };
            out += &format!("{kind} {}\n", self.device);
        }
        let Record { spec, source, bytes, operations, fraction_of_stream, candidates, .. } = self;
        let class = class_name(&self.requires);
        out += &format!(
            "{spec}\n{INDENT}class={class} source={source} bytes={bytes} operations={operations} stream={fraction_of_stream} candidates={candidates}\n"
        );
        for (time, schedule) in [(self.microseconds, &self.schedule), (self.default_microseconds, &self.default)] {
            out += &format!("{INDENT}{time} {schedule}\n");
        }
        // By template and names of tunables, each by time.
        let mut groups: BTreeMap<String, Vec<(f64, String)>> = BTreeMap::new();
        for (schedule, time) in &self.others {
            let (mut names, mut values) = (String::new(), String::new());
            for word in schedule.split(' ') {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                names = names + " " + name;
                values = if value.is_empty() { values } else { values + value + " " };
            }
            groups.entry(names).or_default().push((*time, values));
        }
        for (names, mut times) in groups {
            times.sort_by(|one, other| one.0.total_cmp(&other.0));
            let times: Vec<String> = times.into_iter().map(|(time, values)| format!("{values}= {time}")).collect();
            writeln!(out, "{INDENT}also{names}: {}", times.join(", ")).expect("a string takes any text");
        }
        out
    }
}

impl Records {
    /// The records as a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let last = [None].into_iter().chain(self.list.iter().map(Some));
        self.list.iter().zip(last).map(|(record, last)| record.to_text(last)).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorKind::Record`] with the name and the line of what is no record.
    pub fn parse(file: &str, text: &str) -> Result<Records, Error> {
        let mut reader = Reader::default();
        let mut last = 0;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            last = index;
            reader.line(line).map_err(|reason| broken(file, index, reason))?;
        }
        reader.finish().map_err(|reason| broken(file, last, reason))?;
        Ok(Records { list: reader.list })
    }
}

fn broken(file: &str, index: usize, reason: String) -> Error {
    ErrorKind::Record { file: file.to_owned(), line: index + 1, reason }.into()
}

/// A file as far as it was read.
#[derive(Default)]
struct Reader {
    device: Option<(String, bool)>,
    current: Option<Partial>,
    list: Vec<Record>,
}

/// A record of which lines may be missing yet.
struct Partial {
    spec: String,
    facts: Option<Facts>,
    /// The best, then the default.
    times: Vec<(String, f64)>,
    others: BTreeMap<String, f64>,
}

struct Facts {
    requires: Requires,
    source: String,
    bytes: u64,
    operations: u64,
    fraction_of_stream: f64,
    candidates: usize,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let Some(indented) = line.strip_prefix(INDENT) else {
            self.finish()?;
            match line.split_once(' ') {
                Some((kind @ ("gpu" | "cpu"), device)) => self.device = Some((device.to_owned(), kind == "cpu")),
                _ if self.device.is_none() => return Err("records begin with the device: `gpu NAME` or `cpu NAME`".into()),
                _ => self.current = Some(Partial { spec: line.to_owned(), facts: None, times: Vec::new(), others: BTreeMap::new() }),
            }
            return Ok(());
        };
        let current = self.current.as_mut().ok_or("an indented line belongs to no record")?;
        match (&current.facts, current.times.len()) {
            (None, _) => current.facts = Some(Facts::parse(indented)?),
            (Some(_), 0 | 1) => {
                let (time, schedule) = indented.split_once(' ').ok_or("a time and a schedule are expected")?;
                current.times.push((schedule.to_owned(), positive(time)?));
            }
            _ => others(indented, &mut current.others)?,
        }
        Ok(())
    }

    /// Ends the record that is being read, if there is one.
    fn finish(&mut self) -> Result<(), String> {
        let Some(Partial { spec, facts, times, others }) = self.current.take() else { return Ok(()) };
        let (Some(facts), [best, default], Some((device, software))) = (facts, &times[..], &self.device) else {
            return Err(format!("the record of `{spec}` is not complete"));
        };
        self.list.push(Record {
            spec,
            device: device.clone(),
            software: *software,
            requires: facts.requires,
            schedule: best.0.clone(),
            source: facts.source,
            microseconds: best.1,
            default: default.0.clone(),
            default_microseconds: default.1,
            bytes: facts.bytes,
            operations: facts.operations,
            fraction_of_stream: facts.fraction_of_stream,
            candidates: facts.candidates,
            others,
        });
        Ok(())
    }
}

impl Facts {
    fn parse(line: &str) -> Result<Facts, String> {
        let mut pairs: BTreeMap<&str, &str> = BTreeMap::new();
        for word in line.split(' ') {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is no fact of a record: NAME=VALUE is expected"))?;
            pairs.insert(name, value);
        }
        let mut take = |name: &str| pairs.remove(name).ok_or_else(|| format!("`{name}=` is missing"));
        let facts = Facts {
            requires: parse_class(take("class")?)?,
            source: take("source")?.to_owned(),
            bytes: number(take("bytes")?)?,
            operations: number(take("operations")?)?,
            fraction_of_stream: number(take("stream")?)?,
            candidates: number(take("candidates")?)?,
        };
        match pairs.keys().next() {
            Some(unknown) => Err(format!("`{unknown}` is no fact of a record")),
            None => Ok(facts),
        }
    }
}

/// `also TEMPLATE NAME …: VALUE … = TIME, …`.
fn others(line: &str, found: &mut BTreeMap<String, f64>) -> Result<(), String> {
    let (names, times) = line.strip_prefix("also ").and_then(|rest| rest.split_once(": ")).ok_or("`also TEMPLATE …: …` is expected")?;
    let names: Vec<&str> = names.split(' ').collect();
    for entry in times.split(", ") {
        let (values, time) = entry.split_once("= ").ok_or_else(|| format!("`{entry}` is no schedule with its time"))?;
        let values: Vec<&str> = values.split_whitespace().collect();
        if values.len() + 1 != names.len() {
            return Err(format!("`{entry}` has {} values for {} tunables", values.len(), names.len() - 1));
        }
        let values = names[1..].iter().zip(values).map(|(name, value)| format!(" {name}={value}"));
        found.insert(values.fold(names[0].to_owned(), |all, word| all + &word), positive(time)?);
    }
    Ok(())
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn positive(text: &str) -> Result<f64, String> {
    let time: f64 = number(text)?;
    if time > 0.0 && time.is_finite() { Ok(time) } else { Err(format!("the time `{text}` is not positive")) }
}

fn class_name(requires: &Requires) -> String {
    let features = [(requires.subgroups, "subgroups"), (requires.f16, "f16"), (requires.matrix, "matrix")];
    let named: Vec<&str> = features.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
    if named.is_empty() { "none".into() } else { named.join("+") }
}

fn parse_class(text: &str) -> Result<Requires, String> {
    let mut requires = Requires::default();
    for feature in text.split('+').filter(|_| text != "none") {
        match feature {
            "subgroups" => requires.subgroups = true,
            "f16" => requires.f16 = true,
            "matrix" => requires.matrix = true,
            _ => return Err(format!("`{feature}` is no feature of a device class")),
        }
    }
    Ok(requires)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    fn all() -> Records {
        let others = [("t A=1 B=2", 2.25), ("t A=3 B=1", 1.75), ("t A=1", 1.9), ("u", 2.0)];
        let matrix = Requires { subgroups: true, f16: true, matrix: true };
        Records {
            list: vec![
                record("a n=1", "X (version 1, of 2)", "t A=2 B=2", 1.5, &others),
                Record { requires: matrix, operations: 7, candidates: 96, ..record("b", "X (version 1, of 2)", "gone LANES=1", 3.0, &[]) },
                Record { software: true, ..record("c", "X (version 1, of 2)", "t", 12_345.678, &[("t A=1 B=2", 13_000.0)]) },
            ],
        }
    }

    #[test]
    fn records_survive_a_file() {
        let text = all().to_text();
        assert_eq!(Records::parse("f", &text).unwrap(), all());
        assert_eq!(Records::parse("f", &text.replace('\n', "\r\n\r\n")).unwrap(), all());
        assert_eq!(text.lines().filter(|line| line.starts_with("gpu ") || line.starts_with("cpu ")).count(), 2);
        assert!(text.contains("\n  also t A B: 3 1 = 1.75, 1 2 = 2.25\n") && text.contains("\n  also u: = 2\n"), "{text}");
        assert_eq!(Records::parse("f", "").unwrap(), Records::default());
    }

    #[test]
    fn a_corrupt_line_is_named() {
        let text = all().to_text();
        let lines: Vec<&str> = text.lines().collect();
        for (line, with) in [
            (1, "{\"spec\":\"a\"}"),
            (3, "  class=none source=7"),
            (3, "  class=warp source=7 bytes=1 operations=0 stream=1 candidates=1"),
            (3, "  class=none source=7 bytes=1 operations=0 stream=1 candidates=1 more=1"),
            (4, "  -1 t A=2"),
            (4, "  NaN t A=2"),
            (4, "  1.5"),
            (6, "  also t A B: 3 = 1.75"),
            (6, "  also t A B: 3 1 = 0"),
            (6, "  1.5 t"),
        ] {
            let mut changed = lines.clone();
            changed[line - 1] = with;
            let error = Records::parse("some/file.txt", &changed.join("\n")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("some/file.txt:{line}: ")), "{with}: {error}");
        }
    }

    #[test]
    fn a_record_that_was_cut_short_is_refused() {
        let text = Records { list: all().list[..1].to_vec() }.to_text();
        for lines in 2..5 {
            let cut: Vec<&str> = text.lines().take(lines).collect();
            assert!(Records::parse("f", &cut.join("\n")).unwrap_err().to_string().contains("not complete"));
        }
    }
}
