//! Webhooks that believe whoever sends.

use super::List;
use crate::config::Demand;
use crate::provider::Provider;

pub fn look(list: &mut List<'_>) {
    let config = list.config;
    for (name, webhook) in &config.webhooks {
        // A certificate that must be shown proves who sends as well.
        if webhook.signing.provider == Provider::None && webhook.client.demand != Demand::Required {
            let what = format!("`webhooks.{name}`: signatures are not checked, so whoever can reach it is believed");
            let hint =
                "name its provider, or say how it signs by `provider = \"hmac\"`; else let only its sender reach it";
            list.warn(&format!("webhooks.{name}.provider"), what, hint);
        }
    }
}
