//! What the outbox would no longer tell once retention has deleted its oldest segments: how far each lane is judged,
//! and what is held. Written before anything is deleted, in the place of the one before; read only when the index is
//! made again. A line of text, then records: a length, a CRC-32, the bytes. One damaged record hides no other.

use super::Error;
use super::directory::replace;
use super::index::{HeldRecord, Store, write};
use crate::message::EventId;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

const FIRST_LINE: &[u8] = b"postern checkpoint 1\n";
const PREFIX: usize = 8;

#[derive(Serialize, Deserialize)]
enum Line {
    Done { webhook: String, event: EventId },
    Held(HeldRecord),
}

/// Writes what the index says now.
pub(super) fn save(store: &Store, directory: &Path) -> Result<(), Error> {
    let mut content = FIRST_LINE.to_vec();
    let mut add = |line: &Line| {
        let line = write(line);
        let length = u32::try_from(line.len()).expect("a verdict is shorter than a frame");
        content.extend(length.to_be_bytes());
        content.extend(crc32fast::hash(&line).to_be_bytes());
        content.extend(line);
    };
    for item in store.meta.prefix("done/") {
        let (key, value) = item.into_inner().map_err(Error::Index)?;
        let webhook = String::from_utf8_lossy(&key["done/".len()..]).into_owned();
        let event = EventId(value.as_ref().try_into().map_or(0, u64::from_be_bytes));
        add(&Line::Done { webhook, event });
    }
    for item in store.held.iter() {
        let value = item.value().map_err(Error::Index)?;
        if let Ok(record) = postcard::from_bytes(&value) {
            add(&Line::Held(record));
        }
    }
    let path = directory.join("checkpoint");
    replace(&path, &content).map_err(|error| Error::Checkpoint(path, error))
}

/// Puts what was saved into an empty index. Says what could not be read.
pub(super) fn load(store: &Store, directory: &Path) -> fjall::Result<Option<String>> {
    let path = directory.join("checkpoint");
    let content = match std::fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Ok(Some(format!("`{}` cannot be read: {error}", path.display()))),
    };
    let (lines, damaged) = lines(&content);
    let mut batch = store.batch();
    for line in &lines {
        match line {
            Line::Done { webhook, event } => store.raise(&mut batch, &format!("done/{webhook}"), event.0)?,
            Line::Held(record) => store.hold(&mut batch, record),
        }
    }
    batch.commit()?;
    store.count_held.store(store.held.len()? as u64, std::sync::atomic::Ordering::Release);
    Ok((damaged > 0).then(|| {
        format!("`{}`: {damaged} records are damaged: held events may be missing from the list", path.display())
    }))
}

fn lines(content: &[u8]) -> (Vec<Line>, usize) {
    let Some(mut rest) = content.strip_prefix(FIRST_LINE) else { return (Vec::new(), 1) };
    let (mut lines, mut damaged) = (Vec::new(), 0);
    while !rest.is_empty() {
        let Some((prefix, behind)) = rest.split_at_checked(PREFIX) else { return (lines, damaged + 1) };
        let [length, sum] = [&prefix[..4], &prefix[4..]].map(|half| half.try_into().map_or(0, u32::from_be_bytes));
        let Some((line, behind)) = behind.split_at_checked(length as usize) else { return (lines, damaged + 1) };
        match postcard::from_bytes(line) {
            Ok(line_read) if crc32fast::hash(line) == sum => lines.push(line_read),
            _ => damaged += 1,
        }
        rest = behind;
    }
    (lines, damaged)
}
