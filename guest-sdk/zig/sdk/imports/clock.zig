//! The time.

/// Milliseconds since 1970.
pub fn now() u64 {
    return imported.now();
}

/// Nanoseconds from some fixed point; it never goes back.
pub fn monotonic() u64 {
    return imported.monotonic();
}

const imported = struct {
    extern "postern:filter/clock@0.1.0" fn now() u64;
    extern "postern:filter/clock@0.1.0" fn monotonic() u64;
};
