//! What background tasks say.

use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, ApiResult, Code},
    ids::TaskId,
    rpc::Ctx,
    store::{Object, tasks},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetMessage {
    task_id: Option<String>,
}

/// The last thing that a task said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Message {
    message: Option<Object>,
}

/// The last thing that a task of the caller's said: the newest one's, if none is named.
pub(super) async fn message(ctx: &mut Ctx, req: GetMessage) -> ApiResult<Message> {
    let user = ctx.user()?.user_id;
    let found = match req.task_id {
        Some(id) => {
            let id = id.parse().map_err(|_| ApiError::new(Code::NOT_FOUND))?;
            tasks::of_user(ctx.db(), user, &[id]).await?.pop()
        }
        None => tasks::newest(ctx.db(), user).await?,
    };
    let row = found.ok_or(ApiError::new(Code::NOT_FOUND))?;
    Ok(Message { message: Some(row.message.0) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListMessages {
    task_ids: Option<Vec<String>>,
}

/// The last thing that one of several tasks said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TaskMessage {
    message: Option<Object>,
    task_id: Option<String>,
}

/// The last things that tasks of the caller's said. There is nothing of those of others.
pub(super) async fn messages(ctx: &mut Ctx, req: ListMessages) -> ApiResult<Vec<TaskMessage>> {
    let user = ctx.user()?.user_id;
    let ids = req.task_ids.unwrap_or_default();
    let ids: Vec<TaskId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let rows = tasks::of_user(ctx.db(), user, &ids).await?;
    let of = |row: tasks::TaskRow| TaskMessage {
        message: Some(row.message.0),
        task_id: Some(row.id.to_string()),
    };
    Ok(rows.into_iter().map(of).collect())
}
