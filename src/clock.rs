//! Time, natively and in a browser. The standard library has no clock on wasm32, where `performance` and `Date` serve.

/// Seconds since some moment in the past; never runs backwards.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn seconds() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}

/// Seconds since 1970-01-01 UTC, by the computer's clock.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn unix_seconds() -> f64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds since some moment in the past; never runs backwards.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn seconds() -> f64 {
    use wasm_bindgen::prelude::wasm_bindgen;
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance)]
        fn now() -> f64;
    }
    now() / 1e3
}

/// Seconds since 1970-01-01 UTC, by the computer's clock.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn unix_seconds() -> f64 {
    js_sys::Date::now() / 1e3
}
