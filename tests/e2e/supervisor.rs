//! Under systemd: it is told when the gateway is ready, reads its configuration again, stops, and that it is alive, which
//! is more than that its clock ticks.

use crate::home;
use postern_tests::{Admin, Config, Fault, FaultyDisk, Sender, Socket, Supervisor, numbered_body, patiently, spawn};
use std::time::{Duration, Instant};

const WATCHDOG: Duration = Duration::from_millis(600);

fn value<'a>(told: &'a [String], key: &str) -> &'a str {
    let value = told.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key} in {told:?}"))
}

#[tokio::test]
async fn systemd_is_told_ready_reloading_alive_and_stopping() {
    let home = home(&Config::basic().limits("drain_timeout = \"5m\""));
    let systemd = Supervisor::over(&home, WATCHDOG);
    let mut gateway = home.start().await;
    let ready = systemd.told("READY=1").await;
    let status = value(&ready, "STATUS");
    assert!(status.contains(&gateway.edge().to_string()), "{status}");
    for _ in 0..3 {
        systemd.told("WATCHDOG=1").await;
    }
    gateway.signal("HUP");
    let reloading = systemd.told("RELOADING=1").await;
    value(&reloading, "MONOTONIC_USEC").parse::<u64>().expect("microseconds");
    systemd.told("READY=1").await;
    gateway.terminate();
    let stopping = systemd.told("STOPPING=1").await;
    assert!(value(&stopping, "STATUS").starts_with("draining"), "{stopping:?}");
    // systemd would kill it after 90 seconds, in the middle of what it was told it may take.
    let extended: u64 = value(&stopping, "EXTEND_TIMEOUT_USEC").parse().expect("microseconds");
    assert!(extended >= 300_000_000, "{extended}");
    assert_eq!(gateway.ended().await.code, Some(0));
}

#[tokio::test]
async fn a_gateway_that_drains_gives_signs_of_life() {
    let home = home(&Config::basic());
    let systemd = Supervisor::over(&home, WATCHDOG);
    let mut gateway = home.start().await;
    // A client that never answers its goodbye is waited for, for two seconds.
    let mut deaf = Socket::connect(&gateway, "/ws").await;
    gateway.terminate();
    systemd.told("STOPPING=1").await;
    for _ in 0..3 {
        systemd.told("WATCHDOG=1").await;
    }
    assert_eq!(gateway.ended().await.code, Some(0));
    assert_eq!(deaf.close_code().await, Some(1001));
}

#[tokio::test]
async fn a_stuck_shard_gives_no_sign_of_life_until_it_goes_on() {
    let home = home(&Config::basic());
    let systemd = Supervisor::over(&home, WATCHDOG);
    let disk = FaultyDisk::under(&home);
    let gateway = home.start().await;
    systemd.told("WATCHDOG=1").await;
    disk.fail(Fault::Stuck, "shard-0");
    systemd.silence(2 * WATCHDOG).await;
    // All else works; it is the watchdog that knows.
    assert_eq!(Admin::of(&gateway).get("/ready").await.status, 200);
    gateway.says(r#""part":"shard-0""#).await;
    disk.heal();
    systemd.told("WATCHDOG=1").await;
}

#[tokio::test]
async fn an_inbox_whose_disk_hangs_gives_no_sign_of_life_until_it_goes_on() {
    let home = home(&Config::basic().section("tls", "plain = true"));
    let systemd = Supervisor::over(&home, WATCHDOG);
    let disk = FaultyDisk::under(&home);
    let gateway = home.start().await;
    systemd.told("WATCHDOG=1").await;
    disk.fail(Fault::Hung, "journal/inbox");
    let edge = gateway.edge();
    let webhook = spawn(async move { Sender::plain(edge).await.deliver("/whatsapp", numbered_body(0, 0, 100)).await });
    systemd.silence(2 * WATCHDOG).await;
    gateway.says(r#""part":"inbox""#).await;
    assert!(!webhook.is_finished(), "no 200 before it is on disk");
    disk.heal();
    systemd.told("WATCHDOG=1").await;
    patiently("the webhook's 200", webhook).await.expect("it is 200");
}

#[tokio::test]
async fn a_systemd_that_does_not_listen_holds_nothing_up() {
    let home = home(&Config::basic().section("tls", "plain = true"));
    let systemd = Supervisor::over(&home, Duration::from_millis(30));
    let gateway = home.start().await;
    systemd.told("WATCHDOG=1").await;
    // From here on nobody reads, and whoever writes to it stands still.
    systemd.fill();
    let mut sender = Sender::plain(gateway.edge()).await;
    for number in 0..20 {
        sender.deliver("/whatsapp", numbered_body(0, number, 100)).await;
    }
    let begun = Instant::now();
    let (_, ended) = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
