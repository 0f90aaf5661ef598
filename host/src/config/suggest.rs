//! The nearest known word to a mistyped one.

/// The candidate that is near enough to have been meant: a few letters away, or begun alike.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| {
        let candidate = candidate.replace('-', "_");
        if given.len() >= 3 && (candidate.starts_with(&given) || given.starts_with(&candidate)) {
            return 1;
        }
        strsim::osa_distance(&given, &candidate)
    };
    // One slip in four letters, and one more for short words.
    let tolerated = 1 + given.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| *distance <= tolerated && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`, each in backticks.
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
