//! The few schedules of a kernel that a device is left to choose among.
//!
//! A library meets devices that nobody has measured. No single schedule is good on all of them, but among a few there is mostly one that
//! is. The shortlist has the winners that together leave the least worst regret over all measured devices. It also has the default, since
//! the winners on the few measured devices may be of no use on the next. The runtime times them on its device ([`tegula_plan::Choice`]).

use super::choice::Choice;
use super::record::{Record, parse_schedule};
use crate::link::{Linked, link};
use crate::op::Spec;
use crate::tune::Tally;
use crate::{Error, template};
use std::collections::BTreeMap;
use tegula_plan::Requires;

/// A schedule that is slower by no more than this factor is as good: runtimes ask for as much before they leave the first.
const AS_GOOD: f64 = 1.02;

impl Choice<'_> {
    /// The kernels of a spec among which the device is to choose. The first is what [`Choice::kernel`] gives. It is the only one if it was
    /// measured on the named device, if the kernel takes little of a step's time, or if it is for batches: few pages run any, and their
    /// alternatives would be an eighth of a library.
    ///
    /// # Errors
    /// Those of [`Choice::kernel`].
    pub fn shortlist(&self, spec: &Spec, requires: &Requires, tally: &mut Tally) -> Result<Vec<Linked>, Error> {
        let mut chosen = vec![self.kernel(spec, requires, tally)?];
        if self.alternatives < 2 || !spec.is_heavy() || self.is_known(spec, requires) {
            return Ok(chosen);
        }
        let winners = self.elsewhere(&spec.key(), spec, requires, &mut Tally::default());
        let times: Vec<Times> = winners.iter().map(|(record, _)| Times::of(record)).collect();
        let add = |chosen: &mut Vec<Linked>, linked: Linked| {
            if chosen.iter().all(|known| known.text != linked.text) {
                chosen.push(linked);
            }
        };
        add(&mut chosen, link(spec, requires, &spec.default_schedule(requires))?);
        while chosen.len() < self.alternatives as usize {
            let regrets_now = regrets(&times, &chosen, None);
            if regrets_now.first().is_none_or(|worst| *worst <= AS_GOOD) {
                break;
            }
            let best = winners.iter().map(|(_, linked)| (regrets(&times, &chosen, Some(linked)), linked)).min_by(|(one, _), (other, _)| {
                one.iter()
                    .zip(other)
                    .map(|(one, other)| one.total_cmp(other))
                    .find(|order| order.is_ne())
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
            match best {
                Some((regrets, linked)) if regrets != regrets_now => add(&mut chosen, linked.clone()),
                _ => break,
            }
        }
        Ok(chosen)
    }
}

/// What schedules took on a device, as parts of the best.
struct Times {
    /// By schedule with all of its values, however the record abbreviates it.
    regrets: BTreeMap<String, f64>,
}

impl Times {
    fn of(record: &Record) -> Times {
        Times { regrets: record.measured().filter_map(|(name, time)| Some((spelt_out(name)?, time / record.microseconds))).collect() }
    }

    /// What is lost by a schedule; without end where it was not measured.
    fn regret(&self, linked: &Linked) -> f64 {
        let found = spelt_out(&linked.name).and_then(|name| self.regrets.get(&name).copied());
        found.unwrap_or(f64::INFINITY)
    }
}

/// What is lost on each device by the best of these schedules there, the worst first.
fn regrets(times: &[Times], chosen: &[Linked], more: Option<&Linked>) -> Vec<f64> {
    let least = |times: &Times| chosen.iter().chain(more).map(|linked| times.regret(linked)).fold(f64::INFINITY, f64::min);
    let mut regrets: Vec<f64> = times.iter().map(least).collect();
    regrets.sort_by(|one, other| other.total_cmp(one));
    regrets
}

/// A schedule with the values of all tunables of its template.
fn spelt_out(name: &str) -> Option<String> {
    let schedule = parse_schedule(name)?;
    let tunables = template::tunables(schedule.template).ok()?;
    let value = |name| schedule.value(name).or_else(|| template::constant(schedule.template, name).ok().flatten());
    let values = tunables.iter().map(|(name, _)| Some(format!(" {name}={}", value(name)?)));
    Some(schedule.template.to_owned() + &values.collect::<Option<String>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use crate::format::{F16, F32};
    use crate::op::Rows;
    use crate::op::embed::Embed;
    use crate::op::matmul::{Input, Matmul, Output};
    use crate::tune::{Records, space};

    fn spec() -> Spec {
        let (input, output) = (Input::Plain, Output::Residual);
        Matmul { n: 64, k: 64, format: F32, bias: false, factor: 1.0, input, eps: 0.0, output, rows: Rows::One }.into()
    }

    /// Names of the default and of four other candidates.
    fn names() -> [String; 5] {
        let all = space::candidates(&spec(), &Requires::default()).unwrap();
        let names: Vec<String> = all.into_iter().take(5).map(|candidate| candidate.linked.name).collect();
        names.try_into().unwrap()
    }

    fn valid(device: &str, schedule: &str, others: &[(&str, f64)]) -> Record {
        let linked = link(&spec(), &Requires::default(), &parse_schedule(schedule).unwrap()).unwrap();
        Record { source: Record::source_digits(linked.source), ..record(&spec().key(), device, schedule, 10.0, others) }
    }

    fn shortlist(list: &[Record], device: Option<&str>, alternatives: u32) -> Vec<String> {
        let records = Records { list: list.to_vec() };
        let choice = Choice { records: &records, device, frozen: false, alternatives };
        let found = choice.shortlist(&spec(), &Requires::default(), &mut Tally::default()).unwrap();
        found.into_iter().map(|linked| linked.name).collect()
    }

    #[test]
    fn a_shortlist_leaves_the_least_worst_regret() {
        let [default, a, b, c, d] = names();
        // `a` is what one schedule alone loses least with; with the default, `c` makes up for more than `b` would, and `d` for nothing.
        let list = [
            valid("W", &a, &[(&default, 20.0), (&b, 30.0), (&c, 30.0), (&d, 12.0)]),
            valid("X", &b, &[(&default, 20.0), (&a, 13.0), (&c, 11.0), (&d, 40.0)]),
            valid("Y", &c, &[(&default, 20.0), (&a, 14.0), (&b, 15.0), (&d, 40.0)]),
            valid("Z", &d, &[(&default, 40.0), (&a, 10.0), (&b, 40.0), (&c, 40.0)]),
        ];
        assert_eq!(shortlist(&list, None, 3), [a.clone(), default.clone(), c.clone()]);
        assert_eq!(shortlist(&list, None, 4), [a.clone(), default.clone(), c, b]);
        assert_eq!(shortlist(&list, None, 2), [a.clone(), default.clone()]);
        assert_eq!(shortlist(&list, None, 1), std::slice::from_ref(&a));
        assert_eq!(shortlist(&list, Some("V"), 2), [a, default], "a device that nobody has measured");
    }

    #[test]
    fn what_was_measured_on_the_device_leaves_no_choice() {
        let [_, a, b, ..] = names();
        let list = [valid("X", &a, &[(&b, 11.0)]), valid("Y", &b, &[(&a, 11.0)])];
        assert_eq!(shortlist(&list, Some("Y"), 3), [b]);
    }

    #[test]
    fn where_little_is_known_or_the_default_won_there_is_little_to_try() {
        let [default, a, ..] = names();
        assert_eq!(shortlist(&[], None, 3), std::slice::from_ref(&default));
        assert_eq!(shortlist(&[valid("X", &default, &[(&a, 11.0)])], None, 3), std::slice::from_ref(&default));
        assert_eq!(shortlist(&[Record { software: true, ..valid("llvmpipe", &a, &[]) }], None, 3), [default]);
    }

    #[test]
    fn a_winner_that_others_never_tried_is_no_reason_to_leave_it_out() {
        let [default, a, b, ..] = names();
        let list = [valid("X", &a, &[(&default, 20.0)]), valid("Y", &b, &[(&default, 20.0)])];
        let mut found = shortlist(&list, None, 3);
        found.sort();
        let mut expected = [default, a, b];
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn light_kernels_have_one_schedule() {
        let embed = Spec::from(Embed { n: 50, k: 172, format: F16, angles: None, scale: 1.0 });
        let choice = Choice { records: &Records::default(), device: None, frozen: false, alternatives: 3 };
        assert_eq!(choice.shortlist(&embed, &Requires::default(), &mut Tally::default()).unwrap().len(), 1);
    }

    #[test]
    fn abbreviated_names_are_those_of_the_same_schedule() {
        let tunables = template::tunables("matmul/vec").unwrap();
        let (name, usual) = (tunables[0].0, template::constant("matmul/vec", tunables[0].0).unwrap().unwrap());
        assert_eq!(spelt_out("matmul/vec"), spelt_out(&format!("matmul/vec {name}={usual}")));
        assert_ne!(spelt_out("matmul/vec"), spelt_out(&format!("matmul/vec {name}={}", usual + 1)));
        assert_eq!(spelt_out("matmul/gone"), None);
    }
}
