//! Everyone whose signatures can be checked. The one place where it is asked who it is.

use super::claim::Claim;
use super::head::Head;
use super::key::{Key, shared};
use super::refusal::{SignatureRefusal, Unusable};
use super::{hub, recipe, shopify, slack, standard, stripe, telegram, twilio};
use crate::provider::{Provider, Recipe, Signing};
use crate::secret::Secret;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use std::time::Duration;

/// How the deliveries of one webhook are signed, and the keys to check it with: at least one, but where nobody signs.
#[derive(Debug)]
pub enum Scheme {
    /// Meta and GitHub.
    Hub(Vec<Key>),
    Stripe(Vec<Key>, Duration),
    Slack(Vec<Key>, Duration),
    Shopify(Vec<Key>),
    Twilio(Vec<Key>, twilio::Address),
    Telegram(Vec<Secret>),
    StandardWebhooks(Vec<Key>, Duration),
    Hmac(Vec<Key>, Recipe, Duration),
    /// `provider = "none"` was said.
    Unsigned,
}

impl Scheme {
    pub fn new(signing: &Signing) -> Result<Self, Unusable> {
        let Signing { provider, secrets, tolerance, public_url, recipe } = signing;
        if secrets.is_empty() && *provider != Provider::None {
            return Err(Unusable::None);
        }
        Ok(match provider {
            Provider::Meta | Provider::Github => Self::Hub(shared(HMAC_SHA256, secrets)?),
            Provider::Stripe => Self::Stripe(shared(HMAC_SHA256, secrets)?, *tolerance),
            Provider::Slack => Self::Slack(shared(HMAC_SHA256, secrets)?, *tolerance),
            Provider::Shopify => Self::Shopify(shared(HMAC_SHA256, secrets)?),
            Provider::Twilio => {
                let address = twilio::Address::new(public_url.as_deref().ok_or(Unusable::NoAddress)?);
                Self::Twilio(shared(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secrets)?, address)
            }
            Provider::Telegram => Self::Telegram(telegram::tokens(secrets)?),
            Provider::StandardWebhooks => {
                Self::StandardWebhooks(secrets.iter().map(standard::key).collect::<Result<_, _>>()?, *tolerance)
            }
            Provider::Hmac => {
                let recipe = recipe.clone().ok_or(Unusable::NoRecipe)?;
                Self::Hmac(shared(recipe::algorithm(recipe.algorithm), secrets)?, recipe, *tolerance)
            }
            Provider::None => Self::Unsigned,
        })
    }

    /// What a request claims to be signed with.
    pub fn claim(&self, head: Head<'_>) -> Result<Claim<'_>, SignatureRefusal> {
        match self {
            Self::Hub(keys) => hub::claim(keys, head),
            Self::Stripe(keys, tolerance) => stripe::claim(keys, *tolerance, head),
            Self::Slack(keys, tolerance) => slack::claim(keys, *tolerance, head),
            Self::Shopify(keys) => shopify::claim(keys, head),
            Self::Twilio(keys, address) => twilio::claim(keys, address, head),
            Self::Telegram(tokens) => telegram::claim(tokens, head),
            Self::StandardWebhooks(keys, tolerance) => standard::claim(keys, *tolerance, head),
            Self::Hmac(keys, recipe, tolerance) => recipe::claim(keys, recipe, *tolerance, head),
            Self::Unsigned => Ok(Claim::of_nothing()),
        }
    }
}
