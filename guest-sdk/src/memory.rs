//! Where a component's memory comes from: a first piece that is in it from the start, and beyond that what it is given when
//! it asks.
//!
//! To grow a memory, and to shrink it again for the next call, are two changes of its protection, which every core of the
//! gateway's machine has to hear of: they cost it more than most calls do. So what a call usually needs is static. It costs
//! nothing as long as it is not touched.

use std::alloc::Layout;
use std::arch::wasm32::memory_grow;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// A message of 16 KiB, its parts, and what is made of it, several times over.
const FIRST: usize = 192 << 10;
const PAGE: usize = 64 << 10;
/// More than the allocator adds to a piece of memory and to what is allocated in it.
const ADDED: usize = 256;

#[global_allocator]
static ALLOCATOR: TalcSyncCell<Memory, WasmBinning> = TalcSyncCell::new_wasm(Memory::Untouched);

static mut PIECE: [MaybeUninit<u8>; FIRST] = [MaybeUninit::uninit(); FIRST];

/// What has been had of it.
#[derive(Debug)]
enum Memory {
    Untouched,
    /// The first piece, and what it has grown by, up to here.
    Had {
        end: Option<NonNull<u8>>,
    },
}

// SAFETY: it does not allocate.
unsafe impl Source for Memory {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let Self::Had { end } = talc.source else {
            talc.source = Self::Had { end: None };
            // SAFETY: nothing else names `PIECE`, and this is come by once.
            let end = unsafe { talc.claim((&raw mut PIECE).cast(), FIRST) };
            return end.map(drop).ok_or(());
        };
        let needed = layout.size().checked_add(layout.align() + ADDED).ok_or(())?;
        let pages = needed.div_ceil(PAGE);
        let begin = match memory_grow::<0>(pages) {
            usize::MAX => return Err(()),
            before => (before * PAGE) as *mut u8,
        };
        let grown = begin.wrapping_add(pages * PAGE);
        // The last page ends where addresses do: a pointer to that place is null.
        let grown = if grown.is_null() { begin.wrapping_add(pages * PAGE - ADDED) } else { grown };
        let end = match end {
            // SAFETY: what is between has just been given, to nobody else; `end` is what `claim` or `extend` said last.
            Some(end) if end.as_ptr() == begin => Some(unsafe { talc.extend(end, grown) }),
            // SAFETY: it has just been given, to nobody else.
            _ => unsafe { talc.claim(begin, grown as usize - begin as usize) },
        };
        talc.source = Self::Had { end };
        end.map(drop).ok_or(())
    }
}
