//! Comments on assets.
//!
//! They come from what is drawn in rooms. One of the scope `ASSET` is seen by all who see the asset,
//! one of `REVIEW_SESSION` by those who may know of the room.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::group::Deleted;
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::{AnyId, AssetId, CommentId, ProjectId, RoomId, UserId},
    rpc::{Caller, CallerKind, Ctx},
    store::{self, Db, comments::FoundComment, text::CommentScope},
    time::Millis,
};

/// The picture that a drawing is made for where nobody knows the size of the asset's.
const USUAL_SIZE: (u32, u32) = (1920, 1080);

/// A comment. The fields are those of the contract; the ones that have no meaning here are null.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Comment {
    asset_id: Option<AssetId>,
    channel_type: Option<String>,
    color: Option<String>,
    colorspace: Option<String>,
    completed_by_user_first_name: Option<String>,
    completed_by_user_id: Option<UserId>,
    completed_by_user_last_name: Option<String>,
    created: Option<Millis>,
    creator_email: Option<String>,
    creator_name: Option<String>,
    creator_role: Option<String>,
    description: Option<String>,
    has_drawing: Option<bool>,
    has_marker: Option<bool>,
    has_obsolete_drawing: Option<bool>,
    has_reply: Option<bool>,
    height: Option<i64>,
    id: Option<CommentId>,
    is_expired: Option<bool>,
    is_owner: Option<bool>,
    is_reply: Option<bool>,
    marker_duration: Option<f64>,
    marker_time: Option<f64>,
    marker_timecode: Option<String>,
    parent_id: Option<CommentId>,
    project_id: Option<ProjectId>,
    resolution_label: Option<String>,
    scope: Option<CommentScope>,
    #[serde(rename = "type")]
    kind: Option<String>,
    user_first_name: Option<String>,
    user_id: Option<UserId>,
    user_last_name: Option<String>,
    user_project_role: Option<String>,
    uuid: Option<String>,
    width: Option<i64>,
}

impl Comment {
    fn of(found: FoundComment, caller: &Caller) -> Self {
        let marker_time = seconds(&found);
        let row = found.row;
        let no = Some(false);
        Self {
            asset_id: Some(row.asset_id),
            channel_type: Some("PUBLIC".to_owned()),
            created: Some(row.created),
            creator_name: Some(format!("{} {}", found.first_name, found.last_name)),
            color: row
                .drawing
                .as_ref()
                .and_then(|drawing| drawing.0.strokes.first().map(|stroke| stroke.color.clone())),
            description: Some(row.description),
            has_drawing: Some(row.drawing.is_some()),
            has_marker: Some(marker_time.is_some()),
            has_obsolete_drawing: no,
            has_reply: no,
            height: found.height,
            id: Some(row.id),
            is_expired: no,
            is_owner: Some(row.user_id == caller.user_id),
            is_reply: no,
            marker_time,
            project_id: Some(found.project_id),
            scope: Some(row.scope),
            kind: Some("COMMENT".to_owned()),
            user_first_name: Some(found.first_name),
            user_id: Some(row.user_id),
            user_last_name: Some(found.last_name),
            uuid: row.uuid,
            width: found.width,
            ..Self::default()
        }
    }
}

/// When its frame begins, in seconds of the clip.
fn seconds(found: &FoundComment) -> Option<f64> {
    let (num, den) = found.fps_num.zip(found.fps_den).filter(|(num, _)| *num > 0)?;
    Some(found.row.frame? as f64 * den as f64 / num as f64)
}

/// Which comments are meant, of those that the caller sees.
struct Wanted {
    scopes: Option<Vec<CommentScope>>,
    room: Option<RoomId>,
    /// There is no channel but the public one.
    public: bool,
    with_asset_level: bool,
}

impl Wanted {
    fn takes(&self, found: &FoundComment) -> bool {
        let scope = found.row.scope;
        let scopes = self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope));
        let other_room = scope == CommentScope::ReviewSession
            && self.room.is_some_and(|room| found.row.room_id != Some(room));
        let level = self.with_asset_level || found.row.frame.is_some();
        self.public && scopes && !other_room && level
    }
}

