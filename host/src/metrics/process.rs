//! What the system knows of this process, under the names that all Prometheus clients give it. Read when it is asked for;
//! where there is no `/proc` there is none of it.

use std::fs::{read_dir, read_to_string};

/// In what the kernel counts a process's time: a hundredth of a second, on every machine that Linux tells programs of
/// (`USER_HZ`).
const TICK: f64 = 0.01;

/// Places in `/proc/self/stat`, counted from the one behind the program's name (proc(5) counts that one as 3).
const USER: usize = 14 - 3;
const SYSTEM: usize = 15 - 3;
const THREADS: usize = 20 - 3;
const STARTED: usize = 22 - 3;

/// Adds it to a text of OpenMetrics.
pub fn encode(text: &mut String) {
    let mut tell = |name: &str, sample: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            text.push_str(&format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name}{sample} {value}\n"));
        }
    };
    let stat = read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name may have spaces, and brackets of its own.
    let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    let field = |place: usize| fields.get(place)?.trim().parse::<f64>().ok();
    let cpu = field(USER).zip(field(SYSTEM)).map(|(user, system)| (user + system) * TICK);
    tell("process_cpu_seconds", "_total", "counter", "Time that processors spent on it, of its own and for it", cpu);
    tell("process_threads", "", "gauge", "Threads it has", field(THREADS));
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
    };
    tell("process_resident_memory_bytes", "", "gauge", "Memory it has", bytes("VmRSS:"));
    tell("process_virtual_memory_bytes", "", "gauge", "Addresses it has asked for", bytes("VmSize:"));
    let open = read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1) as f64);
    tell("process_open_fds", "", "gauge", "Files and sockets it has open", open);
    let limits = read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = most.and_then(|line| line.split_whitespace().next()?.parse().ok());
    tell("process_max_fds", "", "gauge", "How many it may have open", most);
    let boot = read_to_string("/proc/stat").unwrap_or_default();
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
    let started = boot.zip(field(STARTED)).map(|(boot, ticks)| boot + ticks * TICK);
    tell("process_start_time_seconds", "", "gauge", "When it was started, in seconds since 1970", started);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_knows_its_memory_its_files_and_when_it_began() {
        let mut text = String::new();
        encode(&mut text);
        let value = |sample: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{sample} in {text}")).parse::<f64>().expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!((1.0..=value("process_max_fds")).contains(&value("process_open_fds")));
        assert!(value("process_threads") >= 1.0 && value("process_cpu_seconds_total") >= 0.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64();
        assert!((now - 3600.0..now + 2.0).contains(&value("process_start_time_seconds")), "{text}");
    }
}
