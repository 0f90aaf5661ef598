//! How the deliveries of each webhook are signed, from what the configuration says.

use super::plan::problem;
use crate::config::{Config, Problem, Webhook};
use crate::provider::Provider;
use crate::verify::{Scheme, Unusable};

/// Tells of every webhook whose secrets cannot be used.
pub fn check(config: &Config, problems: &mut Vec<Problem>) {
    for (name, webhook) in &config.webhooks {
        if let Err(unusable) = Scheme::new(&webhook.signing) {
            let key = if webhook.signing.provider == Provider::Meta { "app_secret" } else { "secret" };
            let key = format!("webhooks.{name}.{key}");
            problems.push(problem(config, &key, format!("`{key}` cannot be used: {unusable}")));
        }
    }
}

/// The scheme of a webhook that starts to work.
pub fn start(name: &str, webhook: &Webhook) -> Result<Scheme, Unusable> {
    if webhook.signing.provider == Provider::None {
        tracing::warn!(
            webhook = name,
            path = webhook.path,
            "signatures are not checked: whoever can reach it is believed"
        );
    }
    Scheme::new(&webhook.signing)
}
