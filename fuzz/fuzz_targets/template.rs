//! `cargo fuzz run template`: see [`tegula_fuzz::template`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::template(data));
