//! TOML as JSON, so that there is one way to read a case. Dates are their text.

use serde_json::{Map, Number, Value as Json};
use toml_edit::{ImDocument, Item, TableLike, Value};

/// A document; or what is wrong with it, with its line.
pub fn toml(text: &str) -> Result<Json, String> {
    let document = ImDocument::parse(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    table(document.as_table())
}

fn table(entries: &dyn TableLike) -> Result<Json, String> {
    let entry = |(name, item): (&str, &Item)| Ok((name.to_owned(), of(item)?));
    entries.iter().map(entry).collect::<Result<Map<_, _>, String>>().map(Json::Object)
}

fn of(item: &Item) -> Result<Json, String> {
    match item {
        Item::None => Ok(Json::Null),
        Item::Value(value) => of_value(value),
        Item::Table(entries) => table(entries),
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|entries| table(entries)).collect::<Result<_, _>>().map(Json::Array)
        }
    }
}

fn of_value(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::String(text) => Json::String(text.value().clone()),
        Value::Integer(number) => Json::Number((*number.value()).into()),
        Value::Float(number) => match Number::from_f64(*number.value()) {
            Some(number) => Json::Number(number),
            None => return Err("`inf` and `nan` are no numbers here, for JSON has no word for them".to_owned()),
        },
        Value::Boolean(boolean) => Json::Bool(*boolean.value()),
        Value::Datetime(date) => Json::String(date.value().to_string()),
        Value::Array(values) => values.iter().map(of_value).collect::<Result<_, _>>().map(Json::Array)?,
        Value::InlineTable(entries) => table(entries)?,
    })
}
