//! Readiness.

use serde::Serialize;

use super::json;

/// That requests are answered, and how many are under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `ok`
    pub status: &'static str,
    /// What the models are called.
    pub models: Vec<String>,
    /// Requests that are answered or wait for it.
    pub running: usize,
    /// The most that there may be, if there is a limit.
    pub most: Option<usize>,
}

impl Health {
    /// All is well.
    #[must_use]
    pub fn new(models: Vec<String>, running: usize, most: Option<usize>) -> Health {
        Health { status: "ok", models, running, most }
    }

    /// The JSON to send.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}
