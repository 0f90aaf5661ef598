//! Certificates that are, or soon will be, of no use.

use super::List;
use crate::config::Identity;
use crate::tls::{self, Validity};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long before a certificate ends it is to be seen to. Whoever renews by a machine does it earlier.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 24 * 60 * 60;

const RENEW: &str = "renew it, and put the new one in its place: it is taken up without a restart";

pub fn look(list: &mut List<'_>) {
    let now = SystemTime::now();
    let tls = list.config.tls.clone();
    if let Identity::Files { certificate, .. } = &tls.identity {
        // That they can be read is said elsewhere.
        let chain = tls::validity(certificate).unwrap_or_default();
        for (index, one) in chain.iter().enumerate() {
            let what = match index {
                0 => format!("the certificate `{}`", certificate.display()),
                _ => format!("certificate number {} of the chain in `{}`", index + 1, certificate.display()),
            };
            time(list, "tls.certificate", &what, one, now, true);
        }
        if chain.first().is_some_and(|own| !own.named) {
            let what = format!("the certificate `{}` is for no name", certificate.display());
            let hint = "clients look for the name they asked for in its alternative names: have it issued with them";
            list.warn("tls.certificate", what, hint);
        }
    }
    for file in &tls.client_ca {
        authority(list, file, now);
    }
}

/// Others of the same file may still do.
fn authority(list: &mut List<'_>, file: &Path, now: SystemTime) {
    for (index, one) in tls::validity(file).unwrap_or_default().iter().enumerate() {
        let what = format!("authority number {} in `{}`", index + 1, file.display());
        time(list, "tls.client_ca", &what, one, now, false);
    }
}

fn time(list: &mut List<'_>, key: &str, what: &str, one: &Validity, now: SystemTime, grave: bool) {
    let Validity { from, until, .. } = one;
    let (begins, ends) = (humantime::format_rfc3339_seconds(*from), humantime::format_rfc3339_seconds(*until));
    let hint = if grave { RENEW } else { "take it out of the file, or put the one in its place that follows it" };
    if *until < now {
        list.add(key, format!("{what} has expired: it was valid until {ends}"), hint, grave);
    } else if *from > now {
        let hint = "wait until then, or see that the clock of this machine is right";
        list.add(key, format!("{what} is not valid yet: it will be from {begins}"), hint, grave);
    } else if let Ok(left) = until.duration_since(now)
        && left < SOON
    {
        let days = left.as_secs() / DAY;
        let left = match days {
            0 => "less than a day".to_owned(),
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        list.warn(key, format!("{what} expires in {left}, at {ends}"), hint);
    }
}
