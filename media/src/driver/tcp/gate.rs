//! Who may hold a TCP connection: a pure state machine.
//!
//! A connection costs the server something before its client has shown who it is, so that
//! those that have not are few, and the oldest of them makes room: a real client shows it
//! within a round trip.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZero;
use std::time::Duration;

use crate::ids::ConnectionId;
use crate::network::network;

/// Of the connections that have shown nothing yet, one address may hold this part.
const UNPROVEN_PART: usize = 4;

/// How many TCP connections clients may hold (ICE over TCP, RFC 6544).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpLimits {
    /// At a time; further ones are closed as they come.
    pub connections: usize,
    /// Of one address at a time (IPv6: of one /64).
    pub per_address: usize,
    /// Without a valid STUN check yet. Beyond, the oldest of them is closed; one address may
    /// hold a quarter.
    pub unproven: usize,
    /// How long a connection may take to its first valid STUN check.
    pub prove_within: Duration,
}

impl Default for TcpLimits {
    /// For 2,000 sessions: clients connect to every address that they are told.
    fn default() -> Self {
        Self {
            connections: 4_000,
            per_address: 1_000,
            unproven: 256,
            prove_within: Duration::from_secs(10),
        }
    }
}

/// Why a connection was closed as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are as many as there may be.
    Total,
    /// Its address has as many as it may have.
    Address,
    /// Its address has as many as it may have that have shown nothing yet.
    Unproven,
}

/// A connection that may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) id: ConnectionId,
    /// One that has to go for it.
    pub(super) evicted: Option<ConnectionId>,
}

#[derive(Debug)]
struct Held {
    network: IpAddr,
    proven: bool,
}

#[derive(Debug, Default)]
struct Count {
    all: usize,
    unproven: usize,
}

/// The connections there are.
#[derive(Debug)]
pub(super) struct Gate {
    limits: TcpLimits,
    last: NonZero<u32>,
    held: HashMap<ConnectionId, Held>,
    networks: HashMap<IpAddr, Count>,
    /// Those that have shown nothing yet, the oldest first.
    unproven: VecDeque<ConnectionId>,
}

impl Gate {
    pub(super) fn new(limits: TcpLimits) -> Self {
        Self {
            limits,
            last: NonZero::<u32>::MAX,
            held: HashMap::new(),
            networks: HashMap::new(),
            unproven: VecDeque::new(),
        }
    }

    /// A client connects.
    pub(super) fn admit(&mut self, address: IpAddr) -> Result<Admitted, Refused> {
        let network = network(address);
        if self.held.len() >= self.limits.connections {
            return Err(Refused::Total);
        }
        let count = self.networks.entry(network).or_default();
        if count.all >= self.limits.per_address {
            return Err(Refused::Address);
        }
        if count.unproven >= (self.limits.unproven / UNPROVEN_PART).max(1) {
            return Err(Refused::Unproven);
        }
        count.all += 1;
        count.unproven += 1;
        let id = self.next_id();
        self.held.insert(id, Held { network, proven: false });
        let full = self.unproven.len() >= self.limits.unproven.max(1);
        let evicted = if full { self.unproven.pop_front() } else { None };
        if let Some(evicted) = evicted {
            self.forget(evicted);
        }
        self.unproven.push_back(id);
        Ok(Admitted { id, evicted })
    }

