//! The section `[proxy]`: whose word about a client's address is taken.

use super::reader::{Read, Section, Value};
use super::schema::{ForwardedBy, Proxy};
use crate::network::{Network, NotOne};

const EXPECTED: &str = "addresses or networks such as `10.0.0.0/8` or `192.0.2.7`";

pub(super) fn proxy(mut section: Section<'_>) -> Read<Proxy> {
    let trusted = section.optional("trusted").map_or(Ok(vec![]), |value| {
        let networks: Vec<Read<Network>> = value.list().iter().map(network).collect();
        networks.into_iter().collect()
    });
    let protocol = section.required("protocol").and_then(|value| value.boolean());
    let choices = [
        ("none", ForwardedBy::None),
        ("x-forwarded-for", ForwardedBy::XForwardedFor),
        ("forwarded", ForwardedBy::Forwarded),
    ];
    let headers = section.required("headers").and_then(|value| value.choice(&choices));
    if let (Ok(trusted), Ok(protocol), Ok(headers)) = (&trusted, protocol, headers) {
        let name = "name the proxies in `proxy.trusted`: their addresses, or their network such as `10.0.0.0/8`";
        match (trusted.is_empty(), protocol, headers) {
            (true, true, _) => drop(section.problem_with_hint("protocol", "is believed of nobody", name)),
            (true, false, ForwardedBy::XForwardedFor | ForwardedBy::Forwarded) => {
                section.problem_with_hint("headers", "is believed of nobody", name);
            }
            (false, false, ForwardedBy::None) => {
                let hint = "set `proxy.protocol = true`, or `proxy.headers` to the header in which they tell it";
                section.problem_with_hint("trusted", "names proxies, and nothing they say is asked for", hint);
            }
            _ => {}
        }
    }
    section.finish(&[]);
    Ok(Proxy { trusted: trusted?, protocol: protocol?, headers: headers? })
}

fn network(value: &Value<'_>) -> Read<Network> {
    let text = value.text(EXPECTED)?;
    match text.trim().parse::<Network>() {
        Ok(network) if network.is_all() => Err(value.problem_with_hint(
            format!("must not be everybody: {network}"),
            "whoever is trusted can say that he is anyone: name the addresses of the proxies alone",
        )),
        Ok(network) => Ok(network),
        Err(NotOne::Text) => Err(value.wrong(EXPECTED)),
        Err(NotOne::Within(network)) => Err(value.problem_with_hint(
            format!("has an address beside its network: {text}"),
            &format!("for the network write `{network}`, for the one address leave out what follows it"),
        )),
    }
}
