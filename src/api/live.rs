//! Live registrations: named sources that may publish into a folder.

use std::sync::Arc;

use rushes_media::StreamState;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access::{self, Permission},
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{GroupId, ProjectId, RegistrationId, UserId},
    live::{self, qtake::Told},
    rpc::Ctx,
    secret::Secret,
    store::{
        self, Object,
        live::{NewRegistration, RegistrationRow},
        projects::SeenProject,
        text::SourceKind,
    },
    time::Millis,
};

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
    let token = Secret::random();
    let new = NewRegistration {
        token_sha256: Some(token.digest()),
        ..new_registration(req, caller.user_id, SourceKind::Whip)
    };
    let id = new.id;
    store::live::create(ctx.db(), &new, now).await?;
    let row = store::live::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    Ok(CreatedWhip {
        id: Some(id),
        success: Some(true),
        token: Some(token),
        url: Some(live::publish_url(ctx.app(), &row)),
    })
}

/// A registration under names that the server chooses, without a token.
pub(super) fn new_registration(
    req: CreateRegistration,
    owner: UserId,
    kind: SourceKind,
) -> NewRegistration {
    let id = RegistrationId::new();
    NewRegistration {
        id,
        project_id: req.project_id,
        owner_id: owner,
        kind,
        room_id: None,
        name: req.name,
        description: req.description,
        device: id.to_string(),
        stream: live::FIRST_STREAM.to_owned(),
        token_sha256: None,
    }
}

/// A new registration of a screen.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedDesktop {
    id: Option<RegistrationId>,
    success: Option<bool>,
}

/// Registers a screen. The contract's answer has no token: who may upload into the folder publishes
/// it with their own, by WHIP, to the address that stands in the list as `registration_data`.
pub(super) async fn create_desktop(
    ctx: &mut Ctx,
    req: CreateRegistration,
) -> ApiResult<CreatedDesktop> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    access::project_for(ctx.db(), &caller, project, Permission::CreateLiveStream).await?;
    let new = new_registration(req, caller.user_id, SourceKind::Desktop);
    store::live::create(ctx.db(), &new, now).await?;
    Ok(CreatedDesktop { id: Some(new.id), success: Some(true) })
}

/// A registration, if the caller may do this in its folder. One that is a screen shared in a room is
/// there for the folder's administrators alone.
pub(super) async fn registration(
    ctx: &mut Ctx,
    id: RegistrationId,
    permission: Permission,
) -> ApiResult<(RegistrationRow, SeenProject)> {
    let (caller, unknown) = (ctx.user()?.clone(), ApiError::new(Code::NOT_FOUND));
    let Some(row) = store::live::get(ctx.db(), id).await? else { return Err(unknown) };
    let seen = access::project_for(ctx.db(), &caller, row.project_id, permission).await?;
    let hidden = row.room_id.is_some() && !seen.rights().is_admin;
    if hidden { Err(unknown) } else { Ok((row, seen)) }
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
    kind: Option<SourceKind>,
}

/// Who asks for registrations, and when: the links in the answer are for them.
struct Asked {
    app: Arc<App>,
    by: UserId,
    at: Millis,
}

impl Asked {
    fn of(ctx: &Ctx) -> ApiResult<Self> {
        Ok(Self { app: Arc::clone(ctx.app()), by: ctx.user()?.user_id, at: ctx.now() })
    }
}

