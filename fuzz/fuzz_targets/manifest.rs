//! `cargo fuzz run manifest`: see [`tegula_fuzz::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::manifest(data));
