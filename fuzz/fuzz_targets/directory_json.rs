//! The fuzzer's door to `upprop_fuzz::directory::check_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| upprop_fuzz::directory::check_json(data));