impl Registration {
    /// What a registration does at the moment: `WAITING` for a publisher, `CONNECTING`, or `LIVE`.
    /// `others` are those that may publish under it.
    async fn of(asked: &Asked, row: &RegistrationRow, others: &[RegistrationRow]) -> Self {
        let app = &asked.app;
        let qtake = live::qtake::told(app, row, others).await;
        let mut details = figures(app, row, qtake.as_ref()).await;
        let state = details.remove("state");
        let stopped = row.stopped.then(|| json!("STOPPED"));
        let state = stopped.or(state);
        if row.kind == SourceKind::Composite {
            details.insert("layout".to_owned(), json!(row.layout()));
        }
        if state == Some(json!(StreamState::Live)) {
            let url = live::pictures::url(app, row.id, asked.by, asked.at);
            details.insert("picture_url".to_owned(), json!(url));
        }
        // A project of QTAKE's is no device.
        if row.kind != SourceKind::Qtake {
            for (name, value) in [
                ("asset_id", json!(row.asset_id)),
                ("device", json!(row.device)),
                ("stream", json!(row.stream)),
            ] {
                details.insert(name.to_owned(), value);
            }
        }
        if live::slates::may_have(row.kind) {
            details.insert("slate".to_owned(), json!(row.slate));
        }
        Self {
            additional_details: Some(details),
            description: Some(row.description.clone()),
            id: Some(row.id),
            last_connected: row.last_connected,
            name: Some(row.name.clone()),
            registration_data: match row.kind {
                SourceKind::Whip | SourceKind::Desktop => Some(live::publish_url(app, row)),
                SourceKind::Srt | SourceKind::Elementallink => Some(live::srt::url(app, row.id)),
                SourceKind::Raw => Some(live::rtp::url(app)),
                SourceKind::Composite => Some(live::view_url(app, row.id)),
                SourceKind::Qtake => qtake.map(|told| live::qtake::url(app, &told.row)),
            },
            status: state.and_then(|state| state.as_str().map(str::to_owned)),
            kind: Some(row.kind),
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
    let seen = access::project_for(ctx.db(), &caller, req.project_id, Permission::View).await?;
    let mut rows = store::live::of_project(ctx.db(), req.project_id).await?;
    rows.retain(|row| row.room_id.is_none() || seen.rights().is_admin);
    let asked = Asked::of(ctx)?;
    let mut listed = Vec::with_capacity(rows.len());
    for row in &rows {
        listed.push(Registration::of(&asked, row, &rows).await);
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
    let id = req.id;
    let (row, _) = registration(ctx, id, Permission::CreateLiveStream).await?;
    // What publishes under a project of QTAKE's goes with it.
    let mut ending = store::live::qtake::streams(ctx.db(), id).await?;
    store::live::qtake::delete_streams(ctx.db(), id).await?;
    store::live::delete(ctx.db(), id).await?;
    ending.push(row);
    let app = ctx.app().clone();
    ctx.after_commit(async move {
        for row in ending {
            live::rtp::unregister(&app, row.id);
            if row.kind == SourceKind::Composite {
                live::composites::follow(&app, row.id).await;
            }
            if row.slate {
                live::slates::follow(&app, row.id).await;
            }
            live::end(&app, row.id, row.asset_id).await;
        }
    });
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
    let id = req.id.ok_or(ApiError::new(Code::NOT_FOUND))?;
    let (row, seen) = registration(ctx, id, Permission::View).await?;
    let mut breadcrumbs = Vec::new();
    for (id, name) in store::projects::ancestors(ctx.db(), row.project_id).await? {
        // The names of folders that the caller does not see stay unsaid.
        if store::projects::seen(ctx.db(), caller.user_id, id).await?.is_some() {
            breadcrumbs.push(json!({ "id": id, "name": name }));
        }
    }
    let group = store::groups::seen(ctx.db(), caller.user_id, seen.row.production_id).await?;
    let under = match row.kind {
        SourceKind::Qtake => store::live::qtake::streams(ctx.db(), row.id).await?,
        _ => Vec::new(),
    };
    let mut registration = Registration::of(&Asked::of(ctx)?, &row, &under).await;
    if seen.rights().may(Permission::CreateLiveStream)
        && let Some(details) = &mut registration.additional_details
    {
        details.insert("viewer_statistics".to_owned(), watchers(ctx.app(), &row).await);
        if live::srt::is_srt(row.kind) {
            details.insert("source_address".to_owned(), json!(address(ctx.app(), &row)));
        }
    }
    Ok(Details {
        registration,
        breadcrumbs: Some(breadcrumbs),
        group: Some(seen.row.production_id),
        group_name: group.map(|group| group.row.name),
        project: Some(row.project_id),
        project_name: Some(seen.row.name),
        // A project of QTAKE's shows nothing itself.
        stream_uri: (row.kind != SourceKind::Qtake).then(|| live::view_url(ctx.app(), row.id)),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListServers {
    /// The address that a source is viewed at, or the id of the source or of its asset.
    stream_uri: String,
}

/// What `RTCPeerConnection` is to be made with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Servers {
    webrtc_server_configuration: Option<Object>,
}

/// The STUN and TURN servers for those who may watch a source, with credentials that end.
pub(super) async fn servers(ctx: &mut Ctx, req: ListServers) -> ApiResult<Vec<Servers>> {
    let caller = ctx.caller()?.clone();
    let row = live::by_name(ctx.db(), live::id_in_url(&req.stream_uri)).await?;
    live::may_watch(ctx.db(), &caller, &row).await?;
    let configuration = live::ice::configuration(&live::ice_servers(ctx.app()));
    Ok(vec![Servers { webrtc_server_configuration: configuration.as_object().cloned() }])
}

/// Sources that are told of at a time.
const TOLD: i64 = 200;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminInfo {
    /// The id of a source or of its asset, or the address it is viewed at; none: all sources.
    stream_identifier: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Info {
    details: Option<Object>,
}

/// For administrators: the sources of their companies with what is measured of them, those who
/// watch a single one, and what the server knows of its own addresses.
pub(super) async fn info(ctx: &mut Ctx, req: AdminInfo) -> ApiResult<Info> {
    let caller = ctx.user()?.clone();
    if !store::live::is_administrator(ctx.db(), caller.user_id).await? {
        return Err(ApiError::new(Code::PERMISSION_DENIED));
    }
    let mut rows = store::live::administered(ctx.db(), caller.user_id, TOLD).await?;
    if let Some(wanted) = &req.stream_identifier {
        let found = live::by_name(ctx.db(), live::id_in_url(wanted)).await?;
        rows.retain(|row| row.id == found.id);
        if rows.is_empty() {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
    }
    let app = Arc::clone(ctx.app());
    let mut streams = Vec::with_capacity(rows.len());
    for row in &rows {
        let qtake = live::qtake::told(&app, row, &rows).await;
        let mut told = figures(&app, row, qtake.as_ref()).await;
        told.insert("id".to_owned(), json!(row.id));
        told.insert("name".to_owned(), json!(row.name));
        told.insert("project_id".to_owned(), json!(row.project_id));
        told.insert("last_connected".to_owned(), json!(row.last_connected));
        if req.stream_identifier.is_some() {
            told.insert("viewer_statistics".to_owned(), watchers(&app, row).await);
        }
        streams.push(Value::Object(told));
    }
    let servers: Vec<String> = app.config.ice_servers.iter().map(ToString::to_string).collect();
    let details = json!({
        "server": {
            "webrtc": app.media.local_addr(),
            "webrtc_hosts": app.config.webrtc_hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "reachability": app.reachability,
            "ice_servers": servers,
            "sessions_allowed": app.config.limits.sessions,
            "rtp": live::rtp::info(&app),
        },
        "streams": streams,
    });
    Ok(Info { details: details.as_object().cloned() })
}

/// What is measured of a source.
async fn figures(app: &App, row: &RegistrationRow, qtake: Option<&Told>) -> Object {
    let status = app.media.status(live::stream_of(row.id)).await;
    let since = status.since.map(|since| Millis(since).to_string());
    let source = app.srt.get().and_then(|srt| srt.status(live::stream_of(row.id)));
    let raw = app.rtp.get().and_then(|rtp| rtp.status(live::stream_of(row.id)));
    let told = source.as_ref().map(|source| source.problems.as_slice());
    let told = told.or(raw.as_ref().map(|raw| raw.problems.as_slice()));
    let mut problems = live::problems(&status, told);
    problems.extend(qtake.and_then(Told::problem).map(str::to_owned));
    if row.kind == SourceKind::Raw
        && let Some(rtp) = app.rtp.get()
        && let Ok(source) = row.device.parse()
    {
        problems.extend(live::reach::unheard(source, rtp.local_addr()));
    }
    let composite =
        (row.kind == SourceKind::Composite).then(|| live::composites::status(app, row.id));
    problems.extend(composite.iter().flat_map(|(_, problems)| problems.clone()));
    let mut figures = serde_json::to_value(status).unwrap_or_default();
    let figures = figures.as_object_mut().map(std::mem::take).unwrap_or_default();
    let mut more = vec![("since", json!(since)), ("problems", json!(problems))];
    more.push(("recording", json!(live::recordings::status(app, row.id))));
    if let Some(qtake) = qtake {
        more.push(("qtake", qtake.details()));
        more.extend(qtake.state.clone().map(|state| ("state", state)));
    }
    if let Some((composite, _)) = composite {
        more.push(("composite", composite));
    }
    if live::srt::is_srt(row.kind) {
        more.push(("stream_id", json!(row.id)));
        more.push(("url", json!(live::srt::url(app, row.id))));
        more.push(("srt", json!(source.as_ref().map(|source| &source.srt))));
        more.push(("frames_lost", json!(source.as_ref().map(|source| source.frames_lost))));
        more.push(("packets_skipped", json!(source.as_ref().map(|source| source.skipped))));
    }
    if row.kind == SourceKind::Raw {
        more.push(("url", json!(live::rtp::url(app))));
        more.push(("rtp", json!(raw.as_ref().map(|raw| &raw.rtp))));
        let declared = app.rtp.get().and_then(|rtp| rtp.declared(live::stream_of(row.id)));
        more.push(("declared", json!(declared.as_deref())));
        more.push(("frames_lost", json!(raw.as_ref().map(|raw| raw.frames_lost))));
        more.push(("packets_skipped", json!(raw.as_ref().map(|raw| raw.skipped))));
    }
    let more = more.into_iter().map(|(name, value)| (name.to_owned(), value));
    figures.into_iter().chain(more).collect()
}

/// Where an SRT source is, while it is connected.
fn address(app: &App, row: &RegistrationRow) -> Option<String> {
    Some(app.srt.get()?.status(live::stream_of(row.id))?.srt.remote)
}

/// What is measured of those who watch a source.
async fn watchers(app: &App, row: &RegistrationRow) -> Value {
    let viewers = app.media.viewers(live::stream_of(row.id)).await;
    serde_json::to_value(viewers).unwrap_or_default()
}
