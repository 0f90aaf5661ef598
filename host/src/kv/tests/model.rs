//! A space against a map, with a clock that jumps, and restarts.

use super::*;
use crate::random::cases;
use bytes::Bytes;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn clock() -> Timestamp {
    Timestamp(NOW.get())
}

#[derive(Clone, Debug)]
enum Doing {
    Get(u8),
    Set(u8, u16, Option<u8>),
    Add(u8, u16, Option<u8>),
    Increment(u8, i64, Option<u8>),
    Swap(u8, Option<u16>, Option<u16>),
    Delete(u8),
    Keys(u8, Option<u8>, u32),
    Wait(u8),
    Tend,
    Restart,
}

fn doing() -> impl Strategy<Value = Doing> {
    let (key, ttl) = (0..6_u8, proptest::option::of(0..20_u8));
    let value = 0..400_u16;
    prop_oneof![
        key.clone().prop_map(Doing::Get),
        (key.clone(), value.clone(), ttl.clone()).prop_map(|(key, value, ttl)| Doing::Set(key, value, ttl)),
        (key.clone(), value.clone(), ttl.clone()).prop_map(|(key, value, ttl)| Doing::Add(key, value, ttl)),
        (key.clone(), prop_oneof![Just(1), Just(-5), Just(i64::MAX)], ttl)
            .prop_map(|(key, by, ttl)| Doing::Increment(key, by, ttl)),
        (key.clone(), proptest::option::of(0..3_u16), proptest::option::of(value))
            .prop_map(|(key, old, new)| Doing::Swap(key, old, new)),
        key.clone().prop_map(Doing::Delete),
        (0..3_u8, proptest::option::of(key), 0..4_u32)
            .prop_map(|(prefix, after, limit)| Doing::Keys(prefix, after, limit)),
        (0..10_u8).prop_map(Doing::Wait),
        Just(Doing::Tend),
        Just(Doing::Restart),
    ]
}

fn key(number: u8) -> String {
    ["a", "ab", "abc", "b", "ba", ""][usize::from(number)].to_owned()
}

/// Small numbers are themselves, as text; others are that many bytes.
fn value(number: u16) -> Bytes {
    if number < 10 { number.to_string().into() } else { vec![b'x'; usize::from(number)].into() }
}

/// What a space should be: values and when they expire.
#[derive(Default)]
struct Model(BTreeMap<String, (Bytes, Option<u64>)>);

const QUOTA: u64 = 1200;

impl Model {
    fn live(&mut self) -> &mut BTreeMap<String, (Bytes, Option<u64>)> {
        self.0.retain(|_, (_, expiry)| expiry.is_none_or(|expiry| expiry > NOW.get()));
        &mut self.0
    }

    fn put(&mut self, key: &str, value: Bytes, expiry: Option<u64>) -> Result<(), Fault> {
        let weight = |key: &str, value: &Bytes| OVERHEAD + key.len() as u64 + value.len() as u64;
        let live = self.live();
        let before = live.get(key).map_or(0, |(value, _)| weight(key, value));
        let all: u64 = live.iter().map(|(key, (value, _))| weight(key, value)).sum();
        let new = weight(key, &value);
        if all - before + new > QUOTA && new > before {
            return Err(Fault::Full);
        }
        live.insert(key.to_owned(), (value, expiry));
        Ok(())
    }

    fn increment(&mut self, key: &str, by: i64, expiry: Option<u64>) -> Result<i64, Fault> {
        let (number, expiry) = match self.live().get(key) {
            None => (0, expiry),
            Some((value, expiry)) => {
                let text = String::from_utf8(value.to_vec()).map_err(|_| Fault::NotANumber)?;
                (text.parse::<i64>().map_err(|_| Fault::NotANumber)?, *expiry)
            }
        };
        let number = number.saturating_add(by);
        self.put(key, number.to_string().into(), expiry)?;
        Ok(number)
    }
}

proptest! {
    #![proptest_config(cases(200))]
    #[test]
    fn a_space_is_a_map_whatever_is_done_to_it(doings in proptest::collection::vec(doing(), 0..60)) {
        NOW.set(5_000);
        let directory = tempfile::tempdir().expect("a directory");
        let config = Config { quota: QUOTA, clock, ..Config::new(directory.path(), 0) };
        let path = directory.path().join("a.log");
        let mut space = Space::open(&path, &config, Arc::new(config.quota.into())).expect("it opens");
        let mut model = Model::default();
        for doing in doings {
            let time = |ttl: Option<u8>| ttl.map(|ttl| Duration::from_millis(ttl.into()));
            let expiry = |ttl: Option<u8>| ttl.map(|ttl| NOW.get() + u64::from(ttl));
            match doing.clone() {
                Doing::Get(at) => {
                    let wanted = model.live().get(&key(at)).map(|(value, _)| value.clone());
                    prop_assert_eq!(space.get(&key(at)), Ok(wanted));
                }
                Doing::Set(at, new, ttl) => {
                    let wanted = model.put(&key(at), value(new), expiry(ttl));
                    prop_assert_eq!(space.set(&key(at), &value(new), time(ttl)), wanted, "{:?}", doing);
                }
                Doing::Add(at, new, ttl) => {
                    let wanted = match model.live().contains_key(&key(at)) {
                        true => Ok(false),
                        false => model.put(&key(at), value(new), expiry(ttl)).map(|()| true),
                    };
                    prop_assert_eq!(space.add(&key(at), &value(new), time(ttl)), wanted, "{:?}", doing);
                }
                Doing::Increment(at, by, ttl) => {
                    let wanted = model.increment(&key(at), by, expiry(ttl));
                    prop_assert_eq!(space.increment(&key(at), by, time(ttl)), wanted, "{:?}", doing);
                }
                Doing::Swap(at, old, new) => {
                    let (old, new) = (old.map(value), new.map(value));
                    let present = model.live().get(&key(at)).cloned();
                    let wanted = match (present.as_ref().map(|(value, _)| value) == old.as_ref(), &new) {
                        (false, _) => Ok(false),
                        (true, None) => Ok(model.live().remove(&key(at)).is_some() || old.is_none()),
                        (true, Some(new)) => {
                            model.put(&key(at), new.clone(), present.and_then(|(_, expiry)| expiry)).map(|()| true)
                        }
                    };
                    prop_assert_eq!(space.swap(&key(at), old.as_deref(), new.as_deref()), wanted, "{:?}", doing);
                }
                Doing::Delete(at) => {
                    model.live().remove(&key(at));
                    prop_assert_eq!(space.delete(&key(at)), Ok(()));
                }
                Doing::Keys(prefix, after, limit) => {
                    let (prefix, after) = (["", "a", "ab"][usize::from(prefix)], after.map(key));
                    let fits = |key: &&String| key.starts_with(prefix) && after.as_ref().is_none_or(|after| *key > after);
                    let wanted: Vec<String> = model.live().keys().filter(fits).take(limit as usize).cloned().collect();
                    prop_assert_eq!(space.keys(prefix, after.as_deref(), limit), Ok(wanted), "{:?}", doing);
                }
                Doing::Wait(time) => NOW.set(NOW.get() + u64::from(time)),
                Doing::Tend => {
                    space.tend();
                    let wanted: u64 =
                        model.live().iter().map(|(key, (value, _))| OVERHEAD + (key.len() + value.len()) as u64).sum();
                    prop_assert_eq!(space.used(), wanted);
                }
                Doing::Restart => {
                    drop(space);
                    space = Space::open(&path, &config, Arc::new(config.quota.into())).expect("it opens");
                }
            }
        }
    }
}
