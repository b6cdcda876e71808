//! The wire form of voice and camera: what goes over the WebSocket as JSON.
//!
//! These are the endpoints under `rushes/meeting/` and the events of a meeting, whose
//! id is its room's.

use rushes_media::{
    AttendeeId, Attending, Ending, LAYER_RATES, MeetingEvent, MeetingId, Offered, Source,
};
use rushes_sessions::{RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The meeting of a room.
#[must_use]
pub fn meeting_of(room: RoomId) -> MeetingId {
    MeetingId(room.0)
}

/// A user as somebody in a meeting.
#[must_use]
pub fn attendee_of(user: UserId) -> AttendeeId {
    AttendeeId(user.0)
}

fn user_of(attendee: AttendeeId) -> UserId {
    UserId(attendee.0)
}

/// A wish to talk in a room.
#[derive(Clone, Deserialize, Serialize)]
pub struct JoinRequest {
    /// The room.
    pub id: RoomId,
    /// The `JoinToken` that `join/review_session` answered.
    pub join_token: String,
}

impl std::fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret.
        f.debug_struct("JoinRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An answer to an offer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AnswerRequest {
    /// The room.
    pub id: RoomId,
    /// The number of the offer.
    pub offer: u32,
    /// The SDP.
    pub sdp: String,
}

/// Something about oneself or, where it says so, about another.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct WhomRequest {
    /// The room.
    pub id: RoomId,
    /// Whom it is about.
    #[serde(default)]
    pub user_id: Option<UserId>,
}

/// A camera that is turned on or off.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct CameraRequest {
    /// The room.
    pub id: RoomId,
    /// Whether it is on from now on.
    pub on: bool,
}

/// The answer to one who joins. `attendance` is a number that no other joining has.
#[must_use]
pub fn joined(
    room: RoomId,
    user: UserId,
    attendance: u64,
    offered: &Offered,
    ice: &Value,
) -> Value {
    json!({
        "id": room,
        "attendance": attendance,
        "user_id": user,
        "offer": offered.number,
        "sdp": offered.sdp,
        "ice": ice,
        "camera_rates": LAYER_RATES,
    })
}

/// An event as the client is told of it: its name and its data.
#[must_use]
pub fn event(room: RoomId, attendance: u64, event: &MeetingEvent) -> (&'static str, Value) {
    match event {
        MeetingEvent::Offer(offered) => (
            "REVIEW_SESSION_MEETING_OFFER",
            json!({ "id": room, "attendance": attendance, "offer": offered.number, "sdp": offered.sdp }),
        ),
        MeetingEvent::Roster(roster) => (
            "REVIEW_SESSION_MEETING_ROSTER",
            json!({ "id": room, "members": roster.iter().map(member).collect::<Vec<_>>() }),
        ),
        MeetingEvent::Speaker { speaker, talking } => {
            let talking: Vec<UserId> = talking.iter().copied().map(user_of).collect();
            let speaker = speaker.map(user_of);
            (
                "REVIEW_SESSION_MEETING_SPEAKER",
                json!({ "id": room, "user_id": speaker, "talking": talking }),
            )
        }
        MeetingEvent::Sources { audio, video } => (
            "REVIEW_SESSION_MEETING_SOURCES",
            json!({
                "id": room,
                "attendance": attendance,
                "audio": sources(audio),
                "video": sources(video),
            }),
        ),
        MeetingEvent::Asked { by } => {
            ("REVIEW_SESSION_MEETING_ASKED", json!({ "id": room, "by": user_of(*by) }))
        }
        MeetingEvent::Ended(ending) => ended(room, attendance, Some(*ending)),
        // One that this version does not know.
        _ => ended(room, attendance, None),
    }
}

/// The event that tells that it is over; without a reason the connection was lost.
#[must_use]
pub fn ended(room: RoomId, attendance: u64, ending: Option<Ending>) -> (&'static str, Value) {
    let reason = match ending {
        Some(Ending::Replaced) => "REPLACED",
        Some(Ending::Removed) => "REMOVED",
        Some(Ending::Closed) => "CLOSED",
        _ => "LOST",
    };
    (
        "REVIEW_SESSION_MEETING_ENDED",
        json!({ "id": room, "attendance": attendance, "reason": reason }),
    )
}

fn member(member: &Attending) -> Value {
    json!({
        "user_id": user_of(member.who),
        "name": member.name,
        "is_host": member.is_host,
        "muted": member.muted,
        "may_unmute": member.may_unmute,
        "camera": member.camera,
    })
}

fn sources(sources: &[Source]) -> Vec<Value> {
    sources.iter().map(|s| json!({ "mid": s.mid, "user_id": user_of(s.who) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_people_by_their_user_ids() {
        let (room, anna) = (RoomId(1), AttendeeId(2));
        let attending = Attending {
            who: anna,
            name: "Anna".to_owned(),
            is_host: true,
            muted: false,
            may_unmute: true,
            camera: false,
        };
        let (name, data) = event(room, 7, &MeetingEvent::Roster([attending].into()));
        assert_eq!(name, "REVIEW_SESSION_MEETING_ROSTER");
        assert_eq!(data["members"][0]["user_id"], UserId(2).to_string());
        let source = Source { mid: "a".to_owned(), who: anna };
        let (_, data) =
            event(room, 7, &MeetingEvent::Sources { audio: vec![source], video: vec![] });
        assert_eq!(data["audio"], json!([{ "mid": "a", "user_id": UserId(2) }]));
        let speaker = MeetingEvent::Speaker { speaker: None, talking: vec![anna] };
        let (_, data) = event(room, 7, &speaker);
        assert_eq!(data, json!({ "id": room, "user_id": null, "talking": [UserId(2)] }));
    }

    #[test]
    fn a_join_token_stays_out_of_logs() {
        let request = JoinRequest { id: RoomId(1), join_token: "SECRET".to_owned() };
        assert!(!format!("{request:?}").contains("SECRET"));
    }
}
