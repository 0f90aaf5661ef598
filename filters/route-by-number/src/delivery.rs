//! A delivery as its changes, each with the phone number it is about and the bytes it came in.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Empty when the body cannot be read: then it is about no number.
#[derive(Default)]
pub(crate) struct Delivery<'a> {
    object: Option<&'a RawValue>,
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    id: Option<&'a RawValue>,
    time: Option<&'a RawValue>,
    changes: Vec<(Option<String>, &'a RawValue)>,
}

impl<'a> Delivery<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Self {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            object: Option<&'a RawValue>,
            #[serde(borrow, default)]
            entry: Vec<RawEntry<'a>>,
        }
        #[derive(Deserialize)]
        struct RawEntry<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            #[serde(borrow)]
            time: Option<&'a RawValue>,
            #[serde(borrow, default)]
            changes: Vec<&'a RawValue>,
        }

        let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return Self::default() };
        let entries = body.entry.into_iter().map(|entry| {
            let changes = entry.changes.into_iter().map(|change| (number_of(change), change)).collect();
            Entry { id: entry.id, time: entry.time, changes }
        });
        Self { object: body.object, entries: entries.collect() }
    }

    /// The numbers that changes are about, each once, in order; `None` stands for those about no number.
    pub(crate) fn numbers(&self) -> Vec<Option<&str>> {
        let mut numbers = vec![];
        for (number, _) in self.entries.iter().flat_map(|entry| &entry.changes) {
            if !numbers.contains(&number.as_deref()) {
                numbers.push(number.as_deref());
            }
        }
        numbers
    }

    /// The delivery with the changes of one number and no others.
    pub(crate) fn only(&self, number: Option<&str>) -> String {
        let entries = self.entries.iter().filter_map(|entry| {
            let own = entry.changes.iter().filter(|(about, _)| about.as_deref() == number);
            let changes: Vec<&str> = own.map(|(_, change)| change.get()).collect();
            let list = format!("[{}]", changes.join(","));
            let pairs = [
                ("id", entry.id.map(RawValue::get)),
                ("time", entry.time.map(RawValue::get)),
                ("changes", Some(&list)),
            ];
            (!changes.is_empty()).then(|| object(pairs))
        });
        let list = format!("[{}]", entries.collect::<Vec<_>>().join(","));
        object([("object", self.object.map(RawValue::get)), ("entry", Some(&list))])
    }
}

fn number_of(change: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Change {
        value: Value,
    }
    #[derive(Deserialize)]
    struct Value {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        phone_number_id: String,
    }
    let change: Change = serde_json::from_str(change.get()).ok()?;
    Some(change.value.metadata.phone_number_id).filter(|number| !number.is_empty())
}

/// An object of these keys, which need no escapes, and values, which are JSON already. What is not there is left out.
fn object<const N: usize>(pairs: [(&str, Option<&str>); N]) -> String {
    let pairs = pairs.into_iter().filter_map(|(key, value)| Some(format!("\"{key}\":{}", value?)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}
