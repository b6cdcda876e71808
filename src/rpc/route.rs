//! The list of what is built: paths with their handlers, type-erased.

use std::{any::type_name, collections::BTreeMap, future::Future, pin::Pin};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Ctx;
use crate::{
    contract,
    error::{ApiError, ApiResult, Code},
};

/// An `async fn(&mut Ctx, Req) -> ApiResult<Res>`.
///
/// The lifetime is a parameter of the trait so that `for<'a> HandlerFn<'a, …>` accepts a plain
/// async function, whose future borrows the context.
pub trait HandlerFn<'a, Req, Res>: Send + Sync + 'static {
    /// What the function returns.
    type Future: Future<Output = ApiResult<Res>> + Send + 'a;
    /// Calls the function.
    fn call(&self, ctx: &'a mut Ctx, request: Req) -> Self::Future;
}

impl<'a, F, Fut, Req, Res> HandlerFn<'a, Req, Res> for F
where
    F: Fn(&'a mut Ctx, Req) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ApiResult<Res>> + Send + 'a,
{
    type Future = Fut;
    fn call(&self, ctx: &'a mut Ctx, request: Req) -> Fut {
        self(ctx, request)
    }
}

/// A request without parameters, or an answer without fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Empty {}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Takes the parameters, gives the answer as JSON text.
type Erased =
    Box<dyn for<'a> Fn(&'a mut Ctx, Value) -> BoxFuture<'a, ApiResult<String>> + Send + Sync>;
/// Reads a value into the type it is for and writes it back.
type RoundTrip = fn(Value) -> Result<Value, String>;

/// How the pipeline runs a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// In a transaction that only reads; any number at a time.
    Read,
    /// In the transaction that writes; one at a time.
    Write,
    /// Not by the pipeline: another part of the server answers this path (WHIP, say).
    External,
}

/// One path that is built.
pub struct Route {
    kind: RouteKind,
    guests: bool,
    handler: Option<Erased>,
    request: RoundTrip,
    response: RoundTrip,
}

impl Route {
    /// How the pipeline runs it.
    #[must_use]
    pub fn kind(&self) -> RouteKind {
        self.kind
    }

    /// Whether a guest of a room may call it. Without this they are refused (402) before the
    /// handler runs; with it the handler checks that they stay within their room.
    #[must_use]
    pub fn takes_guests(&self) -> bool {
        self.guests
    }

    /// Lets guests of rooms call it.
    pub fn guests(&mut self) -> &mut Self {
        self.guests = true;
        self
    }

    /// Reads `request` into the handler's type and writes it back: what a test compares.
    ///
    /// # Errors
    /// When the type does not take it.
    pub fn round_trip_request(&self, request: Value) -> Result<Value, String> {
        (self.request)(request)
    }

    /// Reads `response` into the handler's type and writes it back.
    ///
    /// # Errors
    /// When the type does not take it.
    pub fn round_trip_response(&self, response: Value) -> Result<Value, String> {
        (self.response)(response)
    }

    pub(super) async fn run(&self, ctx: &mut Ctx, parameters: Value) -> ApiResult<String> {
        match &self.handler {
            Some(handler) => handler(ctx, parameters).await,
            None => Err(ApiError::new(Code::NOT_BUILT)
                .message("This path is not served in this way, see its documentation")),
        }
    }
}

/// All that is built, by path.
#[derive(Default)]
pub struct Routes {
    routes: BTreeMap<&'static str, Route>,
}

impl Routes {
    /// A handler that only reads.
    pub fn read<F, Req, Res>(&mut self, path: &'static str, handler: F) -> &mut Route
    where
        F: for<'a> HandlerFn<'a, Req, Res>,
        Req: DeserializeOwned + Serialize + Send + 'static,
        Res: DeserializeOwned + Serialize + Send + 'static,
    {
        self.add(RouteKind::Read, path, handler)
    }

    /// A handler that writes.
    pub fn write<F, Req, Res>(&mut self, path: &'static str, handler: F) -> &mut Route
    where
        F: for<'a> HandlerFn<'a, Req, Res>,
        Req: DeserializeOwned + Serialize + Send + 'static,
        Res: DeserializeOwned + Serialize + Send + 'static,
    {
        self.add(RouteKind::Write, path, handler)
    }

    /// A path of the contract that another part of the server answers.
    pub fn external(&mut self, path: &'static str) {
        self.insert(
            path,
            Route {
                kind: RouteKind::External,
                guests: false,
                handler: None,
                request: Ok,
                response: Ok,
            },
        );
    }

    fn add<F, Req, Res>(&mut self, kind: RouteKind, path: &'static str, handler: F) -> &mut Route
    where
        F: for<'a> HandlerFn<'a, Req, Res>,
        Req: DeserializeOwned + Serialize + Send + 'static,
        Res: DeserializeOwned + Serialize + Send + 'static,
    {
        let handler = std::sync::Arc::new(handler);
        let erased: Erased = Box::new(move |ctx, parameters| {
            let handler = std::sync::Arc::clone(&handler);
            Box::pin(async move {
                let request = serde_json::from_value(parameters).map_err(|error| {
                    ApiError::new(Code::INVALID_DATA)
                        .message(format!("The request data is not valid: {error}"))
                })?;
                let response = handler.call(ctx, request).await?;
                serde_json::to_string(&response).map_err(|error| ApiError::internal(&error))
            })
        });
        self.insert(
            path,
            Route {
                kind,
                guests: false,
                handler: Some(erased),
                request: round_trip::<Req>,
                response: round_trip::<Res>,
            },
        )
    }

    fn insert(&mut self, path: &'static str, route: Route) -> &mut Route {
        assert!(contract::find(path).is_some(), "{path} is not a path of the contract");
        assert!(!self.routes.contains_key(path), "{path} is registered twice");
        self.routes.entry(path).or_insert(route)
    }

    /// The route at `path`, if it is built.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Route> {
        self.routes.get(path)
    }

    /// All that is built, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Route)> {
        self.routes.iter().map(|(path, route)| (*path, route))
    }
}

fn round_trip<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, String> {
    let read: T =
        serde_json::from_value(value).map_err(|error| format!("{}: {error}", type_name::<T>()))?;
    serde_json::to_value(read).map_err(|error| format!("{}: {error}", type_name::<T>()))
}
