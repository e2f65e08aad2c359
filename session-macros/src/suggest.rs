//! Suggestions for misspelled words.

use std::mem;

/// ``; did you mean `load`?`` for a word that is similar to an allowed one, otherwise a list of all
/// allowed words.
pub(crate) fn hint(word: &str, allowed: &[&str]) -> String {
    nearest(word, allowed).map_or_else(
        || format!("; write {}", one_of(allowed)),
        |near| format!("; did you mean `{near}`?"),
    )
}

/// The most similar allowed word, if one is similar enough.
pub(crate) fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    allowed
        .iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The number of characters to insert, remove, replace or swap with the next one.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, from) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in b.iter().enumerate() {
            let replaced = last[column] + usize::from(from != *to);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            if column > 0 && previous == Some(*to) && from == b[column - 1] {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        previous = Some(from);
        before_last = mem::replace(&mut last, current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_words_are_suggested() {
        let options = [
            "idle_timeout",
            "absolute_timeout",
            "load",
            "create",
            "cookie",
        ];
        assert_eq!(nearest("laod", &options), Some("load"));
        assert_eq!(nearest("creat", &options), Some("create"));
        assert_eq!(nearest("idle_timeuot", &options), Some("idle_timeout"));
        assert_eq!(nearest("Cookie", &options), Some("cookie"));
        assert_eq!(nearest("idel", &options), None);
        assert_eq!(nearest("", &options), None);
    }

    #[test]
    fn the_list_reads_as_a_sentence() {
        assert_eq!(hint("zzz", &["a", "b", "c"]), "; write `a`, `b` or `c`");
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&[]), "");
    }
}
