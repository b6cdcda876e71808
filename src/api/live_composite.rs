//! Live registrations that show other ones, side by side.

use rushes_media::composite::Layout;
use serde::{Deserialize, Serialize};

use super::live::{CreateRegistration, new_registration};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{GroupId, ProjectId, RegistrationId},
    live::{self, layout},
    rpc::Ctx,
    store::{self, Object, live::NewRegistration, text::SourceKind},
};

/// What a composite goes by beside its id.
const STREAM: &str = "composite";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateComposite {
    description: String,
    layout: Option<Object>,
    name: String,
    project_id: ProjectId,
}

/// A new composite.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatedComposite {
    id: Option<RegistrationId>,
    /// The address that it is viewed at.
    stream_uri: Option<String>,
    success: Option<bool>,
}

/// Registers a composite, which is made from then on.
pub(super) async fn create(ctx: &mut Ctx, req: CreateComposite) -> ApiResult<CreatedComposite> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let project = req.project_id;
    let permission = Permission::CreateLiveStream;
    let seen = access::project_for(ctx.db(), &caller, project, permission).await?;
    let object = req.layout.unwrap_or_default();
    check(ctx, &object, seen.row.production_id).await?;
    let most = ctx.app().config.composites;
    if store::live::composites::all(ctx.db()).await?.len() >= most {
        let why = format!("this server makes {most} composites at a time (--composites)");
        return Err(ApiError::new(Code::TOO_FAST).message(why));
    }
    let asked =
        CreateRegistration { project_id: project, name: req.name, description: req.description };
    let new = NewRegistration {
        stream: STREAM.to_owned(),
        ..new_registration(asked, caller.user_id, SourceKind::Composite)
    };
    let id = new.id;
    store::live::create(ctx.db(), &new, now).await?;
    store::live::composites::set_layout(ctx.db(), id, &object).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move { live::composites::follow(&app, id).await });
    let stream_uri = Some(live::view_url(ctx.app(), id));
    Ok(CreatedComposite { id: Some(id), stream_uri, success: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateComposite {
    description: String,
    id: RegistrationId,
    layout: Object,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Updated {
    success: Option<bool>,
}

/// Gives a composite another layout, which those who watch it see at once.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateComposite) -> ApiResult<Updated> {
    let id = req.id;
    let (row, seen) = super::live::registration(ctx, id, Permission::CreateLiveStream).await?;
    if row.kind != SourceKind::Composite {
        return Err(ApiError::new(Code::NOT_FOUND));
    }
    check(ctx, &req.layout, seen.row.production_id).await?;
    store::live::describe(ctx.db(), id, &req.name, &req.description).await?;
    store::live::composites::set_layout(ctx.db(), id, &req.layout).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move { live::composites::follow(&app, id).await });
    Ok(Updated { success: Some(true) })
}

/// Refuses what is no layout, and one with a source that the caller may not watch, or that belongs
/// to another production than the composite: its viewers see what they show.
async fn check(ctx: &mut Ctx, object: &Object, production: GroupId) -> ApiResult<Layout> {
    let invalid = |why: String| ApiError::new(Code::INVALID_DATA).message(why);
    let layout = layout::parse(object).map_err(|error| invalid(error.to_string()))?;
    let caller = ctx.user()?.clone();
    for (number, cell) in layout.cells().iter().enumerate() {
        let place = format!("layout.cells[{number}].source");
        let unknown =
            ApiError::new(Code::NOT_FOUND).message(format!("{place}: there is no such source"));
        let row = store::live::get(ctx.db(), layout::registration_of(cell.source)).await?;
        let Some(row) = row.filter(|row| row.room_id.is_none()) else { return Err(unknown) };
        let seen = access::project_for(ctx.db(), &caller, row.project_id, Permission::View).await;
        let Ok(seen) = seen else { return Err(unknown) };
        if live::may_watch(ctx.db(), &caller, &row).await.is_err() {
            return Err(unknown);
        }
        if seen.row.production_id != production {
            let why = format!("{place}: the source belongs to another production");
            return Err(ApiError::new(Code::OTHER_PRODUCTION).message(why));
        }
        match row.kind {
            SourceKind::Composite => {
                return Err(invalid(format!("{place}: a composite is no source of another one")));
            }
            SourceKind::Qtake => {
                let why = "a project of QTAKE's is no source: name one that publishes under it";
                return Err(invalid(format!("{place}: {why}")));
            }
            _ => {}
        }
    }
    Ok(layout)
}
