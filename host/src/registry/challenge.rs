//! How a registry says in what way it wants to know who asks: the header `WWW-Authenticate`, and the token servers that
//! it names.

use http::header::{HeaderMap, WWW_AUTHENTICATE};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password, with each request.
    Basic,
    /// A token, from a server of tokens.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The first that can be met; a token before a password.
    pub fn of(headers: &HeaderMap) -> Result<Self, String> {
        let given: Vec<&str> =
            headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        let schemes: Vec<(String, Vec<(String, String)>)> = given.iter().flat_map(|value| schemes(value)).collect();
        let parameters = schemes.iter().find(|(scheme, _)| scheme == "bearer").map(|(_, parameters)| parameters);
        if let Some(parameters) = parameters {
            let value = |name: &str| parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
            let realm = value("realm").ok_or("it names no server of tokens (`realm`)")?;
            return Ok(Self::Bearer { realm, service: value("service"), scope: value("scope") });
        }
        if schemes.iter().any(|(scheme, _)| scheme == "basic") {
            return Ok(Self::Basic);
        }
        let names: Vec<&str> = schemes.iter().map(|(scheme, _)| scheme.as_str()).collect();
        Err(format!("it wants neither `Bearer` nor `Basic`, but `{}`", names.join("`, `")))
    }
}

/// The URL at which a token for `scope` is had.
pub(super) fn token_url(realm: &str, service: Option<&str>, scope: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    query.append_pair("scope", scope);
    let separator = if realm.contains('?') { '&' } else { '?' };
    format!("{realm}{separator}{}", query.finish())
}

/// Takes `Scheme key="value", key=value, Scheme …` apart: schemes and keys in lower case. What is not in that form ends it.
fn schemes(value: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            return found;
        }
        let (word, after) = rest.split_at(end);
        let word = word.to_ascii_lowercase();
        match (after.strip_prefix('='), found.last_mut()) {
            (Some(after), Some((_, parameters))) => {
                let Some((value, after)) = parameter(after) else { return found };
                parameters.push((word, value));
                rest = after;
            }
            (Some(_), None) => return found,
            (None, _) => {
                found.push((word, Vec::new()));
                rest = after;
            }
        }
    }
}

/// A value, quoted or not, and what follows it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn of(values: &[&str]) -> Result<Challenge, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        Challenge::of(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) }
    }

    #[test]
    fn a_challenge_is_read_in_the_forms_that_registries_send() {
        let ghcr = r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull""#;
        assert_eq!(of(&[ghcr]), Ok(bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:a/b:pull"))));
        assert_eq!(of(&["Basic realm=\"x\""]), Ok(Challenge::Basic));
        assert_eq!(
            of(&["bEARER Realm=https://a/t , scope=\"a\\\"b,c\""]),
            Ok(bearer("https://a/t", None, Some("a\"b,c")))
        );
        assert_eq!(of(&["Basic realm=\"x\", Bearer realm=\"https://a\""]), Ok(bearer("https://a", None, None)));
        assert_eq!(of(&["Basic realm=\"x\"", "Bearer realm=\"https://a\""]), Ok(bearer("https://a", None, None)));
        for wrong in
            [&[][..], &["Bearer"], &["Negotiate"], &["Bearer realm=\"unended"], &["realm=\"x\""], &["\u{1}"; 0]]
        {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_asked_for_with_its_scope_encoded() {
        let scope = "repository:a/b:pull,push";
        assert_eq!(
            token_url("https://a/t", Some("x y"), scope),
            "https://a/t?service=x+y&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
        assert_eq!(token_url("https://a/t?z=1", None, "s"), "https://a/t?z=1&scope=s");
    }

    proptest! {
        #[test]
        fn what_is_written_as_the_standard_says_is_read_back(realm in "[ -~]{1,30}", scope in "[ -~]{0,30}") {
            let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let header = format!("Bearer scope={},realm={}", quoted(&scope), quoted(&realm));
            prop_assert_eq!(of(&[&header]), Ok(bearer(&realm, None, Some(&scope))));
        }

        #[test]
        fn nothing_that_is_sent_makes_it_fail_badly(header in "[ -~]{0,60}") {
            let _ = of(&[&header]);
        }
    }
}
