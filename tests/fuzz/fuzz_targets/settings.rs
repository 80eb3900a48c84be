//! libFuzzer in front of `fuzz_targets::settings`, which says what is asked of it. Holds nothing else, so that whatever is
//! found here is found again without a fuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_targets::settings::judge(input));
