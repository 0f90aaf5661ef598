//! The keys of a webhook that say whose deliveries it takes and how they are signed. Each belongs to some providers and is
//! refused beside the others: a secret that nothing is checked with would be believed to protect.

use super::reader::{Read, Section, Value};
use super::seen::Shape;
use crate::provider::{Algorithm, Encoding, NotATemplate, Pointer, Provider, Recipe, Signing, Template};
use crate::secret::Secret;
use http::{HeaderName, Uri};

/// What is said of where deliveries come from.
pub(super) struct Origin {
    pub signing: Signing,
    pub verify_token: Option<Secret>,
    pub kind: Option<Pointer>,
}

pub(super) fn origin(section: &mut Section<'_>) -> Read<Origin> {
    let provider = section.required("provider").and_then(|value| value.choice(&Provider::NAMES));
    let is = |some: &[Provider]| provider.as_ref().is_ok_and(|provider| some.contains(provider));
    let (meta, none) = (is(&[Provider::Meta]), is(&[Provider::None]));
    let verify_token = secret_if_it_belongs(section, "verify_token", meta)
        .and_then(|value| value.map(|value| value.secret()).transpose());
    let app_secret = secret_if_it_belongs(section, "app_secret", meta).and_then(secrets);
    let secret = secret_if_it_belongs(section, "secret", provider.is_ok() && !meta && !none).and_then(secrets);
    let public_url = if_it_belongs(section, "public_url", is(&[Provider::Twilio]))
        .and_then(|value| value.map(|value| public_url(&value)).transpose());
    let recipe = section.optional_section("signature").map(recipe).transpose();
    let tolerance = section.required("tolerance").and_then(|value| value.duration());
    let kind = section.optional("kind").map(|value| pointer(&value)).transpose();
    let provider = provider?;
    if let Ok(recipe) = &recipe {
        belong(section, provider, recipe.as_ref());
    }
    let mut secrets = app_secret?;
    secrets.extend(secret?);
    let signing = Signing { provider, secrets, tolerance: tolerance?, public_url: public_url?, recipe: recipe? };
    Ok(Origin { signing, verify_token: verify_token?, kind: kind? })
}

/// A key that must be there, if it is one of this provider's; else none, whatever is there: `belong` has a word about it.
fn if_it_belongs<'a>(section: &mut Section<'a>, name: &'static str, belongs: bool) -> Read<Option<Value<'a>>> {
    if belongs { section.required(name).map(Some) } else { Ok(section.optional(name).and(None)) }
}

/// The same of a secret, which is never shown, also where it does not belong.
fn secret_if_it_belongs<'a>(section: &mut Section<'a>, name: &'static str, belongs: bool) -> Read<Option<Value<'a>>> {
    if belongs {
        return section.required(name).map(Some);
    }
    if let Some(value) = section.optional(name) {
        value.takes(Shape::Secret);
    }
    Ok(None)
}

fn secrets(value: Option<Value<'_>>) -> Read<Vec<Secret>> {
    value.map_or(Ok(Vec::new()), |value| value.secrets())
}

/// Refuses what is written and is not for this provider, and demands what must be there for it.
fn belong(section: &Section<'_>, provider: Provider, recipe: Option<&Recipe>) {
    let (meta, hmac) = (provider == Provider::Meta, provider == Provider::Hmac);
    let strange = |name: &str, hint: &str| {
        if section.is_written(name) {
            let what = format!("is nothing to a webhook of `provider = \"{}\"`", provider.name());
            section.problem_with_hint(name, &what, hint);
        }
    };
    match provider {
        Provider::Meta => strange("secret", "Meta's is called `app_secret`"),
        Provider::None => {
            let hint = "leave it out, or say whose webhooks they are: no signature is checked here";
            strange("secret", hint);
            strange("app_secret", hint);
        }
        _ => strange("app_secret", "only Meta's is called so: write `secret`"),
    }
    if !meta {
        strange("verify_token", "leave it out: only Meta asks for one");
        strange("split", "leave it out: only Meta puts several events into one delivery");
        strange("phone_number_ids", "leave it out: only WhatsApp's events are about a phone number of yours");
    } else {
        strange("kind", "leave it out: Meta's deliveries say of what kind they are");
    }
    if provider != Provider::Twilio {
        strange("public_url", "leave it out: only Twilio signs the address that it calls");
    }
    if !hmac {
        strange("signature", "leave it out: how these are signed is known; `provider = \"hmac\"` is for all others");
    } else if recipe.is_none() {
        let hint =
            "say where it stands, such as `signature = { header = \"X-Signature\" }`; all of it is in default.toml";
        section.problem_with_hint("signature", "is missing", hint);
    }
    if hmac && recipe.is_some_and(|recipe| recipe.timestamp.is_none()) {
        strange("tolerance", "name the header of the time in `signature.timestamp`, if there is one");
    } else if !provider.has_timestamp() {
        strange("tolerance", "leave it out: the time is not among what is signed");
    }
}

