//! Whether the deliveries of each webhook can be checked with what the configuration says.

use super::plan::problem;
use crate::config::{Config, Problem};
use crate::verify::Scheme;

/// Tells of every webhook whose secrets cannot be used.
pub fn check(config: &Config, problems: &mut Vec<Problem>) {
    for (name, webhook) in &config.webhooks {
        if let Err(unusable) = Scheme::new(&webhook.signing) {
            let key = format!("webhooks.{name}.{}", webhook.signing.provider.secret_key());
            problems.push(problem(config, &key, format!("`{key}` cannot be used: {unusable}")));
        }
    }
}
