//! A scenario as a file that people read: short blocks stay on one line.

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 110;

/// The text of `file`, under `comments`, one line each.
pub fn page(file: &Value, comments: &[String]) -> String {
    let mut text = String::new();
    for comment in comments {
        text.push_str(&format!("// {comment}\n"));
    }
    write(file, 0, 0, &mut text);
    text.push('\n');
    text
}

/// Writes `value`, which begins `used` columns from the left on a line with the given indent.
fn write(value: &Value, indent: usize, used: usize, text: &mut String) {
    let short = in_line(value);
    let is_long = indent == 0 || used + short.len() > WIDTH;
    match value {
        Value::Object(entries) if is_long && !entries.is_empty() => {
            text.push_str("{\n");
            for (i, (key, value)) in entries.iter().enumerate() {
                let key = format!(
                    "{:indent$}{}: ",
                    "",
                    Value::from(key.as_str()),
                    indent = indent + 2
                );
                text.push_str(&key);
                write(value, indent + 2, key.len(), text);
                text.push_str(if i + 1 < entries.len() { ",\n" } else { "\n" });
            }
            text.push_str(&format!("{:indent$}}}", ""));
        }
        Value::Array(elements) if is_long && !elements.is_empty() => {
            text.push_str("[\n");
            for (i, element) in elements.iter().enumerate() {
                text.push_str(&format!("{:indent$}", "", indent = indent + 2));
                write(element, indent + 2, indent + 2, text);
                text.push_str(if i + 1 < elements.len() { ",\n" } else { "\n" });
            }
            text.push_str(&format!("{:indent$}]", ""));
        }
        _ => text.push_str(&short),
    }
}

/// A value on one line.
fn in_line(value: &Value) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let entries = entries.iter();
            let entries =
                entries.map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), in_line(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) if !elements.is_empty() => {
            let elements: Vec<String> = elements.iter().map(in_line).collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_blocks_stay_on_one_line() {
        let file = json!({ "title": "t", "groups": { "billing": { "consumers": { "count": 2 } } },
            "expect": ["a".repeat(60), "b".repeat(60)], "timeline": [] });
        let expected = format!(
            "// why\n{{\n  \"title\": \"t\",\n  \"groups\": {{ \"billing\": {{ \"consumers\": {{ \"count\": 2 }} }} }},\n  \
             \"expect\": [\n    \"{}\",\n    \"{}\"\n  ],\n  \"timeline\": []\n}}\n",
            "a".repeat(60),
            "b".repeat(60)
        );
        assert_eq!(page(&file, &["why".to_owned()]), expected);
    }
}
