//! A thousand clients, a thousand webhooks, a million frames.

use crate::start;
use postern_tests::{Config, Crowd, Protocol, Sender, alone, numbered_body, report, together};
use std::sync::Arc;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_get_a_thousand_webhooks_each_in_one_order() {
    const CLIENTS: usize = 1_000;
    const SENDERS: usize = 8;
    const EACH: u64 = 125;
    let _machine = alone().await;
    let config = Config::basic().limits("connections_per_address = 2000");
    let gateway = Arc::new(start(&config).await);
    let idle = gateway.memory();
    let crowd = Crowd::connect(&gateway, "/ws", CLIENTS, SENDERS as u64 * EACH).await;
    let connected = gateway.memory();
    let begin = Instant::now();
    let senders = (0..SENDERS).map(|number| {
        let gateway = Arc::clone(&gateway);
        async move {
            let protocol = if number % 2 == 0 { Protocol::Http1 } else { Protocol::Http2 };
            let mut sender = Sender::connect(&gateway, protocol).await;
            for sequence in 0..EACH {
                sender.deliver("/whatsapp", numbered_body(number, sequence, 1_000)).await;
            }
        }
    });
    together(senders).await;
    let acknowledged = begin.elapsed();
    let witnesses = crowd.witnesses().await;
    let all = begin.elapsed();
    for (number, witness) in witnesses.iter().enumerate() {
        assert_eq!(witness.wrong, None, "client {number}");
        assert_eq!(witness.next, vec![EACH; SENDERS], "client {number} has every frame");
        assert_eq!(witness.digest, witnesses[0].digest, "client {number} saw the order that client 0 saw");
    }
    let frames: u64 = witnesses.iter().map(|witness| witness.frames).sum();
    assert_eq!(frames, CLIENTS as u64 * SENDERS as u64 * EACH);
    report(format_args!(
        "{frames} frames over TLS in {all:.1?}, the last 200 after {acknowledged:.1?}; the gateway's memory in MiB, now \
         and at most: idle {idle:?}, connected {connected:?}, after {:?}",
        gateway.memory()
    ));
}
