//! What is here, by its path, and by which method it is asked for.

use super::page;
use crate::dispatch::Work;
use ::http::Method;

/// What is here.
#[derive(Clone, Copy)]
pub enum Resource<'a> {
    Page(page::File),
    Live,
    Ready,
    Metrics,
    Status,
    Streams,
    Tap,
    Events,
    Event(&'a str),
    Again(Work),
    Send,
    Clients,
    Disconnect,
    Pause(bool),
    Drain,
    Filters,
    Filter(&'a str),
    Back(&'a str),
    Reload,
    Renew,
    Targets,
    Dead(&'a str),
    RetryDead(&'a str),
    ResumeTarget(&'a str),
    OpenApi,
}

impl<'a> Resource<'a> {
    pub fn at(path: &'a str) -> Option<Self> {
        Some(match path {
            "/live" => Self::Live,
            "/ready" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/v1/status" => Self::Status,
            "/v1/streams" => Self::Streams,
            "/v1/tap" => Self::Tap,
            "/v1/events" => Self::Events,
            "/v1/send" => Self::Send,
            "/v1/clients" => Self::Clients,
            "/v1/disconnect" => Self::Disconnect,
            "/v1/pause" => Self::Pause(true),
            "/v1/resume" => Self::Pause(false),
            "/v1/drain" => Self::Drain,
            "/v1/openapi.json" => Self::OpenApi,
            "/v1/events/retry" => Self::Again(Work::Retry),
            "/v1/events/replay" => Self::Again(Work::Replay),
            "/v1/filters" => Self::Filters,
            "/v1/reload" => Self::Reload,
            "/v1/acme/renew" => Self::Renew,
            "/v1/targets" => Self::Targets,
            _ => return Self::below(path),
        })
    }

    /// One of several.
    fn below(path: &'a str) -> Option<Self> {
        if let Some(file) = page::at(path) {
            return Some(Self::Page(file));
        }
        if let Some(id) = path.strip_prefix("/v1/events/") {
            return (!id.contains('/')).then_some(Self::Event(id));
        }
        if let Some(target) = path.strip_prefix("/v1/targets/") {
            return Some(match target.split_once('/')? {
                (name, "dead") => Self::Dead(name),
                (name, "retry") => Self::RetryDead(name),
                (name, "resume") => Self::ResumeTarget(name),
                _ => return None,
            });
        }
        let filter = path.strip_prefix("/v1/filters/")?;
        match filter.split_once('/') {
            None => Some(Self::Filter(filter)),
            Some((name, "rollback")) => Some(Self::Back(name)),
            Some(_) => None,
        }
    }

    /// Whether it is for everybody who reaches the listener.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Live | Self::Ready | Self::Page(_))
    }

    pub fn method(self) -> Method {
        match self {
            Self::Filter(_) => Method::PUT,
            Self::Again(_)
            | Self::Send
            | Self::Disconnect
            | Self::Pause(_)
            | Self::Drain
            | Self::Back(_)
            | Self::RetryDead(_)
            | Self::ResumeTarget(_)
            | Self::Reload
            | Self::Renew => Method::POST,
            Self::Page(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Status
            | Self::Streams
            | Self::Tap
            | Self::Events
            | Self::Event(_)
            | Self::Clients
            | Self::Filters
            | Self::Targets
            | Self::Dead(_)
            | Self::OpenApi => Method::GET,
        }
    }
}
