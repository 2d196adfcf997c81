//! "Did you mean": the nearest of some names.

/// The one candidate that is clearly nearest to `name`: the same but for upper and lower case, or at a distance
/// of at most a third of the name (at least 1) with no other candidate as near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is so long; the distance would take its length times that of each candidate.
    if name.len() > 256 {
        return None;
    }
    let lower = name.to_lowercase();
    let bound = (name.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut tie = false;
    for candidate in candidates {
        let candidate_lower = candidate.to_lowercase();
        if candidate_lower == lower {
            return Some(candidate);
        }
        let distance = strsim::osa_distance(&lower, &candidate_lower);
        match best {
            Some((d, _)) if distance > d => {}
            Some((d, _)) if distance == d => tie = true,
            _ => (best, tie) = (Some((distance, candidate)), false),
        }
    }
    best.filter(|(distance, _)| *distance <= bound && !tie)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` for the end of a message, or nothing.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or(String::new(), |n| format!("; did you mean `{n}`?"))
}

/// `a, b, c` with at most `max` of them and then how many more.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>, max: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names[..names.len().min(max)].join(", ");
    match names.len().saturating_sub(max) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_neighbour_is_suggested() {
        let names = ["billing", "audit", "search"];
        assert_eq!(nearest("biling", names), Some("billing"));
        assert_eq!(nearest("Billing", names), Some("billing"));
        assert_eq!(nearest("bliling", names), Some("billing"));
        assert_eq!(nearest("orders", names), None);
        assert_eq!(nearest("ab", ["aa", "bb"]), None, "two are as near");
    }
}
