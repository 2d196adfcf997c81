//! SQL92 expressions: which are refused, and what the others are of a message.

use crate::harness::{Tally, same};
use rmqsim::cluster::broker::message_filter::sql::{Properties, Sql};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
struct Texts(BTreeMap<String, String>);

impl Properties for Texts {
    fn property(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name).map(|text| text.as_str().into())
    }
}

const SECTIONS: [&str; 7] = [
    "operators",
    "precedence",
    "null_logic",
    "type_mixing",
    "errors",
    "random",
    "token_soup",
];

pub fn judge(file: &Value, tally: &mut Tally) {
    let messages: Vec<Texts> = Vec::deserialize(tally.data(file, "property_sets")).unwrap_or_default();
    for section in SECTIONS {
        tally.section(file, section, |(text, verdicts): (String, String)| {
            same("verdicts", verdicts, answers(&text, &messages))
        });
    }
}

fn answers(text: &str, messages: &[Texts]) -> String {
    let Ok(sql) = Sql::compile(text) else {
        return "P".to_owned();
    };
    let letter = |message| match sql.evaluate(message) {
        Ok(Some(true)) => 'T',
        Ok(Some(false)) => 'F',
        Ok(None) => 'N',
        Err(_) => 'E',
    };
    messages.iter().map(letter).collect()
}
