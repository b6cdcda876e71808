//! Whether WebRTC peers can reach the addresses that they are told, in words.
//!
//! Media goes over one port number: by UDP, and by TCP where a client's network lets no UDP through.
//! When it cannot be reached everything else still works: the page loads, the offer is answered, and
//! no picture comes. So the server says at its start what looks wrong. Of a source of plain RTP, which
//! is registered by its address, its status says so.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use serde::Deserialize;

/// Where peers are told to send media to: an address, or a name that is looked up at the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name.
    Name(String),
}

/// Neither an address nor a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor the name of a machine; a port is not part of it")]
pub struct BadHost(String);

impl FromStr for Host {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        // What ends in a number is meant as an address, and is none.
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let number = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
        if text.is_empty() || number || !text.chars().all(is_name) {
            return Err(BadHost(text.to_owned()));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl TryFrom<String> for Host {
    type Error = BadHost;

    fn try_from(text: String) -> Result<Self, BadHost> {
        text.parse()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Looks the names among the hosts up.
///
/// # Errors
/// When a name is not known: to announce nothing would be worse than not to start.
pub async fn resolve(hosts: &[Host]) -> io::Result<Vec<IpAddr>> {
    let mut found = Vec::new();
    for host in hosts {
        match host {
            Host::Address(address) => found.push(*address),
            Host::Name(name) => {
                let known = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|cause| {
                    io::Error::new(cause.kind(), format!("{name:?} cannot be looked up: {cause}"))
                })?;
                let addresses: Vec<IpAddr> = known.map(|address| address.ip()).collect();
                tracing::info!(%name, ?addresses, "the name of a WebRTC host was looked up");
                found.extend(addresses);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|address| seen.insert(*address));
    Ok(found)
}

/// A network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// As the system calls it, such as `eth0`.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

/// The interfaces of this machine; none, if the system does not tell.
#[must_use]
pub fn interfaces() -> Vec<Interface> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    all.into_iter()
        .map(|interface| Interface { address: interface.ip(), name: interface.name })
        .collect()
}

/// What is known at the start.
#[derive(Debug, Clone)]
pub struct Reach<'a> {
    /// Where WebRTC was told to listen; the port may be 0.
    pub asked: SocketAddr,
    /// Where it listens.
    pub bound: SocketAddr,
    /// The addresses that were configured, with names looked up.
    pub hosts: &'a [IpAddr],
    /// The interfaces of this machine.
    pub interfaces: &'a [Interface],
}

/// What looks wrong, each in a sentence that says what to do; nothing, if nothing does.
#[must_use]
pub fn findings(reach: &Reach<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let port = reach.bound.port();
    if reach.bound.ip().is_loopback() {
        if !reach.hosts.iter().all(IpAddr::is_loopback) {
            found.push(format!(
                "WebRTC listens on {} alone and tells peers other addresses: nobody reaches them. \
                 Set --webrtc-listen 0.0.0.0:{port}",
                reach.bound
            ));
        }
        // On this machine only is what a demo wants.
        return found;
    }
    if reach.asked.port() == 0 {
        found.push(format!(
            "WebRTC listens on port {port}, which is another one after each start: no firewall can be \
             opened for it. Set a port in --webrtc-listen"
        ));
    }
    configured(reach, &mut found);
    if reach.hosts.is_empty() {
        found_out(reach, &mut found);
    }
    found
}

/// What looks wrong with hosts that were configured.
fn configured(reach: &Reach<'_>, found: &mut Vec<String>) {
    let port = reach.bound.port();
    let local = |host: &IpAddr| reach.interfaces.iter().any(|one| one.address == *host);
    for host in reach.hosts {
        if host.is_unspecified() {
            found.push(format!("{host} is no address that peers can send to: name another one"));
        } else if host.is_loopback() {
            found.push(format!(
                "peers are told {host}, which is their own machine and not this one: only browsers \
                 on this machine will get a picture. Set --webrtc-host to an address of this one"
            ));
        } else if host.is_ipv6() && reach.bound.is_ipv4() {
            found.push(format!(
                "peers are told {host}, and WebRTC listens on IPv4 alone ({}): set --webrtc-listen \
                 [::]:{port}",
                reach.bound
            ));
        } else if !reach.bound.ip().is_unspecified() && local(host) && *host != reach.bound.ip() {
            found.push(format!(
                "peers are told {host}, and WebRTC listens on {} alone: set --webrtc-listen \
                 0.0.0.0:{port}",
                reach.bound.ip()
            ));
        } else if !local(host) {
            found.push(format!(
                "{host} is not an address of this machine. If a router or Docker stands between, it \
                 has to forward UDP port {port} to this server on the same number, and TCP port {port} \
                 for those whose network lets no UDP through"
            ));
        }
    }
    only_ipv6(reach.hosts.iter().filter(|host| !host.is_unspecified()), found);
}

/// What looks wrong with the addresses that the server finds itself.
fn found_out(reach: &Reach<'_>, found: &mut Vec<String>) {
    if !reach.bound.ip().is_unspecified() {
        return only_ipv6(std::iter::once(&reach.bound.ip()), found);
    }
    let both = reach.bound.is_ipv6();
    let outward: Vec<&Interface> = reach
        .interfaces
        .iter()
        .filter(|one| !one.address.is_loopback() && !is_link_local(one.address))
        .filter(|one| both || one.address.is_ipv4())
        .collect();
    if outward.is_empty() {
        found.push(
            "this machine has no address but its loopback: nobody on another machine will get a \
             picture. Set --webrtc-host"
                .to_owned(),
        );
    } else if outward.iter().all(|one| is_bridge(one)) {
        let list: Vec<String> = outward.iter().map(|one| one.address.to_string()).collect();
        found.push(format!(
            "peers are told {}, which only containers of this machine reach. Set --webrtc-host to \
             the address of the machine, and publish UDP port {port} and TCP port {port} on the \
             same number",
            list.join(", "),
            port = reach.bound.port()
        ));
    } else {
        only_ipv6(outward.iter().map(|one| &one.address), found);
    }
}

fn only_ipv6<'a>(addresses: impl Iterator<Item = &'a IpAddr>, found: &mut Vec<String>) {
    let mut addresses = addresses.peekable();
    if addresses.peek().is_some() && addresses.all(IpAddr::is_ipv6) {
        found.push(
            "peers are told IPv6 addresses alone: those in networks without IPv6 get no picture. \
             Add an IPv4 address to --webrtc-host"
                .to_owned(),
        );
    }
}

/// Why nothing comes from a source's address to the RTP port, which listens at `bound`: it has
/// another family. None where something may come.
#[must_use]
pub fn unheard(source: IpAddr, bound: SocketAddr) -> Option<String> {
    let (port, at) = (bound.port(), bound.ip().to_canonical());
    let (its, own) = match (source.to_canonical(), at) {
        (IpAddr::V6(_), IpAddr::V4(_)) => ("IPv6", "IPv4"),
        // Where it listens at all addresses, those of IPv4 are among them.
        (IpAddr::V4(_), IpAddr::V6(own)) if !own.is_unspecified() => ("IPv4", "IPv6"),
        _ => return None,
    };
    Some(format!(
        "the source sends from {source}, which is {its}, and RTP is received over {own} alone ({bound}): \
         nothing of it comes. Set --rtp-listen [::]:{port}, which takes both, or register an {own} \
         address of the source"
    ))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// Whether this looks like Docker: its bridges on the host, or 172.17.0.0/16 inside a container,
/// where the interface has an ordinary name.
fn is_bridge(interface: &Interface) -> bool {
    let bridge = ["docker", "br-", "veth", "podman", "cni", "virbr"]
        .iter()
        .any(|prefix| interface.name.starts_with(prefix));
    bridge || matches!(interface.address, IpAddr::V4(v4) if v4.octets()[..2] == [172, 17])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found for a server that was told to listen at `asked` and to announce `hosts`, on a
    /// machine with these interfaces.
    fn found(asked: &str, hosts: &[&str], interfaces: &[(&str, &str)]) -> Vec<String> {
        let asked: SocketAddr = asked.parse().unwrap();
        let mut bound = asked;
        if bound.port() == 0 {
            bound.set_port(40_000);
        }
        let hosts: Vec<IpAddr> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let interfaces: Vec<Interface> = interfaces
            .iter()
            .map(|(name, ip)| Interface { name: (*name).into(), address: ip.parse().unwrap() })
            .collect();
        findings(&Reach { asked, bound, hosts: &hosts, interfaces: &interfaces })
    }

    fn one(asked: &str, hosts: &[&str], interfaces: &[(&str, &str)], says: &str) {
        let found = found(asked, hosts, interfaces);
        assert!(found.len() == 1 && found[0].contains(says), "{found:?} should say {says:?}");
    }

    const LAN: [(&str, &str); 2] = [("lo", "127.0.0.1"), ("eth0", "192.168.1.20")];

    #[test]
    fn nothing_is_said_where_nothing_is_wrong() {
        let nothing: [String; 0] = [];
        assert_eq!(found("0.0.0.0:8189", &[], &LAN), nothing);
        assert_eq!(found("0.0.0.0:8189", &["192.168.1.20"], &LAN), nothing);
        assert_eq!(found("192.168.1.20:8189", &[], &LAN), nothing);
        assert_eq!(found("127.0.0.1:0", &[], &LAN), nothing, "the demo, and tests");
        let both = [LAN[0], LAN[1], ("docker0", "172.17.0.1")];
        assert_eq!(found("0.0.0.0:8189", &[], &both), nothing, "one that reaches out is enough");
    }

    #[test]
    fn a_loopback_host_reaches_nobody() {
        one("0.0.0.0:8189", &["127.0.0.1"], &LAN, "their own machine");
        one("127.0.0.1:8189", &["192.168.1.20"], &LAN, "--webrtc-listen 0.0.0.0:8189");
        one("0.0.0.0:8189", &[], &LAN[..1], "no address but its loopback");
    }

    #[test]
    fn a_host_behind_nat_has_its_port_forwarded() {
        one("0.0.0.0:8189", &["203.0.113.7"], &LAN, "forward UDP port 8189");
        let two = found("0.0.0.0:8189", &["192.168.1.20", "203.0.113.7"], &LAN);
        assert_eq!(two.len(), 1, "the local one is in order: {two:?}");
    }

    #[test]
    fn containers_need_the_address_of_their_machine() {
        let inside = [("lo", "127.0.0.1"), ("eth0", "172.17.0.2")];
        one("0.0.0.0:8189", &[], &inside, "only containers of this machine");
        let bridges = [("docker0", "10.9.0.1"), ("br-1a2b", "172.18.0.1")];
        one("0.0.0.0:8189", &[], &bridges, "publish UDP port 8189");
    }

    #[test]
    fn a_port_that_changes_and_addresses_that_do_not_fit() {
        one("0.0.0.0:0", &[], &LAN, "another one after each start");
        one("0.0.0.0:8189", &["0.0.0.0"], &LAN, "no address that peers can send to");
        let two = found("0.0.0.0:8189", &["2001:db8::1"], &LAN);
        assert!(two.iter().any(|one| one.contains("IPv4 alone")), "{two:?}");
        one("192.168.1.20:8189", &["10.0.0.1"], &[LAN[1], ("eth1", "10.0.0.1")], "alone: set");
        let v6 = [("eth0", "2001:db8::2"), ("eth0", "fe80::1")];
        one("[::]:8189", &[], &v6, "IPv6 addresses alone");
        one("[::]:8189", &["2001:db8::2"], &v6, "IPv6 addresses alone");
    }

    #[test]
    fn a_source_of_another_family_than_the_port_is_not_heard() {
        let unheard = |source: &str, bound: &str| {
            unheard(source.parse().unwrap(), bound.parse().unwrap()).unwrap_or_default()
        };
        let told = unheard("2001:db8::7", "0.0.0.0:5004");
        assert!(told.contains("over IPv4 alone") && told.contains("[::]:5004"), "{told}");
        assert!(unheard("192.0.2.7", "[2001:db8::1]:5004").contains("over IPv6 alone"));
        for (source, bound) in [
            ("192.0.2.7", "0.0.0.0:5004"),
            ("::ffff:192.0.2.7", "192.0.2.1:5004"),
            ("192.0.2.7", "[::ffff:192.0.2.1]:5004"),
            ("192.0.2.7", "[::]:5004"),
            ("2001:db8::7", "[::]:5004"),
            ("2001:db8::7", "[2001:db8::1]:5004"),
        ] {
            assert_eq!(unheard(source, bound), "", "{source} to {bound}");
        }
    }

    #[test]
    fn hosts_are_addresses_or_names() {
        let host = |text: &str| text.parse::<Host>();
        assert_eq!(host("192.0.2.1"), Ok(Host::Address("192.0.2.1".parse().unwrap())));
        assert_eq!(host("[2001:db8::1]"), Ok(Host::Address("2001:db8::1".parse().unwrap())));
        assert_eq!(host("review.example.com"), Ok(Host::Name("review.example.com".into())));
        for bad in ["", "192.0.2", "192.0.2.1:8189", "http://a", "a b", "1.2.3.4.5"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_and_addresses_taken_once() {
        let hosts = ["localhost", "127.0.0.1", "192.0.2.1"].map(|host| host.parse().unwrap());
        let found = resolve(&hosts).await.unwrap();
        assert!(found.contains(&"127.0.0.1".parse().unwrap()));
        assert!(found.contains(&"192.0.2.1".parse().unwrap()));
        assert_eq!(found.iter().filter(|ip| ip.to_string() == "127.0.0.1").count(), 1);
    }
}