/// The names of scopes in a request; one that there is not is an error.
fn scopes(
    names: Option<Vec<String>>,
    one: Option<CommentScope>,
) -> ApiResult<Option<Vec<CommentScope>>> {
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return Ok(one.map(|one| vec![one]));
    };
    let scope = |name: String| {
        serde_json::from_value(json!(name)).map_err(|_| {
            let message = "names a scope that there is not";
            ApiError::new(Code::INVALID_DATA).field("read_scopes", Code::INVALID_DATA, message)
        })
    };
    names.into_iter().map(scope).collect::<ApiResult<_>>().map(Some)
}

/// Whether the caller, who sees the asset, sees the comment too.
async fn sees(db: &mut Db, caller: &Caller, found: &FoundComment) -> ApiResult<bool> {
    // A guest hears what is said in their room, and not what is said of its clips elsewhere.
    if let CallerKind::Guest { room } = caller.kind
        && found.row.room_id != Some(room)
    {
        return Ok(false);
    }
    match (found.row.scope, found.row.room_id) {
        (CommentScope::Asset, _) => Ok(true),
        (_, Some(room)) => match access::room(db, caller, room).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::ROOM_NOT_FOUND => Ok(false),
            Err(error) => Err(error),
        },
        // Its room is gone: it is its maker's.
        (_, None) => Ok(found.row.user_id == caller.user_id),
    }
}

async fn of_asset(ctx: &mut Ctx, asset: &str, wanted: &Wanted) -> ApiResult<Vec<FoundComment>> {
    let caller = ctx.caller()?.clone();
    let (asset, _) = access::asset_by_name(ctx.db(), &caller, asset).await?;
    if let Some(room) = wanted.room {
        access::room(ctx.db(), &caller, room).await?;
    }
    let mut seen = Vec::new();
    for found in store::comments::of_asset(ctx.db(), asset.row.id).await? {
        if wanted.takes(&found) && sees(ctx.db(), &caller, &found).await? {
            seen.push(found);
        }
    }
    Ok(seen)
}

