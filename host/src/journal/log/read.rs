//! Reading frames, by position and by place.

use super::frame::{HEADER, Header};
use super::segment::{BEGIN, Segment};
use super::state::{State, View};
use super::walk::{self, Lost, Stand, Step, Walk, is_lost};
use super::{Found, Frame, Place};
use bytes::Bytes;
use std::io;
use std::ops::ControlFlow::{self, Break, Continue};

/// See [`super::Log::read`].
pub(super) fn read(state: &State, from: u64, bytes: usize) -> io::Result<Vec<Found>> {
    settled(state, |view| {
        let mut basket = Basket::new(bytes);
        if from >= view.end || view.segments.is_empty() {
            return Ok(basket.found);
        }
        let first = view.of_position(from);
        let start = start(state, view, first, |index| index.for_position(from).stand())?;
        _ = walk_on(state, view, first, start, |segment, step| match step {
            Step::Frame { header, .. } if header.count == 0 || header.next() <= from => Continue(()),
            Step::Frame { at, header, payload } => basket.frame(segment, at, &header, payload),
            Step::Lost(lost) => {
                basket.hole(lost.from_position.max(from), lost.to_position, false);
                Continue(())
            }
        })?;
        Ok(basket.found)
    })
}

/// See [`super::Log::frames`].
pub(super) fn frames(state: &State, after: Place, bytes: usize) -> io::Result<(Vec<Found>, Place)> {
    settled(state, |view| {
        let mut basket = Basket::new(bytes);
        let last = view.last_place();
        if after >= last {
            return Ok((basket.found, last));
        }
        let (first, start) = match view.of_number(after.segment) {
            Ok(index) => (index, stand(state, view, index, after.at)?),
            Err(0) => (0, Stand { at: BEGIN, position: view.segments[0].first }),
            // Its segment is missing: what was in it is told as lost by the way on from the end of the one before.
            Err(next) => (next - 1, stand(state, view, next - 1, view.bounds(next - 1).limit)?),
        };
        let mut place = None;
        walk_on(state, view, first, start, |segment, step| match step {
            Step::Frame { at, header, payload } => {
                place = Some(Place { segment: segment.number, at: at + header.total() });
                basket.frame(segment, at, &header, payload)
            }
            Step::Lost(lost) => {
                basket.hole(lost.from_position, lost.to_position, true);
                Continue(())
            }
        })
        .map(|flow| if flow.is_break() { place.unwrap_or(last) } else { last })
        .map(|place| (basket.found, place))
    })
}

/// See [`super::Log::frame_at`].
pub(super) fn frame_at(state: &State, place: Place) -> io::Result<Option<Frame>> {
    let view = state.view();
    let Ok(index) = view.of_number(place.segment) else { return Ok(None) };
    let (segment, bounds) = (&view.segments[index], view.bounds(index));
    let header = match header(state, &view, index, place.at) {
        Err(error) if is_lost(&error) => None,
        header => header?,
    };
    let Some(header) = header.filter(|header| header.next() <= bounds.below) else { return Ok(None) };
    let mut payload = Vec::new();
    let file = state.handles.get(&*state.disk, segment)?;
    walk::read(&*file, place.at + HEADER as u64, u64::from(header.length), &mut payload)?;
    Ok(header.covers(&payload).then(|| framed(segment, place.at, &header, payload.into())))
}

