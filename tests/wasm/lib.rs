//! One function over texts: a scenario in, the files of its report out.
//!
//! The caller asks for [`room`], writes the name of the scenario, a line feed and its text there, calls [`run`] and
//! reads as many bytes at [`result`] as it said: a JSON object of file names with text and BLAKE3 of each.

use rmqsim::report::expect::{self, Expectation};
use rmqsim::report::{charts, json};
use rmqsim::scenario::{Overrides, Scenario};
use serde_json::{Map, Value, json};
use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where `length` bytes of input go.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; length];
        input.as_mut_ptr()
    })
}

/// Where the output lies. After a trap: what the program said last.
#[unsafe(no_mangle)]
pub extern "C" fn result() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}

/// Simulates; the length of the output.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    std::panic::set_hook(Box::new(|info| OUTPUT.set(format!("{info}\0").into_bytes())));
    let input = INPUT.with_borrow(|input| String::from_utf8(input.clone()).expect("the input is a text"));
    let (name, text) = input.split_once('\n').expect("a name, a line feed, a scenario");
    let files: Map<String, Value> = files(name, text)
        .into_iter()
        .map(|(name, text)| {
            let hash = blake3::hash(text.as_bytes()).to_hex();
            (name, json!({ "text": text, "blake3": hash.as_str() }))
        })
        .collect();
    let output = Value::Object(files).to_string().into_bytes();
    let length = output.len();
    OUTPUT.set(output);
    length
}

/// As the gallery has them.
fn files(name: &str, text: &str) -> Vec<(String, String)> {
    let scenario = Scenario::from_text(name, text, &Overrides::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    let mut report = rmqsim::simulate(name, &scenario, |_, _| {});
    let shape = expect::shape(&scenario.config);
    let expectations: Vec<Expectation> = scenario
        .expect
        .iter()
        .map(|(text, _)| Expectation::parse(text, &shape).unwrap_or_else(|e| panic!("{text}: {e}")))
        .collect();
    report.judge(&expectations);
    let mut files = vec![("report.json".to_owned(), json::canonical(&report))];
    let drawn = charts::draw_all(&report).into_iter();
    files.extend(drawn.map(|chart| (chart.file_name.to_string(), chart.svg)));
    files
}
