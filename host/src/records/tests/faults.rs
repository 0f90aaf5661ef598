//! What a client may do wrong, by one that has the keys and can seal anything.

use super::super::key::{HEADER, Key, TAG};
use super::*;
use rustls::AlertDescription::{
    self, BadRecordMac, DecodeError, IllegalParameter, RecordOverflow, UnexpectedMessage, UserCanceled,
};

const UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

/// A client without rustls.
struct Forger {
    server: Box<Records>,
    wire: Wire,
    writing: Key,
    reading: Key,
}

impl Forger {
    fn new() -> Self {
        let Ends { server, client, wire, .. } = Ends::shaken(OWN, usize::MAX);
        let secrets = client.dangerous_extract_secrets().unwrap();
        let writing = Key::new(secrets.tx.0, &secrets.tx.1).unwrap();
        let reading = Key::new(secrets.rx.0, &secrets.rx.1).unwrap();
        Self { server, wire, writing, reading }
    }

    fn sealed(&mut self, kind: u8, what: &[u8], padding: usize) -> Vec<u8> {
        let mut record = [&[0; HEADER], what, &[kind], &vec![0; padding + TAG]].concat();
        self.writing.seal(&mut record).unwrap();
        record
    }

    fn says(&mut self, kind: u8, what: &[u8]) {
        let record = self.sealed(kind, what, 0);
        self.wire.to_server.extend(record);
    }

    fn server_reads(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut all = Vec::new();
        let mut buffer = [0; 100];
        loop {
            match self.server.read(&mut self.wire, &mut &mut buffer[..]) {
                Ok(0) => return (all, Ok(())),
                Ok(read) => all.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (all, Err(error)),
            }
        }
    }

    /// The content that came before the fault; the fault is told by this alert, and nothing more is said or heard.
    #[track_caller]
    fn ends_told(mut self, what: AlertDescription) -> Vec<u8> {
        let (read, end) = self.server_reads();
        assert_eq!(kind(end), ErrorKind::InvalidData);
        let told = self.reading.open(&mut self.wire.to_client).unwrap();
        assert_eq!(*told, [2, u8::from(what), 21]);
        self.ends_for_good();
        read
    }

    #[track_caller]
    fn ends_for_good(mut self) {
        self.wire.to_client.clear();
        self.says(23, b"more");
        assert_eq!(kind(self.server_reads().1), ErrorKind::InvalidData);
        let written = self.server.write(&mut self.wire, &[IoSlice::new(b"x")], &mut Vec::new());
        assert_eq!(kind(written), ErrorKind::BrokenPipe);
        self.server.close();
        assert!(self.server.is_clear() && self.wire.to_client.is_empty());
    }
}

#[track_caller]
fn told(said: &[(u8, &[u8])], what: AlertDescription) {
    let mut forger = Forger::new();
    said.iter().for_each(|(kind, bytes)| forger.says(*kind, bytes));
    forger.ends_told(what);
}

#[test]
fn content_may_be_padded_and_empty_and_as_long_as_a_record() {
    let mut forger = Forger::new();
    let long = vec![7; RECORD];
    for (content, padding) in [(&b"one"[..], 0), (b"", 0), (b"two\0", 3000), (b"", RECORD), (&long, 0), (b"three", 1)] {
        let record = forger.sealed(23, content, padding);
        forger.wire.to_server.extend(record);
    }
    let (read, end) = forger.server_reads();
    assert!(read == [b"onetwo\0", &long[..], b"three"].concat());
    assert_eq!(kind(end), ErrorKind::WouldBlock);
}

#[test]
fn a_record_that_was_changed_is_none() {
    let length = HEADER + 5 + 1 + TAG;
    for at in 0..length {
        for bit in [1, 128] {
            let mut forger = Forger::new();
            let mut record = forger.sealed(23, b"12345", 0);
            assert_eq!(record.len(), length);
            record[at] ^= bit;
            forger.wire.to_server.extend(record);
            match at {
                0 => assert!(forger.ends_told(UnexpectedMessage).is_empty()),
                // Longer than what may be, or than what has come.
                3 if bit == 128 => assert!(forger.ends_told(RecordOverflow).is_empty()),
                3 | 4 => assert_eq!(kind(forger.server_reads().1), ErrorKind::WouldBlock),
                _ => assert!(forger.ends_told(BadRecordMac).is_empty()),
            }
        }
    }
}

#[test]
fn a_record_that_comes_again_or_too_early_or_short_is_none() {
    let mut forger = Forger::new();
    let record = forger.sealed(23, b"once", 0);
    forger.wire.to_server.extend([&record[..], &record].concat());
    assert_eq!(forger.ends_told(BadRecordMac), b"once");

    let mut forger = Forger::new();
    let (_, second) = (forger.sealed(23, b"first", 0), forger.sealed(23, b"second", 0));
    forger.wire.to_server.extend(second);
    assert!(forger.ends_told(BadRecordMac).is_empty());

    for length in 0..=TAG as u8 {
        let mut forger = Forger::new();
        forger.wire.to_server.extend([23, 3, 3, 0, length]);
        forger.wire.to_server.extend(vec![0; length.into()]);
        assert!(forger.ends_told(BadRecordMac).is_empty());
    }
}

