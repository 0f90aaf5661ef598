//! Bodies, as cases write them: `"text"`, `{ json = … }`, `{ base64 = "…" }`, `{ file = "…" }`, `{ fixture = "…" }`.

use super::Origin;
use super::field::{Field, Read, Table, Wrong};
use crate::config::nearest;
use crate::trial::fixtures;
use bytes::Bytes;
use data_encoding::BASE64;
use std::fs::File;
use std::io::Read as _;

/// The largest body a file may be.
const SIZE: u64 = 64 << 20;

pub fn body(field: &Field<'_>, origin: &Origin<'_>) -> Read<Bytes> {
    if let Some(text) = field.value.as_str() {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    let mut table = field.table()?;
    let bytes = taken(&mut table, origin)?;
    let bytes =
        bytes.ok_or_else(|| table.wrong("says nothing of the body: `body`, `json`, `base64`, `file` or `fixture`"))?;
    table.finish()?;
    Ok(bytes)
}

/// The body that a table has, in one of the ways there are.
pub fn taken(table: &mut Table<'_>, origin: &Origin<'_>) -> Read<Option<Bytes>> {
    let ways = [
        table.read("body", |text| text.text().map(|text| Bytes::copy_from_slice(text.as_bytes())))?,
        table.read("json", |json| Ok(json.value.to_string().into()))?,
        table.read("base64", |text| base64(text))?,
        table.read("file", |path| file(path, origin))?,
        table.read("fixture", fixture)?,
    ];
    let mut ways = ways.into_iter().flatten();
    match (ways.next(), ways.next()) {
        (body, None) => Ok(body),
        _ => Err(table.wrong("says the body in more than one way\nhint: keep one of them")),
    }
}

pub fn base64(field: &Field<'_>) -> Read<Bytes> {
    let bytes = BASE64.decode(field.text()?.as_bytes());
    bytes.map(Bytes::from).map_err(|_| field.wrong("base64, with its padding"))
}

fn file(field: &Field<'_>, origin: &Origin<'_>) -> Read<Bytes> {
    let path = origin.directory.join(field.text()?);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(SIZE + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 <= SIZE => Ok(bytes.into()),
        Ok(_) => Err(field.wrong(format_args!("a file of at most {SIZE} bytes"))),
        Err(error) => Err(Wrong(format!(
            "{}: `{}`: failed to read `{}`: {error}\nhint: a relative path begins where the case file is",
            field.place,
            field.key,
            path.display()
        ))),
    }
}

fn fixture(field: &Field<'_>) -> Read<Bytes> {
    let name = field.text()?;
    let known = fixtures::FIXTURES.iter().map(|(name, ..)| *name);
    fixtures::fixture(name).map(|body| Bytes::from_static(body.as_bytes())).ok_or_else(|| {
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`postern filter test --fixtures` lists them".to_owned(),
        };
        Wrong(format!("{}: `{}`: there is no fixture `{}`\nhint: {hint}", field.place, field.key, name.escape_debug()))
    })
}
