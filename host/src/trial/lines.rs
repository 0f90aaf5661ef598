//! What differs between two texts, line by line.

/// Lines that are shown around one that differs.
const AROUND: usize = 2;
/// More lines than this are not compared one with each other.
const MOST: usize = 1000;

/// The lines of both that differ, those of the one with `-` and those of the other with `+`, with a few around them.
pub fn changes(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let begin = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (left, right) = (&old[begin..], &new[begin..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(old, new)| old == new).count();
    let middle = aligned(&left[..left.len() - end], &right[..right.len() - end]);
    let same = |lines: &[&str]| lines.iter().map(|line| (' ', (*line).to_owned())).collect::<Vec<_>>();
    let all = [same(&old[..begin]), middle, same(&left[left.len() - end..])].concat();
    near(&all)
}

/// The longest lines in common stay, in order.
fn aligned(old: &[&str], new: &[&str]) -> Vec<(char, String)> {
    let line = |sign, line: &str| (sign, line.to_owned());
    if old.len() > MOST || new.len() > MOST {
        return old.iter().map(|old| line('-', old)).chain(new.iter().map(|new| line('+', new))).collect();
    }
    // How many lines the ends of both have in common, from each place on.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for left in (0..old.len()).rev() {
        for right in (0..new.len()).rev() {
            common[left][right] = match old[left] == new[right] {
                true => common[left + 1][right + 1] + 1,
                false => common[left + 1][right].max(common[left][right + 1]),
            };
        }
    }
    let (mut left, mut right, mut lines) = (0, 0, Vec::new());
    while left < old.len() || right < new.len() {
        if left < old.len() && right < new.len() && old[left] == new[right] {
            lines.push(line(' ', old[left]));
            (left, right) = (left + 1, right + 1);
        } else if right == new.len() || (left < old.len() && common[left + 1][right] >= common[left][right + 1]) {
            lines.push(line('-', old[left]));
            left += 1;
        } else {
            lines.push(line('+', new[right]));
            right += 1;
        }
    }
    lines
}

/// Those that differ, and those around them; `…` for what is left out.
fn near(lines: &[(char, String)]) -> Vec<String> {
    let differs = |index: usize| lines.get(index).is_some_and(|(sign, _)| *sign != ' ');
    let is_near = |index: usize| (index.saturating_sub(AROUND)..=index + AROUND).any(differs);
    let mut shown: Vec<String> = Vec::new();
    for (index, (sign, line)) in lines.iter().enumerate() {
        if is_near(index) {
            shown.push(format!("{sign} {line}"));
        } else if shown.last().is_some_and(|last| last != "…") {
            shown.push("…".to_owned());
        }
    }
    if shown.last().is_some_and(|last| last == "…") {
        shown.pop();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_is_shown_with_a_little_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12";
        let new = "1\n2\n3\nfour\n5\n6\n7\n8\n9\n10\n11\n12\n13";
        assert_eq!(changes(old, new), ["  2", "  3", "- 4", "+ four", "  5", "  6", "…", "  11", "  12", "+ 13"]);
        assert!(changes(old, old).is_empty());
        assert_eq!(changes("", "x"), ["+ x"]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_out_of_what_differs(old in "([ab]\n){0,8}", new in "([ab]\n){0,8}") {
            let all = aligned(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
            let of = |sign: char| {
                let lines = all.iter().filter(|(other, _)| *other == ' ' || *other == sign);
                lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
            };
            prop_assert_eq!(of('-'), old);
            prop_assert_eq!(of('+'), new);
        }
    }
}
