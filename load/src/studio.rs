//! The thread with all publishers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::error::Error;
use crate::publisher::{Publisher, Tally, add};
use crate::session::{Inbox, Shared};

const WAKE: Token = Token(usize::MAX);

/// The thread with all publishers.
pub(crate) struct Studio {
    publishers: Sender<Box<Publisher>>,
    waker: Waker,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Studio {
    pub(crate) fn start(shared: Arc<Shared>, tally: Arc<Tally>) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::io("epoll"))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(Error::io("epoll"))?;
        let (publishers, inbound) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let run = Run { shared, tally, poll, inbound, stop: stop.clone(), all: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("publishers".to_owned())
            .spawn(move || run.run())
            .map_err(Error::io("a thread"))?;
        Ok(Self { publishers, waker, stop, thread })
    }

    /// Takes a publisher in.
    pub(crate) fn add(&self, publisher: Publisher) {
        // A thread that has panicked is noticed when it is joined.
        let _ = self.publishers.send(Box::new(publisher));
        let _ = self.waker.wake();
    }

    /// Ends the thread; why publishers failed.
    pub(crate) fn finish(self) -> Result<Vec<String>, Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake().map_err(Error::io("epoll"))?;
        self.thread
            .join()
            .map_err(|_| Error::Usage("the thread of publishers has panicked".to_owned()))
    }
}

struct Run {
    shared: Arc<Shared>,
    tally: Arc<Tally>,
    poll: Poll,
    inbound: Receiver<Box<Publisher>>,
    stop: Arc<AtomicBool>,
    all: Vec<Publisher>,
}

impl Run {
    fn run(mut self) -> Vec<String> {
        let mut events = Events::with_capacity(256);
        let mut inbox = Inbox::new();
        while !self.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            let next = self.all.iter().filter(|one| one.failed.is_none()).map(Publisher::next);
            let wait = next.min().map(|next| next.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    WAKE => self.take_in(),
                    Token(at) => {
                        if let Some(one) = self.all.get_mut(at) {
                            one.receive(&self.shared, &mut inbox, &self.tally, now);
                        }
                    }
                }
            }
            for one in self.all.iter_mut().filter(|one| one.failed.is_none()) {
                if one.next() <= now
                    && let Err(error) = one.tick(&self.shared, &self.tally, now)
                {
                    one.failed = Some(error);
                    add(&self.tally.failed, 1);
                }
            }
        }
        self.all.iter().filter_map(|one| one.failed.as_ref().map(Error::kind)).collect()
    }

    fn take_in(&mut self) {
        loop {
            match self.inbound.try_recv() {
                Ok(mut one) => {
                    let token = Token(self.all.len());
                    let socket = &mut one.link.socket;
                    let registry = self.poll.registry();
                    if let Err(error) = registry.register(socket, token, Interest::READABLE) {
                        one.failed = Some(Error::io("epoll")(error));
                        add(&self.tally.failed, 1);
                    }
                    self.all.push(*one);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }
}
