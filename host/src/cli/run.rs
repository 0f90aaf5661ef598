//! `postern run`: a gateway, until it is told to stop.

use super::check::Overrides;
use super::{Failure, check, dev, log};
use crate::app::{self, Plan};
use crate::config;
use crate::supervisor::Supervisor;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Serve, until SIGTERM or Ctrl-C
#[derive(clap::Args)]
pub struct Run {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// No file needed: a demo webhook, stream and filters, a certificate for localhost, data in ./postern-data
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    overrides: Overrides,
}

impl Run {
    pub fn execute(self) -> Result<(), Failure> {
        let cannot_start = |error: String| Failure::new(Failure::CANNOT_START, error);
        let inherited = app::inherited().map_err(|fault| cannot_start(fault.to_string()))?;
        let (source, hint) = if self.dev {
            (dev::source(self.config.clone(), self.overrides), None)
        } else {
            check::source(self.config.clone(), self.overrides)
        };
        let config = config::load(&source).map_err(|problems| check::advised(&problems, hint))?;
        let level = log::start(&config.log)?;
        let no_threads = |error: std::io::Error| cannot_start(format!("failed to start threads: {error}"));
        let supervisor = Supervisor::of_process().map_err(no_threads)?;
        let plan = Plan::new(config).map_err(|problems| Failure::config(&problems))?;
        plan.warnings.iter().for_each(log::warning);
        raise_file_limit();
        // With a file of one's own the demo's secrets are not those in force.
        let tour = if self.dev && self.config.is_none() { Some(dev::Tour::prepare(&plan.config)?) } else { None };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("postern")
            .build()
            .map_err(no_threads)?;
        runtime.block_on(async {
            let signals =
                Signals::listen().map_err(|error| cannot_start(format!("failed to listen for signals: {error}")))?;
            let app = plan.bind(inherited, source, level).await.map_err(|fault| cannot_start(fault.to_string()))?;
            if let Some(tour) = tour {
                tour.print(app.addresses().0, app.addresses().1);
            }
            let (reload, told) = (app.reloader(), supervisor.clone());
            let reload = move || {
                let _reloading = told.reloading();
                reload();
            };
            reload_on_hangup(reload).map_err(|error| cannot_start(format!("failed to listen for signals: {error}")))?;
            app.run(&supervisor, signals.reached(1), signals.reached(2)).await;
            Ok(())
        })
    }
}

/// A connection is an open file, and systems start programs with few. Takes as many as are allowed: whether that is enough,
/// a plan's warnings say.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// SIGHUP reads the configuration again, and filters and certificates, whether or not their change was noticed.
fn reload_on_hangup(reload: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    // A thread of its own, since filters take their time to be compiled. One signal too many says nothing new.
    let (wake, woken) = std::sync::mpsc::sync_channel(1);
    crate::task::thread("reload", move || woken.into_iter().for_each(|()| reload()))?;
    crate::task::background(async move {
        while hangup.recv().await.is_some() {
            let _ = wake.try_send(());
        }
    });
    Ok(())
}

/// Counts the signals that ask for an end: the first asks for an orderly one, the second for a quick one.
struct Signals(watch::Receiver<u32>);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (sender, receiver) = watch::channel(0);
        crate::task::background(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(receiver))
    }

    fn reached(&self, count: u32) -> impl Future<Output = ()> + use<> {
        let mut signals = self.0.clone();
        async move {
            // The sender lives as long as the process.
            let _ = signals.wait_for(|seen| *seen >= count).await;
        }
    }
}
