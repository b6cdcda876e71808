//! The invitations of a room.

use super::RoomRow;
use crate::{
    error::ApiResult,
    mail::{self, Mail},
    rpc::Ctx,
    store::text::RoomStatus,
};

/// Sends somebody the link to a room, once they have been given a seat.
///
/// # Errors
/// 900 when too much mail waits; when the database fails.
pub(super) async fn invite(ctx: &mut Ctx, room: &RoomRow, email: &str, url: &str) -> ApiResult<()> {
    // Who invites to what has begun long ago, or is over, does not say when.
    let begins = match (room.status, room.start_time.map(|time| time.to_string())) {
        (RoomStatus::Scheduled, Some(time)) => {
            format!("It begins on {} at {} UTC.\n\n", &time[..10], &time[11..16])
        }
        _ => String::new(),
    };
    let mail = Mail {
        to: email.to_owned(),
        subject: format!("Invitation to the room {}", room.name),
        text: format!(
            "You are invited to the review room {}.\n\n{begins}Open it here:\n{url}\n\n\
             The link is for you alone: whoever has it can enter the room.\n",
            room.name
        ),
    };
    mail::send(ctx, mail).await
}
