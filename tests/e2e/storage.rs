//! A disk that takes no more: 503, never a 200 that is not kept, and nothing acknowledged lost.

use bytes::Bytes;
use postern_tests::{Admin, Config, Home, Protocol, Sender, eventually};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// Starts the gateway under a limit on the size of its files, in blocks of 512 bytes, as long as there is a file called
/// `limit`. The signal that comes with it is ignored, so that writing fails as on a full disk.
const LIMITED: &str =
    "#!/bin/sh\ntrap '' XFSZ\nif [ -e limit ]; then ulimit -f $(cat limit); fi\nexec \"$BINARY\" \"$@\"\n";

/// The store makes its log 64 MiB long at once; a little more than that, and deliveries fill it.
const BLOCKS: &str = "139264";

fn limited(config: &Config) -> Arc<Home> {
    let scripts = tempfile::tempdir().expect("a temporary directory").keep();
    let script = scripts.join("limited");
    std::fs::write(&script, LIMITED).expect("it is writable");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let home = Home::new(script.to_str().expect("temporary directories have plain names"), config);
    home.set("BINARY", env!("CARGO_BIN_EXE_postern-under-test"));
    home.write("limit", BLOCKS);
    home
}

fn hex(body: &[u8]) -> String {
    digest::digest(&digest::SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_webhook_that_cannot_be_written_is_answered_503_and_those_before_it_are_kept() {
    let home = limited(&Config::basic());
    let gateway = home.start().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut acknowledged = BTreeSet::new();
    let random = SystemRandom::new();
    let refused = loop {
        assert!(acknowledged.len() < 60, "180 MiB were written into 68");
        let mut body = vec![0; 3_000_000];
        random.fill(&mut body).expect("the system has random bytes");
        let hash = hex(&body);
        let reply = sender.post("/whatsapp", Bytes::from(body)).await;
        if reply.status != 200 {
            break reply;
        }
        acknowledged.insert(hash);
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let admin = Admin::of(&gateway);
    assert_eq!(admin.get("/ready").await.status, 503, "a gateway that cannot write is not ready");
    assert_eq!(admin.get("/live").await.status, 200);
    let again = sender.post("/whatsapp", Bytes::from_static(b"small")).await;
    assert_eq!(again.status, 503, "a failed write is final until the next start: {again:?}");

    let home = gateway.kill().await;
    std::fs::remove_file(home.path("limit")).expect("it is there");
    let gateway = home.start().await;
    let admin = Admin::of(&gateway);
    eventually("nothing pending", async || {
        (admin.metric("postern_inbox_lag", &[("webhook", "whatsapp")]).await == 0.0).then_some(())
    })
    .await;
    let (home, _) = gateway.stop().await;
    let listed = home.run(&["events", "ls", "--json", "-c", "postern.toml"]).await;
    let kept: BTreeSet<String> = listed
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line an event"))
        .map(|event| event["body_sha256"].as_str().expect("the body's hash").to_owned())
        .collect();
    assert!(acknowledged.is_subset(&kept), "{} acknowledged, {} kept", acknowledged.len(), kept.len());
    assert!(!acknowledged.is_empty() && kept.len() <= acknowledged.len() + 2, "{} kept", kept.len());
}