    /// Numbers come again after 2^32 connections, and never while one is in use.
    fn next_id(&mut self) -> ConnectionId {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(NonZero::<u32>::MIN);
            let id = ConnectionId(self.last);
            if !self.held.contains_key(&id) {
                return id;
            }
        }
    }

    /// The connection's client has shown whose session it is.
    pub(super) fn proven(&mut self, id: ConnectionId) {
        let Some(held) = self.held.get_mut(&id).filter(|held| !held.proven) else { return };
        held.proven = true;
        if let Some(count) = self.networks.get_mut(&held.network) {
            count.unproven = count.unproven.saturating_sub(1);
        }
        self.unproven.retain(|waiting| *waiting != id);
    }

    /// The connection is closed.
    pub(super) fn left(&mut self, id: ConnectionId) {
        self.forget(id);
        self.unproven.retain(|waiting| *waiting != id);
    }

    fn forget(&mut self, id: ConnectionId) {
        let Some(held) = self.held.remove(&id) else { return };
        let Some(count) = self.networks.get_mut(&held.network) else { return };
        count.all = count.all.saturating_sub(1);
        if !held.proven {
            count.unproven = count.unproven.saturating_sub(1);
        }
        if count.all == 0 {
            self.networks.remove(&held.network);
        }
    }

    /// How many there are, and how many of them have shown nothing yet.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.held.len(), self.unproven.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, per_address: usize, unproven: usize) -> Gate {
        let prove_within = Duration::from_secs(10);
        Gate::new(TcpLimits { connections, per_address, unproven, prove_within })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn there_is_an_end_in_total_and_for_each_address() {
        let mut gate = gate(3, 2, 100);
        let first = gate.admit(address(1)).unwrap().id;
        gate.admit(address(1)).unwrap();
        assert_eq!(gate.admit(address(1)), Err(Refused::Address));
        gate.admit(address(2)).unwrap();
        assert_eq!(gate.admit(address(3)), Err(Refused::Total));
        gate.left(first);
        gate.left(first);
        assert_eq!(gate.count(), (2, 2));
        gate.admit(address(1)).unwrap();
    }

    #[test]
    fn the_oldest_that_showed_nothing_makes_room() {
        let mut gate = gate(100, 100, 8);
        let ids: Vec<ConnectionId> =
            (0..8).map(|n| gate.admit(address(n / 2)).unwrap().id).collect();
        gate.proven(ids[0]);
        gate.proven(ids[0]);
        assert_eq!(gate.admit(address(9)).unwrap().evicted, None);
        let ninth = gate.admit(address(9)).unwrap();
        assert_eq!(ninth.evicted, Some(ids[1]), "the first has shown who it is");
        assert_eq!(gate.count(), (9, 8));
        gate.left(ids[1]);
        assert_eq!(gate.count(), (9, 8), "it was gone already");
    }

    #[test]
    fn of_any_number_that_show_nothing_so_many_are_kept() {
        let mut gate = gate(1_000, 10, 64);
        let mut evicted = 0;
        for n in 0..20_000u32 {
            let address = IpAddr::from((n / 2 + (10 << 24)).to_be_bytes());
            let admitted = gate.admit(address).unwrap();
            if let Some(id) = admitted.evicted {
                gate.left(id);
                evicted += 1;
            }
            assert_eq!(gate.count(), (gate.held.len(), gate.unproven.len()));
            assert!(gate.held.len() <= 64 && gate.unproven.len() <= 64);
            assert!(gate.networks.len() <= 64, "{}", gate.networks.len());
        }
        assert_eq!(evicted, 20_000 - 64, "the oldest made room");
    }

    #[test]
    fn one_address_holds_a_quarter_of_those_that_showed_nothing() {
        let mut gate = gate(100, 100, 8);
        let id = gate.admit(address(1)).unwrap().id;
        gate.admit(address(1)).unwrap();
        assert_eq!(gate.admit(address(1)), Err(Refused::Unproven));
        assert!(gate.admit(address(2)).is_ok());
        gate.proven(id);
        assert!(gate.admit(address(1)).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_nothing_is_kept_of_who_left() {
        let mut gate = gate(100, 1, 100);
        let id = gate.admit("2001:db8::1".parse().unwrap()).unwrap().id;
        assert_eq!(gate.admit("2001:db8::2".parse().unwrap()), Err(Refused::Address));
        assert!(gate.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
        let mapped = gate.admit("::ffff:192.0.2.1".parse().unwrap()).unwrap().id;
        assert_eq!(gate.admit(address(1)), Err(Refused::Address));
        for id in [id, mapped] {
            gate.left(id);
        }
        assert_eq!(gate.networks.len(), 1);
    }
}
