//! A gateway that runs, asked through its admin listener.

use crate::admin::events::{Again, Page, Query, Shown, Which};
use crate::cli::Failure;
use crate::cli::outward::{self, Answer, Ask, Client, Destination, Error, Kind, Trust};
use crate::config::Config;
use crate::error::Chain;
use crate::message::EventId;
use crate::secret::Secret;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Uri};
use serde::de::DeserializeOwned;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const ANSWERING: Duration = Duration::from_secs(30);

/// Filters may have much to judge.
const JUDGING: Duration = Duration::from_secs(600);

/// The longest answer: one event with its body.
const LONGEST: usize = 64 << 20;

pub struct Gateway {
    client: Client,
    headers: HeaderMap,
}

impl Gateway {
    pub fn at(url: &str, token: Option<Secret>, trust: &Trust) -> Result<Self, Failure> {
        let client = Client::new(Destination::new(url, Kind::Http, trust)?);
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            let mut value = value.map_err(|_| Failure::new(Failure::USAGE, "the token cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { client, headers })
    }

    pub fn of(config: &Config, trust: &Trust) -> Result<Self, Failure> {
        let listen = config.admin.listen;
        if listen.port() == 0 {
            let text = "the configuration leaves the port of the admin listener to the system (`admin.listen`)\n\
                        hint: name it with `--admin URL`: the gateway says its address when it starts";
            return Err(Failure::new(Failure::FAILED, text));
        }
        Self::at(&format!("http://{}", nearby(listen)), config.admin.token.clone(), trust)
    }

    /// Where it is.
    pub fn address(&self) -> String {
        self.client.destination().address.to_string()
    }

    /// What it answers to a question, whatever that is, unless it refuses the token.
    pub async fn look(&mut self, target: &str) -> Result<Answer, Failure> {
        let answer = self.ask(Method::GET, target, Bytes::new(), ANSWERING).await.map_err(absent)?;
        if answer.status == StatusCode::UNAUTHORIZED { Err(unauthorized()) } else { Ok(answer) }
    }

    /// What it answers to an order.
    pub async fn tell(&mut self, target: &str) -> Result<Answer, Failure> {
        let answer = self.ask(Method::POST, target, Bytes::new(), JUDGING).await.map_err(absent)?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(unauthorized()),
            StatusCode::NOT_FOUND => Err(too_old(target)),
            _ => Ok(answer),
        }
    }

    /// Whether it is there; else why not.
    pub async fn reached(&mut self) -> Result<(), String> {
        self.ask(Method::GET, "/live", Bytes::new(), ANSWERING).await.map(|_| ())
    }

    pub async fn list(&mut self, query: &Query) -> Result<Page, Failure> {
        self.get(&format!("/v1/events?{}", query.text())).await?.ok_or_else(|| too_old("/v1/events"))
    }

    pub async fn show(&mut self, id: EventId) -> Result<Option<Shown>, Failure> {
        self.get(&format!("/v1/events/{id}")).await
    }

    pub async fn retry(&mut self, which: &Which) -> Result<Again, Failure> {
        self.judge("/v1/events/retry", which).await
    }

    pub async fn replay(&mut self, which: &Which) -> Result<Again, Failure> {
        self.judge("/v1/events/replay", which).await
    }

    async fn judge(&mut self, target: &str, which: &Which) -> Result<Again, Failure> {
        let answer = self.ask(Method::POST, target, which.text().into(), JUDGING).await.map_err(absent)?;
        read(target, answer)?.ok_or_else(|| too_old(target))
    }

    pub async fn get<T: DeserializeOwned>(&mut self, target: &str) -> Result<Option<T>, Failure> {
        read(target, self.ask(Method::GET, target, Bytes::new(), ANSWERING).await.map_err(absent)?)
    }

    async fn ask(&mut self, method: Method, target: &str, body: Bytes, patience: Duration) -> Result<Answer, String> {
        let address = self.client.destination().address.to_string();
        let target: Uri = target.parse().map_err(|error| Chain(&Error::Query(error)).to_string())?;
        let ask = Ask { method, target, headers: &self.headers, body, patience, most: LONGEST };
        let asked = self.client.ask(ask).await;
        asked.map_err(|error| format!("no gateway answers at `{address}`: {}", Chain(&error)))
    }
}

fn absent(why: String) -> Failure {
    let hint = "hint: start one with `postern run`, or name its admin listener with `--admin URL`";
    Failure::new(Failure::FAILED, format!("{why}\n{hint}"))
}

/// `None`: there is nothing of that name.
fn read<T: DeserializeOwned>(target: &str, answer: Answer) -> Result<Option<T>, Failure> {
    let failed = |text: String| Err(Failure::new(Failure::FAILED, text));
    match answer.status {
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::UNAUTHORIZED => Err(unauthorized()),
        status if !status.is_success() => {
            failed(format!("the gateway refused with {status}: {}", outward::first_line(&answer.text)))
        }
        _ if !answer.complete => failed(format!("the gateway's answer to `{target}` is too long to be read")),
        _ => match serde_json::from_str(&answer.text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => failed(format!("the gateway's answer to `{target}` is not understood: {error}")),
        },
    }
}

fn unauthorized() -> Failure {
    let text = "the gateway refused the admin token, or wants one\n\
                hint: the configuration has it as `admin.token`; with `--admin URL` say it by `--token-file FILE`";
    Failure::new(Failure::FAILED, text)
}

fn too_old(target: &str) -> Failure {
    let text = format!("there is no `{target}`\nhint: see that it is the admin listener of a gateway of this version");
    Failure::new(Failure::FAILED, text)
}

/// Where to reach, from this machine, what listens there.
fn nearby(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
