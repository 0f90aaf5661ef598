//! What the reference filter answers.

use crate::words;
use postern_filter::prelude::*;

/// As `/answer` of the message says, with what its steps have reported.
pub fn verdict(message: &Message, report: &str) -> Result<Verdict> {
    let answer = message.pointer("/answer");
    Ok(match answer.as_deref() {
        None | Some("report") => Verdict::rewrite(report),
        Some("report-binary") => Verdict::Rewrite(Payload::binary(report)),
        Some("pass") => Verdict::Pass,
        Some("drop") => Verdict::Drop(message.pointer("/reason")),
        Some("rewrite") => Verdict::rewrite(message.pointer("/text").unwrap_or_default()),
        Some("send") => Verdict::Send(deliveries(message)?),
        Some("error") => return Err(Error::new(message.pointer("/reason").unwrap_or_default())),
        Some(other) => return Err(Error::new(format!("there is no answer `{other}`"))),
    })
}

fn deliveries(message: &Message) -> Result<Vec<Delivery>> {
    let mut deliveries = Vec::new();
    while let Some(to) = message.pointer(&format!("/to/{}/to", deliveries.len())) {
        let of = |key: &str| message.pointer(&format!("/to/{}/{key}", deliveries.len()));
        let except = of("except").map_or(Ok(vec![]), |ids| words::ids(&ids))?;
        let payload = of("text").map(Payload::text);
        deliveries.push(Delivery { to: words::selector(&to)?, except, payload });
    }
    Ok(deliveries)
}

/// A request, a line each.
pub fn echo(request: &Request) -> String {
    [
        request.method(),
        request.path(),
        words::option(request.query()),
        words::option(request.header("X-Test").map(|value| words::text(&value))),
        request.headers().len().to_string(),
        request.address(),
        words::text(&request.body()),
    ]
    .join("\n")
}
