//! Choosing a schedule from what was measured.
//!
//! The choice is the first of these that exists:
//! - the winner on the device that is asked for, on this shape or the nearest;
//! - a winner on another device, also on this shape or the nearest. Each winner is rated by its greatest loss on any device. The one that
//!   loses least is taken;
//! - the default.
//!
//! Records of software renderers count for those alone: what is good for a processor with vector units says nothing about a GPU. A record
//! counts in the device class that it was made in. It also counts in lesser classes, if its schedule is legal there.

use super::record::{CLOSE, Record, Records};
use super::tally::Tally;
use super::{device_slug, space};
use crate::link::{Linked, link, source};
use crate::op::{Spec, key};
use crate::{Error, ErrorKind};
use std::collections::BTreeMap;
use tegula_plan::Requires;

/// What to choose by.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// What was measured.
    pub records: &'a Records,
    /// Name of the device to choose for, as its adapter gives it; `None` for any.
    pub device: Option<&'a str>,
    /// Whether it is an error if nothing was measured where there is something to choose.
    pub frozen: bool,
    /// The most schedules that are left to the device where none was measured on it.
    pub alternatives: u32,
}

impl Choice<'_> {
    /// The kernel of a spec on devices that have what `requires` says.
    ///
    /// # Errors
    /// [`ErrorKind::NoRecord`] if frozen; those of [`link`].
    pub fn kernel(&self, spec: &Spec, requires: &Requires, tally: &mut Tally) -> Result<Linked, Error> {
        let key = spec.key();
        let on_device = self.device.map(|device| self.near(&key, requires, |record| record.is_of(device)));
        for (index, distance) in on_device.into_iter().flatten() {
            if let Some(linked) = self.valid(index, spec, requires, tally) {
                *(if distance == 0.0 { &mut tally.device } else { &mut tally.near }) += 1;
                return Ok(linked);
            }
        }
        if let Some(linked) = self.generic(&key, spec, requires, tally) {
            tally.generic += 1;
            return Ok(linked);
        }
        if self.frozen && space::is_open(spec) {
            let device = self.device.map_or_else(|| "any device".to_owned(), |device| format!("`{device}`"));
            return Err(ErrorKind::NoRecord { spec: key, device }.into());
        }
        tally.default += 1;
        link(spec, requires, &spec.default_schedule(requires))
    }

    /// Whether this very shape was measured on the device, with the templates as they are now.
    #[must_use]
    pub fn is_measured(&self, spec: &Spec, requires: &Requires) -> bool {
        let Some(device) = self.device else { return false };
        let own = self.near(&spec.key(), requires, |record| record.is_of(device) && record.requires == *requires);
        own.into_iter().any(|(index, distance)| distance == 0.0 && self.valid(index, spec, requires, &mut Tally::default()).is_some())
    }

    /// Whether the named device has a record of this shape or a near one that still holds.
    pub(super) fn is_known(&self, spec: &Spec, requires: &Requires) -> bool {
        let Some(device) = self.device else { return false };
        let own = self.near(&spec.key(), requires, |record| record.is_of(device));
        own.into_iter().any(|(index, _)| self.valid(index, spec, requires, &mut Tally::default()).is_some())
    }

    /// Records of this key or a near one that pass a test: the nearest first, of those the ones of the same device class, of those the last.
    fn near(&self, key: &str, requires: &Requires, accept: impl Fn(&Record) -> bool) -> Vec<(usize, f64)> {
        // What was found in a lesser class says nothing of what this one could do.
        let suits = |record: &Record| requires.beyond(&record.requires).is_none() && accept(record);
        let all = self.records.list.iter().enumerate().rev().filter(|(_, record)| suits(record));
        let mut near: Vec<(usize, f64)> = all.filter_map(|(index, record)| Some((index, key::distance(key, &record.spec)?))).collect();
        let foreign = |index: usize| self.records.list[index].requires != *requires;
        near.sort_by(|(one, nearer), (other, farther)| nearer.total_cmp(farther).then(foreign(*one).cmp(&foreign(*other))));
        near
    }

    /// The kernel that a record's winner makes for a spec, if the record still holds.
    fn valid(&self, index: usize, spec: &Spec, requires: &Requires, tally: &mut Tally) -> Option<Linked> {
        let record = &self.records.list[index];
        let winner = record.schedule();
        let source = winner.as_ref().and_then(|winner| source(spec, requires, winner).ok());
        let unchanged = source.is_some_and(|source| Record::source_digits(source) == record.source);
        // Where the class has a template by default that was not among those measured, the winner never met that.
        let usual = spec.default_schedule(&record.requires).template;
        let met_default = record.measured().any(|(schedule, _)| schedule.split(' ').next() == Some(usual));
        if unchanged && met_default {
            // A schedule of another shape need not be legal.
            return winner.and_then(|winner| link(spec, requires, &winner).ok());
        }
        // In another device class a kernel may well have another text.
        if record.requires == *requires {
            tally.stale.insert(index);
        }
        None
    }

    /// Of the schedules that won somewhere, the one that loses least at worst.
    fn generic(&self, key: &str, spec: &Spec, requires: &Requires, tally: &mut Tally) -> Option<Linked> {
        let measured = self.elsewhere(key, spec, requires, tally);
        let records: Vec<&Record> = measured.iter().map(|(record, _)| *record).collect();
        let least = measured.iter().min_by(|(one, _), (other, _)| {
            let [one, other] = [one, other].map(|record| worst_regret(&record.schedule, &records));
            // Of equals the one that was measured on more devices.
            one.0.total_cmp(&other.0).then(other.1.cmp(&one.1))
        });
        least.map(|(_, linked)| linked.clone())
    }

    /// What won on each device that is a GPU: its last record of this shape, or of the nearest that any device has.
    pub(super) fn elsewhere(&self, key: &str, spec: &Spec, requires: &Requires, tally: &mut Tally) -> Vec<(&Record, Linked)> {
        let mut shape: Option<&str> = None;
        let mut measured: BTreeMap<String, (&Record, Linked)> = BTreeMap::new();
        for (index, _) in self.near(key, requires, |record| !record.software) {
            let record = &self.records.list[index];
            if shape.is_some_and(|shape| shape != record.spec) || measured.contains_key(&device_slug(&record.device)) {
                continue;
            }
            if let Some(linked) = self.valid(index, spec, requires, tally) {
                shape = Some(&record.spec);
                measured.insert(device_slug(&record.device), (record, linked));
            }
        }
        measured.into_values().collect()
    }
}

