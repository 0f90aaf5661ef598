//! What stands in the way of the journal, and of a delivery.

use super::directory::FORMAT;
use super::log::AppendError;
use std::io;
use std::path::PathBuf;

/// What stands in the way of opening, reading or writing the journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to create the data directory `{0}`\nhint: give postern a directory it may write to, by `data = \"…\"`"
    )]
    Create(PathBuf, #[source] io::Error),
    #[error(
        "the data directory `{0}` is in use by another process\nhint: stop the other postern, or give this one its own `data`"
    )]
    InUse(PathBuf),
    #[error("failed to open the journal in `{0}`\nhint: see that the directory is writable and the disk is not full")]
    Open(PathBuf, #[source] io::Error),
    #[error(
        "failed to open the journal's index in `{0}`\nhint: see that the directory is writable and the disk is not full"
    )]
    OpenIndex(PathBuf, #[source] fjall::Error),
    #[error(
        "the directory `{0}` holds something that is not a journal of postern's\n\
         hint: give postern a directory of its own, by `data = \"…\"`; what a postern before the first release kept \
         there (format 1) cannot be read any more"
    )]
    Foreign(PathBuf),
    #[error(
        "the journal in `{0}` has format {1}, this postern knows {FORMAT}\nhint: use the version of postern that wrote it"
    )]
    Format(PathBuf, String),
    #[error("failed to read the journal\nhint: see that the disk is not failing")]
    Read(#[source] io::Error),
    #[error(
        "failed to write the journal\nhint: see that the disk is neither full nor failing; postern tries again by itself"
    )]
    Write(#[source] AppendError),
    #[error("failed to remove what the journal need not keep any more\nhint: see that the directory is writable")]
    Retain(#[source] io::Error),
    #[error(
        "failed to write `{0}`\nhint: see that the disk is neither full nor failing; postern tries again by itself"
    )]
    Checkpoint(PathBuf, #[source] io::Error),
    #[error(
        "failed to use the journal's index\nhint: see that the disk is neither full nor failing; postern tries again by itself"
    )]
    Index(#[source] fjall::Error),
    #[error("the journal's index cannot be used until it is opened again\nhint: see what was logged about it before")]
    NoIndex,
    #[error("a record of the journal is damaged: {0}")]
    Damaged(&'static str),
    #[error("failed to start the journal's thread")]
    Thread(#[source] io::Error),
}

/// Why a delivery was not taken. The sender is told to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the journal has as many deliveries waiting for the disk as it may")]
    Busy,
    #[error("the journal cannot write")]
    Storage,
}
