//! What this machine, and whoever starts postern on it, cannot give: open files, room on the disk, ports.

use super::List;
use crate::app::start::journal_config;
use crate::config::Identity;
use crate::journal;
use bytesize::ByteSize;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// Open files beside connections: the journal, the listeners, filters being read.
const RESERVE: u64 = 512;

pub fn look(list: &mut List<'_>) {
    files(list);
    room(list);
}

pub fn foresee(list: &mut List<'_>) {
    let config = list.config;
    for address in &config.listen {
        port(list, "listen", *address);
    }
    port(list, "admin.listen", config.admin.listen);
    if journal::is_in_use(&journal_config(config).directory) {
        let what = format!("another process has the data directory `{}`", config.data.display());
        let hint = "it is as it should be when that is the gateway that is to be reloaded or replaced; else stop it, or \
                    choose another `data`";
        list.warn("data", what, hint);
    }
}

/// A connection is an open file, and so many as the system allows are asked for.
fn files(list: &mut List<'_>) {
    let connections = list.config.limits.connections as u64;
    let Ok((_, allowed)) = rlimit::Resource::NOFILE.get() else { return };
    let wanted = connections.saturating_add(RESERVE);
    if allowed < wanted {
        let what = format!(
            "`limits.connections` is {connections}, and this process may open {allowed} files: further connections \
             will be refused"
        );
        let hint = format!(
            "allow {wanted} open files: `LimitNOFILE={wanted}` in a systemd unit, `ulimit -Hn` in a shell; or lower \
             `limits.connections`"
        );
        list.warn("limits.connections", what, &hint);
    }
}

/// Whether what is to be kept, at most, finds room beside what is there.
fn room(list: &mut List<'_>) {
    let config = list.config;
    let Ok(disk) = rustix::fs::statvfs(&config.data) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let journal = journal_config(config).directory;
    let there = size(&journal.join("inbox")).saturating_add(size(&journal.join("outbox")));
    let most = config.inbox.size.saturating_add(config.outbox.size);
    // The demo's first start is no time to speak of disks.
    if config.tls.identity != Identity::Development && there.saturating_add(free) < most {
        let (data, most, free) = (config.data.display(), ByteSize(most), ByteSize(free));
        let what = format!(
            "`inbox.retention` and `outbox.retention` keep up to {most} in `{data}`, and its disk has room for {free}"
        );
        let hint = "give it a larger disk, or keep less: a full one is 503 for webhooks";
        list.warn("data", what, hint);
    }
}

fn size(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Ports below a bound are for privileged processes, where there is such a bound.
fn port(list: &mut List<'_>, key: &str, address: SocketAddr) {
    const BOUND: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let bound = fs::read_to_string(BOUND).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let port = address.port();
    if port != 0 && bound.is_some_and(|bound| port < bound) && !may_bind_any().unwrap_or(true) {
        let what = format!("`{key}`: port {port} is for privileged processes, and this one is not: {address}");
        let hint = "`AmbientCapabilities=CAP_NET_BIND_SERVICE` or a socket in a systemd unit, `setcap \
                    cap_net_bind_service=+ep` on the program, or a port above";
        list.warn(key, what, hint);
    }
}

/// Whether this process has the capability for it. `None`: the system does not say.
fn may_bind_any() -> Option<bool> {
    const NET_BIND_SERVICE: u32 = 10;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
    Some(effective >> NET_BIND_SERVICE & 1 == 1)
}
