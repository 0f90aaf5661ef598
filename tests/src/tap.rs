//! Somebody who looks on: `GET /v1/tap`, read as it comes.

use crate::{Gateway, patiently, spawn};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub struct Tap {
    body: Incoming,
    text: String,
}

impl Tap {
    pub async fn open(gateway: &Gateway) -> Self {
        let stream = TcpStream::connect(gateway.admin()).await.expect("the gateway accepts");
        let (mut sender, connection) =
            http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.expect("it is a new connection");
        spawn(connection);
        let request = Request::get("/v1/tap").header("host", "localhost").body(Empty::new()).expect("well formed");
        let response = patiently("the head of the tap", sender.send_request(request)).await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a value"))
        );
        let mut tap = Self { body: response.into_body(), text: String::new() };
        // With this it looks on.
        tap.more().await;
        tap
    }

    /// The next decision.
    pub async fn event(&mut self) -> Value {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(data) = block.strip_prefix("event: event\ndata: ") {
                    return serde_json::from_str(data).expect("a decision is JSON");
                }
            }
            self.more().await;
        }
    }

    async fn more(&mut self) {
        let frame = patiently("more of the tap", self.body.frame()).await.expect("it does not end").expect("nor break");
        if let Ok(data) = frame.into_data() {
            self.text.push_str(std::str::from_utf8(&data).expect("no letter is parted in these tests"));
        }
    }
}
