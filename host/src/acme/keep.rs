//! Keeps the certificate: waits until it is time, asks, and waits longer after each failure.

use super::certificate::Held;
use super::error::Error;
use super::http::Http;
use super::schedule;
use super::store::{Failed, Store};
use super::{Config, Installed, account, order};
use crate::error::Chain;
use crate::metrics::{Metrics, Renewal, RenewalLabels};
use instant_acme::CertificateIdentifier;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// For one certificate, all in all.
pub const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The clock of the machine is looked at so often at least: it may have been set, or have stood still.
const LOOK_AGAIN: i64 = 60 * 60;

/// How often an authority is asked when it would have a certificate renewed, in seconds: no more and no less, whatever it says.
const ASKED_AGAIN: (i64, i64) = (60 * 60, 24 * 60 * 60);

/// And how soon after a start, at most.
const ASKED_FIRST: i64 = 10 * 60;

pub struct Keeper {
    config: Config,
    store: Store,
    http: Http,
    installed: Installed,
    metrics: Metrics,
    /// Where it comes in that somebody wants a new one now.
    asked: mpsc::Receiver<()>,
    /// Since the last success.
    failed: Option<Failed>,
    /// What the authority suggests for the present certificate, and when to ask it for that again.
    window: Option<(i64, i64)>,
    ask_window: i64,
    chance: f64,
    /// Until when a new one is let be, though it could not be read again.
    settled: i64,
}

impl Keeper {
    pub fn new(
        config: Config,
        store: Store,
        installed: Installed,
        metrics: Metrics,
        asked: mpsc::Receiver<()>,
    ) -> Self {
        let failed = store
            .failed()
            .map(|failed| Failed { until: schedule::resumed(failed.at, failed.until, failed.limited), ..failed });
        let (http, chance) = (Http::new(&config.directory), schedule::chance());
        let ask_window = schedule::now() + (ASKED_FIRST as f64 * chance) as i64;
        Self { config, store, http, installed, metrics, asked, failed, window: None, ask_window, chance, settled: 0 }
    }

