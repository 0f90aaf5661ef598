//! The account at an authority: the one on disk, else a new one.

use super::Config;
use super::error::Error;
use super::http::Http;
use super::store::Store;
use instant_acme::{Account, NewAccount};

/// Opens the account. Its operator has agreed to the terms, in the configuration.
pub async fn open(config: &Config, http: &Http, store: &Store) -> Result<Account, Error> {
    let builder = Account::builder_with_http(Box::new(http.clone()));
    if let Some(credentials) = store.account() {
        let opened = builder.from_credentials(credentials).await;
        return opened.map_err(|error| Error::of("open the account at the certificate authority", error));
    }
    let contact = config.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let created = builder.create(&wanted, config.url.clone(), None).await;
    let (account, credentials) =
        created.map_err(|error| Error::of("make an account at the certificate authority", error))?;
    store.keep_account(&credentials)?;
    tracing::info!(authority = %config.directory.address, "an account at the certificate authority was made");
    Ok(account)
}
