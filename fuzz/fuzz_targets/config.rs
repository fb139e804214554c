//! `cargo fuzz run config`: see [`tegula_fuzz::config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::config(data));
