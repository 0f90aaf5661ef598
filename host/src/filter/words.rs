//! A filter's own words, made fit to be logged.

use std::borrow::Cow;

/// At most `limit` bytes, on one line: a filter, or whoever wrote the message it quotes, must not be able to forge
/// further lines or reach the terminal of whoever reads them.
pub fn one_line(text: &str, limit: usize) -> Cow<'_, str> {
    let text = &text[..text.floor_char_boundary(limit)];
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_can_say_neither_a_second_line_nor_an_escape_nor_anything_without_end() {
        assert_eq!(one_line("plain é", 99), "plain é");
        assert_eq!(one_line("a\nb\u{1b}[2J\u{9b}", 99), "a\\nb\\u{1b}[2J\\u{9b}");
        assert_eq!(one_line("ééé", 4), "éé");
        assert_eq!(one_line("xéé", 4), "xé");
    }
}
