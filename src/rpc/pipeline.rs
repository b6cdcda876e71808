//! The way of a request from its parameters to its answer.

use std::{net::IpAddr, sync::Arc};

use serde_json::Value;
use tracing::Instrument as _;

use super::{
    Caller, CallerKind, Ctx, Route, RouteKind, auth::authenticate, route::HandlerFn, rules,
};
use crate::{
    app::App,
    contract::{self, Endpoint},
    error::{ApiError, ApiResult, Code},
    time::Millis,
};

/// A request, whichever way it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// The path, with its leading slash.
    pub path: String,
    /// The parameters: an object, or null when the request had no body.
    pub parameters: Value,
    /// The token, if one came with it.
    pub token: Option<String>,
    /// The address it came from.
    pub peer: IpAddr,
}

/// Runs a request through the whole pipeline and gives the answer as JSON text.
///
/// It runs in a task of its own: a client that goes away does not stop a half-done request, and
/// a panic in a handler is an error 500 of that request alone.
///
/// # Errors
/// Whatever the contract has for what is wrong with the request.
pub async fn execute(app: &Arc<App>, call: Call) -> ApiResult<String> {
    in_own_task(app, call, None).await
}

/// Like [`execute`], for a caller who is known already: the owner of a WebSocket connection.
///
/// # Errors
/// Whatever the contract has for what is wrong with the request.
pub(super) async fn execute_as(app: &Arc<App>, call: Call, caller: Caller) -> ApiResult<String> {
    in_own_task(app, call, Some(caller)).await
}

async fn in_own_task(app: &Arc<App>, call: Call, known: Option<Caller>) -> ApiResult<String> {
    let app = Arc::clone(app);
    let path = call.path.clone();
    let task = async move { run(&app, call, known).await };
    // The span carries the request's id into the log.
    match tokio::spawn(task.in_current_span()).await {
        Ok(result) => result,
        Err(error) => Err(ApiError::internal(&format_args!("{path}: {error}"))),
    }
}

async fn run(app: &Arc<App>, call: Call, known: Option<Caller>) -> ApiResult<String> {
    let row = contract::find(&call.path).ok_or(ApiError::new(Code::UNKNOWN_ENDPOINT))?;
    let caller = match known {
        Some(caller) => Some(caller),
        None => identify(app, row, &call).await?,
    };
    limit(app, caller.as_ref(), call.peer)?;
    let route = app.routes.get(row.path).ok_or(ApiError::new(Code::NOT_BUILT))?;
    if route.kind() == RouteKind::External {
        return Err(ApiError::new(Code::NOT_BUILT)
            .message("This path is not served in this way, see its documentation"));
    }
    if let Some(Caller { kind: CallerKind::Guest { .. }, .. }) = caller
        && row.token
        && !route.takes_guests()
    {
        return Err(ApiError::new(Code::WRONG_TOKEN_KIND));
    }
    let parameters = rules::check(row, call.parameters)?;
    transact(app, route, parameters, caller, call.peer).await
}

/// Who is asking. An endpoint that needs no token takes one all the same, if it is good.
async fn identify(app: &App, row: &Endpoint, call: &Call) -> ApiResult<Option<Caller>> {
    match &call.token {
        Some(token) => match authenticate(app, token).await {
            Ok(caller) => Ok(Some(caller)),
            Err(error) if !row.token && error.code() == Code::INVALID_TOKEN => Ok(None),
            Err(error) => {
                app.limits.address(call.peer)?;
                Err(error)
            }
        },
        None if row.token => Err(ApiError::new(Code::INVALID_TOKEN)),
        None => Ok(None),
    }
}

fn limit(app: &App, caller: Option<&Caller>, peer: IpAddr) -> ApiResult<()> {
    match caller {
        Some(caller) => app.limits.user(caller.user_id),
        None => app.limits.address(peer),
    }
}

async fn transact(
    app: &Arc<App>,
    route: &Route,
    parameters: Value,
    caller: Option<Caller>,
    peer: IpAddr,
) -> ApiResult<String> {
    let mut ctx = begin(app, route.kind(), caller, peer).await?;
    let result = route.run(&mut ctx, parameters).await;
    finish(ctx, route.kind(), result).await
}

/// Runs a handler that writes and that is no part of the contract, as the pipeline does, in a task
/// of its own likewise.
///
/// # Errors
/// Those of the handler, and when the database fails.
pub(crate) async fn write<F, Req, Res>(
    app: &Arc<App>,
    caller: Caller,
    peer: IpAddr,
    handler: F,
    request: Req,
) -> ApiResult<Res>
where
    F: for<'a> HandlerFn<'a, Req, Res>,
    Req: Send + 'static,
    Res: Send + 'static,
{
    let app = Arc::clone(app);
    let done = tokio::spawn(async move {
        let mut ctx = begin(&app, RouteKind::Write, Some(caller), peer).await?;
        let result = handler.call(&mut ctx, request).await;
        finish(ctx, RouteKind::Write, result).await
    });
    done.await.unwrap_or_else(|error| Err(ApiError::internal(&error)))
}

async fn begin(
    app: &Arc<App>,
    kind: RouteKind,
    caller: Option<Caller>,
    peer: IpAddr,
) -> ApiResult<Ctx> {
    let tx = match kind {
        RouteKind::Write => app.store.write().await?,
        RouteKind::Read | RouteKind::External => app.store.read().await?,
    };
    Ok(Ctx {
        app: Arc::clone(app),
        tx,
        caller,
        now: Millis::now(),
        events: Vec::new(),
        after_commit: Vec::new(),
        commit_on_error: false,
        peer,
    })
}

/// Commits or not, and does and tells what follows from it.
async fn finish<T>(ctx: Ctx, kind: RouteKind, result: ApiResult<T>) -> ApiResult<T> {
    let Ctx { app, tx, events, after_commit, commit_on_error, .. } = ctx;
    // Taken while nobody else can write.
    let mut turn = (kind == RouteKind::Write).then(|| app.turns.take());
    let commits = result.is_ok() || commit_on_error;
    if commits {
        tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    } else {
        tx.rollback().await.map_err(|error| ApiError::internal(&error))?;
    }
    if let Some(turn) = &mut turn {
        turn.comes().await;
    }
    if commits {
        for then in after_commit {
            then.await;
        }
    }
    if result.is_ok() {
        for event in events {
            app.bus.publish(&event);
        }
    }
    result
}
