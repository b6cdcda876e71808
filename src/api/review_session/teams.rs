//! The teams of a room.

use serde::{Deserialize, Serialize};

use super::{RoomOnly, people, tell_updated};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{RoomId, TeamId},
    rpc::{Caller, Ctx},
    store::{self, rooms::RoomRow},
};

/// A team of a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RoomTeam {
    review_session_id: Option<RoomId>,
    team_id: Option<TeamId>,
}

/// The teams of a room.
pub(crate) async fn list(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<Vec<RoomTeam>> {
    let caller = ctx.user()?.clone();
    access::room(ctx.db(), &caller, req.id).await?;
    let teams = store::rooms::teams(ctx.db(), req.id).await?;
    let team = |id| RoomTeam { review_session_id: Some(req.id), team_id: Some(id) };
    Ok(teams.into_iter().map(team).collect())
}

/// Which teams a room is to have.
pub(super) struct Teams {
    /// All of them; none: those that it has.
    pub(super) ids: Option<Vec<TeamId>>,
    /// It is in another production than before, where not all that it has may be.
    pub(super) moved: bool,
}

/// Makes these the teams of a room, if the caller may know of those that are new. Who attended by a
/// team that goes leaves.
pub(super) async fn set(
    ctx: &mut Ctx,
    caller: &Caller,
    room: &RoomRow,
    wanted: Teams,
) -> ApiResult<()> {
    let before = store::rooms::teams(ctx.db(), room.id).await?;
    let teams = match wanted.ids {
        Some(teams) => teams,
        None if wanted.moved => before.clone(),
        None => return Ok(()),
    };
    for id in teams.iter().filter(|id| wanted.moved || !before.contains(id)) {
        need_team(ctx, caller, room, *id).await?;
    }
    store::rooms::set_teams(ctx.db(), room.id, &teams).await?;
    people_left(ctx).await
}

/// Refuses a team that the caller does not know of, or that is none of the production's company, or
/// another production's.
async fn need_team(ctx: &mut Ctx, caller: &Caller, room: &RoomRow, id: TeamId) -> ApiResult<()> {
    let refused = |error: ApiError| {
        let (code, message) = (error.code(), format!("there is no team {id} for this room"));
        error.field("team_ids", code, message)
    };
    let team = match access::team(ctx.db(), caller, id).await {
        Err(error) if error.code() == Code::NOT_FOUND => return Err(refused(error)),
        team => team?.row,
    };
    let group = store::groups::get(ctx.db(), room.production_id).await?;
    let fits = group.is_some_and(|group| group.company_id == team.company_id)
        && team.production_id.is_none_or(|production| production == room.production_id);
    if fits { Ok(()) } else { Err(refused(ApiError::new(Code::NOT_A_TEAM_OF_COMPANY))) }
}

/// Takes the seats of those who had them by a team in which they are no more, or which is the
/// room's no more. For whoever changed that.
pub(crate) async fn people_left(ctx: &mut Ctx) -> ApiResult<()> {
    let ended = store::rooms::ended_by_team(ctx.db()).await?;
    for seat in &ended {
        people::unseat(ctx, seat.room_id, seat.user_id).await?;
        if seat.is_host {
            people::hosts_changed(ctx, seat.room_id).await?;
        }
        tell_updated(ctx, seat.room_id).await?;
    }
    Ok(())
}
