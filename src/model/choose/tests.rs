//! The policy on a device that is made up, with a clock that runs only while kernels do.

use super::*;
use futures::executor::block_on;

/// Alternatives by what a dispatch takes.
struct Device {
    /// Seconds of a dispatch, by choice and alternative.
    seconds: Vec<Vec<f64>>,
    /// Choice and alternative that give wrong results.
    wrong: Vec<(usize, usize)>,
    /// What every submission takes besides.
    latency: f64,
    clock: Clock,
    now: f64,
    /// Choices in the order of their checks, and of their samples.
    checked: Vec<usize>,
    sampled: Vec<usize>,
}

impl Device {
    fn new(seconds: &[&[f64]]) -> Device {
        let seconds = seconds.iter().map(|seconds| seconds.to_vec()).collect();
        let clock = Clock { sample: 5e-3, error: 0.0 };
        Device { seconds, wrong: Vec::new(), latency: 1e-3, clock, now: 100.0, checked: Vec::new(), sampled: Vec::new() }
    }

    /// A choice of each, of which one dispatch has so much to do as its first alternative takes seconds.
    fn tasks(&self) -> Vec<Task> {
        let task = |(choice, seconds): (usize, &Vec<f64>)| {
            let work = seconds[0] * 1e9;
            Task { choice, alternatives: seconds.len(), check: work, dispatch: work, step: 16.0 * work }
        };
        self.seconds.iter().enumerate().map(task).collect()
    }

    fn decide(&mut self, seconds: f64) -> Vec<Verdict> {
        let tasks = self.tasks();
        block_on(decide(self, &tasks, seconds)).unwrap()
    }
}

impl Subject for Device {
    fn now(&self) -> f64 {
        self.now
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    async fn check(&mut self, task: &Task, alternative: usize) -> Result<Result<(), String>> {
        self.checked.push(task.choice);
        self.checked.dedup();
        self.now += self.latency + self.seconds[task.choice][alternative];
        Ok(if self.wrong.contains(&(task.choice, alternative)) { Err("it is wrong".into()) } else { Ok(()) })
    }

    async fn sample(&mut self, task: &Task, alternative: usize, dispatches: u32) -> Result<f64> {
        self.sampled.push(task.choice);
        self.sampled.dedup();
        let seconds = self.seconds[task.choice][alternative];
        self.now += self.latency + seconds * f64::from(dispatches);
        Ok(seconds)
    }
}

fn chosen(verdicts: &[Verdict]) -> Vec<usize> {
    verdicts.iter().map(|verdict| verdict.chosen).collect()
}

#[test]
fn what_is_faster_by_a_fiftieth_takes_the_place_of_the_first() {
    let mut device = Device::new(&[&[1e-4, 9e-5], &[1e-4, 9.9e-5], &[1e-5, 2e-5, 5e-6], &[1e-4, 5e-3]]);
    device.latency = 0.0;
    let verdicts = device.decide(SECONDS);
    assert_eq!(chosen(&verdicts), [1, 0, 2, 0]);
    assert!(device.now - 100.0 <= SECONDS, "{}", device.now);
    let Why::Times(times) = &verdicts[0].why else { panic!("{:?}", verdicts[0]) };
    assert_eq!(times, &[Some(1e-4), Some(9e-5)]);
}

#[test]
fn a_coarse_clock_asks_for_more() {
    let mut device = Device::new(&[&[1e-4, 9e-5], &[1e-4, 5e-5]]);
    device.clock = Clock { sample: 20e-3, error: 2.5e-3 };
    assert_eq!(chosen(&device.decide(SECONDS)), [0, 1]);
}

#[test]
fn a_wrong_alternative_is_dropped() {
    let mut device = Device::new(&[&[1e-4, 1e-5, 5e-5], &[1e-4, 1e-5], &[1e-4, 1e-5]]);
    device.wrong = vec![(0, 1), (1, 1), (2, 0)];
    let verdicts = device.decide(SECONDS);
    assert_eq!(chosen(&verdicts), [2, 0, 0]);
    assert_eq!([&verdicts[1].why, &verdicts[2].why], [&Why::Alone; 2], "without the first there is nothing to compare with");
    let Why::Times(times) = &verdicts[0].why else { panic!("{:?}", verdicts[0]) };
    assert_eq!(times[1], None);
}

#[test]
fn nothing_is_begun_that_would_not_be_over_in_time() {
    // A slow processor: dispatches of a tenth of a second up to minutes.
    let times: Vec<Vec<f64>> = [0.02, 0.1, 0.3, 2.0, 60.0].iter().map(|seconds| vec![*seconds, seconds / 2.0]).collect();
    let slow = || Device::new(&times.iter().map(Vec::as_slice).collect::<Vec<_>>());
    for seconds in [0.0, 0.1, 0.5, SECONDS] {
        let mut device = slow();
        let verdicts = device.decide(seconds);
        assert!(device.now - 100.0 <= seconds, "{} of {seconds}", device.now - 100.0);
        assert_eq!((verdicts[4].chosen, &verdicts[4].why), (0, &Why::NoTime));
        assert_eq!((device.checked.is_empty(), device.sampled.is_empty()), (seconds == 0.0, seconds < 0.5), "{seconds}");
    }
    let mut patient = slow();
    assert_eq!(chosen(&patient.decide(6e3)), [1; 5]);
}

#[test]
fn those_come_first_that_are_worth_most() {
    let mut device = Device::new(&[&[1e-3, 5e-4], &[1e-2, 5e-3], &[1e-4, 5e-5]]);
    assert_eq!(chosen(&device.decide(SECONDS)), [1; 3]);
    assert_eq!(
        (device.checked, device.sampled),
        (vec![2, 0, 1], vec![1, 0, 2]),
        "the lightest are checked first, the heaviest timed first"
    );
}

#[test]
fn what_was_chosen_is_said_with_its_times() {
    let choice = tegula_plan::Choice { name: "attention".into(), alternatives: vec!["a".into(), "b".into(), "c".into()] };
    let verdict = Verdict { choice: 0, chosen: 1, why: Why::Times(vec![Some(2e-5), Some(1e-5), None]) };
    let decision = describe(&choice, &verdict);
    assert_eq!((decision.schedule.as_str(), decision.chosen), ("b", 1));
    assert_eq!(decision.why, "10.0 us, 20.0 us with a, c cannot be used");
}