#[test]
fn nothing_comes_that_is_not_sealed() {
    // A ChangeCipherSpec, the end of the connection, a handshake.
    for record in [&[20, 3, 3, 0, 1, 1][..], &[21, 3, 3, 0, 2, 1, 0], &[22, 3, 3, 0, 1, 1], &[0]] {
        let mut forger = Forger::new();
        forger.says(23, b"before");
        forger.wire.to_server.extend(record);
        assert_eq!(forger.ends_told(UnexpectedMessage), b"before");
    }
}

#[test]
fn what_has_no_place_in_a_record_ends_told() {
    told(&[(0, &[0; 100])], UnexpectedMessage);
    told(&[(0, b"")], UnexpectedMessage);
    told(&[(20, &[1])], UnexpectedMessage);
    told(&[(99, b"what")], UnexpectedMessage);
    told(&[(22, b"")], UnexpectedMessage);
    told(&[(21, b"")], UnexpectedMessage);
    told(&[(23, &vec![1; RECORD + 1])], RecordOverflow);
    told(&[(23, &b""[..]); 33], UnexpectedMessage);
    let mut forger = Forger::new();
    let record = forger.sealed(23, &vec![1; RECORD], 1);
    forger.wire.to_server.extend(record);
    forger.ends_told(RecordOverflow);
}

#[test]
fn only_new_keys_come_as_handshake_messages_whole_and_last() {
    told(&[(22, &[1, 0, 0, 0])], UnexpectedMessage);
    told(&[(22, &[11])], UnexpectedMessage);
    told(&[(22, &[24, 0, 0, 2, 0, 0])], DecodeError);
    told(&[(22, &[24, 0, 1])], DecodeError);
    told(&[(22, &[24, 0, 0, 1, 2])], IllegalParameter);
    told(&[(22, &[24, 0, 0, 1, 0, 24])], UnexpectedMessage);
    told(&[(22, &[24, 0]), (23, b"between"), (22, &[0, 1, 0])], UnexpectedMessage);
    told(&[(22, &[24, 0]), (21, &[1, 0])], UnexpectedMessage);
    // With the key that it has done away with.
    told(&[(22, &UPDATE), (23, b"old")], BadRecordMac);
    let mut forger = Forger::new();
    UPDATE.iter().for_each(|byte| forger.says(22, &[*byte]));
    forger.says(23, b"old");
    assert!(forger.ends_told(BadRecordMac).is_empty());
}

#[test]
fn alerts_are_ends_whatever_they_say_of_their_weight() {
    told(&[(21, &[1])], DecodeError);
    told(&[(21, &[1, 0, 1, 0])], DecodeError);
    told(&[(21, &[1, UserCanceled.into()][..]); 5], UnexpectedMessage);
    for level in [1, 2, 3] {
        let mut forger = Forger::new();
        forger.says(23, b"before");
        forger.says(21, &[level, BadRecordMac.into()]);
        let (read, end) = forger.server_reads();
        assert_eq!((&read[..], kind(end)), (&b"before"[..], ErrorKind::InvalidData));
        assert!(forger.wire.to_client.is_empty());
        forger.ends_for_good();

        // What comes behind an end is nothing, and the other half stays.
        let mut forger = Forger::new();
        forger.says(21, &[1, UserCanceled.into()]);
        forger.says(23, b"before");
        forger.says(21, &[level, 0]);
        forger.says(23, b"behind");
        forger.wire.to_server.extend([0; 100]);
        assert_eq!(forger.server_reads().0, b"before");
        forger.says(23, b"behind");
        assert!(forger.server_reads().1.is_ok());
        forger.server.write(&mut forger.wire, &[IoSlice::new(b"still")], &mut Vec::new()).unwrap();
        assert_eq!(forger.reading.open(&mut forger.wire.to_client).unwrap(), b"still\x17");
    }
}

#[test]
fn after_our_own_end_no_alert_follows() {
    let mut forger = Forger::new();
    forger.server.close();
    assert!(forger.server.flush(&mut forger.wire).unwrap());
    assert_eq!(forger.reading.open(&mut forger.wire.to_client).unwrap(), [1, 0, 21]);
    forger.wire.to_client.clear();
    // What it still says is heard.
    forger.says(23, b"heard");
    forger.wire.to_server.extend([0; 10]);
    let (read, end) = forger.server_reads();
    assert_eq!((&read[..], kind(end)), (&b"heard"[..], ErrorKind::InvalidData));
    assert!(forger.wire.to_client.is_empty());
}
