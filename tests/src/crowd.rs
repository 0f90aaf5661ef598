//! A thousand clients in one process: each counts its frames and checks their order as they pass, and keeps no body.

use crate::{Frame, Gateway, Socket, spawn};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Clients that read as fast as they can, from the moment they connect.
pub struct Crowd(Vec<JoinHandle<Witness>>);

/// What one client saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    pub frames: u64,
    pub bytes: u64,
    /// Of all frames in the order they came: two clients with the same digest saw the same.
    pub digest: u64,
    /// The sequence number expected next from each sender.
    pub next: Vec<u64>,
    /// The first frame that was not the one expected, if any.
    pub wrong: Option<String>,
}

/// A body whose place in its sender's sequence can be read at a fixed offset, padded to `size` bytes.
pub fn numbered_body(sender: usize, sequence: u64, size: usize) -> Bytes {
    let mut body = format!("{{\"sender\":\"{sender:04}\",\"sequence\":\"{sequence:010}\",\"padding\":\"");
    body.extend(std::iter::repeat_n('x', size.saturating_sub(body.len() + 2)));
    body.push_str("\"}");
    body.into()
}

impl Crowd {
    /// Connects `size` clients, each of which will read until it has `frames` frames or the connection ends.
    pub async fn connect(gateway: &Arc<Gateway>, path: &'static str, size: usize, frames: u64) -> Self {
        // Two ends of each connection, in two processes that inherit the limit; 1024 is a common default.
        rlimit::increase_nofile_limit(16 * 1024).expect("the limit of open files can be read and raised");
        let doors = Arc::new(Semaphore::new(64));
        let connecting = (0..size).map(|_| {
            let (gateway, doors) = (Arc::clone(gateway), Arc::clone(&doors));
            async move {
                let _permit = doors.acquire().await.expect("nobody closes it");
                Socket::connect(&gateway, path).await
            }
        });
        let sockets = crate::together(connecting).await;
        Self(sockets.into_iter().map(|socket| spawn(watch(socket, frames))).collect())
    }

    /// What each saw, once all are done.
    pub async fn witnesses(self) -> Vec<Witness> {
        let mut witnesses = Vec::with_capacity(self.0.len());
        for client in self.0 {
            witnesses.push(client.await.expect("no client panics"));
        }
        witnesses
    }
}

async fn watch(mut socket: Socket, frames: u64) -> Witness {
    let mut witness = Witness::default();
    while witness.frames < frames {
        let Some(frame) = socket.read().await else { break };
        match frame.opcode {
            Frame::PING => {
                // Broken only when the gateway is gone, which the next read tells.
                let _ = socket.write(0x80 | Frame::PONG, &frame.payload).await;
            }
            Frame::CLOSE => break,
            _ => witness.see(&frame.payload),
        }
    }
    witness
}

impl Witness {
    fn see(&mut self, body: &[u8]) {
        self.frames += 1;
        self.bytes += body.len() as u64;
        let number = |range| std::str::from_utf8(body.get(range)?).ok()?.parse::<u64>().ok();
        let (Some(sender), Some(sequence)) = (number(11..15), number(29..39)) else {
            self.wrong.get_or_insert_with(|| format!("not a numbered body: {:?}", String::from_utf8_lossy(body)));
            return;
        };
        // FNV-1a over what tells frames apart.
        for value in [sender, sequence] {
            self.digest = (self.digest ^ value).wrapping_mul(0x100_0000_01b3).rotate_left(5);
        }
        let sender = usize::try_from(sender).expect("four digits");
        if self.next.len() <= sender {
            self.next.resize(sender + 1, 0);
        }
        let expected = self.next[sender];
        if sequence != expected {
            self.wrong.get_or_insert_with(|| format!("sender {sender}: {sequence} came when {expected} was next"));
        }
        self.next[sender] = sequence + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_notices_a_frame_lost_doubled_or_swapped() {
        let seen = |sequences: &[u64]| {
            let mut witness = Witness::default();
            sequences.iter().for_each(|sequence| witness.see(&numbered_body(3, *sequence, 100)));
            witness
        };
        assert_eq!(seen(&[0, 1, 2]).wrong, None);
        assert_eq!(seen(&[0, 1, 2]).bytes, 300);
        for wrong in [&[0, 2][..], &[0, 1, 1], &[1, 0]] {
            assert!(seen(wrong).wrong.is_some(), "{wrong:?}");
        }
        assert_ne!(seen(&[0, 1, 2]).digest, seen(&[0, 2, 1]).digest);
    }
}
