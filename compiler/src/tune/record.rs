//! Records: what was measured, a line of JSON for each spec and device.
//!
//! A record holds for one version of its template: it carries the fingerprint of the kernel's text before constants are set
//! ([`crate::schedule::Linked::source`]), and counts for nothing once that changes.

use super::device_slug;
use crate::schedule::Schedule;
use crate::{Error, ErrorKind, template};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tegula_plan::Requires;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/records");

/// One spec, measured on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`crate::spec::Spec::key`].
    pub spec: String,
    /// The adapter's name.
    pub device: String,
    /// Whether the device is a processor: such a record says nothing about GPUs.
    pub software: bool,
    /// The device class.
    pub requires: Requires,
    /// The best schedule, as it prints itself.
    pub schedule: String,
    /// Fingerprint of its text before constants are set, as sixteen hexadecimal digits.
    pub source: String,
    /// What it took.
    pub microseconds: f64,
    /// The schedule that is used where nothing was measured.
    pub default: String,
    /// What that took.
    pub default_microseconds: f64,
    /// The least that must be moved.
    pub bytes: u64,
    /// Floating-point operations, where they are what bounds it, else zero.
    pub operations: u64,
    /// `bytes` a second, as a part of what a plain stream reads on this device.
    pub fraction_of_stream: f64,
    /// What the other candidates took in microseconds, by schedule: those that lost early were measured less often.
    pub others: BTreeMap<String, f64>,
}

impl Record {
    /// The best schedule; `None` where this version has no such template or tunable.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        parse_schedule(&self.schedule)
    }

    /// What a schedule took, in microseconds.
    #[must_use]
    pub fn time(&self, schedule: &str) -> Option<f64> {
        if schedule == self.schedule { Some(self.microseconds) } else { self.others.get(schedule).copied() }
    }

    /// The schedules that were timed and what they took in microseconds, the default and the winner last: either may be among the others.
    pub fn measured(&self) -> impl Iterator<Item = (&str, f64)> {
        let others = self.others.iter().map(|(schedule, time)| (schedule.as_str(), *time));
        others.chain([(self.default.as_str(), self.default_microseconds), (self.schedule.as_str(), self.microseconds)])
    }

    /// Whether the record was measured on a device of this name.
    #[must_use]
    pub fn is_of(&self, device: &str) -> bool {
        device_slug(&self.device) == device_slug(device)
    }

    /// The fingerprint as records hold it.
    #[must_use]
    pub fn source_digits(source: u64) -> String {
        format!("{source:016x}")
    }
}

/// Reads a schedule back from what it prints: `matmul/vec LANES=64 QUADS=1`.
#[must_use]
pub fn parse_schedule(text: &str) -> Option<Schedule> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let template = template::entries().into_iter().find(|entry| *entry == name)?;
    let tunables = template::tunables(template).ok()?;
    let value = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let (name, _) = tunables.iter().find(|(tunable, _)| *tunable == name)?;
        Some((*name, value.parse().ok()?))
    };
    Some(Schedule { template, values: words.map(value).collect::<Option<_>>()? })
}

/// Records in the order they were measured in, file by file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// All of them.
    pub list: Vec<Record>,
}

