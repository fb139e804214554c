//! Work spread over processors, where there are threads: in a browser the same is done one after another.

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
