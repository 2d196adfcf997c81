//! When two failures are one: the same rule, in the same words but for numbers, times and names.

use super::generate::is_name;
use crate::kernel::time::SimDuration;
use crate::verify::check::Broken;

/// Whether two failures are of one kind.
pub fn alike(a: &Broken, b: &Broken) -> bool {
    a.id == b.id && words(&a.what) == words(&b.what)
}

/// A text without what differs from scenario to scenario: `#` for numbers and times, `…` for names and for what is quoted.
/// Of many in a row one is left.
fn words(text: &str) -> String {
    let mut words = String::new();
    let mut quoted = text.split('`');
    while let Some(plain) = quoted.next() {
        plain_words(plain, &mut words);
        if quoted.next().is_some() {
            words.push('…');
        }
    }
    for many in ["# #", "#, #", "…, …"] {
        let one = &many[..many.chars().next().map_or(0, char::len_utf8)];
        while words.contains(many) {
            words = words.replace(many, one);
        }
    }
    words
}

fn plain_words(text: &str, words: &mut String) {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let end = end_of_token(rest);
        if end == 0 {
            words.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (token, behind) = rest.split_at(end);
        word(token, words);
        rest = behind;
    }
}

/// A token is a name, a number or a time: a point in it stands between digits.
fn end_of_token(text: &str) -> usize {
    let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let belongs = |(at, letter): (usize, char)| match letter {
        '.' => at > 0 && is_digit(at - 1) && is_digit(at + 1),
        '%' | '@' | '#' | '-' | '_' => true,
        other => other.is_ascii_alphanumeric(),
    };
    let end = text.char_indices().find(|letter| !belongs(*letter));
    end.map_or(text.len(), |(at, _)| at)
}

fn word(token: &str, words: &mut String) {
    let is_number = token.parse::<f64>().is_ok() || token.parse::<SimDuration>().is_ok();
    if is_number {
        return words.push('#');
    }
    let topic = ["%RETRY%", "%DLQ%"].iter().find_map(|of| token.strip_prefix(of));
    let name = topic.unwrap_or(token);
    // Members have the names of their groups, and a number; their later lives another one.
    let numbers = |letter: char| letter.is_ascii_digit() || letter == '-' || letter == '#';
    if is_name(name) || is_name(name.trim_end_matches(numbers)) {
        return words.push('…');
    }
    for letter in token.chars() {
        match letter {
            '0'..='9' if words.ends_with('#') => {}
            '0'..='9' => words.push('#'),
            other => words.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(id: &str, what: &str) -> Broken {
        Broken {
            id: id.to_owned(),
            at: None,
            what: what.to_owned(),
        }
    }

    #[track_caller]
    fn check(one: &str, other: &str, same: bool) {
        assert_eq!(
            alike(&broken("P1", one), &broken("P1", other)),
            same,
            "{}\n{}",
            words(one),
            words(other)
        );
    }

    #[test]
    fn numbers_times_and_names_make_no_difference() {
        for (one, other) in [
            (
                "17 is committed, but 5 is not",
                "12 040 is committed, but 1 000 000 is not",
            ),
            ("held from 10.657225394s on", "held from 2s on"),
            ("waited 1s500ms instead of 200us", "waited 2m instead of 1s"),
            (
                "billing-1, logs broker-a:2: held",
                "audit-4#2, %RETRY%audit west@b:0: held",
            ),
            ("group audit lost [3, 5, 7]", "group search lost [3]"),
            ("producer cart-1 of `orders`", "producer till-2 of `a topic`"),
            ("10.0.0.3@1 has it", "10.0.0.10@2 has it"),
        ] {
            check(one, other, true);
        }
    }

    #[test]
    fn other_words_do() {
        check("its pull is held", "its pull is lost", false);
        check("billing-1: held", "nobody: held", false);
        let what = "17 is committed";
        assert!(!alike(&broken("P1", what), &broken("Q1", what)));
    }

    #[test]
    fn what_is_not_ascii_stays() {
        assert_eq!(words("Σ of billing ≠ 12.5 %"), "Σ of … ≠ # %");
    }
}
