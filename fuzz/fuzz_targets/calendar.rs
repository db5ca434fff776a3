//! The fuzzer's door to `upprop_fuzz::calendar::check`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| upprop_fuzz::calendar::check(data));
