//! Feeds `tests/hostile/texts/vary.rs`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| rmqsim_fuzz::texts::vary::check(text));
