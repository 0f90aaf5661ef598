//! Systemd as a gateway sees it: a socket that is told how it is, and a watchdog that waits for signs of life.

use crate::{Home, patiently};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

pub struct Supervisor {
    socket: UnixDatagram,
}

impl Supervisor {
    /// Over every gateway that this home starts from now on.
    pub fn over(home: &Arc<Home>, watchdog: Duration) -> Self {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).expect("temporary directories have short names");
        home.set("NOTIFY_SOCKET", &path.display().to_string());
        home.set("WATCHDOG_USEC", &watchdog.as_micros().to_string());
        Self { socket }
    }

    /// The next that it is told which has this line; what came before is passed over.
    pub async fn told(&self, line: &str) -> Vec<String> {
        patiently(format!("systemd being told {line}"), async {
            loop {
                let told = self.next().await;
                if told.iter().any(|told| told == line) {
                    return told;
                }
            }
        })
        .await
    }

    /// Returns once it was told nothing for so long.
    pub async fn silence(&self, time: Duration) {
        patiently(format!("{time:?} of silence"), async { while timeout(time, self.next()).await.is_ok() {} }).await;
    }

    /// Takes all the room that the kernel has for what nobody reads.
    pub fn fill(&self) {
        let full = || -> std::io::Result<std::convert::Infallible> {
            let sender = std::os::unix::net::UnixDatagram::unbound()?;
            sender.connect(self.socket.local_addr()?.as_pathname().expect("it was bound to a path"))?;
            sender.set_nonblocking(true)?;
            loop {
                sender.send(b"STATUS=full")?;
            }
        };
        let error = full().expect_err("it ends with an error");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
    }

    async fn next(&self) -> Vec<String> {
        let mut datagram = [0; 4096];
        let length = self.socket.recv(&mut datagram).await.expect("the socket is bound");
        String::from_utf8_lossy(&datagram[..length]).lines().map(str::to_owned).collect()
    }
}
