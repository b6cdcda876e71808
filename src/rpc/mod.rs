//! The one pipeline that every request goes through, over HTTP, over the WebSocket and in tests:
//! authenticate, limit the rate, check the contract's rules, run the handler in one transaction,
//! commit, publish.

mod auth;
mod ctx;
mod edge;
mod extension;
mod http;
mod limit;
mod pipeline;
mod places;
mod route;
mod rules;
#[cfg(test)]
mod tests;
mod ws;

pub(crate) use auth::authenticate;
pub use auth::{Caller, CallerKind, Revocations};
pub use ctx::Ctx;
pub use edge::layered;
pub use extension::{Answering, Connection, Extension, ExtensionCall, Extensions};
pub use http::router;
pub(crate) use http::{Asking, header_token, parameters};
pub use limit::{Limiter, Rate};
pub(crate) use pipeline::write;
pub use pipeline::{Call, execute};
pub use places::Places;
pub use route::{Empty, HandlerFn, Route, RouteKind, Routes};
pub use rules::{check, from_query, is_email, is_plain};
