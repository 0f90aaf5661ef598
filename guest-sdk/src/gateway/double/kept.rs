//! `kv`. Acts at once. It has no quota; a test may say that it is full.

use super::{Arranged, arranged, now};
use crate::kv::Fault;

/// The most keys that are listed at once.
const LISTED: u32 = 1000;

pub(crate) struct Kept {
    value: Vec<u8>,
    expiry: Option<u64>,
}

pub(crate) fn kv_get(key: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(live(|arranged| arranged.kept.get(key).map(|kept| kept.value.clone())))
}

pub(crate) fn kv_set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), Fault> {
    let expiry = expiry(ttl);
    live(|arranged| put(arranged, key, value, expiry))
}

pub(crate) fn kv_add(key: &str, value: &[u8], ttl: Option<u64>) -> Result<bool, Fault> {
    let expiry = expiry(ttl);
    live(|arranged| match arranged.kept.contains_key(key) {
        true => Ok(false),
        false => put(arranged, key, value, expiry).map(|()| true),
    })
}

pub(crate) fn kv_increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Fault> {
    let expiry = expiry(ttl);
    live(|arranged| {
        let (number, expiry) = match arranged.kept.get(key) {
            None => (0, expiry),
            Some(Kept { value, expiry }) => {
                let text = std::str::from_utf8(value).map_err(|_| Fault::NotANumber)?;
                (text.parse::<i64>().map_err(|_| Fault::NotANumber)?, *expiry)
            }
        };
        let number = number.saturating_add(by);
        put(arranged, key, number.to_string().as_bytes(), expiry)?;
        Ok(number)
    })
}

pub(crate) fn kv_swap(key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
    live(|arranged| {
        let present = arranged.kept.get(key);
        if present.map(|kept| &kept.value[..]) != old {
            return Ok(false);
        }
        let expiry = present.and_then(|kept| kept.expiry);
        match new {
            Some(new) => put(arranged, key, new, expiry)?,
            None => drop(arranged.kept.remove(key)),
        }
        Ok(true)
    })
}

pub(crate) fn kv_delete(key: &str) -> Result<(), Fault> {
    live(|arranged| drop(arranged.kept.remove(key)));
    Ok(())
}

pub(crate) fn kv_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
    let fits = |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
    Ok(live(|arranged| arranged.kept.keys().filter(fits).take(limit.min(LISTED) as usize).cloned().collect()))
}

/// Without what has expired.
fn live<R>(with: impl FnOnce(&mut Arranged) -> R) -> R {
    let now = now();
    arranged(|arranged| {
        arranged.kept.retain(|_, kept| kept.expiry.is_none_or(|expiry| expiry > now));
        with(arranged)
    })
}

fn put(arranged: &mut Arranged, key: &str, value: &[u8], expiry: Option<u64>) -> Result<(), Fault> {
    if arranged.kept_full {
        return Err(Fault::Full);
    }
    arranged.kept.insert(key.to_owned(), Kept { value: value.to_vec(), expiry });
    Ok(())
}

fn expiry(ttl: Option<u64>) -> Option<u64> {
    ttl.map(|ttl| now().saturating_add(ttl))
}
