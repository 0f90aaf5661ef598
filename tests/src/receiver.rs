//! Somebody's HTTP endpoint that webhooks are pushed to: it keeps what comes, answers as a test wants, and checks
//! signatures as https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md has it. Nothing
//! of that is the gateway's code.

use crate::{Issued, spawn};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::hmac;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Push {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A status, and headers; `None` is no answer at all.
pub type PushAnswer = Option<(u16, Vec<(&'static str, String)>)>;

type Answer = Box<dyn FnMut(&Push) -> PushAnswer + Send>;

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Push>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::at(0, None).await
    }

    pub async fn secure(issued: &Issued) -> Self {
        Self::at(0, Some(issued)).await
    }

    /// On this port of this machine.
    pub async fn at(port: u16, issued: Option<&Issued>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("there is a port");
        let address = listener.local_addr().expect("it is bound");
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(|_| Some((200, vec![])))));
        let receiver = Self { address, got: Arc::default(), answer };
        let (served, acceptor) = (receiver.clone(), issued.map(acceptor));
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (receiver, acceptor) = (served.clone(), acceptor.clone());
                spawn(async move {
                    let service = service_fn(move |request| receiver.clone().take(request));
                    let server = http1::Builder::new();
                    // Whoever breaks off has his reasons.
                    match acceptor {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                            }
                        }
                    }
                });
            }
        });
        receiver
    }

    #[expect(clippy::disallowed_methods, reason = "the gateway under test is not a stranger")]
    async fn take(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return Ok(Response::default()) };
        let push = Push { path: head.uri.to_string(), headers: head.headers, body: body.to_bytes() };
        let answer = (self.answer.lock().expect("no test panics in here"))(&push);
        self.got.lock().expect("no test panics in here").push(push);
        let Some((status, headers)) = answer else {
            // Longer than any patience.
            std::future::pending::<()>().await;
            return Ok(Response::default());
        };
        let response = Response::builder().status(status);
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, value));
        Ok(response.body(Full::new("as the test wants\n".into())).expect("a status and headers"))
    }

    /// Answers otherwise from now on.
    pub fn now(&self, answer: impl FnMut(&Push) -> PushAnswer + Send + 'static) {
        *self.answer.lock().expect("no test panics in here") = Box::new(answer);
    }

    /// All that came so far, whatever was answered.
    pub fn got(&self) -> Vec<Push> {
        self.got.lock().expect("no test panics in here").clone()
    }

    pub fn bodies(&self) -> Vec<Bytes> {
        self.got().into_iter().map(|push| push.body).collect()
    }

    /// Waits until so many came.
    pub async fn becomes(&self, count: usize) -> Vec<Push> {
        crate::eventually(format!("{count} requests"), async || Some(self.got()).filter(|got| got.len() >= count)).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn secure_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

impl Push {
    /// A header that is there once.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        assert!(values.next().is_none(), "{name} is there twice");
        value.to_str().expect("it is text")
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Whether somebody who has this secret takes it, at this time.
    pub fn is_signed(&self, secret: &str, now: u64) -> bool {
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let fresh = timestamp.parse::<u64>().is_ok_and(|at| at.abs_diff(now) <= 300);
        fresh && verified(secret, id, timestamp, &self.body, self.header("webhook-signature"))
    }
}

fn verified(secret: &str, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
    let secret = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret).as_bytes()).expect("a secret");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let mut versions = signatures.split(' ').filter_map(|one| one.split_once(','));
    versions.any(|(version, signature)| {
        let tag = BASE64.decode(signature.as_bytes()).unwrap_or_default();
        version == "v1" && hmac::verify(&key, &signed, &tag).is_ok()
    })
}

fn acceptor(issued: &Issued) -> TlsAcceptor {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS);
    let builder = builder.expect("ring speaks these versions").with_no_client_auth();
    let config = builder.with_single_cert(chain.expect("a chain"), key).expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_verified_and_nothing_near_it() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b"{\"test\": 2432232314}");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(verified(secret, id, at, body, signature));
        assert!(verified(secret, id, at, body, &format!("v1a,abc v1,AAAA {signature}")));
        assert!(!verified(secret, id, "1614265331", body, signature));
        assert!(!verified(secret, "msg", at, body, signature) && !verified(secret, id, at, b"{}", signature));
        assert!(!verified("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", id, at, body, signature));
        assert!(!verified(secret, id, at, body, &signature.replace("v1", "v2")));
    }
}
