//! The API: a file per category, and here the list of all that is built.
//!
//! `r.read(path, handler)` runs the handler in a transaction that only reads, `r.write(…)` in the
//! one that writes. Guests of rooms are refused everywhere but where `.guests()` follows; those
//! handlers check that a guest stays within their room. What is not listed answers error 501.

mod asset;
mod asset_file;
mod auth;
mod batch;
mod company;
mod group;
mod participant;
mod playlist;
mod project;
mod server;
mod user;

use crate::{
    rooms,
    rpc::{Extensions, Routes},
};

/// All that is built of the contract.
#[must_use]
pub fn routes() -> Routes {
    let mut r = Routes::default();
    r.read("/ping", server::ping).guests();
    r.read("/server-status", server::status).guests();
    identity(&mut r);
    tree(&mut r);
    playlists(&mut r);
    r
}

fn identity(r: &mut Routes) {
    r.write("/authenticate/api", auth::api).guests();
    r.write("/authenticate/user/onetimetoken", auth::one_time).guests();

    r.read("/get/user", user::current).guests();
    r.read("/get/public/user", user::public);
    r.read("/get/users", user::list);
    r.read("/get/security/groups", user::security_groups);
    r.read("/get/project/user", participant::get);
    r.write("/update/project/user", participant::update);

    r.read("/get/companies", company::list);
    r.read("/get/company", company::get);
}

fn tree(r: &mut Routes) {
    r.write("/create/group", group::create);
    r.read("/get/group", group::get);
    r.read("/get/groups", group::list);
    r.write("/update/group", group::update);
    r.write("/delete/group", group::delete);
    r.read("/get/group/projects", group::projects);
    r.read("/get/group/users", user::of_group);

    r.write("/create/project", project::create);
    r.read("/get/project", project::get);
    r.read("/get/projects", project::list);
    r.write("/update/project", project::update);
    r.write("/delete/project", project::delete);

    r.write("/create/batch", batch::create);
    r.read("/get/batch", batch::get);
    r.read("/get/batches", batch::list);
    r.write("/update/batch", batch::update);
    r.write("/delete/batch", batch::delete);

    r.read("/get/asset", asset::get).guests();
    r.read("/get/assets", asset::list).guests();
    r.write("/update/asset", asset::update);
    r.write("/delete/asset", asset::delete);
    r.read("/get/asset/files", asset_file::list).guests();
    r.read("/get/asset/file/primary", asset_file::primary).guests();
}

fn playlists(r: &mut Routes) {
    r.write("/create/playlist", playlist::create);
    r.read("/get/playlist", playlist::get);
    r.read("/get/playlists", playlist::list);
    r.write("/update/playlist", playlist::update);
    r.write("/delete/playlist", playlist::delete);
    r.read("/get/playlist/assets", playlist::assets);
    r.read("/get/playlist/assets/count", playlist::count);
    r.write("/add/playlist/assets", playlist::add_assets);
    r.write("/remove/playlist/assets", playlist::remove_assets);
    r.write("/update/playlist/assets", playlist::order_assets);
}

/// The WebSocket endpoints beyond the contract.
#[must_use]
pub fn extensions() -> Extensions {
    let mut extensions = Extensions::default();
    extensions.add("rushes/room/", rooms::RoomExtension::default());
    extensions
}
