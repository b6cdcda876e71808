//! Meetings as the server asks for them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use str0m::change::SdpAnswer;
use tokio::sync::mpsc;

use crate::error::OfferError;
use crate::ids::{AttendeeId, MeetingId, SessionId};
use crate::meeting::{Joining, MeetingError, MeetingEvent, Rules};
use crate::webrtc::Offered;

use super::meetings::{Act, Govern, Join, Order};
use super::{Command, Media};

/// Events that wait for one member; one who does not take them is put out.
const EVENTS: usize = 256;
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Somebody is in a meeting.
#[derive(Debug)]
pub struct Joined {
    /// Their session.
    pub session: SessionId,
    /// What they are offered first.
    pub offered: Offered,
    /// What they are told. It ends with their session.
    pub events: mpsc::Receiver<MeetingEvent>,
}

/// An answer without what it says of addresses: a client is where its checks come from.
fn without_candidates(sdp: &str) -> String {
    let lines = sdp.lines().filter(|line| !line.starts_with("a=candidate:"));
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

impl Media {
    /// Lets somebody into a meeting. Where they are in it already, they take over
    /// from themselves.
    ///
    /// # Errors
    /// If there is no room, in the meeting or on the server.
    pub async fn join_meeting(
        &self,
        meeting: MeetingId,
        rules: Rules,
        joining: Joining,
    ) -> Result<Joined, MeetingError> {
        let permit = self.permit().map_err(|error| match error {
            OfferError::Full => MeetingError::ServerFull,
            _ => MeetingError::Unavailable,
        })?;
        let setup = self.0.setup.clone();
        let (events, receiver) = mpsc::channel(EVENTS);
        let join = |reply| Join { meeting, rules, joining, setup, permit, events, reply };
        let order = |reply| Command::Meeting(Order::Join(Box::new(join(reply))));
        let (session, offered) = self.ask(order).await.unwrap_or(Err(MeetingError::Unavailable))?;
        Ok(Joined { session, offered, events: receiver })
    }

    /// Takes a member's answer to the offer of that number.
    ///
    /// # Errors
    /// If there is no such offer. An answer that cannot be used ends the session.
    pub async fn answer_meeting(
        &self,
        session: SessionId,
        number: u32,
        sdp: String,
    ) -> Result<(), MeetingError> {
        // What reads a client's text runs here, where a defect is that client's alone.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let sdp = (sdp.len() <= LONGEST_ANSWER).then(|| without_candidates(&sdp))?;
            SdpAnswer::from_sdp_string(&sdp).ok()
        }));
        let answer = answer.ok().flatten().ok_or(MeetingError::BadAnswer)?;
        let order = |reply| Order::Answer(session, number, Box::new(answer), reply);
        self.ask(|reply| Command::Meeting(order(reply)))
            .await
            .unwrap_or(Err(MeetingError::Unavailable))
    }

    /// Does what a member asks for.
    ///
    /// # Errors
    /// If they may not, or are not there.
    pub async fn act_in_meeting(&self, session: SessionId, act: Act) -> Result<(), MeetingError> {
        self.ask(|reply| Command::Meeting(Order::Act(session, act, reply)))
            .await
            .unwrap_or(Err(MeetingError::Unavailable))
    }

    /// Ends a member's session.
    pub async fn leave_meeting(&self, session: SessionId) {
        let _ = self.ask(|reply| Command::Meeting(Order::Leave(session, reply))).await;
    }

    /// Says what the rules of a meeting are from now on.
    pub async fn set_meeting_rules(&self, meeting: MeetingId, rules: Rules) {
        self.govern(meeting, Govern::Rules(rules)).await;
    }

    /// Says who the hosts of a meeting are from now on.
    pub async fn set_meeting_hosts(&self, meeting: MeetingId, hosts: Vec<AttendeeId>) {
        self.govern(meeting, Govern::Hosts(hosts)).await;
    }

    /// Puts somebody out of a meeting.
    pub async fn expel_from_meeting(&self, meeting: MeetingId, who: AttendeeId) {
        self.govern(meeting, Govern::Expel(who)).await;
    }

    /// Ends a meeting, with all that was ruled in it.
    pub async fn close_meeting(&self, meeting: MeetingId) {
        self.govern(meeting, Govern::Close).await;
    }

    async fn govern(&self, meeting: MeetingId, govern: Govern) {
        let _ = self.ask(|reply| Command::Meeting(Order::Govern(meeting, govern, reply))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_an_answer_count_for_nothing() {
        let sdp = "v=0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=sendonly\r\n";
        assert_eq!(without_candidates(sdp), "v=0\r\na=mid:0\r\na=sendonly\r\n");
    }
}
