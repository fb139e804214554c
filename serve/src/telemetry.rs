//! What is counted, in Prometheus's form.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the histograms' buckets, in seconds.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

const REQUESTS: &str = "tegula_requests_total";
const RUNNING: &str = "tegula_requests_running";
const FIRST: &str = "tegula_time_to_first_token_seconds";
const WHOLE: &str = "tegula_request_duration_seconds";
const PROMPT: &str = "tegula_prompt_tokens_total";
const COMPLETION: &str = "tegula_completion_tokens_total";

/// Begins to count, once in a process.
pub(crate) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        // Somebody else's recorder stays; then these counts are where it puts them.
        drop(metrics::set_global_recorder(recorder));
        describe_counter!(REQUESTS, "Requests by API and outcome.");
        describe_gauge!(RUNNING, "Requests that are answered or wait for it.");
        describe_histogram!(FIRST, Unit::Seconds, "From a request to the first token of its answer.");
        describe_histogram!(WHOLE, Unit::Seconds, "From a request to the end of its answer.");
        describe_counter!(PROMPT, "Tokens of prompts.");
        describe_counter!(COMPLETION, "Tokens of answers.");
        handle
    });
    handle.clone()
}

/// What Prometheus is told, while so many requests are under way.
pub(crate) fn page(metrics: &PrometheusHandle, running: usize) -> String {
    gauge!(RUNNING).set(running as f64);
    metrics.run_upkeep();
    metrics.render()
}

/// A request of an API had this outcome.
pub(crate) fn outcome(api: &'static str, outcome: &'static str) {
    counter!(REQUESTS, "api" => api, "outcome" => outcome).increment(1);
}

/// The first token came after so long.
pub(crate) fn first_token(after: Duration) {
    histogram!(FIRST).record(after);
}

/// An answer of so many tokens to a prompt of so many is complete.
pub(crate) fn answered(after: Duration, prompt: u32, completion: u32) {
    histogram!(WHOLE).record(after);
    counter!(PROMPT).increment(prompt.into());
    counter!(COMPLETION).increment(completion.into());
}
