//! Messages in several frames (RFC 6455, section 5.4), for receivers that take only so much at a time. What differs between
//! two clients stays at one place, in the first frame, so these too are made once for all.

use super::View;
use crate::hub::Wire;
use crate::message::Cursor;

const FIN: u8 = 0x80;

/// A message of one frame in frames of at most `size` bytes of it, which are at least 128; `None` when it fits in one.
pub fn fragmented(whole: View<'_>, size: usize) -> Option<Wire> {
    let (mut message, own_at) = (Vec::with_capacity(whole.length()), whole.own_at());
    whole.copy(&mut message);
    let head = match *message.get(1)? {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let (first, payload) = (*message.first()?, &message[head..]);
    if payload.len() <= size {
        return None;
    }
    let mut frames = Vec::with_capacity(payload.len() + (payload.len() / size + 1) * head);
    let mut pieces = payload.chunks(size).peekable();
    let mut opening = first & !FIN;
    let mut own = None;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { FIN } else { 0 };
        frames.push(opening | last);
        put_length(piece.len(), &mut frames);
        if own.is_none() {
            own = Some(own_at.map(|at| frames.len() + at - head));
        }
        frames.extend_from_slice(piece);
        // What follows is a continuation, which has no bits of its own.
        opening = 0;
    }
    Some(match own.flatten() {
        None => Wire { before: frames.into(), ..Wire::default() },
        Some(at) => {
            let behind = frames.split_off(at + Cursor::LENGTH);
            frames.truncate(at);
            Wire { before: frames.into(), own: true, behind: behind.into(), ..Wire::default() }
        }
    })
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((length as u64).to_be_bytes());
        }
    }
}
