//! Compression of messages (RFC 7692, section 7.2.1): raw deflate, flushed, the flush's last four bytes left out.

use flate2::{Compress, Compression, FlushCompress, Status};
use std::cell::RefCell;

/// What is shorter than this is not tried: it would hardly get shorter.
const LEAST: usize = 64;

/// The empty block that ends a flush, which the receiver puts back.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

thread_local! {
    // Some hundreds of kilobytes, so one a thread and not one a message. A shard compresses between its clients, so the
    // level is the quick one.
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// All parts compressed as one; `None` when that is no gain.
pub fn worthwhile(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let plain: usize = parts.iter().map(|part| part.len()).sum();
    if plain < LEAST {
        return None;
    }
    let mut deflated = COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        // What does not fit is no gain.
        let mut deflated = Vec::with_capacity(plain + TAIL.len());
        for part in parts {
            run(compress, part, &mut deflated, FlushCompress::None)?;
        }
        run(compress, &[], &mut deflated, FlushCompress::Sync)?;
        Some(deflated)
    })?;
    if !deflated.ends_with(&TAIL) {
        return None;
    }
    deflated.truncate(deflated.len() - TAIL.len());
    (deflated.len() < plain).then_some(deflated)
}

/// Compresses all of `part`; `None` when there is no room for it.
fn run(compress: &mut Compress, mut part: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Option<()> {
    loop {
        let before = compress.total_in();
        let status = compress.compress_vec(part, out, flush).ok()?;
        let taken = usize::try_from(compress.total_in() - before).ok()?;
        part = part.get(taken..)?;
        if status == Status::BufError || out.len() == out.capacity() {
            // Of a flush that is done there is nothing more, which is told so too.
            return (part.is_empty() && out.len() < out.capacity()).then_some(());
        }
        if part.is_empty() {
            return Some(());
        }
    }
}

/// The beginning of a stored block (RFC 1951, section 3.2.4) that is not the last; `None` when it cannot be so long.
pub fn stored_header(length: usize) -> Option<[u8; 5]> {
    let length = u16::try_from(length).ok()?;
    let ([low, high], [not_low, not_high]) = (length.to_le_bytes(), (!length).to_le_bytes());
    Some([0, low, high, not_low, not_high])
}
