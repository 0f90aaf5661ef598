//! The event stream format (WHATWG HTML, section 9.2.6), taken apart as it comes.

/// One dispatched event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `message` when the stream says none.
    pub event: String,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
    /// The last `id:` of the stream, this event's or an earlier one's.
    pub id: Option<String>,
}

#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    after_return: bool,
    event: String,
    data: Option<String>,
    id: Option<String>,
    /// The last `retry:`, in milliseconds.
    pub retry: Option<u64>,
    pub comments: u64,
}

impl Parser {
    /// Takes what came; gives the events that are whole now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = vec![];
        for byte in bytes {
            // A line ends with CR, LF, or both in this order.
            let second = std::mem::replace(&mut self.after_return, *byte == b'\r') && *byte == b'\n';
            match byte {
                b'\n' if second => {}
                b'\r' | b'\n' => messages.extend(self.line()),
                byte => self.line.push(*byte),
            }
        }
        messages
    }

    fn line(&mut self) -> Option<Message> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).expect("an event stream is UTF-8");
        if line.is_empty() {
            let event = Some(std::mem::take(&mut self.event)).filter(|event| !event.is_empty());
            let event = event.unwrap_or_else(|| "message".to_owned());
            return self.data.take().map(|data| Message { event, data, id: self.id.clone() });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments += 1,
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" => self.id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok(),
            other => panic!("the gateway sent the field {other:?}, which no EventSource knows"),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_the_bytes_come_and_whichever_way_lines_end() {
        let text =
            ": hello\nretry: 3000\n\nid: a\r\nevent: messages\r\ndata: one\r\ndata:two\r\n\r\ndata\rid: b\r\rid: c\n\n";
        let expected = [("messages", "one\ntwo", "a"), ("message", "", "b")];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let found: Vec<_> = text.as_bytes().chunks(size).flat_map(|chunk| parser.feed(chunk)).collect();
            let found: Vec<_> = found
                .iter()
                .map(|message| (message.event.as_str(), message.data.as_str(), message.id.as_deref().unwrap_or("")))
                .collect();
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!((parser.retry, parser.comments), (Some(3000), 1));
        }
    }
}
