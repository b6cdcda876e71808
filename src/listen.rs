//! Accepting HTTP connections.
//!
//! Not `axum::serve`, which has no answer to a client that opens connections and says nothing.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower_layer::Layer;

use rushes_media::network;

use crate::app::App;

/// How long a client may take to send the head of a request, and rest between two.
const HEAD: Duration = Duration::from_secs(60);

/// Connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;

/// Those of one address, behind which a whole company may sit; further ones are closed at once. A
/// proxy on this machine stands for everybody and is not counted.
const OF_ONE_ADDRESS: usize = CONNECTIONS / 4;

/// How long to wait when the machine has no more file handles to give.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);

/// Accepts connections until the server is told to end.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let places = Places::default();
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((socket, peer, permit)) => {
                let Some(place) = places.take(peer.ip(), OF_ONE_ADDRESS) else {
                    tracing::debug!(%peer, "has too many connections");
                    continue;
                };
                let connection = connection(Arc::clone(&app), socket, peer, router.clone());
                app.connections.spawn(async move {
                    connection.await;
                    drop((permit, place));
                });
            }
            // The client went away before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(OUT_OF_HANDLES).await;
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, peer) = listener.accept().await?;
    Ok((socket, peer, permit))
}

/// Serves one connection to its end, or until it is idle once the server is told to end.
async fn connection(app: Arc<App>, socket: TcpStream, peer: SocketAddr, router: Router) {
    // Rooms are driven over these connections: a frame of 40 bytes must not wait for more.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    // Around the router, not on it: it would make each of its routes anew for each connection.
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = app.stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// How many connections each address has.
#[derive(Debug, Default, Clone)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection of an address.
#[derive(Debug)]
struct Place {
    all: Places,
    network: IpAddr,
}

impl Places {
    /// A place for one more; none if the address has as many as it may have.
    fn take(&self, peer: IpAddr, most: usize) -> Option<Place> {
        let network = network(peer);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(network).or_default();
        if *count >= most && !network.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { all: self.clone(), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = Places::default();
        let of = |address: &str| places.take(address.parse().unwrap(), 2);
        let held = [of("192.0.2.1").unwrap(), of("::ffff:192.0.2.1").unwrap()];
        assert!(of("192.0.2.1").is_none(), "however it is written");
        assert!(of("192.0.2.2").is_some(), "others are not touched");
        let wide = [of("2001:db8::1").unwrap(), of("2001:db8::2").unwrap()];
        assert!(of("2001:db8::3").is_none(), "a host of IPv6 has a whole network");
        let local: Vec<_> = (0..9).map(|_| of("127.0.0.1").unwrap()).collect();
        drop((held, local));
        assert!(of("192.0.2.1").is_some());
        drop(wide);
        assert!(places.0.lock().unwrap().is_empty(), "nothing is kept of who has gone");
    }
}
