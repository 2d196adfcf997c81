//! Bad input that is too large or too odd for a file.
