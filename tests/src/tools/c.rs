//! A compiler of C to WebAssembly: clang with the WASI libc if there is one, else `zig cc`.

use super::{path_with, zig};

/// A PATH with a compiler on it. Zig stands behind all others: `postern filter build` takes a clang that will do first.
pub fn path() -> Option<String> {
    Some(path_with(&zig::directory()?, false))
}
