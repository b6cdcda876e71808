//! The connections there are, by number: written to by any thread, closed by the one that
//! owns the sessions.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::sync::Notify;

use crate::ids::ConnectionId;

use super::gate::{Gate, Refused, TcpLimits};
use super::queue::Queue;

/// One connection, as both its ends see it: who writes to it, and the task that serves it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: ConnectionId,
    /// The client's address.
    pub(super) remote: SocketAddr,
    /// Ours.
    pub(super) local: SocketAddr,
    queue: Mutex<Queue>,
    /// Something waits in the queue, or the line is to end.
    pub(super) wake: Notify,
    /// Once it is to end; for who waits for nothing else.
    pub(super) ending: Notify,
    proven: AtomicBool,
    ends: AtomicBool,
}

impl Line {
    /// The client has shown whose session it is.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// What is queued is the last that is to be written.
    pub(super) fn ends(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// The next bytes to write.
    pub(super) fn take(&self, about: usize) -> Option<BytesMut> {
        locked(&self.queue).take(about)
    }

    fn end(&self) {
        self.ends.store(true, Ordering::Release);
        self.wake.notify_one();
        self.ending.notify_one();
    }
}

/// What became of datagrams for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::driver) enum Pushed {
    /// They will be written.
    Taken,
    /// The connection takes too little: they and all that waited are dropped.
    Full,
    /// There is no such connection any more.
    Gone,
}

/// All connections; clones share them.
#[derive(Debug, Clone)]
pub(in crate::driver) struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    prove_within: Duration,
    gate: Mutex<Gate>,
    /// How often a connection was full.
    full: AtomicU64,
    lines: RwLock<HashMap<ConnectionId, Arc<Line>>>,
    /// The server ends.
    stop: Notify,
}

impl Lines {
    pub(in crate::driver) fn new(limits: TcpLimits) -> Self {
        let gate = Mutex::new(Gate::new(limits));
        let lines = RwLock::default();
        let prove_within = limits.prove_within;
        Self(Arc::new(Shared {
            prove_within,
            gate,
            full: AtomicU64::new(0),
            lines,
            stop: Notify::new(),
        }))
    }

    /// How long a connection may take to its first valid STUN check.
    pub(super) fn prove_within(&self) -> Duration {
        self.0.prove_within
    }

    /// A client connects. The line is forgotten with [`Lines::forget`].
    pub(super) fn open(&self, remote: SocketAddr, local: SocketAddr) -> Result<Arc<Line>, Refused> {
        let admitted = locked(&self.0.gate).admit(remote.ip())?;
        if let Some(evicted) = admitted.evicted {
            self.close(evicted);
        }
        let line = Arc::new(Line {
            id: admitted.id,
            remote,
            local,
            queue: Mutex::default(),
            wake: Notify::new(),
            ending: Notify::new(),
            proven: AtomicBool::new(false),
            ends: AtomicBool::new(false),
        });
        let mut lines = self.0.lines.write().unwrap_or_else(PoisonError::into_inner);
        lines.insert(line.id, Arc::clone(&line));
        Ok(line)
    }

    /// The connection is gone.
    pub(super) fn forget(&self, id: ConnectionId) {
        locked(&self.0.gate).left(id);
        self.0.lines.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn get(&self, id: ConnectionId) -> Option<Arc<Line>> {
        self.0.lines.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Hands over datagrams that lie behind each other, all but the last `segment` bytes long.
    pub(in crate::driver) fn push(
        &self,
        id: ConnectionId,
        contents: &[u8],
        segment: usize,
    ) -> Pushed {
        let Some(line) = self.get(id).filter(|line| !line.ends()) else { return Pushed::Gone };
        if !locked(&line.queue).push(Instant::now(), contents, segment) {
            self.0.full.fetch_add(1, Ordering::Relaxed);
            return Pushed::Full;
        }
        line.wake.notify_one();
        Pushed::Taken
    }

    /// The connection's client has shown whose session it is.
    pub(in crate::driver) fn prove(&self, id: ConnectionId) {
        locked(&self.0.gate).proven(id);
        if let Some(line) = self.get(id) {
            line.proven.store(true, Ordering::Relaxed);
        }
    }

    /// Ends a connection, once what waits is written or after a moment.
    pub(in crate::driver) fn close(&self, id: ConnectionId) {
        if let Some(line) = self.get(id) {
            line.end();
        }
    }

    /// How many connections there are, how many of them have shown nothing yet, and how often
    /// one was full.
    pub(in crate::driver) fn count(&self) -> (usize, usize, u64) {
        let (all, unproven) = locked(&self.0.gate).count();
        (all, unproven, self.0.full.load(Ordering::Relaxed))
    }

    /// Ends all connections, and the taking of further ones.
    pub(in crate::driver) fn stop(&self) {
        self.0.stop.notify_one();
        for line in self.0.lines.read().unwrap_or_else(PoisonError::into_inner).values() {
            line.end();
        }
    }

    /// Comes back when the server ends.
    pub(super) async fn stopped(&self) {
        self.0.stop.notified().await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
