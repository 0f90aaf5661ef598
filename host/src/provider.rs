//! Whose webhooks come in, and what must be known to tell theirs from others': words that the configuration writes, and
//! that checking (`verify`), reading (`split`) and signing (`postern send`) each understand in their own way.

mod pointer;
mod recipe;

pub use pointer::Pointer;
pub use recipe::{Algorithm, Encoding, NotATemplate, Recipe, Template};

use crate::secret::Secret;
use std::time::Duration;

/// Everyone whose webhooks are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// WhatsApp, Messenger, Instagram.
    Meta,
    Github,
    Stripe,
    Slack,
    Shopify,
    Twilio,
    Telegram,
    /// <https://www.standardwebhooks.com>, and Svix, where it comes from.
    StandardWebhooks,
    /// Anyone who signs by HMAC, as a [`Recipe`] says.
    Hmac,
    /// Nobody signs: whoever reaches the webhook is believed.
    None,
}

impl Provider {
    /// All of them, as they are named by users.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("meta", Self::Meta),
        ("github", Self::Github),
        ("stripe", Self::Stripe),
        ("slack", Self::Slack),
        ("shopify", Self::Shopify),
        ("twilio", Self::Twilio),
        ("telegram", Self::Telegram),
        ("standard-webhooks", Self::StandardWebhooks),
        ("hmac", Self::Hmac),
        ("none", Self::None),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, provider)| *provider == self).map_or("", |(name, _)| name)
    }

    /// How the configuration calls what it signs with. Meta's has the name that Meta gives it.
    pub fn secret_key(self) -> &'static str {
        if self == Self::Meta { "app_secret" } else { "secret" }
    }

    /// Whether what it signs has the time in it, so that a delivery can be too old.
    pub fn has_timestamp(self) -> bool {
        matches!(self, Self::Stripe | Self::Slack | Self::StandardWebhooks | Self::Hmac)
    }
}

/// How the deliveries of one webhook are signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Signing {
    pub provider: Provider,
    /// Several while one is rotated. There is at least one, unless the provider is none.
    pub secrets: Vec<Secret>,
    /// How far the time of a delivery may be from now, before or after.
    pub tolerance: Duration,
    /// Twilio: the address that it calls, without a query.
    pub public_url: Option<String>,
    /// HMAC: there is one.
    pub recipe: Option<Recipe>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_one_name() {
        for (name, provider) in Provider::NAMES {
            assert_eq!(provider.name(), name);
        }
    }
}
