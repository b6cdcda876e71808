//! The sessions that were opened here: whose they are, and how many an address has.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use rushes_media::{Answer, Media, SessionId, network};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::events::Streams;
use super::http::Sender;
use super::limits::Offered;
use super::problem::Problem;

/// Below this many sessions nothing is swept.
const SWEEP_ABOVE: usize = 64;

/// What is kept of a token.
pub(super) type Digest = [u8; 32];

pub(super) fn digest(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

/// A session as HTTP knows it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) offered: Offered,
    /// The entity tag of the ICE session. Held while a PATCH runs: they take effect one after the
    /// other, and each is compared with the tag that the one before it left.
    pub(super) tag: tokio::sync::Mutex<String>,
    /// The m-line of the picture in the answer.
    pub(super) picture: Option<MLine>,
    /// The event streams of a viewer.
    pub(super) streams: Streams,
    /// What a viewer asked for, and by which right.
    pub(super) view: Option<View>,
    /// Of the bearer; none if there was none.
    owner: Option<Digest>,
    network: IpAddr,
}

/// What a viewer asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct View {
    /// As the path has it.
    pub(super) id: String,
    /// By this right, which is looked at again while it lasts.
    pub(super) bearer: String,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A section of an SDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MLine {
    /// Its place, counted from 0.
    pub(super) index: usize,
    /// Its `a=mid`.
    pub(super) mid: Option<String>,
}

impl MLine {
    /// The first video section that is not refused.
    fn of_picture(sdp: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        let mut sections = 0;
        for line in sdp.lines().map(str::trim_end) {
            if let Some(section) = line.strip_prefix("m=") {
                if found.is_some() {
                    break;
                }
                if section.starts_with("video ") && !section.starts_with("video 0 ") {
                    found = Some(Self { index: sections, mid: None });
                }
                sections += 1;
            } else if let (Some(found), Some(mid)) = (&mut found, line.strip_prefix("a=mid:")) {
                found.mid = Some(mid.to_owned());
            }
        }
        found
    }
}

#[derive(Debug, Default)]
struct Place {
    sessions: Vec<SessionId>,
    /// Offers that are about to become sessions.
    pending: usize,
}

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<SessionId, Arc<Session>>,
    places: HashMap<IpAddr, Place>,
    /// How many sessions there were after the last sweep.
    kept: usize,
}

/// All sessions. Those that the media plane has forgotten are swept when the table has doubled.
#[derive(Debug, Default, Clone)]
pub(super) struct Sessions(Arc<Mutex<Table>>);

/// The right to open one more session from an address; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    table: Arc<Mutex<Table>>,
    network: IpAddr,
}

impl Sessions {
    /// Refuses an address that has as many sessions as it may have. Those behind a proxy on this
    /// machine cannot be told apart and are not counted.
    pub(super) fn reserve(
        &self,
        media: &Media,
        peer: IpAddr,
        most: usize,
    ) -> Result<Reservation, Problem> {
        let network = network(peer);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = table.places.entry(network).or_default();
        if !network.is_loopback() && place.sessions.len() + place.pending >= most {
            place.sessions.retain(|id| media.knows(*id));
            if place.sessions.len() + place.pending >= most {
                let detail = format!(
                    "this address has {most} sessions, which is all that it may have: end one first"
                );
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).after(10));
            }
        }
        place.pending += 1;
        Ok(Reservation { table: Arc::clone(&self.0), network })
    }

    /// Notes a session that was opened.
    pub(super) fn open(
        &self,
        media: &Media,
        reservation: &Reservation,
        (offered, view): (Offered, Option<View>),
        answer: &Answer,
        bearer: Option<&str>,
    ) {
        let session = Arc::new(Session {
            id: answer.session,
            offered,
            tag: tokio::sync::Mutex::new(answer.etag.clone()),
            picture: MLine::of_picture(&answer.sdp),
            streams: Streams::default(),
            view,
            owner: bearer.map(digest),
            network: reservation.network,
        });
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.sessions.len() > SWEEP_ABOVE.max(2 * table.kept) {
            table.sweep(|id| media.knows(id));
        }
        table.places.entry(reservation.network).or_default().sessions.push(answer.session);
        table.sessions.insert(answer.session, session);
    }

    /// The session of this name, if the sender is the one that opened it.
    pub(super) fn owned(&self, name: &str, sender: &Sender) -> Result<Arc<Session>, Problem> {
        let session = self.find(name)?;
        match (session.owner, sender.bearer().map(digest)) {
            (None, _) => Ok(session),
            (Some(_), None) => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "send the token that opened the session as Authorization: Bearer",
            )),
            (Some(owner), Some(sent)) if bool::from(owner.ct_eq(&sent)) => Ok(session),
            (Some(_), Some(_)) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the token is not the one that opened the session",
            )),
        }
    }

    /// The session of this name, whoever asks.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Session>, Problem> {
        let id = name.parse().map_err(|_| no_session())?;
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.sessions.get(&id).cloned().ok_or_else(no_session)
    }

    /// The viewers' sessions that the media plane knows.
    pub(super) fn viewing(&self, media: &Media) -> Vec<Arc<Session>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let views = |session: &&Arc<Session>| session.view.is_some() && media.knows(session.id);
        table.sessions.values().filter(views).cloned().collect()
    }

    /// Notes that a session was ended: it no longer counts for its address, and its event streams
    /// end. It is still known, so that its owner may end it again.
    pub(super) fn ended(&self, session: &Session) {
        session.streams.end_all();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = table.places.get_mut(&session.network) {
            place.sessions.retain(|id| *id != session.id);
            table.tidy(session.network);
        }
    }
}

impl Table {
    fn sweep(&mut self, known: impl Fn(SessionId) -> bool) {
        self.sessions.retain(|id, _| known(*id));
        let sessions = &self.sessions;
        self.places.retain(|_, place| {
            place.sessions.retain(|id| sessions.contains_key(id));
            place.pending > 0 || !place.sessions.is_empty()
        });
        self.kept = self.sessions.len();
    }

    fn tidy(&mut self, network: IpAddr) {
        let empty = |place: &Place| place.pending == 0 && place.sessions.is_empty();
        if self.places.get(&network).is_some_and(empty) {
            self.places.remove(&network);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = table.places.get_mut(&self.network) {
            place.pending = place.pending.saturating_sub(1);
        }
        table.tidy(self.network);
    }
}

pub(super) fn no_session() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such session, or it has ended: open a new one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_of_the_picture() {
        let sdp = "v=0\r\na=mid:x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
            m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:two\r\nm=video 9 X 98\r\na=mid:3\r\n";
        let expected = MLine { index: 2, mid: Some("two".into()) };
        assert_eq!(MLine::of_picture(sdp), Some(expected));
        assert_eq!(MLine::of_picture("m=audio 9 X 0\r\na=mid:0\r\n"), None);
    }
}
