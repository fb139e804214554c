//! What is told of choices: a line for each, and why.

use super::{Kernels, Verdict, Why};
use serde::Serialize;
use tegula_plan::Choice;

/// What was chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What is computed.
    pub name: String,
    /// Index of the alternative that runs.
    pub chosen: u32,
    /// Its schedule.
    pub schedule: String,
    /// A line for people.
    pub why: String,
}

/// What is said of choices that needed no measuring.
pub(crate) fn taken(choices: &[Choice], chosen: &[u32], kernels: &Kernels) -> Vec<Decision> {
    let why = if matches!(kernels, Kernels::Remembered(_)) { "chosen at an earlier load" } else { "the default" };
    let decision = |(choice, chosen): (&Choice, &u32)| Decision {
        name: choice.name.clone(),
        chosen: *chosen,
        schedule: choice.alternatives[*chosen as usize].clone(),
        why: why.to_owned(),
    };
    choices.iter().zip(chosen).map(decision).collect()
}

/// What is said of a choice: the schedules that were timed, and by how much the one that runs is ahead.
pub(crate) fn describe(choice: &Choice, verdict: &Verdict) -> Decision {
    let schedule = choice.alternatives[verdict.chosen].clone();
    let why = match &verdict.why {
        Why::Untried => "not measured: only scoring runs it".to_owned(),
        Why::NoTime => "not measured: the time did not suffice".to_owned(),
        Why::Alone => "no other can be used on this device".to_owned(),
        Why::Times(times) => {
            let others = choice.alternatives.iter().zip(times).enumerate().filter(|(index, _)| *index != verdict.chosen);
            let others = others.map(|(_, (name, time))| match time {
                Some(time) => format!("{} us with {name}", micros(*time)),
                None => format!("{name} cannot be used"),
            });
            let own = times[verdict.chosen].map_or_else(String::new, micros);
            format!("{own} us, {}", others.collect::<Vec<_>>().join(", "))
        }
    };
    Decision { name: choice.name.clone(), chosen: verdict.chosen as u32, schedule, why }
}

fn micros(seconds: f64) -> String {
    format!("{:.1}", seconds * 1e6)
}
