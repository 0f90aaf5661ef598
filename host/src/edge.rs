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
use crate::seldom::Seldom;
use crate::task::{self, Tracker};
use crate::tls::{self, Acceptor, HandshakeError};
use ::http::{Method, StatusCode, Version};
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Anyone may come without one, as often as he pleases.
static UNCERTIFIED: Seldom = Seldom::new();

/// A proxy that is set up in another way than this gateway has all its connections refused.
static UNPROXIED: Seldom = Seldom::new();

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

/// The edge in force. A connection outlives it: each of its requests is answered by the one in force then.
pub struct Front(ArcSwap<Edge>);

impl Front {
    pub fn new(edge: Arc<Edge>) -> Self {
        Self(ArcSwap::new(edge))
    }

    /// From now on, requests are answered by this one.
    pub fn exchange(&self, edge: Arc<Edge>) {
        self.0.store(edge);
    }

    /// Starts to serve a connection and returns at once.
    pub fn serve(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr, permit: Permit) {
        let front = self.clone();
        let connections = self.0.load().connections.clone();
        // In a box: the runtime moves a task's work about when it begins, and when it ends.
        task::tracked(&connections, Box::pin(front.connection(tcp, peer, permit)));
    }

    async fn connection(self: Arc<Self>, mut tcp: TcpStream, peer: SocketAddr, permit: Permit) {
        let edge = self.0.load_full();
        let (mut peer, mut permit) = (peer, permit);
        if edge.proxies.protocol {
            // In boxes, here and below: what is not under way takes no room in this task.
            peer = match Box::pin(edge.proxies.whose(&mut tcp, peer, edge.http.header_timeout)).await {
                Ok(peer) => peer,
                Err(error) => return edge.unproxied(peer, &error),
            };
            // The proxy had no share; the client has one. Counted by the gate when it has it already.
            let Some(its) = permit.of(peer.ip()) else { return };
            permit = its;
        }
        let permit = Arc::new(permit);
        let mut names = None;
        let io = match &edge.tls {
            None => Io::Plain(tcp),
            Some(acceptor) => match Box::pin(acceptor.accept(tcp)).await {
                Ok(tls) => {
                    names = tls::client_names(&tls);
                    Io::Tls(tls)
                }
                Err(error) => {
                    if !matches!(error, HandshakeError::Challenge) {
                        edge.metrics.refused(ConnectionRefusal::Handshake);
                    }
                    tracing::debug!(%peer, %error, "no connection came of a TLS handshake");
                    return;
                }
            },
        };
        let (http, phases, names) = (edge.http, edge.phases.clone(), names.map(Arc::<[String]>::from));
        // What is not in force any more is not kept for its connections.
        drop(edge);
        let handle = move |request| {
            let (edge, permit, names) = (self.0.load_full(), permit.clone(), names.clone());
            async move { edge.answer(request, peer, names.as_deref(), permit).await }
        };
        http::serve(io, http, handle, phases.draining()).await;
    }
}

impl Edge {
    fn unproxied(&self, peer: SocketAddr, error: &Unproxied) {
        self.metrics.refused(ConnectionRefusal::Unproxied);
        match error {
            // Somebody must do something about it.
            Unproxied::Missing | Unproxied::Broken => UNPROXIED.tell(|others| {
                tracing::warn!(%peer, %error, others, "a trusted proxy says not whose its connections are: they are refused");
            }),
            _ => tracing::debug!(%peer, %error, "connection refused: it is not known whose it is"),
        }
    }

    async fn answer(&self, request: Arrived, from: SocketAddr, names: Option<&[String]>, permit: Arc<Permit>) -> Reply {
        let peer = self.proxies.client(from, &request.head.headers);
        // What few ask for, here and below, is in a box: it would make the room larger that each request takes.
        let request = match self.is_page(&request) {
            false => request,
            true => match Box::pin(self.page(request, peer)).await {
                Ok(reply) => return reply,
                Err(request) => request,
            },
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
            let path = request.head.uri.path();
            UNCERTIFIED
                .tell(|others| tracing::info!(%peer, path, ?names, others, "no certificate, or one for another name"));
            Box::pin(request.body.forget()).await;
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
                Box::pin(self.connect.connect(stream, request, peer, permit)).await
            }
            (Some(webhook), _) if method == Method::GET => self.ingest.handshake(webhook, request.head.uri.query()),
            (Some(webhook), _) if method == Method::POST => {
                let _under_way = self.webhooks.begin();
                self.ingest.receive(webhook, request).await
            }
            (None, Some(stream)) if method == Method::GET => {
                Box::pin(self.connect.connect(stream, request, peer, Box::new(permit))).await
            }
            (Some(webhook), _) => Reply::method_not_allowed(self.ingest.webhooks[webhook].methods()),
            (None, _) => Reply::method_not_allowed("GET"),
        }
    }

    /// Whether there are filters that may answer this request.
    fn is_page(&self, request: &Arrived) -> bool {
        self.routes.pages(request.head.uri.path()).next().is_some() && !connect::wanted(request)
    }

    /// Lets filters answer a plain request; gives it back when none does.
    async fn page(&self, request: Arrived, peer: SocketAddr) -> Result<Reply, Arrived> {
        let path = request.head.uri.path().to_owned();
        let _under_way = self.webhooks.begin();
        self.respond.answer(self.routes.pages(&path), request, peer).await
    }
}
