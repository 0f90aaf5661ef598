//! One connection: its handshake, its requests, and which story each belongs to. The only glue between them.

use crate::connect::{self, Connect};
use crate::http::{self, Arrived, Io, Reply};
use crate::ingest::Ingest;
use crate::listen::{Gate, Permit};
use crate::metrics::{ConnectionRefusal, Metrics};
use crate::phase::Phases;
use crate::proxy::{Proxies, Unproxied};
use crate::respond::Respond;
use crate::route::{Route, Routes};
use crate::task::{self, Tracker};
use crate::tls::{self, Acceptor, HandshakeError};
use ::http::{Method, StatusCode, Version};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpStream;

pub struct Edge {
    pub routes: Routes,
    pub ingest: Ingest,
    pub connect: Connect,
    pub respond: Respond,
    pub certificates: Certificates,
    pub proxies: Proxies,
    /// `None`: no TLS here, as the configuration said aloud.
    pub tls: Option<Acceptor>,
    pub http: http::Config,
    pub phases: Phases,
    pub metrics: Metrics,
    pub connections: Tracker,
    pub gate: Gate,
    /// Whether it was said already that a proxy is not set up as this gateway wants it.
    pub complained: AtomicBool,
    /// Webhooks under way. Clients may stay as long as they like, and are told when it is time.
    pub webhooks: Tracker,
}

/// What each webhook and each stream wants of client certificates, in the configuration's order.
pub struct Certificates {
    pub webhooks: Vec<Certificate>,
    pub streams: Vec<Certificate>,
}

pub struct Certificate {
    /// One must be shown.
    pub required: bool,
    /// It must be for this name, exactly.
    pub name: Option<String>,
}

impl Certificate {
    /// Whether a client may come that has shown a certificate for these names, or none.
    pub fn allows(&self, names: Option<&[String]>) -> bool {
        match (names, &self.name) {
            (None, _) => !self.required,
            (Some(_), None) => true,
            (Some(names), Some(wanted)) => names.contains(wanted),
        }
    }
}

impl Edge {
    /// Starts to serve a connection and returns at once.
    pub fn serve(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr, permit: Permit) {
        let edge = self.clone();
        task::tracked(&self.connections, async move { edge.connection(tcp, peer, permit).await });
    }

    async fn connection(self: Arc<Self>, mut tcp: TcpStream, peer: SocketAddr, permit: Permit) {
        let peer = match self.proxies.whose(&mut tcp, peer, self.http.header_timeout).await {
            Ok(peer) => peer,
            Err(error) => return self.unproxied(peer, &error),
        };
        // The proxy had no share; the client has one. Counted by the gate when it has it already.
        let permit = if self.proxies.protocol { permit.of(peer.ip()) } else { Some(permit) };
        let Some(permit) = permit.map(Arc::new) else { return };
        let mut names = None;
        let io = match &self.tls {
            None => Io::Plain(tcp),
            Some(acceptor) => match acceptor.accept(tcp).await {
                Ok(tls) => {
                    names = tls::client_names(&tls);
                    Io::Tls(Box::new(tls))
                }
                Err(error) => {
                    if !matches!(error, HandshakeError::Challenge) {
                        self.metrics.refused(ConnectionRefusal::Handshake);
                    }
                    tracing::debug!(%peer, %error, "no connection came of a TLS handshake");
                    return;
                }
            },
        };
        let (edge, names) = (self.clone(), names.map(Arc::<[String]>::from));
        let handle = move |request| {
            let (edge, permit, names) = (edge.clone(), permit.clone(), names.clone());
            async move { edge.answer(request, peer, names.as_deref(), permit).await }
        };
        http::serve(io, self.http, handle, self.phases.draining()).await;
    }

    fn unproxied(&self, peer: SocketAddr, error: &Unproxied) {
        self.metrics.refused(ConnectionRefusal::Unproxied);
        match error {
            // Somebody must do something about the proxy: it is set up in another way than this gateway.
            Unproxied::Missing | Unproxied::Broken if !self.complained.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%peer, %error, "a trusted proxy says not whose its connections are: they are refused");
            }
            _ => tracing::debug!(%peer, %error, "connection refused: it is not known whose it is"),
        }
    }

    async fn answer(&self, request: Arrived, from: SocketAddr, names: Option<&[String]>, permit: Arc<Permit>) -> Reply {
        let peer = self.proxies.client(from, &request.head.headers);
        let request = match self.page(request, peer).await {
            Ok(reply) => return reply,
            Err(request) => request,
        };
        let Some(Route { webhook, stream }) = self.routes.find(request.head.uri.path()) else {
            return Reply::text(StatusCode::NOT_FOUND, "nothing is here\n");
        };
        let to_stream = stream.filter(|_| webhook.is_none() || connect::wanted(&request));
        let certificate = match (to_stream, webhook) {
            (Some(stream), _) => self.certificates.streams.get(stream),
            (None, webhook) => webhook.and_then(|webhook| self.certificates.webhooks.get(webhook)),
        };
        if !certificate.is_none_or(|certificate| certificate.allows(names)) {
            tracing::info!(%peer, path = request.head.uri.path(), ?names, "no certificate, or one for another name");
            request.body.forget().await;
            return Reply::text(
                StatusCode::FORBIDDEN,
                "a client certificate is required, and this is none or another's\n",
            );
        }
        let method = &request.head.method;
        match (webhook, stream) {
            (_, Some(stream)) if connect::wanted(&request) => {
                // Many clients share a connection of HTTP/2, and each counts.
                let permit: Box<dyn Send> = match request.head.version {
                    Version::HTTP_2 => match self.gate.another(peer.ip()) {
                        Some(another) => Box::new((permit, another)),
                        None => return Reply::later("too many clients\n"),
                    },
                    // The connection is a proxy's, and the client's for as long as it stays.
                    _ if peer != from => match self.gate.share(peer.ip()) {
                        Some(share) => Box::new((permit, share)),
                        None => return Reply::later("too many clients\n"),
                    },
                    _ => Box::new(permit),
                };
                self.connect.connect(stream, request, peer, permit).await
            }
            (Some(webhook), _) if method == Method::GET => self.ingest.handshake(webhook, request.head.uri.query()),
            (Some(webhook), _) if method == Method::POST => {
                let _under_way = self.webhooks.begin();
                self.ingest.receive(webhook, request).await
            }
            (None, Some(stream)) if method == Method::GET => {
                self.connect.connect(stream, request, peer, Box::new(permit)).await
            }
            (Some(_), _) => Reply::method_not_allowed("GET, POST"),
            (None, _) => Reply::method_not_allowed("GET"),
        }
    }

    /// Lets filters answer a plain request; gives it back when none does.
    async fn page(&self, request: Arrived, peer: SocketAddr) -> Result<Reply, Arrived> {
        if connect::wanted(&request) {
            return Err(request);
        }
        let path = request.head.uri.path().to_owned();
        let _under_way = self.webhooks.begin();
        self.respond.answer(self.routes.pages(&path), request, peer).await
    }
}
