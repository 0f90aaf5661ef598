//! Opening a WebSocket. The request is made by the HTTP client rather than the WebSocket one, since only that reads the
//! whole of a refusal's body, which is what tells a user why.

use super::Protocol;
use super::frame::Gap;
use super::place::Start;
use crate::cli::outward::{self, Destination, connection, read, request};
use crate::message::Cursor;
use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The subprotocol in which events say what they are and where they stand.
const V1: &str = "postern.v1";

/// For the whole answer. The gateway's admission filters have their time in it.
const ANSWERING: Duration = Duration::from_secs(20);

/// The longest event taken. A gateway's own limit is far below; this only keeps a wrong server from filling memory.
const LONGEST: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to reach `{url}`")]
    Unreached { url: String, source: outward::Error },
    #[error("`{url}` refused the connection with {status}{}{text}", if text.is_empty() { "" } else { ": " })]
    Refused { url: String, status: StatusCode, text: String, retry_after: Option<Duration> },
    #[error("`{url}` answered 101, but not to the WebSocket handshake that was sent")]
    Mismatched { url: String },
    #[error("`{url}` does not speak `{V1}`\nhint: `--protocol raw` receives bodies and nothing else")]
    OnlyRaw { url: String },
}

impl Error {
    /// Whether the same may go well later. 502 and 504 are of a proxy whose gateway is being started.
    pub fn passing(&self) -> bool {
        match self {
            Self::Unreached { source, .. } => source.passing(),
            Self::Refused { status, .. } => matches!(status.as_u16(), 429 | 502..=504),
            Self::Mismatched { .. } | Self::OnlyRaw { .. } => false,
        }
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// A WebSocket, and what the server said with it.
pub struct Opened {
    pub socket: Socket,
    /// Whether events come in frames of `postern.v1`.
    pub framed: bool,
    /// Of the raw form, where it begins.
    pub cursor: Option<Cursor>,
    /// Of the raw form, what is no longer to be had.
    pub gap: Option<Gap>,
    /// Of the raw form, whether the first message is what admission says, and no event.
    pub greeted: bool,
}

/// Connects, and asks for a WebSocket with `extra` headers that begins at `start`. Without a `protocol`, that which
/// says more is asked for and either taken. Cancel safe: nothing is left open.
pub async fn open(
    destination: &Destination,
    extra: &HeaderMap,
    start: &Start,
    protocol: Option<Protocol>,
) -> Result<Opened, Error> {
    let url = || destination.address.to_string();
    let unreached = |source| Error::Unreached { url: url(), source };
    let key = generate_key();
    let mut headers = extra.clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
    headers.insert("sec-websocket-key", HeaderValue::from_str(&key).expect("base64 may stand in a header"));
    if protocol != Some(Protocol::Raw) {
        // Beside any that carry a token, as browsers have to send theirs.
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(V1));
    }
    let query = start.query(destination.address.target.query());
    let asked = destination.with_query(query.as_deref()).map_err(unreached)?;
    let asked = request(&asked, Method::GET, &headers, Full::default()).map_err(unreached)?;

    let mut sender = connection(destination.open().await.map_err(unreached)?).await.map_err(unreached)?;
    let answer = timeout(ANSWERING, async {
        let answer = sender.send_request(asked).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS { Ok(Ok(answer)) } else { read(answer).await.map(Err) }
    });
    let answer = answer.await.map_err(|_| unreached(outward::Error::Unanswered(ANSWERING.as_secs())))?;
    let answer = match answer.map_err(|error| unreached(outward::Error::Exchange(error)))? {
        Ok(switched) => switched,
        Err(refusal) => {
            let retry_after = outward::retry_after(&refusal.headers);
            let text = outward::first_line(&refusal.text);
            return Err(Error::Refused { url: url(), status: refusal.status, text, retry_after });
        }
    };
    let head = answer.headers();
    if head.get("sec-websocket-accept").map(HeaderValue::as_bytes) != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(Error::Mismatched { url: url() });
    }
    let framed = text(head, SEC_WEBSOCKET_PROTOCOL.as_str()) == Some(V1);
    if protocol == Some(Protocol::V1) && !framed {
        return Err(Error::OnlyRaw { url: url() });
    }
    let cursor = text(head, "postern-cursor").and_then(|cursor| cursor.parse().ok());
    let gap = text(head, "postern-gap").and_then(gap);
    let greeted = head.contains_key("postern-greeting");
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| unreached(outward::Error::Exchange(error)))?;
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Opened { socket, framed, cursor, gap, greeted })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `FROM TO REASON`.
fn gap(text: &str) -> Option<Gap> {
    let mut words = text.split_whitespace();
    let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Gap { from, to, reason: outward::first_line(words.next()?) })
}
