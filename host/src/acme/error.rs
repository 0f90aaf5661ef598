//! Why there is no new certificate.

use crate::error::Chain;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// With the problem document of the authority.
    #[error("failed to {doing}: the certificate authority says: {problem}{}", advice(kind))]
    Refused { doing: &'static str, problem: String, kind: String },
    #[error("failed to {doing}: {why}")]
    Unreached { doing: &'static str, why: String },
    #[error(
        "the certificate authority could not see that `{domain}` is ours: {problem}\n\
         hint: the name must lead to this gateway, and the authority must reach it at port {port}"
    )]
    Unproven { domain: String, problem: String, port: u16 },
    #[error(
        "the certificate authority does not offer `{challenge}` for `{domain}`\n\
         hint: choose another `challenge` in `tls.acme`"
    )]
    NotOffered { challenge: &'static str, domain: String },
    #[error("what the certificate authority gave cannot be used: {why}")]
    Unfit { why: String },
    #[error("the new certificate is not taken: {why}")]
    NotInstalled { why: String },
    #[error("the certificate authority took longer than {} s", super::keep::PATIENCE.as_secs())]
    Slow,
    #[error(
        "failed to write `{path}`: {cause}\n\
         hint: let the user that postern runs as write there, or choose another `data` directory"
    )]
    Store { path: PathBuf, cause: io::Error },
}

/// As the authority names kinds of problems.
const KINDS: &str = "urn:ietf:params:acme:error:";

impl Error {
    pub fn of(doing: &'static str, error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => {
                let kind = problem.r#type.as_deref().and_then(|kind| kind.strip_prefix(KINDS)).unwrap_or_default();
                let kind = kind.to_owned();
                Self::Refused { doing, problem: told(&problem), kind }
            }
            instant_acme::Error::Other(error) => Self::Unreached { doing, why: Chain(&*error).to_string() },
            error => Self::Unreached { doing, why: Chain(&error).to_string() },
        }
    }

    /// Too much was asked of it.
    pub fn is_limit(&self) -> bool {
        self.is("rateLimited")
    }

    /// The account is not, or no longer, one of its own.
    pub fn is_strange_account(&self) -> bool {
        self.is("accountDoesNotExist")
    }

    /// What was to be replaced has been already.
    pub fn is_replaced(&self) -> bool {
        self.is("alreadyReplaced")
    }

    fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == wanted)
    }
}

/// A problem document in one line, bounded, without what would move a cursor.
pub fn told(problem: &instant_acme::Problem) -> String {
    const LONGEST: usize = 1000;
    problem.to_string().chars().take(LONGEST).flat_map(char::escape_debug).collect::<String>().replace("\\\"", "\"")
}

fn advice(kind: &str) -> &'static str {
    match kind {
        "rateLimited" => "\nhint: it has limits, and says when to come back; try out with `letsencrypt-staging`",
        "externalAccountRequired" => {
            "\nhint: this authority wants an account made elsewhere, which postern has no key for"
        }
        "invalidContact" | "unsupportedContact" => "\nhint: set another `email` in `tls.acme`, or leave it out",
        "rejectedIdentifier" => "\nhint: it gives no certificates for that name; take it out of `tls.acme.domains`",
        "caa" => "\nhint: the CAA record of the domain names other authorities",
        _ => "",
    }
}
