//! A connection against rustls's own client, over a line in memory that gives and takes as it is told.

mod faults;
mod own;
mod random;
mod stream;

use super::sealing::{AROUND, HELD, RECORD, SEAL};
use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{PrivatePkcs8KeyDer, ServerName};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;

const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// A version, and whether the server has its keys taken out of rustls.
type Kind = (&'static SupportedProtocolVersion, bool);

const ALL: [Kind; 3] = [(BOTH[0], false), (BOTH[1], false), OWN];
const OWN: Kind = (BOTH[0], true);

/// What is under way both ways.
struct Wire {
    to_server: VecDeque<u8>,
    to_client: Vec<u8>,
    /// How much one read gives at most.
    piece: usize,
    /// How much is still taken.
    room: usize,
    ended: bool,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.piece);
        match self.to_server.read(&mut buffer[..most])? {
            0 if !self.ended => Err(ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        self.to_client.extend_from_slice(&bytes[..taken]);
        if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Ends {
    server: Box<Records>,
    client: ClientConnection,
    wire: Wire,
    scratch: Vec<u8>,
}

fn configured(version: &'static SupportedProtocolVersion) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    configured_by(version, ring::default_provider())
}

/// The client knows what `provider` knows.
fn configured_by(
    version: &'static SupportedProtocolVersion,
    provider: CryptoProvider,
) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&BOTH)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    server.ticketer = ring::Ticketer::new().unwrap();
    server.enable_secret_extraction = true;
    let mut client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.enable_secret_extraction = true;
    (Arc::new(server), Arc::new(client))
}

impl Ends {
    fn new(version: &'static SupportedProtocolVersion, piece: usize) -> Self {
        Self::of(configured(version), piece)
    }

    fn of((server, client): (Arc<ServerConfig>, Arc<ClientConfig>), piece: usize) -> Self {
        let client = ClientConnection::new(client, ServerName::try_from("localhost").unwrap()).unwrap();
        let wire = Wire { to_server: VecDeque::new(), to_client: Vec::new(), piece, room: usize::MAX, ended: false };
        Self { server: Records::new(server).unwrap(), client, wire, scratch: Vec::new() }
    }

    fn shaken((version, taken): Kind, piece: usize) -> Self {
        let mut ends = Self::new(version, piece);
        ends.shake();
        if taken {
            ends.take();
        }
        ends
    }

    fn shake(&mut self) {
        while self.client.is_handshaking() || self.server.agreed().unwrap().is_handshaking() {
            self.client_speaks();
            while self.server.hear(&mut self.wire, &mut <&mut [u8]>::default()).is_ok() {}
            assert!(self.server.flush(&mut self.wire).unwrap());
            self.client_hears().unwrap();
        }
    }

    /// Takes the keys out: after the next that is said, since rustls may have something to say before that.
    fn take(&mut self) {
        self.server.take_keys();
        assert!(!self.is_own());
        self.server_says(&[b"an answer"]);
        assert!(self.is_own());
        assert_eq!(self.client_reads(), b"an answer");
    }

    fn is_own(&self) -> bool {
        matches!(self.server.layer, Layer::Own(_))
    }

    fn client_speaks(&mut self) {
        while self.client.wants_write() {
            self.client.write_tls(&mut self.wire.to_server).unwrap();
        }
    }

    fn client_hears(&mut self) -> Result<(), rustls::Error> {
        let mut bytes = &mem::take(&mut self.wire.to_client)[..];
        while !bytes.is_empty() && self.client.read_tls(&mut bytes).unwrap() > 0 {
            self.client.process_new_packets()?;
        }
        Ok(())
    }

    fn client_says(&mut self, content: &[u8]) {
        self.client.writer().write_all(content).unwrap();
        self.client_speaks();
    }

    /// What the server can read now, through a buffer of this size, and how that ends.
    fn server_reads(&mut self, size: usize) -> (Vec<u8>, io::Result<()>) {
        let mut all = Vec::new();
        loop {
            let mut buffer = vec![0; size];
            match self.server.read(&mut self.wire, &mut &mut buffer[..]) {
                Ok(0) => return (all, Ok(())),
                Ok(read) => all.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (all, Err(error)),
            }
        }
    }

    fn server_says(&mut self, slices: &[&[u8]]) -> Written {
        let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        self.server.write(&mut self.wire, &slices, &mut self.scratch).unwrap()
    }

    fn client_reads(&mut self) -> Vec<u8> {
        let mut bytes = &mem::take(&mut self.wire.to_client)[..];
        let mut all = Vec::new();
        loop {
            let read = self.client.read_tls(&mut bytes).unwrap();
            self.client.process_new_packets().unwrap();
            let _ = self.client.reader().read_to_end(&mut all);
            if read == 0 {
                return all;
            }
        }
    }

    /// A connection that says nothing holds nothing.
    fn assert_holds_nothing(&self) {
        let Records { begun, opened, sealed, .. } = &*self.server;
        assert_eq!([begun.capacity(), opened.capacity(), sealed.capacity()], [0; 3]);
    }
}

fn kind<A>(result: io::Result<A>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

#[test]
fn hands_are_shaken_in_pieces_of_any_size() {
    for of in ALL {
        for piece in [1, 2, 7, usize::MAX] {
            let mut ends = Ends::shaken(of, piece);
            assert_eq!(ends.client.protocol_version(), Some(of.0.version));
            ends.client_says(b"there");
            assert_eq!(ends.server_reads(16).0, b"there");
            assert_eq!(ends.server_says(&[b"and ", b"", b"back"]).accepted, 8);
            assert_eq!(ends.client_reads(), b"and back");
            ends.assert_holds_nothing();
        }
    }
}

#[test]
fn a_record_that_is_cut_is_kept_until_it_is_whole() {
    for of in ALL {
        let mut ends = Ends::shaken(of, usize::MAX);
        ends.client_says(&[7; 1000]);
        let rest = ends.wire.to_server.split_off(600);
        let (read, end) = ends.server_reads(4096);
        assert_eq!((read.len(), kind(end)), (0, ErrorKind::WouldBlock));
        assert_eq!(ends.server.begun.len(), 600);
        // What is said meanwhile does not touch it.
        ends.server_says(&[b"meanwhile"]);
        assert_eq!(ends.client_reads(), b"meanwhile");
        ends.wire.to_server.extend(rest);
        assert_eq!(ends.server_reads(4096).0, [7; 1000]);
        ends.assert_holds_nothing();
    }
}

#[test]
fn records_that_come_together_are_read_in_order_through_any_buffer() {
    for of in ALL {
        for size in [1, 100, 5000, 1 << 20] {
            let mut ends = Ends::shaken(of, usize::MAX);
            let mut said = Vec::new();
            for number in 0..200 {
                let content = vec![number; usize::from(number) * 3];
                ends.client_says(&content);
                said.extend_from_slice(&content);
            }
            let (read, end) = ends.server_reads(size);
            assert!(read == said, "through {size}");
            assert_eq!(kind(end), ErrorKind::WouldBlock);
            ends.assert_holds_nothing();
        }
    }
}

#[test]
fn whoever_talks_nonsense_is_told_so_after_what_made_sense_was_read() {
    for of in ALL {
        let mut ends = Ends::shaken(of, usize::MAX);
        ends.client_says(b"sense");
        ends.wire.to_server.extend([23, 3, 3, 0, 32]);
        ends.wire.to_server.extend([0; 32]);
        let (read, end) = ends.server_reads(64);
        assert_eq!((&read[..], kind(end)), (&b"sense"[..], ErrorKind::InvalidData));
        let alert = ends.client_hears().unwrap_err();
        assert_eq!(alert, rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac));
        assert_eq!(kind(ends.server_reads(64).1), ErrorKind::InvalidData);
        assert_eq!(
            kind(ends.server.write(&mut ends.wire, &[IoSlice::new(b"x")], &mut Vec::new())),
            ErrorKind::BrokenPipe
        );
        ends.assert_holds_nothing();
    }
    let mut ends = Ends::new(BOTH[0], usize::MAX);
    ends.wire.to_server.extend([0; 64]);
    assert_eq!(kind(ends.server_reads(64).1), ErrorKind::InvalidData);
    assert_eq!(ends.wire.to_client[0], 21, "an alert");
}

#[test]
fn an_end_that_is_announced_is_told_from_one_that_is_not() {
    for of in ALL {
        let mut ends = Ends::shaken(of, usize::MAX);
        ends.client_says(b"last words");
        ends.client.send_close_notify();
        ends.client_speaks();
        ends.wire.to_server.extend([1, 2, 3]);
        let (read, end) = ends.server_reads(4);
        assert_eq!((&read[..], end.is_ok()), (&b"last words"[..], true));
        // The other half stays until it is closed too.
        ends.server_says(&[b"the same"]);
        ends.server.close();
        ends.server.close();
        assert!(ends.server.flush(&mut ends.wire).unwrap());
        assert_eq!(ends.client_reads(), b"the same");
        assert!(ends.client.reader().read(&mut [0]).is_ok_and(|read| read == 0), "it was told");
        ends.assert_holds_nothing();

        let mut ends = Ends::shaken(of, usize::MAX);
        ends.client_says(b"cut");
        ends.wire.ended = true;
        let (read, end) = ends.server_reads(64);
        assert_eq!((&read[..], kind(end)), (&b"cut"[..], ErrorKind::UnexpectedEof));
    }
}

#[test]
fn keys_are_exchanged_when_the_client_wishes() {
    for of in [ALL[0], OWN] {
        keys_are_exchanged(Ends::shaken(of, 11));
    }
}

fn keys_are_exchanged(mut ends: Ends) {
    for round in 0..5 {
        ends.client.refresh_traffic_keys().unwrap();
        ends.client_says(&[round; 300]);
        assert_eq!(ends.server_reads(64).0, [round; 300]);
        ends.server_says(&[&[round; 200]]);
        assert_eq!(ends.client_reads(), [round; 200]);
    }
    ends.assert_holds_nothing();
    // Again and again, and nothing else: that is no end of them.
    for _ in 0..100 {
        ends.client.refresh_traffic_keys().unwrap();
    }
    ends.client_speaks();
    assert_eq!(kind(ends.server_reads(64).1), ErrorKind::InvalidData);
}

#[test]
fn a_line_that_takes_little_holds_one_calls_worth() {
    for of in ALL {
        let mut ends = Ends::shaken(of, usize::MAX);
        let content: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
        let (mut at, mut heard) = (0, Vec::new());
        while at < content.len() || !ends.server.sealed.is_empty() {
            ends.wire.room = 10_000;
            let (one, two) = content[at..].split_at(content[at..].len() / 3);
            let before = at;
            if at < content.len() {
                at += ends.server_says(&[one, two]).accepted;
            } else {
                ends.server.flush(&mut ends.wire).unwrap();
            }
            assert!(at - before <= SEAL);
            assert!(ends.server.sealed.len() <= SEAL + HELD + 8 * AROUND, "{}", ends.server.sealed.len());
            heard.extend(ends.client_reads());
        }
        assert!(heard == content);
        ends.assert_holds_nothing();
    }
}

#[test]
fn what_never_becomes_whole_is_bounded() {
    for of in [ALL[0], OWN] {
        // A record of which the end does not come.
        let mut ends = Ends::shaken(of, 1);
        ends.wire.to_server.extend([23, 3, 3, 64, 0]);
        ends.wire.to_server.extend([0; 16_000]);
        assert_eq!(kind(ends.server_reads(64).1), ErrorKind::WouldBlock);
        assert!(ends.server.begun.capacity() <= 2 * (RECORD + 256));
        // A record that is too long to be one.
        let mut ends = Ends::shaken(of, usize::MAX);
        ends.wire.to_server.extend([23, 3, 3, 255, 255]);
        assert_eq!(kind(ends.server_reads(64).1), ErrorKind::InvalidData);
    }
    // A handshake message in as many pieces as it has bytes, and one that says it is long.
    for length in [[0, 255, 255], [255, 255, 255]] {
        let mut ends = Ends::new(BOTH[0], 1000);
        ends.wire.to_server.extend([22, 3, 1, 0, 4, 1]);
        ends.wire.to_server.extend(length);
        ends.wire.to_server.extend([22, 3, 1, 0, 1, 0].repeat(60_000));
        assert_eq!(kind(ends.server_reads(64).1), ErrorKind::InvalidData);
        assert!(ends.wire.to_server.len() > 200_000, "it was not all read");
        ends.assert_holds_nothing_but_an_alert();
    }
}

impl Ends {
    fn assert_holds_nothing_but_an_alert(&self) {
        let Records { begun, opened, sealed, .. } = &*self.server;
        assert_eq!([begun.capacity(), opened.capacity()], [0; 2]);
        assert!(sealed.len() < AROUND);
    }
}
