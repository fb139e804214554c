//! Wall-clock time. The standard library has none on wasm32, where `performance` serves.

/// Milliseconds since some moment in the past.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn milliseconds() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64() * 1e3
}

/// Milliseconds since some moment in the past.
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::web::now as milliseconds;
