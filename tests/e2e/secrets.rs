//! Secrets: where they may come from, and that they are told to nobody.

use crate::home;
use postern_tests::{Config, Protocol, Sender};

const WEBHOOK: &str = "path = \"/whatsapp\"\nprovider = \"meta\"\nsplit = false\n";

#[tokio::test]
async fn a_secret_is_a_value_a_file_a_variable_or_a_commands_output() {
    let secrets = "verify_token = { env = \"TEST_TOKEN\" }\napp_secret = [\"by-value\", { file = \"secret\" }, \
                   { env = \"TEST_SECRET\" }, { command = \"echo by-command\" }]";
    let home = home(&Config::basic().section("webhooks.whatsapp", &format!("{WEBHOOK}{secrets}")));
    home.write("secret", "by-file\n");
    home.set("TEST_SECRET", "by-env");
    home.set("TEST_TOKEN", "token");
    let gateway = home.start().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for secret in ["by-value", "by-file", "by-env", "by-command"] {
        sender.secret = secret.to_owned();
        sender.deliver("/whatsapp", secret).await;
    }
    assert_eq!(sender.get("/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=token").await.status, 200);
    let (_, ended) = gateway.stop().await;
    for secret in ["by-value", "by-file", "by-env", "by-command"] {
        assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "{secret} was printed");
    }
}

#[tokio::test]
async fn the_environment_goes_over_the_file() {
    let home = home(&Config::basic());
    home.set("POSTERN_WEBHOOKS__WHATSAPP__APP_SECRET", "from-the-environment");
    home.set("POSTERN_LIMITS__BODY", "16B");
    let gateway = home.start().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    assert_eq!(sender.post("/whatsapp", "{}").await.status, 401, "the file's secret is not in force");
    sender.secret = "from-the-environment".to_owned();
    sender.deliver("/whatsapp", "{}").await;
    assert_eq!(sender.post("/whatsapp", vec![b' '; 17]).await.status, 413);
}
