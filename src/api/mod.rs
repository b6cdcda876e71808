//! The API: a file per category, and here the list of all that is built.
//!
//! `r.read(path, handler)` runs the handler in a transaction that only reads, `r.write(…)` in the
//! one that writes. Guests of rooms are refused everywhere but where `.guests()` follows; those
//! handlers check that a guest stays within their room. What is not listed answers error 501.

mod asset;
mod asset_file;
mod auth;
mod batch;
mod comment;
mod company;
mod company_people;
mod control;
mod customization;
mod destination;
mod device;
mod domain;
mod group;
mod group_fields;
mod home;
mod invite;
mod license;
mod live;
mod live_composite;
mod live_elemental;
mod live_qtake;
mod live_raw;
mod live_srt;
mod participant;
mod playlist;
mod playlist_assets;
mod production_folder;
mod project;
mod project_more;
mod project_tree;
mod review_session;
mod server;
mod task;
mod team;
mod team_import;
mod team_people;
mod team_places;
mod team_search;
mod template;
mod usecase;
mod user;

pub(crate) use comment::told as comment_told;
pub(crate) use device::normal_code;
pub(crate) use review_session::{
    Removal, ReviewSession, Schedule, Success, remove as remove_from_room,
    schedule as schedule_room,
};

use crate::{
    live::recordings,
    meetings, rooms,
    rpc::{Extensions, Routes},
};

/// All that is built of the contract.
#[must_use]
pub fn routes() -> Routes {
    let mut r = Routes::default();
    r.read("/ping", server::ping).guests();
    r.read("/server-status", server::status).guests();
    identity(&mut r);
    people(&mut r);
    company_things(&mut r);
    tree(&mut r);
    comments(&mut r);
    playlists(&mut r);
    rooms_of(&mut r);
    live(&mut r);
    destinations(&mut r);
    r
}

fn destinations(r: &mut Routes) {
    r.write("/subscribe/destination", destination::subscribe);
    r.write("/unsubscribe/destination", destination::unsubscribe);
    r.read("/get/destination/subscription", destination::subscription);
    r.read("/get/destinations", destination::list);
    r.write("/send/destination/message", destination::send);
    r.read("/get/destination/messages", destination::messages);
    r.write("/update/destination/message", destination::update);
}

fn live(r: &mut Routes) {
    r.write("/create/live/registration/whip", live::create_whip);
    r.write("/create/live/registration/desktop", live::create_desktop);
    r.write("/create/live/registration/srt", live_srt::create);
    r.write("/create/live/registration/raw", live_raw::create);
    r.write("/create/live/registration/qtake", live_qtake::create);
    r.write("/create/live/registration/elementallink", live_elemental::create);
    r.write("/create/live/registration/composite", live_composite::create);
    r.write("/update/live/registration/composite", live_composite::update);
    r.write("/start/live/stream", live_srt::start);
    r.write("/stop/live/stream", live_srt::stop);
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

    r.write("/authenticate/device", device::begin).guests();
    r.write("/authenticate/device/token", device::token).guests();
    r.write("/authenticate/device/verify/code", device::verify);
    // Answers a picture: see `crate::qr`.
    r.external("/authenticate/device/get/qrcode");
    r.write("/create/connection/immediates", device::connect);
    r.write("/admin/support_user_impersonation", device::impersonate);

    r.read("/get/user", user::current).guests();
    r.read("/get/public/user", user::public);
    r.read("/get/users", user::list);
    r.read("/get/security/groups", user::security_groups);
    r.write("/invite/user", invite::invite);
    r.write("/update/user/consent", invite::consent);

    r.read("/get/companies", company::list);
    r.read("/get/company", company::get);
    r.write("/update/company", company::update);
    r.read("/get/company/watermark", company::watermark);
    r.read("/get/company/users", company_people::list);
    r.read("/get/company/search/users", company_people::search);
    r.write("/update/company/user", company_people::update);
    r.write("/delete/company/user", company_people::delete);
    r.write("/create/company/control", control::create);
    r.read("/get/company/control", control::get);
    r.write("/update/company/control", control::update);
    r.write("/delete/company/control", control::delete);

    r.write("/create/company/license", license::create);
    r.read("/get/company/licenses", license::list);
    r.write("/update/company/license", license::update);
    r.write("/delete/company/license", license::delete);
}

