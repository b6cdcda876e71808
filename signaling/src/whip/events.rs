//! What a viewer is told (WHEP core extensions, "Server Sent Events").
//!
//! A session has a few event streams. Each is told the newest state and never the history: the
//! media plane keeps one value per session, and a reader that was slow hears what holds now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{Feed, SessionId};
use tokio::sync::watch;

use super::access::Access;
use super::http::{Sender, need_accept, need_type, other_method, read};
use super::limits::Offered;
use super::problem::Problem;
use super::table::{Session, no_session};
use super::teller::{Teller, wanted};
use super::{App, JSON, MAX_JSON, Shared};

const METHODS: &str = "POST, OPTIONS, GET, HEAD";
const STREAM_METHODS: &str = "GET, HEAD, DELETE, OPTIONS";
const EVENT_STREAM: &str = "text/event-stream";

/// Event streams of a session at a time.
const STREAMS: usize = 4;
/// An idle stream says something this often, so that proxies keep it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream rests this long between two messages; what happens meanwhile is told together.
const REST: Duration = Duration::from_millis(100);
/// An event stream: one reader at a time, the newest one.
#[derive(Debug)]
struct EventStream {
    teller: Mutex<Teller>,
    /// Counts the readers; none once the stream is deleted.
    reader: watch::Sender<Option<u64>>,
}

/// The event streams of a session, by their unguessable names.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<HashMap<String, Arc<EventStream>>>);

impl Streams {
    fn add(&self, teller: Teller) -> Result<String, Problem> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS {
            let detail = format!("a session has {STREAMS} event streams at most: delete one first");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let name = SessionId::random().to_string();
        let stream =
            EventStream { teller: Mutex::new(teller), reader: watch::Sender::new(Some(0)) };
        streams.insert(name.clone(), Arc::new(stream));
        Ok(name)
    }

    fn get(&self, name: &str) -> Option<Arc<EventStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remove(&self, name: &str) -> bool {
        let removed = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        removed.inspect(|stream| stream.end()).is_some()
    }

    pub(super) fn end_all(&self) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.drain().for_each(|(_, stream)| stream.end());
    }
}

impl EventStream {
    fn end(&self) {
        self.reader.send_replace(None);
    }

    /// Begins to read; whoever read before stops. None if the stream was deleted.
    fn begin(self: &Arc<Self>, feed: watch::Receiver<Feed>, lives: Lives) -> Option<Reader> {
        let mut mine = None;
        self.reader.send_modify(|reader| {
            *reader = reader.map(|count| count + 1);
            mine = *reader;
        });
        mine?;
        self.teller.lock().unwrap_or_else(PoisonError::into_inner).begin();
        let readers = self.reader.subscribe();
        let stream = Arc::clone(self);
        Some(Reader { stream, mine, readers, feed, lives, started: false, over: false })
    }
}

/// Whether a session is still there.
type Lives = Box<dyn Fn() -> bool + Send>;

/// One GET of an event stream.
struct Reader {
    stream: Arc<EventStream>,
    mine: Option<u64>,
    readers: watch::Receiver<Option<u64>>,
    /// Of the stream, which others may view when this session has ended.
    feed: watch::Receiver<Feed>,
    lives: Lives,
    started: bool,
    over: bool,
}

impl Reader {
    /// The next piece of the body; none at its end.
    async fn next(&mut self) -> Option<String> {
        while !self.over {
            if *self.readers.borrow() != self.mine || (self.started && !(self.lives)()) {
                return None;
            }
            if let Some(text) = self.news() {
                return Some(text);
            }
            let Self { readers, feed, mine, .. } = self;
            let superseded = async {
                let _ = readers.wait_for(|reader| reader != mine).await;
            };
            tokio::select! {
                changed = feed.changed() => {
                    // The session is over: what it said last has been told.
                    if changed.is_err() {
                        return None;
                    }
                    tokio::time::sleep(REST).await;
                    feed.mark_changed();
                }
                () = superseded => return None,
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    return (self.lives)().then(|| ": still here\n\n".to_owned());
                }
            }
        }
        None
    }

    /// What is new, if anything is.
    fn news(&mut self) -> Option<String> {
        let first = !self.started;
        if !first && !self.feed.has_changed().unwrap_or(true) {
            return None;
        }
        self.started = true;
        let feed = self.feed.borrow_and_update().clone();
        let mut teller = self.stream.teller.lock().unwrap_or_else(PoisonError::into_inner);
        let text = teller.tell(&feed, first);
        self.over = feed.reconnect;
        // The head of the answer goes out with the first piece of its body.
        let text = if first { format!(": {}\n\n{text}", teller.wanted()) } else { text };
        (!text.is_empty()).then_some(text)
    }
}

/// `…/events`: POST makes an event stream.
pub(super) async fn handle<A: Access>(
    State(app): State<App<A>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    match *request.method() {
        Method::POST => create(&app, &name, request).await.unwrap_or_else(Problem::into_response),
        Method::OPTIONS => {
            let post = (HeaderName::from_static("accept-post"), JSON);
            (StatusCode::OK, [(header::ALLOW, METHODS), post]).into_response()
        }
        _ => other_method(request.method(), METHODS),
    }
}

