//! `cargo fuzz run tokenizer`: see [`tegula_fuzz::tokenizer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tegula_fuzz::tokenizer(data));
