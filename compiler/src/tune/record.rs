//! Records: what was measured of a spec on a device.
//!
//! A record holds for one version of its template. It carries the fingerprint of what the kernel
//! computes ([`crate::link::Linked::source`]), and is ignored once that changes. Files of records are
//! text ([`super::text`]).

use super::device_slug;
use crate::schedule::Schedule;
use crate::{Error, template};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tegula_plan::Requires;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/records");

/// One spec, measured on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// [`crate::op::Op::key`].
    pub spec: String,
    /// The adapter's name.
    pub device: String,
    /// Whether the device is a processor: such a record says nothing about GPUs.
    pub software: bool,
    /// The device class.
    pub requires: Requires,
    /// The best schedule, as it prints itself.
    pub schedule: String,
    /// Fingerprint of what it computes, as sixteen hexadecimal digits.
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
    /// How many schedules were timed.
    pub candidates: usize,
    /// What others took in microseconds, by schedule: those that came close ([`Record::close`]).
    /// What lost early was measured less often.
    pub others: BTreeMap<String, f64>,
}

/// A schedule that takes more than this factor of the best is left out of a record: nobody would
/// choose it.
pub const CLOSE: f64 = 1.4;

impl Record {
    /// Of the schedules that were timed, those that a record keeps: what came close to the best,
    /// and the best of each template.
    #[must_use]
    pub fn close(best: f64, timed: impl IntoIterator<Item = (String, f64)>) -> BTreeMap<String, f64> {
        let mut timed: Vec<(String, f64)> = timed.into_iter().collect();
        timed.sort_by(|one, other| one.1.total_cmp(&other.1));
        let mut templates = Vec::new();
        timed.retain(|(schedule, time)| {
            let template = schedule.split(' ').next().unwrap_or_default().to_owned();
            let first = !templates.contains(&template);
            templates.push(template);
            first || *time <= CLOSE * best
        });
        timed.into_iter().collect()
    }

    /// The best schedule; `None` where this version has no such template or tunable.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        parse_schedule(&self.schedule)
    }

    /// What a schedule took, in microseconds.
    #[must_use]
    pub fn time(&self, schedule: &str) -> Option<f64> {
        self.measured().filter(|(other, _)| *other == schedule).last().map(|(_, time)| time)
    }

    /// The schedules that the record keeps and what they took in microseconds, the default and the
    /// winner last.
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
    /// The records that come with this compiler.
    ///
    /// # Errors
    /// [`ErrorKind::Record`].
    pub fn embedded() -> Result<&'static Records, Error> {
        static RECORDS: OnceLock<Records> = OnceLock::new();
        if let Some(records) = RECORDS.get() {
            return Ok(records);
        }
        let mut files: Vec<_> = FILES.files().filter(|file| file.path().extension().is_some_and(|end| end == "txt")).collect();
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
            candidates: others.len() + 1,
            others: others.iter().map(|(schedule, time)| ((*schedule).to_owned(), *time)).collect(),
        }
    }

    #[test]
    fn times_and_devices_are_found() {
        let all = Records { list: vec![record("a n=1", "X", "t", 1.5, &[("b", 2.25)]), record("b", "Y", "gone LANES=1", 3.0, &[])] };
        assert_eq!((all.list[0].time("b"), all.list[0].time("t"), all.list[0].time("c")), (Some(2.25), Some(1.5), None));
        assert!(all.knows("x (version 2)") && !all.knows("Z"));
    }

    #[test]
    fn records_keep_what_came_close_and_the_best_of_each_template() {
        let timed = [("t A=1", 10.0), ("t A=2", 14.0), ("t A=3", 14.1), ("u A=1", 40.0), ("u A=2", 30.0)];
        let kept = Record::close(10.0, timed.map(|(schedule, time)| (schedule.to_owned(), time)));
        assert!(kept.keys().eq(["t A=1", "t A=2", "u A=2"]), "{kept:?}");
    }

    #[test]
    fn schedules_are_read_back_from_what_they_print() {
        for name in template::entries() {
            let values = template::tunables(name).unwrap().iter().map(|(tunable, values)| (*tunable, values[0])).collect();
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
