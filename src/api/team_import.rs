//! Teams from a CSV file.

use serde::{Deserialize, Serialize};

use super::project_tree::Begun;
use crate::{
    access, csv_upload,
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId},
    jobs::{
        self,
        csv::{self, Import},
    },
    rpc::Ctx,
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ImportTeams {
    company_id: CompanyId,
    filename: String,
    group_id: Option<GroupId>,
    original_filename: String,
    validate_only: bool,
}

/// Imports the teams of a file that was left at `/rushes/csv`, in the background: into a company
/// for its administrators, into a production for its.
pub(super) async fn import(ctx: &mut Ctx, req: ImportTeams) -> ApiResult<Begun> {
    let caller = ctx.user()?.clone();
    match req.group_id {
        Some(id) => {
            let group = access::group(ctx.db(), &caller, id).await?;
            if group.row.company_id != req.company_id {
                return Err(ApiError::new(Code::NOT_FOUND));
            }
            group.need_admin()?;
        }
        None => {
            access::company(ctx.db(), &caller, req.company_id).await?.admin()?;
        }
    }
    let data = ctx.app().config.data.clone();
    let take = !req.validate_only;
    let bytes = csv_upload::read(&data, caller.user_id, &req.filename, take).await?;
    let import =
        Import { company: req.company_id, group: req.group_id, validate_only: req.validate_only };
    let id = jobs::begin(ctx, "IMPORT_TEAMS", move |task| csv::run(task, import, bytes)).await?;
    Ok(Begun { task_id: Some(id.to_string()) })
}
