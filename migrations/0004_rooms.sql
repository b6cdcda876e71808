-- Review sessions: rooms, who is in them, what they show, and the state they are in.

CREATE TABLE rooms (
    id                  TEXT    NOT NULL CONSTRAINT pk_rooms PRIMARY KEY,
    production_id       TEXT    NOT NULL CONSTRAINT fk_rooms_production REFERENCES productions (id),
    -- The company that is shown with the room.
    company_id          TEXT    NOT NULL CONSTRAINT fk_rooms_company REFERENCES companies (id),
    owner_id            TEXT    NOT NULL CONSTRAINT fk_rooms_owner REFERENCES users (id),
    name                TEXT    NOT NULL,
    description         TEXT    NOT NULL DEFAULT '',
    status              TEXT    NOT NULL DEFAULT 'DRAFT',
    comment_scope       TEXT    NOT NULL DEFAULT 'ASSET',
    mute_on_entry       BOOLEAN NOT NULL DEFAULT FALSE,
    unmute_self         BOOLEAN NOT NULL DEFAULT TRUE,
    watermark_id        TEXT,
    -- The room's own playlist and folder.
    session_playlist_id TEXT    CONSTRAINT fk_rooms_session_playlist REFERENCES playlists (id) ON DELETE SET NULL,
    session_project_id  TEXT    CONSTRAINT fk_rooms_session_project REFERENCES projects (id),
    start_time          BIGINT,
    end_time            BIGINT,
    created             BIGINT  NOT NULL,
    modified            BIGINT  NOT NULL,
    CONSTRAINT ck_rooms_status CHECK (status IN ('DRAFT', 'SCHEDULED', 'STARTED', 'COMPLETE')),
    CONSTRAINT ck_rooms_comment_scope CHECK (comment_scope IN ('ASSET', 'REVIEW_SESSION', 'PLAYLINK'))
);
CREATE INDEX ix_rooms_production ON rooms (production_id);
CREATE INDEX ix_rooms_owner ON rooms (owner_id);

-- A seat: somebody's place in a room. The owner has one too, as a host.
-- `link_sha256` is what is kept of the link that lets a guest in.
CREATE TABLE room_users (
    id          TEXT    NOT NULL CONSTRAINT pk_room_users PRIMARY KEY,
    room_id     TEXT    NOT NULL CONSTRAINT fk_room_users_room REFERENCES rooms (id) ON DELETE CASCADE,
    user_id     TEXT    NOT NULL CONSTRAINT fk_room_users_user REFERENCES users (id) ON DELETE CASCADE,
    is_host     BOOLEAN NOT NULL DEFAULT FALSE,
    role        TEXT,
    -- The address that a guest was invited by. It is no account.
    guest_email TEXT,
    link_sha256 TEXT,
    attendee_id TEXT,
    join_sha256 TEXT,
    last_joined BIGINT,
    created     BIGINT  NOT NULL,
    CONSTRAINT uq_room_users_user UNIQUE (room_id, user_id),
    CONSTRAINT uq_room_users_guest UNIQUE (room_id, guest_email)
);
CREATE INDEX ix_room_users_user ON room_users (user_id);

CREATE TABLE room_teams (
    room_id TEXT NOT NULL CONSTRAINT fk_room_teams_room REFERENCES rooms (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL,
    CONSTRAINT pk_room_teams PRIMARY KEY (room_id, team_id)
);

-- The playlists that a room shows beside its own.
CREATE TABLE room_playlists (
    room_id     TEXT    NOT NULL CONSTRAINT fk_room_playlists_room REFERENCES rooms (id) ON DELETE CASCADE,
    playlist_id TEXT    NOT NULL CONSTRAINT fk_room_playlists_playlist REFERENCES playlists (id) ON DELETE CASCADE,
    sort_index  INTEGER NOT NULL,
    CONSTRAINT pk_room_playlists PRIMARY KEY (room_id, playlist_id)
);
CREATE INDEX ix_room_playlists_playlist ON room_playlists (playlist_id);

-- The order in which a room shows the assets of its playlists, as far as
-- somebody set one.
CREATE TABLE room_asset_order (
    room_id           TEXT    NOT NULL CONSTRAINT fk_room_asset_order_room REFERENCES rooms (id) ON DELETE CASCADE,
    playlist_asset_id TEXT    NOT NULL CONSTRAINT fk_room_asset_order_entry REFERENCES playlist_assets (id) ON DELETE CASCADE,
    session_order     INTEGER NOT NULL,
    CONSTRAINT pk_room_asset_order PRIMARY KEY (room_id, playlist_asset_id)
);

-- What everyone in a room sees, written before a command is acknowledged.
-- `state` is null until somebody drove it.
CREATE TABLE room_states (
    room_id  TEXT   NOT NULL CONSTRAINT pk_room_states PRIMARY KEY CONSTRAINT fk_room_states_room REFERENCES rooms (id) ON DELETE CASCADE,
    state    TEXT,
    modified BIGINT NOT NULL
);
