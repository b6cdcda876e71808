//! Work that goes on after its request was answered.
//!
//! A task has a row, which says to the end of the server and after it what became of it, and tells
//! the one who began it by `TASK_PROGRESS`. It writes in steps of its own, each a transaction, so
//! that nobody else waits for all of it. What it makes shows only once all of it is there: a server
//! that ends in the middle leaves nothing half-made to be seen, and says so of the task.

pub mod copy;
pub mod csv;

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    app::App,
    error::{ApiError, ApiResult},
    events::{Audience, Event},
    ids::{TaskId, UserId},
    rpc::Ctx,
    store::{
        Json, Object, Store, StoreError,
        tasks::{self, TaskRow},
        text::TaskStatus,
    },
    time::Millis,
};

/// How long it is remembered what became of a task.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A task under way, from its own point of view.
#[derive(Clone)]
pub struct Task {
    app: Arc<App>,
    id: TaskId,
    user: UserId,
    kind: &'static str,
}

impl Task {
    /// The server.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Who began it.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Says how much is done: `done` of `all` steps.
    pub async fn progress(&self, done: usize, all: usize) {
        let percent = done * 100 / all.max(1);
        self.say(TaskStatus::Running, percent, json!({ "done": done, "total": all })).await;
    }

    /// Says something: keeps it, and tells whoever began the task.
    async fn say(&self, status: TaskStatus, percent: usize, more: Value) {
        let message = message(self.id, self.kind, status, percent, more);
        let kept = async {
            let mut tx = self.app.store.write().await?;
            let json = Json(message.clone());
            tasks::say(&mut tx, self.id, status, &json, Millis::now()).await?;
            tx.commit().await.map_err(StoreError::from)
        };
        if let Err(error) = kept.await {
            tracing::error!(task = %self.id, %error, "what a task said was not kept");
        }
        self.app.bus.publish(&Event {
            name: "TASK_PROGRESS",
            data: Value::Object(message),
            to: Audience::Users(vec![self.user]),
        });
    }
}

/// What a task says, as clients read it.
fn message(id: TaskId, kind: &str, status: TaskStatus, percent: usize, more: Value) -> Object {
    let mut message = Object::new();
    message.insert("task_id".to_owned(), json!(id));
    message.insert("type".to_owned(), json!(kind));
    message.insert("status".to_owned(), json!(status));
    message.insert("progress".to_owned(), json!(percent));
    if let Value::Object(more) = more {
        message.extend(more);
    }
    message
}

/// Begins a task once the request's transaction has committed. What it gives back is said at its
/// end; an error is said as the client would have been told it.
///
/// # Errors
/// When the database fails.
pub async fn begin<F, Fut>(ctx: &mut Ctx, kind: &'static str, work: F) -> ApiResult<TaskId>
where
    F: FnOnce(Task) -> Fut + Send + 'static,
    Fut: Future<Output = ApiResult<Value>> + Send + 'static,
{
    let (id, user, now) = (TaskId::new(), ctx.user()?.user_id, ctx.now());
    let row = TaskRow {
        id,
        user_id: user,
        kind: kind.to_owned(),
        status: TaskStatus::Running,
        message: Json(message(id, kind, TaskStatus::Running, 0, Value::Null)),
    };
    tasks::create(ctx.db(), &row, now).await?;
    let task = Task { app: Arc::clone(ctx.app()), id, user, kind };
    ctx.after_commit(async move {
        let app = Arc::clone(&task.app);
        app.connections.spawn(run(task, work));
    });
    Ok(id)
}

async fn run<F, Fut>(task: Task, work: F)
where
    F: FnOnce(Task) -> Fut,
    Fut: Future<Output = ApiResult<Value>> + Send + 'static,
{
    let stop = task.app.stop.clone();
    // In a task of its own, whose panic ends just this.
    let mut working = tokio::spawn(work(task.clone()));
    let result = tokio::select! {
        () = stop.cancelled() => {
            working.abort();
            return;
        }
        result = &mut working => result,
    };
    match result.unwrap_or_else(|error| Err(ApiError::internal(&error))) {
        Ok(more) => task.say(TaskStatus::Done, 100, more).await,
        Err(error) => task.say(TaskStatus::Failed, 100, json!({ "error": error.body() })).await,
    }
}

/// Says of the tasks that the last run of the server left unfinished that they failed, and deletes
/// what they had made.
///
/// # Errors
/// When the database fails.
pub async fn end_unfinished(store: &Store, data: &Path) -> Result<(), StoreError> {
    copy::discard(store, data, None).await?;
    let mut tx = store.write().await?;
    let mut message = Object::new();
    message.insert("status".to_owned(), json!(TaskStatus::Failed));
    message.insert(
        "error".to_owned(),
        json!({ "message": "The server ended before the task did. Begin it again" }),
    );
    let kept = Millis(Millis::now().0 - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
    tasks::end_unfinished(&mut tx, &Json(message), kept).await?;
    tx.commit().await.map_err(StoreError::from)
}
