//! A small HTTP service of an operator's own: keys for tokens, or an answer to who may come in.

use crate::spawn;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

type Answer = Box<dyn FnMut(&Request<Incoming>) -> Option<Response<Full<Bytes>>> + Send>;

/// Dropped, it goes on; nobody knows it then.
#[derive(Clone)]
pub struct Service {
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
}

impl Service {
    /// Answers each request as `answer` says; `None` is no answer at all.
    pub async fn start(
        answer: impl FnMut(&Request<Incoming>) -> Option<Response<Full<Bytes>>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it is bound");
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(answer)));
        let asked = answer.clone();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let asked = asked.clone();
                let service = service_fn(move |request| {
                    let answer = (asked.lock().expect("no test panics in here"))(&request);
                    async move {
                        match answer {
                            Some(answer) => Ok::<_, Infallible>(answer),
                            // Longer than any patience.
                            None => {
                                std::future::pending::<()>().await;
                                Ok(Response::default())
                            }
                        }
                    }
                });
                spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, answer }
    }

    /// Answers otherwise from now on.
    pub fn now(&self, answer: impl FnMut(&Request<Incoming>) -> Option<Response<Full<Bytes>>> + Send + 'static) {
        *self.answer.lock().expect("no test panics in here") = Box::new(answer);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

pub fn respond(status: u16, body: impl Into<Bytes>) -> Option<Response<Full<Bytes>>> {
    Some(Response::builder().status(status).body(Full::new(body.into())).expect("a status"))
}
