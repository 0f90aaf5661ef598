//! Where a token is set, and what the page's own files may be and do.

use super::Page;
use crate::start;
use bytes::Bytes;
use http::Method;
use postern_tests::{Admin, Config, Sender};

#[tokio::test]
async fn the_token_is_asked_for_kept_for_the_tab_and_sent_with_what_the_page_asks() {
    let guarded = Config::basic().section("admin", "listen = \"127.0.0.1:0\"\ntoken = \"hush\"");
    let gateway = start(&guarded).await;
    let Some(mut page) = Page::open(&gateway, "#clients").await else { return };
    page.sees("dialog h2", "asks for its admin token").await;
    page.fill("token", "wrong").await;
    page.0.press("Enter").await;
    page.sees("dialog h2", "That token was wrong").await;
    page.fill("token", "hush").await;
    page.0.press("Enter").await;
    page.sees("main td", "agents").await;
    page.sees(".phase", "serving").await;
    page.go("live").await;
    page.sees(".tools .quiet", "0 shown").await;
    // It is in no address, and another tab does not have it.
    let kept = "[location.href, document.cookie, localStorage.length, sessionStorage.length].join()";
    let kept = page.0.evaluate(kept).await;
    assert!(kept.as_str().is_some_and(|kept| kept.ends_with("#live,,0,1")), "{kept}");
}

#[tokio::test]
async fn the_files_of_the_page_are_guarded_by_a_policy_and_there_without_the_token() {
    let guarded = Config::basic().section("admin", "listen = \"127.0.0.1:0\"\ntoken = \"hush\"");
    let gateway = start(&guarded).await;
    let page = Admin::of(&gateway).get("/").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'none'"), "{policy}");
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
        assert_eq!(page.header(name), Some(value));
    }
    let text = page.text();
    let named = text.split("=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let files: Vec<_> = named.filter(|name| name.starts_with("/page/")).collect();
    assert!(files.len() >= 5 && !text.contains("://"), "all it needs is here: {text}");
    for file in files {
        let mut sender = Sender::plain(gateway.admin()).await;
        let first = sender.get(file).await;
        assert_eq!(first.status, 200, "{file}");
        let tag = first.header("etag").expect("a tag");
        let again = sender.send(Method::GET, file, &[("if-none-match", tag)], Bytes::new()).await.expect("an answer");
        assert_eq!((again.status, again.body.len()), (304, 0), "{file}");
    }
    assert_eq!(Admin::of(&gateway).get("/page/").await.status, 404);
    assert_eq!(Admin::of(&gateway).get("/v1/tap").await.status, 401);
}
