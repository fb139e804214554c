//! `cargo fuzz run request`: see [`tegula_fuzz::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::request(data));
