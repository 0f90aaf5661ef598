//! The cursor file: how far this client has got, for its next start. A file is replaced whole, so that a crash leaves
//! the old one or the new one; it is written a moment after an event was done with, at most ten times a second, and
//! once more at the end. So it can be behind, by what is then received a second time, and is never ahead.

use super::place::Place;
use crate::cli::{Failure, outward};
use crate::task;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

const EVERY: Duration = Duration::from_millis(100);

/// Reads a cursor file; `None` when there is none yet. That it can be written is tried too, before anything is received
/// that would have to be kept there.
pub fn read(path: &Path) -> Result<Option<Place>, Failure> {
    let beside = beside(path);
    File::create(&beside).and_then(|_| fs::remove_file(&beside)).map_err(|error| unwritten(path, &error))?;
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let text = format!("failed to read the cursor file `{}`: {error}", path.display());
            return Err(Failure::new(Failure::FAILED, text));
        }
    };
    let place = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
    place.map(Some).ok_or_else(|| {
        let text = format!(
            "there is no cursor in the cursor file `{}`\n\
             hint: see that it is the right file; to begin anew, remove it and say from where with `--since`",
            path.display()
        );
        Failure::new(Failure::FAILED, text)
    })
}

/// Keeps the latest place in a file. Clones keep in the same.
#[derive(Clone)]
pub struct Keeper {
    latest: Arc<watch::Sender<Option<Place>>>,
    written: Arc<Mutex<Option<Place>>>,
    path: PathBuf,
}

impl Keeper {
    pub fn start(path: PathBuf) -> Self {
        let (latest, mut changes) = watch::channel(None);
        let keeper = Self { latest: Arc::new(latest), written: Arc::default(), path };
        let (written, path) = (keeper.written.clone(), keeper.path.clone());
        task::background(async move {
            let mut told = false;
            while changes.changed().await.is_ok() {
                let place = *changes.borrow_and_update();
                match write(&path, place, &written) {
                    Ok(()) => told = false,
                    // It is tried again with the next event, and at the end, where it makes the command fail.
                    Err(error) if !told => {
                        outward::note(&format!("warning: {}", unwritten(&path, &error).message));
                        told = true;
                    }
                    Err(_) => {}
                }
                sleep(EVERY).await;
            }
        });
        keeper
    }

    /// All that came before `place` is done with.
    pub fn keep(&self, place: Place) {
        self.latest.send_replace(Some(place));
    }

    /// Writes what is not written yet.
    pub fn finish(&self) -> Result<(), Failure> {
        let place = *self.latest.borrow();
        write(&self.path, place, &self.written).map_err(|error| unwritten(&self.path, &error))
    }
}

fn write(path: &Path, place: Option<Place>, written: &Mutex<Option<Place>>) -> io::Result<()> {
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = place.filter(|place| *written != Some(*place)) else { return Ok(()) };
    let beside = beside(path);
    let mut file = File::create(&beside)?;
    writeln!(file, "{place}")?;
    // Else the name could reach the disk before what is in it.
    file.sync_data()?;
    fs::rename(&beside, path)?;
    *written = Some(place);
    Ok(())
}

/// In the same directory, since only there a file can take another's name in one step.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let text = format!(
        "failed to write the cursor file `{}`: {error}\nhint: name one in a directory that can be written to",
        path.display()
    );
    Failure::new(Failure::FAILED, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Cursor, Offset};

    fn place(offset: u64) -> Place {
        Place::from(Cursor { epoch: 7, offset: Offset(offset) })
    }

    #[tokio::test]
    async fn the_latest_place_is_there_after_the_end_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursor");
        assert_eq!(read(&path).unwrap(), None);
        let keeper = Keeper::start(path.clone());
        for offset in 1..=500 {
            keeper.keep(place(offset));
            tokio::task::yield_now().await;
        }
        keeper.finish().unwrap();
        assert_eq!(read(&path).unwrap(), Some(place(500)));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_without_a_cursor_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursor");
        let good = place(5).to_string();
        for text in ["", "hello", &good[1..], &format!("{good}~"), &format!("{good} {good}")] {
            fs::write(&path, text).unwrap();
            let failure = read(&path).unwrap_err();
            assert!(failure.message.contains(&path.display().to_string()), "{}", failure.message);
            assert!(failure.message.contains("hint: "), "{}", failure.message);
        }
        fs::write(&path, format!("{good}~7\n")).unwrap();
        assert_eq!(read(&path).unwrap().map(|place| place.count), Some(7));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_told_before_anything_is_received_and_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nowhere").join("cursor");
        assert!(read(&path).unwrap_err().message.contains("hint: "));
        let keeper = Keeper::start(path);
        keeper.keep(place(1));
        assert_eq!(keeper.finish().unwrap_err().code, Failure::FAILED);
    }
}
