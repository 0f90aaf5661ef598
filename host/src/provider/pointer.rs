//! A place in a JSON text, written as RFC 6901 has it.

use std::fmt;

/// Names of members, and numbers of elements, from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// None: it does not begin with `/`, or has a `~` that stands for nothing. The empty one is none either: what is looked
    /// for is a word, and the whole of a body is none.
    pub fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/').map(step);
        steps.collect::<Option<Vec<_>>>().map(Self)
    }

    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

fn step(text: &str) -> Option<String> {
    let mut pieces = text.split('~');
    let mut step = pieces.next()?.to_owned();
    for piece in pieces {
        step.push(match piece.bytes().next()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        step.push_str(&piece[1..]);
    }
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_its_steps_and_prints_as_it_was_written() {
        for (text, steps) in
            [("/type", &["type"][..]), ("/a/0/b", &["a", "0", "b"]), ("/a~1b/~0", &["a/b", "~"]), ("/", &[""])]
        {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.steps().collect::<Vec<_>>(), steps, "{text}");
            assert_eq!(pointer.to_string(), text);
        }
        for wrong in ["", "type", "type/x", "/~", "/~2", "/a~"] {
            assert_eq!(Pointer::parse(wrong), None, "{wrong}");
        }
    }
}
