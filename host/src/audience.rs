//! Which clients of a stream get an event, where the stream has filters that choose: they are asked on a thread of the
//! stream's own, so that whoever waits for a slow one are its clients and nobody else.
//!
//! A filter that fails and whose policy is to hold is asked again, later each time, and its clients wait: what it has not
//! let through is not left out, and what it has not refused is not given.

use crate::filter::{self, Filter};
use crate::hub::Frame;
use crate::message::{Card, Scope};
use crate::phase::Phases;
use crate::task;
use crate::ws::choose::{Choose, Chooser, Task, serve};
use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How many events and walks may wait to be asked about.
const WAITING: usize = 1024;

/// How long a filter that has failed is left alone.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

pub struct Audience {
    pub stream: Arc<str>,
    pub chain: Arc<[Filter]>,
    pub phases: Phases,
}

/// An audience at work, for as long as anybody may ask it.
struct Asked {
    audience: Audience,
    asking: Weak<()>,
}

impl Audience {
    /// Starts the thread. It ends when nobody can ask any more.
    pub fn start(self) -> io::Result<Chooser> {
        let (queue, tasks) = sync_channel::<Task>(WAITING);
        let asking = Arc::new(());
        let asked = Asked { audience: self, asking: Arc::downgrade(&asking) };
        task::thread(&format!("choose-{}", asked.audience.stream), move || {
            tasks.into_iter().for_each(|task| serve(task, &asked));
        })?;
        Ok(Chooser::new(queue, asking))
    }
}

impl Choose for Asked {
    fn choose(&self, frame: &Arc<Frame>, clients: &[Arc<Card>]) -> Option<Vec<bool>> {
        let Audience { stream, chain, phases } = &self.audience;
        let scope = Scope::of([stream.clone()]);
        let entry = &frame.entry;
        let mut wait = FIRST;
        loop {
            let message = entry.message();
            match filter::choose(chain, message, clients, &scope) {
                Ok(chosen) => return Some(chosen),
                Err(failure) => {
                    let event = entry.event;
                    tracing::error!(%stream, %event, %failure, "an audience filter failed: its stream waits, and it is asked again");
                    // Where its stream has another by now, that one is asked.
                    if !phases.pause(wait) || self.asking.strong_count() == 0 {
                        return None;
                    }
                    wait = (wait * 2).min(LONGEST);
                }
            }
        }
    }
}
