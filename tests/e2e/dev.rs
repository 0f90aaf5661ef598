//! The first ten minutes: `postern run --dev`, and then what it says to type.

use crate::home;
use postern_tests::{Admin, Config, eventually, lasting_port};
use serde_json::Value;

#[tokio::test]
async fn run_dev_starts_without_a_file_and_what_it_says_to_type_works() {
    let home = home(&Config::basic());
    for file in ["postern.toml", "cert.pem", "key.pem"] {
        std::fs::remove_file(home.path(file)).expect("its own");
    }
    // A user leaves the ports as they are; tests run many at once.
    home.set("POSTERN_LISTEN", "127.0.0.1:0");
    home.set("POSTERN_ADMIN__LISTEN", &format!("127.0.0.1:{}", lasting_port()));
    let gateway = home.try_start(&["run", "--dev"]).await.expect("it starts");
    // Its last line comes last.
    let tour = eventually("the tour", async || Some(gateway.stdout()).filter(|tour| tour.contains("/metrics\n"))).await;
    // The commands, as a shell would take them apart: they quote with ' and nothing else.
    let command = |word: &str| -> Vec<String> {
        let lines =
            tour.lines().map(|line| line.split_whitespace().map(|part| part.trim_matches('\'').to_owned()).collect());
        let mut lines =
            lines.filter(|words: &Vec<String>| words.len() > 2 && words[0].contains("postern") && words[1] == word);
        lines.next().unwrap_or_else(|| panic!("no `{word}` in:\n{tour}")).split_off(1)
    };
    assert!(tour.contains("curl --cacert"), "it shows the handshake:\n{tour}");
    let listen = command("listen");
    let send = command("send");
    let mut listener = home.launch(&listen.iter().map(String::as_str).collect::<Vec<_>>());
    let send: Vec<_> = send.iter().map(String::as_str).collect();
    // A stream begins with what comes after one has connected, and a user waits until the listener says it is there.
    Admin::of(&gateway).metric_becomes("postern_clients", &[], 1.0).await;
    let sent = home.run(&send).await;
    assert_eq!(sent.code, Some(0), "`postern send`: {}", sent.stderr);
    let event = eventually("an event at `postern listen`", async || {
        assert!(listener.ended().is_none(), "`postern listen` goes on");
        listener.stdout().lines().next().map(str::to_owned)
    });
    let event: Value = serde_json::from_str(&event.await).expect("one JSON line an event");
    assert!(event.is_object(), "{event}");
    // And what is not in the tour finds the gateway too.
    for words in [&["status"][..], &["events", "ls"], &["reload"]] {
        let told = home.run(words).await;
        assert_eq!(told.code, Some(0), "{words:?}: {}", told.stderr);
    }
    let (_, ended) = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
