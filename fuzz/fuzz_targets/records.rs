//! `cargo fuzz run records`: see [`tegula_fuzz::records`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::records(data));
