//! What someone who joins a room needs for voice and camera.
//!
//! Clients of the API expect two texts of JSON with the key names of Amazon Chime's
//! `CreateMeeting` and `CreateAttendee` answers. The addresses in them are this server's own.

use rushes_sessions::{RoomId, UserId};
use serde::{Deserialize, Serialize};

/// A meeting: one for each room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Meeting {
    /// The meeting's id, which is the room's.
    pub meeting_id: String,
    /// The same: it is the room that the meeting belongs to.
    pub external_meeting_id: String,
    /// What the client asked for. There is one region here, and its name means nothing.
    pub media_region: String,
    /// Where to connect to.
    pub media_placement: MediaPlacement,
}

/// The addresses of a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MediaPlacement {
    /// Voice.
    pub audio_host_url: String,
    /// Voice, for those whom the first does not reach.
    pub audio_fallback_url: String,
    /// Signalling.
    pub signaling_url: String,
    /// Credentials of a TURN server.
    pub turn_control_url: String,
    /// The screen that is shared.
    pub screen_data_url: String,
    /// Watching it.
    pub screen_viewing_url: String,
    /// Sharing it.
    pub screen_sharing_url: String,
    /// What clients say about how it goes.
    pub event_ingestion_url: String,
}

/// Someone in a meeting.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attendee {
    /// Their id in this meeting.
    pub attendee_id: String,
    /// Their id as a user.
    pub external_user_id: String,
    /// What proves that it is them.
    pub join_token: String,
    /// What they may send and receive.
    pub capabilities: Capabilities,
}

impl std::fmt::Debug for Attendee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret.
        f.debug_struct("Attendee").field("external_user_id", &self.external_user_id).finish()
    }
}

/// What an attendee may send and receive, in Chime's words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capabilities {
    /// Voice.
    pub audio: String,
    /// Camera.
    pub video: String,
    /// Screen.
    pub content: String,
}

impl Meeting {
    /// The meeting of a room at a server whose pages are at `public_url` (without a slash at its
    /// end), for a client that asked for `region`.
    pub fn new(public_url: &str, room: RoomId, region: &str) -> Meeting {
        let http = format!("{public_url}/meeting/{room}");
        let socket = match http.split_once("://") {
            Some(("https", rest)) => format!("wss://{rest}"),
            Some((_, rest)) => format!("ws://{rest}"),
            None => http.clone(),
        };
        Meeting {
            meeting_id: room.to_string(),
            external_meeting_id: room.to_string(),
            media_region: region.to_owned(),
            media_placement: MediaPlacement {
                audio_host_url: format!("{socket}/audio"),
                audio_fallback_url: format!("{socket}/audio"),
                signaling_url: format!("{socket}/signaling"),
                turn_control_url: format!("{http}/turn"),
                screen_data_url: format!("{socket}/screen"),
                screen_viewing_url: format!("{socket}/screen"),
                screen_sharing_url: format!("{socket}/screen"),
                event_ingestion_url: format!("{http}/events"),
            },
        }
    }

    /// The text that the API answers with.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a struct of texts is always JSON")
    }
}

impl Attendee {
    /// Someone who joins, with ids that the server keeps.
    pub fn new(attendee_id: String, user: UserId, join_token: String) -> Attendee {
        let both = || "SendReceive".to_owned();
        Attendee {
            attendee_id,
            external_user_id: user.to_string(),
            join_token,
            capabilities: Capabilities { audio: both(), video: both(), content: both() },
        }
    }

    /// The text that the API answers with.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a struct of texts is always JSON")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_keys_are_those_that_clients_know() {
        let meeting = Meeting::new("https://rushes.test", RoomId(1), "eu-west-1").to_text();
        let meeting: Value = serde_json::from_str(&meeting).unwrap();
        assert_eq!(meeting["MeetingId"], RoomId(1).to_string());
        assert_eq!(meeting["MediaRegion"], "eu-west-1");
        let placement = meeting["MediaPlacement"].as_object().unwrap();
        for key in [
            "AudioHostUrl",
            "AudioFallbackUrl",
            "SignalingUrl",
            "TurnControlUrl",
            "ScreenDataUrl",
            "ScreenViewingUrl",
            "ScreenSharingUrl",
            "EventIngestionUrl",
        ] {
            let url = placement[key].as_str().unwrap();
            assert!(url.contains("//rushes.test/meeting/"), "{key}: {url}");
        }
        assert!(placement["SignalingUrl"].as_str().unwrap().starts_with("wss://"));
    }

    #[test]
    fn an_attendee_proves_itself_and_keeps_the_proof_out_of_logs() {
        let attendee = Attendee::new("A".into(), UserId(2), "SECRET".into());
        let written: Value = serde_json::from_str(&attendee.to_text()).unwrap();
        assert_eq!(written["ExternalUserId"], UserId(2).to_string());
        assert_eq!(written["JoinToken"], "SECRET");
        assert_eq!(written["AttendeeId"], "A");
        assert!(!format!("{attendee:?}").contains("SECRET"));
    }
}