fn company_things(r: &mut Routes) {
    r.write("/admin/create/domain", domain::create);
    r.write("/create/domain/asset", domain::create_asset);
    r.write("/update/domain/asset", domain::update_asset);
    r.write("/delete/domain/asset", domain::delete_asset);
    r.read("/get/domain/login/provider", domain::provider).guests();
    r.read("/get/domain/login/provider/default", domain::default_provider).guests();
    r.read("/get/domain/login/providers", domain::providers).guests();

    r.write("/create/customization", customization::create);
    r.write("/update/customization", customization::update);
    r.write("/delete/customization", customization::delete);
    r.write("/update/custom-metadata", customization::update_metadata);
    r.write("/delete/custom-metadata", customization::delete_metadata);
    r.write("/create/consentdocument", customization::create_consent);
    r.read("/get/consentdocument/latest", customization::latest_consents).guests();

    r.write("/home/update/user/production", home::pin);
    r.read("/home/search", home::search);
    r.write("/home/create/widget", home::create);
    r.read("/home/get/widgets", home::list);
    r.read("/home/get/widget/details", home::details);
    r.write("/home/update/widget", home::update);
    r.write("/home/update/widgets", home::update_all);
    r.write("/home/update/widgets/order", home::order);
    r.write("/home/delete/widget", home::delete);
}

fn people(r: &mut Routes) {
    r.read("/get/project/user", participant::get);
    r.write("/update/project/user", participant::update);
    r.write("/leave/project", participant::leave);

    r.read("/get/team", team::get);
    r.read("/get/teams", team::list);
    r.read("/get/team/users", team_people::users);
    r.read("/get/teams/users", team_people::users_of_all);
    r.read("/get/teams/search/users", team_search::search);
    r.write("/create/team", team::create);
    r.write("/update/team", team::update);
    r.write("/delete/team", team::delete);
    r.write("/add/team/user", team_people::add_user);
    r.write("/update/team/user", team_people::update_user);
    r.write("/delete/team/user", team_people::delete_user);

    r.write("/import/teams/csv", team_import::import);

    r.write("/add/group/team", team_places::add_to_group);
    r.write("/delete/group/team", team_places::remove_from_group);
    r.write("/add/project/team", team_places::add_to_project);
    r.write("/delete/project/team", team_places::remove_from_project);
    r.read("/get/group/teams", team_places::of_group);
    r.read("/get/project/teams", team_places::of_project);
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
    r.write("/move/project", project_tree::move_one);
    r.write("/move/projects", project_tree::move_many);
    r.write("/copy/project", project_tree::copy_one);
    r.write("/copy/projects", project_tree::copy_many);
    r.read("/get/project/usage", project_more::usage);
    r.read("/get/project/filters", project_more::filters);
    r.read("/get/project/watermark", project_more::watermark);
    r.read("/get/group/watermark", project_more::group_watermark);
    r.read("/search/project/name", project_more::search);
    r.write("/set/group/control", control::set_group);
    r.read("/get/group/control", control::get_group);
    r.write("/delete/group/control", control::delete_group);
    r.read("/get/company/production_folders", production_folder::list);
    r.write("/create/production_folder", production_folder::create);
    r.read("/get/production_folder", production_folder::get);
    r.write("/update/production_folder", production_folder::update);
    r.write("/delete/production_folder", production_folder::delete);
    r.read("/get/usecases", usecase::list);
    r.read("/get/group/usecases", usecase::of_group);
    r.write("/add/group/usecases", usecase::add);
    r.write("/remove/group/usecases", usecase::remove);
    r.write("/setup/group/assets", usecase::setup_assets);
    r.write("/create/template", template::create);
    r.read("/get/templates", template::list);
    r.write("/delete/template", template::delete);
    r.read("/get/task/message", task::message);
    r.read("/get/tasks/message", task::messages);

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

fn comments(r: &mut Routes) {
    r.read("/get/comments", comment::list).guests();
    r.read("/get/comment", comment::get).guests();
    r.read("/get/comments/count", comment::count).guests();
    r.read("/get/indicators/svg", comment::svg).guests();
    r.write("/delete/comment", comment::delete).guests();
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
    extensions.add("rushes/meeting/", meetings::MeetingExtension::default());
    extensions.add("rushes/live/", recordings::LiveExtension);
    extensions
}
