//! Opening a WebSocket. The request is made by the HTTP client rather than the WebSocket one, since only that reads the
//! whole of a refusal's body, which is what tells a user why.

use crate::cli::outward::{self, Destination, connection, read, request};
use http::header::{CONNECTION, HeaderMap, HeaderValue, RETRY_AFTER, UPGRADE};
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
}

impl Error {
    /// Whether the same may go well later.
    pub fn passing(&self) -> bool {
        match self {
            Self::Unreached { source, .. } => source.passing(),
            Self::Refused { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
            Self::Mismatched { .. } => false,
        }
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// Connects, and asks for a WebSocket with `extra` headers. Cancel safe: nothing is left open.
pub async fn open(destination: &Destination, extra: &HeaderMap) -> Result<Socket, Error> {
    let url = || destination.address.to_string();
    let unreached = |source| Error::Unreached { url: url(), source };
    let key = generate_key();
    let mut headers = extra.clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
    headers.insert("sec-websocket-key", HeaderValue::from_str(&key).expect("base64 may stand in a header"));
    let asked = request(destination, Method::GET, &headers, Full::default()).map_err(unreached)?;

    let mut sender = connection(destination.open().await.map_err(unreached)?).await.map_err(unreached)?;
    let answer = timeout(ANSWERING, async {
        let answer = sender.send_request(asked).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS { Ok(Ok(answer)) } else { read(answer).await.map(Err) }
    });
    let answer = answer.await.map_err(|_| unreached(outward::Error::Unanswered(ANSWERING.as_secs())))?;
    let answer = match answer.map_err(|error| unreached(outward::Error::Exchange(error)))? {
        Ok(switched) => switched,
        Err((refusal, _)) => {
            let retry_after = seconds(refusal.headers.get(RETRY_AFTER));
            let text = outward::first_line(&refusal.text);
            return Err(Error::Refused { url: url(), status: refusal.status, text, retry_after });
        }
    };
    let accepted = answer.headers().get("sec-websocket-accept").map(HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Error::Mismatched { url: url() });
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| unreached(outward::Error::Exchange(error)))?;
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await)
}

fn seconds(value: Option<&HeaderValue>) -> Option<Duration> {
    value?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
