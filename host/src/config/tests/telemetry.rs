//! Where traces go.

use super::*;

#[test]
fn nothing_is_traced_until_it_is_said_where_to() {
    assert_eq!(written(LEAST).config().traces, None);
    let toml = format!(
        "{LEAST}\n[telemetry.traces]\nendpoint = \"https://collector/v1/traces\"\nsample = 1\nca = \"ca.pem\"\n\
         headers = {{ x-api-key = {{ env = \"KEY\" }} }}\n"
    );
    let written = written(&toml).with(&[("KEY", "hush")]);
    let traces = written.config().traces.expect("it is said where to");
    assert_eq!(
        (traces.endpoint.as_str(), traces.sample, traces.service.as_str()),
        ("https://collector/v1/traces", 1.0, "postern")
    );
    assert!(traces.headers["x-api-key"].matches("hush"));
    assert!(traces.ca.is_some_and(|ca| ca.is_absolute()));
    let named = self::written(&toml).with(&[("KEY", "hush"), ("POSTERN_TELEMETRY__TRACES__SAMPLE", "0.25")]);
    assert_eq!(named.config().traces.expect("as before").sample, 0.25);
}

#[test]
fn a_sample_is_a_part_of_the_whole() {
    let expected = "postern.toml:15: `telemetry.traces.sample` must be a number between 0 and 1, such as 0.01";
    for (sample, instead) in [
        ("1.5", ", not a number with a fraction"),
        ("-0.1", ", not a number with a fraction"),
        ("nan", ", not a number with a fraction"),
        ("2", ", not an integer"),
        ("\"1%\"", ""),
    ] {
        appended(&format!("[telemetry.traces]\nsample = {sample}"), &format!("{expected}{instead}"));
    }
    appended(
        "[telemetry]\ntrace = 1",
        "postern.toml:15: `telemetry.trace` is not a known key\nhint: did you mean `traces`?",
    );
}
