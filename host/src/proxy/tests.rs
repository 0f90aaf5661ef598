use super::*;
use http::HeaderValue;
use http::header::FORWARDED;
use proptest::prelude::*;
use proxy_header::{ProxiedAddress, ProxyHeader, Tlv};
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(10);

fn proxies(protocol: bool, headers: Headers) -> Proxies {
    let trusted = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|text| text.parse().expect("a network"));
    Proxies { trusted: trusted.into(), protocol, headers }
}

fn client(headers: Headers, peer: &str, lines: &[&str]) -> String {
    let mut map = HeaderMap::new();
    for line in lines {
        let name = if headers == Headers::Forwarded { FORWARDED.as_str() } else { "x-forwarded-for" };
        map.append(http::HeaderName::from_static(name), HeaderValue::from_bytes(line.as_bytes()).expect("a header"));
    }
    proxies(false, headers).client(SocketAddr::new(peer.parse().expect("an address"), 1), &map).to_string()
}

#[test]
fn a_header_is_believed_of_a_trusted_proxy_only_and_to_the_first_hop_that_is_none() {
    let told = |peer: &str, lines: &[&str]| client(Headers::XForwardedFor, peer, lines);
    assert_eq!(told("192.0.2.1", &["198.51.100.7"]), "192.0.2.1:1", "a stranger");
    assert_eq!(told("10.0.0.1", &[]), "10.0.0.1:1");
    assert_eq!(told("10.0.0.1", &["198.51.100.7"]), "198.51.100.7:0");
    assert_eq!(told("10.0.0.1", &["203.0.113.9, 198.51.100.7,10.0.0.2"]), "198.51.100.7:0", "the first was made up");
    assert_eq!(told("10.0.0.1", &["203.0.113.9", "198.51.100.7", "10.0.0.2"]), "198.51.100.7:0", "the same in lines");
    assert_eq!(told("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3:0", "from within");
    assert_eq!(told("10.0.0.1", &["198.51.100.7:4711"]), "198.51.100.7:4711");
    assert_eq!(told("10.0.0.1", &["2001:db8::7"]), "[2001:db8::7]:0");
    assert_eq!(told("10.0.0.1", &["[2001:db8::7]:4711, [fd00::1]"]), "[2001:db8::7]:4711");
    assert_eq!(told("10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7:0");
    for unreadable in ["unknown", "", "198.51.100.7,", "198.51.100.7, evil", "198.51.100.7, ä"] {
        assert_eq!(told("10.0.0.1", &[unreadable]), "10.0.0.1:1", "{unreadable}");
    }
    assert_eq!(told("10.0.0.1", &["198.51.100.7, nonsense, 10.0.0.2"]), "10.0.0.2:0");
    assert_eq!(client(Headers::None, "10.0.0.1", &["198.51.100.7"]), "10.0.0.1:1", "not asked for");
}

#[test]
fn the_standard_header_is_read_as_its_rfc_says() {
    let told = |lines: &[&str]| client(Headers::Forwarded, "10.0.0.1", lines);
    assert_eq!(told(&["for=198.51.100.7"]), "198.51.100.7:0");
    assert_eq!(told(&["For=\"[2001:db8:cafe::17]:4711\""]), "[2001:db8:cafe::17]:4711");
    assert_eq!(told(&["for=203.0.113.9, for=198.51.100.7;proto=http;by=203.0.113.43"]), "198.51.100.7:0");
    assert_eq!(told(&["for=198.51.100.7;host=\"a,for=203.0.113.9\", for=10.0.0.2"]), "198.51.100.7:0");
    assert_eq!(told(&["for=198.51.100.7", "by=10.0.0.1 ; for=10.0.0.2"]), "198.51.100.7:0");
    for unreadable in ["for=unknown", "for=_hidden", "by=10.0.0.9", "for=198.51.100.7;for=203.0.113.9", "for"] {
        assert_eq!(told(&[unreadable]), "10.0.0.1:1", "{unreadable}");
    }
    // A client that opens a quote cannot have what the proxy adds behind it read as a part of its own words.
    for line in ["for=\"203.0.113.9, for=198.51.100.7", "for=\"\\, for=\"[2001:db8::7]\"", "a=\", for=198.51.100.7"] {
        assert_eq!(told(&[line]), "10.0.0.1:1", "{line}");
    }
}

proptest! {
    /// Whatever a client has written before, what the trusted proxy adds is what counts.
    #[test]
    fn nothing_a_client_writes_moves_its_address(lies in proptest::collection::vec("[ -~]{0,40}", 0..4), one_line: bool) {
        let lines = match one_line {
            true => vec![lies.iter().map(|lie| format!("{lie},")).collect::<String>() + "198.51.100.7"],
            false => lies.into_iter().chain(["198.51.100.7".to_owned()]).collect(),
        };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        prop_assert_eq!(client(Headers::XForwardedFor, "10.0.0.1", &lines), "198.51.100.7:0");
    }

    /// In the standard header it may be unreadable, which is nobody's, and never what the client says.
    #[test]
    fn nor_in_the_standard_header(lie in "[ -~]{0,60}") {
        let told = client(Headers::Forwarded, "10.0.0.1", &[&format!("{lie}, for=\"198.51.100.7:80\"")]);
        prop_assert!(["198.51.100.7:80", "10.0.0.1:1"].contains(&told.as_str()), "{}", told);
    }

    /// Both versions, cut into two pieces anywhere, with more behind: the address is the one meant, and what is behind is
    /// left for the next who reads.
    #[test]
    fn a_header_is_read_to_its_end_and_no_further(
        four: Option<(u32, u32)>, six: (u128, u128), ports: (u16, u16), version_2: bool, note in 0..400_usize, cut: usize,
    ) {
        let (source, destination) = match four {
            Some((source, destination)) => (Ipv4Addr::from_bits(source).into(), Ipv4Addr::from_bits(destination).into()),
            None => (IpAddr::from(Ipv6Addr::from_bits(six.0)), Ipv6Addr::from_bits(six.1).into()),
        };
        let (source, destination) = (SocketAddr::new(source, ports.0), SocketAddr::new(destination, ports.1));
        let header = ProxyHeader::with_address(ProxiedAddress::stream(source, destination));
        let mut bytes = vec![];
        if version_2 {
            let mut header = header;
            header.append_tlv(Tlv::Authority("a".repeat(note).into()));
            header.encode_v2(&mut bytes).expect("it fits");
        } else {
            header.encode_v1(&mut bytes).expect("it fits");
        }
        let cut = cut % bytes.len();
        let read = reads(&[&bytes[..cut], &[&bytes[cut..], b"\x16behind"].concat()]);
        prop_assert_eq!(read.expect("it is a header"), (SocketAddr::new(source.ip().to_canonical(), ports.0), b"\x16behind".to_vec()));
    }

    #[test]
    fn anything_else_is_refused_or_read_but_never_panics(bytes: Vec<u8>, like: bool) {
        let bytes = if like { [b"PROXY TCP4 ".as_slice(), &bytes].concat() } else { bytes };
        let _ = reads(&[&bytes]);
    }
}

/// What is read of a connection of 127.0.0.1 to which this is written, piece by piece, and what is left on it.
fn reads(pieces: &[&[u8]]) -> Result<(SocketAddr, Vec<u8>), Unproxied> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut proxy = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it listens");
        let (mut tcp, peer) = listener.accept().await.expect("it is there");
        let write = async {
            for piece in pieces {
                proxy.write_all(piece).await.expect("it reads");
                tokio::task::yield_now().await;
            }
            proxy.shutdown().await.expect("it is open");
        };
        let all = proxies(true, Headers::None);
        let (whose, ()) = tokio::join!(all.whose(&mut tcp, peer, PATIENCE), write);
        let whose = whose?;
        let mut behind = vec![];
        tcp.read_to_end(&mut behind).await.expect("it ends");
        Ok((if whose == peer { SocketAddr::from(([0; 4], 0)) } else { whose }, behind))
    })
}

