//! The home page: what somebody has pinned and put on it, and the search across it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{company_people::page, group::Deleted, group_fields, participant::Updated};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, GroupId, UserId},
    rpc::{Ctx, Empty},
    store::{
        self, Json, Object,
        text::{DetailSort, SortDirection, WidgetType},
        widgets::{self, WidgetRow},
    },
    time::Millis,
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pin {
    pinned: bool,
    production_id: GroupId,
}

/// Puts a production on the caller's home page, or takes it off.
pub(super) async fn pin(ctx: &mut Ctx, req: Pin) -> ApiResult<Updated> {
    let caller = ctx.user()?.clone();
    access::group(ctx.db(), &caller, req.production_id).await?;
    let (user, group) = (caller.user_id, req.production_id);
    store::production_folders::pin(ctx.db(), user, group, req.pinned).await?;
    Ok(Updated { updated: Some(true) })
}

/// Something on a home page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Widget {
    order: Option<i64>,
    widget_definition: Option<Object>,
    widget_id: Option<AnyId>,
    widget_name: Option<String>,
    widget_settings: Option<Object>,
    widget_type: Option<WidgetType>,
}

impl From<WidgetRow> for Widget {
    fn from(row: WidgetRow) -> Self {
        Self {
            order: Some(row.sort_index),
            widget_definition: Some(row.definition.0),
            widget_id: Some(row.id),
            widget_name: Some(row.name),
            widget_settings: Some(row.settings.0),
            widget_type: Some(row.kind),
        }
    }
}

/// Most things on one home page.
const MOST: usize = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateWidget {
    widget_definition: Object,
    widget_name: String,
    widget_order: Option<i64>,
    widget_settings: Object,
    widget_type: WidgetType,
}

/// Puts something on the caller's home page: last, if it is not said where.
pub(super) async fn create(ctx: &mut Ctx, req: CreateWidget) -> ApiResult<Widget> {
    let (user, now) = (ctx.user()?.user_id, ctx.now());
    let all = widgets::list(ctx.db(), user).await?;
    if all.len() >= MOST {
        return Err(ApiError::new(Code::IN_USE).message(format!("{MOST} widgets are the most")));
    }
    let last = all.iter().map(|row| row.sort_index).max();
    let row = WidgetRow {
        id: AnyId::new(),
        user_id: user,
        name: req.widget_name,
        kind: req.widget_type,
        definition: Json(req.widget_definition),
        settings: Json(req.widget_settings),
        sort_index: req.widget_order.or(last.map(|last| last + 1)).unwrap_or(0),
        created: now,
    };
    widgets::insert(ctx.db(), &row).await?;
    Ok(row.into())
}

/// Something on the caller's own home page.
async fn own(ctx: &mut Ctx, user: UserId, id: AnyId) -> ApiResult<WidgetRow> {
    let row = widgets::get(ctx.db(), id).await?.filter(|row| row.user_id == user);
    row.ok_or(ApiError::new(Code::NOT_FOUND))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UpdateWidget {
    widget_definition: Option<Object>,
    widget_id: AnyId,
    widget_name: Option<String>,
    widget_settings: Option<Object>,
    widget_type: Option<WidgetType>,
}

/// Changes what is given of something on the caller's home page.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateWidget) -> ApiResult<Widget> {
    let user = ctx.user()?.user_id;
    let row = own(ctx, user, req.widget_id).await?;
    let row = WidgetRow {
        name: req.widget_name.unwrap_or(row.name),
        kind: req.widget_type.unwrap_or(row.kind),
        definition: req.widget_definition.map_or(row.definition, Json),
        settings: req.widget_settings.map_or(row.settings, Json),
        ..row
    };
    widgets::update(ctx.db(), &row).await?;
    Ok(row.into())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteWidget {
    widget_id: AnyId,
}

/// Takes something off the caller's home page.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteWidget) -> ApiResult<Deleted> {
    let user = ctx.user()?.user_id;
    own(ctx, user, req.widget_id).await?;
    widgets::delete(ctx.db(), req.widget_id).await?;
    Ok(Deleted { deleted: Some(true) })
}

