//! The gallery's filters, as they are in `filters/`, built into the binary: `file = "builtin:token"`.

/// Name and component of each.
pub const FILTERS: [(&str, &[u8]); 8] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

pub fn filter(name: &str) -> Option<&'static [u8]> {
    FILTERS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
