//! The addresses that clients are told to send to.

use std::io;
use std::net::{IpAddr, SocketAddr};

/// More would only make the answers long.
const MOST: usize = 16;

/// The addresses to announce for a socket bound to `local`. `hosts` are the
/// configured ones; without them it is the bound address, or those of all
/// interfaces if that is unspecified.
pub(super) fn candidates(local: SocketAddr, hosts: &[IpAddr]) -> io::Result<Vec<SocketAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    if !hosts.is_empty() {
        found.extend_from_slice(hosts);
    } else if local.ip().is_unspecified() {
        let both = local.is_ipv6();
        let mut all: Vec<IpAddr> = if_addrs::get_if_addrs()?.iter().map(|i| i.ip()).collect();
        // Those that reach furthest first; the loopback for local browsers last.
        all.sort_by_key(|ip| (ip.is_loopback(), ip.is_ipv6()));
        found.extend(all.into_iter().filter(|ip| match ip {
            IpAddr::V4(_) => true,
            IpAddr::V6(v6) => both && (v6.segments()[0] & 0xffc0) != 0xfe80,
        }));
    } else {
        found.push(local.ip());
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|ip| !ip.is_unspecified() && seen.insert(*ip));
    found.truncate(MOST);
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "there is no address to announce to clients",
        ));
    }
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, local.port())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(local: &str, hosts: &[&str]) -> Vec<String> {
        let hosts: Vec<IpAddr> = hosts.iter().map(|h| h.parse().unwrap()).collect();
        let found = candidates(local.parse().unwrap(), &hosts).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_bound_address_or_what_is_configured() {
        assert_eq!(list("127.0.0.1:8189", &[]), ["127.0.0.1:8189"]);
        assert_eq!(list("0.0.0.0:8189", &["192.0.2.1", "192.0.2.1"]), ["192.0.2.1:8189"]);
    }

    #[test]
    fn an_unspecified_address_stands_for_all_interfaces() {
        assert!(list("0.0.0.0:8189", &[]).contains(&"127.0.0.1:8189".to_owned()));
    }
}
