//! The sampler: its draws, its filters and its boundaries.

use super::*;

fn pick(logits: &[f32], sampling: &Sampling, position: u32) -> Option<u32> {
    Sampler::default().pick(&mut logits.to_vec(), sampling, &BTreeMap::new(), position)
}

/// How often each id is picked at 20,000 positions.
fn histogram(logits: &[f32], sampling: &Sampling) -> Vec<f64> {
    let mut counts = vec![0.0; logits.len()];
    let mut sampler = Sampler::default();
    for position in 0..20_000 {
        counts[sampler.pick(&mut logits.to_vec(), sampling, &BTreeMap::new(), position).unwrap() as usize] += 1.0 / 20_000.0;
    }
    counts
}

#[test]
fn philox_gives_the_published_words() {
    // Known answers of the authors' library Random123.
    assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    assert_eq!(
        philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

#[test]
fn draws_follow_the_probabilities() {
    let logits = [0.4f32, 0.3, 0.2, 0.1].map(f32::ln);
    let near = |found: Vec<f64>, expected: [f64; 4]| {
        for (found, expected) in found.into_iter().zip(expected) {
            // Five standard deviations of 20,000 draws.
            assert!((found - expected).abs() < 0.018, "{found} is not {expected}");
        }
    };
    let sampling = Sampling { seed: 7, ..Sampling::default() };
    near(histogram(&logits, &sampling), [0.4, 0.3, 0.2, 0.1]);
    near(histogram(&logits, &Sampling { top_p: 0.6, ..sampling.clone() }), [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0]);
    near(histogram(&logits, &Sampling { temperature: 0.5, ..sampling.clone() }), [16.0 / 30.0, 9.0 / 30.0, 4.0 / 30.0, 1.0 / 30.0]);
    near(histogram(&logits, &Sampling { top_p: 0.0, ..sampling.clone() }), [1.0, 0.0, 0.0, 0.0]);
    near(histogram(&logits, &Sampling { top_k: 1, ..sampling.clone() }), [1.0, 0.0, 0.0, 0.0]);
    near(histogram(&logits, &Sampling { top_k: 3, ..sampling.clone() }), [4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 0.0]);
    near(histogram(&logits, &Sampling { min_p: 0.49, ..sampling.clone() }), [4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 0.0]);
    near(histogram(&logits, &Sampling { min_p: 1.0, ..sampling.clone() }), [1.0, 0.0, 0.0, 0.0]);
    // Two have 0.7 of all, but 0.78 of what top-k leaves; min-p does not add to their part.
    near(histogram(&logits, &Sampling { top_p: 0.75, ..sampling.clone() }), [4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 0.0]);
    near(histogram(&logits, &Sampling { top_p: 0.75, top_k: 3, ..sampling.clone() }), [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0]);
    near(histogram(&logits, &Sampling { top_p: 0.75, min_p: 0.3, ..sampling.clone() }), [4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 0.0]);
    near(histogram(&logits, &Sampling { top_p: 0.75, min_p: 0.6, ..sampling.clone() }), [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0]);
    // Halving the temperature squares what min-p compares.
    near(histogram(&logits, &Sampling { temperature: 0.5, min_p: 0.5, ..sampling }), [16.0 / 25.0, 9.0 / 25.0, 0.0, 0.0]);
}

#[test]
fn a_nucleus_of_a_flat_distribution_is_found_whole() {
    let logits: Vec<f32> = (0..5000).map(|id| f32::from(id as u16 % 7) * 1e-3).collect();
    let mut sampler = Sampler::default();
    let sampling = Sampling { top_p: 0.5, ..Sampling::default() };
    for position in 0..50 {
        let id = sampler.pick(&mut logits.clone(), &sampling, &BTreeMap::new(), position).unwrap();
        assert!(id % 7 >= 3, "{id} is not among the likelier half");
    }
}

#[test]
fn limits_fall_between_ids_that_are_as_likely() {
    let mut seen = BTreeMap::new();
    let mut count = |sampling: &Sampling| {
        seen.clear();
        for position in 0..200 {
            *seen.entry(pick(&[0.5, 2.0, 1.0, 1.0, 2.0, 1.0, f32::NEG_INFINITY], sampling, position).unwrap()).or_insert(0) += 1;
        }
        seen.keys().copied().collect::<Vec<u32>>()
    };
    let all = Sampling { temperature: 2.0, ..Sampling::default() };
    for (top_k, ids) in [(1, &[1][..]), (2, &[1, 4]), (3, &[1, 2, 4]), (4, &[1, 2, 3, 4]), (6, &[0, 1, 2, 3, 4, 5])] {
        assert_eq!(count(&Sampling { top_k, ..all.clone() }), ids, "top {top_k}");
    }
    // Ids that a logit of 1 leaves half a depth below the greatest.
    let exact = (-0.5f32).exp();
    assert_eq!(count(&Sampling { min_p: exact * 0.999_999, ..all.clone() }), [1, 2, 3, 4, 5]);
    assert_eq!(count(&Sampling { min_p: exact * 1.000_001, ..all.clone() }), [1, 4]);
    assert_eq!(count(&Sampling { min_p: 1.0, ..all.clone() }), [1, 4]);
    let ids = |sampling: &Sampling| (0..50).map(|position| pick(&[0.5, 2.0, 1.0], sampling, position)).collect::<Vec<_>>();
    for top_k in [3, 4, u32::MAX] {
        assert_eq!(ids(&Sampling { top_k, ..all.clone() }), ids(&all), "as many as there are, or more, are no limit");
    }
}

#[test]
fn a_seed_gives_the_same_ids_and_another_gives_others() {
    let logits: Vec<f32> = (0..1000).map(|id| (id as f32).sin()).collect();
    let ids = |seed| (0..32).map(|position| pick(&logits, &Sampling { seed, ..Sampling::default() }, position)).collect::<Vec<_>>();
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    assert_ne!(ids(1), ids(1 << 32));
}

#[test]
fn greedy_takes_the_first_of_the_greatest() {
    assert_eq!(pick(&[1.0, 3.0, 3.0, f32::NEG_INFINITY], &Sampling::greedy(), 0), Some(1));
    assert_eq!(pick(&[1.0, f32::NAN], &Sampling::greedy(), 0), None);
    assert_eq!(pick(&[1.0, f32::INFINITY], &Sampling::default(), 0), None);
    assert_eq!(pick(&[f32::NEG_INFINITY], &Sampling::default(), 0), None);
}

#[test]
fn penalties_and_bias_change_the_order() {
    let counts = BTreeMap::from([(0, 2), (1, 1), (99, 1)]);
    let best = |sampling: Sampling| Sampler::default().pick(&mut [3.0, 2.5, -1.0], &sampling, &counts, 0).unwrap();
    let greedy = Sampling::greedy();
    assert_eq!(best(greedy.clone()), 0);
    assert_eq!(best(Sampling { frequency_penalty: 0.6, ..greedy.clone() }), 1);
    assert_eq!(best(Sampling { presence_penalty: 2.0, ..greedy.clone() }), 0);
    assert_eq!(best(Sampling { frequency_penalty: 1.0, presence_penalty: 2.0, repetition_penalty: 4.0, ..greedy.clone() }), 2);
    assert_eq!(best(Sampling { logit_bias: vec![(2, 5.0), (500, 100.0)], ..greedy.clone() }), 2);
    assert!(greedy.is_plain_greedy());
    assert!(!Sampling { repetition_penalty: 1.1, ..greedy.clone() }.is_plain_greedy());
    assert!(!Sampling { logit_bias: vec![(1, 1.0)], ..greedy }.is_plain_greedy());
}

#[test]
fn values_out_of_range_are_named() {
    let error = Sampling { top_p: 1.5, ..Sampling::default() }.check().unwrap_err();
    assert_eq!((error.to_string().as_str(), error.code()), ("`top_p` is 1.5, but must be a number from 0 to 1", "RangeError"));
    assert!(Sampling { min_p: -0.1, ..Sampling::default() }.check().is_err());
    assert!(Sampling { min_p: f32::NAN, ..Sampling::default() }.check().is_err());
    assert!(Sampling { temperature: f32::NAN, ..Sampling::default() }.check().is_err());
    assert!(Sampling { repetition_penalty: 0.0, ..Sampling::default() }.check().is_err());
    assert!(Sampling { logit_bias: vec![(0, 101.0)], ..Sampling::default() }.check().is_err());
}