/// A comment that the caller sees.
async fn one(ctx: &mut Ctx, id: CommentId) -> ApiResult<FoundComment> {
    let caller = ctx.caller()?.clone();
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let found = store::comments::get(ctx.db(), id).await?.ok_or_else(unknown)?;
    access::asset(ctx.db(), &caller, found.row.asset_id).await?;
    if sees(ctx.db(), &caller, &found).await? { Ok(found) } else { Err(unknown()) }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListComments {
    asset_id: String,
    channel_type: Option<String>,
    include_asset_level_comments: Option<bool>,
    playlink_id: Option<AnyId>,
    read_scopes: Option<Vec<String>>,
    review_session_id: Option<RoomId>,
    scope: Option<CommentScope>,
}

/// The comments on an asset, in the order of their frames.
pub(super) async fn list(ctx: &mut Ctx, req: ListComments) -> ApiResult<Vec<Comment>> {
    let caller = ctx.caller()?.clone();
    let wanted = Wanted {
        scopes: scopes(req.read_scopes, req.scope)?,
        room: req.review_session_id,
        public: req.channel_type.as_deref() != Some("PRIVATE") && req.playlink_id.is_none(),
        with_asset_level: req.include_asset_level_comments != Some(false),
    };
    let found = of_asset(ctx, &req.asset_id, &wanted).await?;
    Ok(found.into_iter().map(|found| Comment::of(found, &caller)).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetComment {
    asset_id: String,
    channel_type: Option<String>,
    comment_id: CommentId,
    include_asset_level_comments: Option<bool>,
    playlink_id: Option<AnyId>,
    read_scopes: Option<Vec<String>>,
    review_session_id: Option<RoomId>,
    scope: Option<CommentScope>,
}

/// A comment on an asset.
pub(super) async fn get(ctx: &mut Ctx, req: GetComment) -> ApiResult<Comment> {
    let caller = ctx.caller()?.clone();
    let wanted = Wanted {
        scopes: scopes(req.read_scopes, req.scope)?,
        room: req.review_session_id,
        public: req.channel_type.as_deref() != Some("PRIVATE") && req.playlink_id.is_none(),
        with_asset_level: req.include_asset_level_comments != Some(false),
    };
    let (asset, _) = access::asset_by_name(ctx.db(), &caller, &req.asset_id).await?;
    let found = one(ctx, req.comment_id).await?;
    if found.row.asset_id != asset.row.id || !wanted.takes(&found) {
        return Err(ApiError::new(Code::NOT_FOUND));
    }
    Ok(Comment::of(found, &caller))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CountComments {
    asset_id: String,
    playlink_id: Option<AnyId>,
    read_scopes: Option<Vec<String>>,
    review_session_id: Option<RoomId>,
    scope: Option<CommentScope>,
}

/// How many comments there are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    asset_id: Option<String>,
    private_comments_count: Option<i64>,
    public_comments_count: Option<i64>,
}

/// How many comments on an asset the caller sees.
pub(super) async fn count(ctx: &mut Ctx, req: CountComments) -> ApiResult<Counted> {
    let wanted = Wanted {
        scopes: scopes(req.read_scopes, req.scope)?,
        room: req.review_session_id,
        public: req.playlink_id.is_none(),
        with_asset_level: true,
    };
    let found = of_asset(ctx, &req.asset_id, &wanted).await?;
    Ok(Counted {
        asset_id: Some(req.asset_id),
        private_comments_count: Some(0),
        public_comments_count: i64::try_from(found.len()).ok(),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetSvg {
    comment_id: CommentId,
}

/// What is drawn at a comment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Svg {
    has_drawing: Option<bool>,
    svg: Option<String>,
}

/// What is drawn at a comment, as SVG over a picture of the asset's size.
pub(super) async fn svg(ctx: &mut Ctx, req: GetSvg) -> ApiResult<Svg> {
    let found = one(ctx, req.comment_id).await?;
    let part = |part: Option<i64>| part.and_then(|part| u32::try_from(part).ok());
    let known = part(found.width).zip(part(found.height));
    let (width, height) = known.filter(|(w, h)| *w > 0 && *h > 0).unwrap_or(USUAL_SIZE);
    let svg = found.row.drawing.map(|drawing| drawing.0.to_svg(width, height));
    Ok(Svg { has_drawing: Some(svg.is_some()), svg })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteComment {
    id: String,
    include_replies: Option<bool>,
}

/// Deletes a comment: its maker may, and who may do everything in the folder of its asset.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteComment) -> ApiResult<Deleted> {
    let caller = ctx.caller()?.clone();
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let id = match req.id.parse() {
        Ok(id) => id,
        // The client's own name for it.
        Err(_) => store::comments::with_uuid(ctx.db(), caller.user_id, &req.id)
            .await?
            .ok_or_else(unknown)?,
    };
    let found = one(ctx, id).await?;
    let (_, rights) = access::asset(ctx.db(), &caller, found.row.asset_id).await?;
    if found.row.user_id != caller.user_id && !rights.is_admin {
        return Err(ApiError::new(Code::PERMISSION_DENIED));
    }
    let event = told(ctx.db(), "COMMENT_DELETED", &found).await?;
    store::comments::delete(ctx.db(), id).await?;
    ctx.emit(event);
    Ok(Deleted { deleted: Some(true) })
}

/// What those are told of a comment who see it.
pub(crate) async fn told(
    db: &mut Db,
    name: &'static str,
    found: &FoundComment,
) -> ApiResult<Event> {
    let mut audience = Vec::new();
    if found.row.scope == CommentScope::Asset {
        audience = store::live::audience(db, found.project_id).await?;
    }
    if let Some(room) = found.row.room_id {
        audience.extend(store::rooms::audience(db, room).await?);
    }
    let data = json!({
        "id": found.row.id,
        "asset_id": found.row.asset_id,
        "project_id": found.project_id,
        "review_session_id": found.row.room_id,
    });
    Ok(Event { name, data, to: Audience::Users(audience) })
}
