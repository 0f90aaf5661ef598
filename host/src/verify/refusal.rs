//! Why not.

use http::{HeaderName, StatusCode};

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeRefusal {
    #[error("the request has no query")]
    NoQuery,
    #[error("a parameter is given more than once")]
    Repeated,
    #[error("the verify token is missing or wrong")]
    WrongToken,
    #[error("the mode is not `subscribe`")]
    WrongMode,
    #[error("the challenge is missing, too long, or has characters other than letters, digits and `_.~-`")]
    BadChallenge,
}

impl HandshakeRefusal {
    pub fn status(self) -> StatusCode {
        match self {
            Self::WrongToken => StatusCode::FORBIDDEN,
            Self::NoQuery | Self::Repeated | Self::WrongMode | Self::BadChallenge => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a delivery was refused. All of them are a 401; the difference is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    #[error("there is no `{0}`")]
    Missing(HeaderName),
    #[error("there is more than one `{0}`")]
    Repeated(HeaderName),
    #[error("`{0}` is not of the form that its provider gives it")]
    Malformed(HeaderName),
    #[error("there is only the old SHA-1 signature, which is not accepted")]
    LegacyOnly,
    #[error("the signature is not of this request under any of the secrets")]
    Wrong,
    #[error("it was signed {0} s ago, which is longer than `tolerance` allows")]
    TooOld(u64),
    #[error("it was signed {0} s ahead of this machine's clock, which is more than `tolerance` allows")]
    TooNew(u64),
}

/// Why a secret cannot be one of this provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the signing secret is empty\nhint: anyone can sign with an empty secret; give the one the provider shows")]
    Empty,
    #[error("there is no secret to check signatures with")]
    None,
    #[error(
        "a secret of Standard Webhooks is `whsec_` or `whpk_` and base64 of a key\nhint: copy it whole from where the sender \
         shows it: `whsec_` is shared with the sender, `whpk_` is the sender's public key"
    )]
    NotStandard,
    #[error(
        "`whsk_` is a private key, which only the sender may have\nhint: ask for the public one, which begins with `whpk_`"
    )]
    Private,
    #[error(
        "a secret token of Telegram's is 1 to 256 letters, digits, `_` and `-`\nhint: it is what you gave `setWebhook`"
    )]
    NotATelegramToken,
    #[error("there is no public address to check Twilio's signatures with")]
    NoAddress,
    #[error("there is no description of how it is signed")]
    NoRecipe,
}
