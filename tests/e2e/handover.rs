//! A new process takes the port from the old one, and nobody who connects is refused.

use crate::home;
use postern_tests::{
    Admin, Config, Door, Gateway, Home, Sender, Supervisor, eventually, lasting_port, numbered_body, report, spawn,
};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What systemd does for a socket unit: the socket as descriptor 3, and three variables that say so.
const ACTIVATE: &str = "#!/bin/sh\nif [ \"$1\" = run ]; then exec 3<&0 0</dev/null; \
                        export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=edge; fi\nexec \"$BINARY\" \"$@\"\n";

fn activated(config: &Config) -> Arc<Home> {
    let scripts = tempfile::tempdir().expect("a temporary directory").keep();
    let script = scripts.join("activated");
    std::fs::write(&script, ACTIVATE).expect("it is writable");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let home = Home::new(script.to_str().expect("temporary directories have plain names"), config);
    home.set("BINARY", env!("CARGO_BIN_EXE_postern-under-test"));
    home
}

async fn start_on(home: &Arc<Home>, socket: &TcpListener) -> Gateway {
    let given = Stdio::from(OwnedFd::from(socket.try_clone().expect("a socket can be shared")));
    match home.try_start_given(&["run", "-c", "postern.toml"], given).await {
        Ok(gateway) => gateway,
        Err(ended) => panic!("{ended:?}"),
    }
}

/// Connects all the time and asks for something; what became of it.
#[derive(Default)]
struct Knocks {
    stop: AtomicBool,
    answered: AtomicU64,
    /// Connected, and then let go without an answer: another try finds the next process.
    unanswered: AtomicU64,
    refused: AtomicU64,
}

impl Knocks {
    fn start(address: SocketAddr) -> (Arc<Self>, Vec<tokio::task::JoinHandle<()>>) {
        let knocks = Arc::new(Self::default());
        let tasks = (0..4).map(|_| spawn(Self::knock(Arc::clone(&knocks), address))).collect();
        (knocks, tasks)
    }

    async fn knock(self: Arc<Self>, address: SocketAddr) {
        while !self.stop.load(Ordering::Relaxed) {
            let count = match TcpStream::connect(address).await {
                Err(_) => &self.refused,
                Ok(mut stream) => {
                    let request = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
                    let mut answer = vec![];
                    let asked = async {
                        stream.write_all(request).await?;
                        stream.read_to_end(&mut answer).await
                    };
                    let _ = postern_tests::patiently("an answer or the end", asked).await;
                    if answer.starts_with(b"HTTP/1.1 ") { &self.answered } else { &self.unanswered }
                }
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn more(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually("more answers", async || (self.answered.load(Ordering::Relaxed) > before + 20).then_some(())).await;
    }

    fn told(&self, what: &str) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (answered, unanswered) = (of(&self.answered), of(&self.unanswered));
        report(format_args!(
            "{what}: {answered} connects answered, {unanswered} let go unanswered, {} refused",
            of(&self.refused)
        ));
        assert_eq!(of(&self.refused), 0, "nobody is refused");
        // Those in the very moment of the change.
        assert!(unanswered * 20 <= answered, "{unanswered} of {answered} were let go");
    }
}

fn plain() -> Config {
    Config::basic().section("tls", "plain = true").limits("connections_per_address = 5000")
}

#[tokio::test]
async fn a_socket_given_by_systemd_is_served_and_outlives_the_process() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = socket.local_addr().expect("it is bound");
    // What the file says about addresses does not hold: this one is given.
    let home = activated(&plain());
    let systemd = Supervisor::over(&home, Duration::from_secs(60));
    let gateway = start_on(&home, &socket).await;
    assert_eq!(gateway.edge(), address, "the socket given, and no other");
    systemd.told("READY=1").await;
    Sender::plain(address).await.deliver("/whatsapp", numbered_body(0, 0, 100)).await;
    let (knocks, tasks) = Knocks::start(address);
    let mut gateway = gateway;
    for _ in 0..3 {
        knocks.more().await;
        let (home, ended) = gateway.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        // Nobody serves it now; who connects waits in its queue.
        gateway = start_on(&home, &socket).await;
    }
    knocks.more().await;
    knocks.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no panic");
    }
    knocks.told("a socket of systemd's through three restarts");
}

#[tokio::test]
async fn a_new_process_takes_the_port_while_the_old_one_drains() {
    let port = lasting_port();
    let config = plain().top("listen", &format!("[\"127.0.0.1:{port}\"]")).top("reuse_port", "true");
    let home = home(&config);
    let mut old = home.start().await;
    let (knocks, tasks) = Knocks::start(old.edge());
    let mut sender = Sender::plain(old.edge()).await;
    for round in 0..3 {
        sender.deliver("/whatsapp", numbered_body(0, round, 100)).await;
        knocks.more().await;
        // It listens at once, and is ready when the old one has let go of the data.
        let (next, ended) = tokio::join!(home.start(), async {
            eventually("two that listen", async || (listeners(port) >= 2).then_some(())).await;
            old.terminate();
            old.ended().await
        });
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        old = next;
        sender = Sender::plain(old.edge()).await;
        knocks.more().await;
    }
    knocks.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no panic");
    }
    knocks.told("a shared port through three handovers");
    // All three are in one journal.
    let door = Door::plain(&old);
    let mut feed = postern_tests::Feed::new(&door, "/ws", postern_tests::Form::Raw).since("earliest").opened().await;
    for round in 0..3 {
        feed.expect(&numbered_body(0, round, 100)).await;
    }
    assert_eq!(Admin::of(&old).get("/ready").await.status, 200);
}

/// How many sockets listen on a port of 127.0.0.1 (Linux; elsewhere as many as wanted).
fn listeners(port: u16) -> usize {
    let Ok(table) = std::fs::read_to_string("/proc/net/tcp") else { return 2 };
    let listening = format!("0100007F:{port:04X} 00000000:0000 0A");
    table.lines().filter(|line| line.contains(&listening)).count()
}

#[tokio::test]
async fn without_reuse_port_a_port_in_use_is_refused_still() {
    let port = lasting_port();
    let config = plain().top("listen", &format!("[\"127.0.0.1:{port}\"]"));
    let gateway = home(&config).start().await;
    let ended = home(&config).try_start(&["run", "-c", "postern.toml"]).await.err().expect("it does not start");
    assert_eq!(ended.code, Some(69), "{}", ended.stderr);
    drop(gateway);
}
