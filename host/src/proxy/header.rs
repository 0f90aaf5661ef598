//! The header of the PROXY protocol at the beginning of a connection: read to its end and no further, so that what follows
//! is there for whoever comes next. Its grammar is `proxy_header`'s affair.

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// `PROXY UNKNOWN` and the end of its line: no header of either version is shorter.
const SHORTEST: usize = 15;

/// Of version 1, with the end of the line.
const LONGEST_LINE: usize = 107;

/// Of version 2: proxies add a name of the host and some numbers, not kilobytes.
const LONGEST: usize = 4096;

const LINE: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\x00\r\nQUIT\n";

/// What says how long the rest is, in version 2: the signature, two bytes of what it is, two of its length.
const FIXED: usize = 16;

/// Why it is not known whose a connection is.
#[derive(Debug, thiserror::Error)]
pub enum Unproxied {
    #[error("it comes from an address that is not in `proxy.trusted`")]
    Stranger,
    #[error("the proxy left without a word")]
    Silent,
    #[error("the header of the PROXY protocol took too long")]
    Slow,
    #[error("there is no header of the PROXY protocol")]
    Missing,
    #[error("the header of the PROXY protocol cannot be read")]
    Broken,
    #[error("the connection failed within the header of the PROXY protocol")]
    Failed(#[source] io::Error),
}

/// The address in the header; `None` when the proxy speaks for itself, or does not know.
pub async fn read(tcp: &mut TcpStream) -> Result<Option<SocketAddr>, Unproxied> {
    let mut bytes = vec![0; SHORTEST];
    tcp.read_exact(&mut bytes).await.map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Unproxied::Silent,
        _ => Unproxied::Failed(error),
    })?;
    if bytes.starts_with(SIGNATURE) {
        read_on(tcp, &mut bytes, FIXED).await?;
        let rest = usize::from(u16::from_be_bytes([bytes[FIXED - 2], bytes[FIXED - 1]]));
        if FIXED + rest > LONGEST {
            return Err(Unproxied::Broken);
        }
        read_on(tcp, &mut bytes, FIXED + rest).await?;
    } else if bytes.starts_with(LINE) {
        read_line(tcp, &mut bytes).await?;
    } else {
        return Err(Unproxied::Missing);
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Option<SocketAddr>, Unproxied> {
    let both = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
    let (header, length) = ProxyHeader::parse(bytes, both).map_err(|_| Unproxied::Broken)?;
    match header.proxied_address() {
        _ if length != bytes.len() => Err(Unproxied::Broken),
        Some(address) if address.protocol != Protocol::Stream => Err(Unproxied::Broken),
        Some(address) => Ok(Some(SocketAddr::new(address.source.ip().to_canonical(), address.source.port()))),
        None => Ok(None),
    }
}

/// Reads until there are so many bytes.
async fn read_on(tcp: &mut TcpStream, bytes: &mut Vec<u8>, length: usize) -> Result<(), Unproxied> {
    let begin = bytes.len();
    bytes.resize(length, 0);
    tcp.read_exact(&mut bytes[begin..]).await.map_err(Unproxied::Failed)?;
    Ok(())
}

/// Reads to the end of the line. How far that is shows only when it is there, so it is looked for before it is read.
async fn read_line(tcp: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<(), Unproxied> {
    while !bytes.contains(&b'\n') {
        let mut ahead = [0; LONGEST_LINE];
        let room = LONGEST_LINE.checked_sub(bytes.len()).filter(|room| *room > 0).ok_or(Unproxied::Broken)?;
        let seen = tcp.peek(&mut ahead[..room]).await.map_err(Unproxied::Failed)?;
        if seen == 0 {
            return Err(Unproxied::Failed(ErrorKind::UnexpectedEof.into()));
        }
        let line = ahead[..seen].iter().position(|byte| *byte == b'\n').map_or(seen, |end| end + 1);
        read_on(tcp, bytes, bytes.len() + line).await?;
    }
    Ok(())
}
