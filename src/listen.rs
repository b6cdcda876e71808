//! Accepting HTTP connections.
//!
//! Not `axum::serve`, which has no answer to a client that opens connections and says nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

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

use crate::app::App;

/// How long a client may take to send the head of a request, and rest between two.
const HEAD: Duration = Duration::from_secs(60);

/// Connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;

/// How long to wait when the machine has no more file handles to give.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);

/// Accepts connections until the server is told to end.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((socket, peer, permit)) => {
                let connection = connection(Arc::clone(&app), socket, peer, router.clone());
                app.connections.spawn(async move {
                    connection.await;
                    drop(permit);
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
