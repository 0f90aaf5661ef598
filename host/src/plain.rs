//! Plain HTTP, where `tls.acme.http` says so: a certificate authority gets what it looks for (`http-01`), and everybody else
//! is sent on to HTTPS. Nothing is taken and nothing is told here.

use crate::challenges::{Challenges, PATH};
use crate::http::{self, Arrived, Io, Reply};
use crate::phase::Phases;
use crate::proxy::Proxies;
use crate::task;
use ::http::header::{HOST, HeaderValue, LOCATION};
use ::http::{Method, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

pub struct Plain {
    pub challenges: Challenges,
    /// Those that are sent on; whoever asks for another has come to the wrong place.
    pub domains: Vec<String>,
    /// Where HTTPS is spoken, as those outside see it.
    pub port: u16,
    /// Who is in front of the other listeners is in front of this one.
    pub proxies: Proxies,
    pub http: http::Config,
    pub phases: Phases,
}

impl Plain {
    /// Starts to serve a connection and returns at once.
    pub fn serve(self: &Arc<Self>, mut tcp: TcpStream, peer: SocketAddr, permit: impl Send + 'static) {
        let plain = self.clone();
        task::background(async move {
            if let Err(error) = plain.proxies.whose(&mut tcp, peer, plain.http.header_timeout).await {
                return tracing::debug!(%peer, %error, "connection refused: it is not known whose it is");
            }
            let answer = plain.clone();
            let handle = move |request: Arrived| {
                let plain = answer.clone();
                async move { plain.answer(request).await }
            };
            http::serve(Io::Plain(tcp), plain.http, handle, plain.phases.draining()).await;
            drop(permit);
        });
    }

    async fn answer(&self, request: Arrived) -> Reply {
        let (head, body, _) = request.into_parts();
        // What is said here was said to everybody on the way; it is not even read.
        body.forget().await;
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        if let Some(token) = head.uri.path().strip_prefix(PATH) {
            return match self.challenges.authorization(token) {
                Some(answer) if head.method == Method::GET => Reply::text(StatusCode::OK, answer),
                _ => Reply::text(StatusCode::NOT_FOUND, "no such challenge\n"),
            };
        }
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        match self.elsewhere(host, target) {
            Some(location) => Reply::empty(StatusCode::PERMANENT_REDIRECT).with(LOCATION, location),
            None => Reply::text(StatusCode::NOT_FOUND, "nothing is here\n"),
        }
    }

    /// The same by HTTPS.
    fn elsewhere(&self, host: &str, target: &str) -> Option<HeaderValue> {
        let name = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        if !self.domains.contains(&name) || !target.starts_with('/') {
            return None;
        }
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        HeaderValue::from_str(&format!("https://{name}{port}{target}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_whoever_asks_for_a_domain_of_ours_is_sent_on_and_to_nowhere_else() {
        let second = Duration::from_secs(1);
        let mut plain = Plain {
            challenges: Challenges::default(),
            domains: vec!["gw.example.com".to_owned()],
            port: 443,
            proxies: Proxies::default(),
            http: http::Config { headers: 8192, header_count: 10, header_timeout: second },
            phases: Phases::default(),
        };
        let sent = |plain: &Plain, host, target| {
            plain.elsewhere(host, target).map(|location| location.to_str().expect("text").to_owned())
        };
        let there = Some("https://gw.example.com/a?b".to_owned());
        assert_eq!(sent(&plain, "gw.example.com", "/a?b"), there);
        assert_eq!(sent(&plain, "GW.example.com.:80", "/a?b"), there);
        for host in ["evil.example", "", "gw.example.com@evil.example", "evil.example:gw.example.com", "[::1]"] {
            assert_eq!(sent(&plain, host, "/"), None, "{host}");
        }
        assert_eq!(sent(&plain, "gw.example.com", "*"), None);
        plain.port = 8443;
        assert_eq!(sent(&plain, "gw.example.com", "/").as_deref(), Some("https://gw.example.com:8443/"));
    }
}
