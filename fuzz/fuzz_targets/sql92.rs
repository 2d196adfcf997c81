//! Feeds `tests/hostile/texts/sql92.rs`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| rmqsim_fuzz::texts::sql92::check(text));