/// Walks through the log from a place on, segment by segment, until `visit` breaks off.
pub(super) fn walk_on(
    state: &State,
    view: &View,
    first: usize,
    start: Stand,
    mut visit: impl FnMut(&Segment, Step<'_>) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut start = Some(start);
    for (index, segment) in view.segments.iter().enumerate().skip(first) {
        let bounds = view.bounds(index);
        let start = start.take().unwrap_or(Stand { at: BEGIN, position: segment.first });
        let file = match state.handles.get(&*state.disk, segment) {
            Err(error) if is_lost(&error) => {
                tracing::warn!(file = %segment.path.display(), %error, "a segment of the log is lost");
                let (from_position, to_position) = (start.position, bounds.below.max(start.position));
                let lost = Lost { at: start.at, to: bounds.limit, from_position, to_position };
                if visit(segment, Step::Lost(lost)).is_break() {
                    return Ok(Break(()));
                }
                continue;
            }
            file => file?,
        };
        let mut walk = Walk::new(&*file, bounds, start);
        while let Some(step) = walk.next()? {
            if visit(segment, step).is_break() {
                return Ok(Break(()));
            }
        }
    }
    Ok(Continue(()))
}

/// Does something with a view, and again if retention has deleted what it was about meanwhile: a segment that is not
/// there is only lost when it should be.
fn settled<T>(state: &State, attempt: impl Fn(&View) -> io::Result<T>) -> io::Result<T> {
    loop {
        let view = state.view();
        let result = attempt(&view);
        let oldest = |view: &View| view.segments.first().map(|segment| segment.number);
        if oldest(&view) == oldest(&state.view()) {
            return result;
        }
    }
}

/// A place to start from, by a segment's index; its beginning when the segment is lost.
fn start(
    state: &State,
    view: &View,
    number: usize,
    ask: impl FnOnce(&super::index::Index) -> Stand,
) -> io::Result<Stand> {
    match state.index(view, number, ask) {
        Err(error) if is_lost(&error) => Ok(Stand { at: BEGIN, position: view.segments[number].first }),
        answer => answer,
    }
}

/// The first place between two frames at a byte or behind it, and its position. Damage around the byte is ahead of it.
fn stand(state: &State, view: &View, number: usize, at: u64) -> io::Result<Stand> {
    let segment = &view.segments[number];
    let begin = Stand { at: BEGIN, position: segment.first };
    if at <= BEGIN {
        return Ok(begin);
    }
    match header(state, view, number, at) {
        Ok(Some(header)) => return Ok(Stand { at, position: header.position }),
        Err(error) if is_lost(&error) => return Ok(begin),
        Err(error) => return Err(error),
        Ok(None) => {}
    }
    let mark = start(state, view, number, |index| index.for_byte(at).stand())?;
    let file = state.handles.get(&*state.disk, segment)?;
    let mut walk = Walk::new(&*file, view.bounds(number), mark);
    let mut stand = mark;
    while stand.at < at {
        match walk.next()? {
            Some(Step::Frame { .. }) => stand = walk.stand(),
            // What is lost up to the byte was told before.
            Some(Step::Lost(lost)) if lost.to <= at && lost.to > lost.at => stand = walk.stand(),
            Some(Step::Lost(_)) | None => break,
        }
    }
    Ok(stand)
}

/// The header at a byte of a segment.
fn header(state: &State, view: &View, number: usize, at: u64) -> io::Result<Option<Header>> {
    let (segment, bounds) = (&view.segments[number], view.bounds(number));
    if at < BEGIN || at.saturating_add(HEADER as u64) > bounds.limit {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(HEADER);
    walk::read(&*state.handles.get(&*state.disk, segment)?, at, HEADER as u64, &mut bytes)?;
    let header = Header::decode(&bytes, Place { segment: segment.number, at });
    Ok(header.filter(|header| at + header.total() <= bounds.limit && header.position >= segment.first))
}

/// What was found so far, and how much more is wanted.
struct Basket {
    found: Vec<Found>,
    left: usize,
}

impl Basket {
    fn new(bytes: usize) -> Self {
        Self { found: Vec::new(), left: bytes }
    }

    fn frame(&mut self, segment: &Segment, at: u64, header: &Header, payload: &[u8]) -> ControlFlow<()> {
        // A copy, so that one small frame that is kept does not keep all that was read with it.
        self.found.push(Found::Frame(framed(segment, at, header, Bytes::copy_from_slice(payload))));
        self.left = self.left.saturating_sub(HEADER + payload.len());
        if self.left == 0 { Break(()) } else { Continue(()) }
    }

    /// Holes that touch are one.
    fn hole(&mut self, from: u64, to: u64, even_empty: bool) {
        match self.found.last_mut() {
            _ if to < from || (to == from && !even_empty) => {}
            Some(Found::Hole { to: last, .. }) if *last == from => *last = to,
            _ => self.found.push(Found::Hole { from, to }),
        }
    }
}

fn framed(segment: &Segment, at: u64, header: &Header, payload: Bytes) -> Frame {
    let Header { position, count, written, .. } = *header;
    let place = Place { segment: segment.number, at };
    Frame { position, count, epoch: segment.epoch, written, place, payload }
}
