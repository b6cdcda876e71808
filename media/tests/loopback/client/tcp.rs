//! The client's end of a TCP connection, framed as RFC 4571 has it.

use std::net::SocketAddr;

use str0m::media::Direction;
use str0m::net::TcpType;
use str0m::{Candidate, RtcConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::{Client, PATIENCE};

/// What the kernel keeps for a client that does not read: little, so that it shows soon.
const RECEIVE_BUFFER: u32 = 16 << 10;

pub(crate) struct Tcp {
    pub(crate) stream: TcpStream,
    server: SocketAddr,
    read: Vec<u8>,
    /// Bytes that go out at a time.
    pub(crate) piece: usize,
}

impl Tcp {
    /// Connects from an address of the loopback.
    pub(crate) async fn connect(from: &str, server: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(server).await.unwrap();
        Self { stream, server, read: Vec::new(), piece: usize::MAX }
    }

    pub(crate) async fn send(&mut self, datagram: &[u8]) {
        let mut frame = (datagram.len() as u16).to_be_bytes().to_vec();
        frame.extend_from_slice(datagram);
        for piece in frame.chunks(self.piece) {
            // The server may have closed it, which the test then sees elsewhere.
            let _ = self.stream.write_all(piece).await;
        }
    }

    /// The next datagram. Nothing is lost when this is given up.
    pub(crate) async fn receive(&mut self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            if let [high, low, rest @ ..] = &self.read[..] {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if let Some(datagram) = rest.get(..length) {
                    buffer[..length].copy_from_slice(datagram);
                    self.read.drain(..2 + length);
                    return (length, self.server);
                }
            }
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let closed = async {
            let mut rest = [0; 4_096];
            while self.stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
        };
        tokio::time::timeout(PATIENCE, closed).await.expect("the connection stays open");
    }
}

impl Client {
    /// A client that knows of no UDP.
    pub(crate) async fn over_tcp(
        config: RtcConfig,
        direction: Direction,
        server: SocketAddr,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let tcp = Tcp::connect("127.0.0.1", server).await;
        let local = tcp.stream.local_addr().unwrap();
        let candidate = Candidate::builder().tcp().host(local).tcptype(TcpType::Active);
        Self::with(config, direction, socket, candidate.build().unwrap(), Some(tcp))
    }
}
