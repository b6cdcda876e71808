// Generated from contract/ by `UPDATE=1 cargo test --lib contract::generate`; do not edit.

use super::{Endpoint, Type::*, words::{f, p}};

/// The event types of the contract.
pub static EVENTS: &[&str] = &[
    "ASSET_CREATED",
    "COMMENT_CREATED",
    "COMMENT_DELETED",
    "COMMENT_UPDATED",
    "DESTINATION_MESSAGE",
    "LOGIN",
    "REVIEW_SESSION_COMPLETE",
    "REVIEW_SESSION_HOSTS_CHANGED",
    "REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED",
    "TASK_PROGRESS",
    "VIEW",
];

/// All endpoints, in the order of their paths.
pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint { path: "/add/group/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("team_id", Id).must(),
    ], response: &[
        f("added", Boolean),
    ] },
    Endpoint { path: "/add/group/usecases", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(), p("usecase_ids", IdArray).must(),
    ], response: &[
    ] },
    Endpoint { path: "/add/playlink/asset", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(), p("id", Id).must(),
    ], response: &[
        f("added", Boolean), f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String),
        f("blurhash", String), f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/add/playlink/assets", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray).must(), p("id", Id).must(),
    ], response: &[
        f("added", Boolean),
    ] },
    Endpoint { path: "/add/playlink/default/settings", category: "PLAYLINKDEFAULTSETTINGS", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_comments", Boolean), p("allow_download", Boolean), p("allow_offline", Boolean),
        p("auto_play", Boolean), p("company_id", Id).must(), p("expiry_timezone", String).text(),
        p("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), p("restrict_lock_ip_address", Boolean),
        p("timezone", String).text(), p("user_id", Id).must(), p("watermark_id", Id),
    ], response: &[
        f("added", Boolean), f("id", Id),
    ] },
    Endpoint { path: "/add/playlink/user", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("email", String).must().max(254).email(), p("first_name", String).must().max(100).text(), p("id", Id).must(),
        p("last_name", String).must().max(100).text(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("added", Boolean),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("first_name", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("longitude", Float), f("mx6_autoplay", Boolean),
        f("mx6_player", Boolean), f("phone", String), f("playlink_user_id", Id), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/add/playlink/users", category: "PLAYLINK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("users", Array),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("added", Boolean),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("first_name", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("longitude", Float), f("mx6_autoplay", Boolean),
        f("mx6_player", Boolean), f("phone", String), f("playlink_user_id", Id), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/add/playlist/assets", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray).must(), p("id", Id).must(),
    ], response: &[
        f("added", Boolean),
    ] },
    Endpoint { path: "/add/playlist/collaborators", category: "PLAYLISTCOLLABORATOR", token: true, array: false, free_request: false, free_response: false, request: &[
        p("collaborators", Array), p("playlist_id", Id).must(),
    ], response: &[
        f("collaborators", Array), f("playlist_id", Id),
    ] },
    Endpoint { path: "/add/project/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("team_id", Id).must(),
    ], response: &[
        f("added", Boolean),
    ] },
    Endpoint { path: "/add/team/user", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("role_id", Id), p("role_id_list", IdArray), p("security_group_id", Integer),
        p("user_id", Id), p("user_id_list", IdArray),
    ], response: &[
        f("added", Boolean),
    ] },
    Endpoint { path: "/admin/create/domain", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company", Id).must(), p("domain", String).must().text(),
    ], response: &[
        f("id", Id),
    ] },
    Endpoint { path: "/admin/download/asset/raw", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("processing", Boolean),
    ] },
    Endpoint { path: "/admin/download/asset/watermark", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(), p("ip_address", String).must().text(), p("user_token", String).must().text(),
    ], response: &[
    ] },
    Endpoint { path: "/admin/live/info", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("stream_identifier", String).text(),
    ], response: &[
        f("details", Object),
    ] },
    Endpoint { path: "/admin/migrate/akamai", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
    ] },
    Endpoint { path: "/admin/migrate/asset", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("company_ids", IdArray), p("delete_source", Boolean).must(),
        p("destination_storage_id", Id).must(), p("groups_ids", IdArray), p("original_storage_id", Id),
        p("project_ids", IdArray),
    ], response: &[
    ] },
    Endpoint { path: "/admin/migrate/assetfile", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_ids", IdArray), p("asset_ids", IdArray), p("company_ids", IdArray),
        p("delete_source", Boolean).must(), p("destination_storage_id", Id).must(), p("groups_ids", IdArray),
        p("original_storage_id", Id), p("project_ids", IdArray),
    ], response: &[
    ] },
    Endpoint { path: "/admin/processing/report_usage_threshold_exceeded", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/admin/support_user_impersonation", category: "ADMIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("impersonating_user_id", Id).must(), p("token_to_impersonate", String).must().text(),
    ], response: &[
    ] },
    Endpoint { path: "/authenticate/api", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("api_id", String).must().text(), p("api_key", String).must().text(),
    ], response: &[
        f("authenticated", Boolean), f("expires", Integer), f("token", String),
    ] },
    Endpoint { path: "/authenticate/device", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("authentication_scope", Enum).of(&["DEFAULT", "LIVE", "IMMEDIATES"]),
    ], response: &[
        f("device_code", String), f("expires_in", Integer), f("interval", Integer), f("user_code", String),
        f("verification_uri", String),
    ] },
    Endpoint { path: "/authenticate/device/get/qrcode", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("email", String).max(254).email(), p("size", Integer), p("user_code", String).must().text(),
    ], response: &[
    ] },
    Endpoint { path: "/authenticate/device/token", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("device_code", String).must().text(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("additional_details", Object), f("allow_support_access", Boolean), f("api_key_created", Date),
        f("api_key_last_used", Date), f("api_key_prefix", String), f("authenticated", Boolean),
        f("autoplay_video", Boolean), f("city", String), f("company", String), f("consent_check_required", Boolean),
        f("country", String), f("country_code", String), f("dateformat", String), f("elevio_hash", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("expires", Integer), f("external_idp_id", String),
        f("externally_managed", Boolean), f("first_name", String), f("helpscout_user_signature", String),
        f("helpscout_user_signature_mx6", String), f("id", Id), f("inbox_days_until_archive", Integer),
        f("inbox_only", Boolean), f("ip_address", String), f("last_name", String), f("latitude", Float),
        f("longitude", Float), f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("phone", String),
        f("playout_percent", Float), f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("redirect", String), f("region", String),
        f("remember_playback_position", Boolean), f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("session_data", String), f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]),
        f("storage_percent", Float), f("storage_total", Integer), f("storage_used", Integer), f("sync_token", String),
        f("sysop", Boolean), f("timezone", String), f("token", String), f("trans_mins_percent", Float),
        f("trans_mins_total", Integer), f("trans_mins_used", Integer), f("type", String),
    ] },
    Endpoint { path: "/authenticate/device/verify/code", category: "AUTH", token: true, array: false, free_request: false, free_response: false, request: &[
        p("user_code", String).must().text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/authenticate/user/onetimetoken", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("onetimetoken", String).must().text(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("authenticated", Boolean), f("autoplay_video", Boolean), f("city", String),
        f("company", String), f("consent_check_required", Boolean), f("country", String), f("country_code", String),
        f("dateformat", String), f("elevio_hash", String), f("email", String), f("email_notification_comment", Boolean),
        f("email_notification_delete", Boolean), f("email_notification_download", Boolean),
        f("email_notification_folder_add", Boolean), f("email_notification_immediates", Boolean),
        f("email_notification_immediates_interval", Integer), f("email_notification_screencapture", Boolean),
        f("email_notification_upload", Boolean), f("email_notification_view", Boolean),
        f("email_notification_view_audio", Boolean), f("email_notification_view_image", Boolean), f("expires", Integer),
        f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String),
        f("helpscout_user_signature", String), f("helpscout_user_signature_mx6", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("longitude", Float), f("mx6_autoplay", Boolean),
        f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float), f("playout_total", Integer),
        f("playout_used", Integer), f("project_role", String), f("project_security_group", Integer),
        f("region", String), f("remember_playback_position", Boolean), f("rooms_only", Boolean),
        f("sequential_playback", Boolean), f("session_data", String),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sync_token", String), f("sysop", Boolean),
        f("timezone", String), f("token", String), f("trans_mins_percent", Float), f("trans_mins_total", Integer),
        f("trans_mins_used", Integer), f("type", String),
    ] },
    Endpoint { path: "/authenticate/user/review_session", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("firstname", String).must().text(), p("lastname", String).must().text(),
        p("review_session_user_id", String).must().text(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("authenticated", Boolean), f("autoplay_video", Boolean), f("city", String),
        f("company", String), f("consent_check_required", Boolean), f("country", String), f("country_code", String),
        f("dateformat", String), f("elevio_hash", String), f("email", String), f("email_notification_comment", Boolean),
        f("email_notification_delete", Boolean), f("email_notification_download", Boolean),
        f("email_notification_folder_add", Boolean), f("email_notification_immediates", Boolean),
        f("email_notification_immediates_interval", Integer), f("email_notification_screencapture", Boolean),
        f("email_notification_upload", Boolean), f("email_notification_view", Boolean),
        f("email_notification_view_audio", Boolean), f("email_notification_view_image", Boolean), f("expires", Integer),
        f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String),
        f("force_mfa_every_login", Boolean), f("helpscout_user_signature", String),
        f("helpscout_user_signature_mx6", String), f("id", Id), f("inbox_days_until_archive", Integer),
        f("inbox_only", Boolean), f("ip_address", String), f("last_name", String), f("latitude", Float),
        f("longitude", Float), f("md_challenge", String), f("mfa_required", Boolean), f("mfa_setup_required", Boolean),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean), f("server_time", Date), f("session_data", String),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sync_token", String), f("sysop", Boolean),
        f("timezone", String), f("token", String), f("trans_mins_percent", Float), f("trans_mins_total", Integer),
        f("trans_mins_used", Integer), f("type", String),
    ] },
    Endpoint { path: "/authenticate/user/saml2", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("relaystate", String).must().text(), p("samlresponse", String).must().text(),
    ], response: &[
        f("authenticated", Boolean), f("email", String), f("onetimetoken", String), f("provider", String),
    ] },
    Endpoint { path: "/authenticate/user/sso", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("access_token", String).must().text(), p("access_token_expiry", Integer), p("domain", String).text(),
        p("provider", String).must().text(), p("refresh_token", String).text(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("authenticated", Boolean), f("autoplay_video", Boolean), f("city", String),
        f("company", String), f("consent_check_required", Boolean), f("country", String), f("country_code", String),
        f("dateformat", String), f("elevio_hash", String), f("email", String), f("email_notification_comment", Boolean),
        f("email_notification_delete", Boolean), f("email_notification_download", Boolean),
        f("email_notification_folder_add", Boolean), f("email_notification_immediates", Boolean),
        f("email_notification_immediates_interval", Integer), f("email_notification_screencapture", Boolean),
        f("email_notification_upload", Boolean), f("email_notification_view", Boolean),
        f("email_notification_view_audio", Boolean), f("email_notification_view_image", Boolean), f("expires", Integer),
        f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String),
        f("helpscout_user_signature", String), f("helpscout_user_signature_mx6", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("longitude", Float), f("mx6_autoplay", Boolean),
        f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float), f("playout_total", Integer),
        f("playout_used", Integer), f("project_role", String), f("project_security_group", Integer),
        f("region", String), f("remember_playback_position", Boolean), f("rooms_only", Boolean),
        f("sequential_playback", Boolean), f("session_data", String),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sync_token", String), f("sysop", Boolean),
        f("timezone", String), f("token", String), f("trans_mins_percent", Float), f("trans_mins_total", Integer),
        f("trans_mins_used", Integer), f("type", String),
    ] },
    Endpoint { path: "/complete/playout", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_updates", Boolean), p("id", Id).must(), p("position", Float).must(),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/complete/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/complete/transfer", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("assets", IdArray).must(), p("batch_id", Id).must(), p("from_project_id", Id).must(),
        p("notify_users", IdArray), p("type", Enum).must().of(&["COPY", "MOVE"]),
    ], response: &[
        f("ok", Boolean),
    ] },
    Endpoint { path: "/complete/upload", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("batch_id", Id), p("batch_name", String).max(100).text(), p("file_names", String).text(),
        p("keys", StringArray), p("metadata_auto_slice_ale", Boolean), p("metadata_batch_only", Boolean),
        p("metadata_overwrite", Boolean), p("metadata_process_ale", Boolean),
        p("metadata_process_colorfront_xml", Boolean), p("metadata_process_wav", Boolean),
        p("notify_users", String).text(), p("priority", Enum).of(&["PRIORITY", "BACKGROUND"]), p("project_id", Id),
        p("send_email", Boolean), p("sns_topic", String).text(),
    ], response: &[
        f("ok", Boolean),
    ] },
    Endpoint { path: "/copy/asset", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("batch_id", Id).must(), p("id", Id).must(),
    ], response: &[
        f("copied", Boolean),
    ] },
    Endpoint { path: "/copy/assets", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray).must(), p("batch_id", Id).must(),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/copy/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("copy_batches_and_assets", Boolean), p("copy_in_background", Boolean), p("id", Id).must(),
        p("keep_existing_project_settings", Boolean).must(), p("keep_existing_users_and_teams", Boolean).must(),
        p("new_parent_group_id", Id).must(), p("new_parent_project_id", Id),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("copied", Boolean), f("created", Date), f("deny_download", Boolean),
        f("deny_view", Boolean), f("description", String), f("drm_enabled", Boolean),
        f("forensic_watermarking", Boolean), f("forensic_watermarking_definition_level", String),
        f("forensic_watermarking_minimum_length_seconds", Integer), f("group", Id), f("id", Id), f("is_admin", Boolean),
        f("mfa_enabled", Boolean), f("name", String), f("parent_project_id", Id), f("playlink_types", StringArray),
        f("settings", Object), f("sizes", String), f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]),
        f("task_id", String), f("thumbnail_position", Float), f("transcode_formats", Object),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/copy/projects", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("copy_batches_and_assets", Boolean), p("keep_existing_project_settings", Boolean).must(),
        p("keep_existing_users_and_teams", Boolean).must(), p("new_parent_group_id", Id).must(),
        p("new_parent_project_id", Id), p("project_ids", IdArray).must(),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/create/asset/subclip", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(), p("batch_id", Id).must(), p("duration", Float).must(),
        p("name", String).must().max(256).text(), p("start_time", Float).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/create/batch", category: "BATCH", token: true, array: false, free_request: false, free_response: false, request: &[
        p("name", String).must().max(100).text(), p("project_id", Id).must(),
    ], response: &[
        f("created", String), f("creator", Id), f("hidden", Boolean), f("id", Id), f("name", String), f("owner", Id),
        f("project_id", Id), f("status", Enum).of(&["ACTIVE", "DELETED"]),
    ] },
    Endpoint { path: "/create/comment", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", IdOrUuid), p("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), p("color", String).text(),
        p("colorspace", String).max(10).text(), p("created", Date), p("creator_email", String).max(254).email(),
        p("creator_name", String).max(64).text(), p("creator_role", String).text(),
        p("description", String).max(61440).text(), p("has_marker", Boolean), p("height", Integer),
        p("is_reply", Boolean), p("marker_duration", Float), p("marker_time", Float),
        p("marker_timecode", String).text(), p("mentions", IdArray), p("parent_id", Id), p("playlink_id", Id),
        p("review_session_id", Id), p("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        p("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), p("uuid", String).text(), p("width", Integer),
    ], response: &[
        f("asset_id", Id), f("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), f("color", String),
        f("colorspace", String), f("completed_by_user_first_name", String), f("completed_by_user_id", Id),
        f("completed_by_user_last_name", String), f("created", Date), f("creator_email", String),
        f("creator_name", String), f("creator_role", String), f("description", String), f("has_drawing", Boolean),
        f("has_marker", Boolean), f("has_obsolete_drawing", Boolean), f("has_reply", Boolean), f("height", Integer),
        f("id", Id), f("is_expired", Boolean), f("is_owner", Boolean), f("is_reply", Boolean),
        f("marker_duration", Float), f("marker_time", Float), f("marker_timecode", String), f("parent_id", Id),
        f("project_id", Id), f("resolution_label", String),
        f("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), f("user_first_name", String), f("user_id", Id),
        f("user_last_name", String), f("user_project_role", String), f("uuid", String), f("width", Integer),
    ] },
    Endpoint { path: "/create/company/control", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("expiry_date", Date), p("id", Id).must(), p("max_usage", Integer), p("notes", String).text(),
    ], response: &[
        f("control_id", Id), f("expiry_date", Date), f("max_usage", Integer), f("notes", String), f("record_id", Id),
        f("record_type", String), f("start_date", Date), f("updated", Boolean),
    ] },
    Endpoint { path: "/create/company/license", category: "LICENSE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("count", Integer), p("description", String).text(), p("end_date", Date),
        p("transaction_reference", String).text(),
        p("type", Enum).must().of(&["CONTRACTED", "ENTERPRISE", "NAMED_USER", "TOKEN_USER", "ROOMS_ONLY", "TRIAL", "PARTNER", "INTERNAL"]),
    ], response: &[
        f("company_id", Id), f("count", Integer), f("description", String), f("end_date", Date), f("id", Id),
        f("status", String), f("transaction_reference", String), f("type", String),
    ] },
    Endpoint { path: "/create/connection/immediates", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("name", String).must().text(), p("project_id", Id).must(), p("user_code", String).must().text(),
    ], response: &[
        f("id", Id), f("success", Boolean),
    ] },
    Endpoint { path: "/create/consentdocument", category: "CONSENTDOC", token: true, array: false, free_request: false, free_response: false, request: &[
        p("type", Enum).must().of(&["PRIVACY_POLICY", "TERMS_OF_SERVICE"]), p("url", String).must().text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/create/customization", category: "CUSTOMIZATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("data_base64", String).must().text(), p("description", String).text(),
        p("email_domain_id", Id), p("group_id", Id), p("name", String).must().text(), p("project_id", Id),
        p("type", String).must().text(),
    ], response: &[
        f("id", Id),
    ] },
    Endpoint { path: "/create/domain/asset", category: "DOMAIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("content_type", String).must().text(), p("data", String).must().text(), p("domain", Id).must(),
        p("type", String).must().text(),
    ], response: &[
        f("id", Id),
    ] },
    Endpoint { path: "/create/group", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("additional_rooms", Integer), p("background_image_asset_id", Id), p("color", Integer),
        p("company_id", Id).must(), p("control_notes", String).text(), p("description", String).text(),
        p("expiry_date", Date), p("flow_project_id", String).text(), p("license_id", Id), p("max_usage", Integer),
        p("name", String).must().max(45).text(), p("poster_asset_id", Id), p("production_folder_id", Id),
        p("settings", Object), p("start_date", Date), p("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]),
        p("template_id", Id), p("transaction_reference", String).text(), p("usecase_ids", IdArray),
    ], response: &[
        f("additional_rooms", Integer), f("allowed_settings", Object), f("asset_project_id", Id),
        f("available_rooms", Integer), f("background_image_url", String), f("blurhash", String),
        f("can_create_rooms", Boolean), f("can_create_root_folder", Boolean), f("can_create_template", Boolean),
        f("can_display_production_settings", Boolean), f("can_display_watermarking", Boolean),
        f("can_link_to_flow_project", Boolean), f("can_move_group", Boolean), f("can_update_participants", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("color", Integer), f("company_id", Id),
        f("company_name", String), f("created", Date), f("description", String), f("flow_id", String),
        f("flow_project_id", String), f("flow_project_name", String), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("id", Id), f("is_admin", Boolean), f("is_company_admin", Boolean), f("is_linked_to_flow_project", Boolean),
        f("is_owner", Boolean), f("is_pinned", Boolean), f("license_id", Id), f("license_type", String),
        f("licensed_rooms", Integer), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("origin_type", Enum).of(&["MOXION", "FLOW"]), f("owner", Id),
        f("production_folder_id", Id), f("production_poster_asset", Object), f("production_poster_url", String),
        f("projects", IdArray), f("settings", Object), f("sizes", Object),
        f("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), f("suspended", Date), f("task_id", String),
        f("thumbnail_position", Float), f("total_uploaded_usage", Integer), f("total_usage", Integer),
        f("transaction_reference", String), f("transcode_formats", Object), f("warnings", StringArray),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/create/live/registration/composite", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("layout", Object), p("name", String).must().text(),
        p("project_id", Id).must(),
    ], response: &[
        f("id", Id), f("stream_uri", String), f("success", Boolean),
    ] },
    Endpoint { path: "/create/live/registration/desktop", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("name", String).must().text(), p("project_id", Id).must(),
    ], response: &[
        f("id", Id), f("success", Boolean),
    ] },
    Endpoint { path: "/create/live/registration/elementallink", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("device_id", String).text(), p("name", String).must().text(),
        p("project_id", Id).must(),
    ], response: &[
        f("id", Id), f("stream_uri", String), f("success", Boolean),
    ] },
    Endpoint { path: "/create/live/registration/qtake", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("name", String).must().text(), p("project_id", Id).must(),
        p("registration", String).must().text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/create/live/registration/raw", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", String).text(), p("asset_name", String).text(), p("audio_port", Integer).must(),
        p("batch_hidden", Boolean), p("batch_id", Id), p("batch_name", String).max(100).text(),
        p("project_id", Id).must(), p("source_ip", String).must().text(), p("video_port", Integer).must(),
    ], response: &[
        f("asset_id", Id), f("success", Boolean),
    ] },
    Endpoint { path: "/create/live/registration/srt", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("name", String).must().text(), p("project_id", Id).must(),
    ], response: &[
        f("id", Id), f("stream_id", String), f("success", Boolean), f("token", String), f("url", String),
    ] },
    Endpoint { path: "/create/live/registration/whip", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("name", String).must().text(), p("project_id", Id).must(),
    ], response: &[
        f("id", Id), f("success", Boolean), f("token", String), f("url", String),
    ] },
    Endpoint { path: "/create/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_comments", Boolean), p("allow_download", Boolean), p("allow_offline", Boolean),
        p("asset_ids", IdArray).must(), p("auto_play", Boolean), p("company_id", Id),
        p("description", String).max(1024).text(), p("expires", Date), p("expiry_timezone", String).text(),
        p("message", String).max(10000).text(), p("name", String).must().max(45).text(),
        p("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), p("project_id", Id),
        p("restrict_lock_ip_address", Boolean), p("timezone", String).text(), p("users", Array),
        p("view_limit", Integer), p("watermark_id", Id),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean),
        f("asset_count", Integer), f("auto_play", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("expired", Boolean), f("expires", Date), f("group_id", Id), f("id", Id),
        f("message", String), f("modified", Date), f("name", String), f("owner_id", Id), f("owner_name", String),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("project_id", Id),
        f("restrict_lock_ip_address", Boolean), f("sent", Date), f("status", Enum).of(&["DRAFT", "SENT", "EXPIRED"]),
        f("timezone", String), f("url", String), f("user_count", Integer), f("view_limit", Integer),
        f("watermark_id", Id),
    ] },
    Endpoint { path: "/create/playlist", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("description", String).max(1024).text(), p("group_id", Id),
        p("name", String).must().max(45).text(), p("playlist_source", Enum).of(&["SNAPSHOT", "FOLDER"]),
        p("source_project_id", Id),
    ], response: &[
        f("blurhash", String), f("can_add_collaborators", Boolean), f("can_collaborate", Boolean),
        f("can_edit", Boolean), f("can_share", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("flow_id", String), f("group_id", Id), f("has_collaborators", Boolean), f("id", Id),
        f("is_dynamic", Boolean), f("is_shared_with_me", Boolean), f("modified", Date), f("name", String),
        f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]), f("owner_id", Id), f("owner_name", String),
        f("playlinks", Array), f("source_project_id", Id), f("source_type", Enum).of(&["USER", "REVIEW_SESSION"]),
        f("thumbnail_asset_id", Id), f("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]),
        f("thumbnail_url", String), f("thumbnail_url_2x", String), f("thumbnail_url_3x", String),
        f("type", Enum).of(&["USER", "REVIEW_SESSION"]),
    ] },
    Endpoint { path: "/create/production_folder", category: "PRODUCTIONFOLDER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("color", String).max(10).color(), p("company_id", Id).must(), p("name", String).must().max(45).text(),
    ], response: &[
        f("color", String), f("company_id", Id), f("created", Date), f("id", Id), f("name", String),
        f("total_uploaded_usage", Integer), f("total_usage", Integer),
    ] },
    Endpoint { path: "/create/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).max(1024).text(), p("group_id", Id).must(), p("name", String).must().max(45).text(),
        p("parent_project_id", Id),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("warnings", StringArray), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/create/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_participants_to_unmute_self", Boolean),
        p("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        p("description", String).max(1024).text(), p("group_id", Id).must(), p("host_user_ids", IdArray),
        p("mute_participants_on_entry", Boolean), p("name", String).must().max(45).text(), p("playlist_ids", IdArray),
        p("team_ids", IdArray), p("user_ids", IdArray), p("watermark_id", Id),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/create/review_session/users", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("emails", StringArray).must(), p("review_session_id", Id).must(),
    ], response: &[
        f("user_id", Id),
    ] },
    Endpoint { path: "/create/tag", category: "TAG", token: true, array: false, free_request: false, free_response: false, request: &[
        p("color", String).must().max(10).color(), p("name", String).must().max(45).text(), p("project_id", Id).must(),
    ], response: &[
        f("color", String), f("id", Id), f("name", String), f("project_id", Id),
    ] },
    Endpoint { path: "/create/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("default_security_group", Integer), p("group_id", Id),
        p("name", String).must().max(45).text(), p("settings", Object).must(),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("user_count", Integer),
    ] },
    Endpoint { path: "/create/template", category: "TEMPLATE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(), p("include_projects", Boolean).must(), p("include_teams", Boolean).must(),
        p("include_users", Boolean).must(), p("name", String).must().text(),
    ], response: &[
        f("task_id", String), f("template_id", Id),
    ] },
    Endpoint { path: "/create/watermark", category: "WATERMARK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("description", String).must().text(), p("group_id", Id).must(),
        p("playlink_id", Id), p("watermark", Object).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("owner_id", Id), f("playlink_id", Id),
        f("url", String), f("usage_count", Integer), f("watermark", Object), f("watermark_id", Id),
    ] },
    Endpoint { path: "/create/workflow", category: "WORKFLOW", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).max(1024).text(), p("destination_asset_filter", String).text(),
        p("destination_asset_filter_by", String).text(), p("destination_asset_filter_match", String).text(),
        p("destination_asset_identify_expression", String).text(), p("destination_asset_tags", IdArray),
        p("destination_asset_tags_match_all", Boolean), p("destination_project_id", Id),
        p("name", String).must().max(45).text(), p("schedule_type", Enum).must().of(&["NONE", "REALTIME"]),
        p("source_asset_filter", String).text(), p("source_asset_filter_by", String).text(),
        p("source_asset_filter_match", String).text(), p("source_asset_identify_expression", String).text(),
        p("source_asset_tags", IdArray), p("source_asset_tags_match_all", Boolean), p("source_project_id", Id),
        p("type", Enum).must().of(&["COPY_ACTION", "SEND_TO_SHOTGUN", "COMPOSITE_VIDEO"]),
    ], response: &[
        f("created", Date), f("created_by_user_id", Id), f("description", String),
        f("destination_asset_filter", String), f("destination_asset_filter_by", String),
        f("destination_asset_filter_match", String), f("destination_asset_identify_expression", String),
        f("destination_asset_tags", IdArray), f("destination_asset_tags_match_all", Boolean),
        f("destination_project_id", Id), f("id", Id), f("last_edited_by_user_id", Id), f("last_executed", Date),
        f("last_updated", Date), f("name", String), f("owner_user_id", Id),
        f("schedule_type", Enum).of(&["NONE", "REALTIME"]), f("source_asset_filter", String),
        f("source_asset_filter_by", String), f("source_asset_filter_match", String),
        f("source_asset_identify_expression", String), f("source_asset_tags", IdArray),
        f("source_asset_tags_match_all", Boolean), f("source_project_id", Id),
        f("type", Enum).of(&["COPY_ACTION", "SEND_TO_SHOTGUN", "COMPOSITE_VIDEO"]), f("version", Integer),
    ] },
    Endpoint { path: "/delete/asset", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("id", Id),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/batch", category: "BATCH", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/comment", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", IdOrUuid).must(), p("include_replies", Boolean),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/company/control", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("all_groups", Boolean), p("id", Id).must(), p("notes", String).text(),
    ], response: &[
        f("deleted", Boolean), f("groups", IdArray),
    ] },
    Endpoint { path: "/delete/company/license", category: "LICENSE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/company/user", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id), p("id", Id).must(), p("projects", IdArray), p("teams", IdArray), p("user_id", Id).must(),
        p("validate", Boolean),
    ], response: &[
        f("deleted", Boolean), f("projects", IdArray), f("teams", IdArray), f("validated", Boolean),
    ] },
    Endpoint { path: "/delete/custom-metadata", category: "CUSTOMMETADATA", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/customization", category: "CUSTOMIZATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/domain/asset", category: "DOMAIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/group", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/group/control", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("notes", String).text(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/group/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("team_id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/live/registration", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/delete/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/playlist", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/production_folder", category: "PRODUCTIONFOLDER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/delete/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/project/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("team_id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/tag", category: "TAG", token: true, array: false, free_request: false, free_response: false, request: &[
        p("force", Boolean), p("id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("productions", IdArray), p("projects", IdArray), p("validate", Boolean),
    ], response: &[
        f("deleted", Boolean), f("productions", IdArray), f("projects", IdArray), f("validated", Boolean),
    ] },
    Endpoint { path: "/delete/team/user", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("user_id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/template", category: "TEMPLATE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("template_id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/delete/watermark", category: "WATERMARK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("watermark_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/download/asset/file", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("playlink_id", Id),
    ], response: &[
        f("download_url", String), f("processing", Boolean), f("task_id", String),
    ] },
    Endpoint { path: "/download/asset/immediate/image", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/download/asset/immediate/scrub", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/download/asset/immediate/video", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(), p("codec_capabilities", Object), p("colorspace", String).text(),
        p("manifest", String).text(), p("resolution", String).text(),
    ], response: &[
    ] },
    Endpoint { path: "/download/asset/watermark", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/download/assets", category: "DOWNLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("assets", IdArray), p("file_categories", StringArray), p("file_name", String).text(),
        p("file_type", String).text(), p("non_watermarked", Boolean), p("playlink_id", Id),
    ], response: &[
        f("access_token", String), f("file_name", String), f("path", String), f("processing", Boolean),
        f("task_id", String),
    ] },
    Endpoint { path: "/download/assets/direct", category: "DOWNLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("assets", IdArray), p("file_categories", StringArray), p("non_watermarked", Boolean),
    ], response: &[
        f("errors", Array), f("successful_processes", Array),
    ] },
    Endpoint { path: "/duplicate/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("name", String).max(45).text(),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean),
        f("asset_count", Integer), f("auto_play", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("expired", Boolean), f("expires", Date), f("group_id", Id), f("id", Id),
        f("message", String), f("modified", Date), f("name", String), f("owner_id", Id), f("owner_name", String),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("project_id", Id),
        f("restrict_lock_ip_address", Boolean), f("sent", Date), f("status", Enum).of(&["DRAFT", "SENT", "EXPIRED"]),
        f("timezone", String), f("url", String), f("user_count", Integer), f("view_limit", Integer),
        f("watermark_id", Id),
    ] },
    Endpoint { path: "/execute/workflow", category: "WORKFLOW", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/export/ale", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("filter_on", String).text(), p("filter_values", StringArray),
        p("project_id", Id).must(),
    ], response: &[
        f("ale_url", String),
    ] },
    Endpoint { path: "/fetch/assets", category: "ASSET", token: true, array: true, free_request: false, free_response: false, request: &[
        p("asset_order", String).text(), p("filter", String).text(), p("filter_by", String).text(),
        p("filter_match", String).text(), p("group_by", String).text(), p("group_id", Id),
        p("group_order", String).text(), p("ignore_prefix", Boolean), p("project_id", Id),
        p("sort_order", Enum).of(&["asc", "desc"]), p("tags", IdArray), p("tags_match_all", Boolean),
    ], response: &[
        f("assets", IdArray), f("assets_not_playable", IdArray), f("batchDetails", Object), f("batch_id", Id),
        f("blurhash", Array), f("group", String), f("hidden", Boolean), f("metadata", Object),
        f("unviewed_count", Integer),
    ] },
    Endpoint { path: "/flow/admin/download/asset/watermark", category: "FLOWFETCH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(), p("ip_address", String).must().text(), p("user_token", String).must().text(),
    ], response: &[
    ] },
    Endpoint { path: "/flow/download/asset/immediate/image", category: "FLOWFETCH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/flow/download/asset/immediate/scrub", category: "FLOWFETCH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/flow/download/asset/immediate/video", category: "FLOWFETCH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(), p("colorspace", String).text(), p("manifest", String).text(),
        p("resolution", String).text(),
    ], response: &[
    ] },
    Endpoint { path: "/flow/download/asset/watermark", category: "FLOWFETCH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("asset_file_id", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/get/activity", category: "ACTIVITY", token: true, array: true, free_request: false, free_response: false, request: &[
        p("limit", Integer), p("offset", Integer), p("project_id", Id).must(), p("type", String).text(),
        p("types", StringArray), p("unique_views", Boolean), p("updated_since", Date), p("user_id", Id),
    ], response: &[
        f("app_type", Enum).of(&["BROWSER", "DESKTOP", "IPHONE", "IPAD", "TVOS", "QTAKE_SERVER", "OTHER", "UNKNOWN"]),
        f("asset_id", Id), f("asset_name", String), f("asset_type", String), f("batch_id", Id), f("batch_name", String),
        f("browser_name", String), f("browser_version", String), f("city", String), f("comment_description", String),
        f("comment_id", Id), f("country", String), f("country_code", String), f("day", Integer),
        f("destination_type", String), f("destination_user_email", String), f("destination_user_name", String),
        f("destination_user_role", String), f("device_name", String), f("hour", Integer), f("id", Id),
        f("ip_address", String), f("latitude", Float), f("longitude", Float), f("minute", Integer), f("month", Integer),
        f("platform_name", String), f("platform_version", String), f("playlink_id", Id), f("playlink_name", String),
        f("project_id", Id), f("project_user_id", Id), f("region", String), f("review_session_name", String),
        f("review_session_owner_name", String), f("second", Integer), f("text", String), f("time", Date),
        f("type", Enum).of(&["DOWNLOAD", "UPLOAD", "VIEW", "VIEW_PLAYLINK_ASSET", "VIEW_REVIEW_SESSION_ASSET", "COPY", "MOVE", "PLAYLINK_SENT", "PLAYLINK_CREATED", "PLAYLINK_UPDATED", "DOWNLOADNONWATERMARKED", "USER_REMOVED", "DOWNLOADED", "INVITE", "DEST_CREATED", "DELETE", "JOIN", "WATERMARKING_ENABLED", "WATERMARKING_DISABLED", "WATERMARKING_CHANGED", "DRM_ENABLED", "DRM_DISABLED", "MFA_ENABLED", "MFA_DISABLED", "DEME_CREATED", "COMMENT", "COMMENT_DELETED", "USER_LEFT", "OFFLINE", "APIKEY_CREATED", "APIKEY_DELETED", "WORKFLOW_CREATED", "SCREENSHOT_TAKEN", "SCREEN_RECORDED", "DELETE_BATCH", "DELETE_PROJECT", "MOVE_PROJECT", "COPY_PROJECT", "MOVE_PARENT_PROJECT", "COMPANY_ADMIN_ENABLED", "COMPANY_ADMIN_DISABLED"]),
        f("user", Object), f("user_first_name", String), f("user_id", Id), f("user_initiated", Object),
        f("user_last_name", String), f("workflow_id", Id), f("year", Integer),
    ] },
    Endpoint { path: "/get/asset", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_links", Boolean), p("include_metadata", Boolean),
        p("include_offline_bytes", Boolean), p("include_usage", Boolean), p("trigger_watermarking", Boolean),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/get/asset/file/primary", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id),
    ], response: &[
        f("aspect_ratio", String), f("asset_id", Id), f("asset_uuid", String), f("audio_channels", Integer),
        f("audio_codec", String), f("audio_rate", Integer), f("batch_id", Id), f("bitrate", Float),
        f("category", String), f("certificate_url", String), f("colorspace", String), f("container", String),
        f("file_extension", String), f("file_name", String), f("frame_rate", Float), f("height", Integer),
        f("hls_resolutions_identifiers", StringArray), f("id", Id), f("is_dash", Boolean), f("is_fairplay", Boolean),
        f("is_hls", Boolean), f("is_playable", Boolean), f("is_playready", Boolean), f("is_realtime", Boolean),
        f("is_webrtc", Boolean), f("license_url", String), f("location", String), f("position", Integer),
        f("processing", Boolean), f("project_id", Id), f("requires_token", Boolean), f("resolution", String),
        f("resolutions_colorspaces", StringArray), f("resolutions_identifiers", StringArray),
        f("resolutions_labels", StringArray), f("resolutions_selectors", StringArray),
        f("resolutions_sizes", StringArray), f("status", Enum).of(&["ACTIVE", "DELETED", "PROCESSING"]),
        f("task_id", String), f("tc_end", String), f("tc_start", String), f("url", String), f("used_bytes", Integer),
        f("user_id", Id), f("video_codec", String), f("watermark_url", String),
        f("webrtc_server_configuration", Object), f("width", Integer),
    ] },
    Endpoint { path: "/get/asset/files", category: "ASSET", token: true, array: true, free_request: false, free_response: false, request: &[
        p("codec_capabilities", Object), p("id", Id).must(), p("playable_only", Boolean),
    ], response: &[
        f("aspect_ratio", String), f("asset_id", Id), f("asset_uuid", String), f("audio_channels", Integer),
        f("audio_codec", String), f("audio_rate", Integer), f("batch_id", Id), f("bitrate", Float),
        f("category", String), f("certificate_url", String), f("colorspace", String), f("container", String),
        f("file_extension", String), f("file_name", String), f("frame_rate", Float), f("height", Integer),
        f("hls_resolutions_identifiers", StringArray), f("id", Id), f("is_dash", Boolean), f("is_fairplay", Boolean),
        f("is_hls", Boolean), f("is_playable", Boolean), f("is_playready", Boolean), f("is_realtime", Boolean),
        f("is_webrtc", Boolean), f("license_url", String), f("location", String), f("position", Integer),
        f("project_id", Id), f("requires_token", Boolean), f("resolution", String),
        f("resolutions_colorspaces", StringArray), f("resolutions_identifiers", StringArray),
        f("resolutions_labels", StringArray), f("resolutions_selectors", StringArray),
        f("resolutions_sizes", StringArray), f("status", Enum).of(&["ACTIVE", "DELETED", "PROCESSING"]),
        f("tc_end", String), f("tc_start", String), f("url", String), f("used_bytes", Integer), f("user_id", Id),
        f("video_codec", String), f("watermark_url", String), f("webrtc_server_configuration", Object),
        f("width", Integer),
    ] },
    Endpoint { path: "/get/asset/metadata", category: "ASSET", token: true, array: false, free_request: false, free_response: true, request: &[
        p("id", Id).must(),
    ], response: &[
        f("tags", IdArray), f("uploaded", Date),
    ] },
    Endpoint { path: "/get/assets", category: "ASSET", token: true, array: true, free_request: false, free_response: false, request: &[
        p("asset_subtype_filter", StringArray), p("asset_type_filter", StringArray), p("assets", IdArray),
        p("batch_id", Id), p("include_links", Boolean), p("include_metadata", Boolean),
        p("include_offline_bytes", Boolean), p("include_usage", Boolean), p("project_id", Id),
        p("review_session_id", Id), p("trigger_watermarking", Boolean),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/get/batch", category: "BATCH", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("created", String), f("creator", Id), f("hidden", Boolean), f("id", Id), f("name", String), f("owner", Id),
        f("project_id", Id), f("status", Enum).of(&["ACTIVE", "DELETED"]),
    ] },
    Endpoint { path: "/get/batches", category: "BATCH", token: true, array: true, free_request: false, free_response: false, request: &[
        p("include_assets", Boolean), p("project_id", Id), p("projects", IdArray),
        p("sort_by", Enum).of(&["NEWEST", "OLDEST", "NAME"]),
    ], response: &[
        f("assets", IdArray), f("created", String), f("creator", Id), f("hidden", Boolean), f("id", Id),
        f("name", String), f("owner", Id), f("project_id", Id), f("status", Enum).of(&["ACTIVE", "DELETED"]),
    ] },
    Endpoint { path: "/get/comment", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", IdOrUuid).must(), p("channel_type", Enum).of(&["ALL", "PUBLIC", "PRIVATE"]),
        p("comment_id", Id).must(), p("include_asset_level_comments", Boolean), p("playlink_id", Id),
        p("read_scopes", StringArray), p("review_session_id", Id),
        p("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
    ], response: &[
        f("asset_id", Id), f("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), f("color", String),
        f("colorspace", String), f("completed_by_user_first_name", String), f("completed_by_user_id", Id),
        f("completed_by_user_last_name", String), f("created", Date), f("creator_email", String),
        f("creator_name", String), f("creator_role", String), f("description", String), f("has_drawing", Boolean),
        f("has_marker", Boolean), f("has_obsolete_drawing", Boolean), f("has_reply", Boolean), f("height", Integer),
        f("id", Id), f("is_expired", Boolean), f("is_owner", Boolean), f("is_reply", Boolean),
        f("marker_duration", Float), f("marker_time", Float), f("marker_timecode", String), f("parent_id", Id),
        f("project_id", Id), f("resolution_label", String),
        f("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), f("user_first_name", String), f("user_id", Id),
        f("user_last_name", String), f("user_project_role", String), f("uuid", String), f("width", Integer),
    ] },
    Endpoint { path: "/get/comments", category: "COMMENT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("asset_id", IdOrUuid).must(), p("channel_type", Enum).of(&["ALL", "PUBLIC", "PRIVATE"]),
        p("include_asset_level_comments", Boolean), p("playlink_id", Id), p("read_scopes", StringArray),
        p("review_session_id", Id), p("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
    ], response: &[
        f("asset_id", Id), f("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), f("color", String),
        f("colorspace", String), f("completed_by_user_first_name", String), f("completed_by_user_id", Id),
        f("completed_by_user_last_name", String), f("created", Date), f("creator_email", String),
        f("creator_name", String), f("creator_role", String), f("description", String), f("has_drawing", Boolean),
        f("has_marker", Boolean), f("has_obsolete_drawing", Boolean), f("has_reply", Boolean), f("height", Integer),
        f("id", Id), f("is_expired", Boolean), f("is_owner", Boolean), f("is_reply", Boolean),
        f("marker_duration", Float), f("marker_time", Float), f("marker_timecode", String), f("parent_id", Id),
        f("project_id", Id), f("resolution_label", String),
        f("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), f("user_first_name", String), f("user_id", Id),
        f("user_last_name", String), f("user_project_role", String), f("uuid", String), f("width", Integer),
    ] },
    Endpoint { path: "/get/comments/count", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", IdOrUuid).must(), p("playlink_id", Id), p("read_scopes", StringArray), p("review_session_id", Id),
        p("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
    ], response: &[
        f("asset_id", Id), f("private_comments_count", Integer), f("public_comments_count", Integer),
    ] },
    Endpoint { path: "/get/companies", category: "COMPANY", token: true, array: true, free_request: false, free_response: false, request: &[
        p("with_usage", Boolean),
    ], response: &[
        f("active", Boolean), f("admin_team", Id), f("allow_impersonation_control", Boolean),
        f("allow_inbox_only_option", Boolean), f("can_create_group", Boolean), f("can_create_playlinks", Boolean),
        f("can_create_screenshots", Boolean), f("can_csv_transfer", Boolean), f("can_display_activity_stream", Boolean),
        f("can_display_personal_settings", Boolean), f("can_display_playlists", Boolean),
        f("can_display_production_template", Boolean), f("can_display_shares", Boolean), f("can_display_tags", Boolean),
        f("can_display_watermarking", Boolean), f("can_manage_asset", Boolean), f("can_search_query", Boolean),
        f("can_send_to_qtake", Boolean), f("can_send_to_shotgrid", Boolean), f("can_share", Boolean),
        f("can_update_participants", Boolean), f("can_view_participants", Boolean),
        f("disallow_impersonation", Boolean), f("externally_managed_users", Boolean),
        f("forensic_watermarking", Boolean), f("forensic_watermarking_definition_level", String),
        f("forensic_watermarking_minimum_length_seconds", Integer), f("id", Id), f("is_admin", Boolean),
        f("is_owner", Boolean), f("mfa_enabled", Boolean), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("production_count", Integer), f("production_counts_by_license", Array),
        f("settings", Object), f("total_uploaded_usage", Integer), f("total_usage", Integer),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/company", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("active", Boolean), f("admin_team", Id), f("allow_impersonation_control", Boolean),
        f("allow_inbox_only_option", Boolean), f("can_create_group", Boolean), f("can_create_playlinks", Boolean),
        f("can_create_screenshots", Boolean), f("can_csv_transfer", Boolean), f("can_display_activity_stream", Boolean),
        f("can_display_personal_settings", Boolean), f("can_display_playlists", Boolean),
        f("can_display_production_template", Boolean), f("can_display_shares", Boolean), f("can_display_tags", Boolean),
        f("can_display_watermarking", Boolean), f("can_manage_asset", Boolean), f("can_search_query", Boolean),
        f("can_send_to_qtake", Boolean), f("can_send_to_shotgrid", Boolean), f("can_share", Boolean),
        f("can_update_participants", Boolean), f("can_view_participants", Boolean),
        f("disallow_impersonation", Boolean), f("externally_managed_users", Boolean),
        f("forensic_watermarking", Boolean), f("forensic_watermarking_definition_level", String),
        f("forensic_watermarking_minimum_length_seconds", Integer), f("id", Id), f("is_admin", Boolean),
        f("is_owner", Boolean), f("mfa_enabled", Boolean), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("production_count", Integer), f("production_counts_by_license", Array),
        f("settings", Object), f("total_uploaded_usage", Integer), f("total_usage", Integer),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/company/control", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("control_id", Id), f("expiry_date", Date), f("max_usage", Integer), f("notes", String), f("record_id", Id),
        f("record_type", String), f("start_date", Date),
    ] },
    Endpoint { path: "/get/company/licenses", category: "LICENSE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("include_expired", Boolean),
    ], response: &[
        f("company_id", Id), f("count", Integer), f("description", String), f("end_date", Date), f("id", Id),
        f("status", String), f("transaction_reference", String), f("type", String),
    ] },
    Endpoint { path: "/get/company/production_folders", category: "COMPANY", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_child_count", Boolean),
    ], response: &[
        f("child_count", Integer), f("color", String), f("company_id", Id), f("created", Date), f("id", Id),
        f("name", String), f("total_uploaded_usage", Integer), f("total_usage", Integer),
    ] },
    Endpoint { path: "/get/company/search/users", category: "COMPANY", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("limit", Integer), p("search", String).text(), p("sort_by", Enum).of(&["NAME", "DATE"]),
        p("sort_direction", Enum).of(&["ASC", "DESC"]),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("externally_managed", Boolean),
        f("first_name", String), f("id", Id), f("inbox_days_until_archive", Integer), f("inbox_only", Boolean),
        f("ip_address", String), f("last_name", String), f("latitude", Float), f("longitude", Float),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/get/company/users", category: "COMPANY", token: true, array: true, free_request: false, free_response: false, request: &[
        p("group_id", Id), p("id", Id).must(), p("include_review_only_users", Boolean), p("review_session_id", Id),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("externally_managed", Boolean),
        f("first_name", String), f("id", Id), f("inbox_days_until_archive", Integer), f("inbox_only", Boolean),
        f("ip_address", String), f("last_name", String), f("latitude", Float), f("longitude", Float),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/get/company/watermark", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("watermark", Object), f("watermark_thumbnail_file", String),
    ] },
    Endpoint { path: "/get/consentdocument/latest", category: "CONSENTDOC", token: false, array: true, free_request: false, free_response: false, request: &[
    ], response: &[
        f("type", Enum).of(&["PRIVACY_POLICY", "TERMS_OF_SERVICE"]), f("url", String),
    ] },
    Endpoint { path: "/get/destination/messages", category: "DESTINATION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("destination_id", Id).must(), p("limit", Integer), p("sort", Enum).of(&["NEWEST", "OLDEST"]),
        p("start_after_message_id", Id),
    ], response: &[
        f("assets", IdArray), f("created", Date), f("destination_id", Id), f("id", Id), f("sender_email", String),
        f("sender_first_name", String), f("sender_id", Id), f("sender_last_name", String),
        f("status", Enum).of(&["PENDING", "DELIVERED", "RECEIVED", "ERROR"]), f("text", String),
    ] },
    Endpoint { path: "/get/destination/subscription", category: "DESTINATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("subscription_id", Id).must(),
    ], response: &[
        f("created", Date), f("created_by", Id), f("destination_id", Id), f("device_name", String), f("id", Id),
    ] },
    Endpoint { path: "/get/destinations", category: "DESTINATION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(), p("type", Enum).must().of(&["QTAKE"]),
    ], response: &[
        f("active_subscriptions", IdArray), f("created", Date), f("id", Id), f("project_id", Id),
        f("type", Enum).of(&["QTAKE"]), f("user_email", String), f("user_name", String), f("user_role", String),
    ] },
    Endpoint { path: "/get/domain/login/provider", category: "DOMAIN", token: false, array: false, free_request: false, free_response: false, request: &[
        p("domain", String).must().text(), p("is_ios_app", Boolean), p("issuer", String).text(),
        p("provider", String).text(),
    ], response: &[
        f("base_url", String), f("claims", StringArray), f("client_id", String), f("discovery_url", String),
        f("hide_branding", Boolean), f("logo_image", String), f("okta_compatible", Boolean), f("provider", String),
        f("provider_type", String), f("saml2_auth_post_params", Object), f("saml2_auth_post_url", String),
        f("saml2_auth_url", String), f("user_profile_page_url", String),
    ] },
    Endpoint { path: "/get/domain/login/provider/default", category: "DOMAIN", token: false, array: false, free_request: false, free_response: false, request: &[
        p("domain", String).must().text(),
    ], response: &[
        f("has_default_provider", Boolean), f("has_internal_provider", Boolean), f("provider", String),
    ] },
    Endpoint { path: "/get/domain/login/providers", category: "DOMAIN", token: false, array: true, free_request: false, free_response: false, request: &[
        p("domain", String).must().text(), p("is_ios_app", Boolean),
    ], response: &[
        f("base_url", String), f("claims", StringArray), f("client_id", String), f("discovery_url", String),
        f("hide_branding", Boolean), f("logo_image", String), f("okta_compatible", Boolean), f("provider", String),
        f("provider_type", String), f("saml2_auth_post_params", Object), f("saml2_auth_post_url", String),
        f("saml2_auth_url", String), f("user_profile_page_url", String),
    ] },
    Endpoint { path: "/get/group", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).text(), p("id", Id).must(), p("include_child_count", Boolean),
    ], response: &[
        f("additional_rooms", Integer), f("allowed_settings", Object), f("asset_project_id", Id),
        f("available_rooms", Integer), f("background_image_url", String), f("blurhash", String),
        f("can_create_rooms", Boolean), f("can_create_root_folder", Boolean), f("can_create_template", Boolean),
        f("can_display_production_settings", Boolean), f("can_display_watermarking", Boolean),
        f("can_link_to_flow_project", Boolean), f("can_move_group", Boolean), f("can_update_participants", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("color", Integer), f("company_id", Id),
        f("company_name", String), f("created", Date), f("description", String), f("flow_id", String),
        f("flow_project_id", String), f("flow_project_name", String), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("id", Id), f("is_admin", Boolean), f("is_company_admin", Boolean), f("is_linked_to_flow_project", Boolean),
        f("is_owner", Boolean), f("is_pinned", Boolean), f("license_id", Id), f("license_type", String),
        f("licensed_rooms", Integer), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("origin_type", Enum).of(&["MOXION", "FLOW"]), f("owner", Id),
        f("production_folder_id", Id), f("production_poster_asset", Object), f("production_poster_url", String),
        f("projects", IdArray), f("settings", Object), f("sizes", Object),
        f("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), f("suspended", Date), f("thumbnail_position", Float),
        f("total_uploaded_usage", Integer), f("total_usage", Integer), f("transaction_reference", String),
        f("transcode_formats", Object), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/group/control", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("control_id", Id), f("expiry_date", Date), f("max_usage", Integer), f("notes", String), f("record_id", Id),
        f("record_type", String), f("start_date", Date),
    ] },
    Endpoint { path: "/get/group/projects", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("sort_by", String).text(),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/group/teams", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_project_teams", Boolean), p("review_session_id", Id),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("user_count", Integer),
    ] },
    Endpoint { path: "/get/group/usecases", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(),
    ], response: &[
        f("display_name", String), f("id", Id),
    ] },
    Endpoint { path: "/get/group/users", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("review_session_id", Id),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("company", String), f("email", String),
        f("first_name", String), f("id", Id), f("inbox_only", Boolean), f("last_name", String),
    ] },
    Endpoint { path: "/get/group/watermark", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("watermark", Object),
        f("watermark_thumbnail_file", String),
    ] },
    Endpoint { path: "/get/groups", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("description", String).text(), p("include_child_count", Boolean),
        p("include_projects", Boolean), p("include_rooms", Boolean), p("include_templates", Boolean),
        p("production_folder_id", Id), p("sort_by", Enum).of(&["name", "created"]),
    ], response: &[
        f("additional_rooms", Integer), f("allowed_settings", Object), f("asset_project_id", Id),
        f("available_rooms", Integer), f("background_image_url", String), f("blurhash", String),
        f("can_create_rooms", Boolean), f("can_create_root_folder", Boolean), f("can_create_template", Boolean),
        f("can_display_production_settings", Boolean), f("can_display_watermarking", Boolean),
        f("can_link_to_flow_project", Boolean), f("can_move_group", Boolean), f("can_update_participants", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("color", Integer), f("company_id", Id),
        f("company_name", String), f("created", Date), f("description", String), f("flow_id", String),
        f("flow_project_id", String), f("flow_project_name", String), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("id", Id), f("is_admin", Boolean), f("is_company_admin", Boolean), f("is_linked_to_flow_project", Boolean),
        f("is_owner", Boolean), f("is_pinned", Boolean), f("license_id", Id), f("license_type", String),
        f("licensed_rooms", Integer), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("origin_type", Enum).of(&["MOXION", "FLOW"]), f("owner", Id),
        f("production_folder_id", Id), f("production_poster_asset", Object), f("production_poster_url", String),
        f("projects", IdArray), f("settings", Object), f("sizes", Object),
        f("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), f("suspended", Date), f("thumbnail_position", Float),
        f("total_uploaded_usage", Integer), f("total_usage", Integer), f("transaction_reference", String),
        f("transcode_formats", Object), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/indicators/svg", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("comment_id", Id).must(),
    ], response: &[
        f("has_drawing", Boolean), f("svg", String),
    ] },
    Endpoint { path: "/get/live/details", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id),
    ], response: &[
        f("additional_details", Object), f("breadcrumbs", Array), f("description", String), f("group", Id),
        f("group_name", String), f("id", Id), f("last_connected", Date), f("name", String), f("project", Id),
        f("project_name", String), f("registration_data", String), f("status", String), f("stream_uri", String),
        f("type", Enum),
    ] },
    Endpoint { path: "/get/message", category: "MESSAGE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean), f("body", String),
        f("can_be_restricted", Boolean), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("group_id", Id), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean), f("last_modified", Date),
        f("playlink_id", Id), f("project_id", Id), f("project_name", String), f("sender_first_name", String),
        f("sender_last_name", String), f("sender_role", String), f("sender_user_id", Id), f("start", Date),
        f("subject", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]),
    ] },
    Endpoint { path: "/get/message/assets", category: "MESSAGE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("trigger_watermarking", Boolean),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_navigate_to_folder", Boolean),
        f("can_offline", Boolean), f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_count_remaining", Integer),
        f("view_link", String), f("viewing_restricted", StringArray),
    ] },
    Endpoint { path: "/get/message/recipients", category: "MESSAGE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("company", String), f("first_name", String), f("id", Id), f("last_name", String),
    ] },
    Endpoint { path: "/get/messages", category: "MESSAGE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("ids", IdArray).must(),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean), f("body", String),
        f("can_be_restricted", Boolean), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("group_id", Id), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean), f("last_modified", Date),
        f("playlink_id", Id), f("project_id", Id), f("project_name", String), f("sender_first_name", String),
        f("sender_last_name", String), f("sender_role", String), f("sender_user_id", Id), f("start", Date),
        f("subject", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]),
    ] },
    Endpoint { path: "/get/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean),
        f("asset_count", Integer), f("auto_play", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("expired", Boolean), f("expires", Date), f("group_id", Id), f("id", Id),
        f("message", String), f("modified", Date), f("name", String), f("owner_id", Id), f("owner_name", String),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("project_id", Id),
        f("restrict_lock_ip_address", Boolean), f("sent", Date), f("status", Enum).of(&["DRAFT", "SENT", "EXPIRED"]),
        f("timezone", String), f("url", String), f("user_count", Integer), f("view_limit", Integer),
        f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/playlink/assets", category: "PLAYLINK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_navigate_to_folder", Boolean),
        f("can_offline", Boolean), f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_count_remaining", Integer),
        f("view_link", String), f("viewing_restricted", StringArray),
    ] },
    Endpoint { path: "/get/playlink/default/settings", category: "PLAYLINKDEFAULTSETTINGS", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("playlist_id", Id),
    ], response: &[
        f("access_code", String), f("allow_comments", Boolean), f("allow_download", Boolean),
        f("allow_offline", Boolean), f("auto_play", Boolean), f("can_add_external_users", Boolean), f("company_id", Id),
        f("download_assets", Enum).of(&["ALL", "SOME", "NONE"]), f("expiry_timezone", String), f("id", Id),
        f("offline_assets", Enum).of(&["ALL", "SOME", "NONE"]), f("playlink_access_types", StringArray),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("restrict_lock_ip_address", Boolean),
        f("share_assets", Enum).of(&["ALL", "SOME", "NONE"]), f("timezone", String), f("user_id", Id),
        f("watermark_id", Id), f("watermark_name", String),
    ] },
    Endpoint { path: "/get/playlink/users", category: "PLAYLINK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("first_name", String),
        f("hash", String), f("id", Id), f("inbox_days_until_archive", Integer), f("inbox_only", Boolean),
        f("ip_address", String), f("last_name", String), f("latitude", Float), f("longitude", Float),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("opens", Integer), f("phone", String),
        f("playlink_user_id", Id), f("playout_percent", Float), f("playout_total", Integer), f("playout_used", Integer),
        f("project_role", String), f("project_security_group", Integer), f("region", String),
        f("remember_playback_position", Boolean), f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("team_id", Id),
        f("timezone", String), f("trans_mins_percent", Float), f("trans_mins_total", Integer),
        f("trans_mins_used", Integer), f("type", String), f("user_id", Id),
    ] },
    Endpoint { path: "/get/playlinks", category: "PLAYLINK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("group_id", Id), p("is_expired", Boolean), p("limit", Integer), p("offset", Integer),
        p("project_id", Id), p("search_term", String).text(),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean),
        f("asset_count", Integer), f("auto_play", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("expired", Boolean), f("expires", Date), f("group_id", Id), f("id", Id),
        f("message", String), f("modified", Date), f("name", String), f("owner_id", Id), f("owner_name", String),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("project_id", Id),
        f("restrict_lock_ip_address", Boolean), f("sent", Date), f("status", Enum).of(&["DRAFT", "SENT", "EXPIRED"]),
        f("timezone", String), f("url", String), f("user_count", Integer), f("view_limit", Integer),
        f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/playlist", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("asset_ids", IdArray), f("blurhash", String), f("can_add_collaborators", Boolean),
        f("can_collaborate", Boolean), f("can_edit", Boolean), f("can_share", Boolean),
        f("can_view_collaborators", Boolean), f("company_id", Id), f("created", Date), f("description", String),
        f("flow_id", String), f("group_id", Id), f("has_collaborators", Boolean), f("id", Id), f("is_dynamic", Boolean),
        f("is_shared_with_me", Boolean), f("modified", Date), f("name", String),
        f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]), f("owner_id", Id), f("owner_name", String),
        f("playlinks", Array), f("source_project_id", Id), f("source_type", Enum).of(&["USER", "REVIEW_SESSION"]),
        f("thumbnail_asset_id", Id), f("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]),
        f("thumbnail_url", String), f("thumbnail_url_2x", String), f("thumbnail_url_3x", String),
        f("type", Enum).of(&["USER", "REVIEW_SESSION"]),
    ] },
    Endpoint { path: "/get/playlist/assets", category: "PLAYLIST", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("playlist_asset_id", Id), f("processing_estimate", Object),
        f("project_id", Id), f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/get/playlist/assets/count", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("playlist_id", Id).must(),
    ], response: &[
        f("asset_counts", Array), f("playlist_id", Id),
    ] },
    Endpoint { path: "/get/playlist/collaborators", category: "PLAYLISTCOLLABORATOR", token: true, array: false, free_request: false, free_response: false, request: &[
        p("playlist_id", Id).must(),
    ], response: &[
        f("collaborators", Array), f("playlist_id", Id),
    ] },
    Endpoint { path: "/get/playlist/review_sessions", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("playlist_id", Id).must(),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/playlists", category: "PLAYLIST", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("group_id", Id), p("include_collaborating_playlists", Boolean),
        p("include_shared", Boolean),
        p("playlist_collaboration_type_filter", Enum).of(&["mine", "collaborating", "shared"]),
    ], response: &[
        f("asset_ids", IdArray), f("blurhash", String), f("can_add_collaborators", Boolean),
        f("can_collaborate", Boolean), f("can_edit", Boolean), f("can_share", Boolean),
        f("can_view_collaborators", Boolean), f("company_id", Id), f("created", Date), f("description", String),
        f("flow_id", String), f("group_id", Id), f("has_collaborators", Boolean), f("id", Id), f("is_dynamic", Boolean),
        f("is_shared_with_me", Boolean), f("modified", Date), f("name", String),
        f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]), f("owner_id", Id), f("owner_name", String),
        f("playlinks", Array), f("source_project_id", Id), f("source_type", Enum).of(&["USER", "REVIEW_SESSION"]),
        f("thumbnail_asset_id", Id), f("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]),
        f("thumbnail_url", String), f("thumbnail_url_2x", String), f("thumbnail_url_3x", String),
        f("type", Enum).of(&["USER", "REVIEW_SESSION"]),
    ] },
    Endpoint { path: "/get/production_folder", category: "PRODUCTIONFOLDER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_child_count", Boolean), p("include_usage", Boolean),
    ], response: &[
        f("child_count", Integer), f("color", String), f("company_id", Id), f("created", Date), f("id", Id),
        f("name", String), f("total_uploaded_usage", Integer), f("total_usage", Integer),
    ] },
    Endpoint { path: "/get/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_breadcrumbs", Boolean), p("include_child_count", Boolean),
        p("include_offline_data", Boolean),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/project/filters", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("batch", StringArray), f("reel", StringArray), f("scene", StringArray),
    ] },
    Endpoint { path: "/get/project/teams", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("user_count", Integer),
    ] },
    Endpoint { path: "/get/project/usage", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_live_assets", Boolean),
    ], response: &[
        f("project_count", Integer), f("total_asset_count", Integer), f("total_uploaded_usage", Integer),
        f("total_usage", Integer),
    ] },
    Endpoint { path: "/get/project/user", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(), p("user_id", Id).must(),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("can_delete_assets", Boolean),
        f("can_download", Boolean), f("can_invite_users", Boolean), f("can_offline", Boolean),
        f("can_send_to_qtake", Boolean), f("can_update_batch_visibility", Boolean),
        f("can_update_participants", Boolean), f("can_upload", Boolean), f("can_view", Boolean),
        f("can_view_hidden_batches", Boolean), f("can_view_participants", Boolean), f("company", String),
        f("email", String), f("first_name", String), f("id", Id), f("inbox_only", Boolean), f("last_name", String),
        f("project_permissions", Array), f("project_role", String), f("security_group", Integer),
    ] },
    Endpoint { path: "/get/project/watermark", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("watermark", Object),
        f("watermark_thumbnail_file", String),
    ] },
    Endpoint { path: "/get/projects", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("group_id", Id), p("include_child_count", Boolean), p("is_owner", Boolean),
        p("limit", Integer), p("parent_project_id", Id), p("projects", IdArray), p("roots_only", Boolean),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/public/user", category: "USER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("email", String).must().max(254).email(),
    ], response: &[
        f("company", String), f("email", String), f("first_name", String), f("id", Id), f("last_name", String),
    ] },
    Endpoint { path: "/get/report", category: "REPORTS", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("asset_order", String).must().text(), p("comments_report", Boolean),
        p("exclude_null", Boolean), p("format", String).text(), p("group_by", String).text(),
        p("include_asset_level_comments", Boolean), p("include_images", Boolean), p("metadata", Boolean).must(),
        p("only_comments", Boolean), p("project_id", Id).must(), p("report_name", String).text(),
        p("save_report", Boolean),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/get/report/playlist", category: "REPORTS", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        p("comments_report", Boolean), p("exclude_null", Boolean), p("format", String).text(),
        p("include_asset_level_comments", Boolean), p("include_images", Boolean), p("metadata", Boolean).must(),
        p("only_comments", Boolean), p("playlink_id", Id), p("playlist_ids", IdArray).must(),
        p("report_name", String).text(), p("review_session_id", Id),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/get/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/review_session/assets", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_remove", Boolean), f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("playlist_asset_id", Id), f("playlist_id", Id),
        f("processing_estimate", Object), f("project_id", Id), f("resume_position", Float),
        f("review_session_asset_id", Id), f("review_session_id", Id), f("scrub_jpg_frames", Integer),
        f("scrub_jpg_url", String), f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String),
        f("scrub_url", String), f("scrub_url_2x", String), f("scrub_url_3x", String), f("scrub_url_frames", Integer),
        f("sdr_screen_brightness", Float), f("session_order", Integer), f("sort_index", Integer),
        f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/get/review_session/playlist/assets", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("playlist_id", Id), p("playlist_ids", IdArray),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("playlist_asset_id", Id), f("playlist_id", Id),
        f("processing_estimate", Object), f("project_id", Id), f("resume_position", Float),
        f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String), f("scrub_jpg_url_2x", String),
        f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String), f("scrub_url_3x", String),
        f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float), f("sort_index", Integer),
        f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/get/review_session/playlists", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("blurhash", String), f("can_add_collaborators", Boolean), f("can_collaborate", Boolean),
        f("can_edit", Boolean), f("can_share", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("flow_id", String), f("group_id", Id), f("has_collaborators", Boolean), f("id", Id),
        f("is_dynamic", Boolean), f("is_shared_with_me", Boolean), f("modified", Date), f("name", String),
        f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]), f("owner_id", Id), f("owner_name", String),
        f("playlinks", Array), f("playlist_id", Id), f("source_project_id", Id),
        f("source_type", Enum).of(&["USER", "REVIEW_SESSION"]), f("thumbnail_asset_id", Id),
        f("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]), f("thumbnail_url", String),
        f("thumbnail_url_2x", String), f("thumbnail_url_3x", String), f("type", Enum).of(&["USER", "REVIEW_SESSION"]),
    ] },
    Endpoint { path: "/get/review_session/teams", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("review_session_id", Id), f("team_id", Id),
    ] },
    Endpoint { path: "/get/review_session/user", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("user_id", Id).must(),
    ], response: &[
        f("company", String), f("email", String), f("first_name", String), f("host_status_adjustable", Boolean),
        f("id", Id), f("is_host", Boolean), f("last_name", String), f("role", String), f("user_type", String),
    ] },
    Endpoint { path: "/get/review_session/users", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_owner", Boolean),
    ], response: &[
        f("company", String), f("email", String), f("first_name", String), f("host_status_adjustable", Boolean),
        f("id", Id), f("is_host", Boolean), f("last_name", String), f("role", String), f("user_type", String),
    ] },
    Endpoint { path: "/get/review_sessions", category: "REVIEWSESSION", token: true, array: true, free_request: false, free_response: false, request: &[
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/security/groups", category: "USER", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id),
    ], response: &[
        f("can_assign_job_to_others", Boolean), f("can_create_playlinks", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_users", Boolean), f("can_download", Boolean), f("can_invite_users", Boolean),
        f("can_upload", Boolean), f("can_view", Boolean), f("id", Integer), f("is_admin", Boolean),
        f("lang_key", String), f("name", String),
    ] },
    Endpoint { path: "/get/sent/message", category: "MESSAGE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_message_content", Boolean),
    ], response: &[
        f("allow_download", Boolean), f("allow_edit", Boolean), f("allow_offline", Boolean), f("asset_count", Integer),
        f("blurhash", String), f("body", String), f("can_be_restricted", Boolean), f("company_id", Id),
        f("company_name", String), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("folder", Enum).of(&["INBOX", "ARCHIVE", "SENT"]), f("group_color", Integer), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean),
        f("is_live", Boolean), f("is_share", Boolean), f("is_starred", Boolean), f("is_unread", Boolean),
        f("is_unviewed", Boolean), f("last_modified", Date), f("message_id", Id), f("modified_since", Date),
        f("playlink_id", Id), f("playlist_id", Id), f("playlist_name", String), f("playlist_thumbnail_url", String),
        f("playlist_thumbnail_url_2x", String), f("playlist_thumbnail_url_3x", String), f("project_id", Id),
        f("project_name", String), f("read_timestamp", Date), f("search_context", String),
        f("sender_first_name", String), f("sender_last_name", String), f("sender_role", String),
        f("sender_user_id", Id), f("share_id", Id), f("share_name", String), f("share_sent_date", Date),
        f("start", Date), f("subject", String), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]), f("unviewed_count", Integer),
    ] },
    Endpoint { path: "/get/sent/messages", category: "MESSAGE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("folder", Enum).of(&["INBOX", "ARCHIVE", "SENT"]), p("ids", IdArray), p("ids_only", Boolean),
        p("include_message_content", Boolean), p("modified_since", Date),
    ], response: &[
        f("allow_download", Boolean), f("allow_edit", Boolean), f("allow_offline", Boolean), f("asset_count", Integer),
        f("blurhash", String), f("body", String), f("can_be_restricted", Boolean), f("company_id", Id),
        f("company_name", String), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("folder", Enum).of(&["INBOX", "ARCHIVE", "SENT"]), f("group_color", Integer), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean),
        f("is_live", Boolean), f("is_share", Boolean), f("is_starred", Boolean), f("is_unread", Boolean),
        f("is_unviewed", Boolean), f("last_modified", Date), f("message_id", Id), f("modified_since", Date),
        f("playlink_id", Id), f("playlist_id", Id), f("playlist_name", String), f("playlist_thumbnail_url", String),
        f("playlist_thumbnail_url_2x", String), f("playlist_thumbnail_url_3x", String), f("project_id", Id),
        f("project_name", String), f("read_timestamp", Date), f("search_context", String),
        f("sender_first_name", String), f("sender_last_name", String), f("sender_role", String),
        f("sender_user_id", Id), f("share_id", Id), f("share_name", String), f("share_sent_date", Date),
        f("start", Date), f("subject", String), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]), f("unviewed_count", Integer),
    ] },
    Endpoint { path: "/get/sent/messages/count", category: "MESSAGE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("folder", Enum).must().of(&["INBOX", "ARCHIVE", "SENT"]),
    ], response: &[
        f("count", Integer), f("last_modified", Date), f("unread", Integer),
    ] },
    Endpoint { path: "/get/tag", category: "TAG", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("color", String), f("id", Id), f("name", String), f("project_id", Id),
    ] },
    Endpoint { path: "/get/tags", category: "TAG", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id), p("project_ids", IdArray),
    ], response: &[
        f("color", String), f("id", Id), f("name", String), f("project_id", Id),
    ] },
    Endpoint { path: "/get/task/message", category: "TASK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("task_id", String).text(),
    ], response: &[
        f("message", Object),
    ] },
    Endpoint { path: "/get/tasks/message", category: "TASK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("task_ids", StringArray),
    ], response: &[
        f("message", Object), f("task_id", String),
    ] },
    Endpoint { path: "/get/team", category: "TEAM", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("user_count", Integer),
    ] },
    Endpoint { path: "/get/team/users", category: "TEAM", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("company", String), f("email", String),
        f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String), f("id", Id),
        f("inbox_only", Boolean), f("last_name", String), f("project_role_id", Id), f("project_role_name", String),
        f("security_group_id", Integer),
    ] },
    Endpoint { path: "/get/teams", category: "TEAM", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id), p("group_id", Id),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("user_count", Integer),
    ] },
    Endpoint { path: "/get/teams/search/users", category: "TEAM", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("group_ids", IdArray), p("limit", Integer), p("search", String).text(),
        p("sort_by", Enum).of(&["NAME"]), p("sort_direction", Enum).of(&["ASC", "DESC"]),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("company_id", Id), f("company_name", String),
        f("email", String), f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String),
        f("group_id", Id), f("id", Id), f("inbox_only", Boolean), f("is_admin_team", Boolean), f("is_team", Boolean),
        f("is_user", Boolean), f("last_name", String), f("security_group_id", Integer), f("team_id", Id),
        f("team_name", String), f("team_security_group", Integer), f("user_count", Integer),
    ] },
    Endpoint { path: "/get/teams/users", category: "TEAM", token: true, array: true, free_request: false, free_response: false, request: &[
        p("team_ids", IdArray).must(),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("company", String), f("email", String),
        f("external_idp_id", String), f("externally_managed", Boolean), f("first_name", String), f("id", Id),
        f("inbox_only", Boolean), f("last_name", String), f("project_role_id", Id), f("project_role_name", String),
        f("security_group_id", Integer), f("team_id", Id),
    ] },
    Endpoint { path: "/get/templates", category: "TEMPLATE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id),
    ], response: &[
        f("additional_rooms", Integer), f("allowed_settings", Object), f("asset_project_id", Id),
        f("available_rooms", Integer), f("background_image_url", String), f("blurhash", String),
        f("can_create_rooms", Boolean), f("can_create_root_folder", Boolean), f("can_create_template", Boolean),
        f("can_delete_template", Boolean), f("can_display_production_settings", Boolean),
        f("can_display_watermarking", Boolean), f("can_link_to_flow_project", Boolean), f("can_move_group", Boolean),
        f("can_update_participants", Boolean), f("can_update_template", Boolean), f("can_view_participants", Boolean),
        f("child_count", Integer), f("color", Integer), f("company_id", Id), f("company_name", String),
        f("copied_from_group_id", Id), f("copied_from_group_name", String), f("created", Date),
        f("description", String), f("flow_id", String), f("flow_project_id", String), f("flow_project_name", String),
        f("forensic_watermarking", Boolean), f("forensic_watermarking_definition_level", String),
        f("forensic_watermarking_minimum_length_seconds", Integer), f("id", Id), f("is_admin", Boolean),
        f("is_company_admin", Boolean), f("is_linked_to_flow_project", Boolean), f("is_owner", Boolean),
        f("is_pinned", Boolean), f("license_id", Id), f("license_type", String), f("licensed_rooms", Integer),
        f("name", String), f("named_licenses_available", Integer), f("named_licenses_used", Integer),
        f("origin_type", Enum).of(&["MOXION", "FLOW"]), f("owner", Id), f("owner_first_name", String),
        f("owner_last_name", String), f("production_folder_id", Id), f("production_poster_asset", Object),
        f("production_poster_url", String), f("project_count", Integer), f("projects", IdArray), f("settings", Object),
        f("sizes", Object), f("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), f("suspended", Date),
        f("team_count", Integer), f("thumbnail_position", Float), f("total_uploaded_usage", Integer),
        f("total_usage", Integer), f("transaction_reference", String), f("transcode_formats", Object),
        f("user_count", Integer), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/get/upload/endpoint/s3/report", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("content_type", String).must().text(),
    ], response: &[
        f("method", String), f("url", String),
    ] },
    Endpoint { path: "/get/upload/s3/endpoint", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("batch_id", Id), p("batch_name", String).max(100).text(), p("project_id", Id).must(),
    ], response: &[
        f("accelerated", Boolean), f("access_key_id", String), f("endpoint", String), f("prefix", String),
        f("region", String),
    ] },
    Endpoint { path: "/get/usecases", category: "USECASE", token: true, array: true, free_request: false, free_response: false, request: &[
    ], response: &[
        f("display_name", String), f("id", Id),
    ] },
    Endpoint { path: "/get/user", category: "USER", token: true, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("can_link_to_flow", Boolean), f("city", String),
        f("company", String), f("consent_check_required", Boolean), f("country", String), f("country_code", String),
        f("dateformat", String), f("elevio_hash", String), f("email", String), f("email_notification_comment", Boolean),
        f("email_notification_delete", Boolean), f("email_notification_download", Boolean),
        f("email_notification_folder_add", Boolean), f("email_notification_immediates", Boolean),
        f("email_notification_immediates_interval", Integer), f("email_notification_screencapture", Boolean),
        f("email_notification_upload", Boolean), f("email_notification_view", Boolean),
        f("email_notification_view_audio", Boolean), f("email_notification_view_image", Boolean),
        f("email_share_cc_users", Array), f("email_share_frequency", Enum).of(&["INSTANT", "DAILY", "WEEKLY"]),
        f("email_share_notification", Boolean), f("external_idp_id", String), f("externally_managed", Boolean),
        f("first_name", String), f("helpscout_user_signature", String), f("helpscout_user_signature_mx6", String),
        f("id", Id), f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("linked_to_flow_user", Boolean), f("longitude", Float),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float),
        f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean), f("server_time", Date), f("session_data", String),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/get/users", category: "USER", token: true, array: true, free_request: false, free_response: false, request: &[
        p("exclude_project", Id), p("include_inactive", Boolean), p("project_id", Id).must(),
        p("required_permission", String).text(),
    ], response: &[
        f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]), f("company", String), f("email", String),
        f("first_name", String), f("id", Id), f("inbox_only", Boolean), f("last_name", String),
        f("project_permissions", Array),
    ] },
    Endpoint { path: "/get/watermark", category: "WATERMARK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("watermark_id", Id).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("owner_id", Id), f("playlink_id", Id),
        f("url", String), f("usage_count", Integer), f("watermark", Object), f("watermark_id", Id),
    ] },
    Endpoint { path: "/get/watermarks", category: "WATERMARK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("group_id", Id),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("owner_id", Id), f("playlink_id", Id),
        f("url", String), f("usage_count", Integer), f("watermark", Object), f("watermark_id", Id),
    ] },
    Endpoint { path: "/home/create/widget", category: "HOMEUSERWIDGET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("widget_definition", Object).must(), p("widget_name", String).must().text(), p("widget_order", Integer),
        p("widget_settings", Object).must(), p("widget_type", Enum).must().of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ], response: &[
        f("order", Integer), f("widget_definition", Object), f("widget_id", Id), f("widget_name", String),
        f("widget_settings", Object), f("widget_type", Enum).of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ] },
    Endpoint { path: "/home/delete/widget", category: "HOMEUSERWIDGET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("widget_id", Id).must(),
    ], response: &[
        f("deleted", Boolean),
    ] },
    Endpoint { path: "/home/get/widget/details", category: "HOMEUSERWIDGET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("limit", Integer), p("message_types", StringArray), p("production_id", Id), p("search_term", String).text(),
        p("sort_by", Enum).of(&["UNREAD", "DATE", "MESSAGE_ID", "NAME"]),
        p("sort_direction", Enum).of(&["ASC", "DESC"]), p("unplayed_only", Boolean), p("unread_only", Boolean),
        p("view_by_production", Boolean), p("widget_id", Id).must(), p("with_pagination", Boolean),
    ], response: &[
        f("assets", Array), f("messages", Array), f("productions", Array), f("widget_data_types", StringArray),
    ] },
    Endpoint { path: "/home/get/widgets", category: "HOMEUSERWIDGET", token: true, array: true, free_request: false, free_response: false, request: &[
    ], response: &[
        f("order", Integer), f("widget_definition", Object), f("widget_id", Id), f("widget_name", String),
        f("widget_settings", Object), f("widget_type", Enum).of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ] },
    Endpoint { path: "/home/search", category: "HOME", token: true, array: true, free_request: false, free_response: false, request: &[
        p("include_thumbnails", Boolean), p("search", String).must().text(),
    ], response: &[
        f("allow_download", Boolean), f("allow_edit", Boolean), f("allow_offline", Boolean), f("asset_count", Integer),
        f("blurhash", String), f("body", String), f("can_be_restricted", Boolean), f("company_id", Id),
        f("company_name", String), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("folder", Enum).of(&["INBOX", "ARCHIVE", "SENT"]), f("group_color", Integer), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean),
        f("is_live", Boolean), f("is_share", Boolean), f("is_starred", Boolean), f("is_unread", Boolean),
        f("is_unviewed", Boolean), f("last_modified", Date), f("message_id", Id), f("modified_since", Date),
        f("playlink_id", Id), f("playlist_id", Id), f("playlist_name", String), f("playlist_thumbnail_url", String),
        f("playlist_thumbnail_url_2x", String), f("playlist_thumbnail_url_3x", String), f("project_id", Id),
        f("project_name", String), f("read_timestamp", Date), f("search_context", String),
        f("sender_first_name", String), f("sender_last_name", String), f("sender_role", String),
        f("sender_user_id", Id), f("share_id", Id), f("share_name", String), f("share_sent_date", Date),
        f("start", Date), f("subject", String), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]), f("unviewed_count", Integer),
    ] },
    Endpoint { path: "/home/update/user/production", category: "HOME", token: true, array: false, free_request: false, free_response: false, request: &[
        p("pinned", Boolean).must(), p("production_id", Id).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/home/update/widget", category: "HOMEUSERWIDGET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("widget_definition", Object), p("widget_id", Id).must(), p("widget_name", String).text(),
        p("widget_settings", Object), p("widget_type", Enum).of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ], response: &[
        f("order", Integer), f("widget_definition", Object), f("widget_id", Id), f("widget_name", String),
        f("widget_settings", Object), f("widget_type", Enum).of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ] },
    Endpoint { path: "/home/update/widgets", category: "HOMEUSERWIDGET", token: true, array: true, free_request: false, free_response: false, request: &[
        p("widget_details", Array).must(),
    ], response: &[
        f("order", Integer), f("widget_definition", Object), f("widget_id", Id), f("widget_name", String),
        f("widget_settings", Object), f("widget_type", Enum).of(&["SHARED_PLAYLISTS", "PRODUCTIONS"]),
    ] },
    Endpoint { path: "/home/update/widgets/order", category: "HOMEUSERWIDGET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("widget_order", Array).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/import/teams/csv", category: "TEAM", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("filename", String).must().text(), p("group_id", Id),
        p("original_filename", String).must().text(), p("validate_only", Boolean).must(),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/invite/user", category: "USER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company", String).max(100).text(), p("company_id", Id), p("email", String).must().max(254).email(),
        p("first_name", String).must().max(100).text(), p("group_id", Id), p("inbox_only", Boolean),
        p("last_name", String).must().max(100).text(), p("project_id", Id), p("project_role", String).text(),
        p("security_group", Integer).must(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("first_name", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("invited", Boolean),
        f("ip_address", String), f("last_name", String), f("latitude", Float), f("longitude", Float),
        f("mx6_autoplay", Boolean), f("mx6_player", Boolean), f("new_user", Boolean), f("phone", String),
        f("playout_percent", Float), f("playout_total", Integer), f("playout_used", Integer), f("project_role", String),
        f("project_security_group", Integer), f("region", String), f("remember_playback_position", Boolean),
        f("rooms_only", Boolean), f("sequential_playback", Boolean),
        f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]), f("storage_percent", Float),
        f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean), f("timezone", String),
        f("trans_mins_percent", Float), f("trans_mins_total", Integer), f("trans_mins_used", Integer),
        f("type", String),
    ] },
    Endpoint { path: "/invite/user/sso", category: "AUTH", token: false, array: false, free_request: false, free_response: false, request: &[
        p("email", String).must().max(254).email(), p("provider", String).must().text(),
        p("return_url", String).must().text(),
    ], response: &[
        f("invitation_url", String), f("user_already_exists", Boolean),
    ] },
    Endpoint { path: "/join/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("media_region", String).must().text(),
    ], response: &[
        f("attendee", String), f("meeting", String),
    ] },
    Endpoint { path: "/leave/project", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("keep_playlink_associations", Boolean), p("project_id", Id).must(), p("teams", IdArray), p("user_id", Id),
        p("validate", Boolean),
    ], response: &[
        f("removed", Boolean), f("teams", IdArray), f("validated", Boolean),
    ] },
    Endpoint { path: "/list/live/registrations", category: "LIVE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("additional_details", Object), f("description", String), f("id", Id), f("last_connected", Date),
        f("name", String), f("registration_data", String), f("status", String), f("type", Enum),
    ] },
    Endpoint { path: "/list/live/registrations/v2", category: "LIVE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("additional_details", Object), f("description", String), f("id", Id), f("last_connected", Date),
        f("name", String), f("registration_data", String), f("status", String), f("type", Enum),
    ] },
    Endpoint { path: "/list/live/servers", category: "LIVE", token: true, array: true, free_request: false, free_response: false, request: &[
        p("stream_uri", String).must().text(),
    ], response: &[
        f("webrtc_server_configuration", Object),
    ] },
    Endpoint { path: "/move/asset", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("batch_id", Id).must(), p("id", Id).must(),
    ], response: &[
        f("moved", Boolean),
    ] },
    Endpoint { path: "/move/assets", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray).must(), p("batch_id", Id).must(),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/move/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("keep_existing_project_settings", Boolean).must(),
        p("keep_existing_users_and_teams", Boolean).must(), p("new_parent_group_id", Id).must(),
        p("new_parent_project_id", Id),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("updated", Boolean), f("watermark_settings", Object),
    ] },
    Endpoint { path: "/move/projects", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("keep_existing_project_settings", Boolean).must(), p("keep_existing_users_and_teams", Boolean).must(),
        p("new_parent_group_id", Id).must(), p("new_parent_project_id", Id), p("project_ids", IdArray).must(),
    ], response: &[
        f("task_id", String),
    ] },
    Endpoint { path: "/ping", category: "USER", token: false, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
        f("buildId", String), f("buildTime", String), f("ip", String), f("maintenance_mode", Boolean),
        f("pong", Boolean), f("sourceVersion", String), f("time", String),
    ] },
    Endpoint { path: "/preview/new/workflow", category: "WORKFLOW", token: true, array: true, free_request: false, free_response: false, request: &[
        p("destination_asset_filter", String).text(), p("destination_asset_filter_by", String).text(),
        p("destination_asset_filter_match", String).text(), p("destination_asset_identify_expression", String).text(),
        p("destination_asset_tags", IdArray), p("destination_asset_tags_match_all", Boolean),
        p("destination_project_id", Id), p("source_asset_filter", String).text(),
        p("source_asset_filter_by", String).text(), p("source_asset_filter_match", String).text(),
        p("source_asset_identify_expression", String).text(), p("source_asset_tags", IdArray),
        p("source_asset_tags_match_all", Boolean), p("source_project_id", Id),
        p("type", Enum).must().of(&["COPY_ACTION", "SEND_TO_SHOTGUN", "COMPOSITE_VIDEO"]),
    ], response: &[
        f("destination_asset_id", Id), f("identify_value", String), f("source_asset_id", Id),
    ] },
    Endpoint { path: "/preview/workflow", category: "WORKFLOW", token: true, array: true, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("destination_asset_id", Id), f("identify_value", String), f("source_asset_id", Id),
    ] },
    Endpoint { path: "/remove/group/usecases", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(), p("usecase_ids", IdArray).must(),
    ], response: &[
    ] },
    Endpoint { path: "/remove/playlink/asset", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(), p("id", Id).must(),
    ], response: &[
        f("removed", Boolean),
    ] },
    Endpoint { path: "/remove/playlink/user", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("user_id", Id).must(),
    ], response: &[
        f("removed", Boolean),
    ] },
    Endpoint { path: "/remove/playlink/users", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("user_ids", IdArray).must(),
    ], response: &[
        f("removed", Boolean),
    ] },
    Endpoint { path: "/remove/playlist/assets", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("playlist_asset_ids", IdArray).must(),
    ], response: &[
        f("removed", Boolean),
    ] },
    Endpoint { path: "/remove/playlist/collaborators", category: "PLAYLISTCOLLABORATOR", token: true, array: false, free_request: false, free_response: false, request: &[
        p("playlist_id", Id).must(), p("team_id", IdArray), p("user_id", IdArray),
    ], response: &[
        f("collaborators_deleted", Boolean),
    ] },
    Endpoint { path: "/search/playlink/users", category: "PLAYLINK", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("is_expired", Boolean), p("search_term", String).must().min(3).max(100).text(),
        p("status", Enum).of(&["ACTIVE", "DELETED"]), p("user_type", Enum).of(&["OWNER", "SENDER"]),
    ], response: &[
        f("first_name", String), f("last_name", String), f("user_id", Id),
    ] },
    Endpoint { path: "/search/project/name", category: "PROJECT", token: true, array: true, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("limit", Integer), p("search_term", String).must().min(3).text(),
    ], response: &[
        f("project_breadcrumbs", Array),
    ] },
    Endpoint { path: "/send/destination/message", category: "DESTINATION", token: true, array: true, free_request: false, free_response: false, request: &[
        p("assets", IdArray).must(), p("destination_id", Id).must(), p("text", String).max(10000).text(),
    ], response: &[
        f("assets", IdArray), f("created", Date), f("destination_id", Id), f("id", Id), f("sender_email", String),
        f("sender_first_name", String), f("sender_id", Id), f("sender_last_name", String),
        f("status", Enum).of(&["PENDING", "DELIVERED", "RECEIVED", "ERROR"]), f("text", String),
    ] },
    Endpoint { path: "/send/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("message", String).max(10000).text(), p("user_ids", IdArray),
    ], response: &[
        f("sent", Boolean),
    ] },
    Endpoint { path: "/server-status", category: "SERVERSTATUS", token: false, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
        f("ok", Boolean), f("status_error", String),
    ] },
    Endpoint { path: "/server-status/drm/api", category: "SERVERSTATUS", token: false, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
    ] },
    Endpoint { path: "/server-status/drm/key", category: "SERVERSTATUS", token: false, array: false, free_request: false, free_response: false, request: &[
    ], response: &[
    ] },
    Endpoint { path: "/set/group/control", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("expiry_date", Date), p("id", Id).must(), p("max_usage", Integer), p("notes", String).text(),
        p("start_date", Date),
    ], response: &[
        f("control_id", Id), f("expiry_date", Date), f("max_usage", Integer), f("notes", String), f("record_id", Id),
        f("record_type", String), f("start_date", Date),
    ] },
    Endpoint { path: "/set/playlink/asset/order", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id).must(), p("id", Id).must(), p("order", Integer).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/set/review_session/state", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_state", String).text(), p("id", Id).must(),
        p("sync_mode", Enum).must().of(&["HOST", "EVERYONE", "UNSYNCED"]),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/set/review_session/user/host", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("is_host", Boolean).must(), p("user_id", Id).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/set/review_session/user/role", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("role", String).max(45).text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/setup/group/assets", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id).must(),
    ], response: &[
        f("project_id", Id), f("success", Boolean),
    ] },
    Endpoint { path: "/shotgun/get/entity/types", category: "SHOTGUN", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("default", Boolean), f("sg_entity_name", String), f("sg_entity_type", String),
    ] },
    Endpoint { path: "/shotgun/get/projects", category: "SHOTGUN", token: true, array: true, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(),
    ], response: &[
        f("default", Boolean), f("sg_project_id", String), f("sg_project_name", String),
    ] },
    Endpoint { path: "/shotgun/update/entities", category: "SHOTGUN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("assets", IdArray).must(), p("project_id", Id).must(), p("sg_entity_type", String).must().text(),
        p("sg_project_id", String).must().text(),
    ], response: &[
        f("assets", IdArray), f("entities", StringArray), f("updated", Integer),
    ] },
    Endpoint { path: "/start/live/stream", category: "LIVE", token: false, array: false, free_request: false, free_response: false, request: &[
        p("password", String).text(), p("stream_uri", String).text(), p("user_id", Id),
    ], response: &[
        f("connect_uri", String), f("success", Boolean),
    ] },
    Endpoint { path: "/start/live/whip/projectUUID/deviceUUID/streamNumber", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("RequestBody", String).text(), p("deviceUUID", Id).must(), p("projectUUID", IdOrUuid).must(),
        p("streamNumber", Id).must(),
    ], response: &[
        f("RequestBody", String),
    ] },
    Endpoint { path: "/start/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/stop/live/stream", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", Id), p("stream_uri", String).text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/stop/live/whip/projectUUID/deviceUUID/streamNumber", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("deviceUUID", Id).must(), p("projectUUID", IdOrUuid).must(), p("streamNumber", Id).must(),
    ], response: &[
    ] },
    Endpoint { path: "/subscribe/destination", category: "DESTINATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("device_name", String).max(256).text(), p("project_id", Id).must(), p("type", Enum).must().of(&["QTAKE"]),
        p("user_email", String).must().max(254).email(), p("user_name", String).must().max(256).text(),
        p("user_role", String).max(256).text(),
    ], response: &[
        f("created", Date), f("created_by", Id), f("destination_id", Id), f("device_name", String), f("id", Id),
    ] },
    Endpoint { path: "/unsubscribe/destination", category: "DESTINATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("subscription_id", Id).must(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/update/asset", category: "ASSET", token: true, array: false, free_request: true, free_response: false, request: &[
        p("custom_metadata", Object), p("id", IdOrUuid).must(), p("tags", IdArray), p("uuid", String).text(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/asset/thumbnail", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("thumbnail_position", Float).must(),
    ], response: &[
        f("available_comment_channels", StringArray), f("batch_id", Id), f("batch_name", String), f("blurhash", String),
        f("can_access_project", Boolean), f("can_comment", Boolean), f("can_offline", Boolean),
        f("can_update", Boolean), f("colorspaces", StringArray), f("comment_count", Integer),
        f("component_data", Object), f("component_links", Array), f("created", Date), f("deny_view", Boolean),
        f("desc", String), f("drm_enabled", Boolean), f("duration", Float), f("ext", String),
        f("hdr_screen_brightness", Float), f("hidden", Boolean), f("id", Id), f("is_admin", Boolean),
        f("is_derived_sdr", Boolean), f("is_derived_sdr_allowed", Boolean), f("is_live", Boolean),
        f("is_sdr_allowed", Boolean), f("is_unviewed", Boolean), f("master_id", Id), f("metadata", Object),
        f("name", String), f("offline_bytes", Integer), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("overall_processing_time", String), f("processing_estimate", Object), f("project_id", Id),
        f("resume_position", Float), f("scrub_jpg_frames", Integer), f("scrub_jpg_url", String),
        f("scrub_jpg_url_2x", String), f("scrub_jpg_url_3x", String), f("scrub_url", String), f("scrub_url_2x", String),
        f("scrub_url_3x", String), f("scrub_url_frames", Integer), f("sdr_screen_brightness", Float),
        f("sort_index", Integer), f("status", Enum).of(&["ACTIVE", "TRANSCODING", "PROCESSING", "DELETED"]),
        f("subtype", Enum).of(&["STREAMING", "LIVE", "IMMEDIATE", "CAMERA_TYPE_ID", "SLATE_TYPE_ID", "CAPTURE_TYPE_ID", "CAMERA_METADATA_TYPE_ID", "PRODUCTION_SCENE_TYPE_ID", "CAMERA_UNIT_TYPE_ID", "SHOT_TYPE_ID", "SEQUENCE_TYPE_ID"]),
        f("subtypeDisplayName", String), f("tags", IdArray), f("thumbnail_updated", Boolean),
        f("thumbnail_url", String), f("thumbnail_url_2x", String), f("thumbnail_url_3x", String),
        f("timelines", String),
        f("type", Enum).of(&["VIDEO", "IMAGE", "AUDIO", "PDF", "UNKNOWN", "MULTI_PRIMARY", "MULTI_SECONDARY", "ORIGINAL"]),
        f("uploaded_usage", Integer), f("user_id", Id), f("uuid", String), f("view_link", String),
    ] },
    Endpoint { path: "/update/assets", category: "ASSET", token: true, array: false, free_request: true, free_response: false, request: &[
        p("assets", IdArray).must(), p("custom_metadata", Object), p("tags", IdArray),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/batch", category: "BATCH", token: true, array: false, free_request: false, free_response: false, request: &[
        p("hidden", Boolean), p("id", Id).must(), p("name", String).must().max(100).text(), p("notify_users", IdArray),
    ], response: &[
        f("created", String), f("creator", Id), f("hidden", Boolean), f("id", Id), f("name", String), f("owner", Id),
        f("project_id", Id), f("status", Enum).of(&["ACTIVE", "DELETED"]),
    ] },
    Endpoint { path: "/update/comment", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", IdOrUuid), p("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), p("color", String).text(),
        p("colorspace", String).max(10).text(), p("created", Date), p("creator_email", String).max(254).email(),
        p("creator_name", String).max(64).text(), p("creator_role", String).text(),
        p("description", String).max(61440).text(), p("has_marker", Boolean), p("height", Integer),
        p("id", IdOrUuid).must(), p("is_reply", Boolean), p("marker_duration", Float), p("marker_time", Float),
        p("marker_timecode", String).text(), p("mentions", IdArray), p("parent_id", Id), p("playlink_id", Id),
        p("review_session_id", Id), p("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        p("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), p("uuid", String).text(), p("width", Integer),
    ], response: &[
        f("asset_id", Id), f("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), f("color", String),
        f("colorspace", String), f("completed_by_user_first_name", String), f("completed_by_user_id", Id),
        f("completed_by_user_last_name", String), f("created", Date), f("creator_email", String),
        f("creator_name", String), f("creator_role", String), f("description", String), f("has_drawing", Boolean),
        f("has_marker", Boolean), f("has_obsolete_drawing", Boolean), f("has_reply", Boolean), f("height", Integer),
        f("id", Id), f("is_expired", Boolean), f("is_owner", Boolean), f("is_reply", Boolean),
        f("marker_duration", Float), f("marker_time", Float), f("marker_timecode", String), f("parent_id", Id),
        f("project_id", Id), f("resolution_label", String),
        f("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), f("updated", Boolean), f("user_first_name", String),
        f("user_id", Id), f("user_last_name", String), f("user_project_role", String), f("uuid", String),
        f("width", Integer),
    ] },
    Endpoint { path: "/update/comment/complete", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("is_complete", Boolean).must(),
    ], response: &[
        f("asset_id", Id), f("channel_type", Enum).of(&["PUBLIC", "PRIVATE"]), f("color", String),
        f("colorspace", String), f("completed_by_user_first_name", String), f("completed_by_user_id", Id),
        f("completed_by_user_last_name", String), f("created", Date), f("creator_email", String),
        f("creator_name", String), f("creator_role", String), f("description", String), f("has_drawing", Boolean),
        f("has_marker", Boolean), f("has_obsolete_drawing", Boolean), f("has_reply", Boolean), f("height", Integer),
        f("id", Id), f("is_expired", Boolean), f("is_owner", Boolean), f("is_reply", Boolean),
        f("marker_duration", Float), f("marker_time", Float), f("marker_timecode", String), f("parent_id", Id),
        f("project_id", Id), f("resolution_label", String),
        f("scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("type", Enum).of(&["COMMENT", "IO_POINT", "ASSET"]), f("updated", Boolean), f("user_first_name", String),
        f("user_id", Id), f("user_last_name", String), f("user_project_role", String), f("uuid", String),
        f("width", Integer),
    ] },
    Endpoint { path: "/update/company", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("active", Boolean), p("disallow_impersonation", Boolean), p("domain", Id), p("hub_id", Id),
        p("id", Id).must(), p("mfa_enabled", Boolean), p("name", String).max(100).text(), p("settings", Object),
        p("watermark_settings", Object),
    ], response: &[
        f("active", Boolean), f("admin_team", Id), f("allow_inbox_only_option", Boolean),
        f("can_display_playlists", Boolean), f("can_display_shares", Boolean), f("can_share", Boolean),
        f("disallow_impersonation", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("id", Id), f("mfa_enabled", Boolean), f("name", String), f("settings", Object), f("updated", Boolean),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/update/company/control", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("expiry_date", Date), p("id", Id).must(), p("max_usage", Integer), p("notes", String).text(),
    ], response: &[
        f("control_id", Id), f("expiry_date", Date), f("max_usage", Integer), f("notes", String), f("record_id", Id),
        f("record_type", String), f("start_date", Date), f("updated", Boolean),
    ] },
    Endpoint { path: "/update/company/license", category: "LICENSE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("company_id", Id).must(), p("count", Integer), p("description", String).text(), p("end_date", Date),
        p("id", Id).must(), p("transaction_reference", String).text(),
        p("type", Enum).must().of(&["CONTRACTED", "ENTERPRISE", "NAMED_USER", "TOKEN_USER", "ROOMS_ONLY", "TRIAL", "PARTNER", "INTERNAL"]),
    ], response: &[
        f("company_id", Id), f("count", Integer), f("description", String), f("end_date", Date), f("id", Id),
        f("status", String), f("transaction_reference", String), f("type", String),
    ] },
    Endpoint { path: "/update/company/user", category: "COMPANY", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("inbox_only", Boolean), p("reset_mfa", Boolean), p("user_id", Id).must(),
    ], response: &[
        f("accessed", Date), f("account_status", Enum).of(&["INVITED", "ACTIVE", "DELETED"]),
        f("allow_support_access", Boolean), f("api_key_created", Date), f("api_key_last_used", Date),
        f("api_key_prefix", String), f("autoplay_video", Boolean), f("city", String), f("company", String),
        f("consent_check_required", Boolean), f("country", String), f("country_code", String), f("dateformat", String),
        f("email", String), f("email_notification_comment", Boolean), f("email_notification_delete", Boolean),
        f("email_notification_download", Boolean), f("email_notification_folder_add", Boolean),
        f("email_notification_immediates", Boolean), f("email_notification_immediates_interval", Integer),
        f("email_notification_screencapture", Boolean), f("email_notification_upload", Boolean),
        f("email_notification_view", Boolean), f("email_notification_view_audio", Boolean),
        f("email_notification_view_image", Boolean), f("external_idp_id", String), f("first_name", String), f("id", Id),
        f("inbox_days_until_archive", Integer), f("inbox_only", Boolean), f("ip_address", String),
        f("last_name", String), f("latitude", Float), f("longitude", Float), f("mx6_autoplay", Boolean),
        f("mx6_player", Boolean), f("phone", String), f("playout_percent", Float), f("playout_total", Integer),
        f("playout_used", Integer), f("project_role", String), f("project_security_group", Integer),
        f("region", String), f("remember_playback_position", Boolean), f("rooms_only", Boolean),
        f("sequential_playback", Boolean), f("status", Enum).of(&["ONLINE", "OFFLINE", "ANONYMIZED"]),
        f("storage_percent", Float), f("storage_total", Integer), f("storage_used", Integer), f("sysop", Boolean),
        f("timezone", String), f("trans_mins_percent", Float), f("trans_mins_total", Integer),
        f("trans_mins_used", Integer), f("type", String), f("updated", Boolean),
    ] },
    Endpoint { path: "/update/custom-metadata", category: "CUSTOMMETADATA", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).text(), p("id", Id).must(), p("name", String).text(), p("options", Array),
        p("sortable", Boolean), p("status", Enum).of(&["NEW", "ACTIVE", "DELETED", "DISABLED"]),
    ], response: &[
        f("assignment", Object), f("company_id", Id), f("description", String), f("id", Id), f("name", String),
        f("options", Array), f("sortable", Boolean), f("status", String), f("updated", Boolean),
    ] },
    Endpoint { path: "/update/customization", category: "CUSTOMIZATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("data_base64", String).must().text(), p("description", String).text(), p("email_domain_id", Id), p("id", Id),
        p("name", String).text(), p("type", String).text(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/destination/message", category: "DESTINATION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("error_message", String).text(), p("message_id", Id).must(),
        p("status", Enum).must().of(&["PENDING", "DELIVERED", "RECEIVED", "ERROR"]),
    ], response: &[
        f("assets", IdArray), f("created", Date), f("destination_id", Id), f("id", Id), f("sender_email", String),
        f("sender_first_name", String), f("sender_id", Id), f("sender_last_name", String),
        f("status", Enum).of(&["PENDING", "DELIVERED", "RECEIVED", "ERROR"]), f("text", String),
    ] },
    Endpoint { path: "/update/domain/asset", category: "DOMAIN", token: true, array: false, free_request: false, free_response: false, request: &[
        p("content_type", String).must().text(), p("data", String).must().text(), p("domain", Id).must(), p("id", Id),
        p("type", String).must().text(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/drawing", category: "COMMENT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("comment_id", Id).must(), p("drawing_data", String).must().text(),
        p("type", Enum).of(&["DRAWING_V2", "DRAWING", "BEACON"]),
    ], response: &[
        f("beacon_x", Float), f("beacon_y", Float), f("color", String), f("comment_id", Id), f("created", Date),
        f("drawing_data", String), f("has_reply", Boolean), f("id", Id), f("is_expired", Boolean),
        f("is_owner", Boolean), f("type", Enum).of(&["DRAWING_V2", "DRAWING", "BEACON"]), f("user_id", Id),
    ] },
    Endpoint { path: "/update/group", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("additional_rooms", Integer), p("background_image_asset_id", Id), p("color", Integer),
        p("description", String).text(), p("flow_project_id", String).text(), p("flow_project_name", String).text(),
        p("id", Id).must(), p("is_linked_to_flow", Boolean), p("license_id", Id), p("name", String).max(45).text(),
        p("poster_asset_id", Id), p("production_folder_id", Id), p("settings", Object), p("sizes", Object),
        p("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), p("suspended", Date), p("thumbnail_position", Integer),
        p("transaction_reference", String).text(), p("transcode_formats", Object), p("watermark_settings", Object),
    ], response: &[
        f("additional_rooms", Integer), f("allowed_settings", Object), f("asset_project_id", Id),
        f("available_rooms", Integer), f("background_image_url", String), f("blurhash", String),
        f("can_create_rooms", Boolean), f("can_create_root_folder", Boolean), f("can_create_template", Boolean),
        f("can_display_production_settings", Boolean), f("can_display_watermarking", Boolean),
        f("can_link_to_flow_project", Boolean), f("can_move_group", Boolean), f("can_update_participants", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("color", Integer), f("company_id", Id),
        f("company_name", String), f("created", Date), f("description", String), f("flow_id", String),
        f("flow_project_id", String), f("flow_project_name", String), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("id", Id), f("is_admin", Boolean), f("is_company_admin", Boolean), f("is_linked_to_flow_project", Boolean),
        f("is_owner", Boolean), f("is_pinned", Boolean), f("license_id", Id), f("license_type", String),
        f("licensed_rooms", Integer), f("name", String), f("named_licenses_available", Integer),
        f("named_licenses_used", Integer), f("origin_type", Enum).of(&["MOXION", "FLOW"]), f("owner", Id),
        f("production_folder_id", Id), f("production_poster_asset", Object), f("production_poster_url", String),
        f("projects", IdArray), f("settings", Object), f("sizes", Object),
        f("status", Enum).of(&["ACTIVE", "PENDING", "DELETED"]), f("suspended", Date), f("thumbnail_position", Float),
        f("total_uploaded_usage", Integer), f("total_usage", Integer), f("transaction_reference", String),
        f("transcode_formats", Object), f("updated", Boolean), f("warnings", StringArray),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/update/live/registration/composite", category: "LIVE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).must().text(), p("id", Id).must(), p("layout", Object).must(),
        p("name", String).must().text(),
    ], response: &[
        f("success", Boolean),
    ] },
    Endpoint { path: "/update/playlink", category: "PLAYLINK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_comments", Boolean), p("allow_download", Boolean), p("allow_offline", Boolean),
        p("auto_play", Boolean), p("description", String).max(1024).text(), p("expires", Date),
        p("expiry_timezone", String).text(), p("id", Id).must(), p("message", String).max(10000).text(),
        p("name", String).max(45).text(), p("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]),
        p("restrict_lock_ip_address", Boolean), p("timezone", String).text(), p("view_limit", Integer),
        p("watermark_id", Id),
    ], response: &[
        f("allow_comments", Boolean), f("allow_download", Boolean), f("allow_offline", Boolean),
        f("asset_count", Integer), f("auto_play", Boolean), f("company_id", Id), f("created", Date),
        f("description", String), f("expired", Boolean), f("expires", Date), f("group_id", Id), f("id", Id),
        f("message", String), f("modified", Date), f("name", String), f("owner_id", Id), f("owner_name", String),
        f("playlink_type", Enum).of(&["PASSWORD", "OPEN", "SECURE", "INBOX"]), f("project_id", Id),
        f("restrict_lock_ip_address", Boolean), f("sent", Date), f("status", Enum).of(&["DRAFT", "SENT", "EXPIRED"]),
        f("timezone", String), f("url", String), f("user_count", Integer), f("view_limit", Integer),
        f("watermark_id", Id),
    ] },
    Endpoint { path: "/update/playlist", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_ids", IdArray), p("description", String).max(1024).text(), p("group_id", Id), p("id", Id).must(),
        p("name", String).max(45).text(), p("thumbnail_asset_id", Id),
        p("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]),
    ], response: &[
        f("asset_ids", IdArray), f("blurhash", String), f("can_add_collaborators", Boolean),
        f("can_collaborate", Boolean), f("can_edit", Boolean), f("can_share", Boolean), f("company_id", Id),
        f("created", Date), f("description", String), f("flow_id", String), f("group_id", Id),
        f("has_collaborators", Boolean), f("id", Id), f("is_dynamic", Boolean), f("is_shared_with_me", Boolean),
        f("modified", Date), f("name", String), f("origin_type", Enum).of(&["Moxion", "Flow", "Hybrid"]),
        f("owner_id", Id), f("owner_name", String), f("playlinks", Array), f("source_project_id", Id),
        f("source_type", Enum).of(&["USER", "REVIEW_SESSION"]), f("thumbnail_asset_id", Id),
        f("thumbnail_type", Enum).of(&["NONE", "GENERATED", "UPLOADED", "SELECTED_ASSET"]), f("thumbnail_url", String),
        f("thumbnail_url_2x", String), f("thumbnail_url_3x", String), f("type", Enum).of(&["USER", "REVIEW_SESSION"]),
    ] },
    Endpoint { path: "/update/playlist/assets", category: "PLAYLIST", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("playlist_asset_ids", IdArray).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/playlist/collaborators", category: "PLAYLISTCOLLABORATOR", token: true, array: false, free_request: false, free_response: false, request: &[
        p("collaborators", Array), p("playlist_id", Id).must(),
    ], response: &[
        f("collaborators", Array), f("playlist_id", Id),
    ] },
    Endpoint { path: "/update/production_folder", category: "PRODUCTIONFOLDER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("color", String).max(10).color(), p("id", Id).must(), p("name", String).max(45).text(),
    ], response: &[
        f("color", String), f("company_id", Id), f("created", Date), f("id", Id), f("name", String),
        f("total_uploaded_usage", Integer), f("total_usage", Integer),
    ] },
    Endpoint { path: "/update/project", category: "PROJECT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_view_settings", Array), p("company", String).max(100).text(),
        p("description", String).max(1024).text(), p("folder_id", Id), p("id", Id).must(), p("mfa_enabled", Boolean),
        p("name", String).max(45).text(), p("overlay_custom_text", Boolean),
        p("overlay_custom_text_value", String).text(), p("overlay_email_address", Boolean),
        p("overlay_font_size", Float), p("overlay_opacity", Float), p("overlay_position", Integer),
        p("overlay_project_name", Boolean), p("settings", Object), p("sizes", String).text(),
        p("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), p("thumbnail_position", Float),
        p("transcode_formats", Object), p("watermark_settings", Object),
    ], response: &[
        f("accessed", Date), f("allowed_settings", Object), f("asset_count", Integer), f("breadcrumbs", Array),
        f("can_add_dynamic_folder_playlist", Boolean), f("can_asset_search", Boolean),
        f("can_assign_job_to_others", Boolean), f("can_comment", Boolean), f("can_create_live_stream", Boolean),
        f("can_create_playlinks", Boolean), f("can_create_playlists", Boolean), f("can_create_subclip", Boolean),
        f("can_create_subproject", Boolean), f("can_create_workflow", Boolean), f("can_delete_assets", Boolean),
        f("can_delete_project", Boolean), f("can_delete_users", Boolean), f("can_display_watermarking", Boolean),
        f("can_download", Boolean), f("can_download_nonwatermarked", Boolean), f("can_invite_playlink_users", Boolean),
        f("can_invite_users", Boolean), f("can_offline", Boolean), f("can_send_to_qtake", Boolean),
        f("can_share_assets_in_review_session", Boolean), f("can_take_screenshot", Boolean),
        f("can_toggle_drm", Boolean), f("can_toggle_mfa", Boolean), f("can_update_assets", Boolean),
        f("can_update_batch_visibility", Boolean), f("can_update_batches", Boolean),
        f("can_update_participants", Boolean), f("can_update_watermark", Boolean), f("can_upload", Boolean),
        f("can_view", Boolean), f("can_view_activity", Boolean), f("can_view_hidden_batches", Boolean),
        f("can_view_participants", Boolean), f("child_count", Integer), f("company_id", Id),
        f("component_links", Array), f("created", Date), f("deny_download", Boolean), f("deny_view", Boolean),
        f("description", String), f("drm_enabled", Boolean), f("forensic_watermarking", Boolean),
        f("forensic_watermarking_definition_level", String), f("forensic_watermarking_minimum_length_seconds", Integer),
        f("group", Id), f("id", Id), f("is_admin", Boolean), f("mfa_enabled", Boolean), f("name", String),
        f("parent_project_id", Id), f("playlink_types", StringArray), f("settings", Object), f("sizes", String),
        f("status", Enum).of(&["ACTIVE", "DELETED", "ARCHIVED"]), f("thumbnail_position", Float),
        f("transcode_formats", Object), f("updated", Boolean), f("warnings", StringArray),
        f("watermark_settings", Object),
    ] },
    Endpoint { path: "/update/project/user", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("project_id", Id).must(), p("project_role", String).text(), p("reset_mfa", Boolean),
        p("security_group", Integer), p("user_id", Id).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/review_session", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("allow_participants_to_unmute_self", Boolean),
        p("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]), p("company_id", Id),
        p("description", String).max(1024).text(), p("group_id", Id), p("host_user_ids", IdArray), p("id", Id).must(),
        p("mute_participants_on_entry", Boolean), p("name", String).max(45).text(), p("playlist_ids", IdArray),
        p("team_ids", IdArray), p("user_ids", IdArray), p("watermark_id", Id),
    ], response: &[
        f("allow_participants_to_unmute_self", Boolean), f("asset_count", Integer), f("asset_state", String),
        f("can_browse_assets", Boolean), f("can_display_watermarks", Boolean), f("can_edit", Boolean),
        f("can_reopen", Boolean), f("can_show_playlists", Boolean), f("can_show_teams", Boolean),
        f("can_upload_assets", Boolean), f("comment_scope", Enum).of(&["ASSET", "REVIEW_SESSION", "PLAYLINK"]),
        f("common_asset_repository_id", Id), f("company_id", Id), f("company_name", String), f("created", Date),
        f("description", String), f("echo_cancellation_enabled", Boolean), f("end_time", Date), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_guest_user_allowed", Boolean), f("is_host", Boolean),
        f("is_owner", Boolean), f("is_session_live_enabled", Boolean), f("is_standalone_room", Boolean),
        f("last_joined", Date), f("modified", Date), f("mute_participants_on_entry", Boolean), f("name", String),
        f("owner_id", Id), f("owner_name", String), f("playlist_count", Integer), f("session_playlist_id", Id),
        f("session_project_id", Id), f("start_time", Date),
        f("status", Enum).of(&["DRAFT", "SCHEDULED", "STARTED", "COMPLETE"]),
        f("sync_mode", Enum).of(&["HOST", "EVERYONE", "UNSYNCED"]), f("watermark_id", Id),
    ] },
    Endpoint { path: "/update/review_session/assets", category: "REVIEWSESSION", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("review_session_asset_ids", IdArray).must(),
    ], response: &[
        f("review_session_asset_ids", IdArray), f("updated", Boolean),
    ] },
    Endpoint { path: "/update/sent/message", category: "MESSAGE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("include_message_content", Boolean), p("is_archived", Boolean), p("is_starred", Boolean),
        p("is_unread", Boolean),
    ], response: &[
        f("allow_download", Boolean), f("allow_edit", Boolean), f("allow_offline", Boolean), f("asset_count", Integer),
        f("blurhash", String), f("body", String), f("can_be_restricted", Boolean), f("company_id", Id),
        f("company_name", String), f("created", Date), f("expire_days", Integer), f("expiry", Date),
        f("folder", Enum).of(&["INBOX", "ARCHIVE", "SENT"]), f("group_color", Integer), f("group_id", Id),
        f("group_name", String), f("id", Id), f("is_deferred", Boolean), f("is_expired", Boolean),
        f("is_live", Boolean), f("is_share", Boolean), f("is_starred", Boolean), f("is_unread", Boolean),
        f("is_unviewed", Boolean), f("last_modified", Date), f("message_id", Id), f("modified_since", Date),
        f("playlink_id", Id), f("playlist_id", Id), f("playlist_name", String), f("playlist_thumbnail_url", String),
        f("playlist_thumbnail_url_2x", String), f("playlist_thumbnail_url_3x", String), f("project_id", Id),
        f("project_name", String), f("read_timestamp", Date), f("search_context", String),
        f("sender_first_name", String), f("sender_last_name", String), f("sender_role", String),
        f("sender_user_id", Id), f("share_id", Id), f("share_name", String), f("share_sent_date", Date),
        f("start", Date), f("subject", String), f("thumbnail_url", String), f("thumbnail_url_2x", String),
        f("thumbnail_url_3x", String), f("type", Enum).of(&["PLAYLINK", "MESSAGE"]), f("unviewed_count", Integer),
    ] },
    Endpoint { path: "/update/sent/messages", category: "MESSAGE", token: true, array: false, free_request: false, free_response: false, request: &[
        p("group_id", Id), p("is_unread", Boolean).must(),
        p("message_type", Enum).must().of(&["SHARE", "ACTIVITY", "LIVE", "FLAGGED", "INBOX", "SENT", "ARCHIVE"]),
    ], response: &[
        f("updated", Integer),
    ] },
    Endpoint { path: "/update/tag", category: "TAG", token: true, array: false, free_request: false, free_response: false, request: &[
        p("color", String).max(10).color(), p("id", Id).must(), p("name", String).max(45).text(),
    ], response: &[
        f("color", String), f("id", Id), f("name", String), f("project_id", Id),
    ] },
    Endpoint { path: "/update/team", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("default_security_group", Integer), p("group_id", Id), p("id", Id).must(), p("name", String).max(45).text(),
        p("settings", Object),
    ], response: &[
        f("can_edit_team_details", Boolean), f("can_update_participants", Boolean), f("company_id", Id),
        f("default_security_group", Integer), f("group_id", Id), f("id", Id), f("is_admin_team", Boolean),
        f("is_collaborating", Boolean), f("is_externally_managed", Boolean), f("name", String), f("settings", Object),
        f("updated", Boolean), f("user_count", Integer),
    ] },
    Endpoint { path: "/update/team/user", category: "PARTICIPANT", token: true, array: false, free_request: false, free_response: false, request: &[
        p("id", Id).must(), p("role_id", Id), p("security_group_id", Integer), p("user_id", Id).must(),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/user/consent", category: "USER", token: true, array: false, free_request: false, free_response: false, request: &[
        p("consented", Boolean), p("marketing_subscription", Boolean),
    ], response: &[
        f("updated", Boolean),
    ] },
    Endpoint { path: "/update/watermark", category: "WATERMARK", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).text(), p("playlink_id", Id), p("watermark", Object), p("watermark_id", Id).must(),
    ], response: &[
        f("company_id", Id), f("description", String), f("group_id", Id), f("owner_id", Id), f("playlink_id", Id),
        f("url", String), f("usage_count", Integer), f("watermark", Object), f("watermark_id", Id),
    ] },
    Endpoint { path: "/update/workflow", category: "WORKFLOW", token: true, array: false, free_request: false, free_response: false, request: &[
        p("description", String).max(1024).text(), p("destination_asset_filter", String).text(),
        p("destination_asset_filter_by", String).text(), p("destination_asset_filter_match", String).text(),
        p("destination_asset_identify_expression", String).text(), p("destination_asset_tags", IdArray),
        p("destination_asset_tags_match_all", Boolean), p("id", Id).must(), p("name", String).max(45).text(),
        p("schedule_type", Enum).of(&["NONE", "REALTIME"]), p("source_asset_filter", String).text(),
        p("source_asset_filter_by", String).text(), p("source_asset_filter_match", String).text(),
        p("source_asset_identify_expression", String).text(), p("source_asset_tags", IdArray),
        p("source_asset_tags_match_all", Boolean), p("take_ownership", Boolean),
    ], response: &[
        f("created", Date), f("created_by_user_id", Id), f("description", String),
        f("destination_asset_filter", String), f("destination_asset_filter_by", String),
        f("destination_asset_filter_match", String), f("destination_asset_identify_expression", String),
        f("destination_asset_tags", IdArray), f("destination_asset_tags_match_all", Boolean),
        f("destination_project_id", Id), f("id", Id), f("last_edited_by_user_id", Id), f("last_executed", Date),
        f("last_updated", Date), f("name", String), f("owner_user_id", Id),
        f("schedule_type", Enum).of(&["NONE", "REALTIME"]), f("source_asset_filter", String),
        f("source_asset_filter_by", String), f("source_asset_filter_match", String),
        f("source_asset_identify_expression", String), f("source_asset_tags", IdArray),
        f("source_asset_tags_match_all", Boolean), f("source_project_id", Id),
        f("type", Enum).of(&["COPY_ACTION", "SEND_TO_SHOTGUN", "COMPOSITE_VIDEO"]), f("version", Integer),
    ] },
    Endpoint { path: "/upload/asset/abort", category: "UPLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("key", String).must().text(), p("upload_id", String).must().text(),
    ], response: &[
    ] },
    Endpoint { path: "/upload/asset/complete", category: "UPLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("batch_hidden", Boolean), p("batch_id", Id), p("batch_name", String).max(100).text(),
        p("etags", StringArray).must(), p("filename", String).must().text(), p("key", String).must().text(),
        p("priority", Enum).of(&["PRIORITY", "BACKGROUND"]), p("project_id", Id), p("sns_topic", String).text(),
        p("upload_id", String).must().text(),
    ], response: &[
        f("asset_id", Id),
    ] },
    Endpoint { path: "/upload/asset/init", category: "UPLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("filename", String).must().text(), p("project_id", Id),
    ], response: &[
        f("key", String), f("upload_id", String),
    ] },
    Endpoint { path: "/upload/asset/part", category: "UPLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("content_md5", String).text(), p("key", String).must().text(), p("part_number", Integer).must(),
        p("upload_id", String).must().text(),
    ], response: &[
        f("presigned_url", String),
    ] },
    Endpoint { path: "/upload/asset/s3", category: "UPLOAD", token: true, array: false, free_request: false, free_response: false, request: &[
        p("access_key_id", String).text(), p("batch_hidden", Boolean), p("batch_id", Id),
        p("batch_name", String).max(100).text(), p("bucket", String).text(), p("filename", String).must().text(),
        p("key", String).must().text(), p("path_prefix", String).text(), p("presigned_url", String).text(),
        p("priority", Enum).of(&["PRIORITY", "BACKGROUND"]), p("project_id", Id), p("region", String).text(),
        p("secret_access_key", String).text(), p("session_token", String).text(), p("sns_topic", String).text(),
    ], response: &[
        f("asset_id", Id), f("task_id", String),
    ] },
    Endpoint { path: "/upload/s3/complete", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("asset_id", String).text(), p("asset_uuid", String).text(), p("batch_hidden", Boolean),
        p("batch_id", String).text(), p("batch_name", String).max(100).text(), p("key", String).must().text(),
        p("name", String).must().text(), p("priority", Enum).of(&["PRIORITY", "BACKGROUND"]),
        p("project_id", Id).must(), p("sns_topic", String).text(),
    ], response: &[
        f("asset_id", Id),
    ] },
    Endpoint { path: "/upload/s3/signature", category: "ASSET", token: true, array: false, free_request: false, free_response: false, request: &[
        p("headers", String).text(), p("policy", String).text(),
    ], response: &[
        f("policy", String), f("signature", String),
    ] },
    Endpoint { path: "/validate/upload/batch", category: "ASSET", token: true, array: true, free_request: false, free_response: false, request: &[
        p("keys", StringArray).must(), p("metadata", StringArray).must(), p("names", StringArray).must(),
        p("project_id", Id).must(),
    ], response: &[
        f("processing", Boolean), f("task_id", String),
    ] },
];
