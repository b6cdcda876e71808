//! What the kernel knows of a process: CPU time, memory, and datagrams that its
//! sockets had no room for (proc(5)).

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::time::Duration;

use crate::error::Error;

/// Clock ticks a second in `/proc`: always 100 for user space on Linux.
const TICKS: f64 = 100.0;

/// A process at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Seconds of CPU, user and kernel.
    pub(crate) cpu: f64,
    /// Resident memory in bytes.
    pub(crate) rss: u64,
    /// Seconds of CPU by thread name, all threads of one name together.
    pub(crate) threads: BTreeMap<String, f64>,
}

impl Usage {
    /// Looks at process `pid`.
    pub(crate) fn of(pid: u32) -> Result<Self, Error> {
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/{pid}/{name}"))
                .map_err(Error::io("the measured process"))
        };
        let cpu = cpu_seconds(&read("stat")?).map_or(0.0, |(_, cpu)| cpu);
        let rss = resident(&read("status")?).unwrap_or(0);
        let mut threads = BTreeMap::new();
        let tasks =
            fs::read_dir(format!("/proc/{pid}/task")).map_err(Error::io("the measured process"))?;
        for task in tasks.flatten() {
            // A thread may end between the two.
            let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
            if let Some((name, cpu)) = cpu_seconds(&stat) {
                *threads.entry(name).or_default() += cpu;
            }
        }
        Ok(Self { cpu, rss, threads })
    }
}

/// Waits until a process has ended and given back what it had, as whoever starts a service again
/// does. Its parent need not have taken notice yet.
pub(crate) async fn ended(pid: u32) {
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    let stat = || fs::read_to_string(format!("/proc/{pid}/stat"));
    // The first thread may be gone before the others, which still hold its sockets.
    while threads() > 1 || stat().is_ok_and(|stat| runs(&stat)) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether a process that has this `stat` line is more than a name (proc(5): zombie or dead).
fn runs(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

/// Name and CPU seconds out of a `stat` line. The name stands in parentheses and
/// may contain some itself.
fn cpu_seconds(stat: &str) -> Option<(String, f64)> {
    let (front, fields) = stat.rsplit_once(") ")?;
    let (_, name) = front.split_once('(')?;
    let mut fields = fields.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let kernel: f64 = fields.next()?.parse().ok()?;
    Some((name.to_owned(), (user + kernel) / TICKS))
}

/// Resident bytes out of a `status` file.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The kernel's table of UDP sockets, IPv4 and IPv6.
pub(crate) fn udp_table() -> String {
    ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

/// Datagrams that the sockets on these ports had no room for: loss that this tool
/// made, not the server.
pub(crate) fn drops(table: &str, ports: &HashSet<u16>) -> u64 {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, port) = fields.get(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let drops: u64 = fields.last()?.parse().ok()?;
        ports.contains(&port).then_some(drops)
    };
    table.lines().filter_map(row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 3 0 7 8 9";
        assert_eq!(cpu_seconds(stat), Some(("a (b) c".to_owned(), 3.0)));
        assert_eq!(cpu_seconds("nonsense"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    12 kB\nThreads:\t1\n"), Some(12 * 1024));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn drops_are_those_of_the_own_ports() {
        let table = "  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer drops\n\
            1: 0100007F:0FA0 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0000 5\n\
            2: 0100007F:0FA1 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0000 7\n";
        assert_eq!(drops(table, &HashSet::from([4000])), 5);
        assert_eq!(drops(table, &HashSet::from([4000, 4001])), 12);
    }

    #[test]
    fn a_process_without_resources_does_not_run() {
        assert!(runs("4242 (rushes (a)) S 1 4242"));
        assert!(!runs("4242 (rushes (a)) Z 1 4242"));
        assert!(!runs("4242"));
    }

    #[test]
    fn this_process_is_found() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss > 0 && !usage.threads.is_empty());
    }
}