#[test]
fn a_proxy_that_speaks_for_itself_is_the_client() {
    let itself = SocketAddr::from(([0; 4], 0));
    let local = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00GET";
    for header in [&b"PROXY UNKNOWN\r\nGET"[..], b"PROXY UNKNOWN ffff:f:f:f 1 2 3\r\nGET", local] {
        assert_eq!(reads(&[header]).expect("a header"), (itself, b"GET".to_vec()), "{header:?}");
    }
}

#[test]
fn what_is_no_header_is_told_apart() {
    let refusal = |bytes: &[u8]| reads(&[bytes]).expect_err("no header").to_string();
    assert!(matches!(reads(&[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), Err(Unproxied::Missing)));
    assert!(matches!(reads(&[b""]), Err(Unproxied::Silent)));
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    // UDP, a length beyond all reason, version 3, an address that is none, a family that is another's.
    let udp = [b"\r\n\r\n\x00\r\nQUIT\n\x21\x12\x00\x0c".as_slice(), &[1; 12]].concat();
    let long = [b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[1; 0xffff]].concat();
    let third = [b"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x0c".as_slice(), &[1; 12]].concat();
    let all: [&[u8]; 7] = [
        &endless,
        &udp,
        &long,
        &third,
        b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 4.5.6.7 1 2\n..........",
    ];
    for bytes in all {
        assert_eq!(refusal(bytes), Unproxied::Broken.to_string(), "{:?}", &bytes[..bytes.len().min(30)]);
    }
}

#[tokio::test]
async fn one_that_says_half_a_header_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut proxy = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it listens");
    let (mut tcp, peer) = listener.accept().await.expect("it is there");
    proxy.write_all(b"PROXY TCP4 192.0.2.1 ").await.expect("it reads");
    let whose = proxies(true, Headers::None).whose(&mut tcp, peer, Duration::from_millis(50)).await;
    assert!(matches!(whose, Err(Unproxied::Slow)), "{whose:?}");
}

#[tokio::test]
async fn with_the_protocol_nobody_comes_around_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let _proxy = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it listens");
    let (mut tcp, _) = listener.accept().await.expect("it is there");
    let stranger = SocketAddr::from(([192, 0, 2, 1], 1));
    let whose = proxies(true, Headers::None).whose(&mut tcp, stranger, PATIENCE).await;
    assert!(matches!(whose, Err(Unproxied::Stranger)), "{whose:?}");
    // Without, nothing is read of anybody.
    assert_eq!(proxies(false, Headers::None).whose(&mut tcp, stranger, PATIENCE).await.expect("as it is"), stranger);
}
