//! The invitations of a room.

use super::RoomRow;
use crate::{
    mail::{self, Mail},
    rpc::Ctx,
};

/// Sends somebody the link to a room, once they have been given a seat.
pub(super) fn invite(ctx: &mut Ctx, room: &RoomRow, email: &str, url: &str) {
    let mail = Mail {
        to: email.to_owned(),
        subject: format!("Invitation to the room {}", room.name),
        text: format!(
            "You are invited to the review room {}.\n\nOpen it here:\n{url}\n\n\
             The link is for you alone: whoever has it can enter the room.\n",
            room.name
        ),
    };
    let app = ctx.app().clone();
    ctx.after_commit(async move { mail::send(&app, mail).await });
}
