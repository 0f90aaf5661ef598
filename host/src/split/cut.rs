//! Makes of each part of a delivery a delivery of its own, by leaving out of the body what belongs to the others.
//!
//! What is left is given as ranges of the body: nothing is written anew. What all parts need is in each of them, so
//! the parts together can be far larger than the body; two limits hold that. Beyond [`SHARED`] bytes of what is
//! repeated an item keeps only the contacts it is about; beyond [`MOST`] bytes in all nothing is cut.

use super::directory::Directory;
use super::envelope::{Envelope, List, Part, Place};
use super::scan::Span;

pub type Pieces = Vec<(u32, u32)>;

pub const SHARED: usize = 16 << 20;
const MOST: usize = 64 << 20;

/// The most pieces of all parts together: they are kept beside the body, and so take room like it. Ten thousand items
/// have about ten each.
const MOST_PIECES: usize = 200_000;

/// The pieces of each part, in order; none when there is too much of them. `shared` is [`SHARED`].
pub fn all(
    envelope: &Envelope<'_>,
    directories: &[Option<Directory<'_>>],
    length: usize,
    shared: usize,
) -> Option<Vec<Pieces>> {
    let whole = envelope.parts.iter().map(|part| complement(cuts(envelope, part), length)).collect::<Vec<_>>();
    let size = |pieces: &Pieces| pieces.iter().map(|(from, to)| (to - from) as usize).sum::<usize>();
    let own: usize = envelope.parts.iter().map(|part| part.span.to - part.span.from).sum();
    let total: usize = whole.iter().map(size).sum();
    if total.saturating_sub(own) <= shared {
        return (total <= MOST).then_some(whole);
    }
    let mut total = 0;
    let mut pieces_left = MOST_PIECES;
    let mut narrowed = Vec::with_capacity(envelope.parts.len());
    for part in &envelope.parts {
        let mut cuts = cuts(envelope, part);
        if let Place::Message(change) | Place::Status(change) = part.place
            && let Some(directory) = &directories[change]
        {
            cut_contacts(directory, part, pieces_left, &mut cuts)?;
        }
        let pieces = complement(cuts, length);
        total += size(&pieces);
        pieces_left = pieces_left.checked_sub(pieces.len())?;
        if total > MOST {
            return None;
        }
        narrowed.push(pieces);
    }
    Some(narrowed)
}

/// What is left out for a part: in no order, and never two that overlap.
fn cuts(envelope: &Envelope<'_>, part: &Part<'_>) -> Vec<Span> {
    let mut cuts = Vec::with_capacity(12);
    let entry = envelope.entry(part);
    if let Some(list) = &envelope.list {
        cut_elements(list, entry.span, &mut cuts);
    }
    let (in_entry, in_value) = match part.place {
        Place::Entry(_) => (None, None),
        Place::Change(_) => (Some(0), None),
        Place::Message(_) => (Some(0), Some(0)),
        Place::Status(_) => (Some(0), Some(1)),
        Place::Messaging(_) => (Some(1), None),
        Place::Standby(_) => (Some(2), None),
    };
    let change = envelope.change(part);
    if let Some(kept) = in_entry {
        cut_lists(&entry.lists, kept, change.map_or(part.span, |change| change.span), &mut cuts);
    }
    if let Some((kept, change)) = in_value.zip(change) {
        cut_lists(&change.lists, kept, part.span, &mut cuts);
    }
    cuts
}

/// Leaves of these sibling members only one, and in that only one element.
fn cut_lists(lists: &[Option<List>], kept: usize, element: Span, cuts: &mut Vec<Span>) {
    let Some(list) = lists.get(kept).and_then(Option::as_ref) else { return };
    cut_elements(list, element, cuts);
    for other in lists.iter().flatten() {
        // The comma goes too: the one behind what stands before the kept member, the one before what stands behind it.
        if other.span.from < list.span.from {
            cuts.push(Span { from: other.span.from, to: other.after });
        } else if other.span.from > list.span.from {
            cuts.push(Span { from: other.before, to: other.span.to });
        }
    }
}

fn cut_elements(list: &List, kept: Span, cuts: &mut Vec<Span>) {
    cuts.push(Span { from: list.elements.from, to: kept.from });
    cuts.push(Span { from: kept.to, to: list.elements.to });
}

/// Leaves only the contacts the item is about.
fn cut_contacts(directory: &Directory<'_>, part: &Part<'_>, most: usize, cuts: &mut Vec<Span>) -> Option<()> {
    let contacts = directory.contacts();
    let kept = directory.about(part.place, &part.ids, most)?;
    let mut end = contacts.first()?.span.from;
    let mut next = 0;
    for place in &kept {
        // Before the first that is kept everything goes; later on the comma before it stays.
        let to = match place.checked_sub(1) {
            Some(previous) if next > 0 => contacts[previous].span.to,
            _ => contacts[*place].span.from,
        };
        cuts.push(Span { from: end, to });
        end = contacts[*place].span.to;
        next = place + 1;
    }
    cuts.push(Span { from: end, to: contacts.last()?.span.to });
    Some(())
}

/// All but the cuts.
fn complement(mut cuts: Vec<Span>, length: usize) -> Pieces {
    // A body longer than 32 bits count is refused before.
    let narrow = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    cuts.sort_unstable_by_key(|cut| cut.from);
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut at = 0;
    for cut in cuts {
        if cut.from >= cut.to {
            continue;
        }
        if at < cut.from {
            pieces.push((narrow(at), narrow(cut.from)));
        }
        at = cut.to;
    }
    if at < length {
        pieces.push((narrow(at), narrow(length)));
    }
    pieces
}