/// What is on the caller's home page, in its order.
pub(super) async fn list(ctx: &mut Ctx, _: Empty) -> ApiResult<Vec<Widget>> {
    let user = ctx.user()?.user_id;
    Ok(widgets::list(ctx.db(), user).await?.into_iter().map(Widget::from).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateWidgets {
    widget_details: Vec<Value>,
}

/// One change of several.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "SCREAMING_SNAKE_CASE")]
enum Change {
    Create(CreateWidget),
    Update(UpdateWidget),
    Delete(DeleteWidget),
}

/// Makes several changes of the caller's home page, all or none; each has an `action`: `CREATE`,
/// `UPDATE` or `DELETE`, beside what the single change takes. Answers the whole page.
pub(super) async fn update_all(ctx: &mut Ctx, req: UpdateWidgets) -> ApiResult<Vec<Widget>> {
    for (index, value) in req.widget_details.into_iter().enumerate() {
        let change: Change = serde_json::from_value(value).map_err(|error| {
            let message = format!("element {index}: {error}");
            ApiError::new(Code::INVALID_DATA).field("widget_details", Code::INVALID_DATA, message)
        })?;
        match change {
            Change::Create(req) => {
                create(ctx, req).await?;
            }
            Change::Update(req) => {
                update(ctx, req).await?;
            }
            Change::Delete(req) => {
                delete(ctx, req).await?;
            }
        }
    }
    list(ctx, Empty {}).await
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OrderWidgets {
    widget_order: Vec<Value>,
}

/// A place of something on a home page.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Place {
    Here(AnyId),
    At { widget_id: AnyId, order: i64 },
}

/// Orders the caller's home page: by a list of ids, or of ids with their places.
pub(super) async fn order(ctx: &mut Ctx, req: OrderWidgets) -> ApiResult<Updated> {
    let user = ctx.user()?.user_id;
    for (index, value) in req.widget_order.into_iter().enumerate() {
        let place: Place = serde_json::from_value(value).map_err(|_| {
            let message = format!("element {index} is neither an id nor {{widget_id, order}}");
            ApiError::new(Code::INVALID_DATA).field("widget_order", Code::INVALID_DATA, message)
        })?;
        let (id, order) = match place {
            Place::Here(id) => (id, i64::try_from(index).unwrap_or(i64::MAX)),
            Place::At { widget_id, order } => (widget_id, order),
        };
        let row = own(ctx, user, id).await?;
        widgets::update(ctx.db(), &WidgetRow { sort_index: order, ..row }).await?;
    }
    Ok(Updated { updated: Some(true) })
}

/// How many things a widget shows at most, if nothing else is said.
const PAGE: i64 = 50;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetDetails {
    limit: Option<i64>,
    message_types: Option<Vec<String>>,
    production_id: Option<GroupId>,
    search_term: Option<String>,
    sort_by: Option<DetailSort>,
    sort_direction: Option<SortDirection>,
    unplayed_only: Option<bool>,
    unread_only: Option<bool>,
    view_by_production: Option<bool>,
    widget_id: AnyId,
    with_pagination: Option<bool>,
}

/// What a widget shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Details {
    assets: Option<Vec<Value>>,
    messages: Option<Vec<Value>>,
    productions: Option<Vec<Value>>,
    widget_data_types: Option<Vec<String>>,
}

/// What something on the caller's home page shows: productions, the pinned first.
pub(super) async fn details(ctx: &mut Ctx, req: GetDetails) -> ApiResult<Details> {
    let user = ctx.user()?.user_id;
    let row = own(ctx, user, req.widget_id).await?;
    let limit = usize::try_from(page(req.limit, PAGE)?).unwrap_or(usize::MAX);
    if row.kind == WidgetType::SharedPlaylists {
        // Nothing is shared by message here: the inbox is empty for everybody.
        return Ok(Details {
            assets: Some(Vec::new()),
            messages: Some(Vec::new()),
            productions: Some(Vec::new()),
            widget_data_types: Some(vec!["MESSAGES".to_owned()]),
        });
    }
    let wanted = req.search_term.as_deref().unwrap_or_default().trim().to_lowercase();
    let mut groups = store::groups::list_seen(ctx.db(), user, None).await?;
    groups.retain(|group| {
        group.row.name.to_lowercase().contains(&wanted)
            && req.production_id.is_none_or(|id| group.row.id == id)
    });
    if req.sort_by == Some(DetailSort::Date) {
        groups.sort_by_key(|group| (group.row.modified, group.row.id));
    }
    if req.sort_direction == Some(SortDirection::Desc) {
        groups.reverse();
    }
    groups.sort_by_key(|group| !group.is_pinned);
    groups.truncate(limit);
    let productions =
        groups.into_iter().map(|seen| serde_json::to_value(group_fields::listed(seen)));
    let productions = productions.collect::<Result<_, _>>();
    Ok(Details {
        assets: Some(Vec::new()),
        messages: Some(Vec::new()),
        productions: Some(productions.map_err(|error| ApiError::internal(&error))?),
        widget_data_types: Some(vec!["PRODUCTIONS".to_owned()]),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    include_thumbnails: Option<bool>,
    search: String,
}

/// A message or a shared playlist.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Found {
    allow_download: Option<bool>,
    allow_edit: Option<bool>,
    allow_offline: Option<bool>,
    asset_count: Option<i64>,
    blurhash: Option<String>,
    body: Option<String>,
    can_be_restricted: Option<bool>,
    company_id: Option<AnyId>,
    company_name: Option<String>,
    created: Option<Millis>,
    expire_days: Option<i64>,
    expiry: Option<Millis>,
    folder: Option<String>,
    group_color: Option<i64>,
    group_id: Option<AnyId>,
    group_name: Option<String>,
    id: Option<AnyId>,
    is_deferred: Option<bool>,
    is_expired: Option<bool>,
    is_live: Option<bool>,
    is_share: Option<bool>,
    is_starred: Option<bool>,
    is_unread: Option<bool>,
    is_unviewed: Option<bool>,
    last_modified: Option<Millis>,
    message_id: Option<AnyId>,
    modified_since: Option<Millis>,
    playlink_id: Option<AnyId>,
    playlist_id: Option<AnyId>,
    playlist_name: Option<String>,
    playlist_thumbnail_url: Option<String>,
    playlist_thumbnail_url_2x: Option<String>,
    playlist_thumbnail_url_3x: Option<String>,
    project_id: Option<AnyId>,
    project_name: Option<String>,
    read_timestamp: Option<Millis>,
    search_context: Option<String>,
    sender_first_name: Option<String>,
    sender_last_name: Option<String>,
    sender_role: Option<String>,
    sender_user_id: Option<AnyId>,
    share_id: Option<AnyId>,
    share_name: Option<String>,
    share_sent_date: Option<Millis>,
    start: Option<Millis>,
    subject: Option<String>,
    thumbnail_url: Option<String>,
    thumbnail_url_2x: Option<String>,
    thumbnail_url_3x: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    unviewed_count: Option<i64>,
}

/// The messages and shared playlists of the caller that have a text in them. There is no way yet
/// by which somebody could have been sent one.
pub(super) async fn search(ctx: &mut Ctx, req: Search) -> ApiResult<Vec<Found>> {
    ctx.user()?;
    if req.search.trim().is_empty() {
        let message = "must not be empty";
        return Err(ApiError::new(Code::INVALID_DATA).field("search", Code::INVALID_DATA, message));
    }
    Ok(Vec::new())
}