async fn create<A: Access>(
    app: &Shared<A>,
    name: &str,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let session = app.session(name, &Sender::of(&request))?;
    if session.offered != Offered::View || !app.media.knows(session.id) {
        return Err(no_session());
    }
    let typed = request.headers().contains_key(header::CONTENT_TYPE);
    if typed {
        need_type(request.headers(), JSON)?;
    }
    let wanted = wanted(&read(request, MAX_JSON).await?)?;
    let picture = session.picture.as_ref().map(|picture| picture.index);
    let stream = session.streams.add(Teller::new(wanted, picture))?;
    let location = format!("{}/live/session/{}/events/{stream}", app.access.prefix(), session.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

/// `…/events/{stream}`: GET reads it, DELETE ends it.
///
/// Its name cannot be guessed and stands for the permission: an `EventSource` of a browser cannot
/// send a token.
pub(super) async fn stream<A: Access>(
    State(app): State<App<A>>,
    Path((name, stream)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let done = match *request.method() {
        Method::GET => {
            let sender = Sender::of(&request);
            listen(&app, &name, &stream, &sender, request.headers()).await
        }
        Method::DELETE => found(&app, &name, &Sender::of(&request)).and_then(|session| {
            let removed = session.streams.remove(&stream);
            if removed { Ok(StatusCode::OK.into_response()) } else { Err(no_stream()) }
        }),
        Method::OPTIONS => {
            return (StatusCode::OK, [(header::ALLOW, STREAM_METHODS)]).into_response();
        }
        _ => return other_method(request.method(), STREAM_METHODS),
    };
    done.unwrap_or_else(Problem::into_response)
}

fn found<A>(app: &Shared<A>, name: &str, sender: &Sender) -> Result<Arc<Session>, Problem> {
    let now = std::time::Instant::now();
    app.limiter.address(sender.peer, now)?;
    let session = app.sessions.find(name)?;
    app.limiter.session(session.id, now)?;
    Ok(session)
}

async fn listen<A: Access>(
    app: &Shared<A>,
    name: &str,
    stream: &str,
    sender: &Sender,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let session = found(app, name, sender)?;
    let stream = session.streams.get(stream).ok_or_else(no_stream)?;
    need_accept(headers, EVENT_STREAM)?;
    let feed = app.media.feed(session.id).await.ok_or_else(no_session)?;
    let (media, id) = (app.media.clone(), session.id);
    let lives = Box::new(move || media.knows(id));
    let reader = stream.begin(feed, lives).ok_or_else(no_stream)?;
    let pieces = futures_util::stream::unfold(reader, |mut reader| async move {
        reader.next().await.map(|text| (Ok::<_, std::convert::Infallible>(text), reader))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would collect the events otherwise.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

fn no_stream() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such event stream: POST for a new one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(active: bool, viewers: usize) -> Feed {
        Feed { active, layers: Vec::new(), viewers, reconnect: false }
    }

    /// The types of the events in some messages.
    fn types(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
    }

    /// A stream with its first reader, and what feeds it.
    fn stream(now: Feed) -> (Arc<EventStream>, watch::Sender<Feed>, Reader) {
        let teller = Mutex::new(Teller::new(wanted("").unwrap(), Some(1)));
        let stream = EventStream { teller, reader: watch::Sender::new(Some(0)) };
        let (stream, feed) = (Arc::new(stream), watch::Sender::new(now));
        let reader = stream.begin(feed.subscribe(), Box::new(|| true)).unwrap();
        (stream, feed, reader)
    }

    #[tokio::test]
    async fn a_slow_reader_hears_the_newest_and_not_the_history() {
        let (_stream, sender, mut reader) = stream(feed(true, 1));
        assert_eq!(types(&reader.next().await.unwrap()), ["active", "viewercount"]);
        for viewers in 2..100 {
            sender.send_replace(feed(true, viewers));
        }
        let told = reader.next().await.unwrap();
        assert_eq!(told, "event: viewercount\ndata: {\"viewercount\":99}\n\n");
    }

    #[tokio::test]
    async fn the_newest_reader_ends_the_one_before_and_a_deletion_ends_all() {
        let (stream, sender, mut first) = stream(feed(true, 1));
        first.next().await.unwrap();
        let mut second = stream.begin(sender.subscribe(), Box::new(|| true)).unwrap();
        assert_eq!(first.next().await, None);
        assert_eq!(types(&second.next().await.unwrap()), ["active", "viewercount"]);
        stream.end();
        assert_eq!(second.next().await, None);
        assert!(stream.begin(sender.subscribe(), Box::new(|| true)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_its_session_though_the_stream_goes_on() {
        let (stream, sender, _) = stream(feed(true, 1));
        let lives = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let asked = Arc::clone(&lives);
        let of = move || asked.load(std::sync::atomic::Ordering::Relaxed);
        let mut reader = stream.begin(sender.subscribe(), Box::new(of)).unwrap();
        reader.next().await.unwrap();
        assert_eq!(reader.next().await.unwrap(), ": still here\n\n");
        lives.store(false, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(reader.next().await, None);
        sender.send_replace(feed(true, 2));
        assert_eq!(reader.next().await, None, "nor when there is news of the stream");
    }

    #[tokio::test]
    async fn the_last_word_is_said_before_the_end() {
        let (_stream, sender, mut reader) = stream(feed(true, 1));
        reader.next().await.unwrap();
        sender.send_replace(Feed { reconnect: true, ..feed(true, 1) });
        drop(sender);
        assert_eq!(types(&reader.next().await.unwrap()), ["reconnect"]);
        assert_eq!(reader.next().await, None);
    }
}
