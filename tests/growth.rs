//! Caches that grow on a device that has no memory for it, or that tells late whether it has. The model is that of [`crate::steps`].

use futures::FutureExt;
use futures::executor::block_on;
use tegula::model::budget::Budget;
use tegula::model::forward::Forward;

use crate::steps::{gpu, load, logits, prefill};

/// A device without memory for larger caches: the model keeps those it has, and what is in them.
#[test]
fn caches_that_cannot_grow_keep_what_they_hold() {
    let Some(gpu) = gpu() else { return };
    let mut model = load(&gpu, Budget::default(), 20);
    let tokens: Vec<u32> = (0..500).map(|token| token % 7).collect();
    let sum = tokens.iter().sum();
    assert_eq!(prefill(&mut model, 0, 0, &tokens), logits(sum));
    // Room for 40 pages, but not for twice as many as there are.
    gpu.refuse_buffers_beyond(40 * 16 * 2 * 4 * 4);
    assert!(block_on(model.room(0, 600)).unwrap());
    assert_eq!((model.cached_tokens(), model.capacity()), (608, 1008), "what is needed, where 1,024 tokens cannot be had");
    assert_eq!(prefill(&mut model, 0, 500, &[5; 100]), logits(sum + 500));
    assert!(!block_on(model.room(0, 700)).unwrap());
    assert_eq!((model.cached_tokens(), model.capacity()), (608, 688), "from now on it is known");
    assert!(block_on(model.room(0, 640)).unwrap(), "less can still be had");
    assert_eq!(prefill(&mut model, 0, 600, &[3]), logits(sum + 503), "what was there is there");
    model.release(0);
    assert_eq!(prefill(&mut model, 1, 0, &tokens), logits(sum));
    assert!(!block_on(model.room(0, 200)).unwrap());
    assert_eq!(model.cached_tokens(), 640);
    gpu.refuse_buffers_beyond(u64::MAX);
}

/// A browser tells late whether there is memory and what has run, and a host drops what waits for that in each of its turns.
#[test]
fn caches_grow_on_a_device_that_tells_late() {
    let Some(gpu) = gpu() else { return };
    let mut model = load(&gpu, Budget::default(), 20);
    let tokens: Vec<u32> = (0..500).map(|token| token % 7).collect();
    let sum = tokens.iter().sum();
    assert_eq!(prefill(&mut model, 0, 0, &tokens), logits(sum));
    gpu.tell_late();
    let mut grow = |tokens, beyond| {
        model.free_caches_beyond(beyond);
        let mut asked = 1;
        while model.room(0, tokens).now_or_never().is_none() {
            asked += 1;
            assert!(asked < 100, "the caches never grow");
        }
        (asked, model.cached_tokens())
    };
    assert_eq!(grow(600, u64::MAX), (3, 1024), "whether there is memory");
    assert_eq!(grow(1100, 0), (4, 2048), "and when the old cache is free");
    assert_eq!(prefill(&mut model, 0, 500, &[5; 100]), logits(sum + 500), "what was there is there");
}
