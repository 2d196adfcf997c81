//! Feeds `tests/hostile/texts/tags.rs`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| rmqsim_fuzz::texts::tags::check(text));
