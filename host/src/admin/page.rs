//! The page for operators, at `/`: files that are in the binary, and which hold no secret. What they show they ask of the
//! other resources here, with the operator's token where one is set.
//!
//! They may do nothing but that: no script, style, image or connection of another origin, nothing inline, no frame around
//! them, no form that goes anywhere.

use crate::http::Reply;
use ::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use ::http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use ::http::{HeaderMap, StatusCode};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One of the page's files.
#[derive(Clone, Copy)]
pub struct File {
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal: $type:ident = $file:literal,)*) => {
        /// The file at a path.
        pub fn at(path: &str) -> Option<File> {
            Some(match path {
                $($path => File { content_type: $type, bytes: include_bytes!(concat!("page/", $file)) },)*
                _ => return None,
            })
        }

        #[cfg(test)]
        const PATHS: &[&str] = &[$($path),*];
    };
}

files! {
    "/": HTML = "index.html",
    "/page/icon.svg": SVG = "icon.svg",
    "/page/style.css": CSS = "style.css",
    "/page/app.js": SCRIPT = "app.js",
    "/page/api.js": SCRIPT = "api.js",
    "/page/charts.js": SCRIPT = "charts.js",
    "/page/clients.js": SCRIPT = "clients.js",
    "/page/dialog.js": SCRIPT = "dialog.js",
    "/page/element.js": SCRIPT = "element.js",
    "/page/event.js": SCRIPT = "event.js",
    "/page/events.js": SCRIPT = "events.js",
    "/page/filters.js": SCRIPT = "filters.js",
    "/page/header.js": SCRIPT = "header.js",
    "/page/held.js": SCRIPT = "held.js",
    "/page/list.js": SCRIPT = "list.js",
    "/page/live.js": SCRIPT = "live.js",
    "/page/mask.js": SCRIPT = "mask.js",
    "/page/metrics.js": SCRIPT = "metrics.js",
    "/page/place.js": SCRIPT = "place.js",
    "/page/search.js": SCRIPT = "search.js",
    "/page/send.js": SCRIPT = "send.js",
    "/page/targets.js": SCRIPT = "targets.js",
    "/page/words.js": SCRIPT = "words.js",
    "/page/vendor/uPlot.iife.min.js": SCRIPT = "vendor/uPlot.iife.min.js",
    "/page/vendor/uPlot.min.css": CSS = "vendor/uPlot.min.css",
}

impl File {
    /// The file, or that it is the one the browser has.
    pub fn reply(self, asked: &HeaderMap) -> Reply {
        let tag = format!("\"{}\"", &HEXLOWER.encode(digest(&SHA256, self.bytes).as_ref())[..32]);
        let known = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
        let reply = if is_known {
            Reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            Reply::of(StatusCode::OK, self.content_type, self.bytes)
        };
        let opener = HeaderName::from_static("cross-origin-opener-policy");
        reply
            .with(ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits are fit for a header"))
            // Kept, and asked for again each time: after an upgrade no old script meets a new one.
            .with(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
            .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
            .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
            .with(opener, HeaderValue::from_static("same-origin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let file = at("/").expect("the page is there");
        let first = file.reply(&HeaderMap::new());
        assert_eq!(first.status, StatusCode::OK);
        let mut asked = HeaderMap::new();
        asked.insert(IF_NONE_MATCH, first.headers[ETAG].clone());
        assert_eq!(file.reply(&asked).status, StatusCode::NOT_MODIFIED);
        asked.insert(IF_NONE_MATCH, HeaderValue::from_static("\"another\""));
        assert_eq!(file.reply(&asked).status, StatusCode::OK);
    }

    #[test]
    fn every_script_that_is_imported_is_there_and_nothing_is_inline() {
        for path in PATHS.iter().filter(|path| !path.contains("/vendor/")) {
            let text = std::str::from_utf8(at(path).expect("it is there").bytes).expect("text");
            for import in text.split("from \"./").skip(1) {
                let name = import.split('"').next().expect("a name");
                assert!(at(&format!("/page/{name}")).is_some(), "{path} imports {name}, which is nowhere");
            }
            for asked in text.split("=\"/page/").skip(1) {
                let name = asked.split('"').next().expect("a name");
                assert!(at(&format!("/page/{name}")).is_some(), "{path} asks for {name}, which is nowhere");
            }
            // What others wrote is text, and never becomes markup.
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "<style", " style="]
            {
                assert!(!text.contains(word), "{path} has {word}");
            }
        }
    }
}
