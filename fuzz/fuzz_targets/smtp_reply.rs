//! The fuzzer's door to `upprop_fuzz::smtp::check_reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| upprop_fuzz::smtp::check_reply(data));
