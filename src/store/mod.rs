//! Persistence: the one place where SQL exists.
//!
//! A file per entity; functions take the connection of a transaction that [`Store`] began, so that
//! what a request does is done together or not at all.

pub mod asset_files;
pub mod assets;
pub mod batches;
pub mod comments;
pub mod companies;
pub mod consents;
pub mod copies;
pub mod credentials;
pub mod customizations;
pub mod destinations;
pub mod devices;
pub mod domains;
mod entity;
mod error;
pub mod groups;
mod json;
pub mod licenses;
pub mod live;
pub mod members;
#[cfg(test)]
mod migrating;
pub mod outbox;
pub mod playlists;
mod pool;
pub mod production_folders;
pub mod projects;
pub mod recordings;
pub mod rooms;
pub mod security;
pub mod tasks;
pub mod teams;
#[cfg(test)]
mod tests;
pub mod text;
mod types;
pub mod users;
pub mod widgets;

pub use error::StoreError;
pub use json::{Json, Object};
pub use pool::{Asking, Db, Store, Tx};
