//! Live registrations: named sources that may publish into a folder.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access::{self, Permission},
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{GroupId, ProjectId, RegistrationId},
    live,
    rpc::Ctx,
    secret::Secret,
    store::{
        self, Object,
        live::{NewRegistration, RegistrationRow},
    },
    time::Millis,
};

/// The stream of a registration with a token of its own; devices may have several.
const FIRST_STREAM: &str = "1";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateRegistration {
    pub(super) description: String,
    pub(super) name: String,
    pub(super) project_id: ProjectId,
}

/// A new WHIP registration. Its token is shown here and never again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedWhip {
    id: Option<RegistrationId>,
    success: Option<bool>,
    token: Option<Secret>,
    url: Option<String>,
}

/// Registers a source that publishes over WHIP, as OBS does.
pub(super) async fn create_whip(ctx: &mut Ctx, req: CreateRegistration) -> ApiResult<CreatedWhip> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    access::project_for(ctx.db(), &caller, project, Permission::CreateLiveStream).await?;
    let (id, token) = (RegistrationId::new(), Secret::random());
    let new = NewRegistration {
        id,
        project_id: project,
        owner_id: caller.user_id,
        name: req.name,
        description: req.description,
        device: id.to_string(),
        stream: FIRST_STREAM.to_owned(),
        token_sha256: Some(token.digest()),
    };
    store::live::create(ctx.db(), &new, now).await?;
    let row = store::live::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    Ok(CreatedWhip {
        id: Some(id),
        success: Some(true),
        token: Some(token),
        url: Some(live::publish_url(ctx.app(), &row)),
    })
}

/// A registration in a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Registration {
    additional_details: Option<Object>,
    description: Option<String>,
    id: Option<RegistrationId>,
    last_connected: Option<Millis>,
    name: Option<String>,
    registration_data: Option<String>,
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Registration {
    /// What a registration does at the moment: `WAITING` for a publisher, `CONNECTING`, or `LIVE`.
    async fn of(app: &App, row: &RegistrationRow) -> Self {
        let status = app.media.status(live::stream_of(row.id)).await;
        let state = serde_json::to_value(status.state).ok();
        let details = json!({
            "asset_id": row.asset_id,
            "audio": status.audio,
            "device": row.device,
            "since": status.since.map(|since| Millis(since).to_string()),
            "stream": row.stream,
            "video": status.video,
            "viewers": status.viewers,
        });
        Self {
            additional_details: details.as_object().cloned(),
            description: Some(row.description.clone()),
            id: Some(row.id),
            last_connected: row.last_connected,
            name: Some(row.name.clone()),
            registration_data: Some(live::publish_url(app, row)),
            status: state.and_then(|state| state.as_str().map(str::to_owned)),
            kind: Some(row.kind.clone()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListRegistrations {
    pub(super) project_id: ProjectId,
}

/// The sources of a folder, each with what it does at the moment.
pub(super) async fn list(ctx: &mut Ctx, req: ListRegistrations) -> ApiResult<Vec<Registration>> {
    let caller = ctx.user()?.clone();
    access::project_for(ctx.db(), &caller, req.project_id, Permission::View).await?;
    let rows = store::live::of_project(ctx.db(), req.project_id).await?;
    let mut listed = Vec::with_capacity(rows.len());
    for row in &rows {
        listed.push(Registration::of(ctx.app(), row).await);
    }
    Ok(listed)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteRegistration {
    pub(super) id: RegistrationId,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Deleted {
    success: Option<bool>,
}

/// Deletes a source, and ends its publisher and its viewers.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteRegistration) -> ApiResult<Deleted> {
    let (caller, id) = (ctx.user()?.clone(), req.id);
    let row = store::live::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    access::project_for(ctx.db(), &caller, row.project_id, Permission::CreateLiveStream).await?;
    store::live::delete(ctx.db(), id).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move { live::end(&app, id, row.asset_id).await });
    Ok(Deleted { success: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetDetails {
    pub(super) id: Option<RegistrationId>,
}

/// A registration with its surroundings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Details {
    #[serde(flatten)]
    registration: Registration,
    breadcrumbs: Option<Vec<Value>>,
    group: Option<GroupId>,
    group_name: Option<String>,
    project: Option<ProjectId>,
    project_name: Option<String>,
    /// The address that it is viewed at, over WHEP.
    stream_uri: Option<String>,
}

/// A source, and what it does at the moment.
pub(super) async fn details(ctx: &mut Ctx, req: GetDetails) -> ApiResult<Details> {
    let caller = ctx.user()?.clone();
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let id = req.id.ok_or_else(unknown)?;
    let row = store::live::get(ctx.db(), id).await?.ok_or_else(unknown)?;
    let seen = access::project_for(ctx.db(), &caller, row.project_id, Permission::View).await?;
    let mut breadcrumbs = Vec::new();
    for (id, name) in store::projects::ancestors(ctx.db(), row.project_id).await? {
        // The names of folders that the caller does not see stay unsaid.
        if store::projects::seen(ctx.db(), caller.user_id, id).await?.is_some() {
            breadcrumbs.push(json!({ "id": id, "name": name }));
        }
    }
    let group = store::groups::seen(ctx.db(), caller.user_id, seen.row.production_id).await?;
    Ok(Details {
        registration: Registration::of(ctx.app(), &row).await,
        breadcrumbs: Some(breadcrumbs),
        group: Some(seen.row.production_id),
        group_name: group.map(|group| group.row.name),
        project: Some(row.project_id),
        project_name: Some(seen.row.name),
        stream_uri: Some(live::view_url(ctx.app(), row.id)),
    })
}
