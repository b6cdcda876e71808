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
mod live;
mod participant;
mod playlist;
mod playlist_assets;
mod project;
mod review_session;
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
    rooms_of(&mut r);
    live(&mut r);
    r
}

fn live(r: &mut Routes) {
    r.write("/create/live/registration/whip", live::create_whip);
    r.read("/list/live/registrations", live::list);
    r.read("/list/live/registrations/v2", live::list);
    r.write("/delete/live/registration", live::delete);
    r.read("/get/live/details", live::details);
    r.read("/list/live/servers", live::servers).guests();
    r.read("/admin/live/info", live::info);
    // Their parameters stand in the path: see `crate::live`.
    r.external("/start/live/whip/projectUUID/deviceUUID/streamNumber");
    r.external("/stop/live/whip/projectUUID/deviceUUID/streamNumber");
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
    r.read("/get/playlist/assets", playlist_assets::list);
    r.read("/get/playlist/assets/count", playlist_assets::count);
    r.write("/add/playlist/assets", playlist_assets::add);
    r.write("/remove/playlist/assets", playlist_assets::remove);
    r.write("/update/playlist/assets", playlist_assets::order);
}

fn rooms_of(r: &mut Routes) {
    r.write("/authenticate/user/review_session", review_session::sign_in).guests();

    r.write("/create/review_session", review_session::create);
    r.read("/get/review_session", review_session::get).guests();
    r.read("/get/review_sessions", review_session::list).guests();
    r.write("/update/review_session", review_session::update);
    r.write("/start/review_session", review_session::start);
    r.write("/complete/review_session", review_session::complete);
    r.write("/delete/review_session", review_session::delete);
    r.write("/join/review_session", review_session::join).guests();
    // The room's own task writes; see there.
    r.read("/set/review_session/state", review_session::set_state).guests();

    r.write("/create/review_session/users", review_session::create_users);
    r.read("/get/review_session/users", review_session::users).guests();
    r.read("/get/review_session/user", review_session::user).guests();
    r.read("/get/review_session/teams", review_session::teams);
    r.write("/set/review_session/user/host", review_session::set_host);
    r.write("/set/review_session/user/role", review_session::set_role).guests();

    r.read("/get/review_session/playlists", review_session::playlists).guests();
    r.read("/get/review_session/playlist/assets", review_session::playlist_assets).guests();
    r.read("/get/review_session/assets", review_session::assets).guests();
    r.write("/update/review_session/assets", review_session::order_assets);
    r.read("/get/playlist/review_sessions", review_session::of_playlist);
}

/// The WebSocket endpoints beyond the contract.
#[must_use]
pub fn extensions() -> Extensions {
    let mut extensions = Extensions::default();
    extensions.add("rushes/room/", rooms::RoomExtension::default());
    extensions
}
