//! How many rows of prompts go into a step beside sequences that decode.
//!
//! A stream's next token comes when the step ends that holds its row, so rows of a prompt in that step delay it. The number of rows is chosen by
//! how long steps took before: a step shall take no longer than twice a step without a prompt, or a thirtieth of a second where that is longer,
//! which nobody sees. A prompt then slows the streams beside it to half of their speed at most, unless they are faster than people read.

/// A step of so many seconds is short enough for any stream.
const SHORT: f64 = 1.0 / 30.0;

/// Rows come in multiples of this, and are at least so many: with fewer, kernels for prompts mostly wait for weights.
const UNIT: usize = 32;

/// How much the past counts against the last step.
const MEMORY: f64 = 0.9;

/// What steps took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When the last step ended.
    ended: f64,
    /// Of steps without rows of prompts.
    step: Mean,
    /// Of a row of a prompt.
    row: Mean,
}

/// A mean in which the past fades.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    seconds: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64, count: f64) {
        self.seconds = MEMORY * self.seconds + seconds;
        self.count = MEMORY * self.count + count;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.seconds / self.count)
    }
}

impl Pace {
    /// Notes that a step with so many rows of prompts ended `now`, which was submitted at `submitted`. Steps run one after another.
    pub(super) fn ended(&mut self, submitted: f64, now: f64, prompt: usize) {
        let seconds = (now - submitted.max(self.ended)).max(0.0);
        self.ended = now;
        if prompt == 0 {
            self.step.add(seconds, 1.0);
        } else {
            self.row.add((seconds - self.step.get().unwrap_or(0.0)).max(0.0), prompt as f64);
        }
    }

    /// Rows of prompts for the next step, where the most is `chunk`. Before anything was measured it is an eighth of that.
    pub(super) fn rows(&self, chunk: usize) -> usize {
        let step = self.step.get().unwrap_or(0.0);
        let rows = match self.row.get() {
            None => chunk / 8,
            Some(row) => (((2.0 * step).max(SHORT) - step) / row.max(1e-9)) as usize,
        };
        (rows / UNIT * UNIT).max(UNIT).min(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    /// Ends of a step of each number of rows, on a device where a step takes `step` and a row of a prompt `row` seconds.
    fn pace(step: f64, row: f64, rows: &[usize]) -> Pace {
        let (mut pace, mut now) = (Pace { ended: 10.0, ..Pace::default() }, 10.0);
        for &rows in rows {
            // The next step is submitted before the last one ends.
            let submitted = now - step / 2.0;
            now += step + row * rows as f64;
            pace.ended(submitted, now, rows);
        }
        pace
    }

    #[test]
    fn prompts_take_half_of_a_step_or_a_thirtieth_of_a_second() {
        assert_eq!(Pace::default().rows(1024), 128);
        assert_eq!(pace(1e-3, 1e-4, &[0, 0, 1024]).rows(1024), 320, "a fast device: 32 ms of prompts");
        assert_eq!(pace(0.1, 1e-3, &[0, 0, 64, 64]).rows(1024), 96, "a slow one: as long as the step");
        assert_eq!(pace(0.1, 1.0, &[0, 64]).rows(1024), 32, "a very slow one");
        assert_eq!(pace(1e-3, 1e-6, &[0, 512]).rows(1024), 1024);
        assert_eq!(pace(1e-3, 1e-6, &[0, 512]).rows(4), 4, "small chunks");
        assert_eq!(pace(0.0, 0.0, &[64]).rows(256), 256, "a clock that stands still");
    }

    #[test]
    fn waiting_for_requests_is_no_step() {
        let mut pace = pace(0.1, 1e-3, &[0, 64]);
        pace.ended(100.0, 100.1, 0);
        assert_eq!(pace.rows(1024), 96);
    }
}