/// The greatest factor by which a schedule is slower than the best, and the number of devices where it was timed. Records leave out schedules
/// that did not come close, so a missing one counts as slower than that.
fn worst_regret(schedule: &str, records: &[&Record]) -> (f64, usize) {
    let regrets = records.iter().map(|record| record.time(schedule).map(|time| time / record.microseconds));
    regrets.fold((0.0, 0), |(worst, count), regret| (regret.unwrap_or(CLOSE).max(worst), count + usize::from(regret.is_some())))
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use crate::format::{F16, F32};
    use crate::op::Rows;
    use crate::op::attention::Attention;
    use crate::op::heads::Heads;
    use crate::op::matmul::{Input, Matmul, Output};
    use crate::schedule::Schedule;
    use tegula_plan::Dtype;

    fn spec(n: u32) -> Spec {
        let (input, output) = (Input::Plain, Output::Residual);
        Spec::from(Matmul { n, k: 64, format: F32, bias: false, factor: 1.0, input, eps: 0.0, output, rows: Rows::One })
    }

    /// Names of three candidates of the spec, none of them the default.
    fn names() -> Vec<String> {
        let all = space::candidates(&spec(64), &Requires::default()).unwrap();
        all.into_iter().skip(1).take(3).map(|candidate| candidate.linked.name).collect()
    }

    /// A record that holds.
    fn valid(n: u32, device: &str, schedule: &str, others: &[(&str, f64)]) -> Record {
        let linked = link(&spec(n), &Requires::default(), &super::super::record::parse_schedule(schedule).unwrap()).unwrap();
        Record { source: Record::source_digits(linked.source), ..record(&spec(n).key(), device, schedule, 10.0, others) }
    }

    fn choose(list: Vec<Record>, device: Option<&str>, frozen: bool) -> (Result<String, Error>, Tally) {
        let mut tally = Tally::default();
        let choice = Choice { records: &Records { list }, device, frozen, alternatives: 1 };
        let linked = choice.kernel(&spec(64), &Requires::default(), &mut tally);
        (linked.map(|linked| linked.name), tally)
    }

    #[test]
    fn a_devices_own_record_counts_first_and_the_last_of_them() {
        let names = names();
        let list = vec![valid(64, "X", &names[0], &[]), valid(64, "X", &names[1], &[]), valid(64, "Y", &names[2], &[])];
        let (name, tally) = choose(list, Some("x"), true);
        assert_eq!((name.unwrap(), tally.device), (names[1].clone(), 1));
    }

    #[test]
    fn the_least_worst_regret_is_chosen_for_unknown_devices() {
        let [a, b, c] = <[String; 3]>::try_from(names()).unwrap();
        let list = vec![
            valid(64, "X", &a, &[(&b, 11.0), (&c, 30.0)]),
            valid(64, "Y", &b, &[(&a, 15.0), (&c, 12.0)]),
            valid(64, "Z", &c, &[(&a, 11.0), (&b, 12.0)]),
        ];
        for device in [None, Some("W")] {
            let (name, tally) = choose(list.clone(), device, true);
            assert_eq!((name.unwrap(), tally.generic), (b.clone(), 1));
        }
    }

    #[test]
    fn software_counts_for_itself_alone() {
        let names = names();
        let list = vec![Record { software: true, ..valid(64, "llvmpipe", &names[0], &[]) }];
        assert_eq!(choose(list.clone(), Some("llvmpipe (LLVM 9)"), true).0.unwrap(), names[0]);
        assert_eq!(choose(list, None, false).1.default, 1);
    }

    #[test]
    fn what_was_found_in_a_lesser_class_says_nothing_of_a_greater() {
        let names = names();
        let greater = Requires { f16: true, ..Requires::default() };
        let in_greater = |name: &String| Record { requires: greater, ..valid(64, "X", name, &[]) };
        let choose_in = |list: Vec<Record>, requires: Requires| {
            let choice = Choice { records: &Records { list }, device: Some("X"), frozen: false, alternatives: 1 };
            choice.kernel(&spec(64), &requires, &mut Tally::default()).unwrap().name
        };
        let default = spec(64).default_schedule(&greater).to_string();
        assert_eq!(choose_in(vec![valid(64, "X", &names[0], &[])], greater), default);
        assert_eq!(choose_in(vec![in_greater(&names[0])], Requires::default()), names[0]);
        let both = vec![valid(64, "X", &names[0], &[]), in_greater(&names[1])];
        assert_eq!([greater, Requires::default()].map(|requires| choose_in(both.clone(), requires)), [names[1].clone(), names[0].clone()]);
    }

    #[test]
    fn a_shape_without_record_takes_that_of_the_nearest() {
        let names = names();
        let list = vec![valid(100, "X", &names[0], &[]), valid(72, "X", &names[1], &[]), valid(1000, "X", &names[2], &[])];
        let (name, tally) = choose(list.clone(), Some("X"), true);
        assert_eq!((name.unwrap(), tally.near), (names[1].clone(), 1));
        assert_eq!(choose(list, None, true).0.unwrap(), names[1]);
        assert_eq!(choose(vec![valid(1000, "X", &names[2], &[])], Some("X"), false).1.default, 1);
    }

    #[test]
    fn stale_records_are_ignored_and_counted() {
        let names = names();
        let gone = Record { schedule: "matmul/gone A=1".into(), ..valid(64, "X", &names[0], &[]) };
        let changed = Record { source: Record::source_digits(1), ..valid(64, "X", &names[0], &[]) };
        let (name, tally) = choose(vec![gone, changed], Some("X"), false);
        assert_eq!(name.unwrap(), spec(64).default_schedule(&Requires::default()).to_string());
        assert_eq!((tally.default, tally.stale.len()), (1, 2));
        assert!(tally.to_string().contains("2 stale"));
    }

    #[test]
    fn records_that_never_met_the_template_that_is_the_default_now_are_stale() {
        let heads = Heads { query: 4, kv: 2, dim: 64, cache: Dtype::F16 };
        let spec =
            Spec::from(Attention { heads, scale: 0.1, softcap: None, window: None, pages_per_sequence: 4, split: false, rows: Rows::Many });
        let requires = Requires { subgroups: true, f16: true, matrix: false };
        let default = spec.default_schedule(&requires).to_string();
        let winner = Schedule { template: "attention/flash", values: vec![("ROWS", 4), ("LANES", 64)] };
        let source = Record::source_digits(link(&spec, &requires, &winner).unwrap().source);
        for (others, known) in [(vec![], false), (vec![(default.as_str(), 11.0)], true)] {
            let old = record(&spec.key(), "X", &winner.to_string(), 10.0, &others);
            let list = vec![Record { source: source.clone(), requires, default: winner.to_string(), ..old }];
            let choice = Choice { records: &Records { list }, device: Some("X"), frozen: false, alternatives: 1 };
            let mut tally = Tally::default();
            let name = choice.kernel(&spec, &requires, &mut tally).unwrap().name;
            assert_eq!(name, if known { winner.to_string() } else { default.clone() });
            assert_eq!((tally.device, tally.stale.len()), (usize::from(known), usize::from(!known)));
        }
    }

    #[test]
    fn frozen_refuses_what_was_not_measured_and_names_it() {
        let (error, _) = choose(Vec::new(), Some("X"), true);
        let error = error.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoRecord { spec: found, .. } if *found == spec(64).key()), "{error}");
        let embed = Spec::from(crate::op::embed::Embed { n: 50, k: 172, format: F16, angles: None, scale: 1.0 });
        let choice = Choice { records: &Records::default(), device: None, frozen: true, alternatives: 1 };
        assert!(choice.kernel(&embed, &Requires::default(), &mut Tally::default()).is_ok(), "there is nothing to choose");
    }
}