impl Records {
    /// Reads a file: a record a line, empty lines left out.
    ///
    /// # Errors
    /// [`ErrorKind::Record`] with the name and the line of what is no record.
    pub fn parse(file: &str, text: &str) -> Result<Records, Error> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let record = |(index, line): (usize, &str)| {
            let broken = |reason: String| Error::from(ErrorKind::Record { file: file.to_owned(), line: index + 1, reason });
            let record: Record = serde_json::from_str(line).map_err(|error| broken(error.to_string()))?;
            let positive = record.measured().all(|(_, time)| time > 0.0);
            if positive { Ok(record) } else { Err(broken("a time is not positive".into())) }
        };
        Ok(Records { list: lines.map(record).collect::<Result<_, _>>()? })
    }

    /// The records that come with this compiler.
    ///
    /// # Errors
    /// [`ErrorKind::Record`].
    pub fn embedded() -> Result<&'static Records, Error> {
        static RECORDS: OnceLock<Records> = OnceLock::new();
        if let Some(records) = RECORDS.get() {
            return Ok(records);
        }
        let mut files: Vec<_> = FILES.files().filter(|file| file.path().extension().is_some_and(|end| end == "jsonl")).collect();
        files.sort_by_key(|file| file.path());
        let mut all = Records::default();
        for file in files {
            let name = format!("compiler/records/{}", file.path().display());
            all.list.extend(Records::parse(&name, file.contents_utf8().unwrap_or_default())?.list);
        }
        Ok(RECORDS.get_or_init(|| all))
    }

    /// The devices that anything was measured on, by name, each once whatever the versions in it.
    #[must_use]
    pub fn devices(&self) -> Vec<&str> {
        let devices: BTreeMap<String, &str> =
            self.list.iter().rev().map(|record| (device_slug(&record.device), record.device.as_str())).collect();
        devices.into_values().collect()
    }

    /// Whether anything was measured on a device of this name.
    #[must_use]
    pub fn knows(&self, device: &str) -> bool {
        self.list.iter().any(|record| record.is_of(device))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record of a device; `others` as pairs of schedule and time.
    pub fn record(spec: &str, device: &str, schedule: &str, microseconds: f64, others: &[(&str, f64)]) -> Record {
        Record {
            spec: spec.into(),
            device: device.into(),
            software: false,
            requires: Requires::default(),
            schedule: schedule.into(),
            source: Record::source_digits(7),
            microseconds,
            default: schedule.into(),
            default_microseconds: microseconds,
            bytes: 1 << 20,
            operations: 0,
            fraction_of_stream: 0.5,
            others: others.iter().map(|(schedule, time)| ((*schedule).to_owned(), *time)).collect(),
        }
    }

    #[test]
    fn records_survive_a_file() {
        let template = template::entries()[0];
        let all = Records { list: vec![record("a n=1", "X", template, 1.5, &[("b", 2.25)]), record("b", "Y", "gone LANES=1", 3.0, &[])] };
        let lines: Vec<String> = all.list.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        assert_eq!(Records::parse("f", &format!("{}\n\n{}\n", lines[0], lines[1])).unwrap(), all);
        assert_eq!((all.list[0].time("b"), all.list[0].time(template), all.list[0].time("c")), (Some(2.25), Some(1.5), None));
        assert!(all.knows("x (version 2)") && !all.knows("Z"));
    }

    #[test]
    fn a_corrupt_line_is_named() {
        let good = serde_json::to_string(&record("a", "X", "s", 1.0, &[])).unwrap();
        let negative = good.replace("\"microseconds\":1.0", "\"microseconds\":-1.0");
        for bad in ["{", "[]", "{\"spec\": 1}", negative.as_str()] {
            let error = Records::parse("some/file.jsonl", &format!("{good}\n{bad}\n")).unwrap_err().to_string();
            assert!(error.starts_with("some/file.jsonl:2: "), "{error}");
        }
    }

    #[test]
    fn schedules_are_read_back_from_what_they_print() {
        for name in template::entries() {
            let values = template::tunables(name).unwrap().into_iter().map(|(tunable, values)| (tunable, values[0])).collect();
            let schedule = Schedule { template: name, values };
            assert_eq!(parse_schedule(&schedule.to_string()), Some(schedule));
        }
        for wrong in ["", "nowhere", "norm/heads NOTHING=1", "norm/heads LANES=many", "norm/heads LANES"] {
            assert_eq!(parse_schedule(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_records_that_come_with_the_compiler_can_be_read() {
        for record in &Records::embedded().unwrap().list {
            assert!(record.schedule().is_some(), "{}: {}", record.spec, record.schedule);
        }
    }
}
