//! A file of questions for `rmqsim allocate --input`: refused with a reason, or answered.

use rmqsim::cli::allocate::cases;

/// Holds for every text.
pub fn check(text: &str) {
    match cases::answers(text.as_bytes()) {
        Ok(answers) => {
            for (number, answered) in answers.iter().enumerate() {
                assert!(cases::block(number, answered, 100).starts_with("case "));
                assert!(cases::as_json(number, answered).is_object());
            }
        }
        Err(why) => assert!(!format!("{why:#}").is_empty()),
    }
}
