//! Which sources are registered: what comes from elsewhere is nothing.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::ids::StreamId;
use crate::rtcp::is_rtcp;

use super::declared::Declaration;

/// Addresses of strangers that are kept to be looked at.
const STRANGERS: usize = 16;

/// Where a source sends from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpOrigin {
    /// The stream that it publishes.
    pub stream: StreamId,
    /// Its address.
    pub ip: IpAddr,
    /// The port that its picture comes from; 0: it has none.
    pub video: u16,
    /// The port that its sound comes from; 0: it has none. Both may be one.
    pub audio: u16,
    /// What is declared of it.
    pub declared: Option<Arc<Declaration>>,
}

/// An address that sent something and is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger {
    /// The address and port.
    pub from: SocketAddr,
    /// Packets that came from it, since it is kept in mind.
    pub packets: u64,
}

/// The registered sources by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Table {
    by_address: HashMap<SocketAddr, Arc<RtpOrigin>>,
    strangers: VecDeque<Stranger>,
    /// Packets of all strangers.
    pub(crate) refused: u64,
}

impl Table {
    /// Registers a source in place of what its stream had before. Who comes last has an address:
    /// the one before it may be about to go.
    pub(crate) fn register(&mut self, origin: RtpOrigin) {
        self.unregister(origin.stream);
        let origin = Arc::new(origin);
        for port in [origin.video, origin.audio] {
            if port != 0 {
                let address = SocketAddr::new(origin.ip.to_canonical(), port);
                self.by_address.insert(address, Arc::clone(&origin));
                self.strangers.retain(|stranger| stranger.from != address);
            }
        }
    }

    /// Declares what a source sends, if it is registered.
    pub(crate) fn declare(&mut self, stream: StreamId, declared: Option<Arc<Declaration>>) {
        let Some(origin) = self.origin(stream) else { return };
        let origin = Arc::new(RtpOrigin { declared, ..RtpOrigin::clone(origin) });
        for its in self.by_address.values_mut().filter(|its| its.stream == stream) {
            *its = Arc::clone(&origin);
        }
    }

    /// Forgets a source.
    pub(crate) fn unregister(&mut self, stream: StreamId) {
        self.by_address.retain(|_, registered| registered.stream != stream);
    }

    /// What is registered of a stream.
    pub(crate) fn origin(&self, stream: StreamId) -> Option<&Arc<RtpOrigin>> {
        self.by_address.values().find(|origin| origin.stream == stream)
    }

    /// Whose a datagram is: its source, and the registered port that it belongs to. Reports come
    /// from the port above as well (RFC 3550, 11), where that is not registered itself.
    pub(crate) fn find(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Option<(Arc<RtpOrigin>, u16)> {
        let (ip, port) = (from.ip(), from.port());
        if let Some(origin) = self.by_address.get(&from) {
            return Some((Arc::clone(origin), port));
        }
        if is_rtcp(datagram)
            && let Some(below) = port.checked_sub(1)
            && let Some(origin) = self.by_address.get(&SocketAddr::new(ip, below))
        {
            return Some((Arc::clone(origin), below));
        }
        self.stranger(from);
        None
    }

    fn stranger(&mut self, from: SocketAddr) {
        self.refused += 1;
        if let Some(known) = self.strangers.iter_mut().find(|stranger| stranger.from == from) {
            known.packets += 1;
            return;
        }
        if self.strangers.len() >= STRANGERS {
            self.strangers.pop_front();
        }
        self.strangers.push_back(Stranger { from, packets: 1 });
    }

    /// The last addresses that sent something and are not registered.
    pub(crate) fn strangers(&self) -> Vec<Stranger> {
        self.strangers.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTP: [u8; 12] = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    const REPORT: [u8; 8] = [0x80, 200, 0, 1, 0, 0, 0, 1];

    fn origin(stream: u128, ip: &str, video: u16, audio: u16) -> RtpOrigin {
        let ip = ip.parse().unwrap();
        RtpOrigin { stream: StreamId(stream), ip, video, audio, declared: None }
    }

    #[test]
    fn a_source_is_its_address_and_its_ports() {
        let mut table = Table::default();
        table.register(origin(1, "192.0.2.1", 5000, 5002));
        table.register(origin(2, "::ffff:192.0.2.2", 5000, 0));
        table.register(origin(3, "2001:db8::1", 5000, 5000));
        let mut find = |from: &str, datagram: &[u8]| {
            let found = table.find(from.parse().unwrap(), datagram);
            found.map(|(origin, port)| (origin.stream.0, port))
        };
        for (from, datagram, found) in [
            ("192.0.2.1:5000", &RTP[..], Some((1, 5000))),
            ("192.0.2.1:5002", &RTP, Some((1, 5002))),
            ("192.0.2.1:5003", &REPORT, Some((1, 5002))),
            ("192.0.2.1:5002", &REPORT, Some((1, 5002))),
            ("192.0.2.1:5001", &RTP, None),
            ("192.0.2.1:5004", &REPORT, None),
            ("192.0.2.2:5000", &RTP, Some((2, 5000))),
            ("192.0.2.2:0", &REPORT, None),
            ("192.0.2.3:5000", &RTP, None),
            ("[2001:db8::1]:5000", &RTP, Some((3, 5000))),
            ("[2001:db8::1]:5001", &REPORT, Some((3, 5000))),
        ] {
            assert_eq!(find(from, datagram), found, "{from}");
        }
        table.unregister(StreamId(1));
        assert_eq!(table.find("192.0.2.1:5000".parse().unwrap(), &RTP), None);
    }

    #[test]
    fn the_port_above_is_a_source_of_its_own_where_it_is_registered() {
        let mut table = Table::default();
        table.register(origin(1, "192.0.2.1", 5000, 5001));
        let from: SocketAddr = "192.0.2.1:5001".parse().unwrap();
        let find = |table: &mut Table, datagram: &[u8]| {
            table.find(from, datagram).map(|(origin, port)| (origin.stream.0, port))
        };
        assert_eq!(find(&mut table, &REPORT), Some((1, 5001)));
        // An address goes to who is registered next, and stays there when the one before goes.
        table.register(origin(2, "192.0.2.1", 5001, 5003));
        table.unregister(StreamId(1));
        assert_eq!(find(&mut table, &RTP), Some((2, 5001)));
    }

    #[test]
    fn strangers_are_counted_and_few_of_them_kept() {
        let mut table = Table::default();
        for round in 0..3 {
            for port in 1..=20 + round {
                table.find(SocketAddr::from(([192, 0, 2, 9], port)), &RTP);
            }
        }
        assert_eq!((table.refused, table.strangers().len()), (63, STRANGERS));
        let last = SocketAddr::from(([192, 0, 2, 9], 22));
        table.find(last, &RTP);
        let found = table.strangers().into_iter().find(|stranger| stranger.from == last).unwrap();
        assert_eq!(found.packets, 2);
        table.register(origin(1, "192.0.2.9", 22, 0));
        assert!(table.strangers().iter().all(|stranger| stranger.from != last));
    }
}
