//! How a view is read: tolerantly, and in little code.
//!
//! `serde_derive` would do, and did: a component then carried 230 KB for these views, half as much again as it does now,
//! and each field needed an attribute to say that it may be `null`, or a number where a string was last year.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// An object of which some fields are known.
pub(super) trait View: Default {
    const NAME: &'static str;
    const FIELDS: &'static [&'static str];
    /// Reads the value of the field at this place in `FIELDS`.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: usize, from: &mut A) -> Result<(), A::Error>;
}

/// What may stand in a field of a view: it has a default for what is missing or `null`.
pub(super) trait Part: Default {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// Declares a struct that is a view: its fields are keys of the object, `as` another key when Rust has other plans for
/// the word.
macro_rules! view {
    ($(#[$about:meta])* pub struct $name:ident {
        $($(#[$what:meta])* pub $field:ident $(as $key:literal)? : $part:ty,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$what])* pub $field: $part,)*
        }

        impl $crate::whatsapp::view::View for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($crate::whatsapp::view::key!($field $($key)?)),*];

            fn read<'de, A: serde::de::MapAccess<'de>>(&mut self, field: usize, from: &mut A) -> Result<(), A::Error> {
                let mut place = 0..;
                $(if place.next() == Some(field) {
                    self.$field = $crate::whatsapp::view::value(from)?;
                })*
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::whatsapp::view::Part::part(from)
            }
        }
    };
}

macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

pub(super) use {key, view};

pub(super) fn value<'de, A: MapAccess<'de>, P: Part>(from: &mut A) -> Result<P, A::Error> {
    from.next_value_seed(Seed(PhantomData))
}

struct Seed<P>(PhantomData<P>);

impl<'de, P: Part> DeserializeSeed<'de> for Seed<P> {
    type Value = P;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<P, D::Error> {
        P::part(from)
    }
}

impl<V: View> Part for Option<V> {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(Object(PhantomData))
    }
}

impl<V: View> Part for V {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::part(from).map(Option::unwrap_or_default)
    }
}

/// A view that may hold another of its own kind holds it in a box.
impl<V: View> View for Box<V> {
    const NAME: &'static str = V::NAME;
    const FIELDS: &'static [&'static str] = V::FIELDS;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: usize, from: &mut A) -> Result<(), A::Error> {
        (**self).read(field, from)
    }
}

impl<V: View> Part for Vec<V> {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(List(PhantomData))
    }
}

impl Part for Option<String> {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Scalar)
    }
}

impl Part for String {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::part(from).map(Option::unwrap_or_default)
    }
}

impl Part for Option<bool> {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(from)
    }
}

impl Part for Option<f64> {
    fn part<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(from)
    }
}

struct Object<V>(PhantomData<V>);

impl<'de, V: View> Visitor<'de> for Object<V> {
    type Value = Option<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", V::NAME)
    }

    fn visit_none<E>(self) -> Result<Option<V>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<V>, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<V>, A::Error> {
        let mut view = V::default();
        let mut seen = 0_u64;
        while let Some(field) = map.next_key_seed(Key(V::FIELDS))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // A key that is there twice means one thing to the filter and perhaps another to who reads the message.
            if seen & (1 << field) != 0 {
                return Err(Error::duplicate_field(V::FIELDS[field]));
            }
            seen |= 1 << field;
            view.read(field, &mut map)?;
        }
        Ok(Some(view))
    }
}

/// A key, as its place among the known ones.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| *known == key))
    }
}

struct List<V>(PhantomData<V>);

impl<'de, V: View> Visitor<'de> for List<V> {
    type Value = Vec<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of objects ({})", V::NAME)
    }

    fn visit_none<E>(self) -> Result<Vec<V>, E> {
        Ok(vec![])
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Vec<V>, D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<V>, A::Error> {
        let mut views = vec![];
        while let Some(view) = items.next_element_seed(Seed::<Option<V>>(PhantomData))? {
            views.push(view.unwrap_or_default());
        }
        Ok(views)
    }
}

/// A string, or a number as its text.
struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
}
