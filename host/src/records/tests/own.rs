//! Keys that were taken out of rustls, against rustls's own client.

use super::*;
use rustls::crypto::ring::cipher_suite::{
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};

impl Ends {
    /// The connection, without rustls.
    fn own(&mut self) -> &mut Own {
        match &mut self.server.layer {
            Layer::Own(own) => own,
            _ => panic!("nothing was taken"),
        }
    }
}

#[test]
fn every_suite_is_sealed_and_opened_while_both_exchange_keys() {
    for suite in [TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256] {
        let provider = CryptoProvider { cipher_suites: vec![suite], ..ring::default_provider() };
        let mut ends = Ends::of(configured_by(BOTH[0], provider), 1000);
        ends.shake();
        ends.take();
        assert_eq!(ends.client.negotiated_cipher_suite(), Some(suite));
        // The server's own limit comes near again and again.
        ends.own().limit(9);
        let mut numbers = 0_usize;
        for round in 0..200 {
            numbers = (numbers * 31 + round * 7 + 5) % 70_001;
            let (said, heard) = (vec![round as u8; numbers], vec![!(round as u8); numbers % 20_011]);
            if round % 3 == 0 {
                ends.client.refresh_traffic_keys().unwrap();
            }
            ends.client_says(&heard);
            if round % 5 == 0 {
                // In between, the server says something that crosses what the client says.
                ends.server_says(&[b"between"]);
            }
            assert!(ends.server_reads(5000).0 == heard, "round {round}");
            let (one, two) = said.split_at(numbers / 3);
            let between = if round % 5 == 0 { &b"between"[..] } else { b"" };
            let accepted = ends.server_says(&[one, b"", two]).accepted;
            assert_eq!(accepted, numbers.min(SEAL));
            assert!(ends.client_reads() == [between, &said[..accepted]].concat(), "round {round}");
            assert!(ends.own().sealed() <= 9, "round {round}");
        }
        ends.assert_holds_nothing();
    }
}

#[test]
fn keys_are_taken_only_when_rustls_has_nothing_under_way() {
    // It has an answer to new keys, which it keeps until there is content.
    let mut ends = Ends::shaken(ALL[0], usize::MAX);
    ends.server_says(&[b"one"]);
    ends.client.refresh_traffic_keys().unwrap();
    ends.client_says(b"two");
    assert_eq!(ends.server_reads(64).0, b"two");
    ends.server.take_keys();
    assert!(!ends.is_own());
    ends.server_says(&[b"", b""]);
    assert!(!ends.is_own());
    ends.server_says(&[b"three"]);
    assert!(ends.is_own());
    assert_eq!(ends.client_reads(), b"onethree");
    ends.client_says(b"four");
    assert_eq!(ends.server_reads(64).0, b"four");

    // Something has begun to come.
    let mut ends = Ends::shaken(ALL[0], usize::MAX);
    ends.client_says(b"in two pieces");
    let rest = ends.wire.to_server.split_off(9);
    assert_eq!(kind(ends.server_reads(64).1), ErrorKind::WouldBlock);
    ends.server.take_keys();
    ends.server_says(&[b"one"]);
    assert!(!ends.is_own());
    ends.wire.to_server.extend(rest);
    assert_eq!(ends.server_reads(64).0, b"in two pieces");
    ends.server_says(&[b"two"]);
    assert!(ends.is_own());
    assert_eq!(ends.client_reads(), b"onetwo");
}

#[test]
fn what_was_opened_and_sealed_before_stays() {
    let mut ends = Ends::shaken(ALL[0], usize::MAX);
    ends.client_says(b"one, two");
    let mut some = [0; 3];
    ends.server.read(&mut ends.wire, &mut &mut some[..]).unwrap();
    ends.wire.room = 4;
    assert!(ends.server_says(&[b"three"]).full);
    ends.server.take_keys();
    assert!(ends.is_own() && ends.server.has_unread() && !ends.server.is_clear());
    assert_eq!(ends.server_reads(64).0, b", two");
    ends.wire.room = usize::MAX;
    ends.server_says(&[b", four"]);
    assert_eq!(ends.client_reads(), b"three, four");
}

#[test]
fn nothing_is_taken_from_whoever_cannot_go_on_with_it() {
    let mut ends = Ends::shaken(ALL[1], usize::MAX);
    ends.server.take_keys();
    ends.server_says(&[b"TLS 1.2"]);
    assert!(!ends.is_own());

    let mut ends = Ends::shaken(ALL[0], usize::MAX);
    ends.server_says(&[b"the last"]);
    ends.server.close();
    ends.server.take_keys();
    assert!(!ends.is_own());

    let (server, client) = configured(BOTH[0]);
    let mut kept = ServerConfig::clone(&server);
    kept.enable_secret_extraction = false;
    let mut ends = Ends::of((Arc::new(kept), client), usize::MAX);
    ends.shake();
    ends.server.take_keys();
    ends.server_says(&[b"one"]);
    assert!(!ends.is_own());
    assert_eq!(ends.client_reads(), b"one");
}

#[test]
fn a_connection_is_small_and_not_printed() {
    let ends = Ends::shaken(OWN, usize::MAX);
    let size = size_of::<Records>();
    assert!(size <= 1024, "{size}");
    assert_eq!(format!("{:?}", ends.server), "Records { .. }");
}
