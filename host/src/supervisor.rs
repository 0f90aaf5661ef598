//! Systemd, where it has started this process and wants to know how it is (`Type=notify-reload`, `WatchdogSec=`): ready,
//! reading its configuration again, stopping, alive. Started by anything else, nothing is told and nothing done.
//!
//! What is told goes through a short queue to a thread of its own, so that whoever tells it never waits for systemd. That
//! the gateway is alive is for others to find out, see `app/pulse.rs`.

use crate::task;
use sd_notify::NotifyState;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Where systemd listens, as it says in the environment.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How much may wait to be told. What does not fit is left out: systemd has not listened for a long time then.
const WAITING: usize = 16;

/// Clones tell the same one.
#[derive(Clone)]
pub struct Supervisor {
    news: Option<SyncSender<News>>,
    watchdog: Option<Duration>,
}

enum News {
    Serving { status: String },
    Reloading,
    Reloaded,
    Stopping { status: String, budget: Duration },
    Alive,
}

/// The configuration is being read again, until this is dropped.
pub struct Reloading(Supervisor);

impl Supervisor {
    /// Whoever started this process, by its environment.
    pub fn of_process() -> io::Result<Self> {
        if std::env::var_os(SOCKET).is_none() {
            return Ok(Self { news: None, watchdog: None });
        }
        let (news, told) = sync_channel(WAITING);
        task::thread("supervisor", move || tell(&told))?;
        Ok(Self { news: Some(news), watchdog: sd_notify::watchdog_enabled() })
    }

    /// How long it waits for a sign of life before it ends this process and starts another.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Whoever connects from now on is served.
    pub fn serving(&self, edge: &[SocketAddr], admin: &[SocketAddr]) {
        let list = |addresses: &[SocketAddr]| {
            let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
            addresses.join(", ")
        };
        self.tell(News::Serving { status: format!("serving at {}, admin at {}", list(edge), list(admin)) });
    }

    pub fn reloading(&self) -> Reloading {
        self.tell(News::Reloading);
        Reloading(self.clone())
    }

    /// It comes to its end, within `budget`, for which systemd is asked to wait.
    pub fn stopping(&self, connections: usize, budget: Duration) {
        let status = format!("draining {connections} connections, at most {} s", budget.as_secs());
        self.tell(News::Stopping { status, budget });
    }

    pub fn alive(&self) {
        self.tell(News::Alive);
    }

    fn tell(&self, news: News) {
        if let Some(sender) = &self.news
            && sender.try_send(news).is_err()
        {
            tracing::debug!("systemd does not listen, and is not told");
        }
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        self.0.tell(News::Reloaded);
    }
}

/// Tells what there is to tell, until nobody can have more.
fn tell(news: &Receiver<News>) {
    let mut failed = false;
    for news in news {
        let told = match &news {
            News::Serving { status } => sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)]),
            News::Reloading => {
                NotifyState::monotonic_usec_now().and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now]))
            }
            News::Reloaded => sd_notify::notify(&[NotifyState::Ready]),
            News::Stopping { status, budget } => {
                // More than an hour is an hour.
                let budget = u32::try_from(budget.as_micros()).unwrap_or(u32::MAX);
                sd_notify::notify(&[
                    NotifyState::Stopping,
                    NotifyState::Status(status),
                    NotifyState::ExtendTimeoutUsec(budget),
                ])
            }
            News::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
        };
        match told {
            Ok(()) => failed = false,
            // Said once, not at every sign of life.
            Err(error) if !std::mem::replace(&mut failed, true) => {
                tracing::warn!(%error, "systemd could not be told how this gateway is");
            }
            Err(_) => {}
        }
    }
}
