//! Texts that mean themselves in GitHub's markdown.

/// A text in a line or a cell: nothing in it is mark-up.
pub(super) fn text(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let word = |at: Option<usize>| {
            at.and_then(|at| chars.get(at))
                .is_some_and(|c| c.is_alphanumeric())
        };
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Within a word it is none: AVG_BY_CIRCLE stays readable.
            '_' if word(at.checked_sub(1)) && word(Some(at + 1)) => out.push('_'),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '~' | '$' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A text as code: in as many backticks as it needs.
pub(super) fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A number that no line end parts from its half-width.
pub(super) fn number(text: &str) -> String {
    text.replace(['\u{2009}', ' '], "\u{a0}")
}

/// Commands as a block.
pub(super) fn commands(lines: &[String]) -> String {
    let text = lines.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_up_means_itself() {
        for (plain, escaped) in [
            ("AVG_BY_CIRCLE", "AVG_BY_CIRCLE"),
            ("_x_", "\\_x\\_"),
            ("a|b", "a\\|b"),
            ("<b> & *c*", "&lt;b&gt; &amp; \\*c\\*"),
            ("[x](y)\n# z", "\\[x\\](y) # z"),
        ] {
            assert_eq!(text(plain), escaped);
        }
        assert_eq!(code("a < 1"), "`a < 1`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(number("12\u{2009}040 ± 90"), "12\u{a0}040\u{a0}±\u{a0}90");
        assert_eq!(commands(&["a ``` b".to_owned()]), "````sh\na ``` b\n````\n");
    }
}
