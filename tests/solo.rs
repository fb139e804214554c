//! One model in a host of its own. Tests run whole models in it, as users do.

use tegula::engine::Counters;
use tegula::engine::intake::Intake;
use tegula::engine::request::Answer;
use tegula::host::{Events, Handle, Host, Package};
use tegula::model::step::Model;
use tegula::{Request, Result};
use tegula_plan::Variant;

/// The model's name.
const NAME: &str = "model";

/// A host with one model.
pub struct Solo {
    /// What the device runs of its library.
    pub variant: Variant,
    host: Host,
    handle: Handle,
}

impl Solo {
    /// Takes a model and what its package says.
    pub fn new(model: Model, package: Package) -> Solo {
        let (variant, (host, handle)) = (model.variant().clone(), Host::new(None));
        handle.place(NAME).expect("it is the first").load(model, package);
        let mut solo = Solo { variant, host, handle };
        assert!(pollster::block_on(solo.host.turn()), "the host takes the model");
        solo
    }

    /// What may change the model's answers.
    pub fn fingerprint(&self) -> String {
        self.host.model(NAME).expect("it was loaded").fingerprint()
    }

    /// What requests are checked against.
    pub fn intake(&self) -> std::sync::Arc<Intake> {
        self.handle.intake(NAME).expect("it was loaded")
    }

    /// Sets how many steps may be in flight at once.
    pub fn set_run_ahead(&mut self, steps: usize) {
        self.host.set_run_ahead(NAME, steps);
    }

    /// Sets how many rows of prompts a step may have while other sequences decode.
    pub fn set_prompt_share(&mut self, rows: Option<usize>) {
        self.host.set_prompt_share(NAME, rows);
    }

    /// What the engine has done.
    pub fn counters(&self) -> Counters {
        self.host.counters(NAME).expect("it was loaded")
    }

    /// Takes messages and runs a step; waits where there is nothing to do.
    pub fn turn(&mut self) -> bool {
        pollster::block_on(self.host.turn())
    }

    /// Submits a request.
    pub fn ask(&self, request: Request) -> Events {
        self.handle.ask(NAME, request).expect("the request is right")
    }

    /// Answers a request.
    pub fn complete(&mut self, request: Request) -> Result<Answer> {
        let answer = self.handle.ask(NAME, request)?.answer();
        pollster::block_on(self.host.until(answer))
    }

    /// Runs until something is there.
    pub fn until<F: Future>(&mut self, wanted: F) -> F::Output {
        pollster::block_on(self.host.until(wanted))
    }

    /// The logits after every one of `ids`.
    pub fn logits(&mut self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(ids.len());
        pollster::block_on(self.host.score(NAME, ids, |_, logits| all.push(logits.to_vec())))?;
        Ok(all)
    }
}
