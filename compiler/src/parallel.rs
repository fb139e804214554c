//! Work spread over processors. In a browser, where there are no threads, the same is done one after another.

/// `of(0)`, `of(1)`, …, in order.
pub(crate) fn each<T: Send>(count: usize, of: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use rayon::prelude::*;
        (0..count).into_par_iter().map(of).collect()
    }
    #[cfg(target_arch = "wasm32")]
    (0..count).map(of).collect()
}

/// `of(0, …)` on the first `size` elements, `of(1, …)` on the next, ….
pub(crate) fn parts<T: Send>(all: &mut [T], size: usize, of: impl Fn(usize, &mut [T]) + Sync + Send) {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use rayon::prelude::*;
        all.par_chunks_mut(size).enumerate().for_each(|(index, part)| of(index, part));
    }
    #[cfg(target_arch = "wasm32")]
    all.chunks_mut(size).enumerate().for_each(|(index, part)| of(index, part));
}