    pub async fn keep(mut self) -> Infallible {
        self.tell();
        loop {
            let held = self.store.certificate().filter(|held| held.is_for(&self.config.domains));
            if let Some(held) = &held
                && schedule::now() >= self.ask_window
            {
                self.ask_window(held).await;
            }
            let wait = self.due(held.as_ref()) - schedule::now();
            if wait > 0 {
                let look_again = if held.is_some() { self.ask_window - schedule::now() } else { LOOK_AGAIN };
                let wait = wait.min(LOOK_AGAIN).min(look_again.max(1));
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(wait as u64)) => continue,
                    _ = self.asked.recv() => {}
                }
            }
            self.attempt(held.as_ref()).await;
            // Whoever has asked meanwhile has it.
            while self.asked.try_recv().is_ok() {}
        }
    }

    /// When to ask for a certificate, and no sooner.
    fn due(&self, held: Option<&Held>) -> i64 {
        let wanted = held.map_or(0, |held| schedule::due(&held.life, held.installed, self.window, self.chance));
        wanted.max(self.settled).max(self.failed.map_or(0, |failed| failed.until))
    }

    /// What is so at the start, for whoever reads the log.
    fn tell(&self) {
        let domains = self.config.domains.join(", ");
        match self.store.certificate() {
            Some(held) if held.is_for(&self.config.domains) => {
                let renewed = humantime::format_rfc3339_seconds(schedule::time(self.due(Some(&held))));
                tracing::info!(domains, %renewed, "the certificate of ACME is used, and renewed in time");
            }
            _ => {
                let waits = (self.due(None) - schedule::now()).max(0);
                tracing::warn!(
                    domains,
                    waits = %humantime::format_duration(Duration::from_secs(waits as u64)),
                    "no certificate yet: TLS handshakes fail until the certificate authority has given one"
                );
            }
        }
    }

    async fn attempt(&mut self, held: Option<&Held>) {
        let (domains, begun) = (self.config.domains.join(", "), schedule::now());
        let renewed = timeout(PATIENCE, self.renew(held)).await.unwrap_or(Err(Error::Slow));
        let outcome = if renewed.is_ok() { Renewal::Renewed } else { Renewal::Failed };
        self.metrics.acme_renewals.get_or_create(&RenewalLabels { outcome }).inc();
        match renewed {
            Ok(new) => {
                let until = humantime::format_rfc3339_seconds(schedule::time(new.life.ends));
                tracing::info!(domains, %until, took = schedule::now() - begun, "a new certificate is in use");
                (self.failed, self.settled) = (None, schedule::now() + new.life.settled());
                // It may have a window of its own, and its own place in it.
                (self.window, self.ask_window, self.chance) = (None, 0, schedule::chance());
            }
            Err(error) => self.fail(&error, held),
        }
        self.store.keep_failed(self.failed.as_ref());
    }

    fn fail(&mut self, error: &Error, held: Option<&Held>) {
        let now = schedule::now();
        let times = self.failed.map_or(0, |failed| failed.times).saturating_add(1);
        let asked = self.http.asked_to_wait();
        let limited = error.is_limit() || asked.is_some();
        let wait = schedule::wait(times, limited, asked, schedule::chance());
        self.failed = Some(Failed { times, at: now, until: now + wait, limited });
        let again = humantime::format_duration(Duration::from_secs(wait as u64));
        let (domains, error) = (self.config.domains.join(", "), Chain(error).to_string());
        match held {
            Some(held) if held.life.ends > now => {
                let until = humantime::format_rfc3339_seconds(schedule::time(held.life.ends));
                tracing::warn!(domains, error, %again, %until, "failed to renew the certificate, the old one is in use");
            }
            _ => tracing::error!(domains, error, %again, "failed to get a certificate, TLS handshakes fail"),
        }
    }

    async fn renew(&self, held: Option<&Held>) -> Result<Held, Error> {
        let pem = match self.order(held).await {
            Err(error) if error.is_strange_account() && self.store.account().is_some() => {
                tracing::warn!(error = %Chain(&error), "the account at the certificate authority is made anew");
                self.store.forget_account();
                self.order(held).await?
            }
            ordered => ordered?,
        };
        let new = Held::read(&pem, schedule::now())?;
        if !new.is_for(&self.config.domains) {
            return Err(Error::Unfit { why: "it is not for all of the domains".to_owned() });
        }
        if new.life.ends <= schedule::now() {
            return Err(Error::Unfit { why: "it has ended already; is the clock of this machine right?".to_owned() });
        }
        // A few kilobytes, once in two months: not worth a thread.
        self.store.keep_certificate(&pem)?;
        (self.installed)().map_err(|why| Error::NotInstalled { why })?;
        Ok(new)
    }

    async fn order(&self, held: Option<&Held>) -> Result<String, Error> {
        let account = account::open(&self.config, &self.http, &self.store).await?;
        // An authority that suggests windows counts it in another way when the same is ordered again. If it does not like to be
        // told so, it is not told so twice.
        let replaced = held.filter(|_| self.window.is_some() && self.failed.is_none());
        let replaced = replaced.and_then(|held| CertificateIdentifier::try_from(&held.leaf).ok());
        match order::order(&self.config, &account, replaced).await {
            Err(error) if error.is_replaced() => order::order(&self.config, &account, None).await,
            ordered => ordered,
        }
    }

    /// Asks when the authority would have the certificate renewed. One that does not say so has no window.
    async fn ask_window(&mut self, held: &Held) {
        let (least, most) = ASKED_AGAIN;
        let asked = timeout(PATIENCE, async {
            let account = account::open(&self.config, &self.http, &self.store).await.ok()?;
            let identifier = CertificateIdentifier::try_from(&held.leaf).ok()?;
            match account.renewal_info(&identifier).await {
                Ok(told) => Some(told),
                Err(error) => {
                    tracing::debug!(%error, "the certificate authority suggests no time for renewal");
                    None
                }
            }
        });
        let told = asked.await.ok().flatten();
        let again = told.as_ref().map_or(most, |(_, again)| i64::try_from(again.as_secs()).unwrap_or(most));
        self.ask_window = schedule::now() + again.clamp(least, most);
        if let Some((info, _)) = told {
            let window = info.suggested_window;
            self.window = Some((window.start.unix_timestamp(), window.end.unix_timestamp()));
        }
    }
}