fn recipe(mut section: Section<'_>) -> Read<Recipe> {
    let header = section.required("header").and_then(|value| header(&value));
    let algorithms = [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1)];
    let algorithm = section.optional("algorithm").map_or(Ok(Algorithm::Sha256), |value| value.choice(&algorithms));
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = section.optional("encoding").map_or(Ok(Encoding::Hex), |value| value.choice(&encodings));
    let prefix = section.optional("prefix").map_or(Ok(String::new()), |value| prefix(&value));
    let timestamp = section.optional("timestamp").map(|value| self::header(&value)).transpose();
    let signs = section.optional("signs").map(|value| template(&value)).transpose();
    let template = match (&timestamp, signs) {
        (Ok(Some(_)), Ok(None)) => Ok(Template::parse("{timestamp}.{body}").expect("it is one")),
        (Ok(None), Ok(None)) => Ok(Template::parse("{body}").expect("it is one")),
        (Ok(Some(_)), Ok(Some(template))) if !template.has_timestamp() => Err(section.problem_with_hint(
            "signs",
            "has no `{timestamp}` in it, and `timestamp` names a header: a time that is not signed protects nothing",
            "write what the sender signs, such as `{timestamp}.{body}`, or leave `timestamp` out",
        )),
        (Ok(None), Ok(Some(template))) if template.has_timestamp() => Err(section.problem_with_hint(
            "signs",
            "has `{timestamp}` in it, and `timestamp` names no header",
            "write the name of the header that the time stands in, such as `timestamp = \"X-Timestamp\"`",
        )),
        (Ok(_), Ok(Some(template))) => Ok(template),
        (Err(reported), _) => Err(*reported),
        (_, Err(reported)) => Err(reported),
    };
    section.finish(&[]);
    Ok(Recipe {
        header: header?,
        algorithm: algorithm?,
        encoding: encoding?,
        prefix: prefix?,
        timestamp: timestamp?,
        template: template?,
    })
}

fn header(value: &Value<'_>) -> Read<HeaderName> {
    let expected = "the name of a header, such as `X-Signature`";
    value.text(expected)?.parse().map_err(|_| value.wrong(expected))
}

fn prefix(value: &Value<'_>) -> Read<String> {
    let expected = "what stands before the signature, such as `sha256=`: visible ASCII";
    let text = value.text(expected)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(text.to_owned()) } else { Err(value.wrong(expected)) }
}

fn template(value: &Value<'_>) -> Read<Template> {
    let hint =
        "write what is signed, such as `{timestamp}.{body}`; all but `{timestamp}` and `{body}` stands for itself";
    let text = value.text("a text such as `{timestamp}.{body}`")?;
    Template::parse(text).map_err(|why: NotATemplate| value.problem_with_hint(why.to_string(), hint))
}

fn pointer(value: &Value<'_>) -> Read<Pointer> {
    let expected = "a JSON pointer such as `/type` or `/event/name`";
    Pointer::parse(value.text(expected)?).ok_or_else(|| value.wrong(expected))
}

/// As Twilio has it, so not a letter of it is changed.
fn public_url(value: &Value<'_>) -> Read<String> {
    let expected = "the address that is called, such as `https://hooks.example.com/twilio`";
    let text = value.text(expected)?;
    if text.contains(['?', '#']) {
        let hint = "leave out what follows: the query of each request is taken as it comes";
        return Err(value.wrong_with_hint("an address without a query", hint));
    }
    let uri = text.parse::<Uri>().ok();
    let whole = uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some());
    if whole { Ok(text.to_owned()) } else { Err(value.wrong(expected)) }
}
