//! The threads that the viewers live on: no lock, no task per viewer.
//!
//! A thread looks at its sockets on its own time and never waits for one: who waits
//! is woken inside the sender's system call, and the server would be billed for it.
//! The kernel's timestamps tell when a datagram really came.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use crate::error::Error;
use crate::session::{Inbox, Shared};
use crate::viewer::{Outcome, Viewer};

/// How often it is looked which viewer has something to send.
const SCAN: Duration = Duration::from_millis(20);
/// How often all sockets are looked at.
const LOOK: Duration = Duration::from_millis(1);
const WAKE: Token = Token(usize::MAX);

enum Command {
    Add(Box<Viewer>),
    OpenWindow,
}

/// How far all viewers of a process are.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) connected: AtomicUsize,
    pub(crate) pictured: AtomicUsize,
    pub(crate) failed: AtomicUsize,
}

/// A thread with viewers.
pub(crate) struct Worker {
    commands: Sender<Command>,
    waker: Waker,
    thread: JoinHandle<Vec<Outcome>>,
}

impl Worker {
    pub(crate) fn start(shared: Arc<Shared>, progress: Arc<Progress>) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::io("epoll"))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(Error::io("epoll"))?;
        let (commands, inbound) = channel();
        let run = Run { shared, progress, poll, inbound, inbox: Inbox::new(), viewers: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("viewers".to_owned())
            .spawn(move || run.run())
            .map_err(Error::io("a thread"))?;
        Ok(Self { commands, waker, thread })
    }

    /// Takes a viewer in.
    pub(crate) fn add(&self, viewer: Viewer) {
        self.tell(Command::Add(Box::new(viewer)));
    }

    /// The measurement begins.
    pub(crate) fn open_window(&self) {
        self.tell(Command::OpenWindow);
    }

    fn tell(&self, command: Command) {
        // A thread that has panicked is noticed when it is joined.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }

    /// Ends the thread; what its viewers measured.
    pub(crate) fn finish(self) -> Result<Vec<Outcome>, Error> {
        drop(self.commands);
        self.waker.wake().map_err(Error::io("epoll"))?;
        self.thread.join().map_err(|_| Error::Usage("a thread of viewers has panicked".to_owned()))
    }
}

struct Run {
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    poll: Poll,
    inbound: Receiver<Command>,
    inbox: Inbox,
    viewers: Vec<Viewer>,
}

impl Run {
    fn run(mut self) -> Vec<Outcome> {
        let mut events = Events::with_capacity(4);
        let mut next_scan = Instant::now();
        loop {
            match self.poll.poll(&mut events, Some(LOOK)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
            if !events.is_empty() && !self.commands() {
                break;
            }
            for at in 0..self.viewers.len() {
                self.receive(at);
            }
            let now = Instant::now();
            if now >= next_scan {
                next_scan = now + SCAN;
                for at in 0..self.viewers.len() {
                    self.tick(at, now);
                }
            }
        }
        self.viewers.into_iter().map(Viewer::outcome).collect()
    }

    /// Follows the commands; false when there will be no more.
    fn commands(&mut self) -> bool {
        loop {
            match self.inbound.try_recv() {
                Ok(Command::Add(viewer)) => self.add(*viewer),
                Ok(Command::OpenWindow) => {
                    self.viewers.iter_mut().for_each(Viewer::open_window);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn add(&mut self, viewer: Viewer) {
        self.viewers.push(viewer);
        self.tick(self.viewers.len() - 1, Instant::now());
    }

    fn receive(&mut self, at: usize) {
        let Some(viewer) = self.viewers.get_mut(at) else { return };
        if viewer.failed.is_some() {
            return;
        }
        let before = (viewer.is_connected(), viewer.has_picture());
        viewer.receive(&self.shared, &mut self.inbox, Instant::now());
        if !before.0 && viewer.is_connected() {
            self.progress.connected.fetch_add(1, Ordering::Relaxed);
        }
        if !before.1 && viewer.has_picture() {
            self.progress.pictured.fetch_add(1, Ordering::Relaxed);
        }
        if viewer.failed.is_some() {
            self.progress.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tick(&mut self, at: usize, now: Instant) {
        let viewer = &mut self.viewers[at];
        if viewer.failed.is_some() {
            return;
        }
        viewer.tick(&self.shared, now);
        if viewer.failed.is_some() {
            self.progress.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
