//! What the targets feed: the same files that replay the corpus in `cargo test --test hostile`.

#[path = "../../tests/hostile/texts/mod.rs"]
pub mod texts;
