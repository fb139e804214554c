//! The measurement behind `tegula bench`: what it counts, and that it gives figures. How large they are is not tested.

use tegula::ErrorKind;
use tegula::bench::{Bench, Drawn, Report, Traffic, Workload, random_model};
use tegula::model::forward::Entry;
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::Options;

use crate::adapter;
use crate::package::own;

const CONFIG: &str = r#"{"model_type": "mistral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 256, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "sliding_window": 128}"#;

#[test]
fn weights_are_counted_once_and_the_embedding_table_not() {
    let options = CompileOptions { quantization: Some("q0f32".into()), ..CompileOptions::default() };
    let compiled = compile(&Config::parse(CONFIG).expect("a config"), &options).expect("a library");
    let variant = compiled.plan.variants.last().expect("the variant for every device");
    let traffic = Traffic::of(&compiled.plan, variant, 1).expect("an entry `decode`");
    // q, k, v: 64 + 2 * 32 rows of 64; o: 64 of 64; gate, up: 192 of 64; down: 64 of 96; then the output layer.
    let layer = (64 + 64) * 64 + 64 * 64 + 192 * 64 + 64 * 96;
    assert_eq!(traffic.weights, 4 * (2 * layer + 256 * 64));
    let token = 2 * 2 * 2 * 16 * 4;
    assert_eq!(traffic.bytes(100), traffic.weights + 100 * token);
    assert_eq!(traffic.bytes(1000), traffic.weights + 128 * token, "no further than the window");
    let batch = Traffic::of(&compiled.plan, variant, 3).expect("an entry `batch`");
    assert_eq!(batch.bytes(100), traffic.weights + 3 * 100 * token, "a cache for each sequence, the weights for all");
}

#[test]
fn random_weights_can_be_measured() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let compiled = compile(&Config::parse(CONFIG).expect("a config"), &CompileOptions::default()).expect("a library");
    let model = pollster::block_on(random_model(gpu, own(&compiled.library))).expect("a model");
    let dispatches = [Entry::Decode, Entry::Batch].map(|entry| model.dispatches(entry));
    let mut bench = pollster::block_on(Bench::new(model)).expect("a bandwidth");
    let mut measure = |prompt_tokens, batch| {
        // One of both kinds, so that neither the default nor greedy ids are a condition.
        let (run_ahead, drawing) = if batch == 3 { (Some(5), Some(Drawn { temperature: 0.8, top_p: 0.9 })) } else { (None, None) };
        let beside = (batch == 3).then_some(200);
        pollster::block_on(bench.measure(&Workload { prompt_tokens, decode_tokens: 8, repetitions: 2, batch, run_ahead, drawing, beside }))
    };
    let figures = |report: &Report| {
        let figures = [report.prefill_tokens_per_second, report.decode_tokens_per_second, report.fraction_of_stream, report.host_share];
        assert!(figures.iter().all(|figure| figure.is_finite() && *figure > 0.0), "{report:?}");
    };
    let alone = measure(20, 1).expect("figures");
    figures(&alone);
    // Beyond a chunk and the window, in caches that have grown.
    let together = measure(400, 3).expect("figures");
    figures(&together);
    assert_eq!((together.run_ahead, together.drawing.map(|drawn| drawn.top_p)), (5, Some(0.9)));
    assert_eq!([&alone, &together].map(|report| report.dispatches_per_step), dispatches);
    assert_eq!(alone.gaps, None);
    let gaps = together.gaps.expect("a prompt beside a stream");
    for gap in [gaps.mixed, gaps.turns] {
        let figures = [gap.alone_seconds, gap.longest_seconds, gap.first_token_seconds];
        assert!(figures.iter().all(|figure| figure.is_finite() && *figure > 0.0), "{gap:?}");
    }
    assert_eq!(measure(20, 3).expect("figures").prefill_tokens_per_second, alone.prefill_tokens_per_second, "measured once");

    let refused = |result: tegula::Result<Report>| result.expect_err("refused");
    assert!(matches!(refused(measure(510, 1)).kind(), ErrorKind::ContextWindowSizeExceeded { .. }));
    assert!(matches!(refused(measure(20, 5)).kind(), ErrorKind::FieldRange { field, .. } if field == "batch"));
}
