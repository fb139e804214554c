//! `cargo fuzz run checkpoint`: see [`tegula_fuzz::checkpoint`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::checkpoint(data));
