//! `cargo fuzz run library`: see [`tegula_fuzz::library`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::library(data));
