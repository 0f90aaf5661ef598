//! A port that stays: for who comes back by address, as browsers do and whoever takes over from another process.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// A port that is free now and that the system gives to nobody by itself, so that it is free again after a restart.
pub fn lasting_port() -> u16 {
    // Below the ports the system chooses from (32768 and up on Linux, 49152 elsewhere), beginning at a place of this
    // process's own, so that two runs of the tests do not meet.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 12_000 + (std::process::id() % 180) as u16 * 100;
    loop {
        let port = begin + NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
