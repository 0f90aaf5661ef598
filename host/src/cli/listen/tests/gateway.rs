//! A gateway as small as it can be, which says what a test wants it to say.

use crate::message::{Cursor, Offset};
use crate::outward::testing::server;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

pub fn at(offset: u64) -> Cursor {
    Cursor { epoch: 7, offset: Offset(offset) }
}

pub fn hello(cursor: Cursor) -> Message {
    Message::text(format!(r#"{{"type":"hello","cursor":"{cursor}","client":"000000000000000a"}}"#))
}

/// The event whose own cursor is `offset`, and which follows that before it.
pub fn event(offset: u64, body: &str) -> Message {
    following(offset, at(offset - 1), body)
}

pub fn following(offset: u64, prev: Cursor, body: &str) -> Message {
    let cursor = at(offset);
    Message::text(format!(
        r#"{{"type":"event","cursor":"{cursor}","prev":"{prev}","id":"{offset:016x}","webhook":"whatsapp","kind":"messages","received":"2026-01-31T12:00:00.000Z","content_type":"application/json; charset=utf-8","keys":{{"waba":"1"}},"body":{body}}}"#
    ))
}

/// What was asked for in each connection's request.
pub type Asked = Arc<Mutex<Vec<String>>>;

/// For each connection: headers of its 101, and what is said on it. Then the connection is closed; the last one's stays
/// open until the client has had enough.
pub type Script = Vec<(Vec<(&'static str, String)>, Vec<Message>)>;

pub async fn gateway(script: Script) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let heard = asked.clone();
    let address = server(move |number, tcp| {
        let number = usize::try_from(number).unwrap();
        let (headers, said) = script.get(number).cloned().unwrap_or_else(|| panic!("connection {number}"));
        let (last, heard) = (number + 1 == script.len(), heard.clone());
        async move {
            let mut socket = accept(tcp, headers, &heard).await;
            for message in said {
                socket.send(message).await.unwrap();
            }
            if !last {
                let _ = socket.close(None).await;
            }
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    (address.await, asked)
}

#[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
async fn accept(tcp: TcpStream, headers: Vec<(&'static str, String)>, heard: &Asked) -> WebSocketStream<TcpStream> {
    let answer = |request: &Request, mut response: Response| {
        heard.lock().unwrap().push(request.uri().to_string());
        for (name, value) in headers {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        Ok(response)
    };
    accept_hdr_async(tcp, answer).await.unwrap()
}

pub fn v1() -> Vec<(&'static str, String)> {
    vec![("sec-websocket-protocol", "postern.v1".to_owned())]
}

pub fn raw(cursor: Cursor) -> Vec<(&'static str, String)> {
    vec![("postern-cursor", cursor.to_string())]
}
