//! Hostile input: whatever somebody writes, the program ends in bounded time with a result or with a message.

mod corpus;
mod files;
mod memory;
mod texts;
