//! `postern filter push`: a component into a registry, from where `file = "oci://…"` takes it.

use crate::cli::Failure;
use crate::cli::outward::{secret_of, unreadable};
use crate::error::Chain;
use crate::reference::{self, Reference, Version};
use crate::registry::{self, Settings};
use std::path::PathBuf;

/// Put a component into an OCI registry, and print the reference that names it for good
#[derive(clap::Args)]
pub struct Push {
    /// The component
    file: PathBuf,
    /// Where: oci://REGISTRY/NAME:TAG
    #[arg(value_parser = reference)]
    reference: Reference,
    /// The name of the account to push as
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// A file that holds its password or token; /dev/stdin is one
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Trust the certificates in this file (PEM), and no others; with it, a registry on this machine is asked by HTTPS
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How long it may take, all in all
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "5m")]
    timeout: std::time::Duration,
}

impl Push {
    pub fn execute(self) -> Result<(), Failure> {
        let component = std::fs::read(&self.file).map_err(|error| unreadable(&self.file, &error))?;
        let found = postern_guest_build::interfaces(&component).map_err(|why| {
            let file = self.file.display();
            Failure::new(
                Failure::FAILED,
                format!(
                    "`{file}` is not a component: {why}\nhint: `postern filter build DIR` makes one of a filter's source"
                ),
            )
        })?;
        let account = match (self.username, self.password_file) {
            (Some(username), Some(file)) => Some((username, secret_of(&file)?)),
            _ => None,
        };
        let settings = Settings { account, ca: self.ca, timeout: self.timeout };
        let digest = registry::push(&self.reference, &settings, component, &found.imports, &found.exports)
            .map_err(|error| Failure::new(Failure::FAILED, Chain(&error).to_string()))?;
        let pushed = Reference { version: Version::Digest(digest), ..self.reference };
        println!("{pushed}");
        Ok(())
    }
}

fn reference(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|why| format!("{why}; {}", reference::EXAMPLE))?;
    match reference.version {
        Version::Tag(_) => Ok(reference),
        Version::Digest(_) => {
            Err("a digest cannot be chosen, it comes of the content: name a tag, and the digest is printed".to_owned())
        }
    }
}
